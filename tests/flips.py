"""A pytest plugin that falsifies one answer of each test on a tape: does the test notice?

Every test is run once as it is, which tells which answers it judges and what can be falsified in each; and then once more for
each of those answers (the first six of a test) and each falsification that its clause should notice.
What came of it goes to the file that FLIPS names, one JSON line a run.
"""

import dataclasses
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.runner import runtestprotocol

from mmconform.driving.asking import Asker
from mmconform.plugin import fixtures
from mmconform.wire import client

NONE, STATUS, ERROR_ID, LEAK = "none", "status", "error id", "leaked secret"
OWNER, FIELD, MEDIA = "wrong owner", "missing field", "media"
KINDS = (STATUS, ERROR_ID, LEAK, OWNER, FIELD, MEDIA)

NOTHING = "nothing to falsify"
MOST = 6

#: The run of a test that is going on: the answers that it judges by their numbers, each with what can be falsified in it.
now = SimpleNamespace(kind=NONE, is_generated=False, sent=0, number=0, done=False, persona="", can={}, judged={})

#: Which operations promise to keep tokens secret, and to answer about one user or token.
SECRETIVE = ("GetUserAccessTokensForUser", "GetUserAccessTokens", "GetUserAccessToken")
OWNED = ("GetUserAccessTokensForUser", "GetUserAccessToken")


def kinds_for(clause):
    """Which falsifications the clause of a test is about."""
    if clause is None:  # a property test, which holds every clause of its operation
        return [STATUS, MEDIA, FIELD, LEAK, OWNER]
    rule = clause.split(".")[1]
    return [STATUS, ERROR_ID, *{"secret": [LEAK], "schema": [FIELD]}.get(rule, [])]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Run a test as it is, and then falsified."""
    run(item, nextitem)
    mark = item.get_closest_marker("clause")
    for kind in kinds_for(mark.args[0] if mark else None) if fixtures.target_of(item) else ():
        for number in [number for number, can in now.judged.items() if kind in can]:
            item._initrequest()
            run(item, nextitem, kind, number)
    return True


def run(item, nextitem, kind=NONE, number=0):
    now.kind, now.number, now.sent, now.done, now.persona = kind, number, 0, False, ""
    if kind == NONE:
        now.is_generated, now.can, now.judged = "stage" not in item.fixturenames, {}, {}
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, nextitem=nextitem)


def judges(number):
    """Note that a test judges an answer."""
    if len(now.judged) < MOST:
        now.judged.setdefault(number, now.can.get(number, []))


class EnoughError(Exception):
    """A generated test was seen to judge the falsified answer: what else it asks was seen when it ran as it is."""


_see = Asker.see


def see(self, exchange):
    _see(self, exchange)
    if now.done:
        raise EnoughError


Asker.see = see

_send = client.Client.send


def send(self, *arguments, **named):
    exchange = _send(self, *arguments, **named)
    if not exchange.operation:
        return exchange
    now.sent += 1
    object.__setattr__(exchange, "number", now.sent)
    secrets = self.redactor.values
    if now.kind == NONE:
        now.can[now.sent] = [kind for kind in KINDS if falsified(exchange, kind, secrets) is not exchange]
        if now.is_generated and exchange.is_success and not now.judged:
            judges(now.sent)
    elif now.number == now.sent:
        now.persona = exchange.persona
        new = falsified(exchange, now.kind, secrets)
        now.done = new is not exchange
        return new
    return exchange


client.Client.send = send


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    finally:
        if now.kind == NONE and "stage" in item.funcargs:
            for expectation in item.funcargs["stage"].expectations:
                judges(expectation.reply.exchange.number)


def falsified(exchange, kind, secrets):
    """The same exchange with one thing wrong in its answer."""
    data = exchange.json_or_none
    change = {}
    match kind:
        case "status":
            change["status"] = 403 if exchange.is_success else 200
        case "error id" if isinstance(data, dict) and "id" in data and exchange.status >= 400:
            change["answer"] = json.dumps({**data, "id": "app.falsified.app_error"}).encode()
        case "media":
            change["answer_headers"] = {**exchange.answer_headers, "content-type": "text/html"}
        case "leaked secret" if exchange.is_success and exchange.operation in SECRETIVE and secrets:
            secret = sorted(secrets)[0]
            leaky = [{**row, "token": secret} for row in data] if isinstance(data, list) else {**data, "token": secret}
            change["answer"] = json.dumps(leaky).encode()
        case "wrong owner" if exchange.is_success and exchange.operation in OWNED:
            other = "z" * 26
            wrong = {"user_id": other, "id": other}
            rows = [{**row, **wrong} for row in data] if isinstance(data, list) else {**data, **wrong}
            change["answer"] = json.dumps(rows).encode()
        case "missing field" if exchange.is_success:
            cut = [{} for _ in data] if isinstance(data, list) else {}
            change["answer"] = json.dumps(cut).encode()
    if not change or all(getattr(exchange, key) == value for key, value in change.items()):
        return exchange
    new = dataclasses.replace(exchange, **change)
    object.__setattr__(new, "number", now.sent)
    return new


def pytest_runtest_logreport(report):
    seen = getattr(report, "conformance", None)
    if seen is None:
        return
    with Path(os.environ["FLIPS"]).open("a", encoding="utf-8") as file:
        own = clause_of.get(report.nodeid, "")
        found = [row["clause"] for row in seen["rows"] if row.get("standing") == "new"]
        row = {
            "test": report.nodeid,
            "kind": now.kind if now.done or now.kind == NONE else NOTHING,
            "clause": own,
            "found": found,
            "asked": now.persona,
            "blamed": sorted({row["persona"] for row in seen["rows"] if row.get("standing") == "new"}),
            "outcome": report.outcome,
        }
        file.write(json.dumps(row) + "\n")


clause_of: dict[str, str] = {}


def pytest_collection_modifyitems(items):
    for item in items:
        mark = item.get_closest_marker("clause")
        operation = item.callspec.params.get("operation")
        name_of = getattr(operation, "id", operation)
        own = mark.args[0].replace("{operation}", str(name_of)) if mark else f"{name_of}."
        clause_of[item.nodeid] = "" if item.path.name == "test_model.py" else own  # which is about many, one at a time
