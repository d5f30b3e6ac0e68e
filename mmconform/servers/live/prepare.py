"""Gets a live server ready for a run: who we are there, who else is, and what has to be switched on."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mmconform.errors import MisuseError
from mmconform.paths import RUN
from mmconform.servers.live.alive import sessions
from mmconform.servers.live.journal import Journal
from mmconform.servers.live.webrtc_gateway import Gateway
from mmconform.servers.target import Target, credentials, is_loopback
from mmconform.version import Version
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.secret import Secret
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.world import features, obstacles
from mmconform.world.admin import OPERATOR, Admin, confirm_is_an_error_of_the_server, part
from mmconform.world.build import confirm_roles
from mmconform.world.features import (
    WEBRTC,
    arranged,
    has,
    lacking,
    lost_to_a_licence,
    settings_of,
    switched_off,
    wanted_by_probes,
)
from mmconform.world.kinds.user import is_ours, login
from mmconform.world.people import ROLES, delegated

#: Active accounts that a whole run has at one time, at most (81 were seen): so many more have to fit on the server.
MOST_PEOPLE = 120
#: Sessions begun within so many seconds more than signing in took may be the one or the other.
_DOUBT = 5.0


@dataclass
class Preparation:
    """What was found and done on the server."""

    switched_off: frozenset[str]
    has_people: bool
    lacks: frozenset[str] = frozenset()
    gateway: Gateway | None = None


def sign_in(client: Client, *, create_first_admin: bool = False, ours: tuple[str, str] | None = None) -> str:
    """Return the administrator's session or token.

    Args:
        ours: Login and password where they need not be asked of the environment.

    Raises:
        MisuseError: no credentials, wrong ones, or not an administrator's.
    """
    token, name, password = (None, *ours) if ours else credentials()
    is_given = bool(token)
    if not token:
        assert name and password
        client.redactor.learn(password)
        if create_first_admin:
            _create(client, name, password)
        try:
            token = login(client, name, password, OPERATOR)
        except MisuseError as error:
            raise MisuseError(f"{error}{_advice(client)}") from None
    client.redactor.learn_credential(token, OPERATOR)
    try:
        _confirm_is_an_administrators(client, token, is_given=is_given)
    except BaseException:
        sign_out(client, token)
        raise
    return Secret(token)


def _confirm_is_an_administrators(client: Client, token: str, *, is_given: bool) -> None:
    """Look whom a session lets in, and whether what stands in front of the server lets verdicts be trusted.

    Raises:
        MisuseError: it is not accepted, not an administrator's, or something in front spoils answers.
    """
    try:
        me = client.send("GET", "/api/v4/users/me", persona=OPERATOR, token=token)
    except UnseenError as error:
        raise MisuseError(str(error)) from None
    if me.status == 401:
        raise MisuseError(_not_accepted(client, token, is_given=is_given))
    _confirm_nobody_forgets_who_asks(client, token)
    _confirm_errors_are_passed_on(client, token)
    roles = me.json_object.get("roles", "")
    # Teams tell who made them: the administrator's own address is nobody's business on a tape.
    client.redactor.learn(str(me.json_object.get("email", "")), "operator@conformance.invalid")
    if "system_admin" not in str(roles).split():
        raise MisuseError(f"the account `{me.json_object.get('username')}` is no system administrator (its roles: {roles})")


def _not_accepted(client: Client, token: str, *, is_given: bool) -> str:
    """Return why a session is not accepted: where it is as a cookie, it is not the session's fault."""
    cookie = {"Cookie": f"MMAUTHTOKEN={token}", "X-Requested-With": "XMLHttpRequest", **NOT_TAPED}
    is_good = False
    with suppress(UnseenError):
        is_good = client.send("GET", "/api/v4/users/me", persona=OPERATOR, headers=cookie).is_success
    if is_given and not is_good:
        return "the server does not accept MM_ADMIN_TOKEN (401); is it a session or personal access token of this server?"
    what = "there is MM_ADMIN_TOKEN, but it" if is_given else "signed in, but the session"
    shown = " (as a cookie it is accepted)" if is_good else ""
    return f"{what} is not accepted (401){shown}: does something in front drop `Authorization`?"


def _confirm_nobody_forgets_who_asks(client: Client, token: str) -> None:
    """Ask the same as two people, and what was not asked before: a cache that forgets who asked serves the one, not the other.

    Raises:
        MisuseError: there is such a cache, or an answer is nobody's to judge.
    """

    def is_served(number: str, token: str | None) -> bool:
        persona = OPERATOR if token else "anonymous"
        asked = client.send("GET", f"/api/v4/users/me?mmconform={number}", persona=persona, token=token, headers=NOT_TAPED)
        return asked.is_success

    one, other = secrets.token_hex(6), secrets.token_hex(6)
    try:
        is_kept = is_served(one, token) and is_served(one, None) and not is_served(other, None)
    except UnseenError as error:
        raise MisuseError(str(error)) from None
    if is_kept:
        raise MisuseError(
            "GET /api/v4/users/me gives the administrator's answer to somebody without a session: something in front of the "
            "server (a cache?) forgets who asked, and no verdict could be trusted; have it pass /api/ on unchanged"
        )


