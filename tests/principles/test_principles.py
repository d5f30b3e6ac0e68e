"""Principles: what was shown although it is hidden, what went on although it ended; on a plain server nothing of it."""

import json
from collections import Counter
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import msgspec
import pytest

from mmconform.contract.build import build
from mmconform.contract.clause import PRINCIPLES, Body, Operation, Parameter
from mmconform.contract.permission import Requirement
from mmconform.documents.load import load
from mmconform.driving.probes import Prober
from mmconform.errors import DocumentError
from mmconform.judging import deviations
from mmconform.judging.deviations import Deviation
from mmconform.judging.judge import Judge
from mmconform.paths import SPECS
from mmconform.principles import (
    bounded,
    confidential,
    consistent,
    delegates,
    ended,
    ended_things,
    hidden,
    report,
    schemas,
    unlisted,
)
from mmconform.principles.data import endings, exceptions, never_switched, places, things
from mmconform.principles.effects import EffectTrial, Outcome, Situation, base_of, changes
from mmconform.principles.forbidden import Switch, Switches, Things
from mmconform.principles.questions import Questions, flags
from mmconform.principles.sightings import Finding, Sightings, Stock, is_blank, reading_operations
from mmconform.reference.mutants import MUTANTS
from mmconform.servers import target as targets
from mmconform.servers.live import prepare
from mmconform.servers.target import Server, Target
from mmconform.version import Version, Versions
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor
from mmconform.world import admin, spare
from mmconform.world.admin import part
from mmconform.world.build import build as build_world
from mmconform.world.build import new_run_id
from mmconform.world.place import Place
from mmconform.world.world import World

TEAM, ADMIN, MEMBER = "team" * 6 + "00", "admin" * 5 + "0", "member" * 4 + "00"
SESSION = "k" * 26


@pytest.fixture(scope="module")
def small():
    return build(load([SPECS / "small.yaml"]).document)


@pytest.fixture
def stock(small):
    """A stock that knows a team of ours, its members and the session of one of them."""
    redactor = Redactor(replaying=False)
    redactor.learn_credential(SESSION, "team_admin")
    found = Sightings(small, Target("x", "x", "http://x", Server(Version(11), "11", "11", "", "team", ""), redactor))
    found.knows("team", [TEAM])
    found.knows("user", [ADMIN, MEMBER])
    return found


def answer(operation, path, data, persona="member", caller=MEMBER, method="GET"):
    told = json.dumps(data).encode()
    own = frozenset({caller})
    return Exchange(operation, persona, "other", method, f"/api/v4{path}", {}, None, 200, {}, told, own, persona)


def read(data, persona="member", caller=MEMBER):
    return answer("GetTeam", f"/teams/{TEAM}", {"id": TEAM, **data}, persona, caller)


def found(stock, *exchanges):
    for one in exchanges:
        stock.note(one)
    return [(one.operation, one.beside, one.field, one.persona) for one in hidden.find(stock.seen.sightings)]


BY_ADMIN = read({"invite_id": "secret", "props": {"key": "value"}}, "system_admin", ADMIN)
HIDES = read({"invite_id": "", "props": {"key": ""}})


def shows(**fields):
    return answer("GetChannel", "/channels/x", {"id": "x", "teams": [{"id": TEAM, **fields}]})


# -- hidden ---------------------------------------------------------------------------------------------------------------


def test_what_the_reading_operation_blanks_for_somebody_no_other_answer_shows_them(stock):
    told = found(stock, BY_ADMIN, HIDES, BY_ADMIN, shows(invite_id="secret", props={"key": "value"}))
    assert told == [("GetChannel", "GetTeam", "invite_id", "member"), ("GetChannel", "GetTeam", "props.key", "member")]
    (first, _) = hidden.find(stock.seen.sightings)
    assert first.seen.startswith("`teams[].invite_id` is shown")
    assert [side.answer for side in first.evidence] == ["teams[].invite_id: shown", "invite_id: blank"]


