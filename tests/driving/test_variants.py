"""Who asks what beside the plain requests: flags, alone, on and then off; several things, of which one may be withheld."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from mmconform.contract.clause import Body, Operation, Parameter, Sample
from mmconform.contract.permission import Requirement
from mmconform.driving.composing import Composer, Probe, Variant
from mmconform.driving.variants import Plain, asked_beside
from mmconform.knowledge import Unknown
from mmconform.version import Versions
from mmconform.world.people import known_persona
from mmconform.world.place import OPEN, SPOTS
from mmconform.world.register import Register
from mmconform.world.world import Person

FLAG = Parameter("deleted", "query", False, {"type": "boolean"})
#: An outsider is refused, a member and an administrator are served.
TOLD_APART = (
    *(Plain(Probe("anonymous", "other", OPEN), False, False), Plain(Probe("outsider", "other", OPEN), False, False)),
    *(Plain(Probe("member", "other", OPEN), True, True), Plain(Probe("system_admin", "other", OPEN), True, True)),
)


def operation(*parameters, properties=None, path="/things/{thing_id}", method="GET", **more):
    named = Parameter("thing_id", "path", True, {}, "channel")
    body = None if properties is None else Body(True, {"properties": properties}, {})
    return Operation("X", method, path, (named, *parameters), body, {}, Requirement(), Versions(), **more)


def asked(of, plain=TOLD_APART):
    return [(probe.persona, variant.name) for probe, variant in asked_beside(of, plain)]


def test_each_flag_is_asked_on_and_then_off_by_the_mightiest_who_is_served_and_by_the_nearest_who_is_not():
    other = Parameter("archived", "query", False, {"type": ["boolean", "null"]})
    named = Parameter("name", "query", False, {"type": "string"})
    assert asked(operation(FLAG, named, other)) == [
        (persona, f"{flag}={value}")
        for flag in ("deleted", "archived")
        for value in ("true", "false")
        for persona in ("system_admin", "outsider")
    ]


def test_a_flag_is_asked_alone():
    variants = [variant for _, variant in asked_beside(operation(FLAG, replace(FLAG, name="archived")), TOLD_APART)]
    assert {(*variant.query.items(), *variant.body.items()) for variant in variants} == {
        ((name, value),) for name in ("deleted", "archived") for value in ("true", "false")
    }


def test_a_property_of_the_body_is_a_flag_too_but_no_part_of_a_list():
    body = {"properties": {"force": {"type": "boolean"}, "deep": {"type": "object"}}}
    named = {name for _, name in asked(operation(**body, method="POST", sample=Sample(body={})))}
    assert named == {"force=true", "force=false"}
    assert asked(operation(**body, method="POST", sample=Sample(body=["{channel}"]))) == []


@pytest.mark.parametrize("sample", [Sample(query={"deleted": "true"}), Sample(query={"deleted": True})])
def test_what_the_plain_request_says_already_is_not_asked_again(sample):
    assert {name for _, name in asked(operation(FLAG, sample=sample))} == {"deleted=false"}


def test_where_each_one_served_makes_an_account_no_flag_is_asked():
    assert asked(operation(FLAG, method="POST", makes="user")) == []


def test_where_nobody_was_served_nothing_more_is_asked_and_where_nobody_is_refused_one_asks():
    unserved = [replace(told, is_served=False) for told in TOLD_APART]
    assert asked(operation(FLAG), unserved) == []
    unknown = [replace(told, entitled=Unknown("partly-understood")) for told in TOLD_APART]
    assert asked(operation(FLAG), unknown) == [("system_admin", "deleted=true"), ("system_admin", "deleted=false")]


def test_whoever_is_served_though_they_may_not_be_asks_for_neither():
    wrong = (Plain(Probe("team_admin", "other", OPEN), True, False),)
    assert {persona for persona, _ in asked(operation(FLAG), (*TOLD_APART, *wrong))} == {"system_admin", "outsider"}


# -- several things ------------------------------------------------------------------------------------------------

PEOPLE = operation(method="POST", sample=Sample(batch={"user_ids": ["{user}", "{another user}"]}))
POSTS = replace(operation(method="POST", path="/posts", sample=Sample(batch=["{post}", "{another post}"])), parameters=())
THEIRS = Plain(Probe("member", "self", SPOTS[2]), True, True)
OTHERS = Plain(Probe("member", "other", SPOTS[2]), False, False)


def test_of_several_people_somebody_may_name_themselves_alone_and_names_somebody_else_after_themselves():
    [*_, (probe, variant)] = asked_beside(PEOPLE, [OTHERS, THEIRS])
    assert (probe, variant.last, variant.is_batch) == (THEIRS.probe, OTHERS.probe, True)
    assert all(probe.about == "other" for probe, variant in asked_beside(PEOPLE, [OTHERS, THEIRS]) if variant.last is None)


@pytest.mark.parametrize(
    ("asks_about", "first", "last"),
    [
        (PEOPLE, THEIRS, replace(OTHERS, probe=Probe("member", "other", SPOTS[3]))),  # another channel: in it they may be let in
        (PEOPLE, THEIRS, replace(OTHERS, probe=Probe("outsider", "other", SPOTS[2]))),  # somebody else asks
        (PEOPLE, THEIRS, replace(OTHERS, entitled=Unknown())),
        (PEOPLE, replace(THEIRS, entitled=Unknown()), OTHERS),
        (POSTS, replace(THEIRS, probe=OTHERS.probe), replace(OTHERS, probe=replace(OTHERS.probe, about="x", spot=None))),
    ],
)
def test_what_is_withheld_is_known_to_be_and_differs_in_an_item_alone(asks_about, first, last):
    mixed = [variant for _, variant in asked_beside(asks_about, [first, last]) if variant.last]
    assert len(mixed) == (asks_about is POSTS)


class Ready:
    """A place where each thing is called by its kind, spot, owner and number; who was put back, and what was let go of."""

    def __init__(self, resident):
        self.resident, self.settled, self.gone = resident, [], []

    def standing(self, kind, spot, owner, which=0):
        return f"{kind} of {owner}{which or ''} in {spot.name if spot else 'none'}"

    def fresh(self, kind, spot, owner):
        return f"fresh {self.standing(kind, spot, owner)}"

    def forget(self, consumed, spot):
        self.gone += sorted(consumed)

    def settle(self, person, spot, *, in_team, is_raised):
        self.settled.append(person.persona.name)
        self.is_raised = is_raised


@pytest.fixture
def composed():
    people = {name: Person(known_persona(name), name, name, name) for name in ("member", "resident", "other_token_user")}
    place = Ready(people["resident"])
    world = SimpleNamespace(people=people, register=Register(), note=lambda **_: None)

    def compose(asked, probe, variant):
        composer = Composer(asked, world, place, None)
        return composer, composer.compose(probe, people["member"], variant=variant)

    return SimpleNamespace(compose=compose, place=place, people=people)


def test_a_batch_is_about_things_of_one_owner_or_its_last_one_is_withheld(composed):
    single = Probe("member", "other", OPEN)
    _, whole = composed.compose(POSTS, single, Variant(is_batch=True))
    assert whole.body == {"json": [f"post of resident{which} in {OPEN.name}" for which in ("", 1)]} and not whole.withheld
    _, mixed = composed.compose(POSTS, single, Variant(is_batch=True, last=Probe("member", "other", SPOTS[3])))
    assert mixed.body == {"json": [f"post of resident in {spot.name}" for spot in (OPEN, SPOTS[3])]}
    assert mixed.withheld == {f"post of resident in {SPOTS[3].name}"}


def test_everybody_whom_a_served_batch_names_is_put_back(composed):
    asks = replace(PEOPLE, consumes=frozenset({"membership"}), body=Body(True, {}, {"user_id": "user"}))
    composer, request = composed.compose(asks, Probe("member", "other", OPEN), Variant(is_batch=True))
    request = replace(request, things=frozenset({"resident", "other_token_user"}))
    composer.served(Probe("member", "other", OPEN), composed.people["member"], request, SimpleNamespace(json_or_none=None))
    assert sorted(composed.place.settled) == ["other_token_user", "resident"] and not composed.place.is_raised
    raised = Variant(body={"scheme_admin": True})
    composer.served(Probe("member", "other", OPEN), None, request, SimpleNamespace(json_or_none=None), raised)
    assert composed.place.is_raised


@pytest.mark.parametrize(("harmless", "consumes", "fresh"), [("ours", [], True), ("", [], False), ("ours", ["x"], False)])
def test_what_a_flag_may_leave_other_than_it_was_is_made_for_it_and_let_go_of(composed, harmless, consumes, fresh):
    """What reads leaves everything as it was, and what an operation consumes is made for it anyway."""
    asks = operation(properties={"open": {"type": "boolean"}}, method="PUT", harmless=harmless, sample=Sample(body={"name": "x"}))
    asks, probe = replace(asks, consumes=frozenset(consumes)), Probe("member", "other", OPEN)
    composer, request = composed.compose(asks, probe, variant := Variant(body={"open": True}))
    assert request.body == {"json": {"name": "x", "open": True}} and request.path.startswith("/things/fresh") is fresh
    composer.served(probe, None, request, SimpleNamespace(json_or_none=None), variant)
    assert composed.place.gone == (["channel"] if fresh else consumes)
    assert composed.compose(asks, probe, Variant(query={"open": "true"}))[1].path.startswith("/things/channel")
