"""A pytest plugin that takes a field out of an answer, or turns an answer into a refusal: does the test still come to a verdict?

Every hand-written test is run once as it is, which tells what it reads of which answers, those by which it is set up among them;
and then once more without each of these fields, and with each of these answers refused.
What came of it goes to the file that GAPS names, one JSON line a run.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.runner import runtestprotocol

from mmconform.errors import MisuseError
from mmconform.paths import PACKAGE, SUITES
from mmconform.plugin import fixtures
from mmconform.wire import client
from mmconform.wire.client import UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world import admin

NONE, REFUSED = "none", "refused"
#: Who reads for a test: the judge looks at every field of every answer, and is there for that.
READERS = tuple(str(folder) for folder in (SUITES, PACKAGE / "driving", PACKAGE / "world", PACKAGE / "plugin"))
DENIAL = {"id": "api.context.permissions.app_error", "message": "no", "status_code": 403}

#: The run of a test that is going on, and what its plain run read and was served: (number of the answer, field), and numbers.
now = SimpleNamespace(place=None, sent=0, read={}, served=[], is_done=False, ended="", broke="")


class Read(dict):
    """An object of an answer, that notes which of its fields are read for a test."""

    number = 0

    def _note(self, key):
        if now.place is None and self.number and sys._getframe(2).f_code.co_filename.startswith(READERS):
            now.read[self.number, key] = None

    def __getitem__(self, key):
        self._note(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self._note(key)
        return super().get(key, default)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Run a test as it is, and then with each gap."""
    if item.listchain()[0].items[0] is item:
        run(item, nextitem)  # in which the world is made, once
    run(item, nextitem)
    if fixtures.target_of(item) and item.get_closest_marker("clause") and now.ended == "passed":
        for place in [*now.read, *((number, REFUSED) for number in now.served)]:
            run(item, nextitem, place)
    return True


def run(item, nextitem, place=None):
    now.place, now.sent, now.is_done, now.broke = place, 0, False, ""
    if place is None:
        now.read, now.served = {}, []
    item._initrequest()
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, nextitem=nextitem)


_send, _json = client.Client.send, Exchange.json.func


def send(self, *arguments, **named):
    exchange = _send(self, *arguments, **named)
    now.sent += 1
    if now.place is None and exchange.is_success:
        now.served.append(now.sent)
    if now.place and now.place[0] == now.sent:
        exchange = _with_gap(exchange, now.place[1])
    object.__setattr__(exchange, "number", now.sent)
    return exchange


def read(exchange):
    data = _json(exchange)
    return _noting(data, getattr(exchange, "number", 0))


def _noting(data, number):
    if isinstance(data, list):
        return [_noting(row, number) for row in data]
    if not isinstance(data, dict):
        return data
    noting = Read(data)
    noting.number = number
    return noting


class ReadTold(Read, admin._Told):
    """The same of what arranging was told."""

    def __init__(self, data):
        super().__init__(data)
        self.number = getattr(data, "number", 0)


admin._Told = ReadTold
client.Client.send = send
Exchange.json = property(read)


def _with_gap(exchange, name):
    if name == REFUSED:
        now.is_done = True
        refusal = {"status": 403, "answer": json.dumps(DENIAL).encode(), "answer_headers": {"content-type": "application/json"}}
        return dataclasses.replace(exchange, **refusal)
    data = json.loads(exchange.answer)
    for row in data if isinstance(data, list) else [data]:
        now.is_done = row.pop(name, now) is not now or now.is_done
    return dataclasses.replace(exchange, answer=json.dumps(data).encode())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    error = call.excinfo and call.excinfo.value
    said = (pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception, MisuseError, UnseenError)
    if error is not None and not isinstance(error, said):
        now.broke = f"{type(error).__name__}: {error}".partition("\n")[0]
    return (yield)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        now.ended = report.outcome
        if now.place is None or now.is_done or now.broke:
            with Path(os.environ["GAPS"]).open("a", encoding="utf-8") as file:
                file.write(json.dumps(_row(report)) + "\n")


def _row(report):
    rows = getattr(report, "conformance", {}).get("rows", ())
    new = [row["clause"] for row in rows if row.get("standing") == "new"]
    return {
        "test": report.nodeid,
        "gap": NONE if now.place is None else now.place[1],
        "answer": now.place and now.place[0],
        "outcome": report.outcome,
        "found": new,
        "broke": now.broke,
        "said": "" if new or now.broke else str(report.longrepr or "")[:200],
    }
