"""Runs side by side: each comes once, with the record that it would have alone, whoever is lost meanwhile."""

import os
import signal
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import msgspec
import pytest

from mmconform.campaign import play as campaign
from mmconform.campaign.places import place
from mmconform.campaign.play import join_neighbours, play, shares
from mmconform.campaign.work import Job, Outcome, Watch, fingerprint, work
from mmconform.commands import campaign as command
from mmconform.commands.campaign import EXAMPLE
from mmconform.commands.cli import main, parser
from mmconform.driving.generate import SEED
from mmconform.errors import MisuseError
from mmconform.paths import ROOT
from mmconform.prove import prove
from mmconform.record import record
from mmconform.record.record import slug_of
from mmconform.record.rows import Footer
from mmconform.reference.named import name_of
from mmconform.report import neighbours
from mmconform.report.neighbours import is_whole, side_by_side
from mmconform.servers.target import resolve
from mmconform.wire.tape import tape
from tests.rows import header, make_record

#: In one process: what these runs import, they share.
pytestmark = pytest.mark.xdist_group("campaign")
#: A small run, that is held where a test asks for it.
SMALL, TESTS = ("-p", "tests.held", "--tb=no"), ("suites/permissions/test_webrtc.py",)
JOBS = [Job((f"recorded:{version}",), SMALL, TESTS) for version in ("4.0.5", "4.1.2")]


@pytest.fixture
def reports(tmp_path, monkeypatch):
    """Where a campaign's records go."""
    for module in (campaign, prove):
        monkeypatch.setattr(module, "REPORTS", tmp_path / "reports")
    return tmp_path / "reports"


@pytest.fixture
def held(tmp_path, monkeypatch):
    """Have the first run held; it tells who waits for it, and itself."""
    folder = tmp_path / "held"
    folder.mkdir()
    for name in ("begun", "go"):
        os.mkfifo(folder / name)
    monkeypatch.setenv("HELD", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # a run looks for no module where it is called
    return folder


def hold_first(held):
    (held / "first").touch()


def begun(held):
    """Wait until the first run is held, and return the ids of its parent and of itself."""
    return [int(number) for number in (held / "begun").read_text().split()]


def records(reports):
    """What the records say, whenever it was."""

    def timeless(path):
        one = record.read(path)
        header, footer = one.header, one.footer
        header = msgspec.structs.replace(header, started="")
        return replace(one, header=header, footer=msgspec.structs.replace(footer, finished="", seconds=0))

    return {path.parent.name: timeless(path) for path in sorted(reports.rglob(record.NAME))}


@pytest.fixture(scope="module")
def alone(run_pytest, tmp_path_factory):
    """The records of the jobs, as pytest writes them."""
    folder = tmp_path_factory.mktemp("alone")
    targets = [f"--target={name}" for job in JOBS for name in job.targets]
    ran = run_pytest(*SMALL, *TESTS, *targets, "--reports", folder, HELD=folder)
    assert ran.returncode == 0, ran.stdout
    return records(folder)


# -- who is lost ---------------------------------------------------------------------------------------------------


def test_a_run_that_is_killed_is_done_again_and_counted_once(reports, held, alone):
    hold_first(held)
    with place(processes=2) as submit, ThreadPoolExecutor(1) as beside:
        outcomes = beside.submit(lambda: [*play(JOBS, submit)])
        _, run = begun(held)
        os.kill(run, signal.SIGKILL)
        assert sorted(outcome.job.targets for outcome in outcomes.result()) == sorted(job.targets for job in JOBS)
    assert records(reports) == alone and set(alone) == {"4.0.5", "4.1.2"}


def test_a_run_whose_worker_is_killed_is_done_again_by_another_and_counted_once(reports, held, alone):
    distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
    hold_first(held)
    quiet = {"dashboard_address": None, "silence_logs": 50}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", **quiet) as cluster,
        place(cluster.scheduler_address) as submit,
        ThreadPoolExecutor(1) as beside,
    ):
        outcomes = beside.submit(lambda: [*play(JOBS, submit)])
        worker, _ = begun(held)
        os.kill(worker, signal.SIGKILL)
        (held / "go").write_text("")  # the run that nobody waits for any more goes on
        assert sorted(outcome.job.targets for outcome in outcomes.result()) == sorted(job.targets for job in JOBS)
    assert records(reports) == alone


