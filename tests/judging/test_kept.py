"""What stands on a tape of the whole API: the form of what was said, from which the same verdicts follow."""

import json
from dataclasses import replace

import pytest

from mmconform.judging.judge import Judge
from mmconform.judging.kept import Asked, Keeper, Kept, Reducer, listed, read_back, written
from mmconform.servers.target import recorded
from mmconform.wire.exchange import Exchange, Position
from mmconform.wire.tape import tape
from mmconform.wire.tape.redact import Redactor

WHO, OTHER, SECRET = "a" * 26, "b" * 26, "s3cr3ts3cr3ts3cr3ts3cr3t"


def exchange(answer, *, status=200, url=f"/api/v4/users/{WHO}/tokens", body=None, **more):
    sent = None if body is None else json.dumps(body).encode()
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    headers, kind = {"Content-Type": "application/json; charset=x", "User-Agent": "me"}, {"content-type": "application/json"}
    about = ("GetUserAccessTokensForUser", "member", "self", "GET")
    return Exchange(*about, url, headers, sent, status, kind, content, **more)


@pytest.fixture
def redactor():
    known = Redactor(replaying=False)
    known.learn(SECRET)
    return known


@pytest.fixture
def reduce(redactor):
    return Reducer(frozenset({"public"}), redactor).reduce


def test_of_an_answer_its_form_stays(reduce):
    said = {
        "name": "Ann Other",
        "id": OTHER,
        "type": "public",
        "age": 41,
        "debt": -3,
        "none": 0,
        "half": 2.25,
        "ok": True,
        "no": None,
    }
    of_it = {
        "name": "text",
        "id": "0" * 26,
        "type": "public",
        "age": 1,
        "debt": -1,
        "none": 0,
        "half": 0.5,
        "ok": True,
        "no": None,
    }
    assert reduce(exchange(said)).json == of_it
    assert reduce(exchange([said, {"a": "xy"}])).json == [of_it, {"a": "xx"}]
    assert reduce(exchange(b"a page of text")).answer == b"." and reduce(exchange(b"")).answer == b""


def test_of_an_error_its_id_stays(reduce):
    kept = reduce(exchange({"id": "api.some.error", "message": "no, Ann", "status_code": 403}, status=403))
    assert (kept.says, kept.json["message"]) == ("403 api.some.error", "text")


def test_whom_a_request_names_is_told_apart_and_known_again(reduce):
    first = reduce(exchange([{"user_id": WHO, "id": OTHER}], withheld=frozenset({WHO})))
    assert first.path == f"/api/v4/users/{1:026d}/tokens" and first.withheld == {f"{1:026d}"}
    assert first.json == [{"user_id": f"{1:026d}", "id": "0" * 26}]
    second = reduce(
        exchange([], url=f"/api/v4/users/{OTHER}/tokens?page=3&q=Ann%20Other", body={"with": WHO, "word": "a word", "n": 7})
    )
    assert second.url == f"/api/v4/users/{2:026d}/tokens?page=3&q=text"
    assert json.loads(second.body) == {"with": f"{1:026d}", "word": "text", "n": 7}
    assert second.headers == {"content-type": "application/json"}


def test_a_secret_is_still_seen_to_be_told_and_no_more(reduce, redactor):
    told = reduce(exchange({"says": f"it is {SECRET}, Ann"})).json["says"]
    assert told.startswith("redacted") and SECRET not in told and "Ann" not in told
    assert reduce(exchange(f"<p>{SECRET}</p>".encode())).answer == told.encode()
    assert redactor.text(SECRET) == told


@pytest.mark.parametrize("key", [WHO, "ann@somewhere.invalid", "Ann Other"])
def test_a_field_that_is_called_as_somebody_is_has_no_name(reduce, key):
    assert reduce(exchange({key: 5})).json == {"…": 1}


def test_what_is_written_is_read():
    one = exchange([{"a": 1}], position=Position(frozenset({"team_user"}), "public"), told=frozenset({"", "x"}), variant="twice")
    one = replace(one, headers={"content-type": "application/json"}, credential="member")
    other = replace(
        one, persona="anonymous", credential="", body=b"\xff.", answer_headers={}, answer=b"\xfe", status=500, position=None
    )
    kept = Kept([Asked("a/test", one, ("since",)), Asked("another/test", other)])
    kept.held_back["would-do-harm", "it ends something", ("status",)] = 3
    assert read_back(written(kept), one.operation) == kept


def test_words_that_the_document_lists_are_words(contract):
    found = {"O": {"enum": ["open", "an open one", 3]}, "P": {"items": [{"const": "private"}]}, "Q": {"description": "none"}}
    assert listed(replace(contract, components={"schemas": found})) == {"open", "private"}


@pytest.fixture
def judging(contract, target):
    return lambda: Judge(contract, replace(target, redactor=Redactor(replaying=True)), [])


@pytest.fixture
def target():
    return recorded(tape.newest())


def test_a_tape_is_judged_as_the_server_was(judging, redactor):
    judge, again, kept = judging(), judging(), Kept()
    judge.keeper = keeper = Keeper(kept, Reducer(frozenset(), redactor), "a/test", judge, again)
    seen = [
        exchange([{"id": OTHER, "user_id": WHO, "description": "Ann's", "is_active": True}], own=frozenset({WHO})),
        exchange([{"id": 7}]),
        exchange({"id": "api.context.permissions.app_error", "message": "no, Ann"}, status=403),
    ]
    for one in seen:
        judge.see(one)
    judge.held_back(seen[0].operation, "would-do-harm", "it would", "status")
    assert keeper.finish(seen[0].operation) == "" and len(kept.asked) == 3
    later = judging()
    kept.play(later, seen[0].operation)
    assert [(o.clause, o.persona, o.outcome, o.count) for o in later.observations] == [
        (o.clause, o.persona, o.outcome, o.count) for o in judge.observations
    ]
    assert {answer.request for answer in later.answers} == {"a/test"}


def test_what_would_be_judged_otherwise_does_not_get_on_a_tape(judging, redactor):
    """Our document says how low a status may be, which is lost with the number."""
    judge, kept = judging(), Kept()
    judge.keeper = keeper = Keeper(kept, Reducer(frozenset(), redactor), "a/test", judge, judging())
    judge.see(exchange({"id": "api.context.permissions.app_error", "status_code": 403}, status=403))
    differs = keeper.finish("GetUserAccessTokensForUser")
    assert differs.startswith("GetUserAccessTokensForUser: ") and "status_code: minimum" in differs and kept == Kept()
