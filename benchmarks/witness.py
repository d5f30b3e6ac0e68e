"""A pytest plugin for ``fronts.py``: what stands on an answer that was not the server's own says so in the record.

Such an answer bears a header, of which the suites know nothing. An observation that something was kept, which rests on one, is
given a signature; it has none else.
"""

from typing import Any

import pytest

from mmconform.judging.judge import Judge
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange

HEADER, SIGNATURE = "x-spoilt", "rests on what was not the server's answer"
_send, _add = Client.send, Judge._add
#: The answers of the test that goes on which were spoilt and believed.
_believed: list[Exchange] = []


def _note_what_is_spoilt(self: Client, *arguments: Any, **named: Any) -> Exchange:
    exchange = _send(self, *arguments, **named)
    if exchange.operation and HEADER in exchange.answer_headers:
        _believed.append(exchange)
    return exchange


def _sign(
    self: Judge,
    clause: str,
    persona: str,
    outcome: Any,
    signature: str,
    seen: str,
    exchange: Exchange | None = None,
    expected: Any = None,
) -> None:
    rests = exchange in _believed if exchange else bool(_believed)  # without one, it is about the whole test
    is_wrong = outcome == "pass" and rests
    _add(self, clause, persona, outcome, SIGNATURE if is_wrong else signature, seen, exchange, expected)


Client.send, Judge._add = _note_what_is_spoilt, _sign  # type: ignore[method-assign]


def pytest_runtest_setup(item: pytest.Item) -> None:
    _believed.clear()
