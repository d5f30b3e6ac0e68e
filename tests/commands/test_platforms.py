"""What other platforms run of us: an action of GitHub's, a component of GitLab's, an image, a devcontainer.

None of them is at hand: they are held against published schemas, and a shell runs their steps with a stand-in for our command.
"""

import json
import re
import shlex
import subprocess

import pytest
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from mmconform.commands.cli import parser
from mmconform.documents.reader import read
from mmconform.paths import ROOT

COMPONENT = ROOT / "templates" / "conformance.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
INPUTS = ("target", "spec", "operations", "suites", "options")
#: Writes down how it was called, each word in a line of its own, and ends as a campaign would.
STAND_IN = """#!/bin/sh
printf '%s\\n' "$@" -- >> "$CALLS"
[ "$1" != campaign ] || { mkdir -p reports/older reports/server; touch -d yesterday reports/older/observations.jsonl
  [ "$ENDS" = 2 ] || touch reports/server/observations.jsonl; exit "$ENDS"; }
"""
#: What somebody may give: with blanks, several of a kind, and a pattern that is like the name of a file.
GIVEN = {
    "MMCONFORM_TARGET": "http://127.0.0.1:8065",
    "MMCONFORM_SPEC": "my api.yaml\nspecs/more.yaml",
    "MMCONFORM_OPERATIONS": "Get*\nCreateJob\n",
    "MMCONFORM_SUITES": "suites/permissions",
    "MMCONFORM_OPTIONS": "--create-first-admin\n-k=not webrtc",
}


def action():
    return read(ROOT / "action.yml")[0].data


