"""Whose resource a request names, by what the world knows of the things that it made; nothing is guessed."""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from mmconform.contract.clause import Contract
from mmconform.contract.templates import below_the_api
from mmconform.wire.exchange import Exchange, object_in
from mmconform.world import kinds
from mmconform.world.register import may_be_given
from mmconform.world.world import World

#: What stands in a request for a thing, after the kind that it is to be of.
_Named = tuple[str, Any]
#: Stands in a path for whoever asks.
_ONESELF = "me"


def whose(world: World, contract: Contract, operation: str, url: str, body: bytes, caller: str) -> str:
    """Return whose resource a request names, as :class:`mmconform.wire.exchange.Exchange` says it.

    What belongs to people tells it, or else what lies in a place. A token is its user's, and an account its own: a bot's is
    another one's than that of whoever made it.

    Args:
        caller: The id of who asks; nothing for who has no account.
    """
    named = list(_named(contract, operation, url, body))
    owned = [(kind, value) for kind, value in named if kinds.is_owned(kind)]
    found = {_of_one(world, kind, value, caller) for kind, value in owned or named} or {"nobody"}
    if "unclear" in found or ("nobody" in found and _holds_an_own_id(world, url, body, caller)):
        return "unclear"
    return next(word for word in ("nobody", "other", "self") if word in found)


def learn(world: World, contract: Contract, exchange: Exchange, caller: str) -> None:
    """Take in what a served request has made for somebody, and what it has ended."""
    if not exchange.is_success:
        return
    named = list(_named(contract, exchange.operation, exchange.url, exchange.body or b""))
    made = kinds.by_name().get(kinds.made_by(exchange.method, below_the_api(exchange.path)))
    for kind, value in named:
        if made and made.is_owned and made.within == kind == "user" and exchange.json_id:
            world.belongs(made.name, exchange.json_id, caller if value == _ONESELF else value)
    learn_ended(world, exchange.method, exchange.path, [value for _, value in named])


def learn_ended(world: World, method: str, path: str, values: Collection[Any]) -> None:
    """Take in what of ours is no longer there after a served request that names these ids."""
    below = below_the_api(path)
    for kind, id_ in world.owners:
        if id_ in values and kinds.by_name()[kind].is_ended_by(method, below):
            world.owners[kind, id_] = None


def _named(contract: Contract, name: str, url: str, body: bytes) -> Iterator[_Named]:
    """Yield what stands where a request names things that are somebody's, or lie in a place, with their kinds."""
    operation, parts, sent = contract.operations[name], urlsplit(url), object_in(body)
    path, query = operation.values_in(parts.path.removeprefix(contract.base)), dict(parse_qsl(parts.query))
    for parameter in operation.parameters:
        values = path if parameter.place == "path" else query
        if parameter.name in values and _is_somebodys(parameter.resource):
            yield str(parameter.resource), unquote(values[parameter.name])
    for part, kind in operation.body.resources.items() if operation.body else ():
        if part in sent and _is_somebodys(kind):
            yield kind, sent[part]


def _is_somebodys(kind: str | None) -> bool:
    return kind is not None and (kinds.is_owned(kind) or kinds.scope_of([kind]) != "")


def _of_one(world: World, kind: str, value: Any, caller: str) -> str:
    if kind == "user" and value == _ONESELF:
        return "self" if caller else "nobody"
    if isinstance(value, str) and (kind, value) in world.owners:
        owner = world.owners[kind, value]
        return "nobody" if owner is None else "self" if caller and owner == caller else "other"
    return "unclear" if may_be_given(value) else "nobody"


def _holds_an_own_id(world: World, url: str, body: bytes, caller: str) -> bool:
    """Return whether something of who asks stands in a request, wherever that is."""
    if not caller:
        return False
    text = f"{url} {body.decode('utf-8', 'replace')}"
    own = [id_ for (_, id_), owner in world.owners.items() if owner == caller]
    return f"/{_ONESELF}/" in f"{urlsplit(url).path}/" or any(id_ in text for id_ in own)
