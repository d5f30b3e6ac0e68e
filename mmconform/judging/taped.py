"""What stands on the cassettes of a tape: which requests an operation got there, and how it answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mmconform.contract.clause import Contract
from mmconform.documents.reader import read
from mmconform.judging import kept
from mmconform.judging.routes import reaches
from mmconform.paths import CASSETTES
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.tape import WHOLE, cassettes


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
    if tape.endswith(f"/{WHOLE}"):
        held = kept.read(folder, operation)
        return [exchange for asked_by, exchange, _ in (held.asked if held else ()) if asked_by == test]
    path = cassettes(folder).get(f"{test}.yaml")
    return [exchange for _, exchange in on_cassette(contract, operation, path)] if path else []


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