def component(tmp_path):
    """The two documents of a component: what it takes, and what whoever includes it gets."""
    parts = COMPONENT.read_text(encoding="utf-8").split("\n---\n")
    for name, text in zip(("spec.yml", "jobs.yml"), parts, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [read(tmp_path / name)[0].data for name in ("spec.yml", "jobs.yml")]


def step_of_action():
    (step,) = [step for step in action()["runs"]["steps"] if step.get("id") == "judge"]
    return "bash", ["--noprofile", "--norc", "-eo", "pipefail"], step["run"]


def step_of_component(tmp_path):
    return "sh", ["-e"], component(tmp_path)[1]["mattermost-conformance"]["script"][-1]


@pytest.fixture(params=["action", "component"])
def step(request, tmp_path):
    """Run the step that judges as its platform would; returns how it ended, the calls of our command, and where it was."""
    shell, options, script = step_of_action() if request.param == "action" else step_of_component(tmp_path)
    folder = tmp_path / "mmconform" / "bin"
    folder.mkdir(parents=True)
    (folder / "mmconform").write_text(STAND_IN)
    (folder / "mmconform").chmod(0o755)
    (tmp_path / "Get-a-file").touch()  # which the pattern would stand for

    def step(ends):
        env = {
            "PATH": f"{folder}:/usr/bin:/bin",
            "RUNNER_TEMP": str(tmp_path),
            "MMCONFORM_HOME": str(tmp_path / "mmconform"),
            "CALLS": str(tmp_path / "calls"),
            "ENDS": str(ends),
        }
        env |= {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), **GIVEN}
        ran = subprocess.run([shell, *options, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        calls = [call.split("\n")[:-1] for call in (tmp_path / "calls").read_text().split("--\n")[:-1]]
        return ran, calls, tmp_path

    return step


@pytest.mark.parametrize("ends", [0, 1])
def test_a_step_judges_what_it_is_given_and_reports_by_the_same_documents(step, ends):
    ran, (campaign, *reports), _ = step(ends)
    assert ran.returncode == ends, ran.stderr
    by = ["--spec=my api.yaml", "--spec=specs/more.yaml"]
    only = ["--operation=Get*", "--operation=CreateJob"]
    options = ["--create-first-admin", "-k=not webrtc"]
    assert campaign == ["campaign", "http://127.0.0.1:8065", "suites/permissions", *by, *only, *options]
    assert {("badge", "reports/badge.json")} < {
        (call[call.index("--format") + 1], call[-1]) for call in reports if "--format" in call
    }
    for call in reports:
        assert call[:4] == ["report", "reports/server/observations.jsonl", *by]
    for call in (campaign, *reports):
        parser().parse_args(call)


def test_a_step_whose_run_could_not_be_made_ends_as_it_did(step):
    ran, calls, _ = step(2)
    assert ran.returncode == 2 and [call[0] for call in calls] == ["campaign"]


@pytest.mark.parametrize("step", ["action"], indirect=True)
def test_an_action_tells_what_it_says_that_it_tells(step):
    _, _, folder = step(1)
    told = dict(line.split("=") for line in (folder / "output").read_text().splitlines())
    assert told == {"record": "reports/server/observations.jsonl", "badge": "reports/badge.json"}
    assert {*told} == {*action()["outputs"]}


def test_both_take_the_same_and_no_secret(tmp_path):
    spec = component(tmp_path)[0]["spec"]["inputs"]
    assert tuple(action()["inputs"]) == INPUTS
    assert {*spec} == {*INPUTS, "package", "stage"}
    variables = component(tmp_path)[1]["mattermost-conformance"]["variables"]
    (step,) = [step for step in action()["runs"]["steps"] if step.get("id") == "judge"]
    for name in INPUTS:
        assert step["env"][f"MMCONFORM_{name.upper()}"] == f"${{{{ inputs.{name} }}}}"
        assert variables[f"MMCONFORM_{name.upper()}"] == f"$[[ inputs.{name} ]]"


def test_no_step_puts_an_input_into_its_script(tmp_path):
    """What somebody gives would be a command there."""
    scripts = [step["run"] for step in action()["runs"]["steps"] if "run" in step]
    scripts += component(tmp_path)[1]["mattermost-conformance"]["script"]
    assert len(scripts) == 6 and not [script for script in scripts if "${{" in script or "$[[" in script]


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("github-actions", ["action.yml"]),
        ("github-workflows", [".github/workflows/ci.yaml", "examples/github.yaml"]),
        ("github-issue-forms", [".github/ISSUE_TEMPLATE/other.yaml", ".github/ISSUE_TEMPLATE/wrong-verdict.yaml"]),
        ("gitlab-ci", ["examples/gitlab.yaml"]),
        ("compose-spec", ["examples/compose.yaml"]),
    ],
)
def test_a_file_is_what_its_platforms_schema_says(schema, names):
    keeps_schema(schema, [ROOT / name for name in names])


def test_a_component_is_what_its_platforms_schema_says(tmp_path):
    component(tmp_path)
    keeps_schema("gitlab-ci", [tmp_path / "spec.yml", tmp_path / "jobs.yml"])


def keeps_schema(schema, paths):
    arguments = ["--builtin-schema", f"vendor.{schema}", *(["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else [])]
    ended = CliRunner().invoke(check_jsonschema, [*arguments, *map(str, paths)])
    assert ended.exit_code == 0, ended.output


def test_whatever_an_image_copies_and_a_devcontainer_calls_is_there():
    copied = [word for line in re.findall(r"(?m)^COPY (?!--from)(.*)", DOCKERFILE) for word in line.split()[:-1]]
    assert len(copied) > 9 and all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {name.partition("/")[0] for name in copied} & {*ignored}
    made = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))["postCreateCommand"].split()
    assert made[0] == "make" and re.search(rf"(?m)^{re.escape(made[1])}:", (ROOT / "Makefile").read_text(encoding="utf-8"))


def test_whatever_an_image_is_said_to_do_is_a_command_of_ours():
    (line,) = re.findall(r"(?m)^#   docker run .* mattermost-conformance (.*)", DOCKERFILE)
    parser().parse_args(shlex.split(line))
    assert 'ENTRYPOINT ["mmconform"]' in DOCKERFILE
