"""A pytest plugin that falsifies one answer of each test on a tape: does the test notice?

Run twice. Without a plan it notes which answers each test judges and what can be falsified in each, into the file that FLIPS_PLAN
names. With that plan every test runs once for each of those answers (the first six of a test) and each falsification that its
clause should notice; a test is not run where there is nothing to falsify.
What came of it goes to the file that FLIPS names, one JSON line a run.
"""

import dataclasses
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmconform.plugin import conformance, fixtures
from mmconform.wire import client
from mmconform.wire.tape import name

NONE, STATUS, ERROR_ID, LEAK = "none", "status", "error id", "leaked secret"
OWNER, FIELD, MEDIA = "wrong owner", "missing field", "media"
KINDS = (STATUS, ERROR_ID, LEAK, OWNER, FIELD, MEDIA)

NOTHING = "nothing to falsify"
MOST = 6

PLAN_FILE = Path(os.environ["FLIPS_PLAN"])
#: For each test the numbers of the answers that it judges, and the kinds of falsifications that would change each.
PLAN: dict[str, dict[str, list[str]]] = json.loads(PLAN_FILE.read_text(encoding="utf-8")) if PLAN_FILE.exists() else {}
IS_PLANNING = not PLAN
now = SimpleNamespace(kind=NONE, test="", sent=0, number=0, done=False, persona="", can={})

#: Which operations promise to keep tokens secret, and to answer about one user or token.
SECRETIVE = ("GetUserAccessTokensForUser", "GetUserAccessTokens", "GetUserAccessToken")
OWNED = ("GetUserAccessTokensForUser", "GetUserAccessToken")


def kinds_for(clause):
    """Which falsifications the clause of a test is about."""
    if clause is None:  # a property test, which holds every clause of its operation
        return [STATUS, MEDIA, FIELD, LEAK, OWNER]
    rule = clause.split(".")[1]
    return [STATUS, ERROR_ID, *{"secret": [LEAK], "schema": [FIELD]}.get(rule, [])]


def pytest_generate_tests(metafunc):
    if "target" in metafunc.fixturenames:
        mark = next(metafunc.definition.iter_markers("clause"), None)
        prefix = f"{metafunc.module.__name__.rpartition('test_')[2]}/{metafunc.function.__name__.removeprefix('test_')}"
        judged = max((len(numbers) for test, numbers in PLAN.items() if f"/{prefix}" in f"/{test}"), default=0)
        kinds = kinds_for(mark.args[0] if mark else None)
        flips = [NONE] if IS_PLANNING else [f"{kind}@{i}" for kind in kinds for i in range(min(judged, MOST))]
        metafunc.fixturenames.append("flip")
        metafunc.parametrize("flip", flips or [f"{NOTHING}@0"])


def _without_flip(item, target):
    ids = [i for i in item.callspec._idlist if i != item.callspec.params["flip"]]
    params = {k: v for k, v in item.callspec.params.items() if k != "flip"}
    bare = SimpleNamespace(path=item.path, originalname=item.originalname, callspec=SimpleNamespace(_idlist=ids, params=params))
    return name.cassette_name(bare, target)


conformance.cassette_name = fixtures.cassette_name = _without_flip


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    kind, _, position = item.callspec.params["flip"].partition("@")
    now.kind, now.sent, now.done, now.persona, now.can = kind, 0, False, "", {}
    now.test = _without_flip(item, item.callspec.params["target"].slug)
    if kind != NONE:
        judged = [*PLAN.get(now.test, {}).items()]
        number, kinds = judged[int(position)] if int(position) < len(judged) else ("0", [])
        if kind not in kinds:
            pytest.skip(NOTHING)
        now.number = int(number)


def judges(number):
    """Note that a test judges an answer."""
    numbers = PLAN.setdefault(now.test, {})
    if len(numbers) < MOST:
        numbers.setdefault(str(number), now.can.get(number, []))


_send = client.Client.send


def send(self, *arguments, **named):
    exchange = _send(self, *arguments, **named)
    if not exchange.operation:
        return exchange
    now.sent += 1
    object.__setattr__(exchange, "number", now.sent)
    secrets = self.redactor.values
    if IS_PLANNING:
        now.can[now.sent] = [kind for kind in KINDS if falsified(exchange, kind, secrets) is not exchange]
    if IS_PLANNING and "property/" in now.test and now.test not in PLAN and exchange.is_success:
        judges(now.sent)
    if not IS_PLANNING and now.number == now.sent:
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
        if IS_PLANNING and "stage" in item.funcargs:
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


def pytest_sessionfinish():
    if IS_PLANNING:
        PLAN_FILE.write_text(json.dumps(PLAN), encoding="utf-8")
