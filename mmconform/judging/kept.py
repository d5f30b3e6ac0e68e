"""What a tape of the whole API holds: exchanges as the judge saw them, reduced to what judging reads.

A tape of connections would have to repeat whatever probes draw, arrange and look up. An exchange is judged without any of that,
by whichever document of those operations is given. Of what was sent and answered stays the form: names of fields, types, how many
rows, words that the document lists, error ids; texts, numbers and whose anything is are replaced. Each exchange is judged once
more as it will stand on the tape, so that reducing changes no verdict.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl, quote, urlencode

from mmconform.contract.clause import Clause, Contract, Rule
from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.judging.judge import Judge
from mmconform.wire.exchange import Exchange, Position
from mmconform.wire.tape.redact import MARK, Redactor

_ID = re.compile(rf"(?<![A-Za-z0-9])(?!{MARK})[a-z0-9]{{26}}(?![A-Za-z0-9])")
_PLACEHOLDER = re.compile(rf"{MARK}[a-z2-7]*=*")
#: An id that no request of the operation named, and a text that says nothing.
_SOME_ID, _TEXT = "0" * 26, "text"
#: What is no sentence, and in an address stays as it is.
_WORD = re.compile(r"[^\s%+]{0,64}", re.ASCII)
#: Why nothing was asked, as in :meth:`mmconform.judging.judge.Judge.held_back`.
HeldBack = tuple[str, str, tuple[Rule, ...]]


class Asked(NamedTuple):
    """An exchange, the test that it is of, as its cassette is named, and the kinds of promises that it does not count for."""

    request: str
    exchange: Exchange
    spared: tuple[Rule, ...] = ()


def listed(contract: Contract) -> frozenset[str]:
    """Return the words that the document lists as the values of something; a sentence is none."""
    found: set[str] = set()
    waiting: list[Any] = [contract.components]
    for operation in contract.operations.values():
        waiting += [parameter.schema for parameter in operation.parameters]
        waiting += [operation.body.schema] if operation.body else []
        waiting += [schema for answer in operation.answers.values() for schema in answer.content.values()]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            values = [*(node["enum"] if isinstance(node.get("enum"), list) else ()), node.get("const")]
            found |= {value for value in values if isinstance(value, str) and not re.search(r"\s", value)}
            waiting += node.values()
    return frozenset(found)


class Reducer:
    """Reduces the exchanges of one operation: the same id, or secret, is the same in all of them.

    Args:
        words: As :func:`listed` returns them.
    """

    def __init__(self, words: frozenset[str], redactor: Redactor) -> None:
        self._words, self._redactor = words, redactor
        self._ids: dict[str, str] = {}

    def reduce(self, exchange: Exchange) -> Exchange:
        """Return an exchange of which nothing can be read but what judging reads."""
        path, _, query = exchange.url.partition("?")
        media = next((value for name, value in exchange.headers.items() if name.lower() == "content-type"), "")
        kind = exchange.answer_headers.get("content-type", "")
        return replace(
            exchange,
            url=self._redactor.text(self._named(path)) + self._query(query),
            headers={"content-type": media.partition(";")[0]} if media else {},
            body=self._body(exchange.body, self._sent),
            answer_headers={"content-type": self._redactor.text(kind)} if kind else {},
            answer=self._body(exchange.answer, self._error if exchange.error_id else self._answered) or b"",
            own=frozenset(),
            withheld=frozenset(map(self._named, exchange.withheld)),
            settings=(),
        )

    def _named(self, text: str) -> str:
        """Return a text of a request with a number for each id."""
        return _ID.sub(lambda id_: self._ids.setdefault(id_[0], f"{len(self._ids) + 1:026d}"), text)

    def _query(self, query: str) -> str:
        pairs = [(name, self._in_address(value)) for name, value in parse_qsl(query, keep_blank_values=True)]
        return f"?{urlencode(pairs, quote_via=quote)}" if query else ""

    def _in_address(self, value: str) -> str:
        return self._redactor.text(self._named(value)) if _WORD.fullmatch(value) else _TEXT

    def _body(self, body: bytes | None, form: Any) -> bytes | None:
        """Return a body in JSON in its form, of another one whether there is any, and the secrets that stand in it."""
        if not body:
            return body
        try:
            data = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError):
            return (self._secrets(body.decode("utf-8", "replace")) or ".").encode()
        return json.dumps(form(data), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")

    def _secrets(self, text: str) -> str:
        if not any(value in text for value in self._redactor.values):
            return ""
        return " ".join(_PLACEHOLDER.findall(self._redactor.text(text)))

    def _error(self, data: dict[str, Any]) -> Any:
        return {**self._answered(data), "id": self._redactor.text(str(data["id"]))}

    def _sent(self, data: Any) -> Any:
        return self._form(data, self._named, is_sent=True)

    def _answered(self, data: Any) -> Any:
        return self._form(data, lambda id_: self._ids.get(id_, _SOME_ID), is_sent=False)

    def _form(self, node: Any, named: Any, *, is_sent: bool) -> Any:
        if isinstance(node, dict):
            return {self._key(name): self._form(child, named, is_sent=is_sent) for name, child in node.items()}
        if isinstance(node, list):
            return [self._form(child, named, is_sent=is_sent) for child in node]
        if isinstance(node, str):
            if secrets := self._secrets(node):
                return secrets
            if node in self._words:
                return node
            return named(node) if _ID.fullmatch(node) else _TEXT if len(node) >= len(_TEXT) else "x" * len(node)
        if isinstance(node, bool) or is_sent or node is None:
            return node
        return (node > 0) - (node < 0) if isinstance(node, int) else 0.5

    def _key(self, name: str) -> str:
        return "…" if re.search(r"[a-z0-9]{26}|@|\s", name) else self._redactor.text(name)


@dataclass
class Kept:
    """All that a tape holds of one operation.

    Attributes:
        held_back: What was not asked, and how often.
    """

    asked: list[Asked] = field(default_factory=list)
    held_back: Counter[HeldBack] = field(default_factory=Counter)

    def play(self, judge: Judge, operation: str) -> None:
        """Have everything judged."""
        for (reason, why, rules), times in self.held_back.items():
            for _ in range(times):
                judge.held_back(operation, reason, why, *rules)
        for request, exchange, spared in self.asked:
            for secret in _PLACEHOLDER.findall(exchange.answer.decode("utf-8", "replace")):
                judge.target.redactor.learn(secret)
            clauses = [clause for clause in judge.contract.of(operation) if clause.rule not in spared]
            judge.see(exchange, clauses)
            judge.name_last(request)


class Keeper:
    """Keeps what one test has judged, if it can be judged the same as it will stand on the tape."""

    def __init__(self, kept: Kept, reducer: Reducer, request: str, judge: Judge, again: Judge) -> None:
        self._kept, self._reducer, self._request, self._judge, self._again = kept, reducer, request, judge, again
        self._mine = Kept()

    def note(self, exchange: Exchange, clauses: Iterable[Clause]) -> None:
        """Keep an exchange that was judged by these clauses."""
        judged = {clause.rule for clause in clauses}
        every = {clause.rule for clause in self._judge.contract.of(exchange.operation)}
        reduced = self._reducer.reduce(exchange)
        self._mine.asked.append(Asked(self._request, reduced, tuple(sorted(every - judged))))

    def hold_back(self, reason: str, why: str, rules: tuple[Rule, ...]) -> None:
        """Keep that something was not asked."""
        self._mine.held_back[reason, self._judge.target.redactor.text(why), rules] += 1

    def finish(self, operation: str) -> str:
        """Add what was kept to the tape; return in what it would be judged otherwise, and add nothing, where it would."""
        read_back(written(self._mine), operation).play(self._again, operation)
        seen, again = _verdicts(self._judge), _verdicts(self._again)
        if seen != again:
            differs = next(iter(sorted((seen - again) + (again - seen))))
            return f"{operation}: {' '.join(map(str, differs))}"
        answers = [replace_request(answer) for answer in self._judge.answers], [replace_request(a) for a in self._again.answers]
        if answers[0] != answers[1]:
            return f"{operation}: the fields or the validity of an answer"
        self._kept.asked += self._mine.asked
        self._kept.held_back.update(self._mine.held_back)
        return ""


def replace_request(answer: Any) -> Any:
    """Return an answer of a record without the name of its test."""
    return {name: getattr(answer, name) for name in answer.__struct_fields__ if name != "request"}


def _verdicts(judge: Judge) -> Counter[tuple[str, ...]]:
    told = [o for o in judge.observations if o.outcome in ("pass", "fail")]
    return Counter({(o.clause, o.persona, o.outcome, o.signature, o.standing): o.count for o in told})


# -- files -------------------------------------------------------------------------------------------------------------

#: What of an exchange stands on the tape as it is, where it is not empty.
_TEXTS = ("persona", "about", "status", "variant", "meant")
_SETS = ("told", "withheld")
#: What the places of a line are for; what is empty at its end is left out.
_LINE = (
    *("test", "request", "answer", "status", "persona", "about"),
    *("spared", "credential", "position", "media", "variant", *_SETS, "meant"),
)
#: What most answers are, which is not said.
_USUAL = "application/json"


def written(kept: Kept) -> str:
    """Return what was kept as the text of a file: JSON, a line for each exchange, and each request and answer once."""
    tests: dict[str, int] = {}
    requests: dict[str, int] = {}
    answers: dict[str, int] = {}
    lines = []
    for test, exchange, spared in kept.asked:
        text = exchange.answer.decode("utf-8", "surrogateescape")
        number = answers.setdefault(text, len(answers))
        asked = {"method": exchange.method, "url": exchange.url}
        asked |= {"sent": media} if (media := exchange.headers.get("content-type")) else {}
        asked |= {} if exchange.body is None else {"body": exchange.body.decode("utf-8", "surrogateescape")}
        line: dict[str, Any] = {"test": tests.setdefault(test, len(tests))}
        line |= {"request": requests.setdefault(json.dumps(asked), len(requests)), "answer": number}
        line |= {name: value for name in _TEXTS if (value := getattr(exchange, name))}
        line |= {name: sorted(value) for name in _SETS if (value := getattr(exchange, name))}
        line |= {} if (media := exchange.answer_headers.get("content-type", "")) == _USUAL else {"media": media}
        line |= {} if exchange.credential == exchange.persona else {"credential": exchange.credential}
        if exchange.position:
            line["position"] = [sorted(exchange.position.roles), exchange.position.channel]
        line |= {"spared": spared} if spared else {}
        last = max(_LINE.index(name) for name in line)
        lines.append([line.get(name) for name in _LINE[: last + 1]])
    held = [[*entry[:2], list(entry[2]), times] for entry, times in sorted(kept.held_back.items())]
    parts: dict[str, list[Any]] = {"held_back": held, "tests": list(tests)}
    parts |= {"requests": [json.loads(asked) for asked in requests], "answers": list(answers), "asked": lines}
    return "{" + ",\n".join(f'"{name}": [{_rows(rows)}]' for name, rows in parts.items()) + "}\n"


def _rows(rows: list[Any]) -> str:
    return ",".join("\n" + json.dumps(row, separators=(",", ":")) for row in rows)


def read_back(text: str, operation: str) -> Kept:
    """Return what such a text holds of an operation.

    Raises:
        ValueError, KeyError, TypeError, IndexError: it is none.
    """
    data = json.loads(text)
    answers = [answer.encode("utf-8", "surrogateescape") for answer in data["answers"]]
    kept = Kept(held_back=Counter({(reason, why, tuple(rules)): times for reason, why, rules, times in data["held_back"]}))
    for row in data["asked"]:
        line = {name: value for name, value in zip(_LINE, row, strict=False) if value is not None}
        asked, (roles, channel) = data["requests"][line["request"]], line.get("position") or ((), "")
        exchange = Exchange(
            operation,
            line["persona"],
            line["about"],
            asked["method"],
            asked["url"],
            _header(asked.get("sent")),
            asked["body"].encode("utf-8", "surrogateescape") if "body" in asked else None,
            line["status"],
            _header(line.get("media", _USUAL)),
            answers[line["answer"]],
            credential=line.get("credential", line["persona"]),
            variant=line.get("variant", ""),
            meant=line.get("meant", ""),
            position=Position(frozenset(roles), channel) if "position" in line else None,
            told=frozenset(line.get("told", ())),
            withheld=frozenset(line.get("withheld", ())),
        )
        kept.asked.append(Asked(data["tests"][line["test"]], exchange, cast("tuple[Rule, ...]", tuple(line.get("spared", ())))))
    return kept


def _header(media: str | None) -> Mapping[str, str]:
    return {"content-type": media} if media else {}


def read(folder: Path, operation: str) -> Kept | None:
    """Return what a tape holds of an operation; None where it holds nothing of it.

    Raises:
        MisuseError: it is no such file.
    """
    path = folder / f"{operation}.json"
    if not path.is_file():
        return None
    try:
        return read_back(path.read_text(encoding="utf-8"), operation)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise MisuseError(f"{path}: is corrupt; restore it from git or record the tape anew") from None


def write(folder: Path, operation: str, kept: Kept) -> None:
    """Write what was kept of an operation."""
    write_whole(folder / f"{operation}.json", written(kept), private=True)