def test_whoever_leaves_a_campaign_ends_its_runs(reports, held):
    hold_first(held)
    with pytest.raises(KeyboardInterrupt), place(processes=1) as submit:
        running = [submit(job) for job in JOBS]
        begun(held)
        raise KeyboardInterrupt
    with pytest.raises(MisuseError, match="not begun any more"):  # what was killed is begun again, else
        running[0].result()
    assert running[1].cancelled() and not reports.exists()


def test_another_checkout_refuses_to_run_for_us():
    with pytest.raises(MisuseError, match="is of another version"):
        work(replace(JOBS[0], code="0" * 64))


def test_a_run_that_cannot_be_made_is_one_line(held):
    with pytest.raises(MisuseError) as told:
        work(Job(("recorded:1.2.3",), (), fingerprint()), Watch())
    assert str(told.value).startswith("the run on recorded:1.2.3 came to nothing: no tape of version `1.2.3`; there are 4.0.5")


def test_a_run_that_comes_to_nothing_leaves_the_records_where_they_are(reports):
    """And one that comes to something puts those of before beside its own, also where it has none for a target."""
    for version in ("4.0.5", "4.1.2", "4.3.4"):
        (reports / version).mkdir(parents=True)
        (reports / version / record.NAME).write_text("before", encoding="utf-8")

    def submit(job):
        future = Future()
        if job.name == "recorded:4.3.4":
            future.set_exception(MisuseError("asked for wrongly"))
        else:
            future.set_result(Outcome(job, 1, "", {"4.0.5": b"after"}))
        return future

    with pytest.raises(MisuseError, match="asked for wrongly"):
        [*play([Job(("recorded:4.3.4",))], submit)]
    [*play([Job(("recorded:4.0.5", "recorded:4.1.2"))], submit)]
    seen = {file.relative_to(reports).as_posix(): file.read_text("utf-8") for file in reports.glob("*/*")}
    assert seen == {
        "4.3.4/observations.jsonl": "before",
        "4.0.5/observations.jsonl": "after",
        "4.0.5/observations.previous.jsonl": "before",
        "4.1.2/observations.previous.jsonl": "before",
    }


# -- what it is to be played with ----------------------------------------------------------------------------------


def test_a_scheduler_that_is_not_there_is_one_line(closed_port, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    monkeypatch.setattr("mmconform.campaign.places._PATIENCE", 0.2)
    with pytest.raises(MisuseError, match="nobody answers there"), place(closed_port.replace("http", "tcp")):
        pass


def test_without_dask_it_is_said_how_to_have_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MisuseError, match=r"needs the extra `dask`.*requirements-dask\.lock"), place("tcp://127.0.0.1:1"):
        pass


FOOTER = {"green": True, "pass": 5, "known": 0, "new": 0, "skip": 0, "error": 0, "fixed": [], "changed": 0, "not_taped": 0}
FOOTER |= {"not_exercised": [], "unobserved": []}


@pytest.fixture
def judged(reports, monkeypatch):
    """Have runs say at once what came of them; those of these names are not green."""

    def judged(*red):
        def played(jobs, submit):
            for job in jobs:
                for name in job.targets:
                    version = slug_of(name)
                    footer = {**FOOTER, "green": version not in red, "not_taped": int(version in red)}
                    seen = make_record(header(version), [], [], msgspec.convert({"kind": "footer", **footer}, Footer))
                    record.write(reports / version / record.NAME, seen)
                yield Outcome(job, 0, "", {})

        for name, value in (("REPORTS", reports), ("play", played), ("join_neighbours", lambda *_: None)):
            monkeypatch.setattr(command, name, value)

    return judged


