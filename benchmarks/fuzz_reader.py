"""Throw broken documents at everything that reads them: `python benchmarks/fuzz_reader.py --seconds 600`.

Takes our documents and some small ones, breaks them (bytes, lines, values, references, aliases), and reads, merges,
overlays, validates and understands the result. Whatever is given, it is loaded or refused in one line; nothing but the
given file is opened, and no address is connected to. Prints what broke, once for each place, and how much was tried.
"""

import argparse
import copy
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from mmconform.contract import prose
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.errors import MisuseError
from mmconform.paths import ROOT

#: Seconds that one document may take; more is a flaw.
SLOW = 10
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    float("nan"),
    "",
    " ",
    "x",
    "\u202e",
    "\ud800",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"$ref": 1},
]
ODD += [
    {"$ref": f"#/{rest}"}
    for rest in ("", "paths", "components/schemas/Nothing", "definitions/User", "~", "%zz", "a/0/b", "info/title/0")
]
ODD += [
    "#/paths",
    "2.0",
    "3.1.0",
    3.0,
    "string",
    "object",
    "array",
    "/{a}/{b}",
    "{",
    "http://[",
    "__Minimum server version__: 9.9",
    "x" * 5000,
]
SMALL = """openapi: 3.0.3
info: {title: t, version: '1'}
servers: [{url: 'http://h/api'}]
paths:
  /a/{id}:
    parameters: [{$ref: '#/components/parameters/I'}]
    get:
      operationId: A
      description: |
        Does it. __Minimum server version__: 5.1
        ##### Permissions
        Must have `manage_system` permission.
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/T'}}}}
      responses:
        '200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/T'}}}}
        default: {$ref: '#/components/responses/E'}
components:
  parameters: {I: {name: id, in: path, required: true, schema: {type: string, nullable: true}}}
  responses: {E: {description: e}}
  schemas: {T: {type: object, required: [a], properties: {a: {allOf: [{type: string}, {$ref: '#/components/schemas/T'}]}}}}
"""
OVERLAY = """overlay: 1.0.0
info: {title: o, version: '1'}
actions:
  - {target: '$.paths[*].get', update: {summary: s}, x-reason: r, x-evidence: e}
  - {target: "$.paths['/a/{id}'].get.description", remove: true, x-reason: r, x-evidence: e}
"""
WORDS = "Must have `manage_system` permission or be . for the team __Minimum server version__: 4.1 ##### \n - * ( ) and"
WORDS += " other users self token"


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a document."""
    found, todo = [], [node]
    while todo:
        one = todo.pop()
        for key, child in one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ():
            found.append((one, key))
            todo.append(child)
    return found


def bent(draw: random.Random, data: Any) -> str:
    """Return a document with some of its values replaced, taken away, doubled or moved."""
    data = copy.deepcopy(data)
    for _ in range(draw.choice((1, 1, 2, 4, 9))):
        at = places(data)
        if not at:
            break
        container, key = draw.choice(at)
        match draw.randrange(5):
            case 0 if isinstance(container, dict):
                container[str(draw.choice(ODD))] = container.pop(key)
            case 1:
                del container[key]
            case 2:
                other, its = draw.choice(at)
                if its in other if isinstance(other, dict) else its < len(other):
                    container[key] = copy.deepcopy(other[its])
            case _:
                container[key] = copy.deepcopy(draw.choice(ODD))
    if draw.random() < 0.3 or "\ud800" in repr(data) or "\\ud800" in repr(data):
        return json.dumps(data, default=str)
    return yaml.dump(data, Dumper=yaml.CDumper, sort_keys=False)


def torn(draw: random.Random, text: str) -> str:
    """Return a text with bytes or lines lost, doubled, swapped or replaced."""
    for _ in range(draw.choice((1, 1, 3, 10))):
        lines = text.split("\n")
        at = draw.randrange(len(lines))
        match draw.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(draw.randrange(len(lines)), lines[at])
            case 2:
                lines[at] = " " * draw.randrange(12) + lines[at].lstrip()
            case 3:
                lines[at] += draw.choice(
                    ("&a", " *a", ": &a [*a]", "\t", "---", "...", "!!python/object:x", "? ", "<<: *a", "\x00", "|", "'")
                )
            case 4:
                where = draw.randrange(len(text) + 1)
                lines = (text[:where] + chr(draw.randrange(1, 0x2FF)) + text[where + draw.randrange(4) :]).split("\n")
            case _:
                lines = text[: draw.randrange(len(text) + 1)].split("\n")
        text = "\n".join(lines)
    return text


def spoken(draw: random.Random) -> None:
    """Understand a description of random words."""
    text = " ".join(draw.choice(WORDS.split(" ")) for _ in range(draw.randrange(60)))
    for sentence in prose.sentences(text):
        prose.understand(sentence)


#: What may be opened: ours, what we wrote, Python's own, and its table of media types.
FAIR = (str(ROOT), tempfile.gettempdir(), sys.prefix, sys.base_prefix, "/dev/null", "/etc/mime.types")


class Watch:
    """Sees which files are opened to be read and whether a connection is made."""

    def __init__(self) -> None:
        self.on, self.seen = False, ""
        sys.addaudithook(self.see)

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event == "socket.connect":
            self.seen = f"connected to {arguments[1]}"
        if self.on and event == "open" and isinstance(arguments[0], str):
            path = arguments[0]
            if not path.startswith(FAIR):
                self.seen = f"opened {path}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    draw, watch, broken = random.Random(given.seed), Watch(), {}
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs" / "source").iterdir())] + [SMALL, SMALL, SMALL]
    parsed = [next(iter(yaml.safe_load_all(text))) for text in sources]
    overlays = [OVERLAY, (ROOT / "specs" / "overlay.yaml").read_text(encoding="utf-8")]
    tried = loaded = refused = 0
    slowest = 0.0

    def late(*_: object) -> None:
        raise TimeoutError(f"longer than {SLOW} s")

    signal.signal(signal.SIGALRM, late)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        document, overlay = Path(folder) / "a.yaml", Path(folder) / "o.yaml"
        while time.monotonic() - began < given.seconds:
            tried += 1
            which = draw.randrange(len(sources))
            text = bent(draw, parsed[which]) if draw.random() < 0.6 else torn(draw, sources[which])
            over = draw.random() < 0.2
            document.write_text(sources[which] if over else text, encoding="utf-8", errors="surrogatepass")
            if over:
                plain = draw.choice(overlays)
                damaged = bent(draw, yaml.safe_load(plain)) if draw.random() < 0.6 else torn(draw, plain)
                overlay.write_text(damaged, encoding="utf-8", errors="surrogatepass")
            act: Callable[[], Any] = lambda over=over: build(load([document], [overlay] if over else []).document)  # noqa: E731
            if draw.random() < 0.1:
                act = lambda: spoken(draw)  # noqa: E731
            start = time.monotonic()
            signal.alarm(SLOW)
            watch.on = True
            try:
                act()
                loaded += 1
            except MisuseError as error:
                refused += 1
                if not str(error).isprintable():
                    broken.setdefault(f"not one printable line: {error!r}"[:200], text)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                place = traceback.extract_tb(error.__traceback__)
                ours = [f"{Path(f.filename).name}:{f.lineno}" for f in place if "mmconform" in f.filename]
                what = f"{type(error).__name__} at {' '.join(ours[-2:])} ({str(error)[:80]!r})"
                if not any(known.split(" (")[0] == what.split(" (")[0] for known in broken):
                    broken[what] = (damaged if over else text)[:400]
                    print(what, flush=True)
            finally:
                watch.on = False
                signal.alarm(0)
            slowest = max(slowest, time.monotonic() - start)
            if watch.seen:
                broken.setdefault(watch.seen, text)
                watch.seen = ""
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, --seed {given.seed}")
    seconds = time.monotonic() - began
    print(f"{tried} documents in {seconds:.0f} s: {loaded} read, {refused} refused, {len(broken)} places broke")
    print(f"the slowest took {slowest:.1f} s")
    for what, text in broken.items():
        print(f"--- {what}\n{text[:600]}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
