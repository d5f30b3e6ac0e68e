"""specs/small.yaml, asked by probes: who keeps all of it is green, and who has a flaw is blamed for that alone."""

import re

import pytest

from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.paths import REPORTS, SPECS
from mmconform.record import record
from mmconform.reference.mutants import MUTANTS

#: One process after the other: runs of the reference server write one record.
pytestmark = pytest.mark.xdist_group("reference")

SMALL = SPECS / "small.yaml"
PROBES = ("-q", "--tb=no", "--max-examples=1", f"--spec={SMALL}", "suites/property/test_probes.py")
FLAWS = ("channel-is-shown-to-everybody", "post-of-others-is-deleted-by-any-member", "user-is-deactivated-by-everybody")


def observed(slug):
    return record.read(REPORTS / slug / record.NAME)


def test_of_every_operation_it_is_seen_who_is_let_in_and_who_is_not_and_nothing_is_left(run_pytest):
    ran = run_pytest(*PROBES, "--target", "reference")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "left the server as it was" in ran.stdout
    rows = {row.operation: row for row in observed("reference").operations}
    operations = build(load([SMALL]).document).operations.values()
    some_are_refused = {operation.id for operation in operations if operation.requirement.names_permissions}
    assert len(some_are_refused) > 10
    assert some_are_refused - {name for name, row in rows.items() if row.is_decisive} == set()
    assert rows["GetComplianceReports"].gate == "ent.compliance.licence_disable.app_error"
    people = int(re.search(r"(\d+) users deactivated", ran.stdout)[1])
    assert 0 < people <= 40


def test_a_flaw_is_noticed_by_the_promise_that_it_breaks_and_by_no_other(run_pytest):
    asked = [f"--operation={MUTANTS[name].operation}" for name in FLAWS]
    run_pytest(*PROBES, *asked, *(part for name in FLAWS for part in ("--target", f"reference:{name}")))
    for name in FLAWS:
        new = {row.clause for row in observed(f"reference-{name}").observations if row.standing == "new"}
        assert new == {f"{MUTANTS[name].operation}.permission"}, name
