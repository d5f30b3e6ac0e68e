"""Understands what one sentence demands of whoever calls: phrases, conditions, and what puts them together.

A sentence is cut at its condition, then at the connectives after commas, then at the others; what is left are phrases, of which
each is a row of a table. Nothing recurses, so that no sentence takes long. What is in no table, and *and* beside *or* where
no comma says which of them binds closer, is not understood.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from mmconform.contract.permission import Cases, Demand, Every, Holds, Is, Oneself, Where, Within, all_of, any_of, leaves
from mmconform.version import Versions

Found = re.Match[str]
Meaning = TypeVar("Meaning", bound=Callable[[Found], Any])


class Else:
    """A condition that is told by what it is not: one's own, or any case that was told before."""


OTHERS, OTHERWISE = Else(), Else()
Condition = Demand | Else
#: What may be left out: a word that leads over, who holds something today, what a request has to name.
_ASIDES = re.compile(
    r"^in addition, | \((?:currently only given to system admins?|\w+ (?:is )?required for (?:channel|team) admins)\)",
    re.IGNORECASE,
)
#: With these words a case adds to what is demanded in all, and stands for nothing of it.
_ADDS = re.compile(r"\b(?:must also|mandatory)\b", re.IGNORECASE)
_PHRASES: list[tuple[re.Pattern[str], Callable[[Found], Demand | None]]] = []
_CONDITIONS: list[tuple[re.Pattern[str], Callable[[Found], Condition]]] = []


def demand_of(text: str, *, is_bare: bool) -> Demand | None:
    """Return what a sentence demands, or None where it is not understood.

    Args:
        is_bare: It stands where permissions are told, so that the mere name of one demands it.
    """
    if not is_bare and not re.search(r"\bpermissions?\b|^must\b", text, re.IGNORECASE):
        return None
    words = _ASIDES.sub("", text.removesuffix("."))
    demand = _leading(words) or _compound(words) or _trailing(words, _compound)
    is_open = demand and any(isinstance(leaf, Is) and not leaf.of for leaf in leaves(demand))
    return None if is_open else demand


# -- what puts phrases together ------------------------------------------------------------------------------------


def _phrase(text: str) -> Demand | None:
    return next((meaning(found) for pattern, meaning in _PHRASES if (found := pattern.fullmatch(text))), None)


def _condition(text: str) -> Condition | None:
    text = re.sub("(?i)^when ", "if ", text)
    return next((meaning(found) for pattern, meaning in _CONDITIONS if (found := pattern.fullmatch(text))), None)


def _leading(text: str) -> Demand | None:
    """Understand a sentence that begins with its condition, and may end with what is demanded otherwise."""
    found = re.match(r"(?i)(?:for non-self requests|otherwise),? |[^,]+, ", text)
    condition = _condition(found.group().rstrip(", ")) if found else None
    if not found or not condition:
        return None
    then, _, otherwise = text[found.end() :].partition(" otherwise ")
    demand = _in_case(condition, _compound(then.rstrip(",")))
    if isinstance(demand, Cases) and demand.cases and _ADDS.search(then):
        return None if otherwise else Cases(demand.cases, Every())
    return _together([demand, _in_case(OTHERWISE, _compound(otherwise))], all_of) if otherwise else demand


def _trailing(text: str, understand: Callable[[str], Demand | None]) -> Demand | None:
    """Understand what ends with its condition."""
    for cut in re.finditer(r" (?=(?:if|when|unless|on|in|since|from|before|for|to) )", text, re.IGNORECASE):
        ending, is_exception = re.subn("(?i)^unless ", "if ", text[cut.end() :])
        condition = _condition(ending)
        if condition and (demand := understand(text[: cut.start()])):
            return _excepted(condition, demand) if is_exception else _in_case(condition, demand)
    return None


def _excepted(condition: Condition, demand: Demand) -> Demand | None:
    """Return what is demanded unless a condition holds; of several things, readers differ which are meant."""
    return None if isinstance(condition, Else) or isinstance(demand, Every) else any_of(condition, demand)


def _in_case(condition: Condition | None, demand: Demand | None) -> Demand | None:
    """Return what is demanded under a condition."""
    if condition is None or demand is None:
        return None
    if condition is OTHERS:
        return None if isinstance(demand, Every) else any_of(Oneself(), demand)
    if isinstance(condition, Else):
        return Cases((), demand)
    if isinstance(condition, Where) and isinstance(demand, Is) and not demand.of:
        demand = Is(demand.relation, condition.thing)
    return Cases(((condition, demand),))


def _compound(text: str) -> Demand | None:
    """Understand what commas part: they bind less than what stands between them."""
    return _simple(text) or _joined(text, r", (and|or) ", _simple) or _enumeration(text)


def _enumeration(text: str) -> Demand | None:
    """Understand `this, this and that`; with an *or* among them, readers differ."""
    return None if re.search(r"\bor\b", text, re.IGNORECASE) else _joined(text, r"(?<!`)(?:,? (and) |, )", _phrase)