#: What every version refuses with an error of its own: without a session, of an id that is none, of a path that is nowhere.
_REFUSED = (("users/me", False), ("users/x", True), ("mmconform", True))


def _confirm_errors_are_passed_on(client: Client, token: str) -> None:
    """Ask what is refused with 401, 400 and 404.

    Raises:
        MisuseError: something in front writes errors of its own, or an answer is nobody's to judge.
    """
    for path, has_session in _REFUSED:
        who: dict[str, Any] = {"persona": OPERATOR, "token": token} if has_session else {"persona": "anonymous"}
        try:
            answer = client.send("GET", f"/api/v4/{path}", headers=NOT_TAPED, **who)
        except UnseenError as error:
            raise MisuseError(str(error)) from None
        confirm_is_an_error_of_the_server(answer)


def login_and_password() -> tuple[str, str]:
    """Return what the administrator can sign in with again.

    Raises:
        MisuseError: there is only a token, or nothing.
    """
    _, name, password = credentials()
    if not (name and password):
        raise MisuseError(
            "MM_ADMIN_TOKEN was a session; set MM_ADMIN_LOGIN and MM_ADMIN_PASSWORD too, or give a personal access token"
        )
    return name, password


def _advice(client: Client) -> str:
    """Return what to do about a login that failed, where the server tells that it could not but fail."""
    with suppress(UnseenError):
        if has_no_account(client):
            return f"; the server has no accounts yet: `{RUN} {client.base_url} --create-first-admin` makes this one"
    return ""


def has_no_account(client: Client) -> bool:
    """Return whether a server says, to anybody, that it has no account yet.

    Raises:
        UnseenError: it does not answer.
    """
    config = client.send("GET", "/api/v4/config/client?format=old", persona="anonymous")
    return config.json_object.get("NoAccounts") == "true"


def stands_on_tokens(admin: Admin) -> bool:
    """Return whether the administrator may be locked out while personal access tokens are switched off.

    So is who was given as one; of a session nobody tells that it is none, so it counts as one where there are some. A bot's are
    accepted all the same (app/session.go@v5.36.1 createSessionForUserAccessToken).

    Raises:
        MisuseError: the server does not tell who that is.
        UnseenError: it does not answer.
    """
    if not _is_given(str(admin.token)):
        return False
    me = admin.must("GET", "/api/v4/users/me")
    tokens = admin.rows(f"/api/v4/users/{me['id']}/tokens", none=range(400, 600))
    return not me.get("is_bot") and any(token.get("is_active") is not False for token in tokens)


def _is_given(token: str) -> bool:
    return token == (os.environ.get("MM_ADMIN_TOKEN") or "").strip()


def own_session(admin: Admin, seconds: float) -> tuple[str, str] | None:
    """Return the account and the id of the session that signing in began so many seconds ago, for a later cleanup to end it.

    No server tells whose token a session of its list is, so it is the newest one, if that began just now by the clock of whoever
    answers; nothing where it could be another one of the administrator's, begun at about the same time, and where a token was
    given. A list that is read from a replica may not have it yet.
    """
    if _is_given(str(admin.token)):
        return None
    answer, rows = sessions(admin, "me")
    begun = [row for row in rows if isinstance(row.get("create_at"), int)]
    newest = max((row["create_at"] for row in begun), default=0)
    if newest < (answer.answered_at - seconds - _DOUBT) * 1000:
        return None
    recent = [row for row in begun if row["create_at"] >= newest - (seconds + _DOUBT) * 1000]
    return (str(recent[0].get("user_id")), str(recent[0].get("id"))) if len(recent) == 1 else None


def sign_out(client: Client, token: str) -> None:
    """End the session that signing in began; a token that the user gave stays."""
    if token and not _is_given(token):
        with suppress(UnseenError):
            Admin(client, token).ask("POST", "/api/v4/users/logout")


def _create(client: Client, name: str, password: str) -> None:
    account = {"email": f"{name}@conformance.invalid", "username": name, "password": password}
    made = client.send("POST", "/api/v4/users", persona="anonymous", json=account)
    if not made.is_success and made.error_id != "api.user.create_user.no_open_server":
        raise MisuseError(f"creating the first administrator `{name}` failed: the server answered {made.says}")


