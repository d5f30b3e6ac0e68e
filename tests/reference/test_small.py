"""specs/small.yaml, asked by probes: who keeps all of it is green, and who has a flaw is blamed for that alone."""

import re
import subprocess
import sys

import pytest

import mmconform
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.driving import foretold as foretelling
from mmconform.driving.outlook import Foresight
from mmconform.paths import REPORTS, ROOT, SPECS
from mmconform.record import record
from mmconform.reference.mutants import MUTANTS
from mmconform.safety.guard import Guard
from mmconform.version import Version
from mmconform.world.people import Roles
from tests.notebooks.test_notebooks import REFUSED, SERVED, otherwise

#: One process after the other: runs of the reference server write one record.
pytestmark = pytest.mark.xdist_group("reference")

SMALL = SPECS / "small.yaml"
ASKED = ("-q", "--tb=no", "--max-examples=1", f"--spec={SMALL}")
PROBES = (*ASKED, "suites/generated/test_probes.py")
FLAWS = {
    "channel-is-shown-to-everybody": "200 without permission",
    "post-of-others-is-deleted-by-any-member": "200 without permission",
    "user-is-deactivated-by-everybody": "200 without permission",
    "post-is-shown-to-who-asks-for-deleted-ones-too": "200 without permission",
    "channel-takes-all-whom-somebody-names-after-themselves": "201 with what is withheld",
}
#: By whom a flaw is noticed that no role of people's meets: who holds all permissions but those that are demanded, or just these.
HIDDEN = {
    "schemes-are-listed-for-who-reads-channels-in-the-console": (
        *("near_miss", "200 with sysconsole_read_user_management_channels"),
    ),
    "post-is-deleted-without-a-question-to-who-manages-jobs": ("near_miss", "200 with manage_jobs"),
    "user-is-deactivated-by-administrators-alone": ("holder", "403 api.context.permissions.app_error with permission"),
}
#: Beside the operations that have them: one that takes a licence, and two that ask for more than one permission.
BESIDE = ("GetComplianceReports", "AddChannelMember", "GetPost")


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
    foretold = outlook_on(observed("reference").header)
    assert {one.operation: one.requests for one in foretold.prospects} == {name: row.sent for name, row in rows.items()}
    guard = Guard(build(load([SMALL]).document), Version.parse(observed("reference").header.server.version))
    told = foretelling.foretell(guard, {name: [foretelling.PROBES] for name in rows})
    assert told.sent(foretelling.Situation(lacks=frozenset({"a licence"}))) == {name for name, row in rows.items() if row.sent}
    people = int(re.search(r"(\d+) accounts deactivated", ran.stdout)[1])
    assert people == foretold.accounts <= 40


def outlook_on(header):
    """What `doctor` would tell beforehand of the server that a record is of."""
    contract, version = build(load([SMALL]).document), Version.parse(header.server.version)
    roles = Roles(version, {role: frozenset(held) for role, held in header.roles.items()})
    return Foresight(contract, Guard(contract, version, is_throwaway=True), roles, {}, is_licensed=False).outlook()


def test_a_flaw_is_noticed_by_the_promise_that_it_breaks_and_by_no_other(run_pytest):
    asked = [f"--operation={MUTANTS[name].operation}" for name in FLAWS]
    run_pytest(*PROBES, *asked, *(part for name in FLAWS for part in ("--target", f"reference:{name}")))
    for name, seen in FLAWS.items():
        new = {(row.clause, row.signature) for row in observed(f"reference-{name}").observations if row.standing == "new"}
        assert new == {(f"{MUTANTS[name].operation}.permission", seen)}, name


def test_a_flaw_that_no_role_meets_is_noticed_by_who_holds_just_what_is_demanded_or_all_but_that(run_pytest):
    """The server without a flaw serves the one and refuses the other; its role is what it was when the run ends."""
    operations = [*(MUTANTS[name].operation for name in HIDDEN), *BESIDE]
    targets = ["--target=reference", *(f"--target=reference:{name}" for name in HIDDEN)]
    near = "suites/generated/test_near_misses.py"
    ran = run_pytest(*ASKED, near, *(f"--operation={name}" for name in operations), *targets)
    assert "1 role restored" in ran.stdout, ran.stdout
    plain = observed("reference")
    assert plain.footer.green
    kept = {row.operation for row in plain.observations if row.outcome == "pass" and row.persona == "near_miss"}
    held = {row.operation for row in plain.observations if row.outcome == "pass" and row.persona.endswith("holder")}
    assert kept == set(operations) and held == set(operations) - {"GetComplianceReports"}
    for name, found in HIDDEN.items():
        new = [row for row in observed(f"reference-{name}").observations if row.standing == "new"]
        assert {row.clause for row in new} == {f"{MUTANTS[name].operation}.permission"}, name
        assert {(row.persona, row.signature) for row in new} == {found}, name


def test_what_hand_written_tests_ask_of_every_operation_alike_is_left_to_probes(run_pytest):
    """What a served request holds, they do not know of other documents; and what is narrowed so is no less whole."""
    where = ("suites/permissions/test_matrix.py", "suites/compatibility", "suites/generated/test_probes.py")
    told = run_pytest("--collect-only", "-q", "--target", "reference", f"--spec={SMALL}", *where).stdout
    assert "test_who_is_served[" in told and not any(
        name in told for name in ("test_who_may_call", "test_an_operation_is_there", "NOTSET")
    )
    ours = run_pytest("--collect-only", "-q", "--target", "reference", *where).stdout
    assert "test_who_may_call[" in ours and "test_an_operation_is_there" in ours and "test_who_is_served" not in ours


@pytest.mark.parametrize("mutant", ["", ":channel-is-shown-to-everybody"])
def test_of_who_asks_wherever_things_lie_it_is_told_request_by_request_what_is_documented(tmp_path, mutant):
    """Operations of the small document are documented to serve their callers about one thing and not about another."""
    spec, suite = "specs/small.yaml", "suites/generated/test_probes.py"
    run = ["-q", "--target", f"reference{mutant}", f"--spec={spec}", "--max-examples=1", suite, f"--reports={tmp_path}"]
    subprocess.run([sys.executable, "-m", "pytest", *run], cwd=ROOT, capture_output=True, check=False)
    [path] = tmp_path.glob("*/" + record.NAME)
    access = mmconform.access(path, spec=spec)
    seen = mmconform.load(path, spec=spec)
    for way in (REFUSED, SERVED):
        told, failed = otherwise(access, seen, *way)
        assert told == failed and bool(told) == bool(mutant and way is SERVED)
    if mutant:  # the record of which holds no answers
        return
    judged = access[access.documented != "unknown"]
    several = judged.groupby(["operation", "persona"], observed=True).documented.nunique()
    assert judged.agrees.notna().all() and (several == 2).any()
    assert (access[access.persona == "team_bot"].documented == "unknown").all(), "no sentence says what a bot may"
