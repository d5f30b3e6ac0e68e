"""What a test needs before it can ask its question is judged under its own clause, not under the test's."""

import os

from mmconform.paths import REPORTS, ROOT
from mmconform.record.record import read

TARGET = "reference:list-begins-one-row-late"


def test_a_page_that_starts_one_row_late_breaks_what_is_promised_of_lists_and_nothing_else(run_pytest):
    suites = ["suites/permissions/test_paging.py", "suites/lifecycle"]
    path = f"{ROOT / 'tests' / 'reference'}{os.pathsep}{ROOT}"
    run_pytest("-q", "-p", "late_page", f"--target={TARGET}", "--tb=no", *suites, PYTHONPATH=path)
    record = read(REPORTS / TARGET.replace(":", "-") / "observations.jsonl")
    new = {row.clause for row in record.observations if row.standing == "new"}
    assert new == {"GetUserAccessTokensForUser.paging", "GetUserAccessTokensForUser.effect.lists-the-user"}
    assert not [row for row in record.observations if row.outcome == "error"]
