"""What exists on a server: each kind of thing has one class, in a module of this folder, and is found by being there."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from mmconform.contract.clause import Body, Parameter
from mmconform.world.kinds.kind import Kind, Scope

#: Names of parameters that hold what is searched for.
_SEARCHED = re.compile(r"(^|_)(terms?|names?|q|prefix|search)$")


@cache
def _every() -> tuple[Kind, ...]:
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return tuple(kind() for kind in _below(Kind))


def _below(kind: type[Kind]) -> Iterable[type[Kind]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _below(subclass)


@cache
def by_name() -> Mapping[str, Kind]:
    """Return every kind by its name, as a document's ``x-resource`` gives it."""
    return {kind.name: kind for kind in _every() if kind.name}


@cache
def by_line() -> Mapping[str, Kind]:
    """Return the kinds of which journals have lines, by the ``what`` of these."""
    return {kind.what: kind for kind in _every() if kind.what}


def made_by(method: str, path: str) -> str:
    """Return the name of the kind of which a served request makes one, by the path below the API; nothing where nobody says."""
    return next((kind.name for kind in _every() if kind.is_made_by(method, path)), "")


def outermost_first() -> list[Kind]:
    """Return the kinds in the order in which they can be made: what is within another one comes after it."""
    return sorted(_every(), key=_depth)


def _depth(kind: Kind) -> int:
    return 1 + _depth(by_name()[kind.within]) if kind.within else 0


def is_puzzling(parameter: Parameter) -> bool:
    """Return whether a value identifies something of which nobody has told the kind, or none that we know."""
    return parameter.identifies and parameter.resource not in by_name()


def is_absent(names: Iterable[str]) -> bool:
    """Return whether something of these kinds does not exist, whatever its id."""
    return any(by_name()[name].is_absent for name in names if name in by_name())


def are_places(names: Iterable[str]) -> bool:
    """Return whether all of these are kinds of places, which many are in and nobody owns."""
    return all(by_name()[name].is_place for name in names if name in by_name())


def is_a(name: str, of: str) -> bool:
    """Return whether things of a kind are things of another: a picture is a file, an archived channel a channel."""
    known = by_name()
    if name not in known or of not in known:
        return name == of
    return isinstance(known[name], type(known[of])) or known[name].state_of == of


def is_owned(kind: str) -> bool:
    """Return whether each thing of a kind belongs to one person."""
    return kind in by_name() and by_name()[kind].is_owned


def is_name(kind: str) -> bool:
    """Return whether things of a kind are named by something else than an id."""
    return kind in by_name() and by_name()[kind].is_name


def puzzling_parts(body: Body) -> frozenset[str]:
    """Return the properties of a body that are so; ``""`` for the whole body."""
    return frozenset(name for name in body.identifying if body.resources.get(name) not in by_name())


def scope_of(names: Iterable[str]) -> Scope:
    """Return in which place of ours what has these kinds lies: the narrowest; nothing where none of them lies in one."""
    scopes = {by_name()[name].scope for name in names if name in by_name()}
    return next((scope for scope in ("channel", "team") if scope in scopes), "")


def is_search(name: str) -> bool:
    """Return whether a parameter of this name holds what is searched for."""
    return bool(_SEARCHED.search(name))


def kind_of(parameter: Parameter) -> str:
    """Return of which kind the value of a query parameter is, by what is known of it or by its name; a post's else."""
    if parameter.resource:
        return parameter.resource
    words = re.split(r"_|(?<=[a-z])(?=[A-Z])", parameter.name)
    told = next((word for word in reversed([word.lower().removesuffix("s") for word in words]) if word in by_name()), "")
    is_text = parameter.schema.get("type", "string") == "string" and "enum" not in parameter.schema
    if told or not is_text or is_search(parameter.name):
        return told if is_text else ""
    return "post" if parameter.identifies or parameter.name in ("before", "after") or "post" in parameter.name.lower() else ""
