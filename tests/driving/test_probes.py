"""Who is asked about what: places, owners and callers of the probes of an operation."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mmconform.contract.clause import Body, Operation, Parameter, Sample
from mmconform.contract.permission import Requirement
from mmconform.driving.asking import Asker
from mmconform.driving.composing import Composer, Probe, _form, _Said
from mmconform.driving.probes import Prober, can_be_probed, is_shown_by_right, position_of, probes, why_not
from mmconform.errors import NotHereError
from mmconform.judging.judge import Judge
from mmconform.plugin.fixtures import _is_alone
from mmconform.servers.target import Server, Target
from mmconform.version import Version, Versions
from mmconform.wire.client import Client, HeldBackError
from mmconform.wire.exchange import Position
from mmconform.wire.tape.redact import Redactor
from mmconform.world.people import PROBING, Roles, known_persona
from mmconform.world.place import OPEN, OPEN_TEAM, SPOTS, TEAMS
from mmconform.world.world import Person, World


def operation(*kinds, method="GET", **more):
    named = tuple(Parameter(f"{kind}_id", "path", True, {}, kind) for kind in kinds)
    path = "/x" + "".join(f"/{{{kind}_id}}" for kind in kinds)
    return Operation("X", method, path, named, None, {}, Requirement(), Versions(), **more)


def spots_of(asked):
    return list(dict.fromkeys(probe.spot for probe in probes(asked)))


@pytest.mark.parametrize(
    ("kinds", "spots"),
    [
        ((), [None]),
        (("user",), [None]),
        (("team",), [*TEAMS, OPEN_TEAM]),
        (("channel",), list(SPOTS)),
        (("team", "post"), list(SPOTS)),
    ],
    ids=str,
)
def test_what_lies_in_a_team_or_a_channel_is_asked_about_wherever_such_a_thing_can_lie(kinds, spots):
    assert spots_of(operation(*kinds)) == spots


def test_everybody_is_asked_about_somebody_elses_and_whoever_can_have_one_about_their_own():
    asked = {(probe.persona, probe.about) for probe in probes(operation("post")) if probe.spot is OPEN}
    members = {"guest", "member", "channel_admin", "team_bot", "team_admin", "system_admin"}
    assert asked == {(name, "other") for name in PROBING} | {(name, "self") for name in members}
    elsewhere = {probe.about for probe in probes(operation("post")) if probe.spot is not OPEN}
    assert elsewhere == {"other"}  # nobody but the resident posts there
    assert {(p.persona, p.about) for p in probes(operation("user")) if p.about == "self"} == {
        (name, "self") for name in set(PROBING) - {"anonymous"}
    }


@pytest.mark.parametrize(
    ("persona", "spot", "roles"),
    [
        ("outsider", 0, set()),
        ("guest", 0, {"team_guest", "channel_guest"}),
        ("guest", 2, {"team_guest"}),
        ("member", 1, {"team_user", "channel_user"}),
        ("member", 3, {"team_user"}),
        ("member", 4, set()),
        ("channel_admin", 0, {"team_user", "channel_user", "channel_admin"}),
        ("channel_admin", 2, {"team_user"}),
        ("team_admin", 0, {"team_user", "team_admin", "channel_user"}),
        ("team_admin", 4, set()),
    ],
)
def test_what_somebody_is_where_the_thing_lies(persona, spot, roles):
    assert SPOTS[spot].position(known_persona(persona), in_channel=True).roles == roles
    if not SPOTS[spot].is_joined:
        assert SPOTS[spot].position(known_persona(persona), in_channel=False).roles == roles


def test_where_the_question_is_about_the_team_nobodys_role_in_a_channel_counts():
    assert OPEN.position(known_persona("channel_admin"), in_channel=False) == Position(frozenset({"team_user"}))


def test_what_changes_something_is_probed_where_it_is_known_what_a_served_request_says():
    assert can_be_probed(operation("post"))
    assert not can_be_probed(operation("post", method="DELETE"))
    assert can_be_probed(operation("post", method="DELETE", consumes=frozenset({"post"})))
    assert can_be_probed(operation("post", method="PUT", sample=Sample(body={})))
    assert can_be_probed(operation(method="POST", sample=Sample(body={}), makes="emoji"))
    puzzling = Parameter("thing_id", "path", True, {}, None, identifies=True)
    assert not can_be_probed(replace(operation(), path="/x/{thing_id}", parameters=(puzzling,)))
    assert not can_be_probed(replace(operation(), path="/x/{thing_id}"))  # nobody says what it stands for


def test_what_makes_something_that_nobody_knows_how_to_undo_is_not_asked():
    made = operation(method="POST", sample=Sample(body={}), makes="emoticon")
    assert not can_be_probed(made) and "of the kind `emoticon`" in why_not(made)[1]


@pytest.mark.parametrize(
    ("asked", "reason", "why"),
    [
        (replace(operation(), path="/x/{thing}"), "unknown-identifier", "nobody says what `{thing}` stands for"),
        (replace(operation(), method="DELETE", path="/license"), "would-do-harm", "changes the licence, or sends data"),
        (replace(operation(), method="POST", path="/api/v4/restart"), "would-do-harm", "stops, restarts or replaces the server"),
        (replace(operation(), method="POST", path="/x"), "unknown-request", "nobody says what a request says that is served"),
    ],
)
def test_why_nothing_is_asked_about_an_operation_stands_in_the_record(contract, asked, reason, why):
    """Beside each of its promises, in the words of the list where it is on one."""
    told = next(iter(contract.of("RegenCommandToken")))
    contract = replace(contract, clauses={}, _clauses_of={})
    contract.add([replace(told, id="X.status", operation="X", rule="status")])
    server = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "")
    judge = Judge(contract, Target("x", "x", "http://x", server, Redactor(replaying=True)), [])
    Prober(asked, None, None, judge, None).ask_all(None)
    [seen] = judge.observations
    assert (seen.clause, seen.outcome, seen.signature) == ("X.status", "skip", reason) and why in seen.seen


def test_where_each_one_served_costs_an_account_few_are_asked():
    """Of those whom roles make alike, one: accounts are never deleted."""
    few = {"anonymous", "guest", "member", "system_admin"}
    consumed = {(p.persona, p.about) for p in probes(operation("user", method="DELETE", consumes=frozenset({"user"})))}
    assert consumed == {(name, "other") for name in PROBING} | {(name, "self") for name in few - {"anonymous"}}
    assert {p.persona for p in probes(operation("bot")) if p.about == "self"} == few - {"anonymous"}
    assert {p.persona for p in probes(operation(method="POST", makes="user"))} == few
    assert {p.persona for p in probes(operation(method="POST", makes="channel"))} == set(PROBING)


def test_a_body_that_names_a_channel_is_asked_about_wherever_a_channel_lies():
    body = Body(True, {}, {"channel_id": "channel"})
    assert spots_of(replace(operation(method="POST", sample=Sample(body={})), body=body)) == list(SPOTS)


def test_what_a_sample_says_of_a_parameter_needs_no_kind_but_only_of_kinds_that_there_are():
    named = replace(operation(), path="/x/{name}", parameters=(Parameter("name", "path", True, {}, None, identifies=True),))
    assert can_be_probed(replace(named, sample=Sample(path={"name": "{user.username}"})))
    assert not can_be_probed(replace(named, sample=Sample(path={"name": "{usher.username}"})))


def test_what_a_sample_names_decides_where_it_is_asked_and_whose_it_is():
    asked = operation(method="POST", sample=Sample(body=[{"post": "{post}"}]))
    assert spots_of(asked) == list(SPOTS)
    assert {probe.about for probe in probes(asked)} == {"self", "other"}


class Ready:
    """A place where each thing is called by its kind, place, owner and number."""

    def standing(self, kind, spot, owner, which=0):
        return f"{kind} of {owner}" + (f" {which}" if which else "")

    def fresh(self, kind, spot, owner):
        return f"fresh {kind} of {owner}"

    def part(self, kind, id_, name):
        return f"{name} of {id_}"

    def filler(self, name):
        return (f"{name}.bin", b"x") if name == "picture" else f"a {name}"


def told(asked, about="other"):
    return _Said(asked, Ready(), Probe("member", about, OPEN), None, {}, asked.consumes)


def test_a_sample_is_filled_in_with_things_that_are_there_and_with_new_ones_of_what_is_consumed():
    body = [{"to": ["{user}", "{another user}"], "about {post}": "by {user.username}"}, "{unique}", 3]
    asked = operation("post", consumes=frozenset({"post"}), sample=Sample(query={"who": "{third user}"}, body=body))
    asks = told(asked)
    assert asks.filled(asked.sample.body) == [
        {"to": ["user of resident", "user of resident 1"], "about fresh post of resident": "by username of user of resident"},
        "a unique",
        3,
    ]
    assert asks.values("query") == {"who": "user of resident 2"}
    assert asks.values("path") == {"post_id": "fresh post of resident"}
    assert asks.names == {"user": "user of resident", "post": "fresh post of resident", "unique": "a unique"}
    assert asks.parameters == {"who", ""}
    assert told(asked, "self").values("path") == {"post_id": "fresh post of member"}


def test_what_a_sample_says_of_a_parameter_stands_there_and_not_the_kind_of_its_identifier():
    asked = operation("post", sample=Sample(path={"post_id": "{archived-channel}"}))
    assert asked.kinds == {"archived-channel"}
    assert told(asked).values("path") == {"post_id": "archived-channel of resident"}


@pytest.mark.parametrize(
    ("kinds", "about", "settled"),
    [(("team", "user"), "other", "resident"), (("team", "user"), "self", "member"), (("team",), "other", "member")],
)
def test_who_is_put_back_where_they_were_is_who_the_request_speaks_of_and_else_who_asked(kinds, about, settled):
    """Whoever joins by an invitation names nobody."""
    people = {name: Person(known_persona(name), name, name, name) for name in ("resident", "member")}

    class Settling:
        def forget(self, consumed, spot):
            assert consumed == {"membership"}

        def settle(self, person, spot, *, in_team, is_raised):
            self.settled = person.id

    place = Settling()
    world = SimpleNamespace(people=people)
    composer = Composer(operation(*kinds, consumes=frozenset({"membership"})), world, place, None)
    composer._make_good(Probe("member", about, OPEN), people["member"])
    assert place.settled == settled


def test_a_server_that_was_made_busy_is_calm_again_before_anybody_else_asks():
    class Calming:
        calmed = 0

        def forget(self, consumed, spot):
            pass

        def calm(self):
            self.calmed += 1

    place, world = Calming(), SimpleNamespace(people={"resident": None})
    Composer(operation(consumes=frozenset({"calm"})), world, place, None)._make_good(Probe("member", "other", None), None)
    assert place.calmed == 1


CERTIFICATE = replace(operation(method="POST"), path="/api/v4/saml/certificate/public")
SETTINGS = {
    "SamlSettings": {"Encrypt": True, "PublicCertificateFile": "theirs.crt", "IdpURL": "x"},
    "LdapSettings": {"Enable": False},
}


@pytest.mark.parametrize(
    ("may_disrupt", "asked", "is_told"), [(True, CERTIFICATE, True), (False, CERTIFICATE, False), (True, operation(), False)]
)
def test_settings_that_an_operation_changes_are_written_down_before(serve, may_disrupt, asked, is_told):
    """A run that is killed afterwards compares nothing; others than these are not kept."""
    noted = []
    server = serve(lambda *_: (200, [("Content-Type", "application/json"), ("X-Version-Id", "1")], json.dumps(SETTINGS).encode()))
    client = Client(server.url, Redactor(replaying=False))
    world = World(client, Version(11, 1, 0), "abc123", "operator", may_disrupt=may_disrupt)
    world.journal = SimpleNamespace(note=lambda **entry: noted.append(entry))
    Prober(asked, world, client, SimpleNamespace(contract=None), None)._note_settings()
    told = {"SamlSettings": {"Encrypt": True, "PublicCertificateFile": "theirs.crt"}}
    assert noted == ([{"what": "config", "before": told}] if is_told else [])


@pytest.mark.parametrize(("may_disrupt", "status", "is_noted"), [(True, 404, True), (True, 200, False), (False, 404, False)])
def test_a_brand_image_is_ours_to_undo_only_where_there_was_none_and_one_may_be_made(serve, may_disrupt, status, is_noted):
    noted = []
    server = serve(lambda *_: (status, [("X-Version-Id", "1")], b""))
    world = World(Client(server.url, Redactor(replaying=False)), Version(11, 1, 0), "abc123", "operator", may_disrupt=may_disrupt)
    world.journal = SimpleNamespace(note=lambda **entry: noted.append(entry))
    composer = Composer(operation(makes="brand-image"), world, None, None)
    composer._note_making(SimpleNamespace(names={}))
    composer._note_making(SimpleNamespace(names={}), "")
    assert noted == ([{"what": "brand-image"}] if is_noted else [])


@pytest.mark.parametrize(
    ("params", "fixtures", "alone"),
    [
        ({}, [], False),
        ({}, ["settings"], True),
        ({"operation": operation(method="POST")}, ["world"], False),
        ({"operation": replace(operation(method="POST"), path="/api/v4/caches/invalidate")}, ["world"], True),
        ({"operation": "not ours"}, ["world"], False),
    ],
)
def test_what_others_would_feel_is_asked_alone(params, fixtures, alone):
    node = SimpleNamespace(callspec=SimpleNamespace(params=params))
    assert _is_alone(SimpleNamespace(node=node, fixturenames=fixtures)) is alone
    assert not _is_alone(SimpleNamespace(node=SimpleNamespace(), fixturenames=["world"]))


def test_a_form_holds_files_and_values():
    assert _form({"image": ("a.png", b"x"), "name": "n"}) == {"data": {"name": "n"}, "files": {"image": ("a.png", b"x")}}


def test_what_this_server_does_not_offer_is_not_judged(contract):
    """Where tokens are switched off and stay so, none can be made to be asked about: that is no error of the run."""
    server = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "")
    judge = Judge(contract, Target("x", "x", "http://x", server, Redactor(replaying=True)), [])

    def send():
        raise NotHereError(why)

    why = "personal access tokens are switched off on this server"
    Asker(contract.operations["GetUserAccessToken"], None, None, judge).ask("member", send)
    assert {(o.outcome, o.signature, o.seen) for o in judge.observations} == {("skip", "not-on-this-target", why)}
    assert {o.clause for o in judge.observations} == {clause.id for clause in contract.of("GetUserAccessToken")}


@pytest.mark.parametrize(
    ("persona", "role"), [("outsider", "channel_user"), ("guest", "channel_guest"), ("channel_admin", "channel_user")]
)
def test_whoever_has_a_conversation_is_an_ordinary_member_of_it_and_nobody_else_is(persona, role):
    asked = operation("group-channel")
    assert position_of(asked, Probe(persona, "self", None)) == Position(frozenset({role}))
    assert position_of(asked, Probe(persona, "other", None)) == Position(frozenset())
    assert position_of(asked, Probe(persona, "self", None)).words == "a conversation of theirs"
    assert position_of(asked, Probe(persona, "other", None)).words == "where they do not belong"


#: Where whoever is in no team of ours sees it, or anybody what lies in another team.
IN_ANOTHER = "a public channel in a team of others"


@pytest.mark.parametrize(
    ("persona", "where", "team"),
    [
        ("channel_admin", [*(spot.name for spot in SPOTS[:-1]), IN_ANOTHER], ["a team of theirs", "where they do not belong"]),
        ("guest", [*(spot.name for spot in SPOTS[:-1]), IN_ANOTHER], ["a team of theirs", "where they do not belong"]),
        ("outsider", [*[IN_ANOTHER, IN_ANOTHER.replace("public", "private")] * 2, IN_ANOTHER], ["where they do not belong"] * 2),
    ],
)
def test_where_something_lies_is_told_as_its_caller_sees_it(persona, where, team):
    """A record does not say in which spot of ours that was, but what the caller is there."""
    positions = [spot.position(known_persona(persona), in_channel=True) for spot in SPOTS]
    assert [position.words for position in positions] == where
    assert [spot.position(known_persona(persona), in_channel=False).words for spot in TEAMS] == team


@pytest.mark.parametrize(
    ("persona", "guests_hold", "shown"),
    [("guest", (), False), ("guest", ("list_public_teams",), True), ("member", (), True), ("system_admin", (), False)],
)
def test_whoever_may_list_open_teams_is_not_asked_about_one(persona, guests_hold, shown):
    told = {"system_user": frozenset({"list_public_teams"}), "system_guest": frozenset(guests_hold)}
    roles = Roles(Version(11, 1), told)
    assert is_shown_by_right(Probe(persona, "other", OPEN_TEAM), roles) is shown
    assert not is_shown_by_right(Probe(persona, "other", TEAMS[-1]), roles)


@pytest.mark.parametrize(("noted", "rules"), [((), None), (("status",), {"status"})])
def test_a_request_that_is_not_sent_is_noted_beside_every_promise_or_where_others_were_sent_beside_one(contract, noted, rules):
    server = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "")
    judge = Judge(contract, Target("x", "x", "http://x", server, Redactor(replaying=True)), [])
    asker = Asker(contract.operations["CreateJob"], None, None, judge)
    asker.held_back = noted

    def send():
        raise HeldBackError("would-do-harm", "deletes for ever")

    asker.ask("member", send)
    of_it = {clause.rule for clause in contract.of("CreateJob")}
    assert {contract.clauses[seen.clause].rule for seen in judge.observations} == (rules or of_it)
