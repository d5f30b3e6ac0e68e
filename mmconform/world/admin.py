"""The operator's own requests: arranging, lists to their end, settings and roles read back, people and their places.

Nothing here is judged. A change is believed when it was read back, not when it was answered with 200.
"""

import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mmconform.errors import MisuseError, plain
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.origin import Answer, is_app_error
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.wire.tape.redact import Redactor
from mmconform.world.obstacles import explain

OPERATOR = "operator"
PAGE = 200
#: More pages than this has no list that a run could need: two million rows.
_MOST = 10_000
#: What servers tell instead of a secret (model/config.go@v5.36.1 FAKE_SETTING).
_MASK = "*" * 32
#: How often, and after how many seconds, a change is looked for: another node, or a replica, may learn of it later.
_LOOKS, _MOMENT = 4, 0.5
#: Statuses that tell, as errors of the server's own, that a list has nothing to tell of.
GONE, SWITCHED_OFF = 404, 501

Sections = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Admin:
    """The system administrator whose credentials a run was given, on one server.

    Attributes:
        token: The administrator's session or token.
        is_taped: The requests are on tapes, or come on the one that is recorded.
    """

    client: Client
    token: str | None = field(repr=False)
    is_taped: bool = True

    def ask(self, method: str, url: str, json: Any = None) -> Exchange:
        """Send a request and return the exchange, whatever the answer is.

        Raises:
            UnseenError: no answer of the server's own came.
        """
        headers = None if self.is_taped else NOT_TAPED
        return self.client.send(method, url, persona=OPERATOR, token=self.token, json=json, headers=headers)

    def must(self, method: str, url: str, json: Any = None) -> Any:
        """Arrange: as :func:`arranged`."""
        return arranged(self.client, method, url, OPERATOR, self.token, json, None if self.is_taped else NOT_TAPED)

    @property
    def off_tape(self) -> "Admin":
        """The same for what no tape has; nothing of it is asked on replay."""
        return Admin(self.client, self.token, is_taped=False)

    # -- lists -----------------------------------------------------------------------------------------------------

    def listed(self, url: str, none: Container[int] = ()) -> list[dict[str, Any]]:
        """Return the rows of one answer; ``null`` is a list of none, as of the jobs of 11.6 (api4/job.go@b748732e14 getJobs).

        Args:
            none: The statuses that tell, as errors of the server's own, that there are none.

        Raises:
            MisuseError: the server refuses, or it is no list.
        """
        answer = self.ask("GET", url)
        found = answer.json_or_none
        if answer.error_id and answer.status in none:
            return []
        if answer.is_success and answer.answer.strip() == b"null":
            return []
        if not answer.is_success or not isinstance(found, list):
            raise MisuseError(f"listing failed: GET {answer.path}: {answer.says}")
        return found

    def rows(self, url: str, none: Container[int] = ()) -> Iterator[dict[str, Any]]:
        """Yield the rows of a list, page by page to its end.

        Args:
            none: As in :meth:`listed`.

        Raises:
            MisuseError: the server refuses, or the list repeats itself or never ends.
        """
        before: list[Any] = []
        path, glue = url.partition("?")[0], "&" if "?" in url else "?"
        for page in range(_MOST):
            found = self.listed(f"{url}{glue}page={page}&per_page={PAGE}", none)
            if found and found == before:
                raise MisuseError(f"GET {path} never ends: its page {page} is its page {page - 1} once more")
            yield from (row for row in found if isinstance(row, dict))
            if len(found) < PAGE:
                return
            before = found
        raise MisuseError(f"GET {path} never ends: {_MOST} full pages, and more")

    # -- settings --------------------------------------------------------------------------------------------------

    def config(self) -> Exchange:
        """Return the server's configuration, in which secrets are masked."""
        return self.ask("GET", "/api/v4/config")

    def restore(self, before: Sections) -> Exchange:
        """Put settings back, leaving all others as they are now; returns the answer, which may be a refusal.

        Only these settings are sent where the server takes that (from 5.20 on, api4/config.go patchConfig). Who sends the
        whole configuration sends the masks of its secrets too, and a server may keep one as the secret: 11.1 does so with
        CacheSettings.RedisPassword (server/config/utils.go@91ce593d27 desanitize does not name it).

        Raises:
            MisuseError: the configuration cannot be read. What was put back into something else would become the whole of it.
        """
        patched = self.ask("PUT", "/api/v4/config/patch", before)
        return self._restore_whole(before) if patched.status == GONE else patched

    def _restore_whole(self, before: Sections) -> Exchange:
        found = self.config()
        config = found.json_object
        if not found.is_success or not isinstance(config.get("ServiceSettings"), dict):
            raise MisuseError(f"the server's configuration cannot be read: it answered {found.says}")
        for section, values in before.items():
            told = {**(config.get(section) or {}), **values}
            config[section] = {key: value for key, value in told.items() if value is not None}  # null: it was not there
        return self.ask("PUT", "/api/v4/config", config)

    def change(self, wanted: Sections) -> dict[str, Any]:
        """Change settings, read them back, and return those that are not what they should be, with what they are.

        A server says 200 and changes nothing where a setting is fixed by its environment (config/store.go@v5.36.1 Set applies
        the variables once more), or where an administrator is restricted (api4/config.go@v5.36.1 makeFilterConfigByPermission).

        Raises:
            MisuseError: it refuses.
        """
        answer = self.restore(wanted)
        if not answer.is_success and not (answer.status == 403 and answer.error_id):
            raise MisuseError(f"changing settings failed: the server answered {answer.says}")
        with suppress(MisuseError):
            if fixed := unlike(answer, wanted):  # it tells what it has made of them
                return fixed
        for _ in moments():
            fixed = unlike(self.config(), wanted)
            if not fixed:
                break
        return fixed

    # -- roles -----------------------------------------------------------------------------------------------------

    def role(self, name: str) -> dict[str, Any]:
        """Return a role, by its name.

        Raises:
            MisuseError: the server refuses.
        """
        role: dict[str, Any] = self.must("GET", f"/api/v4/roles/name/{name}")
        return role

    def change_role(self, id_: str, permissions: Iterable[str]) -> bool:
        """Let a role hold these permissions; return whether it does when it is read back, which on tape nobody asks.

        Raises:
            MisuseError: the server refuses.
        """
        wanted = list(permissions)
        self.must("PUT", f"/api/v4/roles/{id_}/patch", {"permissions": wanted})
        return self.client.redactor.replaying or any(self.off_tape.role_holds(id_, wanted) for _ in moments())

    def role_holds(self, id_: str, permissions: Iterable[str]) -> bool:
        """Return whether a role holds just these permissions."""
        found = self.ask("GET", f"/api/v4/roles/{id_}")
        return found.is_success and set(found.json_object.get("permissions") or ()) == set(permissions)

    # -- people and their places -----------------------------------------------------------------------------------

    def make_user(self, name: str, password: str) -> str:
        """Return the id of a new account with an address that only we give."""
        account = {"email": f"{name}@conformance.invalid", "username": name, "password": password}
        return str(self.must("POST", "/api/v4/users", account)["id"])

    def give_roles(self, user: str, roles: Iterable[str]) -> None:
        """Set a user's system roles, beside ``system_user``."""
        self.must("PUT", f"/api/v4/users/{user}/roles", {"roles": " ".join(["system_user", *roles])})

    def make_team(self, name: str) -> str:
        """Return the id of a new team that only the operator belongs to."""
        return str(self.must("POST", "/api/v4/teams", {"name": name, "display_name": name, "type": "O"})["id"])

    def join(self, team: str, user: str, role: str = "team_user") -> None:
        """Make a user a member of a team, or its administrator."""
        self.must("POST", f"/api/v4/teams/{team}/members", {"team_id": team, "user_id": user})
        if role == "team_admin":
            self.must("PUT", f"/api/v4/teams/{team}/members/{user}/roles", {"roles": "team_user team_admin"})

    def join_all(self, team: str, users: Mapping[str, str]) -> None:
        """Make users members of a team, or its administrators: in one request, where the server takes that.

        Args:
            users: Their roles, by their ids.
        """
        members = [{"team_id": team, "user_id": user} for user in users]
        is_done = self.ask("POST", f"/api/v4/teams/{team}/members/batch", members).is_success
        for user, role in users.items():
            if not is_done or role == "team_admin":
                self.join(team, user, role)

    def join_channel_all(self, channel: str, users: Mapping[str, str]) -> None:
        """Make members of a channel's team members of the channel, or its administrators: in one request, as :meth:`join_all`."""
        is_done = self.ask("POST", f"/api/v4/channels/{channel}/members", {"user_ids": list(users)}).is_success
        for user, role in users.items():
            if not is_done or role == "channel_admin":
                self.join_channel(channel, user, role)

    def join_channel(self, channel: str, user: str, role: str = "channel_user") -> None:
        """Make a member of a channel's team a member of the channel, or its administrator."""
        self.must("POST", f"/api/v4/channels/{channel}/members", {"user_id": user})
        if role == "channel_admin":
            self.must("PUT", f"/api/v4/channels/{channel}/members/{user}/roles", {"roles": "channel_user channel_admin"})


