"""secret, paging, effect: what an answer says."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from mmconform.contract.clause import Clause
from mmconform.judging.checks.verdict import KEPT, TOLD, Context, Verdict, broken

#: A page without ``per_page`` (official API reference).
_DEFAULT_PAGE = 60


def _served(at: Context) -> Any:
    """The JSON of a 2xx of the operation, or None."""
    return at.exchange.json_or_none if at.exists and at.is_routed and at.exchange.is_success else None


def secret(clause: Clause, at: Context) -> Verdict | None:
    """No field called ``token`` holds anything, and no secret value of this run stands anywhere in the answer."""
    text = at.exchange.answer.decode("utf-8", "replace")
    if at.is_routed and any(value in text for value in at.secrets):
        return broken(TOLD, "the answer holds a secret value of this run", "no secret in it")
    data = _served(at)
    if not data:
        return None
    if any(_fields(data, "token")):
        return broken("token in the answer", "the answer holds a `token`", "none in it")
    return KEPT


def _fields(node: Any, name: str) -> Iterator[Any]:
    if isinstance(node, list):
        for child in node:
            yield from _fields(child, name)
    elif isinstance(node, dict):
        for key, child in node.items():
            if key == name:
                yield child
            else:
                yield from _fields(child, name)


def paging(clause: Clause, at: Context) -> Verdict | None:
    """A list is never longer than ``per_page``, or than what the server serves at most."""
    data = _served(at)
    if not isinstance(data, list) or at.violations:
        return None
    parameter = next((p for p in at.operation.parameters if p.name == "per_page"), None)
    asked = next((value for name, value in at.exchange.query if name == "per_page"), str(_DEFAULT_PAGE))
    if parameter is None or not re.fullmatch("[0-9]+", asked):
        return None
    most = min(int(asked), parameter.maximum_served or int(asked))
    if len(data) > most:
        return broken("more rows than asked for", f"{len(data)} rows for per_page={asked}", f"at most {most} rows")
    return KEPT


def effect(clause: Clause, at: Context) -> Verdict | None:
    """What the answer alone can show of an effect; the rest is for the lifecycle suite."""
    judge = EFFECTS.get(clause.id.partition(".effect.")[2])
    data = _served(at)
    return judge(at, data) if judge and data else None


def _lists_the_user(at: Context, rows: Any) -> Verdict | None:
    asked = at.exchange.path.split("/")[-2]
    if asked == "me":
        return None if not at.exchange.own else _rows_of(rows, at.exchange.own)
    return _rows_of(rows, frozenset({asked}))


def _rows_of(rows: Any, users: frozenset[str]) -> Verdict:
    if all(isinstance(row, dict) and row.get("user_id") in users for row in rows):
        return KEPT
    return broken("rows of another user", "the list holds a token of somebody else", "those of the user who is asked about alone")


def _gets_the_one(at: Context, data: Any) -> Verdict:
    if isinstance(data, dict) and data.get("id") == at.exchange.path.rpartition("/")[2]:
        return KEPT
    return broken("another token", "the answer is about another token than the one asked for", "the one in the path")


def _gives_credentials(at: Context, data: Any) -> Verdict:
    if not isinstance(data, dict):
        return broken("no object", "the answer is no object", "an object")
    missing = [name for name in ("token", "stun_uri", "turn_uri", "turn_username", "turn_password") if not data.get(name)]
    return broken(f"no {missing[0]}", f"the answer lacks {', '.join(missing)}", "all of them") if missing else KEPT


def _creates_a_job(at: Context, data: Any) -> Verdict:
    if not isinstance(data, dict):
        return broken("no object", "the answer is no object", "an object")
    asked = at.exchange.json_sent.get("type")
    if data.get("type") != asked or data.get("status") != "pending":
        seen = f"asked for {asked}, answered with {data.get('type')} in state {data.get('status')}"
        return broken("another job", seen, f"{asked} in state pending")
    return KEPT


EFFECTS: dict[str, Callable[[Context, Any], Verdict | None]] = {
    "lists-the-user": _lists_the_user,
    "gets-the-one": _gets_the_one,
    "gives-credentials": _gives_credentials,
    "creates-a-job": _creates_a_job,
}
