"""The rows of a list, page by page to its end, if it has one."""

from collections.abc import Callable, Iterator
from typing import Any

from mmconform.errors import MisuseError
from mmconform.wire.exchange import Exchange

PAGE = 200
#: More pages than this has no list that a run could need: two million rows.
_MOST = 10_000


def rows(ask: Callable[[str], Exchange], url: str, off: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list.

    Args:
        ask: Sends a GET to an address.
        url: Up to where ``page=0&per_page=200`` goes on.
        off: The status that tells that the feature is switched off, and there are none.

    Raises:
        MisuseError: the server refuses, or the list repeats itself or never ends.
    """
    before: list[Any] = []
    for page in range(_MOST):
        answer = ask(f"{url}page={page}&per_page={PAGE}")
        found = answer.json_or_none
        if answer.status == off:
            return
        if not answer.is_success or not isinstance(found, list):
            raise MisuseError(f"listing failed: GET {answer.path} answered {answer.says}")
        if found and found == before:
            raise MisuseError(f"GET {answer.path} never ends: its page {page} is its page {page - 1} once more")
        yield from (row for row in found if isinstance(row, dict))
        if len(found) < PAGE:
            return
        before = found
    raise MisuseError(f"GET {answer.path} never ends: {_MOST} full pages, and more")
