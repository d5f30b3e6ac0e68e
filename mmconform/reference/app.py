"""The reference server without HTTP: who asks, what is there in this version, how it refuses.

Everything that a mutant changes is an attribute of :class:`App`.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, NamedTuple

from mmconform.contract.build import build
from mmconform.contract.clause import Contract, Operation
from mmconform.contract.permission import is_there
from mmconform.documents.load import load
from mmconform.paths import SPECS
from mmconform.reference.golang import number, plain_text, wrapped
from mmconform.reference.store import AccessToken, Channel, Session, Store, User, new_id
from mmconform.version import Version
from mmconform.world.behaviours import denial, differences, job_types, refusal

#: The document of ours about teams, channels, posts, files and people, which is served too.
SMALL = SPECS / "small.yaml"
BASE = "/api/v4"
LONGEST_PAGE, DEFAULT_PAGE = 200, 60
#: In characters, and in bytes; Go reads a little more of a body before it gives up (``bytes.MinRead``).
LONGEST_ADDRESS, LONGEST_BODY = 2048, 300_000 + 512
#: The operations that serve whoever has no session.
OPEN = ("Logout",)
_CONTENT = "read_channel_content"


class Answer(NamedTuple):
    """What goes back: a status, JSON (or text or bytes, of another media type), and headers."""

    status: int
    data: Any
    media: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class RefusedError(Exception):
    """A refusal, by its name in ``data/answers.yaml``; in developer mode it tells the permission that is missing."""

    def __init__(self, name: str, permission: str | None = "") -> None:
        super().__init__(name)
        self.name, self.permission = name, permission


@dataclass
class Call:
    """A request on its way: what was sent, which operation it reaches (empty: a helper), who asks.

    Attributes:
        length: Of its address, in characters.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes = b""
    operation: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    session: Session | None = None
    length: int = 0

    @property
    def caller(self) -> str:
        """The id of who asks; empty for nobody."""
        return self.session.user if self.session else ""

    def asked(self, name: str) -> str | None:
        """Return a parameter of the query; of a repeated one the first counts."""
        return next((value for key, value in self.query if key == name), None)


Handler = Callable[["App", Call], Answer]


class Route(NamedTuple):
    """Where a request goes that matches: an operation of the contract, or one of the endpoints that a run needs beside them."""

    method: str
    path: str
    handler: Handler
    operation: str = ""
    is_open: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        return _pattern(self.path)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    # Names may hold more than ids; `me` and ids are letters and digits, and nothing else matches a route.
    path = re.sub(r"\{(\w*name)\}", r"(?P<\1>[A-Za-z0-9_.-]+)", path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[A-Za-z0-9]+)", path))


@cache
def contract(document: str = "") -> Contract:
    """Return the contract of a document of ours: it says where each operation is, and in which versions.

    Args:
        document: The name of a file in ``specs/``; without one, that of the eleven operations.
    """
    return build(load([SPECS / document] if document else []).document)


@cache
def operations() -> dict[str, Operation]:
    """Return every operation that is served, of both documents."""
    return contract().operations | contract(SMALL.name).operations


