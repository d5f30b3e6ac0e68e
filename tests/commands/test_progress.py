"""How far runs are is told to whoever waits, on a terminal and in the log of a CI, and never where the answer is read."""

import io
import json
import sys
from threading import Thread

import pytest

from mmconform.campaign.work import Job, Outcome
from mmconform.commands import campaign, progress, runs
from mmconform.commands.cli import main
from mmconform.commands.progress import Progress
from mmconform.prove import prove
from mmconform.record import record
from mmconform.record.record import slug_of

RUNS = (Outcome(Job(("recorded:4.0.5", "recorded:4.1.2")), 0, "", {}), Outcome(Job(("http://x",)), 1, "", {}, "left it so\n"))


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have gone by, to be changed."""
    seconds = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: seconds[0])
    return seconds


# -- on a terminal -------------------------------------------------------------------------------------------------


def test_how_far_runs_are_is_one_line_of_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = Progress()
    for name, line in (("a", "....  [ 12%]\n"), ("b", ".. [  3%]\n"), ("a", "no share\n"), ("a", ". [100%]\n")):
        shown.learn(name, line)
    shown.end()
    told = capsys.readouterr().err
    assert [line for line in told.split("\r") if line.strip()] == ["a 12 %", "a 12 %   b 3 %", "b 3 %"]


def test_how_far_runs_are_leaves_nothing_behind_on_a_narrow_terminal(monkeypatch, capsys):
    """Whatever is written before the next carriage return stays on the line, and is covered before that is used again."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = Progress()
    for percent in (5, 50, 100):
        for name in ("recorded:4.0.5 and recorded:4.3.4", "recorded:4.1.2", "recorded:11.0.3"):
            shown.learn(name, f"... [{percent:3}%]")
    shown.end()
    told = capsys.readouterr().err
    screen = ""
    for part in told.split("\r"):
        assert len(part) < 40
        screen = part + screen[len(part) :]
    assert "recorded:4.0.5 and recorded:4.3.4 50 %" in told and not screen.strip()


