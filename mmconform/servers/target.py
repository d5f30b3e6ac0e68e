"""What answers: a live server, the tape of one, or the reference server."""

import ipaddress
import os
import re
import secrets
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mmconform.documents.merge import WHERE_OFFICIAL
from mmconform.errors import MisuseError, plain
from mmconform.paths import CASSETTES, IS_CHECKOUT
from mmconform.record.record import WITHOUT_SCHEME, base_of, slug_of
from mmconform.record.rows import ServerRow
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.version import Version
from mmconform.wire.client import PATIENT, Client, Guarding, Patience, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.origin import VERSION_ID, Anybody, Origin
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import TAPE_URL, Player
from mmconform.wire.tape.redact import Redactor
from mmconform.world.people import Roles


@dataclass(frozen=True)
class Server:
    """What a server says about itself, and the version that it really is.

    Attributes:
        version: From the build number where that is a version (a server's own idea of its version can be stale by
            some patches), else what it calls itself.
        calls_itself: ``Version`` of its client configuration.
    """

    version: Version
    calls_itself: str
    build: str
    commit: str
    edition: str
    version_id: str

    @property
    def name(self) -> str:
        return self.build if tape.is_version(self.build) else self.calls_itself


def describe(server: Server) -> ServerRow:
    """Return a server as records and tapes describe it."""
    return ServerRow(
        name=server.name,
        version=str(server.version),
        calls_itself=server.calls_itself,
        build=server.build,
        commit=server.commit,
        edition=server.edition,
        x_version_id=server.version_id,
    )


@dataclass
class Target:
    """A place to send requests to.

    Attributes:
        name: As the user writes it: ``https://…``, ``recorded:5.36.1`` or ``reference@5.36.1``.
        slug: For file names and test ids.
        tape: The folder of the tape, where this target is one.
        patience: How long to wait for it.
        origin: How its own answers are told from those of what stands in front of it.
        guard: Decides what is sent to it, once it is prepared.
        admin: Login and password of the administrator, where the environment need not tell them.
        is_reference: It is a server of ours.
        keeps_documents: It is to keep the documents even where servers are known not to.
        running: The reference server that was started for it.
        told_roles: What it was seen to grant to which role, where it was asked.
        examples: Of how many fuzzed cases for each operation the tape is.
    """

    name: str
    slug: str
    base_url: str
    server: Server
    redactor: Redactor
    tape: Path | None = None
    seed: int | None = None
    patience: Patience = PATIENT
    guard: Guarding | None = None
    admin: tuple[str, str] | None = field(default=None, repr=False)
    is_reference: bool = False
    keeps_documents: bool = False
    running: Reference | None = None
    origin: Origin = field(default_factory=Origin)
    told_roles: dict[str, frozenset[str]] = field(default_factory=dict)
    examples: int | None = None

    def client(self, cassette: str = "") -> Client:
        """Return a new client for this target.

        Args:
            cassette: The file of this tape that answers; a live server answers itself.

        Raises:
            MisuseError: that is no cassette.
        """
        player = Player(self.tape / cassette, self.redactor, self.base_url) if self.tape and cassette else None
        return Client(self.base_url, self.redactor, self.patience, self.origin, self.guard, player)

    def to_be_tidied(self, patience: Patience | None = None) -> "Target":
        """Return the same for who only arranges and tidies up there, whatever version answers by now."""
        return replace(self, patience=patience or self.patience, origin=self.origin.of_any_build())

    @property
    def is_recorded(self) -> bool:
        return self.tape is not None

    @property
    def is_whole(self) -> bool:
        """Whether it is a tape of the whole API: of answers to be judged, and of nobody to be asked."""
        return self.tape is not None and self.tape.name == tape.WHOLE

    @property
    def is_thrown_away(self) -> bool:
        """Whether nobody needs it afterwards: a mutant, which could not be trusted to undo anything either."""
        return self.is_reference and ":" in self.name

    @property
    def version(self) -> Version:
        return self.server.version

    @property
    def roles(self) -> Roles:
        """Who holds what on it."""
        return Roles(self.version, self.told_roles)

    def close(self) -> None:
        """Stop what was started for it."""
        if self.running:
            self.running.close()