BLANK_FOR_ALL = read({"invite_id": ""}, "system_admin", ADMIN)
NOT_HIDDEN = {
    "left out of a shorter form": (BY_ADMIN, read({}), BY_ADMIN, shows(invite_id="secret")),
    "shown by the reading operation too": (BY_ADMIN, read({"invite_id": "secret"}), BY_ADMIN, shows(invite_id="secret")),
    "shown by it at one time": (BY_ADMIN, HIDES, read({"invite_id": "secret"}), BY_ADMIN, shows(invite_id="secret")),
    "blank there too": (BY_ADMIN, HIDES, BY_ADMIN, shows(invite_id="")),
    "blank for the administrator": (BLANK_FOR_ALL, HIDES, BLANK_FOR_ALL, shows(invite_id="secret")),
    "filled in after they read it": (BLANK_FOR_ALL, HIDES, BY_ADMIN, shows(invite_id="secret"), BY_ADMIN),
    "emptied before they read it": (shows(invite_id="secret"), BY_ADMIN, HIDES, BLANK_FOR_ALL),
    "another value, just renewed": (BY_ADMIN, HIDES, BY_ADMIN, shows(invite_id="renewed")),
    "never read by them": (BY_ADMIN, BY_ADMIN, shows(invite_id="secret")),
    "hidden from somebody else": (BY_ADMIN, read({"invite_id": ""}, "guest", ADMIN[::-1]), BY_ADMIN, shows(invite_id="secret")),
    "of another thing": (BY_ADMIN, HIDES, BY_ADMIN, answer("GetChannel", "/channels/x", {"id": "x", "invite_id": "secret"})),
    "refused": (BY_ADMIN, HIDES, BY_ADMIN),
}


@pytest.mark.parametrize("how", NOT_HIDDEN)
def test_what_is_not_hidden_from_them(stock, how):
    assert found(stock, *NOT_HIDDEN[how]) == []


@pytest.mark.parametrize("value", [None, "", "********", 0, -1, [], {}, False])
def test_what_tells_nothing(value):
    assert is_blank(value)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"id": ADMIN, "password": "x" * 60}, "password"),
        ({"id": ADMIN, "mfa_secret": "JBSWY3DP"}, "mfa_secret"),
        ({"anything": "$2a$10$" + "x" * 53}, "the hash of a password"),
        ({"anything": [{"deep": SESSION}]}, "the credential of team_admin"),
    ],
)
def test_credentials_are_shown_to_nobody(stock, told, field):
    stock.note(answer("GetUser", f"/users/{ADMIN}", told))
    (one,) = stock.seen.findings
    assert (one.principle, one.operation, one.field, one.persona) == ("hidden", "GetUser", field, "member")
    assert all(str(value) not in repr(one) for value in told.values() if value != ADMIN)


@pytest.mark.parametrize(
    ("told", "persona"),
    [
        ({"id": ADMIN, "password": ""}, "member"),
        ({"id": "x" * 26, "password": "of something that is no account"}, "member"),
        ({"token": SESSION}, "team_admin"),
        ({"price": "$2 and $10"}, "member"),
    ],
    ids=["blank", "no account", "one's own", "no hash"],
)
def test_what_is_no_credential_of_others(stock, told, persona):
    stock.note(answer("GetUser", f"/users/{ADMIN}", told, persona))
    assert stock.seen.findings == []


def test_a_credential_that_is_over_gives_nothing_away(stock):
    """Servers log with which invalid session they were asked, and administrators read the log."""
    stock.over.add(SESSION)
    stock.note(answer("GetUser", f"/users/{ADMIN}", {"error": f"invalid session {SESSION}"}))
    assert stock.seen.findings == []


def test_things_are_known_by_the_requests_that_name_them(stock):
    post = "post" * 6 + "00"
    stock.note(answer("GetPost", f"/posts/{post}", {"id": post, "message": "x"}))
    assert stock.things[post] == "post"
    assert [(one.kind, one.is_reading) for one in stock.seen.sightings] == [("post", True)]


def test_the_operation_that_reads_a_kind_names_nothing_else_and_tells_its_id(small):
    assert {kind: one.id for kind, one in reading_operations(small).items()} == {
        "team": "GetTeam",
        "channel": "GetChannel",
        "post": "GetPost",
        "user": "GetUser",
    }


