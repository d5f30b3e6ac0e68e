"""A credential that is in use while it ends: where this file is named, with --disruptive, on a throwaway server of this machine.

What it finds it finds by chance, so it is no part of a run that is to say the same each time; and no tape can show it.
"""

from collections.abc import Callable
from functools import partial

import pytest

from mmconform.plugin.suite import TOKEN_ACTIONS, Actor, NewPerson, Race, Stage, clause, racing

pytestmark = racing

ROUNDS = 5


def ends(actor: Actor, change: Callable[[], object], race: Race) -> None:
    """Expect that nothing is served any more that is asked after the change was answered."""
    late = race(actor, change)
    reply = actor.look()
    found = "served after the answer that it had ended, while many callers used it: a race, which another run may not meet"
    assert reply.shows(not (late or reply.is_served), found)
    assert reply.refused_as("no-session")


@clause("{operation}.effect.deletes-sessions")
@pytest.mark.parametrize("operation", TOKEN_ACTIONS[:2])
def test_a_token_that_ends_while_it_is_in_use(operation: str, new_person: NewPerson, system_admin: Actor, race: Race) -> None:
    """Delete any sessions using the token: those too that open in that very moment."""
    person = new_person("token_user")
    for _ in range(ROUNDS):
        token = person.new_token()
        ends(person.through(token), partial(system_admin.must, operation, body={"token_id": token.id}), race)


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("credential", ["session", "token"])
def test_somebody_who_is_deactivated_while_they_ask(credential: str, new_person: NewPerson, stage: Stage, race: Race) -> None:
    """A deactivated user's session and tokens are refused: those too that open in that very moment."""
    for _ in range(ROUNDS):
        person = new_person("token_user")
        actor = person.through() if credential == "token" else person
        ends(actor, partial(stage.operator, "PUT", f"/api/v4/users/{person.id}/active", {"active": False}), race)
