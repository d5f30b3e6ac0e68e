"""The reference server: the suites pass on it, a tape can be made of it, and its flaws are noticed."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from mmconform.contract.clause import PRINCIPLES
from mmconform.errors import MisuseError
from mmconform.paths import CASSETTES, REPORTS, ROOT
from mmconform.prove import prove
from mmconform.prove.table import table
from mmconform.record.record import NAME, read
from mmconform.reference import app, golang, named
from mmconform.reference.mutants import MUTANTS
from mmconform.reference.server import Reference
from mmconform.servers.live.prepare import sign_in
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor
from mmconform.world.behaviours import differences, newest

#: One process after the other: runs of the reference server write one record.
pytestmark = pytest.mark.xdist_group("reference")

NEWEST = "11.0.3"


def footer(slug):
    return read(ROOT / "reports" / slug / NAME).footer


# -- whole runs ----------------------------------------------------------------------------------------------------


def test_the_plain_one_keeps_every_promise(run_pytest):
    """No deviation, not even a known one, and everything put back."""
    ran = run_pytest("-q", "--target", "reference", "-k", "matrix or switches")
    assert ran.returncode == 0, ran.stdout
    seen = footer("reference")
    assert seen.green and seen.new == seen.known == seen.errors == 0 and seen.kept > 40
    assert "left the server as it was" in ran.stdout
    assert list((ROOT / "reports" / "reference").glob("journal-*")) == []


def test_as_a_version_it_shows_that_versions_known_deviations(run_pytest):
    ran = run_pytest("-q", "--target", "reference@5.36.1", "-k", "paging or input")
    assert ran.returncode == 0, ran.stdout
    rows = read(ROOT / "reports" / "reference-5.36.1" / NAME).observations
    known = {row.signature for row in rows if row.standing == "known"}
    assert {"500 app.user_access_token.get_by_user.app_error", "500 app.user_access_token.save.app_error"} <= known


def test_a_tape_of_it_replays_as_it_was_recorded(run_pytest):
    """Recording, provisioning and cleaning up, on a server that is really there."""
    made = run_pytest("-q", "-p", "tests.fewer", "--target", "reference@4.0.5", "--record-mode=rewrite")
    assert made.returncode == 0, made.stdout
    assert "recorded reports/reference-4.0.5/tape" in made.stdout
    replayed = run_pytest("-q", "-p", "tests.fewer", "--target", "recorded:reference-4.0.5")
    assert replayed.returncode == 0, replayed.stdout
    live, taped = footer("reference-4.0.5"), footer("recorded-reference-4.0.5")
    assert (live.green, live.kept, live.known, live.skipped) == (taped.green, taped.kept, taped.known, taped.skipped)


OVER = """\
def pytest_runtest_teardown(item):
    if "regenerate" in item.nodeid:
        run = item.config.pluginmanager.get_plugin("mmconform")
        object.__setattr__(run.process.patience, "until", 0)
"""


def test_a_run_whose_time_is_over_says_so_and_tidies_up(run_pytest, tmp_path):
    """In the middle; that it was ended is an error, not a verdict."""
    (tmp_path / "over.py").write_text(OVER)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    given = ("--run-timeout", "600", "-k", "commands")
    ran = run_pytest("-q", "-p", "over", "--target", "reference", *given, PYTHONPATH=path)
    assert ran.returncode == 1, ran.stdout
    assert "the run took longer than 600 s (--run-timeout) and was ended" in ran.stdout
    seen = read(ROOT / "reports" / "reference" / NAME)
    assert seen.header.selection.endswith("stopped early") and not seen.footer.green
    assert seen.answers and seen.footer.new == 0 and seen.footer.errors > 0
    assert re.search(r"left the server as it was.*accounts deactivated", ran.stdout)
    assert list((ROOT / "reports" / "reference").glob("journal-*")) == []


LOST = """\
import os, signal

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))

def pytest_runtest_call(item):
    if not hasattr(item.config, "interrupted"):
        item.config.interrupted = True
        Finalized()