def arranged(
    client: Client,
    method: str,
    url: str,
    persona: str,
    token: str | None,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Send a request that has to succeed and return its JSON, an object or rows of objects.

    Raises:
        ArrangingError: the server refuses, or answers with something else; also later, when the object is asked for what it
            does not hold.
        MisuseError: it does not answer.
    """
    try:
        exchange = client.send(method, url, persona=persona, token=token, json=json, headers=headers)
    except UnseenError as error:
        raise MisuseError(f"setting up the test world failed: {error}") from None
    if not exchange.is_success:
        raise ArrangingError(
            f"{method} {exchange.path} by the {persona.replace('_', ' ')} answered "
            f"{exchange.says}; `{message(exchange, client.redactor)}`{explain(exchange.error_id)}",
            exchange,
        )
    return told(exchange)


def confirm_is_an_error_of_the_server(answer: Exchange) -> None:
    """Look at what a server refuses as an ``AppError``: something in front may put a page in its place, and keep the headers.

    Raises:
        MisuseError: it does; every refusal would be blamed for that.
    """
    if answer.status >= 400 and not is_app_error(Answer(answer.status, answer.answer_headers, answer.answer)):
        media = answer.answer_headers.get("content-type", "no type").partition(";")[0]
        raise MisuseError(
            f"{answer.method} {answer.path} answered {answer.status} with {plain(media)[:40]} in the place of the server's "
            "error: something in front of the server writes errors of its own; have it pass on what /api/ answers"
        )


def message(exchange: Exchange, redactor: Redactor) -> str:
    """Return what the server says to people, which may repeat what it was sent."""
    return redactor.hide(str(exchange.json_object.get("message", "")))[:200]


class ArrangingError(MisuseError):
    """What a test needs could not be had of the server. Where documents describe what was asked, it may break a promise.

    Attributes:
        complaint: What is wrong with an answer that is no refusal.
    """

    def __init__(self, text: str, exchange: Exchange, complaint: str = "") -> None:
        super().__init__(f"setting up the test world failed: {text}")
        self.exchange, self.complaint = exchange, complaint


class _Told(dict[str, Any]):
    """What a server told us, which need not be what we rely on."""

    exchange: Exchange

    def __missing__(self, key: str) -> Any:
        raise _unlike_told(self.exchange, f"holds no `{key}`")


def _unlike_told(exchange: Exchange, complaint: str) -> ArrangingError:
    text = f"the answer to {exchange.method} {exchange.path} {complaint}"
    return ArrangingError(text, exchange, f"the answer {complaint}")


def told(exchange: Exchange) -> Any:
    """Return what a successful answer tells, an object or rows of objects.

    Raises:
        ArrangingError: it is something else; also later, when the object is asked for what it does not hold.
    """
    return _told(exchange.json_or_none, exchange)


def _told(data: Any, exchange: Exchange) -> Any:
    if isinstance(data, dict):
        told = _Told(data)
        told.exchange = exchange
        return told
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return [_told(row, exchange) for row in data]
    if data is None and exchange.method in ("PUT", "DELETE"):
        return None
    raise _unlike_told(exchange, "is no JSON object or list of them")


def moments() -> Iterator[None]:
    """Yield as often as something is looked for, with a moment between."""
    for rest in reversed(range(_LOOKS)):
        yield
        if rest:
            time.sleep(_MOMENT)


def part(config: Exchange, sections: Sections) -> Sections:
    """Return the settings of a server's configuration that have the same names as those given.

    Raises:
        MisuseError: the answer holds no such section.
    """
    found = config.json_object
    for section in sections:
        if not isinstance(found.get(section), dict):
            raise MisuseError(f"the server's configuration holds no {section}: it answered {config.says}")
    return {section: {key: found[section].get(key) for key in values} for section, values in sections.items()}


def unlike(config: Exchange, wanted: Sections) -> dict[str, Any]:
    """Return the settings, as ``Section.Key``, that are not what they should be, with what they are.

    A setting that is not told (a secret) or was not there before is like any other.

    Raises:
        MisuseError: the answer holds no such section.
    """
    found = part(config, wanted)
    return {
        f"{section}.{key}": found[section][key]
        for section, values in wanted.items()
        for key, value in values.items()
        if found[section][key] not in (value, _MASK) and value is not None
    }