@pytest.mark.parametrize(("red", "tables"), [((), ["11.0.3"]), (("4.1.2",), ["11.0.3", "4.1.2"])])
def test_of_many_targets_only_the_newest_and_those_that_are_not_green_have_a_table(judged, capsys, red, tables):
    """The newest comes first, and each has its line: a screen is soon full."""
    judged(*red)
    versions = ("4.0.5", "4.1.2", "4.3.4", "11.0.3")
    assert main(["campaign", *(f"recorded:{version}" for version in versions), "--processes", "2"]) == bool(red)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("Mattermost ")] == tables
    assert [line.split()[0] for line in of_versions(lines)] == [*versions]
    assert [line for line in lines if " green; " in line] == [
        line for line in lines if line.startswith(f"{4 - len(red)} of 4 green")
    ]
    assert all(("RED  1 request not taped; " in line) == line.startswith(red or "none") for line in of_versions(lines))


def of_versions(lines):
    return [line for line in lines if line[:1].isdigit() and " of 96" in line]


def test_the_lines_of_versions_stand_in_their_order_whoever_judged_them_and_however_they_were_named(judged, capsys):
    """Neighbours are in different shares: 4.0.5, 4.3.4, … stood above 4.1.2."""
    judged()
    assert main(["campaign", "11.6.0-dev", "recorded:all", "--processes", "3"]) == 0
    versions = [line.split()[0] for line in of_versions(capsys.readouterr().out.splitlines())]
    assert versions == tape.every()


def test_a_version_waits_for_those_before_it_and_no_other_server_does(judged, capsys):
    judged()
    names = ["recorded:5.0.3", "recorded:4.1.2", "reference@5.36.1", "recorded:4.0.5"]
    assert main(["campaign", *names, "--processes", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if " of 96" in line] == ["reference-5.36.1", "4.0.5", "4.1.2", "5.0.3"]


def test_the_list_of_all_recordings_and_what_to_do_next_fit_one_screen_but_for_a_line_or_two(
    judged, reports, capsys, monkeypatch
):
    """Of 80 columns; what follows is the line of the page."""
    monkeypatch.setenv("COLUMNS", "80")
    judged()
    main(["campaign", "recorded:all"])
    lines = capsys.readouterr().out.splitlines()
    last = lines[lines.index(of_versions(lines)[0]) :]
    *versions, total, what_next = (line.replace(str(reports), "reports") for line in last)
    assert max(map(len, [*versions, total, what_next])) <= 80 and len(versions) == len(tape.every())
    assert total.endswith(" green; the records are in reports (a page of them: `mmconform report`)")
    assert what_next == f"next: `pytest --target {tape.newest()}` shows one's table, `pytest --target URL` yours"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["1.2.3"], "no tape of version `1.2.3`"),
        (["nonsense"], "unknown target `nonsense`"),
        (["recorded", "--processes", "0"], "--processes 0: at least one"),
    ],
)
def test_a_campaign_that_cannot_begin_is_one_line(capsys, arguments, says):
    assert main(["campaign", *arguments]) == 2
    told = capsys.readouterr().err
    assert says in told and told.count("\n") == 1


def test_targets_and_tests_may_stand_between_options():
    """So a line that repeats a failure names them."""
    words = ["--spec=a b.yaml", "-k", "word", "suites/a.py::test[b]", "--disruptive", "http://y"]
    told = parser().parse_args(["campaign", "http://x", *words])
    assert told.targets == ["http://x", "suites/a.py::test[b]", "http://y"]
    assert (told.spec, told.k, told.disruptive) == (["a b.yaml"], "word", True)


def test_what_a_campaign_does_not_know_it_refuses(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["campaign", "http://x", "--nonsense", "suites/a.py"])
    assert "unrecognized arguments: --nonsense" in capsys.readouterr().err


def test_every_campaign_that_is_an_example_is_understood():
    lines = EXAMPLE.split("\n")
    assert len(lines) > 2
    for line in lines:
        assert parser().parse_args(line.split()[1:]).targets


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_shares_hold_every_name_once(number):
    names = ["a", "b", "c", "d", "e"]
    parts = shares(names, number)
    assert sorted(name for part in parts for name in part) == names and len(parts) == min(number, 5)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("name", ["recorded:5.36.1", "recorded", "5.36"])
