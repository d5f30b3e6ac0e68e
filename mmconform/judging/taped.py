"""What stands on the cassettes of a tape: which requests an operation got there, and how it answered."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mmconform.contract.clause import Contract
from mmconform.documents.reader import read
from mmconform.judging import kept
from mmconform.judging.routes import reaches
from mmconform.paths import CASSETTES
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.tape import cassettes, is_of_whole

#: A request as a test sends it: method and address, and its body, without ids, which differ from run to run.
Line = tuple[str, str]
#: An id of a server's, or one in capitals, which a test makes of it.
_ID = re.compile(r"\b[A-Za-z0-9]{26}\b")
_REQUEST = re.compile(r"^- request: .*", re.MULTILINE)


def on_cassette(contract: Contract, operation: str, path: Path) -> Iterator[tuple[int, Exchange]]:
    """Yield the exchanges of an operation on one cassette, each with its number there; who asked is told by their credential."""
    asked = contract.operations[operation]
    if f"method: {asked.method}," not in path.read_text(encoding="utf-8"):
        return
    for number, pair in enumerate(read(path, binary=True)[0].data["interactions"], 1):
        exchange = _exchange(operation, pair)
        if reaches(contract, asked, exchange):
            yield number, exchange


def of_test(contract: Contract, operation: str, tape: str, test: str) -> list[Exchange]:
    """Return the exchanges of an operation that one test had on a tape (``11.0.3``, ``11.1.0/whole``), as records name it.

    Of a tape or a test that is not there, none.
    """
    folder = CASSETTES / tape
    if not folder.resolve().is_relative_to(CASSETTES.resolve()):  # a record may be anybody's
        return []
    if is_of_whole(tape):
        held = kept.read(folder, operation)
        return [exchange for asked_by, exchange, _ in (held.asked if held else ()) if asked_by == test]
    path = cassettes(folder).get(f"{test}.yaml")
    return [exchange for _, exchange in on_cassette(contract, operation, path)] if path else []


def line(exchange: Exchange) -> Line:
    """Return a request without ids."""
    body = (exchange.body or b"").decode("utf-8", "backslashreplace")
    return f"{exchange.method} {_ID.sub('…', exchange.url)}", " ".join(_ID.sub("…", body).split())


def in_words(contract: Contract, exchange: Exchange, person: str = "user") -> str:
    """Return a request in one line, with the kind of what an id names in its place where that is known.

    Args:
        person: Whom it names, in words.
    """
    operation = contract.operations[exchange.operation]
    kinds = {(p.place, p.name): p.resource for p in operation.parameters}

    def named(text: str, kind: str | None) -> str:
        return _ID.sub("…" if kind is None else f"<{person if kind == 'user' else kind}>", text)

    def of_property(found: re.Match[str]) -> str:
        return f'"{found[1]}":"{named(found[2], in_body.get(found[1]))}"'

    in_body = operation.body.resources if operation.body else {}
    parts = zip_longest(exchange.path.removeprefix(contract.base).split("/"), operation.path.split("/"), fillvalue="")
    path = "/".join(named(part, kinds.get(("path", name.strip("{}")))) for part, name in parts)
    query = "&".join(f"{name}={named(value, kinds.get(('query', name)))}" for name, value in exchange.query)
    body = re.sub(r'"(\w+)":"([^"]*)"', of_property, (exchange.body or b"").decode("utf-8", "backslashreplace"))
    return f"{exchange.method} {contract.base}{path}{f'?{query}' if query else ''} {named(body, None)}".strip()


def unlike(contract: Contract, tapes: tuple[str, str], asked: Iterable[tuple[str, str]]) -> dict[str, tuple[int, Line, Line]]:
    """Return how many requests of each operation differ on two tapes, but for ids, and what the first of them is on either.

    So many at least: of a test that sent several, in whichever order, and a tape holds the same once.

    Args:
        tapes: Versions, as in :func:`of_test`, none of them of the whole API.
        asked: Tests, each with an operation, that both hold answers to.
    """
    folders = [CASSETTES / tape for tape in tapes]
    if not all(folder.resolve().is_relative_to(CASSETTES.resolve()) for folder in folders):
        return {}
    paths = [cassettes(folder) for folder in folders]
    found: dict[str, tuple[int, Line, Line]] = {}
    for test, operation in asked:
        pair = [of[name] for of in paths if (name := f"{test}.yaml") in of]
        if len(pair) < len(paths) or _written(pair[0]) == _written(pair[1]):
            continue
        old, new = (Counter(line(exchange) for _, exchange in on_cassette(contract, operation, path)) for path in pair)
        gone, come = old - new, new - old
        if count := min(gone.total(), come.total()):
            before = found.get(operation, (0, next(iter(gone)), next(iter(come))))
            found[operation] = before[0] + count, *before[1:]
    return found


def _written(path: Path) -> Counter[str]:
    """Return the requests of a cassette as they are written there, which takes no time: most are the same on two tapes."""
    return Counter(_ID.sub("…", request) for request in _REQUEST.findall(path.read_text(encoding="utf-8")))


def _exchange(operation: str, pair: dict[str, Any]) -> Exchange:
    request, response = pair["request"], pair["response"]
    parts = urlsplit(request["uri"])
    url = parts.path + (f"?{parts.query}" if parts.query else "")
    sent, answer = (_bytes(text) for text in (request["body"], response["body"]["string"]))
    headers = {name: values[0] for name, values in response["headers"].items()}
    status, credential = response["status"]["code"], _credential(request["headers"])
    return Exchange(operation, "", "unclear", request["method"], url, {}, sent, status, headers, answer, credential=credential)


def _credential(headers: dict[str, list[str]]) -> str:
    """Return what stands on a tape for the credential of a request; a cookie only where nothing else counts."""
    for name in ("authorization", "cookie"):
        if name in headers:
            return headers[name][0].removeprefix("Bearer ")
    return ""


def _bytes(text: str | bytes | None) -> bytes:
    return text.encode() if isinstance(text, str) else text or b""
