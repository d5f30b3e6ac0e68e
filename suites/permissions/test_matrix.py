"""Every operation, every persona, about their own and about somebody else's: exactly those are served who may be."""

import pytest

from mmconform.plugin.suite import PERSONAS, Actor, Operation, Persona, Stage, as_shipped, clause

pytestmark = as_shipped


@pytest.fixture(params=[name for name in PERSONAS if name != "anonymous"])
def persona(request: pytest.FixtureRequest) -> Persona:
    return PERSONAS[request.param]


@pytest.fixture(params=["self", "other"])
def about(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@clause("{operation}.permission")
def test_who_may_call(
    operation: Operation,
    persona: Persona,
    about: str,
    stage: Stage,
    system_admin: Actor,
    other_token_user: Actor,
    token_user: Actor,
) -> None:
    """A caller with the permission is served; one without is refused, where the administrator is served with the same."""
    person = stage.world.people[persona.name]
    caller = Actor(persona.name, person, person.session, stage)
    stranger = token_user if persona.name == "other_token_user" else other_token_user
    owner = caller if about == "self" else stranger
    reply = caller.ask(operation.id, owner)
    if stage.lets(operation, persona, about):
        assert reply.served
    else:
        assert reply.denied
        assert system_admin.ask(operation.id, owner).served


@clause("{operation}.auth")
def test_nobody_is_served_without_a_session(operation: Operation, anonymous: Actor, system_admin: Actor) -> None:
    """The very request that an administrator is served with gets 401 without credentials."""
    assert anonymous.ask(operation.id, system_admin).refused_as("no-session")
    assert system_admin.ask(operation.id).served
