"""Texts that name a thing of the run by its kind, where a document says what a served request holds: ``{channel}``.

``{another user}`` is a second one and ``{third user}`` one more, ``{user.username}`` a part of what the server tells of one.
``{unique}`` is a name that nothing has yet, ``{later}`` a time to come, ``{password}`` a new one, ``{caller}`` whoever asks;
``{invitation}`` what lets somebody into the world's team, ``{site}`` the address of the server; ``{picture}``, ``{text}``,
``{archive}`` are small files.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

#: What a text can hold that is no thing of the run.
FILLERS = frozenset({"unique", "later", "password", "caller", "invitation", "picture", "text", "archive", "site"})
_WHICH = ("", "another", "third")
_BRACED = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"(?:(another|third) )?([a-z]+(?:-[a-z]+)*)(?:\.([a-z_]+))?")


@dataclass(frozen=True)
class Named:
    """A thing of the run, or a filler.

    Attributes:
        which: 0, or 1 and 2 for others of the same kind.
        part: Of what the server tells of it; nothing for its id.
    """

    kind: str
    which: int = 0
    part: str = ""

    @property
    def is_filler(self) -> bool:
        return self.kind in FILLERS


def _named(text: str) -> Named | None:
    found = _NAME.fullmatch(text)
    return Named(found[2], _WHICH.index(found[1] or ""), found[3] or "") if found else None


def names_in(value: Any) -> Iterator[Named]:
    """Yield what the texts of a value name.

    Raises:
        ValueError: what stands in braces is no name.
    """
    for text in _texts(value):
        for inner in _BRACED.findall(text):
            named = _named(inner)
            if named is None or (named.is_filler and named != Named(named.kind)):
                raise ValueError(f"`{{{inner}}}` names no kind of thing")
            yield named


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(inner)


def filled(value: Any, give: Callable[[Named], Any]) -> Any:
    """Return a value with what is given for each name; a text that is nothing else becomes what is given, whatever that is."""
    if isinstance(value, dict):
        return {filled(key, give): filled(inner, give) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, give) for inner in value]
    if not isinstance(value, str):
        return value
    whole = _BRACED.fullmatch(value)
    return give(_sure(whole[1])) if whole else _BRACED.sub(lambda found: str(give(_sure(found[1]))), value)


def _sure(text: str) -> Named:
    named = _named(text)
    assert named, "names are read when the contract is built"
    return named


def items_of(batch: Any) -> list[Any]:
    """Return what a body asks about: its items where it is a list, else those of the one list that it holds; none without one."""
    if isinstance(batch, dict):
        lists = [value for value in batch.values() if isinstance(value, list)]
        return lists[0] if len(lists) == 1 else []
    return batch if isinstance(batch, list) else []


def with_items(batch: Any, items: list[Any]) -> Any:
    """Return a body that asks about other items."""
    if isinstance(batch, dict):
        return {key: items if isinstance(value, list) else value for key, value in batch.items()}
    return items