# -- ended ----------------------------------------------------------------------------------------------------------------


def asked(ended_status, twin_status, told="", of_twin="", url="/x"):
    def one(status, text):
        return Exchange("X", "member", "other", "GET", url, {}, None, status, {}, text.encode())

    return ended.Asked(SimpleNamespace(id="X"), one(ended_status, told), one(twin_status, of_twin))


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        (asked(200, 403), "is served, and a twin who never was there is answered 403"),
        (asked(200, 404), "is served, and a twin who never was there is answered 404"),
        (asked(200, 200, "the mark", "nothing"), "is told what was written, and a twin who never was there is not"),
        (asked(200, 200, "the mark", "the mark"), ""),
        (asked(200, 200, "the mark", "", "/x?sent=mark"), ""),
        (asked(403, 403), ""),
        (asked(403, 200), ""),
        (asked(200, 500), ""),
    ],
)
def test_what_somebody_who_ended_is_answered_more_than_a_twin(one, seen):
    assert ended.differs(one, {"what was written": "mark"}) == seen


def test_what_a_credential_opens_that_is_over():
    everybody, over, alive = asked(200, 200), asked(401, 401), asked(200, 401)
    assert ended.opened([everybody, over, alive]) == [alive]


def test_what_principles_are_told_has_a_source():
    assert all("@" in one.source for one in (*endings(), *things(), *places(), *exceptions()))


# -- unlisted -------------------------------------------------------------------------------------------------------------


def test_what_a_request_lists_is_told_of_its_parts_too(small):
    schema = {"allOf": [{"$ref": "#/components/schemas/Scheme"}], "properties": {"more": {"type": "string"}}}
    assert schemas.properties(small, schema).keys() == {"id", "scope", "more"}
    assert schemas.listed(small, small.operations["CreatePost"]) == {"channel_id", "message", "root_id", "file_ids"}
    assert schemas.listed(small, small.operations["DeletePost"]) == set()


def test_what_is_made_or_changed_is_read_by_what_answers_alike_or_lies_above(small):
    read = {name: unlisted.reading_of(small, small.operations[name]) for name in ("CreatePost", "UpdateUserActive", "UploadFile")}
    assert {name: one and one.id for name, one in read.items()} == {
        "CreatePost": "GetPost",
        "UpdateUserActive": "GetUser",
        "UploadFile": None,
    }


@pytest.mark.parametrize(
    ("read", "sent", "is_so"),
    [
        (1, 1, True),
        (1, True, False),
        (None, "", False),
        ("team_admin team_user", "team_user team_admin", True),
        ({"ours": "x", "theirs": "y"}, {"ours": "x"}, True),
        ({"theirs": "y"}, {"ours": "x"}, False),
    ],
)
def test_whether_what_is_read_is_what_was_sent(read, sent, is_so):
    assert unlisted.is_ours(read, sent) is is_so


def test_what_the_document_is_merely_silent_about_is_no_finding(small):
    silent = msgspec.structs.replace(GUEST, principle="unlisted", is_gap=True)
    (row,) = report.rows(small, Stock([], [silent]), [], Version(11))
    assert row.standing == "gap"


# -- consistent -----------------------------------------------------------------------------------------------------------


def changing(operation, effect, target="member", read=("GetUser", "GetTeam")):
    trial = EffectTrial(SimpleNamespace(id=operation), Situation(None, target))
    return trial, Outcome(asked(200, 200).ended, frozenset(read), {tuple(key.split(".")): told for key, told in effect.items()})


GONE, OTHER = {"GetUser.delete_at": "a moment"}, {"GetUser.roles": '"system_user"'}


@pytest.mark.parametrize(
    ("one", "other", "is_pair"),
    [
        (changing("A", GONE), changing("B", GONE), True),
        (changing("A", GONE), changing("B", {**GONE, "GetTeam.x": "1"}, read=("GetUser", "GetTeam")), False),
        (changing("A", GONE, read=["GetUser"]), changing("B", {**GONE, "GetTeam.x": "1"}), True),
        (changing("A", GONE), changing("B", OTHER), False),
        (changing("A", GONE), changing("B", {"GetUser.delete_at": "0"}), False),
        (changing("A", {"GetUser.x": "1"}, read=["GetUser"]), changing("B", {"GetTeam.x": "1"}, read=["GetTeam"]), False),
        (changing("A", GONE), changing("B", GONE, "guest"), False),
        (changing("A", {}), changing("B", {}), False),
    ],
)
def test_two_operations_that_bring_about_the_same_in_one_situation(one, other, is_pair):
    assert bool(consistent.pairs_of([one, other])) == is_pair