def _simple(text: str) -> Demand | None:
    """Understand a phrase, or several; a list of permissions is one."""
    return _phrase(text) or _joined(text, r"(?<![,`]) (and|or) |(?<!,) (and|or) (?!(?:the )?`)", _phrase)


def _joined(text: str, connective: str, understand: Callable[[str], Demand | None]) -> Demand | None:
    found = list(re.finditer(connective, text, re.IGNORECASE))
    kinds = {word.lower() for match in found for word in match.groups() if word}
    if len(kinds) != 1:
        return None
    starts, ends = [0, *(match.end() for match in found)], [*(match.start() for match in found), len(text)]
    parts = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    if kinds == {"and"}:
        plain = _together([understand(part) for part in parts], all_of)
        return plain or _together([_trailing(part, understand) for part in parts], all_of)
    return _together([understand(part) or _alternative(part, understand) for part in parts], any_of)


def _alternative(text: str, understand: Callable[[str], Demand | None]) -> Demand | None:
    """Understand what is enough where its condition holds: `… or if this is so, that`."""
    first, _, rest = text.partition(", ")
    condition = _condition(first)
    return None if condition is None or isinstance(condition, Else) else _together([condition, understand(rest)], all_of)


def _together(parts: list[Demand | None], how: Callable[..., Demand]) -> Demand | None:
    return None if None in parts else how(*parts)


# -- phrases -------------------------------------------------------------------------------------------------------

#: A word that may be any other, but for those that turn a sentence around or carry it on.
_WORD = r"(?:(?!(?:no|not|never|none|any|every|all|but|without|except|unless|or|and|if|others?)\b)[a-z]+)"
_THING = rf"(?P<thing>{_WORD}(?: sessions?)?)"
_NAME = r"`\w+`"
_NAMES = rf"(?P<names>{_NAME}(?:,?(?: or| and)? (?:the )?{_NAME})*)"
_LIES_IN = rf"{_WORD}(?: {_WORD})? (?:(?:is|are) (?:being )?(?:in|on|(?:created|fetched) (?:in|for))|belongs to)"
_SOME = rf"(?:(?:given|specified|specific) )?(?:team/channel|team|channel|group)(?: (?:where )?(?:the )?{_LIES_IN})?"
_PLACE = rf"(?:(?:the )?system|(?:the|that) (?:team of (?:the )?(?:channel|team)|channels team|{_SOME}))"
_SCOPE = rf"(?P<scope>(?: (?:for|to|in|of|on) {_PLACE})?)"
_CALLER = r"(?:(?:you |(?:the |authenticated )?user )?(?:must )?(?:also )?)"
_AS_USER = rf"(?:{_CALLER}be |{_CALLER}(?:be )?(?:logged in|authenticated) as )(?:the )?user"
_MEANT = rf"(?: being {_WORD}ed(?: on)?| whose (?:{_WORD} ){{1,4}}is being {_WORD}ed| the {_WORD} is being {_WORD}ed for)?"
_NUMBER = r"v?(?P<version>\d+(?:\.\d+){1,2})"
_VERSION = rf"version (?P<sign><|>=) {_NUMBER}"


def _means(table: list[tuple[re.Pattern[str], Callable[[Found], Any]]], *patterns: str) -> Callable[[Meaning], Meaning]:
    def register(meaning: Meaning) -> Meaning:
        table.extend((re.compile(pattern, re.IGNORECASE), meaning) for pattern in patterns)
        return meaning

    return register


@_means(
    _PHRASES,
    rf"{_CALLER}(?:(?:have|requires?) )?(?:either )?(?:the )?{_NAMES}(?: permissions?)?(?: is (?:required|mandatory))?{_SCOPE}",
)
def _holds(found: Found) -> Demand | None:
    names = re.findall(_NAME, found["names"])
    kinds = set(re.findall(r"\b(?:and|or)\b", re.sub(_NAME, "", found["names"].lower())))
    if len(kinds) > 1 or (len(names) > 1 and not kinds):
        return None
    place = re.search(r"(team)/(channel)|channels (team)|(team|channel|group|system)", found["scope"].lower())
    scopes = [scope for scope in place.groups() if scope] if place else [""]
    each = (any_of(*(Holds(name.strip("`"), scope) for scope in scopes)) for name in names)
    return all_of(*each) if kinds == {"and"} else any_of(*each)


@_means(
    _PHRASES,
    rf"{_CALLER}have (?:the )?`(?P<public>(?P<do>\w*_)public(?P<what>_\w+))` or (?:the )?`(?P<private>(?P=do)private(?P=what))`"
    r"(?: permissions?)? depending on the channel type",
)
def _holds_by_type(found: Found) -> Demand:
    return Cases(tuple((Where("channel", state), Holds(found[state])) for state in ("public", "private")))


@_means(
    _PHRASES,
    rf"{_CALLER}be (?:authenticated|logged in)",
    r"(?:requires )?an active session(?: but no other permissions| is required)?",
)
def _session(found: Found) -> Demand:
    return Every()


