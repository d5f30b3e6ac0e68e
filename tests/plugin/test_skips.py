"""What a record says of a test that is for other versions."""

from types import SimpleNamespace

import pytest

from mmconform.plugin import fixtures
from mmconform.plugin.fixtures import of_other_versions
from mmconform.plugin.left_out import LeftOut
from mmconform.version import Version


def item(**versions):
    mark = SimpleNamespace(kwargs=versions) if versions else None
    return SimpleNamespace(get_closest_marker=lambda name: mark if name == "applies" else None)


@pytest.mark.parametrize(
    ("versions", "version", "says"),
    [
        ({"since": "6.0"}, "5.36.1", "its test is for servers from 6.0 on"),
        ({"since": "6.0", "why": "such is new"}, "5.36.1", "its test is for servers from 6.0 on (such is new)"),
        ({"since": "6.0", "until": "11.2"}, "11.2.0", "its test is for servers before 11.2"),
        ({"since": "6.0", "until": "11.2", "why": "such is new"}, "11.0.3", ""),
        ({}, "4.0.5", ""),
    ],
)
def test_for_which_versions_a_test_is_stands_in_words(versions, version, says):
    assert of_other_versions(item(**versions), Version.parse(version)) == says


@pytest.mark.parametrize("is_there", [True, False])
def test_a_skipped_test_says_for_which_servers_it_is_where_they_have_the_operation(is_there, monkeypatch):
    """Where they have not, that is the reason, and no other is told."""
    noted = []
    operation = SimpleNamespace(exists_in=lambda version: is_there)
    clause = SimpleNamespace(operation="CreateJob", rule="permission")
    contract = SimpleNamespace(clauses={"x": clause}, operations={"CreateJob": operation})
    judge = SimpleNamespace(contract=contract, skip=lambda clause, reason, persona, why: noted.append((reason, why)))
    world = SimpleNamespace(version=Version(5, 36, 1), lacks=lambda operation: False)
    monkeypatch.setattr(fixtures, "clause_of", lambda item: "x")
    request = SimpleNamespace(node=item(since="6.0"))
    with pytest.raises(LeftOut):
        next(fixtures.Fixtures.stage.__wrapped__(None, request, None, world, None, judge))
    assert noted == [("not-in-version", "its test is for servers from 6.0 on" if is_there else "")]
