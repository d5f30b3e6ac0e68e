"""Accounts: people, with what makes one; a bot is one too. Accounts cannot be deleted, so they are deactivated."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mmconform.errors import MisuseError
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.secret import Secret
from mmconform.wire.tape.redact import MARK
from mmconform.world.admin import OPERATOR, Admin, message
from mmconform.world.kinds import token
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing, is_name_of_ours
from mmconform.world.obstacles import explain
from mmconform.world.people import Persona
from mmconform.world.world import Person, World

#: So many accounts are asked for at once.
_MANY = 200
_DEACTIVATED = "accounts deactivated"


class User(Kind):
    """People: who asks about a user of somebody's asks about themselves."""

    name = what = "user"
    is_owned = True
    address = "/users/{}"
    made_by = ("POST /users",)
    renewed_after = (
        *("DELETE /users/{user_id}", "PUT /users/{user_id}/active", "PUT /users/{user_id}/roles"),
        "POST /users/{user_id}/promote",
    )

    def make(self, owner: Owner) -> str:
        return owner.id

    def standing(self, owner: Owner) -> str:
        return owner.id

    def part(self, owner: Owner, id_: str, name: str) -> Any:
        """Return a part of one; the ``password`` is known to the run alone, and of the world's standing people only.

        Raises:
            MisuseError: the password is somebody else's.
        """
        if name != "password":
            return super().part(owner, id_, name)
        for person in owner.world.people.values():
            if person.id == id_:
                return person.password
        raise MisuseError(f"the password of {id_} is not known: it is none of the run's standing people")

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        for row in admin.rows("/api/v4/users"):
            if is_ours(row) and not row.get("delete_at"):
                yield {"what": "user", "name": str(row["username"]), "id": str(row.get("id"))}

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        return undoing.found(f"/api/v4/users/username/{entry.get('name')}")

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        undoing.done[_DEACTIVATED] += 0  # is told before the bots among them
        token.revoke_all(undoing, entry["id"])
        _disable_bot(undoing, entry["id"])
        _take_roles(undoing, entry["id"])
        return undoing.attempt(_DEACTIVATED, undoing.admin.ask("DELETE", f"/api/v4/users/{entry['id']}"))

    def left(self, undoing: Undoing) -> Iterator[str]:
        ids = undoing.ids("user")
        for start in range(0, len(ids), _MANY):
            yield from _active(undoing.admin, ids[start : start + _MANY])


class GuestAccount(Kind):
    """Somebody who has been made a guest; a guest needs no licence for that."""

    name, state_of = "guest-account", "user"

    def enter(self, owner: Owner, id_: str) -> None:
        owner.admin.must("PUT", f"/api/v4/users/{id_}/roles", {"roles": "system_guest"})


class SearchTerm(Kind):
    """What finds somebody in a search: their name."""

    name = "search-term"

    def make(self, owner: Owner) -> str:
        assert owner.person, "an anonymous caller has no name"
        return owner.person.username

    standing = make


def _active(admin: Admin, ids: list[str]) -> Iterator[str]:
    """Yield who is still active, or holds more than anybody: seen so in the list of all, and then by themselves.

    Old servers answer the list from a cache, which they do not renew when somebody is deactivated and which the run itself filled
    (store/sqlstore/user_store.go@v5.5.3 GetProfileByIds, app/user.go UpdateActive).
    """
    answer = admin.ask("POST", "/api/v4/users/ids", ids)
    rows = answer.json_or_none if answer.is_success else None
    if not isinstance(rows, list):
        yield f"{answer.method} {answer.path}: {answer.says}"
        return
    for row in rows:
        if isinstance(row, dict) and (not row.get("delete_at") or _roles_beside(row)):
            alone = admin.ask("GET", f"/api/v4/users/{row.get('id')}")
            if not (alone.is_success and alone.json_object.get("delete_at")):
                yield f"user {row.get('username')} is still active"
            elif roles := _roles_beside(alone.json_object):
                yield f"user {row.get('username')} still holds {', '.join(sorted(roles))}"


def is_ours(user: dict[str, Any]) -> bool:
    """Whether a row of a list of users is one that a run made: by name, and by an address that only we give (or a bot)."""
    by_us = str(user.get("email", "")).endswith("@conformance.invalid") or user.get("is_bot")
    return bool(is_name_of_ours(user.get("username")) and by_us)


def make_account(world: World, admin: Admin, persona: Persona, name: str, label: str, called: str, team: str) -> Person:
    """Make somebody with a session: journalled before, given the persona's roles, and put into a team.

    Args:
        label: By which a tape tells their password from others'.
        called: The persona whose credential the session is.
        team: In which they are what the persona is in the world's; nothing for none.

    Raises:
        MisuseError: the server refuses.
    """
    redactor = admin.client.redactor
    taped = f"{MARK}-password-{label}"
    password = Secret(taped if redactor.replaying else new_password())
    redactor.learn(password, taped)
    world.note(what="user", name=name)
    id_ = admin.make_user(name, password)
    world.note(what="user", name=name, id=id_)
    world.belongs(User.name, id_, id_)
    if roles := [role for role in persona.roles if world.roles.know(role)]:
        admin.give_roles(id_, roles)
    if team and persona.team_role:
        admin.join(team, id_, persona.team_role)
    session = login(admin.client, name, password, called)
    world.register.learn(session)
    return Person(persona, id_, name, session, password=password)