@pytest.mark.parametrize(
    ("status", "error_id", "so"),
    [
        (403, "api.context.permissions.app_error", True),
        (403, "api.user.update_active.permissions.app_error", True),
        (403, "api.team.is_full.app_error", False),
        (400, "api.context.permissions.app_error", False),
    ],
)
def test_an_answer_that_says_that_a_permission_is_lacking(status, error_id, so):
    refused = Exchange("X", "member", "other", "PUT", "/x", {}, None, status, {}, json.dumps({"id": error_id}).encode())
    assert consistent.is_denied(refused, Version(11)) == so


def test_what_a_request_changed_in_words_that_are_the_same_for_twins():
    def read(**fields):
        return {("GetThing", name): value for name, value in fields.items()}

    before = read(a=1, moved=10**12, ended=0, owner=MEMBER, secret="s" * 26, name="mmc-abcdef-x1", gone="x")
    after = read(a=1, moved=10**12 + 5, ended=10**12, owner=ADMIN, secret="t" * 26, name="mmc-abcdef-x2", there=True)
    assert changes(before, after, {ADMIN: "user"}) == read(
        ended="a moment", owner="{user}", secret="an identifier", gone="null", there="true"
    )


def test_states_and_special_cases_are_of_one_kind():
    assert [base_of(kind) for kind in ("archived-channel", "edited-post", "guest-account", "image", "user")] == [
        *("channel", "post", "user", "file", "user")
    ]


# -- bounded --------------------------------------------------------------------------------------------------------------


OF_ACCOUNTS = {
    "sessions": ({"type": "array", "items": {"properties": {"id": {}, "user_id": {}}}}, True),
    "a status": ({"properties": {"user_id": {}, "status": {}}}, True),
    "teams": ({"type": "array", "items": {"properties": {"id": {}, "name": {}}}}, False),
    "memberships": ({"type": "array", "items": {"properties": {"user_id": {}, "team_id": {}}}}, False),
    "nothing": (None, False),
}


@pytest.mark.parametrize("what", OF_ACCOUNTS)
def test_what_is_of_an_account_alone(small, what):
    schema, is_so = OF_ACCOUNTS[what]
    operation = SimpleNamespace(answers={"200": SimpleNamespace(content={"application/json": schema})})
    assert bounded.is_of_an_account(small, operation) is is_so


@pytest.mark.parametrize(
    ("name", "is_so"), [("roles", True), ("new_roles", True), ("scheme_admin", True), ("scheme_user", False), ("name", False)]
)
def test_what_gives_a_role(name, is_so):
    assert bounded.is_of_roles(name) is is_so


# -- forbidden ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "text", "url", "shown"),
    [
        (200, "xx mark xx", "/x", {"what was written"}),
        (200, "nothing", "/x", set()),
        (200, "mark", "/x?term=mark", set()),
        (403, "mark", "/x", set()),
    ],
)
def test_what_an_answer_tells_of_things_that_the_question_did_not_hold(status, text, url, shown):
    things = Things({}, {"what was written": b"mark"})
    assert things.shown_by(Exchange("X", "member", "other", "GET", url, {}, None, status, {}, text.encode())) == shown
    assert things.shown_by(None) == set()


def test_settings_that_are_never_turned_have_a_reason_and_a_source():
    assert all(row.reason and "@" in row.source and (row.sections or row.settings) for row in never_switched())
    assert any(row.is_about("LdapSettings", "Enable") for row in never_switched())
    assert any(row.is_about("ServiceSettings", "EnableDeveloper") for row in never_switched())
    assert not any(row.is_about("TeamSettings", "ExperimentalViewArchivedChannels") for row in never_switched())
    assert Switch("TeamSettings", "X", False).sections == {"TeamSettings": {"X": False}}


