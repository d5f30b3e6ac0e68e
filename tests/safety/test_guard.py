"""What is sent by whom: the two lists, and the guard that goes by them, wherever a request comes from."""

from pathlib import Path

import pytest

from mmconform.contract.build import build
from mmconform.contract.clause import Operation
from mmconform.contract.permission import Requirement
from mmconform.contract.templates import below_the_api
from mmconform.documents.load import load
from mmconform.safety.guard import Guard, require_filled
from mmconform.safety.harm import danger, dangerous, harmless
from mmconform.version import Version, Versions
from mmconform.wire.client import Client, HeldBackError, Sending, UnseenError
from mmconform.wire.tape.redact import Redactor
from mmconform.world.people import PERSONAS
from mmconform.world.register import Register

SMALL = Path(__file__).parent / "dangerous-document.yaml"
SIGNED_IN = [name for name in PERSONAS if name != "anonymous"]
ABOUT = ("self", "other", "nobody")


@pytest.fixture(scope="module")
def small():
    """A few operations, some of which do harm."""
    return build(load([SMALL], []).document)


@pytest.fixture
def guard_of(small):
    """Make the guard of a server."""
    return lambda contract=small, **known: Guard(contract, Version.parse("11.1.0"), **known)


def senders(guard, operation, about="nobody"):
    return [who for who in PERSONAS if not guard.refuses(guard.contract.operations[operation], who, about)]


def held(guard, method, url, *, persona="anonymous", operation=""):
    try:
        guard.before(Sending(method, url, operation, persona, "nobody"))
    except HeldBackError as error:
        return error.reason
    return ""


# -- the lists -----------------------------------------------------------------------------------------------------


def test_no_operation_is_both_harmless_and_dangerous():
    both = [(one, other) for one in harmless() for other in dangerous() if one.path == other.path and one.method == other.method]
    assert [(one.path.pattern, other.parameter) for one, other in both] == [("/system/ping", "device_id")]


def test_a_parameter_makes_dangerous_what_is_not(guard_of):
    """What was a bot would be a system administrator."""
    bots = Operation("X", "POST", "/bots/{bot_user_id}/convert_to_user", (), None, {}, Requirement(), Versions(), harmless="ours")
    guard, flag = guard_of(), frozenset({"set_system_admin"})
    assert not guard.refuses(bots, "system_admin", "other", is_spending=True)
    assert guard.refuses(bots, "system_admin", "other", flag, is_spending=True)
    assert not guard_of(is_disruptive=True, is_throwaway=True).refuses(bots, "system_admin", "other", flag, is_spending=True)


@pytest.mark.parametrize(
    ("operation", "closed"),
    [
        ("POST /caches/invalidate", True),
        ("GET /cloud/limits", True),
        ("POST /schemes", False),  # which can do nothing without a licence
        ("POST /users", False),  # of which a probe makes one of ours
        ("DELETE /posts/{post_id}", False),  # with a parameter alone
        ("GET /users", False),
    ],
)
def test_what_no_request_may_do_is_closed_and_what_some_may_is_not(operation, closed):
    assert bool(danger(*operation.split())) is closed


def test_every_row_says_why():
    assert all(row.reason.strip() for row in (*harmless(), *dangerous()))


def test_our_own_operations_are_all_sent_by_everybody(guard_of, contract):
    guard = guard_of(contract)
    asked = [(operation, who, about) for operation in contract.operations.values() for who in PERSONAS for about in ABOUT]
    assert [(o.id, who, about) for o, who, about in asked if guard.refuses(o, who, about)] == []


# -- who sends an operation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["Restart", "EndEverySession", "LookAtTheMarket", "SwitchPolicy", "NewCertificate"])
def test_what_cannot_be_undone_is_sent_by_nobody(guard_of, operation):
    assert senders(guard_of(), operation) == []
    assert senders(guard_of(is_disruptive=True), operation) == [], "the server has people of its own"
    assert senders(guard_of(is_throwaway=True), operation) == [], "nobody asked for it"
    assert senders(guard_of(is_disruptive=True, is_throwaway=True), operation) == [*PERSONAS]


def test_what_changes_something_is_sent_by_who_is_to_be_refused_alone(guard_of):
    assert senders(guard_of(), "RemoveUser") == [who for who in PERSONAS if who != "system_admin"]
    assert senders(guard_of(is_disruptive=True), "RemoveUser") == [*PERSONAS]


def test_whoever_is_signed_in_signs_out_nobody(guard_of):
    assert senders(guard_of(), "SignOut") == ["anonymous"]


