"""How many of what a run makes on a server: what the same tests made where a tape was recorded."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mmconform.contract.templates import below_the_api
from mmconform.version import Version
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import CompactYaml
from mmconform.world import kinds

#: What servers keep for ever: the two kinds that are accounts, and what is only archived.
_FOR_EVER = _PERSON, _BOT, _TEAM = "user", "bot", "team"

_Requests = Callable[[str, str], bool]


@dataclass(frozen=True)
class Made:
    """What tests made when a tape was recorded, of an empty server that had everything switched on: elsewhere it is less.

    A run of a live server draws its requests anew, and the lives that it plays; so it is about as many, and not a bound.

    Attributes:
        tape: Which; empty where there is none.
        is_part: Of tests alone that send nothing of what cannot be sent to some server.
        by_kind: How many of each kind, by its name, the world's included.
        of_world: How many of them each process makes for itself.
    """

    tape: str = ""
    is_part: bool = False
    by_kind: Counter[str] = field(default_factory=Counter)
    of_world: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        if not self.tape:
            return ""
        others = (_number(count, kind) for kind, count in sorted(self.by_kind.items()) if kind not in _FOR_EVER)
        where = "on an empty server that has everything switched on, as many as the same tests"
        if self.is_part:
            where = "as many as those tests that ask nothing of what is left out here"
        less = "" if self.is_part else " on any other it is less;"
        return (
            f"some {', '.join([_for_ever(self.by_kind), *others])}: {where} "
            f"made for the tape of {self.tape}, but for what is drawn at random;{less} each "
            f"further process (-n) makes {_for_ever(self.of_world)} more"
        )


def made_on(version: Version, cassettes: Collection[str] | None = None, without: _Requests | None = None) -> Made:
    """Return what tests made on the server whose tape is nearest to a version: the first that is not older, or else the last.

    Args:
        cassettes: Of which tests; all where none are named. One that the tape does not have made nothing.
        without: Requests, by method and path below the API: of tests that sent such a one nothing is counted.
    """
    tapes = tape.every()
    name = next((name for name in tapes if Version.parse(name) >= version), tapes[-1] if tapes else "")
    if not name:
        return Made()
    paths = {path.removesuffix(".yaml"): file for path, file in tape.cassettes(tape.place(name)).items()}
    sent = _requests(paths.pop(tape.WORLD.removesuffix(".yaml")))
    world = _made(request for request in sent if without is None or not without(*request[:2]))
    by_test = (_requests(file) for path, file in paths.items() if cassettes is None or path in cassettes)
    counted = (
        _made(requests) for requests in by_test if without is None or not any(without(*request) for *request, _ in requests)
    )
    return Made(name, without is not None, sum(counted, world), world)


@cache
def _requests(cassette: Path) -> tuple[tuple[str, str, str], ...]:
    """Return what a test sent: method, path below the API, and the kind of which that made one, if any.

    Read once in a process: a tape is never edited.
    """
    rows = CompactYaml.deserialize(cassette.read_text(encoding="utf-8"))["interactions"]
    return tuple(_request(row["request"], row["response"]["status"]["code"]) for row in rows)


def _request(sent: Mapping[str, Any], status: int) -> tuple[str, str, str]:
    method, path = sent["method"], below_the_api(urlsplit(sent["uri"]).path)
    return method, path, kinds.made_by(method, path) if 200 <= status < 300 else ""


def _made(requests: Iterable[tuple[str, str, str]]) -> Counter[str]:
    return Counter(kind for _, _, kind in requests if kind)


def _for_ever(by_kind: Counter[str]) -> str:
    bots = f" ({_number(by_kind[_BOT], 'bot')} among them)" if by_kind[_BOT] else ""
    return f"{_number(by_kind[_PERSON] + by_kind[_BOT], 'account')}{bots}, {_number(by_kind[_TEAM], 'team')}"


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
