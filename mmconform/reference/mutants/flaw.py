"""What a mutant is, and the few ways in which one differs from the server without its flaw."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmconform.reference.app import Answer, App, Call, RefusedError


@dataclass(frozen=True)
class Mutant:
    """The reference server with exactly one flaw.

    Attributes:
        put_into: Puts the flaw into a server.
        operation: The operation that has it; ``*`` for all.
        flaw: What is wrong, in one sentence.
        kills: The clauses that have to fail as new, no more and no fewer.
        on: The version in which it shows; empty for the plain server.
        blind: Why the suites cannot see it, where that is known: nothing may then fail.
        document: The file in ``specs/`` that promises what it breaks; empty for the eleven operations.
    """

    put_into: Callable[[App], None]
    operation: str
    flaw: str
    kills: frozenset[str]
    on: str = ""
    blind: str = ""
    document: str = ""


MUTANTS: dict[str, Mutant] = {}

Flaw = Callable[[App], None]


def mutant(operation: str, kills: str, *, on: str = "", blind: str = "", document: str = "") -> Callable[[Flaw], Flaw]:
    """Declare a mutant; it is called as its function, with dashes, and its docstring says what is wrong.

    Args:
        kills: The clauses: of the operation by their rule or effect (``permission``, ``effect.revokes``), of others by
            their whole id.
    """

    def register(flaw: Flaw) -> Flaw:
        clauses = frozenset(name if name[0].isupper() else f"{operation}.{name}" for name in kills.split())
        name = flaw.__name__.replace("_", "-")
        MUTANTS[name] = Mutant(flaw, operation, (flaw.__doc__ or "").strip(), clauses, on, blind, document)
        return flaw

    return register


def before(app: App, operation: str, look: Callable[[Call], Any]) -> None:
    """Have an operation look at something first, which may refuse the call."""
    handler = app.handlers[operation]

    def changed(app: App, call: Call) -> Answer:
        look(call)
        return handler(app, call)

    app.handlers[operation] = changed


def after(app: App, operation: str, change: Callable[[Answer, Call], Answer]) -> None:
    """Change the answers with which an operation serves."""
    handler = app.handlers[operation]
    app.handlers[operation] = lambda app, call: change(handler(app, call), call)


def rows(app: App, operation: str, change: Callable[[list[dict[str, Any]], Call], list[dict[str, Any]]]) -> None:
    """Change the list with which an operation serves."""
    after(app, operation, lambda answer, call: answer._replace(data=change(answer.data, call)))


def fields(app: App, operation: str, change: Callable[[dict[str, Any], Call], dict[str, Any]]) -> None:
    """Change the object with which an operation serves."""
    after(app, operation, lambda answer, call: answer._replace(data=change(dict(answer.data), call)))


def instead(app: App, operation: str, refusal: str, answer: Callable[[Call], Answer]) -> None:
    """Answer otherwise where an operation refuses in a named way."""
    handler = app.handlers[operation]

    def changed(app: App, call: Call) -> Answer:
        try:
            return handler(app, call)
        except RefusedError as refused:
            if refused.name != refusal:
                raise
            return answer(call)

    app.handlers[operation] = changed


def only_in(app: App, operation: str, name: str, other: Callable[..., Any]) -> None:
    """Replace a method of the server, whose first argument is the call, in one operation."""
    method = getattr(app, name)

    def changed(call: Call, *more: Any) -> Any:
        return other(call, *more) if call.operation == operation else method(call, *more)

    setattr(app, name, changed)


def showing(app: App, operation: str, behaviour: str, shown: bool) -> None:
    """Have one operation show a behaviour, or not show it."""
    handler = app.handlers[operation]

    def changed(app: App, call: Call) -> Answer:
        usual, app.does[behaviour] = app.does[behaviour], shown
        try:
            return handler(app, call)
        finally:
            app.does[behaviour] = usual

    app.handlers[operation] = changed


def ignoring(app: App, operation: str, section: str, **settings: Any) -> None:
    """Have one operation act as if settings were these. The configuration stays what it is: whoever reads it sees no change."""
    handler = app.handlers[operation]

    def changed(app: App, call: Call) -> Answer:
        usual = app.store.config[section]
        app.store.config[section] = {**usual, **settings}
        try:
            return handler(app, call)
        finally:
            app.store.config[section] = usual

    app.handlers[operation] = changed


def error(status: int, id_: str = "api.something_else.app_error") -> Answer:
    """Return a refusal that the server does not know."""
    return Answer(status, {"id": id_, "message": "Refused.", "detailed_error": "", "status_code": status})
