"""Does a run let out a secret? `python benchmarks/leaks.py http://127.0.0.1:8065`, with credentials in the environment.
What follows the address goes to pytest.

In a copy of the checkout, records a tape from a server through a gateway that notes every secret that passes: sessions,
tokens, cookies, passwords, codes, whoever sends them. Makes every report and notebook of the run, and looks for each of the
secrets in every file that the copy did not hold before and in what the commands printed; as it is, in capitals and as base64.
"""

import argparse
import base64
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from gateway import Gateway, Headers, in_front_of

from mmconform.paths import ROOT
from mmconform.record.record import NAME

FIELDS = (
    *("token", "access_token", "refresh_token", "csrf", "secret", "client_secret"),
    *("password", "new_password", "current_password", "turn_password", "code"),
)
#: What begins so is ours, for a tape or for requests with credentials that nobody ever had.
_MADE_UP = ("redacted", "ZZZ", "zzz")
_SHORTEST = 12
LEFT_OUT = (".git", ".venv", "reports", ".*_cache", ".schemathesis")


class Watching(Gateway):
    """Notes the secrets that pass."""

    secrets, ids, lock = set[str](), set[str](), Lock()

    def pass_on(self, body: bytes) -> None:
        status, content, headers = self.ask(body)
        with self.lock:
            # Whoever sends an id as a credential tells what stands in lists and addresses.
            self.ids.update(re.findall(r'"id":\s?"([a-z0-9]{26})"', content.decode("latin-1")))
            for held in (*held_in(list(self.headers.items()), body), *held_in(headers, content)):
                if len(held) >= _SHORTEST and not held.startswith(_MADE_UP):
                    self.secrets.add(held)
        self.say(status, content, headers)


def held_in(headers: Headers, body: bytes) -> Iterator[str]:
    """Yield the secrets of a message. A header that holds none that a server gave out is no secret, and does no harm here."""
    for name, value in headers:
        if name.lower() == "token":
            yield value
        if name.lower() in ("set-cookie", "cookie"):
            yield from re.findall(r"(?:MMAUTHTOKEN|MMCSRF)=([^;\s]+)", value)
        if name.lower() == "authorization":
            yield from re.findall(r"(?i)^bearer ([a-z0-9]{26})$", value)
    try:
        yield from _fields(json.loads(body))
    except ValueError:
        yield from (value for name, value in parse_qsl(body.decode("latin-1")) if name in FIELDS)


def _fields(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for child in node:
            yield from _fields(child)
    elif isinstance(node, dict):
        for name, child in node.items():
            if name in FIELDS and isinstance(child, str):
                yield child
            elif name == "redirect" and isinstance(child, str):
                yield from (value for key, value in parse_qsl(urlsplit(child).query) if key in FIELDS)
            else:
                yield from _fields(child)


Shapes = dict[int, dict[str, str]]


def shapes(secrets: set[str]) -> Shapes:
    """Return, by its length, every shape of the secrets that is looked for: as it is, for an address, as base64."""
    known: Shapes = {}
    for secret in secrets:
        for shape in (secret, quote(secret), base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]):
            known.setdefault(len(shape), {})[shape.lower()] = secret
    return known


def found(text: bytes, known: Shapes) -> set[str]:
    """Return the secrets that stand in a text in one of their shapes, in capitals or not.

    They can stand only where enough characters follow one another that they are made of.
    """
    letters = re.escape("".join({letter for same in known.values() for shape in same for letter in shape}))
    runs = re.findall(f"[{letters}]{{{min(known)},}}", text.decode("latin-1").lower())
    windows = ((same, run[i : i + n]) for run in runs for n, same in known.items() for i in range(len(run) - n + 1))
    return {same[window] for same, window in windows if window in same}


def is_copied(path: Path, original: Path) -> bool:
    """Whether a file of the copy is as it was before the run."""
    return original.is_file() and (path.samefile(original) or path.read_bytes() == original.read_bytes())


def link_or_copy(source: str, copy: str) -> None:
    """Put a file into the copy of the checkout: a tape as a link, since no cassette is ever changed in place."""
    try:
        (os.link if "cassettes" in Path(source).parts else shutil.copy2)(source, copy)
    except OSError:  # a link into another file system
        shutil.copy2(source, copy)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    given, more = parser.parse_known_args()
    secret = "a1" * 13
    for shape in (secret, secret.upper(), base64.b64encode(secret.encode()).decode()):
        assert found(f"<{shape}>".encode(), shapes({secret})) == {secret}, "what is there is not found"
    with tempfile.TemporaryDirectory() as folder, in_front_of(given.url, Watching) as url:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT), copy_function=link_or_copy)
        environment = {**os.environ, "PYTHONPATH": str(copy)}

        def run(module: str, *arguments: str) -> bytes:
            command = [sys.executable, "-m", module, *arguments]
            done = subprocess.run(
                command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
            if done.returncode not in (0, 1):
                sys.exit(f"{' '.join(arguments)}: {done.stdout.decode()[-600:]}")
            return done.stdout

        said = run("pytest", "--target", url, "--create-first-admin", "--record-mode=rewrite", "--replace-tape", "-v", *more)
        made = str(next((copy / "reports").rglob(NAME)))
        for format_ in ("html", "markdown", "junit", "sarif", "github"):
            said += run("mmconform", "report", made, "--format", format_, "--output", f"reports/report.{format_}")
        said += run("mmconform", "report", "--notebook", made)
        files = [
            path for path in sorted(copy.rglob("*")) if path.is_file() and not is_copied(path, ROOT / path.relative_to(copy))
        ]
        tapes = sum("cassettes" in path.parts for path in files)
        Watching.secrets -= Watching.ids
        known = shapes(Watching.secrets)
        leaks = {f"{s[:4]}… in {path.relative_to(copy)}" for path in files for s in found(path.read_bytes(), known)}
        leaks |= {f"{s[:4]}… in the terminal" for s in found(said, known)}
        size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}")
    print(
        f"{len(Watching.secrets)} secrets passed; {len(files)} files ({tapes} of a tape, {size:.1f} MB) and {len(said)} bytes of"
    )
    print(f"output hold {len(leaks) or 'none'} of them")
    print("\n".join(sorted(leaks)[:20]))
    return int(bool(leaks) or not Watching.secrets or not tapes)


if __name__ == "__main__":
    sys.exit(main())
