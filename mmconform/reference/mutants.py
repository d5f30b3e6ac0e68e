"""Flaws."""

from collections.abc import Callable
from dataclasses import dataclass

from mmconform.reference.app import App


@dataclass(frozen=True)
class Mutant:
    """A flaw."""

    put_into: Callable[[App], None]
    operation: str
    flaw: str
    kills: frozenset[str]
    on: str = ""


MUTANTS: dict[str, Mutant] = {}
