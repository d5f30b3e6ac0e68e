"""Makes a world on a target: the people, their team, the command and the tokens, in an order that tapes hold."""

import secrets
import string
from dataclasses import replace
from typing import Any

from mmconform.errors import MisuseError
from mmconform.version import Version
from mmconform.wire.client import UnseenError
from mmconform.wire.secret import Secret
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.world.admin import OPERATOR, Admin, arranged, confirm_is_an_error_of_the_server
from mmconform.world.features import COMMANDS, ROLES, TOKENS, has
from mmconform.world.kinds import command, token
from mmconform.world.kinds.bot import convert
from mmconform.world.kinds.team import new_team
from mmconform.world.kinds.user import make_account
from mmconform.world.people import PERSONAS, Persona, unlike_a_fresh_role
from mmconform.world.world import PREFIX, Person, World


def new_run_id() -> str:
    """Return what tells this run's names from every other run's: six random letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6))


def build(world: World) -> None:
    """Make every account, the team, the command and the tokens in a world that is empty yet.

    Raises:
        MisuseError: the server refuses something, or its roles are not what our data says.
    """
    redactor = world.client.redactor
    if world.operator:
        redactor.learn_credential(world.operator, OPERATOR)
    redactor.learn_run(world.run)
    if has(ROLES, world.version):
        confirm_roles(world.admin(), world.version)
    team = f"{PREFIX}{world.run}"
    world.team_id = new_team(world, world.admin(), team)
    for persona in PERSONAS.values():
        if not persona.is_anonymous:
            world.people[persona.name] = make_person(world, persona)
            if len(world.people) == 1:
                _confirm_admitted(world, world.people[persona.name])
    if COMMANDS in world.switched_off:
        return
    about = command.content(world.team_id, f"{PREFIX}{world.run}")
    world.command_id = command.note(world, about, world.admin().must("POST", "/api/v4/commands", about)["id"])


def new_name(world: World, persona: Persona) -> str:
    """Return a name for one more account of a persona."""
    return f"{PREFIX}{world.run}-{persona.short[:6]}{secrets.token_hex(2)}"


def make_person(world: World, persona: Persona, *, again: bool = False) -> Person:
    """Make a standing persona's account, with a session and a personal access token.

    Args:
        again: The account of that name is lost; this one has another.

    Raises:
        MisuseError: the server refuses.
    """
    name = new_name(world, persona) if again else f"{PREFIX}{world.run}-{persona.short}"
    admin = world.admin()
    person = make_account(world, admin, persona, name, persona.short, persona.name, world.team_id if persona.team_role else "")
    if TOKENS in world.switched_off or not has(TOKENS, world.version):
        return person
    answer = admin.ask("POST", f"/api/v4/users/{person.id}/tokens", token.body(world, "standing"))
    made = answer.json_object if answer.is_success else {}
    if not (made.get("id") and made.get("token")):  # the tests of what makes tokens say so
        return person
    world.belongs(token.Token.name, str(made["id"]), person.id)
    return replace(person, token_id=str(made["id"]), token=Secret(str(made["token"])))


def make_guest(world: World, persona: Persona) -> Person:
    """Make a guest of the world's team, who calls through a personal access token: without a licence no guest can sign in.

    Raises:
        MisuseError: the server refuses.
    """
    admin = world.admin()
    person = make_account(world, admin, persona, new_name(world, persona), persona.short, persona.name, "")
    person = _calling_with_token(world, person)
    admin.must("PUT", f"/api/v4/users/{person.id}/roles", {"roles": "system_guest"})
    admin.join(world.team_id, person.id)
    return person


def make_bot(world: World, persona: Persona) -> Person:
    """Make a bot of the world's team: somebody is made one, which takes no setting, and belongs to the run's administrator then.

    Its token needs no setting either (app/session.go@v5.36.1 CreateUserAccessToken).

    Raises:
        MisuseError: the server refuses.
    """
    admin = world.admin()
    person = make_account(world, admin, persona, new_name(world, persona), persona.short, persona.name, "")
    convert(admin, person.id, owner=world.people["system_admin"].id)
    person = _calling_with_token(world, person)
    admin.join(world.team_id, person.id)
    return person


def _calling_with_token(world: World, person: Person) -> Person:
    """Return somebody who calls with a personal access token that the operator made for them.

    Raises:
        MisuseError: the server refuses.
    """
    made = world.admin().must("POST", f"/api/v4/users/{person.id}/tokens", token.body(world, "standing"))
    world.client.redactor.learn_credential(made["token"], person.persona.name)
    world.belongs(token.Token.name, made["id"], person.id)
    return replace(person, session=Secret(made["token"]), token_id=made["id"], token=Secret(made["token"]))


def make_again(world: World, persona: Persona) -> Person:
    """Make somebody who is what a persona is, with an account of their own beside those of that name.

    Raises:
        MisuseError: the server refuses.
    """
    if persona.is_guest:
        return make_guest(world, persona)
    return make_bot(world, persona) if persona.is_bot else make_person(world, persona, again=True)


def _confirm_admitted(world: World, person: Person) -> None:
    """Ask something as the first of our people, and what they are refused: whatever keeps them out, no verdict is about them.

    Not about ``me``, which servers that demand a second factor answer all the same (web/context.go@v5.36.1 MfaRequired).
    """
    if world.client.redactor.replaying:
        return
    who: dict[str, Any] = {"persona": person.persona.name, "token": person.session, "headers": NOT_TAPED}
    arranged(world.client, "GET", f"/api/v4/users/{person.id}", **who)
    try:
        refused = world.client.send("GET", "/api/v4/config", **who)
    except UnseenError as error:
        raise MisuseError(f"setting up the test world failed: {error}") from None
    confirm_is_an_error_of_the_server(refused)


def confirm_roles(admin: Admin, version: Version) -> None:
    """Compare what the server's roles grant with our data; on a difference every verdict would be doubtful.

    No tape has the role of system administrators, and each has the others.

    Raises:
        MisuseError: a role grants something else.
    """
    roles = {role for persona in PERSONAS.values() for role in persona.roles} | {"team_admin", "system_user", "team_user"}
    for role in sorted(roles):
        asks = admin.off_tape if role == "system_admin" else admin
        if not asks.is_taped and admin.client.redactor.replaying:
            continue
        granted = set(asks.role(role)["permissions"])
        for permission in unlike_a_fresh_role(role, granted, version):
            has = "holds" if permission in granted else "does not hold"
            raise MisuseError(
                f"the role `{role}` {has} `{permission}` on this server, unlike a fresh {version}; "
                "put its permissions back to the defaults, or no verdict about permissions could be trusted"
            )
