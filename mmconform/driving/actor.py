"""Callers as tests see them: `do` asks and accepts any answer, `must` arranges and accepts no refusal."""

import json
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mmconform.contract.clause import Contract, Operation
from mmconform.contract.naming import Named, filled
from mmconform.driving.expectation import Expectation
from mmconform.driving.generate import SEED
from mmconform.errors import MisuseError
from mmconform.judging.judge import Judge
from mmconform.knowledge import Unknown
from mmconform.safety.guard import require_filled
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.secret import Secret
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.world import kinds
from mmconform.world.admin import Admin
from mmconform.world.behaviours import NotKnownError, Refusal, absence, denial, refusal
from mmconform.world.entitlement import entitlement
from mmconform.world.features import TOKENS
from mmconform.world.fillers import filler
from mmconform.world.kinds import bot as bots
from mmconform.world.kinds import command, job, oauth, team, token
from mmconform.world.kinds.kind import Owner
from mmconform.world.kinds.oauth import BACK
from mmconform.world.kinds.user import make_account
from mmconform.world.people import Persona
from mmconform.world.whose import learn, learn_ended, whose
from mmconform.world.world import PREFIX, Person, World

#: The rules by which every exchange of a hand-written test is judged, beside the test's own clause.
ALWAYS = ("status", "schema", "media", "secret", "paging")

#: What tests do not make for one request: whom they ask as, and where these are.
_OF_PEOPLE = frozenset({"user", "caller", "session", "sessions", "membership"})
#: What an administrator changes of somebody's account or sessions.
_OF_ACCOUNTS = re.compile(r"/(roles|active|disable|enable|sessions/revoke.*|convert_to_bot)$")
#: How a server in developer mode names the permission that is missing (web/context.go@v5.36.1 SetPermissionError).
_MISSING = re.compile(r"permission=(\w+)")
#: How long a server may lag behind what it was told, in seconds.
_MOMENT = 1.0