def test_somebody_themselves_is_not_who_is_refused(guard_of):
    guard = guard_of()
    assert "member" not in senders(guard, "ChangePassword", "self")
    assert "member" in senders(guard, "ChangePassword", "other")


def test_a_permission_that_nobody_knows_may_be_anybodys_who_is_signed_in(guard_of):
    assert senders(guard_of(), "MakeWidget") == ["anonymous"]


def test_who_is_served_by_a_sentence_that_nobody_understands_is_anybody(guard_of):
    assert senders(guard_of(), "WidgetsOfAllSorts") == []


def test_an_operation_that_anybody_may_call_is_not_sent_by_anonymous(guard_of):
    assert senders(guard_of(), "SignUp") == []


def test_a_caller_of_a_test_s_own_could_be_anybody(guard_of):
    guard = guard_of()
    assert guard.refuses(guard.contract.operations["RemoveUser"], "holder_of_one", "other")


def test_a_get_is_not_harmless_for_being_one(guard_of):
    assert senders(guard_of(), "ReadGadgets") == ["anonymous"]
    assert senders(guard_of(), "ReadUsers") == [*PERSONAS]


def test_a_post_that_only_reads_is_sent(guard_of):
    assert senders(guard_of(), "UsersByIds") == [*PERSONAS]


def test_a_document_can_say_that_an_operation_is_harmless_but_not_that_a_dangerous_one_is(guard_of):
    assert senders(guard_of(), "SpinWidget") == [*PERSONAS]
    assert senders(guard_of(), "LookAtTheMarket") == []


def test_a_job_is_harmless_where_its_kind_is_known(guard_of, contract):
    assert senders(guard_of(), "BeginJob") == ["anonymous"]
    assert senders(guard_of(contract), "CreateJob") == [*PERSONAS]


# -- at the wire ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/api/v4/restart"),
        ("POST", "/api/v4/restart/"),
        ("POST", "/api/v4//restart"),
        ("POST", "/api/v4/users/../restart"),
        ("POST", "/api/v4/%72estart"),
        ("POST", "/api/v4/users/%2E%2E%2Frestart"),
        ("POST", "/api/v4/Restart"),
        ("POST", "/mattermost/api/v4/restart?x=1"),
        ("DELETE", "/api/v4/users/"),
        ("DELETE", "/api/v4/users/abc?permanent=true"),
        ("GET", "/api/v4/cloud/anything/new"),
        ("GET", "/api/v4/system/ping?device_id=x"),
        ("POST", "/api/v4/users/sessions%2Frevoke%2Fall"),
    ],
)
def test_an_address_is_what_a_router_makes_of_it(guard_of, method, url):
    assert held(guard_of(), method, url, operation="UsersByIds") == "would-do-harm"
    assert held(guard_of(is_disruptive=True, is_throwaway=True), method, url) == ""


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/api/v4/system/ping"),
        ("GET", "/api/v4/users?page=0"),
        ("GET", "/api/v4/restart"),
        ("POST", "/api/v4/users/restart"),
    ],
)
def test_other_addresses_are_let_through(guard_of, method, url):
    assert held(guard_of(), method, url) == ""


def test_what_the_administrator_arranges_is_let_through(guard_of):
    assert held(guard_of(), "PUT", "/api/v4/config", persona="operator") == ""
    assert held(guard_of(), "PUT", "/api/v4/config", persona="system_admin") == "would-do-harm"


def test_nothing_goes_to_the_server_past_the_guard(guard_of, serve):
    server = serve(lambda *_: (200, [("Content-Type", "application/json")], b"{}"))
    noted = []
    guard = guard_of(sent=lambda sending, status: noted.append((sending.operation, status)))
    client = Client(server.url, Redactor(replaying=False), guard=guard)
    for operation, who in [
        ("RemoveUser", "system_admin"),
        ("RemoveUser", "member"),
        ("ReadUsers", "member"),
        ("Restart", "anonymous"),
    ]:
        method = guard.contract.operations[operation].method
        try:
            path = guard.contract.operations[operation].path.replace("{person}", "z" * 26)
            client.send(method, "/api/v4" + path, persona=who, operation=operation)
        except HeldBackError:
            continue
    assert [request[0] for request in server.requests] == ["DELETE", "GET"]
    assert noted == [("RemoveUser", 200)]


def test_an_unanswered_request_is_noted_too(guard_of, closed_port):
    noted = []
    guard = guard_of(sent=lambda sending, status: noted.append(status))
    client = Client(closed_port, Redactor(replaying=False), guard=guard)
    with pytest.raises(Exception, match="no connection"):
        client.send("DELETE", f"/api/v4/users/{'z' * 26}", persona="member", operation="RemoveUser")
    assert noted == [0]


