"""In the lives that tapes hold and the reference server sees, every rule is played often enough."""

import json
import os
import subprocess
import sys

from mmconform.paths import ROOT

AT_LEAST = 3
#: The rules that are played, and how each is to end.
OF_TOKENS = {
    *("make", "make, denied", "give the role", "take the role", "wake the dead"),
    *("DisableUserAccessToken", "DisableUserAccessToken, denied", "DisableUserAccessToken again"),
    *("EnableUserAccessToken", "EnableUserAccessToken, denied", "EnableUserAccessToken again"),
    *("RevokeUserAccessToken", "RevokeUserAccessToken, denied"),
}
OF_COMMANDS = {
    *("make a command", "delete a command", "make an administrator of the team", "make a member of them"),
    *("RegenCommandToken", "RegenCommandToken, denied", "RegenCommandToken again", "RegenCommandToken of a deleted one"),
}
#: A plugin that notes what was played.
COUNTING = """
import json, os
from mmconform.driving import lives

play = lives.play_lives

def play_lives(*arguments, **more):
    played = play(*arguments, **more)
    with open(os.environ["PLAYED"], "a") as file:
        print(json.dumps(played), file=file)
    return played

lives.play_lives = play_lives
"""


def test_every_rule_is_played_three_times_each_way(tmp_path):
    # Of a version of which no other test runs the suites beside this one: two runs on one server wait for each other.
    (tmp_path / "counting.py").write_text(COUNTING, encoding="utf-8")
    lines = tmp_path / "played.jsonl"
    asked = [
        "-p",
        "counting",
        "--target=reference@10.11.6",
        "suites/lifecycle/test_model.py",
        "-q",
        f"--reports={tmp_path / 'reports'}",
    ]
    environment = os.environ | {"PLAYED": str(lines), "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-m", "pytest", *asked], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    of_tokens, of_commands = (json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines())
    assert {rule: of_tokens.get(rule, 0) for rule in OF_TOKENS if of_tokens.get(rule, 0) < AT_LEAST} == {}
    assert {rule: of_commands.get(rule, 0) for rule in OF_COMMANDS if of_commands.get(rule, 0) < AT_LEAST} == {}
    assert {*of_tokens} == OF_TOKENS and {*of_commands} == OF_COMMANDS, "no rule is forgotten here"
