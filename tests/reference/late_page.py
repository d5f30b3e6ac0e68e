"""A pytest plugin: one more mutant, of which the published ones know nothing."""

from mmconform.reference.mutants.flaw import mutant
from mmconform.reference.mutants.seeing import LIST, _paged


@mutant(LIST, "paging effect.lists-the-user")
def list_begins_one_row_late(app):
    """The first row of every list is left out."""
    _paged(app, LIST, lambda page, size, found: found[page * size + 1 :][:size])