def test_of_many_servers_it_is_told_how_many_are_done_and_how_far_the_runs_are(monkeypatch, capsys):
    """Nobody knew what "recorded:4.0.5 and 10 more 17 %" is a share of."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = Progress(22)
    shown.learn("recorded:4.0.5 and 10 more", "... [ 15%]")
    shown.finish(Outcome(Job(("recorded:11.0.3",)), 0, "", {}))
    shown.learn("recorded:4.1.2 and 9 more", "... [  3%]")
    shown.learn("recorded:4.0.5 and 10 more", "... [100%]")
    shown.finish(Outcome(Job(tuple(f"recorded:4.{n}" for n in range(11))), 0, "", {}))  # whose list follows: nothing stands in it
    shown.learn("recorded:4.1.2 and 9 more", "... [  9%]")
    shown.end()
    told = [line for line in capsys.readouterr().err.replace("\n", "\r").split("\r") if line.strip()]
    assert told == [
        "0 of 22 servers done; one run goes on, 15 % done",
        "recorded:11.0.3: done (1 of 22 servers)",
        "1 of 22 servers done; 2 runs go on side by side, 15 % and 3 % done",
        "1 of 22 servers done; one run goes on, 3 % done",
        "12 of 22 servers done; one run goes on, 9 % done",
    ]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "recorded:4.0"),
        (2, "recorded:4.0 and recorded:4.1"),
        (3, "recorded:4.0, recorded:4.1 and recorded:4.2"),
        (11, "recorded:4.0 and 10 more"),
    ],
)
def test_a_run_is_called_by_all_of_a_few_servers(number, name):
    """Whoever asks for three servers is told of each by its name: "and 1 more" helped nobody."""
    assert Job(tuple(f"recorded:4.{n}" for n in range(number))).name == name


def test_no_run_tells_how_far_it_is_between_the_line_that_is_taken_away_and_what_stands_there_instead(monkeypatch):
    """They are read by threads of their own: in two of three campaigns a table began behind such a line."""
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    shown = Progress(3)
    shown.learn("recorded:4.0.5", "... [ 15%]")
    other = Thread(target=shown.learn, args=("recorded:4.0.5", "... [ 16%]"))
    with shown.out_of_the_way():
        other.start()
        other.join(0.2)
        screen.write("a table\n")
    other.join()
    assert screen.getvalue().split("\r")[-1] == "a table\nrecorded:4.0.5 16 %"


def test_what_stays_stands_in_a_line_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = Progress(3)
    shown.learn(RUNS[0].job.name, "... [ 50%]")
    shown.finish(RUNS[0])
    assert capsys.readouterr().err.split("\r")[-1] == "recorded:4.0.5 and recorded:4.1.2: done (2 of 3 servers)\n"


# -- elsewhere -----------------------------------------------------------------------------------------------------


def test_elsewhere_it_is_a_plain_line_from_time_to_time(clock, capsys):
    shown = Progress(3)
    for seconds, percent in ((1, 3), (29, 10), (31, 40), (33, 41), (62, 80), (70, 100)):
        clock[0] = seconds
        shown.learn("recorded:4.0.5", f"...  [{percent:3}%]\n")
    shown.end()
    assert capsys.readouterr().err == "recorded:4.0.5 40 %\nrecorded:4.0.5 80 %\n"


def test_elsewhere_each_run_that_is_done_has_a_line_and_all_servers_are_counted(clock, capsys):
    shown = Progress(3)
    for outcome in RUNS:
        shown.finish(outcome)
    assert capsys.readouterr().err.splitlines() == [
        "recorded:4.0.5 and recorded:4.1.2: done (2 of 3 servers)",
        "left it so",
        "http://x: done (3 of 3 servers)",
    ]


@pytest.fixture
def played(record_of, tmp_path, monkeypatch):
    """Have runs say at once that all is well."""
    made = record_of("11.0.3")

    def played(jobs, submit):
        for job in jobs:
            for name in job.targets:
                record.write(tmp_path / slug_of(name) / record.NAME, made)
            yield Outcome(job, 0, "", {})

    for module in (campaign, runs, prove):
        monkeypatch.setattr(module, "play", played)
        monkeypatch.setattr(module, "REPORTS", tmp_path)
    monkeypatch.setattr(campaign, "join_neighbours", lambda *_: None)
    monkeypatch.setattr(prove, "_GOING_ON", tmp_path / "prove.json")


COMMANDS = {
    "compare": (
        ["compare", "5.36.1", "11.0.3", "--format", "json"],
        ["recorded:5.36.1: done (1 of 2 servers)", "recorded:11.0.3: done (2 of 2 servers)"],
    ),
    "campaign": (["campaign", "5.36.1"], ["running the suites on recorded:5.36.1 …", "recorded:5.36.1: done\n"]),
    "prove": (
        ["prove", "--format", "json", "-k", "RevokeUserAccessToken"],
        ["each with one flaw …", "the suites: 100%"],
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_takes_long_tells_a_log_in_plain_lines_and_its_output_stays_what_was_asked_for(
    command, played, clock, capsys, monkeypatch
):
    monkeypatch.setattr(progress, "_EVERY", 0)
    arguments, tells = COMMANDS[command]
    main(arguments)
    said = capsys.readouterr()
    for line in tells:
        assert line in said.err
    assert said.err.replace("\n", "").isprintable() and said.err.endswith("\n")
    assert not any(line in said.out for line in tells)
    if "json" in arguments:
        assert json.loads(said.out)


@pytest.mark.parametrize("targets", [("5.36.1",), ("5.36.1", "11.0.3"), ("5.36.1", "11.0.3", "4.0.5", "4.1.2")])
def test_a_campaign_ends_with_how_many_are_green(played, capsys, targets):
    assert main(["campaign", *targets]) == 0
    lines = capsys.readouterr().out.splitlines()
    (total,) = (line for line in lines if line.startswith(f"{len(targets)} of {len(targets)} green; the records are in "))
    assert len(lines) - lines.index(total) == (2 if len(targets) > 3 else 1), "what to do next, of many recordings"


def test_a_campaign_that_is_interrupted_says_what_is_kept_and_how_it_goes_on(played, capsys, monkeypatch):
    whole = campaign.play

    def interrupted(jobs, submit):
        yield next(whole(jobs, submit))
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "play", interrupted)
    assert main(["campaign", "5.36.1", "11.0.3", "--processes", "2"]) == 130
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("mmconform: interrupted: 1 of 2 servers is judged; records from before stay in ")
    )


@pytest.mark.parametrize("command", ["campaign", "report", "serve"])
def test_the_help_lists_the_status_of_an_interrupted_command_where_ctrl_c_ends_with_it(capsys, command):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert ("  130  interrupted by Ctrl-C" in capsys.readouterr().out) == (command != "serve")


def test_a_proof_that_is_interrupted_says_that_it_goes_on(played, capsys, monkeypatch):
    def interrupted(jobs, submit):
        raise KeyboardInterrupt

    monkeypatch.setattr(prove, "play", interrupted)
    assert main(["prove", "-k", "RevokeUserAccessToken"]) == 130
    assert capsys.readouterr().err.endswith("mmconform: interrupted: the same command goes on with what is not proved yet\n")