@dataclass
class Stage:
    """Where one hand-written test plays: the world, and the client in the test's cassette.

    Attributes:
        about: The operation that the test is about.
        expectations: What the test has expected of which answers, in order.
        made: How many things this test has made, for their names.
        clause: What the next assertion is about, in a test that is about many clauses in turn.
        people: Whom this test has made, and how many ``changes`` of accounts there had been before.
        seed: Of what is drawn in this run; tapes know one.
        frees: Whom a test or a life no longer needs is deactivated at once, as the end of the run would: a server takes only so
            many active people (250 without a licence: app/limits.go@91ce593d27).
    """

    contract: Contract
    world: World
    client: Client
    judge: Judge
    test: str
    about: str = ""
    expectations: list[Expectation] = field(default_factory=list, repr=False)
    made: int = 0
    clause: str = ""
    people: list[tuple[Person, int]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    seed: int = SEED
    frees: bool = False

    def see_off(self) -> None:
        """Let go of the people whom this test has made."""
        people, self.people = self.people, []
        # Who was made a bot owns itself: a server that deactivates it comes to no end. Tidying up knows that (kinds/user.py).
        bots = {person.id for person, _ in people if any(f"{person.id}/convert_to_bot" in url for url in self.changes)}
        for person in (person for person, _ in people if self.frees and person.id not in bots):
            with suppress(UnseenError, MisuseError):  # the end of the run does it again, and says so
                self.admin.off_tape.ask("PUT", f"/api/v4/users/{person.id}/active", {"active": False})

    def unchanged(self) -> list[Person]:
        """Return the people whom this test made and has not changed since."""
        return [person for person, since in self.people if not any(person.id in url for url in self.changes[since:])]

    def name(self, what: str) -> str:
        """Return a name for something that this test makes: the same on every replay, unique on a server."""
        self.made += 1
        return f"{PREFIX}{self.world.run}-{zlib.crc32(self.test.encode()):08x}{what}{self.made}"

    @property
    def admin(self) -> Admin:
        """The operator, who arranges in the test's cassette."""
        return self.world.admin(self.client)

    def operator(self, method: str, url: str, json: Any = None) -> Any:
        """Arrange as the administrator whose credentials the run was given.

        Raises:
            MisuseError: the server refuses.
        """
        if method == "DELETE" or _OF_ACCOUNTS.search(url):
            self.changes.append(url)
        told = self.admin.must(method, url, json)
        learn_ended(self.world, method, url, [*url.split("/"), *(json.values() if isinstance(json, dict) else ())])
        return told

    def lets(self, operation: Operation, persona: Persona, about: str) -> bool:
        """Return whether the documentation lets a persona call an operation about something of the world.

        Raises:
            NotKnownError: that is not known.
        """
        entitled = entitlement(operation, persona, self.world.roles, about)
        if isinstance(entitled, Unknown):
            raise NotKnownError(f"whether {persona.name} may call {operation.id} is not known", entitled.reason)
        return entitled

    def path(self, operation: Operation, parameters: Mapping[str, str]) -> str:
        """Return the path of an operation.

        Raises:
            HeldBackError: nobody says what stands for a part of it; a template is no request.
        """
        require_filled(operation, parameters)
        return self.contract.base + operation.filled(parameters)


@dataclass(repr=False)
class Reply:
    """An answer, with the words in which tests speak of answers.

    Attributes:
        is_generic: The request was made of what the document says alone.
        number: Of the test's judged answers; 0 for one that nobody judged.
    """

    exchange: Exchange
    stage: Stage
    again: Callable[[], Exchange] | None = field(default=None, repr=False)
    is_generic: bool = False
    number: int = 0

    @property
    def doubt(self) -> str:
        """Why the answer says nothing where it is not what a test expects; nothing where it does."""
        return self.stage.judge.doubt(self.exchange, is_generic=self.is_generic)

    @property
    def is_unsteady(self) -> bool:
        """Whether a live server, before it is blamed for an answer, gives another one a moment later."""
        target = self.stage.judge.target
        if target.is_recorded or target.is_reference:
            return False
        time.sleep(_MOMENT)
        with suppress(UnseenError, MisuseError):
            return not self.is_steady
        return False

    @property
    def is_steady(self) -> bool:
        """Whether the server, asked the same once more, says the same: one that lags behind what it was told does not.

        Only what changed nothing, a read or a refusal, is asked again; of everything else this is not known, and so no excuse.
        """
        later = self.again() if self.again else self.exchange
        is_same = later.json_or_none == self.exchange.json_or_none or not later.is_success
        return later.says == self.exchange.says and is_same

    @property
    def served(self) -> Expectation:
        """The answer is a 2xx."""
        return self._expected("served", self.exchange.is_success)

    @property
    def is_served(self) -> bool:
        """Whether it is ``served``, where nothing is expected."""
        return self.exchange.is_success

    @property
    def let_in(self) -> Expectation:
        """The server knows who asks, whatever else it says to them."""
        return self._expected("let in", self.exchange.status < 500 and self.exchange.status != 401)

    @property
    def denied(self) -> Expectation:
        """The caller was refused for lack of permission, in the way of this operation and version."""
        return self._refused("denied", self._denials)

    @property
    def is_denied(self) -> bool:
        """Whether it is ``denied``, where nothing is expected."""
        return self._is_one_of(self._denials)

    @property
    def _denials(self) -> list[Refusal]:
        return denial(self.exchange.operation, self.stage.world.version)

    @property
    def missing_permission(self) -> str:
        """The permission that a refusal says is missing: servers in developer mode do (``detailed_error``).

        Raises:
            NotKnownError: it names none.
        """
        named = _MISSING.search(str(self.exchange.json_object.get("detailed_error")))
        if named is None:
            why = "the refusal names no permission, though the server was put into developer mode"
            raise NotKnownError(why, "not-on-this-target")
        return named[1]

    @property
    def absent(self) -> Expectation:
        """The answer is that of a server which does not have the operation."""
        return self._refused("absent", absence(self.exchange.operation, self.stage.world.version))

    def refused_as(self, name: str) -> Expectation:
        """The answer is the named refusal (``data/answers.yaml``) as this version gives it."""
        return self._refused(f"refused as {name}", refusal(name, self.stage.world.version))

    @property
    def refused(self) -> Expectation:
        """The answer is a refusal of any kind: a 4xx."""
        return self._expected("refused", 400 <= self.exchange.status < 500)

    @property
    def is_no_server_error(self) -> Expectation:
        """The answer is no 5xx."""
        return self._expected("without an error of the server", self.exchange.status < 500)

    @property
    def json(self) -> Any:
        return self.exchange.json_or_none

    @property
    def text(self) -> str:
        return self.exchange.answer.decode("utf-8", "replace")

    @property
    def ids(self) -> list[str]:
        """The ids of the rows of a list, as :meth:`rows`."""
        return [str(id_) for (id_,) in self.rows("id")]

    def __getitem__(self, name: str) -> Any:
        """A field of the answer.

        Raises:
            BrokenPromiseError, NotKnownError: it is a refusal, or holds no such field.
        """
        return self._part(self.json, name)

    def rows(self, *names: str) -> list[tuple[Any, ...]]:
        """The fields of these names, of each row of a list.

        Raises:
            BrokenPromiseError, NotKnownError: the answer is a refusal, or no list, or a row lacks one.
        """
        rows = self.json
        if not isinstance(rows, list) or not self.exchange.is_success:
            self._lacks("is no list")
        return [tuple(self._part(row, name) for name in names) for row in rows]

    def _part(self, data: Any, name: str) -> Any:
        if not isinstance(data, dict) or name not in data or not self.exchange.is_success:
            self._lacks(f"holds no `{name}`")
        return data[name]

    def _lacks(self, complaint: str) -> None:
        self.served.require()
        replace(self.shows(False, f"the answer {complaint}"), is_of_the_form=True).require()

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        return f"{self.exchange.method} {self.exchange.path} by {self.exchange.persona}: {self.exchange.says}"

    def _is_one_of(self, refusals: list[Refusal]) -> bool:
        return any((self.exchange.status, self.exchange.error_id) == (r.status, r.id) for r in refusals)

    def shows(self, is_so: bool, complaint: str) -> Expectation:
        """What the answer shows is as it should be; the complaint says what is wrong where it is not."""
        return Expectation(self, ("what the promise says",), is_so, "", complaint, self.stage.clause)

    def _refused(self, what: str, refusals: list[Refusal]) -> Expectation:
        source = "; ".join(f"{one.status} {one.id}: {one.source}" for one in refusals)
        return self._expected(what, self._is_one_of(refusals), f"data/answers.yaml, {source}")

    def _expected(self, what: str, is_so: bool, source: str = "") -> Expectation:
        return Expectation(self, (what,), is_so, source, "", self.stage.clause)


@dataclass(frozen=True)
class Token:
    """A personal access token: its id, and the token itself."""

    id: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Actor:
    """Somebody who calls the server.

    Attributes:
        persona: How the record calls them.
        credential: What goes into ``Authorization: Bearer``; None for nothing.
        headers: Sent with every request, for callers who authenticate in another way.
    """

    persona: str
    person: Person | None
    credential: str | None = field(repr=False)
    stage: Stage = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        assert self.person, "an anonymous caller has no id"
        return self.person.id

    @property
    def username(self) -> str:
        assert self.person, "an anonymous caller has no name"
        return self.person.username

    def do(
        self,
        operation: str,
        *,
        body: Any = None,
        raw: bytes | str | None = None,
        query: str = "",
        url: str = "",
        method: str = "",
        **path: str,
    ) -> Reply:
        """Call an operation.

        Args:
            operation: Its operationId.
            body: Sent as JSON. ``raw`` is sent as it is instead.
            query: Without the question mark, sent as it is.
            url: Instead of the operation's own path, for calls that miss it; ``method`` instead of its own method.
            path: The path parameters.
        """
        return self._call(operation, path, body=body, raw=raw, query=query, url=url, method=method)

    def _call(
        self,
        operation: str,
        path: Mapping[str, str],
        *,
        body: Any = None,
        raw: bytes | str | None = None,
        query: str = "",
        url: str = "",
        method: str = "",
        meant: str = "",
        is_generic: bool = False,
    ) -> Reply:
        """Call an operation, as ``do``.

        Raises:
            NotHereError: what it needs is switched off, and the test is about another operation.

        Args:
            meant: Whose resource it is to name, by which it is judged; else oneself for ``me`` in the path, or another.
            is_generic: As in :class:`Reply`.
        """
        known = self.stage.contract.operations[operation]
        if operation != self.stage.about:
            self.stage.world.need_all_of(known)
        address = (url or self.stage.path(known, path)) + (f"?{query}" if query else "")
        headers = {**self.headers, **({"Content-Type": "application/json"} if raw is not None else {})}
        content: dict[str, Any] = {"data": raw.encode() if isinstance(raw, str) else raw} if raw is not None else {"json": body}
        text = json.dumps(body).encode() if raw is None else content["data"]
        caller = self.person.id if self.person else ""
        begins_jobs = job.makes_jobs(known) and not method
        if begins_jobs:
            job.note(self.stage.world)
        send = partial(
            self.stage.client.send,
            method or known.method,
            address,
            persona=self.persona,
            token=self.credential,
            operation=operation,
            about=whose(self.stage.world, self.stage.contract, operation, address, text, caller),
            meant=meant or ("self" if "me" in path.values() else "other"),
            own=frozenset({self.person.id}) if self.person else frozenset(),
            is_spending=known.consumes.isdisjoint(_OF_PEOPLE),
            **content,
        )
        exchange = send(headers=headers)
        if self.stage.world.look_after(exchange, self.stage.client) and exchange.status == 401:
            raise UnseenError(f"{exchange.method} {exchange.path}", f"{self.persona} was signed out meanwhile")
        learn(self.stage.world, self.stage.contract, exchange, caller)
        self.stage.judge.see(exchange, self.stage.contract.of(operation, *ALWAYS))
        number = len(self.stage.judge.answers)
        if begins_jobs:
            job.note(self.stage.world, exchange)
        changes_nothing = exchange.method == "GET" or (400 <= exchange.status < 500 and not begins_jobs)
        again = partial(send, headers={**headers, **NOT_TAPED}) if changes_nothing else None
        return Reply(exchange, self.stage, again, is_generic, number)

    def must(self, operation: str, **arguments: Any) -> Reply:
        """Call an operation that has to succeed for the test to mean anything.

        Raises:
            BrokenPromiseError, NotKnownError: it is refused, to whom the documentation lets call it: which is what is wrong,
                whatever the test is about.
        """
        reply = self.do(operation, **arguments)
        replace(reply.served, clause=f"{operation}.status").require()
        return reply

    def ask(self, operation: str, about: "Actor | None" = None) -> Reply:
        """Call an operation with a valid request about somebody's resource, freshly made."""
        owner = about or self
        known = self.stage.contract.operations[operation]
        named = [p for p in known.parameters if p.place == "path" and p.resource in kinds.by_name()]
        path = {p.name: owner.resource(str(p.resource)) for p in named}
        query = "per_page=1" if any(p.name == "per_page" for p in known.parameters) else ""
        body = None
        if known.body:
            sample = filled(known.sample.body, owner.named) if isinstance(known.sample.body, dict) else {}
            named_by = {name: owner.resource(kind) for name, kind in known.body.resources.items() if name not in sample}
            body = {**(known.body.example or {}), **sample, **named_by}
        meant = "self" if owner.person is self.person else "other"
        return self._call(operation, path, body=body, query=query, meant=meant, is_generic=True)

    def named(self, named: Named) -> Any:
        """Return what a text of a document names, of this person's: something freshly made, or what the server tells of them.

        Raises:
            KeyError, MisuseError, NotHereError: as :meth:`resource`.
        """
        if named.part:
            return kinds.by_name()[named.kind].part(self.owner, self.id, named.part)
        return filler(named.kind, self.stage.world) if named.is_filler else self.resource(named.kind)

    def look(self) -> Reply:
        """List one of one's own tokens: the smallest question to which who gets in has an answer."""
        return self.do("GetUserAccessTokensForUser", user_id="me", query="per_page=1")

    @property
    def owner(self) -> Owner:
        """The same person as kinds know the owner of what is made."""
        stage = self.stage
        return Owner(stage.world, stage.client, self.persona, self.person, self.credential, stage)

    def resource(self, kind: str) -> str:
        """Return the id of something of this person's: themselves, a new token, a new channel they are in.

        Raises:
            KeyError: there is no such kind.
            MisuseError, NotHereError: as :meth:`mmconform.world.kinds.kind.Kind.make`.
        """
        id_ = kinds.by_name()[kind].make(self.owner)
        self.stage.world.register.learn(id_)
        return id_

    def new_token(self, description: str = "made for a test") -> Token:
        """Return a new personal access token of this person, made by the operator."""
        made = token.new_token(replace(self.owner, purpose=description))
        return Token(str(made["id"]), Secret(made["token"]))

    @contextmanager
    def crowded(self, tokens: int) -> Iterator[None]:
        """Have the person hold so many more tokens for a while, of which the tape need not know: it answers without them.

        Raises:
            MisuseError: the server refuses.
            NotHereError: tokens are switched off.
        """
        self.stage.world.need(TOKENS)
        admin, made = self.stage.admin.off_tape, list[str]()
        try:
            while len(made) < tokens and not admin.client.redactor.replaying:
                answer = admin.ask("POST", f"/api/v4/users/{self.id}/tokens", token.body(self.stage.world, "one of many"))
                if not answer.is_success or not answer.json_id:
                    raise MisuseError(f"the test could not be set up: {answer.method} {answer.path}: {answer.says}")
                made.append(answer.json_id)
            yield
        finally:
            with suppress(UnseenError):  # what stays is the end of the run's to take away, and no news about lists
                for id_ in made:
                    admin.ask("POST", "/api/v4/users/tokens/revoke", {"token_id": id_})

    def new_command(self, team: str = "") -> str:
        """Return the id of a new slash command, made by the operator, in the world's team or another."""
        return command.new_command(self.owner, team)

    def make_command(self) -> str:
        """Return the id of a new slash command in the world's team that this person made.

        Raises:
            MisuseError: they may not.
        """
        return command.own_command(self.owner)

    def called(self, persona: str) -> "Actor":
        """Return the same person under the name by which the record is to call them (``mmconform.world.people.MADE``)."""
        return replace(self, persona=persona)

    def through(self, token: "Token | None" = None) -> "Actor":
        """Return the same person calling through a personal access token."""
        token = token or self.new_token()
        return Actor(self.persona, self.person, token.value, self.stage)

    def having(self, headers: Mapping[str, str]) -> "Actor":
        """Return the same person with no ``Authorization`` but these headers."""
        return Actor(self.persona, self.person, None, self.stage, headers)


@contextmanager
def application(stage: Stage) -> Iterator[Callable[[Actor], Actor]]:
    """Register an OAuth application for a while; it gives, for whoever lets it in, the same person calling through it.

    Raises:
        MisuseError: the server, whose OAuth provider must be switched on, refuses.
    """
    app = oauth.register(Owner(stage.world, stage.client, "", None, None, stage))
    try:
        yield lambda actor: _let_in(stage, app, actor)
    finally:
        stage.operator("DELETE", f"/api/v4/oauth/apps/{app['id']}")


def _let_in(stage: Stage, app: dict[str, str], actor: Actor) -> Actor:
    wanted = {"response_type": "code", "client_id": app["id"], "redirect_uri": BACK, "scope": "user", "state": "x"}
    back = stage.client.send("POST", "/oauth/authorize", persona=actor.persona, token=actor.credential, json=wanted)
    code = dict(parse_qsl(urlsplit(str(back.json_object.get("redirect"))).query)).get("code", "")
    stage.world.register.learn(code)
    given = {"grant_type": "authorization_code", "client_id": app["id"], "client_secret": app["client_secret"]}
    got = stage.client.send(
        "POST", "/oauth/access_token", persona=actor.persona, data={**given, "redirect_uri": BACK, "code": code}
    )
    if not got.is_success or not got.json_object.get("access_token"):
        raise MisuseError(f"the test could not be set up: no OAuth session, {back.says} and {got.says}")
    stage.made += 1
    token = Secret(got.json_object["access_token"])
    stage.client.redactor.learn_credential(token, f"{actor.persona}'s OAuth session {stage.made}")
    return replace(actor, credential=token)


def new_bot(stage: Stage, owner: Actor) -> Actor:
    """Return a new bot that belongs to somebody, calling through a token of its own.

    Raises:
        MisuseError: the owner may make no bots.
    """
    id_, name = bots.new_bot(owner.owner)
    person = Person(Persona("bot", "bot"), id_, name, None)
    stage.people.append((person, len(stage.changes)))
    bot = Actor("bot", person, None, stage)
    return replace(bot, credential=bot.new_token().value)


def someone(stage: Stage, persona: Persona) -> Actor:
    """Return a new person of a kind, for tests that change what the person is or may.

    Raises:
        MisuseError: the server refuses.
    """
    name = stage.name("u")
    # A team has room for 50; who is there for their system role needs none.
    place = "" if persona.roles else stage.world.team_id
    person = make_account(stage.world, stage.admin, persona, name, name[-10:], f"{persona.name} {name[-10:]}", place)
    stage.people.append((person, len(stage.changes)))
    return Actor(persona.name, person, person.session, stage)


def give_roles(stage: Stage, user: str, roles: tuple[str, ...]) -> None:
    """Set a user's system roles, beside ``system_user``."""
    stage.changes.append(user)
    stage.admin.give_roles(user, roles)


def join(stage: Stage, team: str, user: str, role: str = "team_user") -> None:
    """Make a user a member of a team."""
    stage.admin.join(team, user, role)


def new_team(stage: Stage) -> str:
    """Return the id of a new team that only the operator belongs to."""
    return team.new_team(stage.world, stage.admin, stage.name("t"))
