"""What several tests share: the document, the contract, made-up exchanges, a tiny server, and a user's shell."""

import gc
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from mmconform.commands.cli import main
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.judging import deviations
from mmconform.paths import ROOT
from mmconform.report import summary
from mmconform.version import Version
from tests import rows as lines
from tests.warm import Warm

#: Python looks for garbage after so many new objects: seldom, since what tests make they keep, or drop without a cycle.
gc.set_threshold(20_000, 20, 20)


def pytest_collection_finish():
    """What is here before the first test stays until the last: it is no garbage, and to look through it takes long."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def loaded():
    """Our sources and overlay. Read only."""
    return load()


@pytest.fixture(scope="session")
def document(loaded):
    """The merged and overlaid document. Read only."""
    return loaded.document


@pytest.fixture(scope="session")
def contract(document):
    """The contract of our own document. Read only."""
    return build(document)


@pytest.fixture(scope="session")
def known(contract):
    """The known deviations. Read only."""
    return deviations.load(contract)


def _place(known, row):
    """Return the entry that makes a row known, as a run would write it."""
    return next((d.place for d in known if (d.clause, d.signature) == (row["clause"], row.get("signature"))), "")


@pytest.fixture(scope="session")
def record_of(contract, known):
    """Make the record of a run: the observations that are told, and every other promise kept or not in the version."""

    def record_of(name, *told, answers=(), changes=(), **header):
        version = Version.parse(name)
        rows = [
            {
                "operation": (clause := contract.clauses[row["clause"]]).operation,
                "rule": clause.rule,
                "persona": "system_admin",
                "test": f"suites/some/test_it.py::test_it[{name}]",
                "signature": "",
                "count": 1,
                "deviation": _place(known, row) if row.get("standing") == "known" else "",
                **row,
            }
            for row in [*told, *_kept(contract, version, {row["clause"] for row in told})]
        ]
        served = [{"operation": o.id, "in_scope": o.exists_in(version)} for o in contract.operations.values()]
        operations = [{**o, "sent": 9, "reached": 6, "served": 3, "exercised": o["in_scope"]} for o in served]
        nothing = {"errors": 0, "not_taped": 0, "is_whole": False}
        rows, operations, changes = lines.observations(*rows), lines.operations(*operations), lines.changes(*changes)
        nothing["finished"] = "2026-11-22T00:01:00Z"
        footer = summary.summarise(contract, version, rows, operations, known, **nothing)
        footer = summary.beside_the_one_before(footer, changes[0].against if changes else "", changes, [])
        about = lines.header(name, **{"spec": contract.digest, "clauses": len(contract.clauses), **header})
        about_all = {"number": 1, "valid": True, "error": "", "request": "permissions/matrix/who_may_call/x", "as_shipped": True}
        asked = [{**about_all, **a} for a in answers]
        return lines.make_record(about, rows, operations, footer, asked, changes)

    return record_of


def _kept(contract, version, told):
    for clause in contract.clauses.values():
        there = contract.operations[clause.operation].exists_in(version) or clause.rule == "since"
        if clause.id not in told and there:
            yield {"clause": clause.id, "outcome": "pass", "count": 2}
        elif clause.id not in told:
            yield {"clause": clause.id, "outcome": "skip", "signature": "not-in-version", "persona": "everyone"}


@pytest.fixture
def write(tmp_path):
    """Write a file below tmp_path and return its path."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


@pytest.fixture
def serve():
    """Start an HTTP server on loopback that answers with ``answer(method, path, headers, body)``.

    The answer is (status, headers, body), with the X-Version-Id of a Mattermost server unless it has one of its own; None
    breaks the connection off. Returns the server's address; every request is kept in ``server.requests``.
    """
    running = []

    def serve(answer):
        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.server.requests.append((self.command, self.path, dict(self.headers), body))
                made = answer(self.command, self.path, self.headers, body)
                self.close_connection = True
                if made is None:
                    return
                status, headers, content = made
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if not any(name.lower() == "x-version-id" for name, _ in headers):
                    self.send_header("X-Version-Id", "5.36.0.5.36.1.hash.false")
                if not any(name.lower() == "content-length" for name, _ in headers):
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *arguments):
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.requests = []
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return server

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def closed_port():
    """An address on loopback on which nothing listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_address[1]
    server.server_close()
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def as_user():
    """Run a module or a script the way a user does, from the checkout, without anybody's credentials."""

    def as_user(program, *arguments, **environment):
        cwd, env = environment.pop("cwd", ROOT), _a_users(environment)
        return subprocess.run(
            [sys.executable, *([program] if isinstance(program, Path) else ["-m", program]), *map(str, arguments)],
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    return as_user


@pytest.fixture
def command(capsys):
    """Give a command of ours, within this process: what a process of its own decides, `as_user` shows."""

    def command(*arguments):
        capsys.readouterr()
        status = main([*map(str, arguments)])
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return command


def _a_users(environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MM_", "PYTEST_", "COLUMNS"))}
    return clean | {"PYTHONPATH": str(ROOT)} | {k: str(v) for k, v in environment.items()}


@pytest.fixture(scope="session")
def run_pytest():
    """Run pytest on our suites as `as_user` does, but forked off a process that has imported everything (`tests/warm.py`)."""
    warm = Warm(ROOT, "suites/permissions/test_commands.py", "--collect-only", "--target=recorded")
    yield lambda *arguments, **environment: warm.pytest([*map(str, arguments)], _a_users(environment), ROOT)
    warm.close()


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return Path(ROOT)


def flaw(operation, *by, **more):
    """A row of a proof: a flaw of an operation, the clauses that notice it, and what else is to be said."""
    return {"name": operation, "operation": operation, "killed": bool(by), "as_declared": True, "by": list(by), **more}


@pytest.fixture(scope="session")
def proof(contract):
    """Make a proof of our documents from such rows."""
    about = {"made": "2026-11-22T00:00:00Z", "seconds": {"mmconform": 60.0, "schemathesis": 30.0}}
    return lambda *flaws: {**about, "spec": contract.digest, "mutants": list(flaws)}
