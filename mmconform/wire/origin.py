"""Who answered: the server itself, or something in front of it (a gateway, a login page, a cache).

What is not the server's own says nothing about the server, whatever its status: it keeps no promise, breaks none and
undoes nothing. A live run decides that for every answer; for those on a tape the label vouches.
"""

import json
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from requests import PreparedRequest

from mmconform.documents.reader import read
from mmconform.errors import plain
from mmconform.paths import DATA

VERSION_ID, REQUEST_ID = "x-version-id", "x-request-id"
#: How a server names a request (``NewId`` in model/utils.go@v5.36.1); gateways give names of other forms.
_NAME = re.compile("[a-z0-9]{26}")
#: An error's id: words with points between them. The errors of a server in hardened mode have none.
_ERROR_ID = re.compile(r"([\w-]+(\.[\w-]+)+)?")
#: Where a cache says that it kept an answer, beside ``Age`` (RFC 9111, 5.1): what Squid, Varnish, nginx and Cloudflare write.
_CACHE_SAYS = ("x-cache", "x-cache-status", "x-proxy-cache", "cf-cache-status")
_STRIPS = "something in front of the server strips X-Version-Id"
_KEPT = re.compile(r"\b(hit|stale)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass
class Origin:
    """How one server's own answers are told from those of anything in front of it.

    All clients of a target share one, since some answers are told by others.

    Attributes:
        mark: The header that a server, and nobody else, puts into its answers: ``X-Version-Id``; where something in front
            strips it, ``X-Request-Id``; where both are stripped, nothing, and then a success is believed when it is JSON.
        build: How ``X-Version-Id`` begins: version and build. Nothing where any server may answer.
        replaced: Why nothing is believed any more, once a server of another build has answered.
        has_answered: Whether the server has answered yet.
        is_gone: Whether it could not be reached when somebody last waited for it.
    """

    mark: str = VERSION_ID
    build: str = ""
    replaced: str = ""
    has_answered: bool = False
    is_gone: bool = False
    fallen: list["Fall"] = field(default_factory=list)
    _suspect: str = ""
    _named: dict[str, str] = field(default_factory=dict)

    def broke_off(self, asked: str) -> None:
        """Take in that the connection was lost while something was asked: the server may have ended with the first such."""
        self._suspect = self._suspect or asked

    def nobody_listens(self) -> None:
        """Take in that the server is not there: whatever it was asked last, without an answer, ended it."""
        if self._suspect:
            self.fallen.append(Fall(self._suspect))
        self._suspect = ""

    def answered(self) -> None:
        """Take in that the server is there."""
        self.has_answered, self.is_gone, self._suspect = True, False, ""
        self.fallen[:] = [replace(fall, is_over=True) for fall in self.fallen]

    @classmethod
    def learn(cls, looks: Sequence[Mapping[str, str]]) -> "Origin":
        """Return what the headers of the first answers show."""
        versions = [headers[VERSION_ID] for headers in looks if VERSION_ID in headers]
        if versions:
            return cls(VERSION_ID, _build(versions[0]), has_answered=True)
        named = all(_NAME.fullmatch(headers.get(REQUEST_ID, "")) for headers in looks)
        return cls(REQUEST_ID if named else "", has_answered=True)

    def of_any_build(self) -> "Origin":
        """Return the same for whoever tidies up: what answers may have been replaced meanwhile."""
        return replace(self, build="", replaced="")

    @property
    def remark(self) -> str:
        """What to tell the user about the answers' marks; nothing where they are all there."""
        if self.mark == VERSION_ID:
            return ""
        if self.mark == REQUEST_ID:
            return f"{_STRIPS}; its own answers are told by X-Request-Id, and a change of its version is not noticed"
        return f"{_STRIPS} and X-Request-Id; a success that is JSON is taken for its own"

    def doubt(self, request: PreparedRequest, answer: Answer) -> str:
        """Return why an answer says nothing about the server; nothing where it does."""
        if header := _kept_by_a_cache(answer.headers):
            return f"a cache in front of the server answered ({header})"
        if not self._is_own(request, answer):
            return f"a gateway in front of the server answered {answer.status}{_leads(answer)}"
        if self._is_repeated(request, answer):
            return "a cache in front of the server gave one answer twice (X-Request-Id)"
        return self._replaced(answer)

    def _is_own(self, request: PreparedRequest, answer: Answer) -> bool:
        is_marked = answer.headers.get(self.mark, "") if self.mark != REQUEST_ID else self._name(answer)
        if is_marked or is_app_error(answer) or _is_bare(request, answer):
            return True
        return not self.mark and 200 <= answer.status < 300 and isinstance(_json_of(answer), dict | list)

    def _name(self, answer: Answer) -> str:
        name = answer.headers.get(REQUEST_ID, "")
        return name if _NAME.fullmatch(name) else ""

    def _is_repeated(self, request: PreparedRequest, answer: Answer) -> bool:
        """Whether an answer bears the name of an earlier one from the same address: a server gives each request another."""
        name, url = self._name(answer), str(request.url)
        if not name or request.method != "GET":
            return False
        earlier = self._named.get(name)
        self._named[name] = url if earlier in (None, url) else ""  # what is given to different requests names none
        return earlier == url

    def _replaced(self, answer: Answer) -> str:
        version = answer.headers.get(VERSION_ID, "")
        if self.build and version and _build(version) != self.build and not self.replaced:
            self.replaced = (
                f"the server was replaced: it was {plain(self.build)}, and {plain(_build(version))} answers (X-Version-Id); "
                "nothing after that is judged"
            )
        return self.replaced


@dataclass(frozen=True)
class Fall:
    """The server was no longer there after it had been asked something, and came back, or did not."""

    asked: str
    is_over: bool = False

    def __str__(self) -> str:
        end = "it was there again later" if self.is_over else "it did not come back, and what follows could not be seen"
        return f"the server ended while it was asked {self.asked}; {end}"


class Anybody(Origin):
    """Before the first look: whoever answers is believed."""

    def doubt(self, request: PreparedRequest, answer: Answer) -> str:
        return ""


def _build(version_id: str) -> str:
    """Return version and build: what follows them tells of settings and licence, which change (web/handlers.go@v5.36.1)."""
    return version_id.rsplit(".", 2)[0]


def is_app_error(answer: Answer) -> bool:
    """Whether an answer is an ``AppError`` (model/utils.go@v5.36.1): gateways' errors in JSON are not like that."""
    data = _json_of(answer) if answer.status >= 400 else None
    if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in ("id", "message", "detailed_error")):
        return False
    return bool(_ERROR_ID.fullmatch(data["id"])) and data.get("status_code") == answer.status


