"""Does a whole run keep to itself what a server tells of itself and of others? `python benchmarks/canaries.py URL --spec FILE`.

Puts words that stand nowhere else into a throwaway server's configuration, logs, profiles, places and integrations
(`canaries.yaml`); runs probes and principles over the document, in a copy of the checkout and through a gateway that notes which
of the words the run was told; makes every report; and looks for the words in every file that the copy did not hold before, in all
that stood in a journal meanwhile, and in what the commands printed: as they are, in capitals or not, as base64, and escaped
for JSON or an address. Known deviations are taken out of the copy, so that each of them is shown as a failure.
`--strangers-leave` deactivates the strangers first, so that `--disruptive` (which goes to pytest like all else) also asks about
the closed list.
"""

import argparse
import base64
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import requests
import yaml
from gateway import Gateway, in_front_of
from leaks import LEFT_OUT, link_or_copy

from mmconform.paths import ROOT
from mmconform.record.record import NAME

#: Stands at both ends of each word, so that a word that was cut is found too.
MARK = "qzjxkw"
_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
#: Which of the record's formats are made beside the page.
_FORMATS = ("html", "markdown", "junit", "sarif", "github", "badge", "har")
_SUITES = ("suites/generated/test_probes.py", "suites/generated/test_principles.py")


class Words:
    """Gives out words, each another, and knows where each was put."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self.told: dict[str, str] = {}
        self._run = "".join(secrets.choice("abcdefgh") for _ in range(3))

    def new(self, place: str) -> str:
        word = f"{MARK}{self._run}{len(self.places):03d}{MARK}"
        self.places[word] = place
        return word

    def filled(self, value: Any, place: str, kept: dict[str, str]) -> Any:
        """Return a value with new words, and what was kept, in the place of names in braces."""
        if isinstance(value, dict):
            return {self.filled(name, place, kept): self.filled(one, place, kept) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one, place, kept) for one in value]
        if not isinstance(value, str):
            return value
        return re.sub(r"\{(\w+)\}", lambda name: self._give(name[1], place, kept), value)

    def _give(self, name: str, place: str, kept: dict[str, str]) -> str:
        if name in kept:
            return kept[name]
        word = self.new(place)
        return {"canary": word, "text": f'ü "{word}" & /\\ {word} ü', "long": (word + MARK * 4)[:32]}[name]


def plant(url: str, words: Words, *, leaves: bool) -> list[str]:
    """Put the words into a server, and return the places that it refused."""
    kept, tokens, refused = {"stranger": "", "friend": ""}, {"nobody": ""}, []
    login = {"login_id": os.environ["MM_ADMIN_LOGIN"], "password": os.environ["MM_ADMIN_PASSWORD"]}
    first = {"username": login["login_id"], "email": f"{login['login_id']}@conformance.invalid", "password": login["password"]}
    requests.post(f"{url}/api/v4/users", json=first, timeout=60)  # who makes the first account is the administrator
    tokens["admin"] = requests.post(f"{url}/api/v4/users/login", json=login, timeout=60).headers["Token"]
    for row in yaml.safe_load(Path(__file__).with_name("canaries.yaml").read_text(encoding="utf-8"))["places"]:
        sent, answer = _send(url, row, words, kept, tokens[row["by"]])
        if answer.status_code >= 300 and not row.get("fails"):
            refused.append(f"{row['place']}: {answer.status_code} {answer.text[:200]}")
            continue
        told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        kept |= {name: str(_part(told, path)) for name, path in row.get("keep", {}).items()}
        words.told |= {str(_part(told, path)): f"{row['place']}, {path}" for path in row.get("told", ())}
        if who := row.get("signs_in"):
            credentials = {"login_id": sent["username"], "password": sent["password"]}
            agent = {"User-Agent": f"Mozilla/5.0 {words.new('the browser of a stranger')}"}
            tokens[who] = requests.post(f"{url}/api/v4/users/login", json=credentials, headers=agent, timeout=60).headers["Token"]
    for who in ("stranger", "friend") if leaves else ():
        headers = {"Authorization": f"Bearer {tokens['admin']}"}
        requests.delete(f"{url}/api/v4/users/{kept[who]}", headers=headers, timeout=60)
    return refused


def _send(url: str, row: dict[str, Any], words: Words, kept: dict[str, str], token: str) -> tuple[Any, requests.Response]:
    place = row["place"]
    method, _, path = words.filled(row["send"], place, kept).partition(" ")
    body = words.filled(row.get("body"), place, kept)
    how: dict[str, Any] = {"json": body} if "body" in row else {}
    if "raw" in row:
        how = {"data": words.filled(row["raw"], place, kept).encode()}
    if "form" in row:
        form = words.filled(row["form"], place, kept).items()
        how = {"files": {name: ("e.gif", _GIF) if value == "GIF" else (None, value) for name, value in form}}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return body, requests.request(method, f"{url}/api/v4/{path}", headers=headers, timeout=60, **how)


def _part(told: Any, path: str) -> Any:
    for step in path.split("."):
        told = told[int(step)] if step.isdigit() else told[step]
    return told


# -- what the run is told --------------------------------------------------------------------------------------------------


class Counting(Gateway):
    """Notes which words the run is told, and where."""

    told, lock = defaultdict[bytes, set[str]](set), Lock()
    _WORD = re.compile(MARK.encode() + rb"\w{6}" + MARK.encode())

    def pass_on(self, body: bytes) -> None:
        status, content, headers = self.ask(body)
        if MARK.encode() in content:
            with self.lock:
                for word in set(self._WORD.findall(content)):
                    self.told[word].add(f"{self.command} {re.sub('[a-z0-9]{26}', '*', self.path)}")
        self.say(status, content, headers)


@contextmanager
def kept_journals(folder: Path, keep: Path) -> Iterator[None]:
    """Give every file that appears in a folder for a while, journals above all, a second name by which it is kept."""
    over = Event()
    keep.mkdir()

    def look() -> None:
        seen: set[int] = set()
        while not over.wait(0.02):
            for path in folder.rglob("*.jsonl"):
                with suppress(OSError):
                    number = path.stat().st_ino
                    if number not in seen:
                        os.link(path, keep / f"{len(seen):05d}-{path.name}")
                        seen.add(number)

    thread = Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# -- where they stand afterwards -------------------------------------------------------------------------------------------


def shapes(word: str) -> list[bytes]:
    """Return every shape of a word in small letters: as it is, and escaped for JSON or an address."""
    escaped = (form.join(["", *(f"{ord(c):02x}" for c in word)]) for form in ("", "%", "\\u00"))
    return [shape.encode() for shape in (word, *escaped)]


def in_base64(word: str) -> list[bytes]:
    """Return what stands in the base64 of whatever holds a word: it may begin at any of three places."""
    whole = (base64.b64encode(b"\0" * n + word.encode()).decode().rstrip("=") for n in range(3))
    return [text[(0, 2, 3)[n] : len(text) - (n > 0)].encode() for n, text in enumerate(whole)]


def found(text: bytes, words: Words) -> list[str]:
    """Return what stands around the words in a text."""
    small, wanted = text.lower(), (MARK, *words.told)
    hits = [small.find(shape) for word in wanted for shape in shapes(word)]
    hits += [text.find(shape) for word in wanted for shape in in_base64(word)]
    return [text[max(hit - 100, 0) : hit + 60].decode("utf-8", "replace").replace("\n", " ") for hit in hits if hit >= 0]


def confirm_search(words: Words) -> None:
    """Look whether what is there is found: whatever comes before it, and in every shape."""
    word = f"{MARK}007{MARK}"
    for before in ("", "a", "ab"):
        text = f"{before}{word} and more"
        for shape in (text.encode(), text.upper().encode(), base64.b64encode(text.encode()), text.encode().hex().encode()):
            assert found(shape, words), "what is there is not found"
    assert found("".join(f"%{ord(c):02X}" for c in word).encode(), words) and not found(b"nothing", words)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--spec", required=True)
    parser.add_argument("--strangers-leave", action="store_true")
    parser.add_argument("--plant-only", action="store_true")
    given, more = parser.parse_known_args()
    words = Words()
    confirm_search(words)
    refused = plant(given.url, words, leaves=given.strangers_leave)
    planted = f"{len(words.places)} words and {len(words.told)} secrets planted"
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}: {planted}")
    print(*(f"  refused: {one}" for one in refused), sep="\n")
    if given.plant_only:
        return 0
    with tempfile.TemporaryDirectory() as folder, in_front_of(given.url, Counting) as url:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT), copy_function=link_or_copy)
        for path in (copy / "deviations" / "official").glob("*.yaml"):
            path.unlink()
        before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
        environment = {**os.environ, "PYTHONPATH": str(copy)}

        def run(module: str, *arguments: str) -> bytes:
            command = [sys.executable, "-m", module, *arguments]
            pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            done = subprocess.run(command, cwd=copy, env=environment, check=False, **pipes)
            if done.returncode not in (0, 1):
                print(f"{' '.join(arguments)}: {done.returncode} {done.stdout.decode('utf-8', 'replace')[-1500:]}")
            return done.stdout

        (copy / "reports").mkdir(exist_ok=True)
        began = time.monotonic()
        with kept_journals(copy / "reports", Path(folder) / "kept"):
            about = ("--target", url, f"--spec={given.spec}", "--max-examples=1")
            said = run("pytest", *about, "-v", "-ra", "--tb=long", "--showlocals", *(more or _SUITES))
        seconds = time.monotonic() - began
        last = said.decode("utf-8", "replace").splitlines()
        print(
            *(line for line in last if re.match(r"  (RED|GREEN|of \d)|left the server|NOT AS|=+ .* in \d|\d+ passed", line)),
            sep="\n",
        )
        for record in sorted((copy / "reports").rglob(NAME)):
            for format_ in _FORMATS:
                output = f"--output=reports/report.{format_}"
                said += run("mmconform", "report", str(record), f"--spec={given.spec}", "--format", format_, output)
        said += run("mmconform", "doctor", url, f"--spec={given.spec}")
        new = (path for path in sorted(copy.rglob("*")) if path.is_file() and before.get(path) != path.stat().st_mtime_ns)
        files = [path for path in new if path.suffix != ".pyc"]
        files += sorted((Path(folder) / "kept").iterdir())
        leaks = [f"{path.relative_to(folder)}: …{one}…" for path in files for one in found(path.read_bytes(), words)]
        leaks += [f"the terminal: …{one}…" for one in found(said, words)]
        size = sum(path.stat().st_size for path in files) / 1e6
        kinds = sorted({re.sub(r"[0-9a-f]{6}|^\d{5}-", "*", path.name) for path in files})
    met = {place for word, place in words.places.items() if word.encode() in Counting.told}
    unmet = sorted(set(words.places.values()) - met)
    answers = len({place for places in Counting.told.values() for place in places})
    print(f"{seconds:.0f} s; the run was told {len(Counting.told)} of the words, by {answers} different requests")
    print(f"places of which it was told nothing: {', '.join(unmet) or 'none'}")
    print(f"{len(files)} files ({size:.1f} MB: {', '.join(kinds)}) and {len(said) / 1e6:.1f} MB of output")
    print(f"hold {len(leaks) or 'none'} of them", *leaks[:40], sep="\n  ")
    return int(bool(leaks or refused) or len(Counting.told) < len(words.places) // 2)


if __name__ == "__main__":
    sys.exit(main())