def put_back(admin: Admin, world: World, person: Person) -> None:
    """Ask for somebody to be active, with the roles and in the world's team as they are to be; it has to be read back."""
    user, is_guest = f"/api/v4/users/{person.id}", person.persona.is_guest
    if person.persona.is_bot:
        admin.ask("POST", f"/api/v4/bots/{person.id}/enable")
    if is_guest:  # a server deactivates guests when it starts with guests switched off, and then makes none of them active
        admin.ask("PUT", f"{user}/roles", {"roles": "system_user"})
    admin.ask("PUT", f"{user}/active", {"active": True})
    roles = sorted(person.persona.system_roles_among(world.roles), reverse=True)
    admin.ask("PUT", f"{user}/roles", {"roles": " ".join(roles)})
    team, role = f"/api/v4/teams/{world.team_id}/members", person.persona.team_role
    if not role:
        admin.ask("DELETE", f"{team}/{person.id}")
        return
    admin.ask("POST", team, {"team_id": world.team_id, "user_id": person.id})
    if not is_guest:  # who is one there by being one
        admin.ask("PUT", f"{team}/{person.id}/roles", {"roles": " ".join(dict.fromkeys(["team_user", role]))})


def is_in_team(admin: Admin, world: World, person: Person) -> bool:
    """Return whether somebody is in the world's team what they are to be there, or is not in it."""
    wanted = person.persona.team_role
    found = admin.ask("GET", f"/api/v4/teams/{world.team_id}/members/{person.id}").json_object
    is_member = bool(found.get("user_id")) and not found.get("delete_at")
    is_admin = is_member and ("team_admin" in str(found.get("roles")).split() or found.get("scheme_admin") is True)
    return (is_member, is_admin) == (wanted is not None, wanted == "team_admin")


def renewed(world: World, client: Client, person: Person) -> Person | None:
    """Return somebody whom a request consumed as who they were, in the system and in the world's team; None if they are not.

    Deactivated, with other roles or out of the team they are made what they were, and that is read back; a session shows that
    their password is theirs. Who was made a bot, or signs in elsewhere, is not.

    Raises:
        UnseenError: the server does not answer.
    """
    persona, admin = person.persona, world.admin(client)
    put_back(admin, world, person)
    try:
        known = person if persona.calls_with_token else signed_in_again(client, person)
    except MisuseError:
        return None
    told = client.send("GET", f"/api/v4/users/{person.id}", persona=persona.name, token=known.session).json_object
    is_ordinary = not (told.get("delete_at") or told.get("auth_service")) and bool(told.get("is_bot")) == persona.is_bot
    is_as_before = is_ordinary and set(str(told.get("roles")).split()) == persona.system_roles_among(world.roles)
    return known if is_as_before and is_in_team(admin, world, person) else None


def new_password() -> str:
    """Return a password that satisfies every rule a server may have: of every kind of character, and as long as any takes."""
    return "Aa1!" + secrets.token_hex(30)


def signed_in_again(client: Client, person: Person) -> Person:
    """Return a person with a session of its own.

    Raises:
        MisuseError: the server refuses.
    """
    return replace(person, session=login(client, person.username, person.password, person.persona.name))


def login(client: Client, login_id: str, password: str, persona: str) -> str:
    """Return a session token, known from now on as the persona's credential.

    Raises:
        MisuseError: the server refuses.
    """
    asks = OPERATOR if persona == OPERATOR else "anonymous"
    try:
        exchange = client.send("POST", "/api/v4/users/login", persona=asks, json={"login_id": login_id, "password": password})
    except UnseenError as error:
        raise MisuseError(f"logging in failed: {error}") from None
    session = exchange.answer_headers.get("token")
    if not exchange.is_success or not session:
        why = f"`{message(exchange, client.redactor)}`{explain(exchange.error_id)}"
        raise MisuseError(f"logging in as `{login_id}` failed: the server answered {exchange.says}; {why}")
    client.redactor.learn_credential(session, persona)
    return Secret(session)


#: What everybody has, or every guest.
_ORDINARY = {"system_user", "system_guest"}


def _roles(user: Mapping[str, Any]) -> set[str]:
    return set(str(user.get("roles") or "").split())


def _roles_beside(user: Mapping[str, Any]) -> set[str]:
    """Return the system roles that somebody holds beside the ordinary ones."""
    return _roles(user) - _ORDINARY


def _take_roles(undoing: Undoing, user: str) -> None:
    """Take from somebody what not everybody holds: whoever made them active again would have made an administrator."""
    found = undoing.admin.ask("GET", f"/api/v4/users/{user}")
    if found.is_success and _roles_beside(found.json_object):
        wanted = {"roles": " ".join(sorted(_roles(found.json_object) & _ORDINARY)) or "system_user"}
        undoing.attempt("roles of our accounts taken back", undoing.admin.ask("PUT", f"/api/v4/users/{user}/roles", wanted))


def _disable_bot(undoing: Undoing, user: str) -> None:
    """Disable whoever was made a bot, who would be listed as one that is in use; one that owns itself is the operator's first.

    A person who was made a bot is its own owner (model/bot.go@91ce593d27 BotFromUser), and a server that deactivates an owner
    deactivates their bots first (app/bot.go@91ce593d27 disableUserBots).
    """
    if user not in undoing.bot_owners:
        return
    if undoing.bot_owners[user] == user:
        undoing.attempt(
            "bots of ours handed to the administrator", undoing.admin.ask("POST", f"/api/v4/bots/{user}/assign/{undoing.me}")
        )
    undoing.attempt("bots among our accounts disabled", undoing.admin.ask("POST", f"/api/v4/bots/{user}/disable"))
