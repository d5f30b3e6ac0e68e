"""Understands the English of the API documentation: with ``demands`` the only place where sentences are taken apart.

Every sentence of a description becomes a meaning, or is *informative* (it promises nothing, with the reason why), or
is *not understood* and listed as a warning. Grammar is data: a pattern and what it means. A phrasing that is not here
is never guessed at.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from mmconform.contract.demands import demand_of
from mmconform.contract.permission import Cases, Demand, Every, Holds, Oneself, Requirement, Some, Where, Within, all_of, any_of
from mmconform.knowledge import Unknown, every
from mmconform.version import Version, Versions


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
class Grants:
    """Whoever meets the demand is served, of those of whom such sentences tell."""

    demand: Demand


@dataclass(frozen=True)
class Voids:
    """Whoever meets the demand need not meet those before it."""

    demand: Demand


@dataclass(frozen=True)
class Lifts:
    """From a version on, the permission that was told before is demanded no longer."""

    permission: str
    version: Version


@dataclass(frozen=True)
class Licensed:
    """The server needs a licence, whoever calls; about a session it tells nothing."""

    name: str


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


@dataclass(frozen=True)
class Shows:
    """Whoever holds the permission is shown more than the others who are served."""

    permission: str


#: What a sentence about permissions does to what is demanded.
Permission = Permits | Grants | Voids | Lifts | Shows
Meaning = Since | Permission | Licensed | Secret | Paging | Effect | Informative

# A description can hold whatever its author likes: no pattern may take more than linear time, for which no two parts of one
# that can match the same characters stand side by side, and no sentence is longer than anybody writes.
_HEADING = re.compile(r"#{1,6}(?P<heading>[^#].*|#+$)")
#: A heading on the line of what stands under it.
_GOES_ON = re.compile(r"(permissions?)[ \t]+\S+[ \t]+\S")
_OPENING_LINE = re.compile(r"\s*_[^\n_]*_[^\n]*\n")
#: No sentence that a person understands is longer (the longest in an official description has 282 characters).
LONGEST_SENTENCE = 1_000
_END = re.compile(
    r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?:<br\s*/?>\s*|\s+)(?=[A-Z`\"_*])|(?<!\s)\s+(?=__(?i:note|minimum server version)\b)"
)


def sentences(text: str) -> Iterator[Sentence]:
    """Split a Markdown description into sentences. Headings open a section; a blank line ends a sentence."""
    section = ""
    for found in re.finditer(r"(?:(?!\n[ \t]*\n|\n[ \t]*#{1,6}\s|\n[ \t]*__)[\s\S])+", text):
        block, start = found.group(), found.start()
        heading = _HEADING.match(block.strip().split("\n", 1)[0])
        if heading:
            section = heading["heading"].rstrip().rstrip("#").strip().rstrip(":").lower()
            words = heading.group()
            if goes_on := _GOES_ON.match(section):
                section, words = goes_on[1], words[: words.lower().index(goes_on[1]) + len(goes_on[1])]
            _, _, rest = block.partition(words)
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


_P = r"`(?P<permission>\w+)`"
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
    text = re.sub(r'"(\w+_\w+)"', r"`\1`", sentence.text)  # a permission, whichever its marks
    for pattern, meaning in _RULES:
        found = pattern.fullmatch(text)
        if found:
            return meaning(found)
    demand = demand_of(text, is_bare=is_about_permissions(sentence))
    return None if demand is None else Permits(Requirement(demand=demand))


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


# -- who may call, of a whole description --------------------------------------------------------------------------


#: A sentence, and what it means.
Told = tuple[Sentence, Meaning | None]


def requirement_of(readings: Sequence[Told], *, is_secured: bool) -> Requirement | None:
    """Return what the sentences of a description say of who may call; None where they say nothing.

    What is not understood, of the sentences that stand where permissions are told, can demand more than the rest, or less.

    Args:
        is_secured: The document declares that a session is needed: this counts as far as no sentence tells.
    """
    whole = _together(list(_demands(readings)))
    is_told_apart = any(is_about_permissions(sentence) for sentence, _ in readings)
    is_about_it = is_about_permissions if is_told_apart else mentions_permissions
    open_ = [sentence for sentence, meaning in readings if meaning is None and is_about_it(sentence)]
    if not open_:
        return whole and replace(whole, is_understood=whole.is_understood and not isinstance(whole.authenticated, Unknown))
    demands = whole or Requirement(authenticated=is_secured)
    certain = all(map(leaves_session_alone, open_))
    asked = demands.authenticated if certain else every([demands.authenticated, Unknown("partly-understood")])
    return Requirement(asked, demands.demand, is_understood=False)


def _demands(readings: Sequence[Told]) -> Iterator[Permission]:
    """Yield what sentences demand of who calls; a licence only where a description says so among the permissions."""
    for sentence, meaning in readings:
        if isinstance(meaning, Permission):
            yield meaning
        if isinstance(meaning, Licensed) and is_about_permissions(sentence):
            yield Permits(Requirement(Unknown("partly-understood"), Where("licence", meaning.name)))


def _together(meanings: Sequence[Permission]) -> Requirement | None:
    """Return what several sentences demand, one after another."""
    granted = [meaning.demand for meaning in meanings if isinstance(meaning, Grants)]
    if granted:
        return Requirement(demand=any_of(*granted), is_understood=len(granted) == len(meanings))
    whole: Requirement | None = None
    for meaning in meanings:
        match meaning, whole:
            case Permits(requirement), _:
                whole = whole.and_(requirement) if whole else requirement
            case Voids(demand), Requirement():
                whole = replace(whole, demand=any_of(whole.demand, demand))
            case Lifts(permission, version), Requirement(demand=Holds(told_before)) if permission == told_before:
                before = Within(Versions(((Version(0), version),)))
                whole = replace(whole, demand=Cases(((before, whole.demand),), Every()))
            case Shows(), Requirement(demand=Every(())):
                pass
            case _:
                whole = replace(whole or Requirement(), is_understood=False)
    return replace(whole, is_understood=False) if whole and _is_ambiguous(whole.demand) else whole


def _is_ambiguous(demand: Demand) -> bool:
    """Return whether a case stands beside what is demanded in all: nobody says whether it adds to that, or stands for it."""
    parts = demand.parts if isinstance(demand, Every | Some) else ()
    cases = [part for part in parts if isinstance(part, Cases) and part.otherwise is None]
    return 0 < len(cases) < len(parts) if isinstance(demand, Every) else any(map(_is_ambiguous, parts))


# -- versions ------------------------------------------------------------------------------------------------------


@_means(r"[_*\s]*minimum server version[_*\s]*:?[_*\s]*v?(?P<version>\d+(?:\.\d+){0,2})[_*\s]*\.?[_*\s]*")
def _since(found: re.Match[str]) -> Meaning:
    return Since(Version.parse(found["version"]))


# -- permissions ---------------------------------------------------------------------------------------------------


@_means(
    r"no (?:permissions?|authentication) (?:is |are )?required\.?|none\.?|authentication is not required(?: for this \w+)?\.?"
    rf"|no permissions? (?:is |are )?required but having (?:the )?{_P} permission returns more information\.?"
)
def _nobody(found: re.Match[str]) -> Meaning:
    return Permits(Requirement(authenticated=False))


@_means(r"no permissions? (?:is |are )?required,? but must be (?:logged in|authenticated)\.?")
def _session(found: re.Match[str]) -> Meaning:
    return Permits(Requirement())


@_means(
    r"(?:an? |the )?(?P<licence>(?!(?:no|any|an?|the)\b)\w+) licen[sc]e is required\.?|requires an? (?P<also>\w+) licen[sc]e\.?"
)
def _licence(found: re.Match[str]) -> Meaning:
    return Licensed((found["licence"] or found["also"]).lower())


@_means(rf"having (?:the )?{_P} permission voids the previous requirements?\.?")
def _voids(found: re.Match[str]) -> Meaning:
    return Voids(Holds(found["permission"]))


@_means(
    rf"in server version (?P<version>\d+(?:\.\d+){{1,2}}) (?:and|or) later, an? (?:\w+ )?without (?:the )?{_P} permission "
    r"(?:will be able to|can|may) use this endpoint(?:, with the (?:search )?results limited to [^.`]*)?\."
)
def _lifts(found: re.Match[str]) -> Meaning:
    return Lifts(found["permission"], Version.parse(found["version"]))


@_means(r"users? can deactivate (?:themselves|themself|itself|oneself)\.")
def _grants_oneself(found: re.Match[str]) -> Meaning:
    return Grants(all_of(Oneself(), Where("request", "deactivation")))


@_means(rf"users? with (?:the )?{_P} permission can activate or deactivate (?:a user|users)\.")
def _grants(found: re.Match[str]) -> Meaning:
    return Grants(Holds(found["permission"]))


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


@_means(rf"{_P} permission is required to (?:show|see) all \w+\.")
def _shows(found: re.Match[str]) -> Meaning:
    return Shows(found["permission"])


@_means(r"[_*]*note[_*:]* this is (?:intended|meant) for internal use(?: and is subject to change)?\.")
def _note(found: re.Match[str]) -> Meaning:
    return Informative("says for whom it is meant, not who is served")