@_means(_PHRASES, _AS_USER + _MEANT)
@_means(_CONDITIONS, rf"if (?:{_WORD}ing (?:on )?|it is )?(?:oneself|themselves|yourself)")
def _self(found: Found) -> Demand:
    return Oneself()


@_means(_PHRASES, rf"{_AS_USER} who (?:created|made) the {_THING}", rf"{_CALLER}have (?:created|made) the {_THING}")
@_means(_CONDITIONS, rf"if (?:the )?{_THING} creator")
def _creator(found: Found) -> Demand:
    return Is("creator", _singular(found["thing"]))


@_means(
    _PHRASES,
    rf"{_CALLER}be (?:the |an? )?(?P<relation>author|creator|owner|uploader) of the {_THING}(?: being {_WORD}ed)?",
    rf"{_CALLER}be an? (?P<relation>(?:non-guest )?member)(?: of the {_THING})?",
    rf"{_CALLER}be an? (?P<thing>team|channel) (?P<relation>admin)(?: for the (?:(?:given|specified) )?(?P=thing))?",
)
@_means(_CONDITIONS, rf"if (?:the user is|you are) the (?P<relation>author|creator|owner|uploader) of the {_THING}")
def _relation(found: Found) -> Demand:
    return Is(found["relation"].lower(), _singular(found["thing"] or ""))


@_means(_PHRASES, rf"{_CALLER}belong to (?:the|at least one) (?P<thing>team|channel)(?P<shared> shared with the remote cluster)?")
def _belongs(found: Found) -> Demand:
    return Is("member", f"shared {found['thing'].lower()}" if found["shared"] else found["thing"].lower())


@_means(_PHRASES, rf"{_CALLER}be one of the two users")
def _either(found: Found) -> Demand:
    return Is("one of", "users")


@_means(_PHRASES, rf"{_CALLER}be licen[sc]ed for {_THING}")
def _licence(found: Found) -> Demand:
    return Where("licence", found["thing"].lower())


@_means(_PHRASES, rf"{_CALLER}be in an? (?P<kind>{_WORD}(?: {_WORD})?) environment")
def _environment(found: Found) -> Demand:
    return Where("server", found["kind"].lower())


@_means(_CONDITIONS, r"if updating the role of an? (?P<role>system|team|channel) admin")
def _role(found: Found) -> Demand:
    return Where("role", f"{found['role'].lower()}_admin")


@_means(_PHRASES, r"(?:the )?(?P<thing>team|channel) (?:type )?(?:must be|is) (?P<state>open|public|private)")
@_means(
    _CONDITIONS,
    r"if (?:the )?(?P<thing>team|channel) is (?:an? )?(?P<state>open|public|private)(?: (?P=thing))?",
    rf"if {_WORD}ing an? (?P<state>public|private) (?P<thing>channel)",
)
def _state(found: Found) -> Demand:
    return Where(found["thing"].lower(), found["state"].lower())


@_means(_CONDITIONS, r"if (?:the )?channel is (?:an? )?(?:dm or gm|direct or group(?: message)?)(?: channel)?")
def _direct(found: Found) -> Demand:
    return Where("channel", "direct or group")


@_means(_CONDITIONS, rf"on {_VERSION}")
def _within(found: Found) -> Demand:
    return Within(Versions.parse(f"{found['sign']}{found['version']}"))


@_means(_CONDITIONS, rf"(?:in|since|from) (?:server )?version {_NUMBER} (?:and|or) (?:later|newer|higher)")
def _from(found: Found) -> Demand:
    return Within(Versions.parse(f">={found['version']}"))


@_means(_CONDITIONS, rf"before (?:server )?version {_NUMBER}")
def _until(found: Found) -> Demand:
    return Within(Versions.parse(f"<{found['version']}"))


@_means(_CONDITIONS, rf"if updating privacy to '(?P<letter>[PO])'(?: on {_VERSION})?")
def _becomes(found: Found) -> Demand:
    """Say what the request asks for: letters as in ``Channel.Type`` (model/channel.go@v5.36.1)."""
    state = Where("request", {"P": "private", "O": "public"}[found["letter"].upper()])
    return all_of(_within(found), state) if found["version"] else state


@_means(_CONDITIONS, r"for bots you are managing")
def _managing(found: Found) -> Demand:
    return Is("owner", "bot")


@_means(
    _CONDITIONS,
    r"for (?:non-self requests|other users|another user)",
    rf"to {_WORD} for any user other than oneself",
    rf"if the user is (?:different than the requester|not the one {_WORD}ing the {_WORD} for (?:him|her|one)self)",
)
def _others(found: Found) -> Else:
    return OTHERS


@_means(_CONDITIONS, r"otherwise", r"for bots others are managing")
def _otherwise(found: Found) -> Else:
    return OTHERWISE


def _singular(thing: str) -> str:
    return thing.lower().removesuffix("s").removesuffix(" session")