def resolve(
    text: str, *, allow_remote: bool = False, patience: Patience = PATIENT, running: dict[str, str] | None = None
) -> list[Target]:
    """Return the targets that the option names. Reference servers are started.

    Args:
        text: ``http(s)://…`` or ``host:port``, ``recorded``, ``recorded:all``, ``recorded:<version>``, a bare version or the
            first parts of one (the newest release that begins so), ``recorded:<version>/whole`` (of the whole API),
            ``reference``, ``reference@<version>``, either with ``:<mutant>``, or ``reference:all``, every mutant.
        allow_remote: Talk to servers on other machines too.
        patience: How long to wait for a live one.
        running: Addresses of reference servers that run already, by the slug of their target.

    Raises:
        MisuseError: no such kind or tape, a broken tape, a server that cannot be reached or is no Mattermost.
    """
    if re.match(r"https?://", text):
        return [live(text, allow_remote=allow_remote, patience=patience)]
    if re.match(r"reference\b", text):
        return [reference(name, running or {}, patience) for name in named.every(text)]
    if WITHOUT_SCHEME.match(text):
        return [live(text, allow_remote=allow_remote, patience=patience)]
    kind, _, version = text.partition(":")
    if re.match(r"v?\d+(\.|$)", kind):
        kind, version = "recorded", kind
    if kind != "recorded":
        raise MisuseError(f"unknown target `{text}`; give http://HOST:PORT, recorded:VERSION, recorded:all or reference")
    tapes = tape.every()
    if not IS_CHECKOUT:
        raise MisuseError(f"`{text}` is a tape, and tapes are not in the package: clone the repository for them")
    if not (tapes or tape.is_of_whole(version)):
        raise MisuseError(f"no tape in {CASSETTES}; record one with --target http://HOST:PORT --record-mode=rewrite")
    if tape.is_of_whole(version):
        if version not in tape.every_whole():
            raise MisuseError(tape.none_of(version))
        return [recorded(version)]
    if version == "all":
        return [recorded(name) for name in tapes]
    if not version:
        return [recorded(tape.newest(tapes))]
    wanted = version.removeprefix("v")
    wanted = tape.begun_by(wanted) or wanted
    if wanted not in tapes and not (wanted.startswith("reference") and (tape.place(wanted) / tape.LABEL).is_file()):
        raise MisuseError(tape.none_of(version))
    return [recorded(wanted)]


def confirm_described(targets: Iterable[Target], *, is_official: bool) -> None:
    """Check that there is a description to judge tapes of the whole API by.

    Args:
        is_official: The documents that are given are the official description.

    Raises:
        MisuseError: there is none for the first of them.
    """
    for target in targets if not is_official else ():
        if target.tape and target.is_whole:
            described_by = tape.read_label(target.tape).get("described_by", "nobody knows where")
            raise MisuseError(
                f"{target.name} is judged by the official description, which is not in this repository: "
                f"--spec=FILE, put together from {described_by}; {WHERE_OFFICIAL}"
            )