def _json_of(answer: Answer) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        return None


def _kept_by_a_cache(headers: Mapping[str, str]) -> str:
    """Return the header in which a cache says that it kept an answer."""
    age = headers.get("age", "").strip()
    if age.isascii() and age.isdigit() and age.strip("0"):
        return "Age"
    return next((name.title() for name in _CACHE_SAYS if _KEPT.search(headers.get(name, ""))), "")


def _leads(answer: Answer) -> str:
    """Return where a redirect leads, without what is different every time."""
    place = re.split("[?#]", answer.headers.get("location", ""))[0] if 300 <= answer.status < 400 else ""
    return f", which leads to {plain(place)[:200]}" if place else ""


# -- bare answers ------------------------------------------------------------------------------------------------------


@cache
def _bare() -> list[dict[str, Any]]:
    """Return the rows of ``data/bare_answers.yaml``."""
    return list(read(DATA / "bare_answers.yaml")[0].data)


def _is_bare(request: PreparedRequest, answer: Answer) -> bool:
    """Whether Go's own server, or what comes before the handlers, answers to such a request like that."""
    media = answer.headers.get("content-type", "").partition(";")[0]
    text = answer.content.decode("latin-1") if len(answer.content) < _LONGEST else None
    return text is not None and any(
        (row["status"], row["media"]) == (answer.status, media)
        and re.fullmatch(row["body"], text)
        and _ASKED[row["asked"]](request, answer)
        for row in _bare()
    )


_LONGEST = 1000
#: What Go's server reads of a request before its body (DefaultMaxHeaderBytes, net/http/server.go@go1.16).
_LARGEST_HEAD = 2**20
#: What servers from 9.7 on take of an address, its host apart (server/channels/web/handlers.go@521844fed5).
_LONGEST_ADDRESS = 2048


def _is_malformed(request: PreparedRequest, _: Answer) -> bool:
    """Whether a header holds what Go refuses (httpguts.ValidHeaderFieldValue), or the address a broken escape."""
    values = [value if isinstance(value, str) else value.decode("latin-1") for value in request.headers.values()]
    return any(re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value) for value in values) or bool(
        re.search("%(?![0-9A-Fa-f]{2})", str(request.url))
    )


def _has_a_large_head(request: PreparedRequest, _: Answer) -> bool:
    return len(str(request.url)) + sum(len(name) + len(value) for name, value in request.headers.items()) > _LARGEST_HEAD


def _has_a_long_address(request: PreparedRequest, _: Answer) -> bool:
    return len(str(request.path_url)) > _LONGEST_ADDRESS


def _has_a_line_end(request: PreparedRequest, _: Answer) -> bool:
    return "\n" in unquote(urlsplit(str(request.url)).path)


def _is_led_to_its_clean_path(request: PreparedRequest, answer: Answer) -> bool:
    """Whether an answer redirects to the path without ``//``, ``.`` and ``..``, on the same server."""
    asked, place = unquote(urlsplit(str(request.url)).path), unquote(answer.headers.get("location", "")).partition("?")[0]
    clean = re.sub("/+", "/", posixpath.normpath(asked)) + ("/" if asked.endswith("/") else "")
    return clean != asked and place.startswith("/") and clean.endswith(place)


_ASKED: dict[str, Callable[[PreparedRequest, Answer], bool]] = {
    "malformed": _is_malformed,
    "large-head": _has_a_large_head,
    "long-address": _has_a_long_address,
    "line-end": _has_a_line_end,
    "unclean-path": _is_led_to_its_clean_path,
}