class App:
    """A server of one version.

    Args:
        version: Whose behaviour it shows.
        helpers: The routes beside the operations.
        keeps_documents: Where servers break the document, it does not.

    Attributes:
        needs: The permission that each operation asks for; None for none.
        handlers: What answers an operation.
        does: Which of the named behaviours (``data/behaviours.yaml``) it shows.
        exists: Whether an operation is there.
    """

    def __init__(
        self,
        version: Version,
        needs: dict[str, str | None],
        handlers: dict[str, Handler],
        helpers: list[Route],
        *,
        keeps_documents: bool = False,
    ) -> None:
        self.version, self.keeps_documents = version, keeps_documents
        self.needs, self.handlers, self._helpers = dict(needs), dict(handlers), helpers
        self.store = Store(version)
        has_content = any(_CONTENT in role.permissions for role in self.store.roles.values())  # as this version is shipped
        self._reading = _CONTENT if has_content else "read_channel"
        self.does = {name: shown and not (keeps_documents and breaks) for name, shown, breaks in differences(version)}
        self.exists = {id_: operation.exists_in(version) for id_, operation in operations().items()}
        self.jobs = {one.name: one for one in job_types(version)}

    @cached_property
    def routes(self) -> list[Route]:
        """Every route, the more literal first."""
        ours = [
            Route(operation.method, BASE + operation.path, self._call, id_, is_open=id_ in OPEN)
            for id_, operation in operations().items()
            if self.exists[id_]
        ]
        return sorted([*ours, *self._helpers], key=lambda route: route.path.count("{"))

    @staticmethod
    def _call(app: "App", call: Call) -> Answer:
        return app.handlers[call.operation](app, call)

    # -- from a request to its answer ------------------------------------------------------------------------------

    def answer(self, call: Call) -> Answer:
        """Answer one request: route, session, and what the handler says."""
        try:
            if "\n" in call.path and self.does["an-address-with-a-line-end-is-not-the-apis"]:
                return Answer(404, "404 page not found\n", "text/plain; charset=utf-8")
            route = self.route(call)
            call.operation = route.operation
            if call.length > LONGEST_ADDRESS and self.does["bodies-and-addresses-have-limits"]:
                raise RefusedError("address-too-long")
            call.session = self.session(call)
            if call.session is None and not route.is_open:
                raise RefusedError("no-session")
            return route.handler(self, call)
        except RefusedError as refused:
            return self.refuse(call, refused.name, refused.permission or "")

    def route(self, call: Call) -> Route:
        """Return where a call goes.

        Raises:
            RefusedError: nowhere.
        """
        for route in self.routes:
            found = route.method == call.method and route.pattern.fullmatch(call.path)
            if found:
                call.parameters = found.groupdict()
                return route
        raise RefusedError("no-route")

    def refuse(self, call: Call, name: str, permission: str = "") -> Answer:
        """Return a refusal as this version says it."""
        if name == "denied" and call.operation:
            found = denial(call.operation, self.version)[-1]
        else:
            found = refusal("no-permission" if name == "denied" else name, self.version)[-1]
        message = f"{name.replace('-', ' ').capitalize()}."
        error = {"id": found.id, "message": message, "detailed_error": "", "request_id": new_id(), "status_code": found.status}
        if permission and found.status == 403 and self.store.is_on("EnableDeveloper"):
            error["detailed_error"] = f"userId={call.caller}, permission={permission}"
        if name != "no-route":
            return Answer(found.status, error)
        del error["request_id"]
        return Answer(
            404, error, "application/json" if self.does["an-unknown-path-is-answered-in-json"] else "text/plain; charset=utf-8"
        )

    # -- who asks --------------------------------------------------------------------------------------------------

    def session(self, call: Call) -> Session | None:
        """Return the session that a call's credential opens.

        Raises:
            RefusedError: a credential in a place where it does not count.
        """
        places = {"header": self._in_header(call), "cookie": self._in_cookie(call), "query": call.asked("access_token")}
        order = ("cookie", "header", "query") if self.does["the-cookie-beats-the-header"] else ("header", "cookie", "query")
        place = next((place for place in order if places[place] is not None), "")
        session = self.opened_by(places[place] or "") if place else None
        if session and place == "query" and session.kind != "oauth":
            raise RefusedError("no-oauth-session")
        if session and place == "cookie" and not self.is_from_our_client(call, session):
            raise RefusedError("forged")
        return session

    def _in_header(self, call: Call) -> str | None:
        header = call.headers.get("authorization", "")
        for scheme in ("bearer", "token"):
            if len(header) > len(scheme) and header.lower().startswith(scheme):
                return header[len(scheme) + 1 :]
        return None

    def _in_cookie(self, call: Call) -> str | None:
        for part in call.headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == "MMAUTHTOKEN":
                return value
        return None

    def is_from_our_client(self, call: Call, session: Session) -> bool:
        """Whether a request with a cookie can be none that a foreign page made a browser send."""
        if call.headers.get("x-requested-with") == "XMLHttpRequest":
            return True
        if not self.does["a-reading-cookie-needs-no-csrf-header"]:
            return False
        return call.method == "GET" or call.headers.get("x-csrf-token", "") == session.csrf

    def opened_by(self, credential: str) -> Session | None:
        """Return the session of a credential; a personal access token opens one."""
        session = self.store.sessions.get(credential)
        if session is None:
            token = next((t for t in self.store.tokens.values() if t.value == credential), None)
            if token and self.lets_in(token):
                session = Session(token.user, "token", token.value, token.id)
                self.store.sessions[session.token] = session
        if session and session.kind == "token" and not self.tokens_are_on_for(session.user):
            return None
        return session

    def lets_in(self, token: AccessToken) -> bool:
        """Whether a personal access token is good for a new session."""
        user = self.store.users.get(token.user)
        return token.is_active and user is not None and user.is_active and self.tokens_are_on_for(token.user)

    def tokens_are_on_for(self, user: str) -> bool:
        """Whether personal access tokens work: they are switched on, or the user is a bot."""
        return self.store.is_on("EnableUserAccessTokens") or (
            self.does["a-bot-gets-in-while-tokens-are-off"] and self.is_bot(user)
        )

    # -- who may ---------------------------------------------------------------------------------------------------

    def is_bot(self, user: str) -> bool:
        """Whether a user is a bot."""
        found = self.store.users.get(user)
        return bool(found and found.owner)

    def is_administrator(self, user: str) -> bool:
        """Whether a user has the role of a system administrator."""
        found = self.store.users.get(user)
        return bool(found and "system_admin" in found.roles)

    def has(self, call: Call, permission: str | None) -> bool:
        """Whether the caller's system roles hold a permission."""
        user: User | None = self.store.users.get(call.caller)
        return permission is None or (user is not None and self.grant(user.roles, permission))

    def manages_commands(self, call: Call, team: str, permission: str | None) -> bool:
        """Whether the caller holds the permission to manage commands in a team, or the one that took its place."""
        is_retired = permission == "manage_slash_commands" and self.does["managing-commands-is-another-permission"]
        return self.has_in_team(call, team, "manage_own_slash_commands" if is_retired else permission)

    def has_in_team(self, call: Call, team: str, permission: str | None) -> bool:
        """Whether the caller's system roles, or those in a team, hold a permission."""
        roles = self.store.teams[team].members.get(call.caller, []) if team in self.store.teams else []
        return self.has(call, permission) or (permission is not None and self.grant(roles, permission))

    def has_in_channel(self, call: Call, channel: str, permission: str | None) -> bool:
        """Whether the caller's roles in a channel, its team or the system hold a permission; where there is none, nobody does."""
        found = self.store.channels.get(channel)
        if found is None:
            return False
        roles = found.members.get(call.caller, [])
        return self.has_in_team(call, found.team, permission) or (permission is not None and self.grant(roles, permission))

    def reads(self, call: Call, channel: Channel) -> bool:
        """Whether the caller may read what stands in a channel."""
        return self.has_in_channel(call, channel.id, self._reading) or (
            channel.is_open and self.has_in_team(call, channel.team, "read_public_channel")
        )

    def sees(self, call: Call, user: str) -> bool:
        """Whether the caller may see that somebody is: all may but for guests, who see whom they share a channel with."""
        shared = (channel.members.keys() for channel in self.store.channels.values() if call.caller in channel.members)
        knows_guests = is_there("view_members", self.version)
        if user == call.caller or not knows_guests or self.has(call, "view_members"):
            return True
        return any(user in members for members in shared)

    def grant(self, roles: list[str], permission: str) -> bool:
        """Whether one of the roles holds a permission."""
        held = [self.store.roles[role].permissions for role in roles if role in self.store.roles]
        return any("*" in permissions or permission in permissions for permissions in held)

    def reaches(self, call: Call, user: str) -> bool:
        """Whether the caller may act on what belongs to a user: themselves, or somebody else's with a permission more."""
        if self.is_bot(user) and self.does["only-the-permissions-for-bots-count-for-bots"]:
            return self.manages_bot(call, user)
        if user == call.caller or self.has(call, "manage_system"):
            return True
        if self.has(call, "edit_other_users") and not (
            self.does["an-administrator-is-out-of-reach"] and (self.is_administrator(user) or user not in self.store.users)
        ):
            return True
        return self.is_bot(user) and self.manages_bot(call, user)

    def manages_bot(self, call: Call, bot: str) -> bool:
        """Whether the caller may manage a bot: their own with one permission, others' with another."""
        owner = self.store.users[bot].owner
        return self.has(call, "manage_bots" if owner == call.caller else "manage_others_bots")

    # -- what is asked ---------------------------------------------------------------------------------------------

    def id_in_path(self, call: Call, name: str) -> str:
        """Return an id from the path; ``me`` is the caller's.

        Raises:
            RefusedError: it has another length than ids have.
        """
        value = call.parameters[name]
        if value == "me" and name == "user_id":
            return call.caller
        if len(value) != len(new_id()):
            raise RefusedError("bad-parameter")
        return value

    def stored(self, text: str, error: str) -> str:
        """Return a text as the database holds it.

        Raises:
            RefusedError: a NUL stands in it, which is an error of the server where that is not looked at before.
        """
        if "\0" in text:
            raise RefusedError(error if self.does["a-nul-reaches-the-database"] else "bad-body")
        return plain_text(text)

    def page(self, call: Call, rows: list[Any], error: str) -> list[Any]:
        """Return the page of a list that the query asks for.

        Raises:
            RefusedError: a page or page size that is no number, where that is minded; an offset that the database refuses.
        """
        page, size = (self._number(call, name) for name in ("page", "per_page"))
        size = DEFAULT_PAGE if size is None or size < 0 else min(size, LONGEST_PAGE)
        keeps_negative = call.operation == "GetUserAccessTokensForUser" and self.does["a-negative-page-of-a-user-is-an-error"]
        page = 0 if page is None or (page < 0 and not keeps_negative) else page
        start = page * size
        if self.does["the-offset-overflows"]:
            start = wrapped(start)
            if start < 0:
                raise RefusedError(error)
        return rows[start : start + size]

    def _number(self, call: Call, name: str) -> int | None:
        text = call.asked(name)
        if text is None:
            return None
        if not re.fullmatch("[0-9]+", text) and not self.does["a-page-that-is-none-is-the-default"]:
            raise RefusedError("bad-parameter")
        return number(text)


def secret_of(session: Session) -> str:
    """Return what WebRTC calls a session's token."""
    return base64.b64encode(session.id.encode()).decode()