# -- how it is told -------------------------------------------------------------------------------------------------------

GUEST, STRANGER = (Finding("hidden", "GetChannel", "GetTeam", "invite_id", name, "seen") for name in ("guest", "outsider"))


def known_for(*personas, signature="invite_id"):
    return Deviation(
        "GetChannel.hidden",
        frozenset(personas),
        Versions.parse(">=5.0"),
        signature,
        "ambiguous",
        "why",
        "where",
        "now",
        "a.yaml:1",
    )


def told(small, *known):
    rows = report.rows(small, Stock([], [GUEST, STRANGER]), known, Version(11))
    return [(row.personas, row.standing, row.deviation) for row in rows]


def test_one_finding_an_operation_and_field_with_everybody_for_whom_it_is_so(small):
    assert told(small) == [(("guest", "outsider"), "new", "")]
    assert told(small, known_for("guest", signature="email")) == [(("guest", "outsider"), "new", "")]


def test_what_is_known_for_some_is_new_for_others(small):
    assert told(small, known_for("guest")) == [(("outsider",), "new", ""), (("guest",), "known", "a.yaml:1")]


def test_a_known_finding_is_an_entry_as_any_other(small, tmp_path):
    def load_one(clause):
        text = f"- clause: {clause}\n  personas: [guest]\n  versions: '>=5.0'\n  signature: invite_id\n  verdict: server\n"
        (tmp_path / "one.yaml").write_text(text + "  reason: why\n  evidence: where\n  first_seen: now\n", encoding="utf-8")
        return [one.clause for one in deviations.load(small, tmp_path)]

    assert load_one("GetChannel.hidden") == ["GetChannel.hidden"]
    for strange in ("GetNothing.hidden", "GetChannel.strange"):
        with pytest.raises(DocumentError, match="is no clause"):
            load_one(strange)


# -- a server of ours, with a flaw and without ----------------------------------------------------------------------------


FEW = {"deactivated", "removed from the channel"}


@contextmanager
def switched(admin, wanted):
    before = part(admin.config(), wanted)
    assert not admin.change(wanted)
    yield
    assert not admin.change(before)


@pytest.fixture
def played(small, monkeypatch):
    """Play principles on a server of ours, which does at once what it does, and return what was found: operation, principle."""
    monkeypatch.setattr(admin, "_MOMENT", 0)

    def play(name, principles, ways=FEW, meanwhile=lambda: None):
        target = targets.reference(name, {})
        client = target.client()
        operator = prepare.sign_in(client, create_first_admin=True, ours=target.admin)
        target.running.app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
        world = World(client, target.version, new_run_id(), operator)
        world.told_roles = target.told_roles = prepare.ask_roles(target, operator)
        build_world(world)
        place, stock, judge = Place(world, client), Sightings(small, target), Judge(small, target, [])
        judge.beside = stock
        stock.knows("user", (person.id for person in world.people.values()))
        reader = hidden.Reader(small, stock, world, client)
        for operation in ("GetTeam", "GetChannel", "GetUser"):
            Prober(small.operations[operation], world, client, judge, place).ask_all(None)
        reader.read_new()
        questions = Questions(small, small.operations.values(), lambda operation: None, world, client, place, stock)
        lent = spare.find(world, client, place)

        def end_all():
            for ending in (one for one in endings() if one.name in ways):
                questions.found(ended.Life(questions, ending).play())
            for thing in things():
                questions.found(ended_things.of_things(questions, thing))
            for end in places():
                questions.found(ended_things.of_places(questions, end))

        plays = {
            "hidden": lambda: hidden.ask_all(questions),
            "ended": end_all,
            "unlisted": lambda: unlisted.ask_all(questions),
            "bounded": lambda: bounded.ask_all(questions, lent),
            "confidential": lambda: questions.found(delegates.Delegates(confidential.ask_all(questions), lent).play()),
            "consistent": lambda: questions.found(consistent.PermissionComparison(questions, None).play()),
            "forbidden": lambda: questions.found(Switches(questions, partial(switched, world.admin(client))).play()),
        }
        meanwhile()
        for principle in (one for one in plays if one in principles):
            plays[principle]()
        assert not [one for one in judge.observations if one.standing == "new"]
        seen.append(stock.seen)
        target.close()
        return {f"{row.operation}.{row.principle}" for row in report.rows(small, stock.seen, [], target.version)}

    seen = play.seen = []
    return play