def recorded(name: str) -> Target:
    """Return the tape of a version as a target, after checking that it is whole.

    Raises:
        MisuseError: its TAPE.yaml or a cassette is missing or is not what was recorded.
    """
    folder = tape.place(name)
    label = tape.read_label(folder)
    tape.verify(folder, label)
    described: dict[str, Any] = label["server"]
    try:
        server = Server(
            Version.parse(described["version"]),
            described["calls_itself"],
            described["build"],
            described["commit"],
            described["edition"],
            described["x_version_id"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MisuseError(f"cassettes/{name}/{tape.LABEL}: does not say which server was recorded; record it anew") from None
    return Target(
        f"recorded:{name}",
        slug_of(f"recorded:{name}"),
        TAPE_URL,
        server,
        Redactor(replaying=True),
        folder,
        label["seed"],
        keeps_documents=label.get("keeps_documents") is True,
        told_roles={role: frozenset(held) for role, held in (label.get("roles") or {}).items()},
        examples=label["max_examples"],
    )


def reference(name: str, running: dict[str, str], patience: Patience = PATIENT) -> Target:
    """Return a reference server as a target, after starting it where it does not run yet.

    Raises:
        MisuseError: no such version or mutant.
    """
    app = named.app(name, tape.newest())
    slug, admin, redactor = slug_of(name), ("operator", secrets.token_urlsafe(18)), Redactor(replaying=False)
    server = None if slug in running else Reference(app).start()
    url = server.url if server else running[slug]
    seen, origin = _look(url, redactor, patience)
    return Target(
        name,
        slug,
        url,
        seen,
        redactor,
        origin=origin,
        patience=patience,
        admin=admin,
        is_reference=True,
        keeps_documents=app.keeps_documents,
        running=server,
    )


def live(url: str, *, allow_remote: bool = False, patience: Patience = PATIENT) -> Target:
    """Return a running server as a target, after one look at it; ``host:port`` is an address of HTTP.

    Raises:
        MisuseError: not on this machine and not allowed, not reachable, or not a Mattermost server.
    """
    if WITHOUT_SCHEME.match(url):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises for a port that is none)
    except ValueError:
        raise MisuseError(f"`{url}` is no server address; expected something like http://127.0.0.1:8065") from None
    _check_authorities(os.environ.get("MM_CA_BUNDLE"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise MisuseError(f"`{url}` is no server address; expected something like http://127.0.0.1:8065")
    if not allow_remote and not is_loopback(parts.hostname):
        raise MisuseError(f"{parts.hostname} is not this machine; add --allow-remote if you may test that server")
    base = base_of(url)
    redactor = Redactor(replaying=False)
    for name in ("MM_ADMIN_TOKEN", "MM_ADMIN_PASSWORD"):
        redactor.learn((os.environ.get(name) or "").strip())
    server, origin = _look(base, redactor, patience)
    return Target(url, slug_of(url), base, server, redactor, patience=patience, origin=origin)


def _check_authorities(bundle: str | None) -> None:
    if not bundle:
        return
    if not Path(bundle).is_file():
        raise MisuseError(f"MM_CA_BUNDLE names {bundle}, which is no file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(bundle)
    except OSError:  # ssl.SSLError is one: it is no PEM
        raise MisuseError(f"MM_CA_BUNDLE names {bundle}, which holds no certificate that can be read") from None


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _look(base_url: str, redactor: Redactor, patience: Patience) -> tuple[Server, Origin]:
    """Return what answers there, and by what its own answers are told.

    Raises:
        MisuseError: it cannot be reached, or is no Mattermost server that tells its version.
    """
    client = Client(base_url, redactor, patience, Anybody())
    try:
        ping, about = (client.send("GET", path, persona="anonymous") for path in (_PING, "/api/v4/config/client?format=old"))
    except UnseenError as error:
        advice = _ADVICE.get(error.reason)
        raise MisuseError(f"{base_url} cannot be reached: {error.reason}{f'; {advice}' if advice else ''}") from None
    finally:
        client.close()
    says = about.json_object if about.is_success else {}
    version_id = next((look.answer_headers[VERSION_ID] for look in (ping, about) if VERSION_ID in look.answer_headers), "")
    if ping.json_or_none is None or not (version_id or says.get("Version")):
        raise MisuseError(f"{base_url} {_is_no_server(base_url, ping)}")
    itself = str(says.get("Version") or ".".join(version_id.split(".")[:3]))
    if not tape.is_version(itself):
        raise MisuseError(f"{base_url} does not tell its version (X-Version-Id: {version_id})")
    build = plain(str(says.get("BuildNumber") or ""))
    version = Version.parse(build if tape.is_version(build) else itself)
    edition = "enterprise" if says.get("BuildEnterpriseReady") == "true" else "team"
    server = Server(version, itself, build, plain(str(says.get("BuildHash") or "")), edition, plain(version_id))
    return server, Origin.learn([ping.answer_headers, about.answer_headers])


_PING = "/api/v4/system/ping"
#: What to look at where nothing answers; what is said of TLS says so itself.
_ADVICE = {
    "no connection": "is the server running, and is that its address (host, port, http or https)?",
    "no answer in time": "is that its address, and does it answer others (a firewall, a proxy, too much to do)?",
}


def _is_no_server(base_url: str, ping: Exchange) -> str:
    """Return what an answer that is not a Mattermost server's shows."""
    place = plain(ping.answer_headers.get("location", ""))
    if 300 <= ping.status < 400 and place:
        return f"redirects to {place.removesuffix(_PING)}; redirects are not followed: if the server is there, give that address"
    kind = plain(ping.answer_headers.get("content-type", "something without a content type")).split(";")[0]
    if b"HTTPS" in ping.answer and base_url.startswith("http:"):
        return f"speaks TLS: give https:// ({_PING} answered {ping.status} with {kind})"
    lacks = "" if VERSION_ID in ping.answer_headers else ", without X-Version-Id"
    return (
        f"is not a Mattermost server: {_PING} answered {ping.status} with {kind}{lacks} "
        "(behind a sub-path? then give the whole address)"
    )


def has_credentials() -> bool:
    """Return whether the environment names an administrator."""
    try:
        return bool(credentials())
    except MisuseError:
        return False


def credentials() -> tuple[str | None, str | None, str | None]:
    """Return (token, login, password) of the administrator from the environment.

    Raises:
        MisuseError: none is given, or a login without its password.
    """
    token = (os.environ.get("MM_ADMIN_TOKEN") or "").strip() or None
    login, password = (os.environ.get("MM_ADMIN_LOGIN") or "").strip() or None, os.environ.get("MM_ADMIN_PASSWORD") or None
    if token and not re.fullmatch(r"[!-~]+", token):
        raise MisuseError("MM_ADMIN_TOKEN holds characters that no token has (a blank, a line end?)")
    if not token and not (login and password):
        raise MisuseError(
            "a live run needs a system administrator: set MM_ADMIN_TOKEN, or MM_ADMIN_LOGIN and MM_ADMIN_PASSWORD "
            "(on an empty server, --create-first-admin makes that account)"
        )
    return token, login, password
