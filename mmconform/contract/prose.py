"""Understands the English of the API documentation: the only place where sentences are taken apart.

Every sentence of a description becomes a meaning, or is *informative* (it promises nothing, with the reason why), or
is *not understood* and listed as a warning. Grammar is data: a pattern and what it means. A phrasing that is not here
is never guessed at.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mmconform.contract.permission import Holds, Oneself, Requirement, Some, all_of
from mmconform.version import Version


@dataclass(frozen=True)
class Sentence:
    """A sentence, the heading it stands under (lower case, empty above the first) and its offset in the text."""

    text: str
    section: str
    offset: int


@dataclass(frozen=True)
class Since:
    """The operation exists from this version on."""

    version: Version


@dataclass(frozen=True)
class Permits:
    """Only those who meet the requirement are served."""

    requirement: Requirement


@dataclass(frozen=True)
class Secret:
    """The answer never holds the token itself."""


@dataclass(frozen=True)
class Paging:
    """The list is cut into pages by query parameters."""


@dataclass(frozen=True)
class Effect:
    """What holds after the call, by the name of the check or suite that proves it."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Informative:
    """Promises nothing that could be kept or broken."""

    reason: str


Meaning = Since | Permits | Secret | Paging | Effect | Informative

# A description can hold whatever its author likes: no pattern may take more than linear time, for which no two parts of one
# that can match the same characters stand side by side, and no sentence is longer than anybody writes.
_HEADING = re.compile(r"#{1,6}(?P<heading>[^#].*|#+$)")
_OPENING_LINE = re.compile(r"\s*_[^\n_]*_[^\n]*\n")
#: No sentence that a person understands is longer (the longest in an official description has 282 characters).
LONGEST_SENTENCE = 1_000
_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?:<br\s*/?>\s*|\s+)(?=[A-Z`_*])")


def sentences(text: str) -> Iterator[Sentence]:
    """Split a Markdown description into sentences. Headings open a section; a blank line ends a sentence."""
    section = ""
    for found in re.finditer(r"(?:(?!\n[ \t]*\n|\n[ \t]*#{1,6}\s|\n[ \t]*__)[\s\S])+", text):
        block, start = found.group(), found.start()
        heading = _HEADING.match(block.strip().split("\n", 1)[0])
        if heading:
            section = heading["heading"].rstrip().rstrip("#").strip().rstrip(":").lower()
            _, _, rest = block.partition(block.strip().split("\n", 1)[0])
            start, block = start + len(block) - len(rest), rest
        version = _OPENING_LINE.match(block)
        pieces = (
            [(block[: version.end()], start), (block[version.end() :], start + version.end())] if version else [(block, start)]
        )
        for piece, offset in pieces:
            position = 0
            for end, following in [*(m.span() for m in _END.finditer(piece)), (len(piece), len(piece))]:
                raw = piece[position:end]
                words = " ".join(raw.split())
                if words:
                    yield Sentence(words, section, offset + position + len(raw) - len(raw.lstrip()))
                position = following


_P = r"`(?P<{}>\w+)`"
_PERMISSION = r"`(\w+)`"
_WHERE = r"(?: the (?:command|post|hook|webhook|channel|bookmark|file) is (?:being )?(?:in|created in|moved to))?"
_SCOPE = rf"(?P<scope>(?: (?:for|to|in|of) (?:the|a|that) (?:given )?(?:team|channel){_WHERE})?)"
_THE = r"(?:the )?"
_RULES: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Meaning]]] = []


def _means(pattern: str) -> Callable[[Callable[[re.Match[str]], Meaning]], Callable[[re.Match[str]], Meaning]]:
    def register(meaning: Callable[[re.Match[str]], Meaning]) -> Callable[[re.Match[str]], Meaning]:
        _RULES.append((re.compile(pattern, re.IGNORECASE), meaning))
        return meaning

    return register


def understand(sentence: Sentence) -> Meaning | None:
    """Return what the sentence means, or None when the grammar does not know it."""
    if len(sentence.text) > LONGEST_SENTENCE:
        return None
    for pattern, meaning in _RULES:
        found = pattern.fullmatch(sentence.text)
        if found:
            return meaning(found)
    return None


#: With these words a sentence may say that somebody without a session is let in.
_TAKES_BACK = re.compile(
    r"\b(?:no|not|none|never|neither|nor|without|unless|except|any|anyone|anybody|every|everyone|everybody|all|public|publicly"
    r"|open|anonymous|unauthenticated|optional|optionally|local|regardless|free)\b|n't\b",
    re.IGNORECASE,
)
_ON_CONDITION = re.compile(r"\b(?:if|when|only|otherwise|depending|may|can)\b", re.IGNORECASE)
_SESSION = re.compile(r"\b(?:authenticat\w+|log(?:ged)? in|login|sessions?|tokens?|credentials?)\b", re.IGNORECASE)


def leaves_session_alone(sentence: Sentence) -> bool:
    """Return whether a sentence that is not understood at least does not take the demand for a session back."""
    text = re.sub(r"`[^`]*`|\b(?:public|private)(?: or (?:public|private))? channels?\b", "", sentence.text)  # not who calls
    return not _TAKES_BACK.search(text) and not (_ON_CONDITION.search(text) and _SESSION.search(text))


def is_about_permissions(sentence: Sentence) -> bool:
    """Return whether a sentence stands where a description says who may call."""
    return sentence.section.startswith("permission")


def mentions_permissions(sentence: Sentence) -> bool:
    return re.search(r"\bpermissions?\b", sentence.text, re.IGNORECASE) is not None


def is_about_versions(sentence: Sentence) -> bool:
    return re.search(r"\bminimum server version\b", sentence.text.replace("_", " "), re.IGNORECASE) is not None


def numbers_in(sentence: Sentence) -> list[Version]:
    """Return what looks like a version in a sentence."""
    return [Version.parse(number) for number in re.findall(r"\d+\.\d+(?:\.\d+)?", sentence.text)]


def _scope(words: str) -> str:
    found = re.match(r" \w+ (?:the|a|that) (?:given )?(team|channel)\b", words)
    return found[1] if found else ""


def _terms(words: str, scope: str) -> tuple[Holds, ...]:
    return tuple(Holds(name, scope) for name in re.findall(_PERMISSION, words))


# -- versions ------------------------------------------------------------------------------------------------------


@_means(r"[_*\s]*minimum server version[_*\s]*:?[_*\s]*v?(?P<version>\d+(?:\.\d+){0,2})[_*\s]*\.?[_*\s]*")
def _since(found: re.Match[str]) -> Meaning:
    return Since(Version.parse(found["version"]))


# -- permissions ---------------------------------------------------------------------------------------------------


@_means(rf"(?:must )?(?:be authenticated and )?have {_THE}{_P.format('one')} permissions?{_SCOPE}\.?")
@_means(rf"(?:the )?{_P.format('one')} permission(?: is required)?{_SCOPE}\.?")
def _has_one(found: re.Match[str]) -> Meaning:
    return Permits(Requirement(demand=Holds(found["one"], _scope(found["scope"]))))


@_means(rf"must have {_THE}(?P<any>{_PERMISSION}(?:,? or (?:the )?{_PERMISSION})+) permissions?{_SCOPE}\.?")
def _has_any(found: re.Match[str]) -> Meaning:
    return Permits(Requirement(demand=Some(_terms(found["any"], _scope(found["scope"])))))


@_means(rf"must have {_THE}(?P<all>{_PERMISSION}(?:,? and (?:the )?{_PERMISSION})+) permissions?{_SCOPE}\.?")
def _has_all(found: re.Match[str]) -> Meaning:
    return Permits(Requirement(demand=all_of(*_terms(found["all"], _scope(found["scope"])))))


@_means(rf"for non-self requests,? must also have {_THE}{_P.format('one')} permission\.?")
def _for_others(found: re.Match[str]) -> Meaning:
    return Permits(Requirement(demand=Some((Oneself(), Holds(found["one"])))))


@_means(
    r"(?:must be )?(?:logged in as )?(?:the )?user(?: being (?:updated|acted on))? "
    rf"or have {_THE}{_P.format('one')} permission\.?"
)
def _self_or(found: re.Match[str]) -> Meaning:
    return Permits(Requirement(demand=Some((Oneself(), Holds(found["one"])))))


@_means(r"must be (?:authenticated|logged in)\.?|(?:requires )?an active session (?:but no other permissions|is required)\.?")
def _session(found: re.Match[str]) -> Meaning:
    return Permits(Requirement())


@_means(r"no permissions? (?:is |are )?required\.?|none\.?")
def _nobody(found: re.Match[str]) -> Meaning:
    return Permits(Requirement(authenticated=False))


# -- what is in the answer -----------------------------------------------------------------------------------------


@_means(r"does not include the actual authentication tokens?\.")
def _secret(found: re.Match[str]) -> Meaning:
    return Secret()


@_means(r"use (?:the )?query par[ae]meters? for paging\.")
def _paging(found: re.Match[str]) -> Meaning:
    return Paging()


# -- what has happened afterwards ----------------------------------------------------------------------------------

_EFFECTS = {
    r"generate a user access token that can be used to authenticate with the mattermost rest api\.": ["authenticates"],
    r"get a list of user access tokens for a user\.": ["lists-the-user"],
    r"get a page of user access tokens for users on the system\.": ["lists-everybody"],
    r"get a list of tokens based on search criteria provided in the request body\.": ["finds"],
    r"searches are done against the token id, user id and username\.": ["searches-id-user-name"],
    r"get a user access token\.": ["gets-the-one"],
    r"revoke a (?:user|personal) access token and delete any sessions using the token\.": ["revokes", "deletes-sessions"],
    r"disable a (?:user|personal) access token and delete any sessions using the token\.": ["disables", "deletes-sessions"],
    r"the token can be re-enabled using `/[\w/]+`\.": ["can-be-enabled-again"],
    r"re-enable a (?:user|personal) access token that has been disabled\.": ["enables"],
    r"generate a new token for the command based on command id string\.": ["makes-a-new-token"],
    r"get a valid webrtc token, stun and turn server urls along with turn credentials "
    r"to use with the mattermost webrtc service\.": ["gives-credentials"],
    r"the token returned is for the current user's session\.": ["belongs-to-the-session"],
    r"create a new job\.": ["creates-a-job"],
}
for _pattern, _names in _EFFECTS.items():
    _means(_pattern)(lambda found, names=tuple(_names): Effect(names))  # type: ignore[misc]


# -- what promises nothing -----------------------------------------------------------------------------------------


@_means(r"see (?:\S+|\[[^\]]*\]\([^)]*\)) for [^.]*\.")
def _see(found: re.Match[str]) -> Meaning:
    return Informative("points the reader to another page")
