"""Tapes of the whole API: asked for by their names alone, whole, without a text of anybody's, and judged anew by the document."""

import re
import shutil
from types import SimpleNamespace

import pytest

from mmconform.commands import runs
from mmconform.commands.cli import main
from mmconform.driving.generate import SEED
from mmconform.errors import MisuseError
from mmconform.judging import kept
from mmconform.paths import CASSETTES, ROOT
from mmconform.plugin import conformance
from mmconform.plugin.conformance import Conformance
from mmconform.record.record import find, slug_of
from mmconform.servers.target import recorded, resolve
from mmconform.wire.tape import tape

OFFICIAL = ROOT.parent / "shared" / "official" / "11.1.yaml"
NAMES = tape.every_whole()
EACH = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def tapes(tmp_path, monkeypatch):
    """Folders of tapes that hold labels and a cassette: two versions, of the newer one a tape of the whole API alone."""
    real = tape.read_label(CASSETTES / tape.newest())
    monkeypatch.setattr(tape, "CASSETTES", tmp_path)
    for name in ("98.0.0", "98.0.0/whole", "99.0.0/whole"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        file = "GetUser.json" if name.endswith("whole") else tape.WORLD
        (folder / file).write_text("{}\n", encoding="utf-8")
        version = name.partition("/")[0]
        label = {key: real[key] for key in real.keys() - {"format", "cassettes"}}
        label["server"] = {**real["server"], "name": version, "version": version}
        tape.write_label(folder, {**label, "described_by": "some/commit", "roles": {"system_user": ["create_team"]}})
    return tmp_path


def test_a_tape_of_the_whole_api_is_never_the_newest_a_neighbour_or_one_of_all(tapes):
    assert tape.every() == ["98.0.0"] and tape.newest() == "98.0.0" and tape.before("99.0.0") == tape.before("98.0.0") == ""
    assert tape.every_whole() == ["98.0.0/whole", "99.0.0/whole"] and tape.foreign() == []
    assert [one.name for one in resolve("recorded:all")] == [one.name for one in resolve("recorded")] == ["recorded:98.0.0"]
    there = r"there are 98\.0\.0; and, of the whole API, 98\.0\.0/whole, 99\.0\.0/whole"
    with pytest.raises(MisuseError, match=rf"^no tape of version `97`; {there}$"):
        resolve("recorded:97")


@pytest.mark.parametrize("name", ["recorded:99.0.0", "99", "v99.0"])
def test_who_asks_for_a_version_that_has_only_such_a_tape_is_told_its_name(tapes, name):
    with pytest.raises(MisuseError, match=r"there are 98\.0\.0; and, of the whole API, 98\.0\.0/whole, 99\.0\.0/whole$"):
        resolve(name)


@pytest.mark.parametrize("name", ["recorded:99.0.0", "99", "97.0/whole"])
def test_who_asks_for_a_record_of_a_version_that_is_on_no_tape_is_told_the_same(tapes, name, tmp_path):
    """Pages and notebooks named no version, and whoever asked for 11.1.0 did not learn of 11.1.0/whole."""
    with pytest.raises(MisuseError) as of_target:
        resolve(name)
    with pytest.raises(MisuseError) as of_record:
        find([name], tmp_path / "reports")
    assert f"no record `{name}`, and {of_target.value}; `pytest --target http" in str(of_record.value)


@pytest.mark.parametrize("name", ["99.0.0/whole", "v99.0.0/whole", "recorded:99.0.0/whole"])
def test_a_comparison_takes_its_bare_version_as_it_takes_any(tapes, monkeypatch, name):
    """What is compared is looked up before anything runs: the tape is found, and the other name is none."""
    ran = []
    monkeypatch.setattr(runs, "_job", lambda target, options: ran.append(target.name) or pytest.fail("run"))
    with pytest.raises(pytest.fail.Exception):
        runs.records_of([name], is_official=True)
    assert ran == ["recorded:99.0.0/whole"]
    with pytest.raises(
        MisuseError, match=r"^no tape of the whole API `97\.0\.0/whole`; there are 98\.0\.0/whole, 99\.0\.0/whole$"
    ):
        runs.records_of(["97.0.0/whole"])
    with pytest.raises(MisuseError, match=r"^part/whole: there is no record of a run"):
        runs.records_of(["part/whole"])


@pytest.mark.parametrize("options", [(), ("--spec=specs/small.yaml",)])
@pytest.mark.parametrize("arguments", [["compare", "98.0.0/whole", "99.0.0/whole"], ["compare", "--save", "x", "98.0.0/whole"]])
def test_nothing_runs_where_the_description_is_missing(tapes, arguments, options, monkeypatch, capsys):
    """It said of both that the suites run on them, and then that they cannot."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(runs, "play", lambda *_: pytest.fail("run"))
    assert main([*arguments, *options]) == 2
    said = capsys.readouterr().err
    assert "98.0.0/whole is judged by the official description, which is not in this repository: --spec=FILE, put" in said
    assert said.count("\n") == 1 and said.strip().endswith("docs/whole-api.md#get-the-description")


def test_it_is_asked_for_by_its_name(tapes):
    (found,) = resolve("recorded:99.0.0/whole")
    assert (found.name, found.slug, found.is_whole, found.is_recorded) == ("recorded:99.0.0/whole", "whole-99.0.0", True, True)
    assert found.told_roles == {"system_user": frozenset({"create_team"})} and str(found.version) == "99.0.0"
    assert slug_of("recorded:98.0.0/whole") == "whole-98.0.0" and not resolve("recorded:98.0.0")[0].is_whole
    with pytest.raises(
        MisuseError, match=r"^no tape of the whole API `97\.0\.0/whole`; there are 98\.0\.0/whole, 99\.0\.0/whole$"
    ):
        resolve("recorded:97.0.0/whole")


def test_a_tape_and_the_one_inside_it_are_told_apart(tapes):
    assert [*tape.cassettes(tapes / "98.0.0")] == [tape.WORLD] and [*tape.cassettes(tapes / "98.0.0/whole")] == ["GetUser.json"]
    (tapes / "98.0.0/whole/GetUser.json").write_text("[]\n", encoding="utf-8")
    assert recorded("98.0.0").tape == tapes / "98.0.0"
    with pytest.raises(MisuseError, match=r"whole/GetUser\.json: is not what was recorded"):
        recorded("98.0.0/whole")


def test_it_belongs_to_the_version_in_which_it_lies(tapes):
    shutil.move(tapes / "98.0.0/whole", tapes / "99.0.0/whole-of-98")
    shutil.rmtree(tapes / "99.0.0/whole")
    (tapes / "99.0.0/whole-of-98").rename(tapes / "99.0.0/whole")
    with pytest.raises(MisuseError, match=r"is the tape of 98\.0\.0, not of 99\.0\.0; give the folder its name back"):
        recorded("99.0.0/whole")


# -- those that there are ----------------------------------------------------------------------------------------------


@EACH
def test_it_says_what_was_recorded_and_where_the_description_is(name):
    label = tape.read_label(CASSETTES / name)
    part = label["part"]
    assert part["operations"] == len(label["cassettes"]) and part["operations"] < part["described"]
    assert re.search(r"[0-9a-f]{10}", label["described_by"]) and label["seed"] == SEED
    assert sum(len(kept.read(CASSETTES / name, file[:-5]).asked) for file in label["cassettes"]) == part["exchanges"]


#: Two words, an address that is none of ours, a machine.
SAYS = re.compile(r"[^\W\d_]\s+(?!redacted)[^\W\d_]|@(?!conformance\.invalid)|localhost:|127\.0\.0\.1|/root/|/tmp/")


def texts(node):
    if isinstance(node, dict):
        yield from node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from texts(child)
    elif isinstance(node, str):
        yield node


@EACH
def test_no_sentence_no_mail_address_and_no_machine_stands_on_it(name):
    """Of people, of the server, or of the description: in what was sent and answered no two words follow each other."""
    found = {}
    for file in tape.cassettes(CASSETTES / name):
        for _, exchange, _ in kept.read(CASSETTES / name, file[:-5]).asked:
            bodies = [exchange.body or b"", exchange.answer]
            said = [*texts([exchange.json_sent, exchange.json_or_none]), exchange.url]
            said += [body.decode() for body in bodies if body[:1] not in (b"{", b"[", b'"')]
            bad = [text for text in said if SAYS.search(text)]
            found |= {file: bad} if bad else {}
    assert found == {}


@EACH
def test_it_is_not_judged_by_our_own_documents(name, run_pytest):
    done = run_pytest("suites", f"--target=recorded:{name}")
    line = (
        f"recorded:{name} is judged by the official description, which is not in this repository: --spec=FILE, put together from"
    )
    assert done.returncode == 2 and line in done.stdout + done.stderr


@EACH
def test_all_of_it_is_green_by_the_description(name, run_pytest, tmp_path):
    if not OFFICIAL.is_file():
        described_by = tape.read_label(CASSETTES / name)["described_by"]
        pytest.skip(f"the description does not lie beside the checkout (shared/official/11.1.yaml); it is {described_by}")
    done = run_pytest("suites", f"--target=recorded:{name}", f"--spec={OFFICIAL}", f"--reports={tmp_path}", "-q")
    assert done.returncode == 0 and "GREEN" in done.stdout, done.stdout[-3000:]


def test_a_tape_of_the_whole_api_is_judged_apart(run_pytest):
    if not NAMES:
        pytest.skip("there is no such tape")
    done = run_pytest("suites", f"--target=recorded:{NAMES[0]}", "--target=recorded")
    assert done.returncode == 2 and "judged apart from those of our own operations" in done.stdout + done.stderr


@pytest.mark.skipif(len(NAMES) < 2 or not OFFICIAL.is_file(), reason="it takes two tapes of the whole API and their description")
def test_what_an_upgrade_changes_is_told_by_caller(capsys, monkeypatch):
    """Few lines for hundreds of operations; what the source shows of 11.0: Bleve is gone, channels have a default category."""
    monkeypatch.setenv("COLUMNS", "200")  # lines are folded to the terminal
    status = main(["compare", *(f"recorded:{name}" for name in NAMES[:2]), f"--spec={OFFICIAL}"])
    said = capsys.readouterr().out.splitlines()
    assert status == 1 and len(said) < 350
    assert said[-4].endswith("--format markdown") and said[-3].endswith("--output page.html"), "where all of it is told"
    assert "--operation=" in said[-1], "and what shows one of these changes"
    told = "\n".join(said)
    assert "▼ 1 operation gone\n    200, for system_admin: PurgeBleveIndexes" in told
    assert told.count("new operations") == 1 and "answer 404 api.context.404.app_error → 40" not in told
    assert "+ field default_category_name: absent → default_category_name: string, 11 operations" in told
    felt = dict(line.strip().split(": refused in ") for line in said if ": refused in " in line)
    assert {"guest", "system_admin"} <= felt.keys() and any("member" in who.split(", ") for who in felt)
    assert "PurgeBleveIndexes" in felt["system_admin"].partition("; served in")[0]


@pytest.mark.parametrize(("is_ended", "is_partly_unseen"), [(True, False), (True, True), (False, False), (False, True)])
def test_a_recording_is_kept_only_where_it_came_to_its_end_and_every_request_was_answered(
    monkeypatch, is_ended, is_partly_unseen
):
    """Else a tape would hold less than the server has to say, and nobody would know."""
    did = []
    recording = SimpleNamespace(drop=lambda: did.append("thrown away"))
    whole = SimpleNamespace(recording=recording, finish=lambda described_by: did.append("kept") or "recorded whole")
    run = SimpleNamespace(is_partly_unseen=is_partly_unseen)
    ending = Conformance.__new__(Conformance)
    ending.process = process = SimpleNamespace(recording=None, whole=whole, run=run, config=None, problems=[])
    monkeypatch.setattr(conformance, "option", lambda config, name: "a commit")
    ending._finish_tape(is_ended)
    assert did == (["kept"] if is_ended and not is_partly_unseen else ["thrown away"])
    assert [problem for problem in process.problems if "not answered" in problem] == process.problems
    assert bool(process.problems) == (is_ended and is_partly_unseen)