# -- what a server lacks it cannot do ------------------------------------------------------------------------------

WITHOUT = frozenset({"a licence"})


def probers(guard, operation):
    found = guard.contract.operations[operation]
    return [who for who in PERSONAS if not guard.refuses(found, who, "other", is_spending=True)]


@pytest.mark.parametrize("operation", ["AskDirectory", "GiveToGroup"])
def test_what_needs_a_licence_is_asked_by_everybody_where_the_server_says_that_it_has_none(guard_of, operation):
    assert probers(guard_of(lacks=WITHOUT), operation) == [*PERSONAS]
    assert "system_admin" not in probers(guard_of(), operation), "what is not told may be there"
    assert "system_admin" not in probers(guard_of(lacks=frozenset({"plugins"})), operation)
    assert "system_admin" not in senders(guard_of(lacks=WITHOUT), operation), "a generated request may name anything"


def test_what_is_dangerous_with_and_without_what_it_needs_is_sent_by_nobody(guard_of):
    assert probers(guard_of(lacks=WITHOUT), "PatchSettings") == []


def test_what_is_dangerous_for_want_of_nothing_else_is_sent_by_nobody_where_it_is_there(guard_of):
    assert probers(guard_of(), "AskDirectory") == []


def test_a_server_that_serves_what_it_says_it_lacks_is_an_error_and_is_not_asked_again(guard_of, serve):
    server = serve(lambda *_: (200, [("Content-Type", "application/json")], b"{}"))
    guard = guard_of(lacks=WITHOUT)
    client = Client(server.url, Redactor(replaying=False), guard=guard)

    def ask(persona):
        url = "/api/v4/ldap/sync"
        client.send("POST", url, persona=persona, operation="AskDirectory", about="other", is_spending=True)

    with pytest.raises(UnseenError, match=r"POST /ldap/sync: .*was served by a server that says it has not got a licence"):
        ask("system_admin")
    for persona in ("system_admin", "member"):
        with pytest.raises(HeldBackError):
            ask(persona)
    assert len(server.requests) == 1


# -- somebody else's -----------------------------------------------------------------------------------------------

THEIRS, OURS, DRAWN = "ybndrfg8ejkmcpqxot1uwisza3", "4h769ybndrfg8ejkmcpqxot1uw", "isza345h769ybndrfg8ejkmcpq"


def sent(guard, method, url, body=b"", *, operation="", persona="system_admin", is_spending=True):
    try:
        guard.before(Sending(method, url, operation, persona, "other", is_spending, body))
    except HeldBackError as error:
        return f"{error.reason}: {error}"
    return ""


@pytest.fixture
def owning(guard_of):
    """A guard that lets everything through but what it does not know."""
    register = Register()
    register.learn(OURS, "smiley")
    register.learn_names("mmc-abcdef")
    register.draw({"user_id": DRAWN, "email": "somebody@drawn.example"}, ["drawn"])
    return guard_of(is_disruptive=True, register=register)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"/api/v4/users/{THEIRS}", b""),
        (f"/api/v4/users/{OURS}?also={THEIRS}", b""),
        (f"/api/v4/users/{OURS}/x%2F{THEIRS}", b""),
        (f"/api/v4/users/{OURS}", b'{"ids": ["%s"]}' % THEIRS.encode()),
        (f"/api/v4/users/{OURS}", b'{"deep": {"%s": true}}' % THEIRS.encode()),
        (f"/api/v4/users/{OURS}", b"user_id=%s&x=1" % THEIRS.encode()),
        (f"/api/v4/users/{OURS}", b'--b\r\nname="channel_id"\r\n\r\n%s\r\n--b--' % THEIRS.encode()),
        (f"/api/v4/users/{OURS}", b'{"emails": ["the.boss@example.com"]}'),
        (f"/api/v4/users/{OURS}", b'{"to": "the.boss@example.com"}'),
        (f"/api/v4/users/{OURS}", b'{"username": "boss"}'),
        (f"/api/v4/users/{OURS}", b'{"usernames": ["mmc-abcdef-member", "boss"]}'),
        ("/api/v4/users/boss", b""),
    ],
    ids=str,
)
def test_what_changes_something_of_somebody_elses_is_not_sent(owning, url, body):
    told = sent(owning, "DELETE", url, body, operation="RemoveUser")
    assert told.startswith("foreign-identifier: ") and any(one in told for one in (THEIRS, "boss"))


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"/api/v4/users/{OURS}", b'{"ids": ["%s"], "email": "somebody@drawn.example"}' % DRAWN.encode()),
        (f"/api/v4/users/{DRAWN}", b'{"username": "mmc-abcdef-member", "email": "mmc-abcdef-x@conformance.invalid"}'),
        ("/api/v4/users/drawn", b'{"emoji": "smiley", "roles": "system_user team_user", "message": "a longer text without ids"}'),
        ("/api/v4/users/me", b""),
        ("/api/v4/users/me", b'{"message": "%s"}' % (b"x" * 1_000_000)),
        ("/api/v4/users/" + "z" * 26, b'{"token_id": "redactedzzzzzzzzzzzzzzzzzz"}'),
        (f"/api/v4/users/{OURS}", b"\x89PNG \xff" + THEIRS.upper().encode()),
    ],
    ids=lambda part: str(part)[:60],
)
def test_what_is_ours_or_was_drawn_or_is_nobodys_is_sent(owning, url, body):
    assert sent(owning, "DELETE", url, body, operation="RemoveUser") == ""


