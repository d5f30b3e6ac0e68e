"""The reference server with exactly one flaw, many times over: what the suites have to notice, each by its own clauses."""

from mmconform.reference.mutants import acting, entering, making, others, places, principles, seeing
from mmconform.reference.mutants.flaw import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "acting", "entering", "making", "others", "places", "principles", "seeing"]