def test_the_place_of_a_record_is_known_before_its_target_is_there(name):
    (target,) = resolve(name)
    assert slug_of(target.name) == target.slug


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("http://127.0.0.1:8065", "127.0.0.1-8065"),
        ("https://chat.example.org/team/api/v4/", "chat.example.org-team"),
        ("reference@5.36.1", "reference-5.36.1"),
        ("recorded:reference-5.36.1", "recorded-reference-5.36.1"),
    ],
)
def test_the_place_of_a_record(url, slug):
    assert slug_of(url) == slug


# -- neighbours ----------------------------------------------------------------------------------------------------

ANSWER = {"operation": "CreateJob", "persona": "member", "about": "self"}


@pytest.fixture
def apart(reports, record_of):
    """Records of two neighbouring versions, which say something else of the same request."""
    for version, status in (("5.0.3", 403), ("5.5.3", 400)):
        answers = [{**ANSWER, "status": status}]
        made = record_of(version, answers=answers, seed=SEED, target=f"recorded:{version}")
        record.write(reports / version / record.NAME, made)
    return reports


def test_versions_that_were_run_apart_are_compared_afterwards(apart, contract):
    join_neighbours(contract, [Job(("recorded:5.0.3",)), Job(("recorded:5.5.3",))])
    older, newer = (record.read(apart / version / record.NAME) for version in ("5.0.3", "5.5.3"))
    assert not older.changes
    assert [(c.against, c.before, c.after, c.standing) for c in newer.changes] == [("recorded:5.0.3", "403", "400", "new")]
    assert newer.footer.changed == 1 and not newer.footer.green


def test_a_run_over_both_has_compared_them_itself(apart, contract):
    join_neighbours(contract, [Job(("recorded:5.0.3", "recorded:5.5.3"))])
    assert not record.read(apart / "5.5.3" / record.NAME).changes


def test_part_of_a_run_is_compared_with_nothing(record_of):
    def whole_run(seen):
        return is_whole(seen.header, seen.footer.left_out)

    whole = record_of("5.5.3", seed=SEED)
    assert whole_run(whole)
    assert not whole_run(record_of("5.5.3", seed=SEED, selection="-k x")) and not whole_run(record_of("5.5.3", seed=SEED + 1))
    assert not whole_run(replace(whole, footer=msgspec.structs.replace(whole.footer, left_out=("1 test",))))


def since(contract, *records):
    return [
        (told.footer.against, [(c.before, c.after, c.standing) for c in told.changes])
        for told in side_by_side(contract, [], records)
    ]


def test_records_that_no_run_was_over_are_compared_where_they_stand_side_by_side(record_of, contract):
    """A page of two versions that are no neighbours said that nothing had changed, and `compare` that something had."""

    def at(version, status, **header):
        answers = [{**ANSWER, "status": status}]
        return record_of(version, answers=answers, **{"seed": SEED, "target": f"recorded:{version}", **header})

    first, middle, last = at("5.0.3", 403), at("5.5.3", 403), at("5.6.5", 400)
    changed = [("403", "400", "unjudged")]
    assert since(contract, first, middle, last) == [("", []), ("recorded:5.0.3", []), ("recorded:5.5.3", changed)]
    assert since(contract, first, last) == [("", []), ("recorded:5.0.3", changed)]
    told = neighbours.beside(contract, [], middle, last)
    assert since(contract, middle, told) == [("", []), ("recorded:5.5.3", [("403", "400", "new")])]
    assert since(contract, first, told) == [("", []), ("recorded:5.0.3", changed)]
    [*_, beside_another] = side_by_side(contract, [], [first, told])
    assert beside_another.footer.changed == 1 and not beside_another.footer.green


