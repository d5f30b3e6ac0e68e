"""What a failure tells a person: what was promised, what was expected and from where that is known, and under which settings."""

import json

import pytest

from mmconform.judging.judge import Judge
from mmconform.judging.repeat import caveat
from mmconform.record.rows import Evidence
from mmconform.report.failure import gather
from mmconform.servers.target import Server, Target, describe
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange, Position
from mmconform.wire.tape.redact import Redactor
from tests.rows import seen

ID = "abcdefghijklmnopqrstuvwxy1"
SERVER = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "")


def explained(contract, status, answer, by, settings=(), roles=None, documents=(), name="http://x", query="", body=None, **more):
    """The text of each failure that one answer to GetUserAccessToken shows."""
    target = Target(name, "x", "http://x", SERVER, Redactor(replaying=False))
    target.redactor.learn_run("k3j2h1")
    if roles:
        target.told_roles = roles
    judge, url = Judge(contract, target, []), f"/api/v4/users/tokens/{ID}{query}"
    told = {"content-type": "application/json"}
    said = json.dumps(answer).encode()
    judge.see(Exchange("GetUserAccessToken", by, "other", "GET", url, {}, body, status, told, said, settings=settings, **more))
    broken = gather(contract, describe(SERVER), name, seen(judge), documents)
    return {failure.clause.id: failure.explain() for failure in broken}


def test_a_refusal_says_who_was_expected_to_be_served_and_from_where_that_is_known(contract):
    refused = {"id": "api.context.permissions.app_error", "message": "no", "status_code": 403}
    text = explained(contract, 403, refused, "system_admin")["GetUserAccessToken.permission"]
    assert "expected  served: system_admin has " in text and "read_user_access_token" in text
    assert "(data/permissions.yaml)" in text and "while" not in text


def test_where_the_server_tells_of_its_roles_they_are_the_source(contract):
    held = {"system_admin": frozenset({"read_user_access_token", "edit_other_users"})}
    refused = {"id": "api.context.permissions.app_error", "message": "no", "status_code": 403}
    text = explained(contract, 403, refused, "system_admin", roles=held)["GetUserAccessToken.permission"]
    assert "(the server's own list of its roles)" in text


@pytest.mark.parametrize(
    ("status", "answer", "by", "clause", "expected"),
    [
        (299, {}, "system_admin", "status", "one of 200, "),
        (200, {"id": ID}, "system_admin", "schema", "a body that follows the schema of the 200"),
        (200, {}, "anonymous", "auth", "401"),
        (200, {"token": "x" * 26}, "system_admin", "secret", "none in it"),
    ],
)
def test_every_other_failure_says_it_too_and_where_that_stands(contract, status, answer, by, clause, expected):
    text = explained(contract, status, answer, by)[f"GetUserAccessToken.{clause}"]
    [line] = [line for line in text.splitlines() if line.startswith("  expected")]
    assert line.startswith(f"  expected  {expected}")
    assert line.endswith(f"({contract.clauses[f'GetUserAccessToken.{clause}'].place})")


def test_it_says_what_the_run_had_set_otherwise(contract, serve):
    """What was in force when the request was sent, not when the test ended."""
    client = Client(serve(lambda *_: (200, [], b"{}")).url, Redactor(replaying=False))
    with client.under("ServiceSettings.EnableUserAccessTokens is false"), client.under("the role system_user has more"):
        within = client.send("GET", "/a", persona="member").settings
    assert within == ("ServiceSettings.EnableUserAccessTokens is false", "the role system_user has more")
    assert client.send("GET", "/a", persona="member").settings == ()
    text = explained(contract, 299, {}, "system_admin", within)["GetUserAccessToken.status"]
    assert "\n            while ServiceSettings.EnableUserAccessTokens is false; the role system_user has more\n" in text