def prepare(
    target: Target, journal: Journal, token: str, *, disruptive: bool, recording: bool, asks_everything: bool = False
) -> Preparation:
    """Look around as the administrator and switch on what the eleven operations need.

    Settings are changed only on a server without people of its own, or with ``disruptive``.

    Args:
        asks_everything: Probes ask about the whole of a document, and need more.

    Raises:
        MisuseError: recording from a server that people use, something that would stop the run, or the server refuses.
        UnseenError: it does not answer.
    """
    client = target.client()
    admin = Admin(client, token)
    others = people(admin)
    if others and recording:
        raise MisuseError(f"{target.name} has {others} users of its own; a tape is only recorded from a throwaway server")
    config = admin.config()
    gateway = None
    off = off_now(config, target.version)
    # A limit is lifted where there is one: a server that does not know it would not keep it.
    told = config.json_object
    more = wanted_by_probes(told, target.version, disruptive=disruptive) if asks_everything else []
    needed = (feature for feature in arranged(target.version) if feature.name in off or feature.limit is None)
    wanted = settings_of([*needed, *more])
    if WEBRTC in off and is_on_this_machine(target):
        gateway = Gateway()
        wanted["WebrtcSettings"] = gateway.settings
    if (off or more) and (not others or disruptive):
        journal.note(what="config", before=part(config, wanted))
        fixed = admin.change(wanted)
        off = off_now(admin.config(), target.version)
        if gateway and not any(name.startswith("WebrtcSettings.") for name in fixed):
            off -= {WEBRTC}
    about = told_to_clients(admin)
    if about.get("IsLicensed") != "false" and not disruptive:
        off |= lost_to_a_licence()
    lacks = lacking(admin.config().json_object, about)
    client.close()
    return Preparation(off, bool(others), lacks, gateway)


def told_to_clients(admin: Admin) -> dict[str, Any]:
    """Return what a server tells every client of itself, and of its licence, if it does.

    Raises:
        MisuseError: it does not tell of itself.
        UnseenError: it does not answer.
    """
    of_itself: dict[str, Any] = admin.must("GET", "/api/v4/config/client?format=old")
    licence = admin.ask("GET", "/api/v4/license/client?format=old")
    return {**of_itself, **(licence.json_object if licence.is_success else {})}


def find_obstacles(admin: Admin, version: Version, newcomers: int = MOST_PEOPLE) -> Iterator[str]:
    """Yield what would stop a run, each with what to change; asks, and changes nothing.

    Args:
        newcomers: How many accounts the run may make.

    Raises:
        MisuseError: the server does not tell its configuration.
    """
    config = admin.must("GET", "/api/v4/config")
    licence = admin.ask("GET", "/api/v4/license/client?format=old")
    yield from obstacles.standing(config, version, licence.json_object)
    limits = admin.ask("GET", "/api/v4/limits/server").json_object
    most, now = limits.get("maxUsersHardLimit"), limits.get("activeUserCount")  # from 9.8 on (api4/limits.go@91ce593d27)
    if isinstance(most, int) and isinstance(now, int) and 0 < most < now + newcomers:
        yield f"the server has {now} active accounts of {most} that it takes, and a run makes up to {newcomers}: deactivate some"
    if has(features.ROLES, version):
        try:
            confirm_roles(admin, version)
        except MisuseError as error:
            yield str(error)


def ask_roles(target: Target, token: str) -> dict[str, frozenset[str]]:
    """Return what the server grants to each built-in role that it has; nothing before 4.9, when it could not tell.

    Raises:
        UnseenError: it does not answer.
    """
    permissions = {}
    for role in (*ROLES, *delegated()) if has(features.ROLES, target.version) else ():
        answer = Admin(target.client(), token).ask("GET", f"/api/v4/roles/name/{role}")
        held = answer.json_object.get("permissions")
        if answer.is_success and isinstance(held, list):
            permissions[role] = frozenset(map(str, held))
    return permissions


def off_now(config: Exchange, version: Version) -> frozenset[str]:
    """Return the features that a run needs and that the server's configuration has switched off.

    Raises:
        MisuseError: the answer is no configuration.
    """
    part(config, {"ServiceSettings": {}})
    return switched_off(config.json_object, version)


def is_on_this_machine(target: Target) -> bool:
    """Return whether the server runs on this machine: it can reach a gateway of ours, and take many callers at once."""
    return is_loopback(urlsplit(target.base_url).hostname or "")


def people(admin: Admin) -> int:
    """Return how many active accounts the server has that are neither ours, nor the administrator's, nor bots."""
    me, users = admin.must("GET", "/api/v4/users/me")["id"], admin.rows("/api/v4/users")
    return sum(
        1 for user in users if user.get("id") != me and not is_ours(user) and not user.get("is_bot") and not user.get("delete_at")
    )