@pytest.mark.parametrize("header", [{"seed": SEED + 1}, {"selection": "-k x"}])
def test_what_was_asked_otherwise_is_compared_with_nothing_where_it_stands_beside(record_of, contract, header):
    older = record_of("5.0.3", answers=[{**ANSWER, "status": 403}], seed=SEED)
    newer = record_of("5.5.3", answers=[{**ANSWER, "status": 400}], **{"seed": SEED, **header})
    assert since(contract, older, newer) == [("", []), ("", [])]


# -- a proof -------------------------------------------------------------------------------------------------------

NAMES = prove.chosen("")[:5]


@pytest.fixture
def proved(reports, record_of, monkeypatch):
    """Prove with runs that say that all is well, and that break off after so many; returns what was run."""
    monkeypatch.setattr(prove, "_GOING_ON", reports / "prove.json")
    monkeypatch.setattr(prove, "_SHARE", 2)
    ran, made = [], record_of("11.0.3")

    def proved(names=NAMES, most=99, code="a"):
        def played(jobs, submit):
            for number, job in enumerate(jobs):
                if number == most:
                    raise MisuseError("the run broke off")
                ran.append(job)
                for name in job.targets:
                    record.write(reports / slug_of(name) / record.NAME, replace(made, observations=[], answers=[]))
                yield Outcome(job, 0, "", {})

        monkeypatch.setattr(prove, "play", played)
        monkeypatch.setattr(prove, "fingerprint", lambda: code)
        before = len(ran)
        try:
            return [proof.name for proof in prove.prove(names)[0]], ran[before:]
        except MisuseError:
            return None, ran[before:]

    return proved


def targets(jobs):
    return sorted(name for job in jobs for name in job.targets)


def test_a_proof_that_broke_off_goes_on_where_it_ended(proved):
    proofs, ran = proved(most=2)
    assert proofs is None and 0 < len(targets(ran)) < len(NAMES) and max(len(job.targets) for job in ran) <= 2
    proofs, more = proved()
    assert proofs == NAMES
    assert targets(ran + more) == sorted(map(name_of, NAMES)), "each once"


def test_what_other_code_had_done_is_done_again_and_so_is_what_was_asked_for_anew(proved):
    proved(most=1, code="b")
    assert targets(proved()[1]) == sorted(map(name_of, NAMES))
    assert targets(proved()[1]) == sorted(map(name_of, NAMES))


def test_of_what_was_done_a_record_that_is_gone_is_done_again(proved, reports):
    _, ran = proved(most=2)
    gone = targets(ran)[0]
    (reports / slug_of(gone) / record.NAME).unlink()
    assert gone in targets(proved()[1])


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"code": "a"}', '{"code": "a", "names": 5, "seconds": 1}', '{"code": []}'])
def test_notes_that_are_broken_are_none(proved, reports, text):
    reports.mkdir()
    (reports / "prove.json").write_text(text)
    assert targets(proved()[1]) == sorted(map(name_of, NAMES))


SAYS = """\
.......                                                                  [100%]
================================= conformance ==================================
  GREEN  verified 24 of 96 promises: 22 kept, 2 known, 0 new, 72 skipped
  record: reports/a/observations.jsonl

made anew after LogOut by member: member signed out
left the server as it was (but accounts can only be deactivated, teams archived, and messages among these accounts stay); \
of what the run made: 1 command deleted
=========================== short test summary info ============================
113 passed in 3.05s
"""


@pytest.mark.parametrize(("target", "is_told"), [("http://127.0.0.1:8065", True), ("recorded:4.0.5", False)])
@pytest.mark.parametrize("summed_up", [True, False])
def test_how_a_run_left_a_live_server_comes_back_with_it(monkeypatch, target, is_told, summed_up):
    """Whoever compares a server is told what was made there, as whoever runs pytest is."""
    says = SAYS if summed_up else "".join(line for line in SAYS.splitlines(keepends=True) if "short test summary" not in line)
    monkeypatch.setattr("mmconform.campaign.work.command", lambda job, folder: [sys.executable, "-c", f"print({says!r}, end='')"])
    left = work(Job((target,))).left
    assert left.splitlines() == (SAYS.splitlines()[5:7] if is_told else [])