@pytest.fixture
def unheard(monkeypatch):
    """From when it is called on, no answer comes to some requests; it counts them by operation, what is arranged as of none."""

    def unheard(is_silent):
        send = Client.send

        def silent(client, method, url, *, operation="", **rest):
            if is_silent(operation, url):
                unheard.sent[operation] += 1
                raise UnseenError(f"{method} {url}", "the server did not answer in time")
            return send(client, method, url, operation=operation, **rest)

        monkeypatch.setattr(Client, "send", silent)

    unheard.sent = Counter()
    return unheard


def test_what_had_no_answer_is_counted_by_operation_and_shows_nothing(played, unheard):
    """A server that kept every such request waiting was told nowhere."""
    silent = ("DeleteUser", "GetUser")
    found = played("reference", {"hidden", "bounded"}, meanwhile=lambda: unheard(lambda operation, url: operation in silent))
    assert found == set() and unheard.sent.keys() == {*silent}
    assert played.seen[0].unanswered == unheard.sent


def test_what_could_not_be_made_for_want_of_an_answer_is_counted_too(played, unheard):
    found = played("reference", {"bounded"}, meanwhile=lambda: unheard(lambda operation, url: not operation and "/bots" in url))
    assert found == set() and unheard.sent[""]
    assert played.seen[0].unanswered == unheard.sent


def test_what_another_process_had_no_answer_to_is_added(stock):
    for _ in range(2):
        stock.add(Stock(unanswered={"GetUser": 2, "": 1}))
    assert stock.seen.unanswered == {"GetUser": 4, "": 2}


OF_PRINCIPLES = [name for name, one in MUTANTS.items() if any(kill.partition(".")[2] in PRINCIPLES for kill in one.kills)]


def test_a_server_without_a_flaw_contradicts_no_principle(played):
    assert played("reference", PRINCIPLES, {one.name for one in endings()}) == set()
    assert {"GetUser", "GetChannel", "DeleteUser", "DeletePost"} <= played.seen[0].served.keys()
    assert played.seen[0].unanswered == {}


@pytest.mark.parametrize("name", OF_PRINCIPLES)
def test_a_flaw_is_found_by_its_principle(played, name):
    """By its own alone, for time; that no other finds it was seen when each was written: play ``PRINCIPLES`` to see it again."""
    kills = MUTANTS[name].kills
    assert played(f"reference:{name}", {kill.partition(".")[2] for kill in kills}) == kills


def test_there_are_two_flaws_of_each_principle():
    counted = Counter(kill.partition(".")[2] for name in OF_PRINCIPLES for kill in MUTANTS[name].kills)
    assert counted == dict.fromkeys(PRINCIPLES, 2)


def test_switches_are_what_may_be_left_out_and_is_true_or_false():
    parameters = (
        Parameter("all", "query", False, {"type": "boolean"}),
        Parameter("must", "query", True, {"type": "boolean"}),
        Parameter("page", "query", False, {}),
    )
    operation = Operation("X", "get", "/api/v4/x", parameters, None, {}, Requirement(()), Versions.parse(">=4.0"))
    assert list(flags(operation)) == ["all"]


def test_what_is_changed_are_texts_that_may_be_any_and_name_nothing(contract):
    schema = {
        "properties": {
            "id": {"type": "string"},
            "nickname": {"type": "string"},
            "user_id": {"type": "string"},
            "state": {"type": "string", "enum": ["a"]},
            "is_on": {"type": "boolean"},
        }
    }
    asked = SimpleNamespace(body=Body(True, schema, {}, None, frozenset({"user_id"}), "application/json"))
    assert hidden.texts(contract, asked) == ["nickname"]
    assert hidden.texts(contract, SimpleNamespace(body=None)) == []
