"""What bash completes of our command, asked of bash itself."""

import shutil
import subprocess

import pytest

from mmconform.commands.cli import main
from mmconform.paths import ROOT
from mmconform.reference import named
from mmconform.wire.tape import tape

#: What bash does when Tab is pressed after some words: it calls the function that is registered for the first.
_TAB = """
source /dev/stdin
function=$(complete -p mmconform | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=(mmconform "$@") COMP_CWORD=$#
"$function" mmconform "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def tab(capsys):
    if not shutil.which("bash"):
        pytest.skip("no bash")
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out

    def tab(*words):
        asked = ["bash", "-c", _TAB, "bash", *words]
        return subprocess.run(asked, input=script, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    return tab


@pytest.mark.parametrize(
    "words",
    [
        ("merge", "--spec"),
        ("merge", "--output"),
        ("report",),
        ("report", "5.36.1"),
        ("report", "--output"),
        ("campaign", "recorded"),
        ("campaign", "recorded", "--overlay"),
        ("compare", "5.36.1"),
    ],
    ids=" ".join,
)
def test_what_can_be_a_file_or_a_folder_is_completed_to_those_there_are(tab, words):
    assert tab(*words, "suites/gen") == ["suites/generated"]


def test_operations_and_rules_are_completed_by_name(tab, contract):
    for command in (("contract",), ("campaign", "recorded")):
        assert tab(*command, "--operation", "Regen") == [name for name in contract.operations if name.startswith("Regen")]
    assert tab("contract", "--rule", "perm") == ["permission"]


def test_reference_servers_are_completed_by_name(tab):
    """Each of them is one that can be served."""
    every = tab("serve", "--target", "")
    assert {"reference", "reference@5.36.1", "reference:get-tells-the-value"} <= set(every)
    assert tab("serve", "--target", "reference@5.3") == [name for name in every if name.startswith("reference@5.3")]
    for name in every:
        assert named.app(name, tape.newest())
