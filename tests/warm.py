"""A process that has imported what a run of the suites needs, and forks off one run after another.

Half of the time of a small run goes into imports. A fork has its own memory, environment and folder, as a process that a user
starts has; what such a one decides before any import (its encoding, its hash seed, where its workers look for modules) it takes
from here. Where that matters, or where importing is the point, tests start a process of their own (`as_user`).
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

_SECONDS = 300


class Warm:
    """Such a process, from its first run to `close`."""

    def __init__(self, folder, *warming):
        """Start in a folder, and import what pytest needs for a run with these arguments."""
        command = [sys.executable, __file__, *map(str, warming)]
        pipe, env = subprocess.PIPE, {k: v for k, v in os.environ.items() if not k.startswith(("MM_", "PYTEST_", "COLUMNS"))}
        self.process = subprocess.Popen(command, cwd=folder, env=env, stdin=pipe, stdout=pipe, text=True)

    def pytest(self, arguments, env, cwd):
        """Run pytest as `python -m pytest` would."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            order = {"arguments": arguments, "env": env, "cwd": str(cwd), "out": str(out), "err": str(err)}
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            status = int(self.process.stdout.readline())
            return CompletedProcess(arguments, status, out.read_text("utf-8"), err.read_text("utf-8"))

    def close(self):
        self.process.stdin.close()
        self.process.wait(_SECONDS)
        self.process.stdout.close()


def _serve():
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _become(**order)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _become(arguments, env, cwd, out, err):
    """Go on as pytest; never return."""
    signal.alarm(_SECONDS)
    for number, (path, flags) in enumerate(
        [(os.devnull, os.O_RDONLY), (out, os.O_WRONLY | os.O_CREAT), (err, os.O_WRONLY | os.O_CREAT)]
    ):
        os.dup2(os.open(path, flags), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.argv[1:] = arguments
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    sys.path[0] = ""  # as `python -m` has it
    import pytest

    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        pytest.main(sys.argv[1:])
    gc.collect()
    gc.freeze()  # what is here already is no garbage: no fork has to look through it, and so to copy its pages
    _serve()