def test_the_words_of_an_overlay_are_sent_but_for_identifiers_and_addresses(owning):
    owning.register.learn_words("smile", 1600000000000, THEIRS, f"x/{THEIRS}", "the.boss@example.com")
    assert sent(owning, "DELETE", "/api/v4/users/smile", operation="RemoveUser") == ""
    assert sent(owning, "DELETE", "/api/v4/users/1600000000000", operation="RemoveUser") == ""
    for theirs in (THEIRS, "the.boss@example.com"):
        assert sent(owning, "DELETE", f"/api/v4/users/{theirs}", operation="RemoveUser").startswith("foreign-identifier")


def test_what_reads_may_name_anybody(owning):
    assert sent(owning, "GET", f"/api/v4/users/{THEIRS}", operation="ReadUsers") == ""
    assert sent(owning, "POST", "/api/v4/users/ids", b'["%s"]' % THEIRS.encode(), operation="UsersByIds").startswith("foreign")


def test_a_get_that_nobody_declares_harmless_changes_something(owning):
    assert sent(owning, "GET", f"/api/v4/gadgets?of={THEIRS}", operation="ReadGadgets").startswith("foreign")


def test_the_administrator_arranges_what_has_to_be(owning):
    assert sent(owning, "DELETE", f"/api/v4/users/{THEIRS}", persona="operator") == ""


MADE = b'{"id": "%s", "user_id": "%s", "creator_id": "%s"}' % (
    THEIRS.encode(),
    THEIRS[::-1].encode(),
    (THEIRS[1:] + "y").encode(),
)


def test_what_a_request_made_is_ours_from_then_on_and_what_an_answer_only_tells_of_is_not(owning):
    def after(method, operation, answer, status=201):
        owning.after(Sending(method, "/api/v4/x", operation, "member", "other"), status, answer)

    for method, operation, status in (("GET", "", 200), ("PUT", "", 200), ("POST", "UsersByIds", 200), ("POST", "", 403)):
        after(method, operation, MADE, status)
    after("POST", "", b"[%s]" % MADE)
    after("POST", "", b'{"users": %s}' % MADE)
    after("POST", "", b"no JSON")
    owning.after(Sending("POST", "/api/v4/users/login", "", "operator", "other"), 200, MADE)
    assert not owning.register.knows(THEIRS)
    after("POST", "", MADE)
    assert owning.register.knows(THEIRS) and owning.register.knows(THEIRS[::-1])
    assert not owning.register.knows(THEIRS[1:] + "y")
    after("POST", "", b'{"file_infos": [{"id": "%s"}, null]}' % (THEIRS[2:] + "yb").encode())
    assert owning.register.knows(THEIRS[2:] + "yb")


# -- a template is no request --------------------------------------------------------------------------------------


def test_a_placeholder_that_nobody_filled_in_is_not_sent(contract):
    operation = contract.operations["RegenCommandToken"]
    with pytest.raises(HeldBackError, match=r"nobody says what `\{command_id\}` stands for") as error:
        require_filled(operation, {"command": "x"})
    assert error.value.reason == "unknown-identifier"


def test_a_value_may_look_like_a_placeholder(small):
    operation = small.operations["PinOfWidget"]
    require_filled(operation, {"widget_id": "{pin}", "pin": "{widget_id}"})
    assert operation.filled({"widget_id": "{pin}", "pin": "{widget_id}"}) == "/widgets/{pin}/pins/{widget_id}"


@pytest.mark.parametrize(
    ("path", "below"),
    [("/api/v4/users/{user_id}", "/users/{user_id}"), ("/users", "/users"), ("/sub/api/v4/users", "/users"), ("/api/v4", "/")],
)
def test_what_all_paths_begin_with_is_left_out(path, below):
    assert below_the_api(path) == below