"""


def test_an_interrupt_that_python_drops_ends_the_run_all_the_same(run_pytest, tmp_path):
    """As it does in a finalizer; and it is no error."""
    (tmp_path / "lost.py").write_text(LOST)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    ran = run_pytest("-q", "-p", "lost", "--target", "reference", "-k", "commands", PYTHONPATH=path)
    assert ran.returncode == 2, ran.stdout
    assert "! Interrupted !" in ran.stdout and "process.py" not in ran.stdout + ran.stderr
    assert ran.stdout.count("interrupted: what the run has changed is undone") == 1 and "left the server as it was" in ran.stdout
    assert "1 passed" in ran.stdout and "Traceback" not in ran.stdout + ran.stderr


def test_flaws_are_noticed_by_exactly_the_clauses_that_are_declared(as_user):
    asked = "-k 'secret or SearchUserAccessTokens or (holds and GetUserAccessTokens)' -p tests.fewer"  # `make prove` asks all
    proved = as_user("mmconform", "prove", "-k", "tells-values", "--format", "json", PYTEST_ADDOPTS=asked)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    shown = {one["name"]: one for one in json.loads(proved.stdout)["mutants"]}
    assert len(shown) == 3 and all(one["killed"] for one in shown.values())
    assert shown["list-tells-values"]["by"] == ["GetUserAccessTokensForUser.secret"]


# -- its names -----------------------------------------------------------------------------------------------------


def test_plain_is_like_the_newest_and_keeps_the_documents():
    plain, old = named.app("reference", NEWEST), named.app("reference@5.36.1", NEWEST)
    assert (plain.version, plain.keeps_documents) == (Version(11, 0, 3), True)
    assert (old.version, old.keeps_documents) == (Version(5, 36, 1), False)
    assert not any(plain.does[name] for name, _, breaks in differences(plain.version) if breaks)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("reference@", "no version"),
        ("reference@x", "no version"),
        ("reference@3.9", "4.0 and later"),
        ("reference@99", f"reference@99: our data tell of versions to {newest()}, and nobody of a server of a later one"),
        ("reference:nothing", "no mutant `nothing`"),
        ("referenced", "unknown target"),
    ],
)
def test_a_wrong_name_is_told(name, told):
    with pytest.raises(MisuseError, match=told):
        named.app(name, NEWEST)


def test_a_wrong_target_is_one_line(run_pytest):
    ran = run_pytest("--target", "reference:nothing")
    assert ran.returncode == 2
    assert "no mutant `nothing`" in ran.stdout + ran.stderr and "Traceback" not in ran.stdout + ran.stderr


def test_without_a_tape_a_version_has_to_be_given():
    with pytest.raises(MisuseError, match="give reference@VERSION"):
        named.app("reference", "")


# -- serving -------------------------------------------------------------------------------------------------------


def test_serve_prints_how_to_judge_it_and_ends_when_interrupted():
    command = [sys.executable, "-m", "mmconform", "serve", "--target", "reference@5.36.1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        told = process.stdout.readline() + process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", told)[0]
        login, password = re.search(r"MM_ADMIN_LOGIN=(\S+) MM_ADMIN_PASSWORD=(\S+)", told).groups()
        token = sign_in(Client(url, Redactor(replaying=False)), ours=(login, password))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0 and token
        assert "Traceback" not in process.stderr.read()


def test_on_an_empty_server_the_first_account_is_the_administrators():
    with Reference(named.app("reference", NEWEST)) as server:
        client = Client(server.url, Redactor(replaying=False))
        with pytest.raises(MisuseError, match="logging in"):
            sign_in(client, ours=("root", "Passw0rd!"))
        assert sign_in(client, create_first_admin=True, ours=("root", "Passw0rd!"))
        made = client.send("POST", "/api/v4/users", persona="anonymous", json={"username": "b", "email": "b@x", "password": "p"})
        assert made.says == "403 api.user.create_user.no_open_server"


def test_the_port_that_is_taken_is_one_line(as_user):
    with Reference(named.app("reference", NEWEST)) as server:
        ran = as_user("mmconform", "serve", "--port", server.url.rpartition(":")[2])
    assert ran.returncode == 2 and "cannot be used" in ran.stderr


# -- its mutants ---------------------------------------------------------------------------------------------------


def test_there_are_enough_flaws_in_every_operation(contract):
    eleven = [one for one in MUTANTS.values() if not one.document]
    assert len(eleven) >= 50
    assert {one.operation for one in eleven} == {*contract.operations, "*"}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_says_what_is_wrong_and_what_has_to_notice(name):
    one = MUTANTS[name]
    promised = app.contract(one.document)
    assert re.fullmatch(r"\S.+[^.]\.", one.flaw), "one sentence"
    not_understood = {f"{remark.operation}.permission" for remark in promised.remarks if remark.reason is None}
    of_principles = {f"{operation}.{principle}" for operation in promised.operations for principle in PRINCIPLES}
    assert one.kills and one.kills <= set(promised.clauses) | (not_understood | of_principles if one.document else set())


def test_a_server_that_says_yes_to_everything_breaks_every_permission_and_every_session(contract):
    """But for WebRTC, which its version does not have."""
    asked = {c.id for c in contract.clauses.values() if c.rule in ("permission", "auth") and c.operation != "GetWebrtcToken"}
    assert asked <= MUTANTS["always-ok"].kills


def test_what_differs_from_the_declaration_is_told():
    proof = prove.Proof("get-tells-the-value", MUTANTS["get-tells-the-value"], frozenset({"CreateJob.status"}), 2)
    assert proof.is_killed and not proof.is_as_declared
    assert proof.difference == (
        "CreateJob.status failed, and is not declared; GetUserAccessToken.secret is declared, and did not fail; "
        "2 tests broke without a verdict"
    )


def test_what_is_published_is_about_the_mutants_there_are():
    """And says of each what it declares, so that it was made after both."""
    said = {one["name"]: one for one in prove.published()["mutants"]}
    assert list(said) == prove.chosen("")
    for name, one in ((name, MUTANTS[name]) for name in said):
        assert said[name]["as_declared"] and said[name]["flaw"] == one.flaw, name
        assert set(said[name]["by"]) == (frozenset() if one.blind else one.kills), name


def test_a_proof_tells_how_fast_it_was():
    name = "get-tells-the-value"
    proofs = [prove.Proof(name, MUTANTS[name], MUTANTS[name].kills, 0)]
    assert prove.as_json(proofs, "0" * 64, [90.04, 30], {name: set()})["seconds"] == {"mmconform": 90.0, "schemathesis": 30}
    told = table(proofs, [90, 30], {name: set()})
    assert "1 of 1 mutants noticed, 0 not as declared; 90 s, 0.7 faults found a minute" in told
    assert "plain Schemathesis notices 0 of them; 30 s, 0.0 faults found a minute" in told


@pytest.mark.parametrize("width", [80, 100])
def test_what_a_proof_says_fits_a_terminal_with_every_rule_beside_its_mutant(width):
    names = prove.chosen("")
    proofs = [prove.Proof(name, one := MUTANTS[name], frozenset() if one.blind else one.kills, 0) for name in names]
    told = table(proofs, [4800, 9600], {name: {("", "")} for name in names}, width).split("\n")
    assert max(map(len, told)) <= width
    said = " ".join(line.strip() for line in told)
    assert "regen-tells-an-empty-token: schema, effect, ◆" in said
    assert re.search(r"always-ok: status \(\d+\), .* permission \(\d+\), .* ◆", said), "several clauses of a rule are counted"
    assert [name for name in names if f" {name}" not in said] == []


# -- reading as Go does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("+1", 1), ("01", 1), ("-3", -3), ("", None), ("1.5", None), ("9" * 20, None)]
)
def test_numbers(text, value):
    assert golang.number(text) == value


def test_a_product_wraps_at_64_bits():
    assert golang.wrapped((2**63 - 1) * 60) < 0
    assert golang.wrapped(2**62 * 4) == 0


@pytest.mark.parametrize(
    ("body", "rest", "found"),
    [
        (b'{"a": "x", "b": 1}', True, {"a": "x"}),
        (b'{"a": "x", "b": 1}', False, {}),
        (b'{"a": null} trailing', False, {"a": ""}),
        (b"[]", True, {}),
        (b"", True, {}),
    ],
)
def test_maps_of_texts(body, rest, found):
    assert golang.texts(body, keeps_the_rest=rest) == found


def test_fields_count_in_any_case_and_null_is_nothing():
    assert golang.struct({"TERM": "x", "more": 1}, {"term": golang.TEXT}) == ({"term": "x"}, True)
    assert golang.struct({"term": 5}, {"term": golang.TEXT}) == ({}, False)
    assert golang.struct(None, {"term": golang.TEXT}) == ({}, True)


def test_what_a_run_that_was_killed_left_went_with_its_server(run_pytest):
    """Its port is another one each time: nobody would ever ask for what it has still to put back."""
    folder = REPORTS / "reference-4.0.5"
    left = [folder / f"journal-{name}.jsonl" for name in ("settings-abc123", "abc123-server")]
    folder.mkdir(parents=True, exist_ok=True)
    for path in left:
        path.write_text('{"what": "server", "url": "http://127.0.0.1:1"}\n', encoding="utf-8")
    done = run_pytest("--target", "reference@4.0.5", "-k", "test_since and CreateJob")
    assert "GREEN" in done.stdout, done.stdout
    assert not any(path.exists() for path in left)


def test_a_recording_of_a_part_is_refused_before_anything_is_made(run_pytest):
    """It was tidied up twice, the second time after its server had been ended, for which it waited minutes."""
    done = run_pytest("--target", "reference@4.0.5", "--record-mode=rewrite", "-k", "matrix")
    assert done.returncode == 2
    assert "a tape is recorded whole: leave out -k" in done.stdout + done.stderr
    assert "cleanup" not in done.stdout + done.stderr and "left the server" not in done.stdout
    assert not list(CASSETTES.glob(".recording-*"))