def test_the_line_that_repeats_it_names_what_was_sent(contract):
    """A name stood there as on tapes, and no server has one like that."""
    text = explained(contract, 299, {"name": "mmc-k3j2h1-t7"}, "system_admin", query="?name=mmc-k3j2h1-t7")
    [line] = [line for line in text["GetUserAccessToken.status"].splitlines() if line.startswith("  repeat")]
    assert f"{ID}?name=mmc-k3j2h1-t7" in line
    [line] = [line for line in text["GetUserAccessToken.status"].splitlines() if line.startswith("  answer")]
    assert "mmc-k3j2h1-t7" in line


@pytest.mark.parametrize(
    ("name", "where"), [("http://x", "is taken away when it ends"), ("recorded:5.36.1", "was on the server that was recorded")]
)
def test_the_line_that_repeats_it_says_that_what_it_names_is_gone(contract, name, where):
    text = explained(contract, 299, {}, "system_admin", name=name)["GetUserAccessToken.status"]
    assert f"\n            what the run made {where}: put ids and names of yours in place of these\n" in text


@pytest.mark.parametrize(
    ("url", "body", "says"),
    [
        ("/api/v4/system/ping", "", False),
        ("/api/v4/users/me", '{"username": "somebody"}', False),
        (f"/api/v4/users/{ID}", "", True),
        ("/api/v4/users/me", '{"username": "mmc-k3j2h1-m"}', True),
    ],
)
def test_that_is_said_where_it_names_something_alone(url, body, says):
    assert bool(caveat(Evidence(method="GET", url=url, body=body), "http://x")) is says


def test_it_is_told_which_of_the_ids_is_the_callers_own(contract):
    """Of several ids nobody could know which to put one's own in place of."""
    text = explained(contract, 299, {}, "system_admin", own=frozenset({ID, "0" * 26}))["GetUserAccessToken.status"]
    assert f"in place of these (the caller's own: {ID})\n" in text


@pytest.mark.parametrize("length", [601, 20_000])
def test_a_long_request_is_repeated_as_it_was_sent_or_says_that_it_is_not_whole(contract, length):
    """A body was cut after 600 characters, with their number in it, and sent so it was answered otherwise."""
    body = json.dumps({"data": "x" * length})
    text = explained(contract, 299, {}, "system_admin", body=body.encode())["GetUserAccessToken.status"]
    [line] = [line for line in text.splitlines() if line.startswith("  repeat")]
    is_whole = length < 16_384
    assert (f"--data-raw '{body}'" in line, "--data-binary @BODY" in line) == (is_whole, not is_whole)
    told = f"BODY is a file with the body that was sent, {len(body)} characters: it is too long for a record"
    assert (told in text) == (not is_whole)


def test_the_line_that_repeats_it_names_the_documents_it_was_judged_by(contract):
    """A path may hold what a shell would take apart."""
    documents = ("--spec=my api.yaml", "--overlay=o.yaml")
    text = explained(contract, 200, {}, "anonymous", documents=documents)["GetUserAccessToken.auth"]
    assert "  in        pytest --target http://x '--spec=my api.yaml' --overlay=o.yaml " in text
    assert "--spec" not in explained(contract, 200, {}, "anonymous")["GetUserAccessToken.auth"]


@pytest.mark.parametrize(
    ("position", "variant", "words"),
    [
        (None, "", "about somebody else's"),
        (Position(frozenset({"team_user"})), "", "about somebody else's, in a team of theirs"),
        (Position(frozenset()), "", "about somebody else's, where they do not belong"),
        (
            Position(frozenset({"team_user"}), "private"),
            "include_deleted=true",
            "about somebody else's, in a private channel of others with include_deleted=true",
        ),
        (None, "include_deleted=true", "about somebody else's, with include_deleted=true"),
    ],
)
def test_it_says_where_that_lies_which_was_asked_about(contract, position, variant, words):
    """Whether somebody may be served hangs on it: in a team of theirs they may, and in another not."""
    text = explained(contract, 299, {}, "system_admin", position=position, variant=variant)["GetUserAccessToken.status"]
    assert f"  asked by  system_admin ({words})\n" in text
