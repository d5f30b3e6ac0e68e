"""The tables that notebooks are made of, the notebooks themselves, and what of them is committed."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import msgspec
import nbformat
import pytest

import mmconform
from mmconform.commands.cli import main
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.documents.merge import WHERE_OFFICIAL
from mmconform.errors import MisuseError
from mmconform.judging import deviations
from mmconform.judging.changes import compare, flat
from mmconform.notebooks import draw, execute, tables
from mmconform.notebooks.tables import RECORDS
from mmconform.paths import NOTEBOOKS, REPORTS, ROOT, SAVED
from mmconform.record.record import NAME, PREVIOUS, read, write
from mmconform.report.comparison import Page
from mmconform.report.page import page_data
from mmconform.report.summary import STATES, summarise
from mmconform.report.terminal import show
from mmconform.version import Version
from mmconform.wire.tape import tape
from mmconform.world.people import MADE, PERSONAS, PROBING
from tests import rows as lines
from tests.report.test_page import CONTRADICTION, probed

#: In one process: the records that all of them read are made once.
pytestmark = pytest.mark.xdist_group("notebooks")

VERSIONS = ("4.6.3", "11.0.3")
#: The operations of which the tests below need generated requests; to draw those of all takes three times as long.
ASKED = "CreateJob or CreateUserAccessToken or RegenCommandToken or GetWebrtcToken or SearchUserAccessTokens"
#: A run over two tapes, whose records go elsewhere.
_RUN = f"""
import sys

from mmconform.servers import target
target.resolve = lambda *_, **__: [target.recorded(version) for version in {VERSIONS}]
import pytest
suites = ["suites/generated", "suites/permissions/test_bots.py", "suites/permissions/test_commands.py"]
pytest.main(["-q", "--reports=" + sys.argv[1], *suites, "-k", "bots or with_the_permission or {ASKED}"])
"""


@pytest.fixture(scope="session")
def records():
    """The folder of two small records, which are also what the tables are about when no record is named."""
    REPORTS.mkdir(exist_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MM_", "PYTEST_"))} | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="for-tests-", dir=REPORTS) as place:
        run = subprocess.run([sys.executable, "-c", _RUN, place], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        folder = Path(place)
        assert sorted(path.parent.name for path in folder.rglob(NAME)) == sorted(VERSIONS), run.stdout
        os.environ[RECORDS] = place
        yield folder
        os.environ.pop(RECORDS)


# -- tables --------------------------------------------------------------------------------------------------------


def test_pandas_is_imported_by_those_only_who_ask_for_a_table():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, mmconform, mmconform.commands.cli; print({'pandas', 'matplotlib', 'nbclient'} & {*sys.modules})",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == "set()\n"


def test_every_table_has_the_columns_that_it_documents(records):
    tables = {
        "load": mmconform.load(),
        "answers": mmconform.answers(),
        "runs": mmconform.runs(),
        "states": mmconform.states(),
        "access": mmconform.access(),
        "timeline": mmconform.timeline(),
        "not_shown": mmconform.not_shown(),
        "clauses": mmconform.clauses(),
        "known_deviations": mmconform.known_deviations(),
        "exchanges": mmconform.exchanges("5.36.1", "CreateJob"),
    }
    for name, table in tables.items():
        _, _, told = getattr(mmconform, name).__doc__.partition("Columns: ")
        documented = re.findall(r"``(\w+)``", re.sub(r"\([^()]*\)", "", told.split("\n\n")[0].replace("``document``", "")))
        assert [c for c in table.columns if c not in documented] == [], name
        assert [c for c in documented if c not in table.columns] == [], name
        assert len(table) > 0, name


def test_observations_are_those_of_the_records_in_the_order_of_versions(records):
    table = mmconform.load()
    rows = [read(records / version / NAME).observations for version in VERSIONS]
    assert len(table) == sum(map(len, rows))
    assert list(table.version.cat.categories) == list(VERSIONS)
    assert table["count"].sum() == sum(row.count for of_one in rows for row in of_one)
    failed = table[table.outcome == "fail"]
    assert len(failed) and (failed.standing == "known").all() and failed.signature.all()
    only = mmconform.load(records / "4.6.3")
    assert only.version.unique().tolist() == ["4.6.3"]


#: What :func:`mmconform.answers` says that two servers are merged by.
QUESTION = ["request", "operation", "persona", "sent"]


def test_merged_answers_are_the_pairs_that_are_compared(records):
    """Each changed answer that a comparison counts is a row of the merged table, and so is each pair."""
    old, new = (read(records / version / NAME) for version in VERSIONS)
    compared = compare(build(load().document), old, new)
    answers = [frame for _, frame in mmconform.answers().groupby("version", observed=True)]
    pairs = answers[0].merge(answers[1], on=QUESTION, suffixes=("_old", "_new"))
    assert not (compared.off_before or compared.off_after) and len(pairs) == compared.pairs > 100
    assert not pairs.duplicated(QUESTION).any() and all(f"``{name}``" in mmconform.answers.__doc__ for name in QUESTION)
    says = pairs.assign(**{side: pairs[f"status_{side}"].astype(str) + " " + pairs[f"error_{side}"] for side in ("old", "new")})
    changes = [change for change in flat(compared.changes) if change.kind == "answer" and change.callers]
    for change in changes:
        of_it = says[(says.operation == change.operation) & (says.old.str.strip() == change.before)]
        shown = of_it[(of_it.new.str.strip() == change.after) & of_it.persona.isin(change.personas)]
        assert len(shown) == change.count, change
    assert changes


@pytest.mark.parametrize(("which", "sent"), [(["", "", ""], ["1", "1"]), (["in a", "in b", "in a"], ["other: in a (1)"] * 2)])
def test_what_a_later_version_is_asked_more_is_merged_with_nothing(record_of, tmp_path, which, sent):
    """By the number an administrator's answer would stand beside a member's, and one thing beside another."""
    asked = {"operation": "CreateJob", "about": "other"}
    member, more, admin = (
        {**asked, "persona": persona, "status": status, "which": about}
        for persona, status, about in zip(("member", "member", "system_admin"), (403, 401, 201), which, strict=True)
    )
    for name, rows in (("10.8.1", [member, admin]), ("11.0.3", [*([member, more] if not which[0] else [more, member]), admin])):
        write(tmp_path / name / NAME, record_of(name, answers=[{**row, "number": at} for at, row in enumerate(rows, 1)]))
    both = mmconform.answers(tmp_path)
    merged = both[both.version == "10.8.1"].merge(both[both.version == "11.0.3"], on=QUESTION)
    assert [*zip(merged.status_x, merged.status_y, merged.sent, strict=True)] == [(403, 403, sent[0]), (201, 201, sent[1])]


def test_who_may_do_what_is_as_the_documentation_says(records):
    access = mmconform.access()
    shipped = access[access.persona.isin(PERSONAS)]
    assert shipped.agrees.all() and set(shipped.documented) == set(shipped.answered) == {"allowed", "denied"}
    row = access[(access.operation == "CreateUserAccessToken") & (access.persona == "token_user") & (access.version == "4.6.3")]
    assert dict(zip(row.about, row.answered, strict=True)) == {"self": "allowed", "other": "denied"}
    absent = access[(access.operation == "GetUserAccessTokens") & (access.version == "4.6.3")]
    assert absent.empty, "an operation that a version has not cannot be asked"


@pytest.mark.parametrize("which", ["tapes", "probes", "whole"])
def test_who_may_is_told_as_the_page_tells_it(records, contract, known, record_of, tmp_path, which):
    """One and the other judged for themselves, and differed."""
    one = probed(record_of, as_shipped=which == "whole", **({"target": "recorded:11.0.3/whole"} if which == "whole" else {}))
    path = records / "11.0.3"
    if which != "tapes":
        write(tmp_path / NAME, one)
        path = tmp_path
    page = page_data(contract, [read(path / NAME)], known)["access"]
    access = mmconform.access(path)
    words = {"a": "allowed", "d": "denied", "b": "mixed", "o": "neither"}
    agrees = {"p": True, "k": False, "n": False, "u": None}
    told = [
        (row.operation, row.persona, row.about, row.answered, None if draw.pd.isna(row.agrees) else row.agrees)
        for row in draw.callers(access).itertuples()
    ]
    assert told == [
        (row["operation"], row["persona"], row["about"], words[row["answered"]], agrees[row["state"]]) for row in page
    ]
    by_roles = {(row["operation"], row["persona"], row["about"]): words[d] for row in page if (d := row["documented"]) != "-"}
    each = [((row.operation, row.persona, row.about), row.documented) for row in access.itertuples()]
    assert {(key, said) for key, said in each if key in by_roles} == set(by_roles.items())
    assert set(access.persona) >= set(PROBING if which != "tapes" else PERSONAS)
    str(draw.access(access))


def otherwise(access, observations, documented, answered, statuses):
    """Return who is told to have been answered otherwise than documented in such a way, and of whom a promise failed so."""
    told = access[(access.documented == documented) & (access.answered == answered)]
    failed = observations[observations.rule.isin(["auth", "permission"]) & (observations.outcome == "fail")]
    failed = failed[failed.status.isin(statuses)]
    assert told.agrees.eq(False).all() and (told.requests > 0).all()
    return ({*zip(frame.target, frame.operation, frame.persona, strict=True)} for frame in (told, failed))


REFUSED, SERVED = ("allowed", "denied", [401, 403]), ("denied", "allowed", [200, 201])


def test_who_was_refused_where_the_documentation_lets_them_in_is_a_filter_of_two_columns(records):
    """Of callers whom single tests make nothing was said to be documented, so that it found nobody."""
    told, failed = otherwise(mmconform.access(), mmconform.load(), *REFUSED)
    assert told == failed and {persona for _, _, persona in told} >= {"bot", "bot_editor"}


def test_a_record_of_an_earlier_release_says_what_it_cannot_tell(record_of, tmp_path, capsys):
    one = probed(record_of)
    refused = {"clause": "CreateJob.permission", "outcome": "fail", "standing": "new", "persona": "guest", "count": 3}
    evidence = {"status": 403, "expected": "served: guest has manage_jobs"}
    failed = lines.observations(
        {**msgspec.to_builtins(one.observations[0]), **refused, "rule": "permission", "evidence": evidence}
    )
    footer = msgspec.structs.replace(one.footer, observations=len(one.observations) + 1)
    answers = [msgspec.structs.replace(row, documented="") for row in one.answers]
    write(tmp_path / NAME, replace(one, observations=[*one.observations, *failed], answers=answers, footer=footer))
    access = mmconform.access(tmp_path)
    [row] = access[access.documented != "unknown"].itertuples()
    assert (row.persona, row.documented, row.answered, row.agrees, row.requests) == ("guest", "allowed", "denied", False, 3)
    assert "judged by an earlier release" in capsys.readouterr().err


def test_a_record_that_tells_nothing_of_who_may_says_so(record_of, tmp_path, capsys):
    write(tmp_path / NAME, record_of("9.11.2", target="http://nothing.test"))
    assert mmconform.access(tmp_path).empty
    assert capsys.readouterr().err.startswith("http://nothing.test: nothing is told of who may: no valid request ")


def test_the_timeline_tells_of_operations_that_came_and_went(records):
    timeline = mmconform.timeline()
    operations = timeline[timeline.kind == "operation"].set_index("operation").effect
    assert operations["GetWebrtcToken"] == "worse" and operations["SearchUserAccessTokens"] == "better"
    assert mmconform.timeline(records / "4.6.3").empty


def test_what_the_requests_do_not_show_is_what_a_comparison_tells_below(records, capsys):
    beside = mmconform.not_shown()
    assert main(["compare", *(str(records / version / NAME) for version in VERSIONS), "--format", "json"]) in (0, 1)
    assert beside.known.tolist() == json.loads(capsys.readouterr().out)["not_shown"]
    assert beside.personas.str.contains("editor").any(), "of whom only the later version was asked"


def test_what_the_requests_do_not_show_has_each_reason_that_is_told_of_it(records):
    """Most was said to be about callers as whom only one of the two could be asked."""
    changes, answers = mmconform.timeline(), mmconform.answers()
    came_or_went = set(changes[changes.kind == "operation"].operation.astype(str))
    asked = [set(zip(of.operation, of.persona, strict=True)) for _, of in answers.groupby("version", observed=True)]
    reasons = Counter()
    for row in mmconform.not_shown().itertuples():
        operations, personas = row.operation.split(", "), row.personas.split(", ")
        of_one = any(pair in asked[0] ^ asked[1] for pair in product(operations, personas))
        reasons["operation" if came_or_went & {*operations} else "caller" if of_one else "request"] += 1
    assert set(reasons) == {"operation", "caller", "request"}


def test_a_promise_that_is_no_longer_kept_is_in_the_timeline_as_in_a_comparison(records, tmp_path):
    """A notebook left these out, though its picture and a comparison had them."""
    one = read(records / "11.0.3" / NAME)
    kept = next(row for row in one.observations if row.rule == "schema" and row.outcome == "pass")
    others = (kept.clause, kept.persona)
    rows = [row for row in one.observations if (row.clause, row.persona) != others]
    rows.append(msgspec.structs.replace(kept, outcome="fail", standing="new", signature="another type", seen="another type"))
    footer = msgspec.structs.replace(one.footer, observations=len(rows))
    write(tmp_path / NAME, replace(one, observations=rows, footer=footer))
    [change] = mmconform.timeline(records / "11.0.3", tmp_path).to_dict("records")
    assert (change["clause"], change["kind"], change["personas"]) == (kept.clause, "promise", kept.persona)
    assert change["after"] == "broken: another type"
    [worse] = [table for table in shown_by("4-since-when", changes=[change | {"effect": "worse"}]) if "Worse" in table.caption]
    assert worse.frame.operation.tolist() == [kept.operation]


def shown_by(name, **given):
    """What the cells of a notebook show, in this process; with tables that were given instead of those that it makes."""
    names: dict[str, object] = {"display": lambda _: None}
    tables_ = []
    for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            *first, last = ast.parse(cell.source).body
            exec(compile(ast.Module(first, []), name, "exec"), names)
            names |= {key: draw.pd.DataFrame(rows) for key, rows in given.items() if key in names}
            if isinstance(last, ast.Expr):
                tables_.append(eval(compile(ast.Expression(last.value), name, "eval"), names))
    return [table for table in tables_ if isinstance(table, draw.Table)]


def test_who_was_given_more_is_among_those_for_whom_it_is_otherwise_than_documented(records):
    [table] = [table for table in shown_by("2-kept") if "otherwise than documented" in table.caption]
    seen = mmconform.load(records / "11.0.3")
    assert "slash_manager" in set(seen[(seen.outcome == "fail") & (seen.rule == "permission")].persona)
    assert "slash_manager" in set(table.frame.persona)


def test_whoever_is_served_in_a_test_that_gave_them_more_is_shown_with_that_test(records):
    """Else it looks like a hole: an outsider regenerates the token of a team's command."""
    [table] = [table for table in shown_by("6-explore") if table.caption == "RegenCommandToken in 5.36.1"]
    [row] = table.frame[(table.frame.persona == "outsider") & (table.frame.status == "200")].to_dict("records")
    assert "an_outsider_who_joins_as_administrator_gains_it" in row["in which tests"]


def of_a_live_server(source, to, **header):
    """A copy of a record that is of a server of somebody's own, whose header tells something else, as another seed."""
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    header = json.loads(lines[0]) | {"target": "http://127.0.0.1:8065", **header}
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text("".join([json.dumps(header) + "\n", *lines[1:]]), encoding="utf-8")


def test_records_of_other_requests_are_refused_and_do_not_come_between_others(records, tmp_path, monkeypatch):
    mine = tmp_path / "mine" / NAME
    of_a_live_server(records / "11.0.3" / NAME, mine, seed=99)
    with pytest.raises(MisuseError, match=r"^recorded:4\.6\.3, http://127\.0\.0\.1:8065 were asked different requests"):
        mmconform.timeline(records / "4.6.3", mine)
    monkeypatch.setenv(RECORDS, os.pathsep.join(map(str, (records / "4.6.3", mine))))
    assert mmconform.timeline().empty, "who names none, as a notebook, is not at fault"
    monkeypatch.setenv(RECORDS, str(records))
    three = mmconform.timeline(records / "4.6.3", mine, records / "11.0.3")
    assert three.astype(str).equals(mmconform.timeline().astype(str)) and len(three)


def test_a_tape_and_a_server_of_one_version_are_two_records_of_one_version(records, tmp_path, monkeypatch):
    mine = tmp_path / "mine" / NAME
    of_a_live_server(records / "11.0.3" / NAME, mine)
    alone = str(draw.versions(mmconform.answers(), mmconform.timeline(), mmconform.clauses()))
    monkeypatch.setenv(RECORDS, os.pathsep.join(map(str, (records, mine))))
    runs = mmconform.runs()
    assert runs.version.tolist() == [*VERSIONS, "11.0.3"] and runs.target.is_unique
    assert len(mmconform.load()) == len(mmconform.load(records)) + len(mmconform.load(mine))
    known = mmconform.known_deviations()
    assert str(draw.deviations(known, list(runs.version.astype(str)))) == str(draw.deviations(known, list(VERSIONS)))
    # What the two tell differently is no change from one version to the next.
    changes = mmconform.timeline(records / "4.6.3", records / "11.0.3").assign(older="11.0.3")
    both = draw.pd.concat([mmconform.timeline(), changes], ignore_index=True)
    both["version"] = draw.pd.Categorical(both.version, list(VERSIONS), ordered=True)
    assert str(draw.versions(mmconform.answers(), both, mmconform.clauses())) == alone


@pytest.fixture
def upgraded(records, tmp_path, monkeypatch):
    """One server at one address: kept twice as 4.6.3, and asked again as 11.0.3; by the names that find these records again."""
    SAVED.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="for-tests-", dir=SAVED) as kept,
        tempfile.TemporaryDirectory(prefix="for-tests-", dir=SAVED) as kept_again,
    ):
        files = [Path(kept) / NAME, Path(kept_again) / NAME, tmp_path / "now" / NAME]
        sources = [
            (VERSIONS[0], "2026-11-01T00:00:00Z"),
            (VERSIONS[0], "2026-11-02T00:00:00Z"),
            (VERSIONS[1], "2026-11-03T00:00:00Z"),
        ]
        for file, (version, started) in zip(files, sources, strict=True):
            of_a_live_server(records / version / NAME, file, started=started)
        monkeypatch.setenv(RECORDS, os.pathsep.join(map(str, files)))
        yield [Path(kept).name, Path(kept_again).name, str(files[2])]


def test_records_of_one_address_have_names_that_tell_them_apart_and_find_them_again(upgraded):
    """All were `http://127.0.0.1:8065`: tables added a server before its upgrade and after it together."""
    tables_ = [mmconform.load, mmconform.runs, mmconform.states, mmconform.answers, mmconform.access]
    for table in tables_:
        told = table()
        assert told.target.unique().tolist() == upgraded, table.__name__
        for name, version in zip(upgraded, (VERSIONS[0], *VERSIONS), strict=True):
            alone = table(name)
            assert set(zip(alone.target, alone.version, strict=True)) == {(name, version)}, table.__name__
            assert len(alone) == (told.target == name).sum() > 0
    assert mmconform.newest() == mmconform.newest(*upgraded) == upgraded[-1]
    assert mmconform.newest(*upgraded[:2]) == upgraded[1] and mmconform.newest(upgraded[0]) == upgraded[0]


def test_a_record_that_stands_alone_is_called_by_its_target(upgraded, monkeypatch):
    monkeypatch.setenv(RECORDS, str(SAVED / upgraded[0]))
    assert mmconform.runs().target.tolist() == ["http://127.0.0.1:8065"]
    assert mmconform.runs("http://127.0.0.1:8065", upgraded[0]).version.tolist() == [VERSIONS[0]], "both name the one"


def test_a_server_is_compared_with_what_it_was_before_its_upgrade(records, upgraded):
    """The notebook compared it with itself, since both are of one address."""
    taped = mmconform.timeline(records)
    for before, after in ((upgraded[0], upgraded[2]), (upgraded[1], upgraded[2])):
        changes, beside = mmconform.timeline(before, after), mmconform.not_shown(before, after)
        for table in (changes, beside):
            pair = table[["older_target", "target", "older", "version"]].drop_duplicates().astype(str)
            assert pair.to_numpy().tolist() == [[before, after, *VERSIONS]]
        assert changes[["operation", "effect", "before", "after"]].equals(taped[["operation", "effect", "before", "after"]])
    every = mmconform.timeline()
    assert set(zip(every.older_target, every.target, strict=True)) == {(upgraded[1], upgraded[2])}, (
        "the two of one version are alike"
    )
    captions = [table.caption for table in shown_by("4-since-when")]
    assert captions[1:3] == [f"{what} from {upgraded[1]} to {upgraded[2]}" for what in ("Changed", "Known as well")], (
        "of two that were kept the one that was asked last"
    )


@pytest.fixture
def kept(records, tmp_path, monkeypatch):
    """Where runs write there is a server that was upgraded, as it is now, and in what `--save` keeps as it was, and a copy."""
    monkeypatch.delenv(RECORDS)
    monkeypatch.setattr(tables, "REPORTS", tmp_path)
    now = tmp_path / "127.0.0.1-8065" / NAME
    of_a_live_server(records / VERSIONS[1] / NAME, now, selection="", started="2026-11-03T00:00:00Z")
    files = {name: tmp_path / SAVED.name / name / NAME for name in ("before", "copy", "of-another", "of-a-part")}
    of_a_live_server(records / VERSIONS[0] / NAME, files["before"], selection="", started="2026-11-01T00:00:00Z")
    of_a_live_server(now, files["copy"])
    of_a_live_server(now, files["of-another"], target="http://127.0.0.1:8066")
    of_a_live_server(records / VERSIONS[0] / NAME, files["of-a-part"], started="2026-11-02T00:00:00Z")
    return files["before"], now


def test_what_was_kept_of_a_server_before_its_upgrade_is_loaded_beside_what_it_is_now(kept, capsys):
    """Who kept it was told that there is no such record, and to keep it: after the upgrade."""
    runs = mmconform.runs()
    assert runs.target.tolist() == [*map(str, kept)] and runs.version.tolist() == [*VERSIONS]
    assert re.findall(r"^left out: (\S+): is of a part only", capsys.readouterr().err, re.MULTILINE) == [
        str(kept[0].parents[1] / "of-a-part" / NAME)
    ]
    assert mmconform.upgrade() == tuple(runs.target) and mmconform.newest() == str(kept[1])
    assert mmconform.runs("http://127.0.0.1:8065").version.tolist() == [VERSIONS[1]], "its address is what it is now"
    changes = mmconform.timeline()
    assert set(zip(changes.older_target, changes.target, strict=True)) == {mmconform.upgrade()}
    assert [table.caption for table in shown_by("4-since-when")][1] == f"Changed from {kept[0]} to {kept[1]}"
    broken = next(table.frame for table in shown_by("2-kept") if table.caption.startswith("Broken"))
    failed = mmconform.load(kept[1]).query("outcome == 'fail'")
    assert broken["count"].astype(int).sum() == failed["count"].sum() > 0


def test_after_a_way_back_a_server_is_what_was_asked_last_and_not_the_newer_that_was_kept(records, kept):
    of_a_live_server(records / VERSIONS[1] / NAME, kept[0], selection="", started="2026-11-01T00:00:00Z")
    of_a_live_server(records / VERSIONS[0] / NAME, kept[1], selection="", started="2026-11-03T00:00:00Z")
    assert mmconform.runs().target.tolist() == [str(kept[1]), str(kept[0])], "in the order of versions"
    assert mmconform.newest() == str(kept[1]) and mmconform.upgrade() == (str(kept[0]), str(kept[1]))


def test_what_was_kept_of_a_server_does_not_come_between_the_versions_of_others(records, kept, tmp_path):
    """It has settings of its own, which would be changes from one version to the next."""
    source = records / VERSIONS[0] / NAME
    server = json.loads(source.read_text(encoding="utf-8").splitlines()[0])["server"]
    for version in ("4.6.3", "5.36.1"):
        named = {**server, "name": version, "version": version}
        of_a_live_server(source, tmp_path / version / NAME, target=f"recorded:{version}", server=named, selection="")
    before, now = mmconform.upgrade()
    assert (before, now) == (str(kept[0]), str(kept[1])), "recordings are older and newer"
    frame = mmconform.timeline()
    assert set(zip(frame.older_target, frame.target, strict=True)) == {("recorded:5.36.1", now)}
    assert len(mmconform.timeline(before, now)) == len(frame) > 0
    (tmp_path / "5.36.1" / NAME).unlink()
    frame = mmconform.timeline()
    assert set(zip(frame.older_target, frame.target, strict=True)) == {("recorded:4.6.3", now), (before, now)}


def test_what_was_kept_and_was_asked_something_else_is_not_compared(records, kept):
    of_a_live_server(records / VERSIONS[0] / NAME, kept[0], selection="", seed=99, started="2026-11-01T00:00:00Z")
    assert mmconform.upgrade() == (str(kept[1]), str(kept[1]))


def with_switched_off(source, to, operation):
    """A copy of a record in which an operation was not asked, since it is switched off: of that nothing is judged."""
    one = read(source)
    off = {"outcome": "skip", "standing": "", "signature": "not-on-this-target", "seen": "switched off there: tokens"}
    is_off = {id(row) for row in one.observations if row.operation == operation and row.rule != "since"}
    rows = [msgspec.structs.replace(row, **off) if id(row) in is_off else row for row in one.observations]
    left = [row for row in one.answers if row.operation != operation]
    write(to, replace(one, observations=rows, answers=left))
    return to


def test_beside_what_is_wrong_stands_how_many_promises_were_judged_and_why_others_were_not(records, tmp_path, monkeypatch):
    """An empty table was called good news, of a server on which nearly nothing was asked."""
    mine = with_switched_off(records / "11.0.3" / NAME, tmp_path / "mine" / NAME, "CreateJob")
    monkeypatch.setenv(RECORDS, str(mine))
    tables_ = shown_by("2-kept")
    [judged] = [table for table in tables_ if table.caption.startswith("Who may do what")]
    states = mmconform.states()
    assert any(table.caption.endswith(" promises were judged: none") for table in tables_ if table.caption.startswith("New"))
    about = states[states.rule.isin(["auth", "permission"])]
    shown = about.state.isin(["new", "known", "pass"]).sum()
    assert 0 < shown < len(about) and judged.caption.endswith(f": {shown} of {len(about)} promises were judged")
    assert judged.frame.promises.sum() == len(about)
    off = judged.frame[judged.frame.why == "switched off there: tokens"]
    assert dict(zip(off.about, off.promises, strict=True)) == {
        rule: len(about[(about.operation == "CreateJob") & (about.rule == rule)]) for rule in ("auth", "permission")
    }
    though = draw.judged(about.assign(though_known=about.state == "pass"), mmconform.load(), "x").frame
    assert though[though.state == "kept though known"].promises.sum() == (about.state == "pass").sum() > 0


def test_where_a_caller_sent_nothing_the_table_says_why(records, tmp_path):
    mine = with_switched_off(records / "11.0.3" / NAME, tmp_path / "mine" / NAME, "CreateJob")
    answers, seen = mmconform.answers(mine), mmconform.load(mine)

    def why(operation, persona, seen=seen):
        theirs = answers[(answers.operation == operation) & (answers.persona == persona)]
        return draw.asked(theirs[["request", "status"]], seen, "asked", operation, persona).frame

    assert why("CreateJob", "member").to_numpy().tolist() == [["switched off there: tokens"]]
    assert why("RegenCommandToken", "nobody").to_numpy().tolist() == [["no test of this run sends one"]]
    as_shipped = seen[seen.persona.isin([*PERSONAS, "everyone"])]
    [[reasons]] = why("CreateJob", "editor", as_shipped).to_numpy().tolist()
    assert reasons.startswith("switched off there: tokens; nobody was given a permission") and "roles stay as they are" in reasons
    assert len(why("RegenCommandToken", "member")) > 1


def test_what_was_switched_off_is_named_where_it_is_not_compared(records, tmp_path, capsys):
    mine = with_switched_off(records / "11.0.3" / NAME, tmp_path / "mine" / NAME, "CreateJob")
    changes = mmconform.timeline(records / "4.6.3", mine)
    assert len(changes) and "CreateJob" not in set(changes.operation)
    said = capsys.readouterr().err
    assert said.startswith("from recorded:4.6.3 to recorded:11.0.3: Not compared: CreateJob: not judged on recorded:11.0.3")
    mmconform.timeline(records / "4.6.3", records / "11.0.3")
    assert capsys.readouterr().err == ""


def test_the_name_that_is_advised_to_keep_a_record_is_free(record_of, tmp_path, monkeypatch):
    """Who took the advised name was refused: a record is kept under it already."""
    monkeypatch.setattr(draw, "SAVED", tmp_path)
    advised = []
    for _ in range(3):
        shown = draw.between("http://x.test", "http://x.test", draw.pd.DataFrame(), "Changed").frame
        advised += re.findall(r"compare --save (\S+) http://x\.test`", str(shown.to_numpy()))
        write(tmp_path / advised[-1] / NAME, record_of("11.0.3", target="http://y.test"))
    assert advised == ["before", "before-2", "before-3"]


def test_no_notebook_adds_a_server_before_its_upgrade_and_after_it_together(records, upgraded):
    kept, broken = [table.frame for table in shown_by("2-kept") if re.match("Records|Broken", table.caption)]
    assert [*zip(kept.target, kept.version, strict=True)] == [*zip(upgraded, (VERSIONS[0], *VERSIONS), strict=True)]
    failed = mmconform.load(records / VERSIONS[1]).query("outcome == 'fail'")
    assert broken["count"].astype(int).sum() == failed["count"].sum() > 0


def test_a_tape_and_a_server_of_one_version_are_two_rows_of_what_all_were_asked(records, tmp_path, monkeypatch):
    mine = tmp_path / "mine" / NAME
    of_a_live_server(records / "11.0.3" / NAME, mine)
    monkeypatch.setenv(RECORDS, os.pathsep.join(map(str, (records / "11.0.3", mine))))
    for name, caption in (("3-who", "Answered as documented"), ("6-explore", "CreateJob by a member")):
        [table] = [table for table in shown_by(name) if table.caption == caption]
        assert [*table.frame.target] == [*mmconform.runs().target] and {*table.frame.version} == {"11.0.3"}


def test_a_record_that_stands_alone_is_not_compared_with_itself(upgraded, monkeypatch, capsys):
    monkeypatch.setenv(RECORDS, str(SAVED / upgraded[0]))
    _, *tables_, _ = shown_by("4-since-when")
    assert [table.caption for table in tables_] == [f"{what}: nothing to compare" for what in ("Changed", "Known as well")]
    for table in tables_:
        [[why]] = table.frame.to_numpy().tolist()
        assert why.endswith(f"`mmconform compare {upgraded[1]} http://127.0.0.1:8065` asks the same"), "it is kept already"
    assert "nothing is compared: here are no two records of the same requests" in capsys.readouterr().err


def in_every_state(contract, record, file, **documents):
    """How many promises are in each state, worst first, by each that counts them: tables, page, terminal and a comparison."""
    words = ("new", "in_error", "known", "kept", "skipped", "unobserved")
    run = mmconform.runs(file, **documents).iloc[0]
    states, (target,) = mmconform.states(file, **documents).state.tolist(), page_data(contract, [record], [])["targets"]
    said = show(contract, record, colour=False, width=200).rpartition(" promises: ")[2].replace("in error", "in_error")
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", said)}
    compared = Page(contract, record, record, compare(contract, record, record)).json()["states_before"]
    return {
        "runs": [int(run[word]) for word in words],
        "states": [states.count(state) for state in STATES],
        "page": [target[state] for state in STATES],
        "terminal": [counts.get(word, 0) for word in words],
        "compare": [compared.get(state, 0) for state in STATES],
    }


def seen_of(contract, version, asked, *, in_scope, **about):
    """A record of which half the promises of the operations that were asked were seen, in any state, and the others were not."""
    clauses = [clause for clause in contract.clauses.values() if clause.operation in asked][::2]
    kinds = [{"outcome": "pass"}, {"outcome": "fail", "standing": "known"}, {"outcome": "skip"}, {"outcome": "error"}]
    kinds.append({"outcome": "fail", "standing": "new"})
    told = {"persona": "member", "test": "suites/a/test_b.py::c", "count": 1, "signature": "x"}
    each = ({**told, "clause": c.id, "operation": c.operation, "rule": c.rule, **kinds[n % 5]} for n, c in enumerate(clauses))
    rows = lines.observations(*each)
    sent = {"reached": 0, "served": 0, "exercised": False, "in_scope": in_scope}
    operations = lines.operations(*({**sent, "operation": name, "sent": 9 * (name in asked)} for name in contract.operations))
    finished = {"errors": 0, "not_taped": 0, "is_whole": False, "finished": "2026-11-22T00:01:00Z"}
    footer = summarise(contract, Version.parse(version), rows, operations, [], **finished)
    header = lines.header(version, **{"spec": contract.digest, "clauses": len(contract.clauses), **about})
    return lines.make_record(header, rows, operations, footer)


@pytest.mark.parametrize("in_scope", [True, False], ids=["in scope", "of another version, or held back"])
@pytest.mark.parametrize("part", [1, 2], ids=["all asked", "a part asked"])
@pytest.mark.parametrize("target", ["recorded:11.0.3", "http://127.0.0.1:8065", "reference@11.0.3", "recorded:11.0.3/whole"])
def test_the_counts_of_a_record_are_all_promises_and_the_same_wherever_they_stand(tmp_path, target, part, in_scope):
    """Of operations that were asked, and that this version lacks or of which requests were held back, tables left some out."""
    documents = {"spec": ROOT / "specs" / "small.yaml"} if target.endswith("whole") else {}
    contract = build(load([*documents.values()], []).document)
    about = {"target": target, "documents": [f"--spec={spec}" for spec in documents.values()]}
    record = seen_of(contract, "11.0.3", [*contract.operations][::part], in_scope=in_scope, **about)
    write(tmp_path / "of.jsonl", record)
    found = in_every_state(contract, record, tmp_path / "of.jsonl", **documents)
    assert all(counts == found["states"] for counts in found.values()), found
    assert sum(found["runs"]) == record.header.clauses and found["runs"][-1]


def test_every_table_calls_a_version_by_its_name(records, tmp_path):
    """11.6.0-dev was 11.6.0 in each, which is another; the page and the commands had its name."""
    source, dev = records / "11.0.3" / NAME, tmp_path / "dev" / NAME
    server = json.loads(source.read_text(encoding="utf-8").splitlines()[0])["server"]
    named = {**server, "name": "11.6.0-dev", "version": "11.6.0"}
    of_a_live_server(source, dev, target="recorded:11.6.0-dev", server=named)
    both = records / "4.6.3", dev
    answers, timeline, runs = mmconform.answers(*both), mmconform.timeline(*both), mmconform.runs(*both)
    tables = [answers, runs, mmconform.load(*both), mmconform.states(*both), mmconform.access(*both)]
    assert [table.version.unique().tolist() for table in tables] == [["4.6.3", "11.6.0-dev"]] * len(tables)
    for table in (timeline, mmconform.not_shown(*both)):
        assert len(table) and set(zip(table.older, table.version, strict=True)) == {("4.6.3", "11.6.0-dev")}
    draw.versions(answers, timeline, mmconform.clauses())
    draw.deviations(mmconform.known_deviations(), list(runs.version.astype(str)))


def test_where_none_is_chosen_a_notebook_tells_of_the_newest_release_as_a_run_does(records, tmp_path, monkeypatch, capsys):
    """Of the reader's own servers, if there are any. 11.6.0-dev is the last record, and under development."""
    source, made = records / "11.0.3" / NAME, {}
    server = json.loads(source.read_text(encoding="utf-8").splitlines()[0])["server"]
    for name, target in (
        ("11.6.0-dev", "recorded:11.6.0-dev"),
        ("11.6.0-dev", "http://127.0.0.1:8066"),
        ("5.36.1", "http://127.0.0.1:8065"),
    ):
        made[target] = tmp_path / str(len(made)) / NAME
        of_a_live_server(source, made[target], target=target, server={**server, "name": name, "version": name.partition("-")[0]})
    dev, live_dev, live = made.values()
    assert mmconform.runs(records, dev).target.iloc[-1] == "recorded:11.6.0-dev"
    assert mmconform.newest(records, dev) == "recorded:11.0.3" == f"recorded:{tape.newest(['4.6.3', '11.0.3', '11.6.0-dev'])}"
    assert mmconform.newest(records, dev, live_dev) == "http://127.0.0.1:8066"
    assert mmconform.newest(records, dev, live_dev, live) == "http://127.0.0.1:8065"
    said = "http://127.0.0.1:8065 (5.36.1), of several servers the newest release, asked last; others are http://127.0.0.1:8066"
    assert said in capsys.readouterr().err, "nobody knows which of them was for throwing away"
    reference = tmp_path / "reference" / NAME
    of_a_live_server(source, reference, target="reference")
    assert mmconform.newest(records / "4.6.3", reference) == "recorded:4.6.3", "it is no news about Mattermost"
    assert mmconform.newest(dev) == "recorded:11.6.0-dev"
    monkeypatch.setenv(RECORDS, os.pathsep.join(map(str, (records, dev))))
    assert mmconform.newest() == "recorded:11.0.3"
    told = [(path.stem, cell.source) for path in execute.every() for cell in nbformat.read(path, as_version=4).cells]
    chooses = {stem for stem, source in told if "mmconform.newest(" in source or "mmconform.upgrade(" in source}
    assert chooses == {"2-kept", "3-who", "4-since-when"}
    assert not [stem for stem, source in told if "target.iloc[-1]" in source], "the last is not always a release"


def test_what_contradicts_a_principle_is_a_row_with_both_answers(record_of, tmp_path, capsys):
    one = record_of("11.0.3", target="http://127.0.0.1:8065")
    one.findings.extend(lines.findings(CONTRADICTION, {**CONTRADICTION, "field": "id", "standing": "gap", "evidence": []}))
    write(tmp_path / NAME, one)
    shown, bare = mmconform.findings(tmp_path).to_dict("records")
    assert (shown["operation"], shown["beside"], shown["principle"]) == ("GetUserAccessToken", "GetUserAccessTokens", "hidden")
    assert (shown["who"], shown["status"], shown["personas"]) == ("member's session", 200, "member")
    assert (shown["who_beside"], shown["status_beside"]) == ("nobody", 403)
    assert bare["standing"] == "gap" and draw.pd.isna(bare["status"]), "the record holds no answer"
    told = re.findall(r"``(\w+)``", mmconform.findings.__doc__.partition("Columns: ")[2].partition("Args")[0])
    assert sorted(told) == sorted(shown)
    capsys.readouterr()
    write(tmp_path / "none" / NAME, record_of("9.11.2"))
    assert mmconform.findings(tmp_path / "none").columns.tolist() == list(shown)
    assert capsys.readouterr().err.startswith("nothing contradicts a principle in recorded:9.11.2, or none was asked about")


def test_whole_live_records_are_loaded_by_default(records, tmp_path, monkeypatch):
    monkeypatch.delenv(RECORDS)
    monkeypatch.setattr(tables, "REPORTS", tmp_path)
    for version in VERSIONS:
        of_a_live_server(records / version / NAME, tmp_path / version / NAME, seed=7)
    part = tmp_path / "4.6.3" / NAME
    lines = part.read_text(encoding="utf-8").splitlines(keepends=True)
    assert json.loads(lines[0])["selection"], "the records here are of a part, which is not loaded unless it is named"
    with pytest.raises(MisuseError, match="is of a part only"):
        mmconform.runs()
    part.write_text("".join([json.dumps(json.loads(lines[0]) | {"selection": ""}) + "\n", *lines[1:]]), encoding="utf-8")
    assert mmconform.runs()[["target", "seed"]].to_numpy().tolist() == [["http://127.0.0.1:8065", 7]]


def test_where_the_last_run_is_of_a_part_or_without_end_the_one_from_before_is_loaded_and_named(
    records, tmp_path, monkeypatch, capsys
):
    """Once, however many tables ask for it; and whoever names that server is told the same as who names none."""
    monkeypatch.delenv(RECORDS)
    monkeypatch.setattr(tables, "REPORTS", tmp_path)
    for version in VERSIONS:
        source = (records / version / NAME).read_text(encoding="utf-8").partition("\n")
        header = json.dumps(json.loads(source[0]) | {"selection": ""})
        (tmp_path / version).mkdir()
        (tmp_path / version / PREVIOUS).write_text(f"{header}\n{source[2]}", encoding="utf-8")
    (tmp_path / "11.0.3" / NAME).write_bytes((records / "11.0.3" / NAME).read_bytes())
    assert mmconform.newest() == "recorded:11.0.3"
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in said] == [
        f"taken from before: {tmp_path / version / PREVIOUS}" for version in ("11.0.3", "4.6.3")
    ]
    assert "is of a part only" in said[0] and said[1].endswith("the last run came to no end, or goes on")
    assert [mmconform.runs(name).selection.tolist() for name in ("recorded:11.0.3", "11.0.3", "11.0")] == [[""]] * 3
    assert mmconform.runs(tmp_path / "11.0.3" / NAME).selection.iloc[0], "the part is what is named"
    assert capsys.readouterr().err == ""


@pytest.fixture
def of_others(records, tmp_path):
    """A record that was judged by a document of somebody's own, and that document: ours under another title."""
    mine = tmp_path / "mine.yaml"
    source = (ROOT / "specs" / "mattermost.yaml").read_text(encoding="utf-8")
    mine.write_text(re.sub(r"(?m)^(  title:).*$", r"\1 Mine", source, count=1), encoding="utf-8")
    digest = build(load([mine]).document).digest
    assert digest != build(load().document).digest
    path = tmp_path / "others" / NAME
    of_a_live_server(records / "11.0.3" / NAME, path, target="recorded:11.0.3", spec=digest, documents=[f"--spec={mine}"])
    return path, mine


def test_a_record_of_other_documents_is_loaded_with_these_and_the_refusal_says_how(of_others):
    path, mine = of_others
    named = re.escape(f'name its documents with spec="{mine}"')
    for table in (mmconform.load, mmconform.answers, mmconform.runs, mmconform.states, mmconform.access, mmconform.timeline):
        with pytest.raises(MisuseError, match=named):
            table(path)
        assert len(table(path, spec=mine)) or table is mmconform.timeline
    assert len(mmconform.load(path, spec=[str(mine)])) == len(mmconform.load(path, spec=mine))
    assert mmconform.newest(path, spec=mine) == "recorded:11.0.3"


def test_a_document_that_is_changed_between_two_cells_is_read_again(of_others, monkeypatch, tmp_path):
    """And one of the same name in another folder is another one."""
    path, mine = of_others
    monkeypatch.chdir(tmp_path)
    before = mmconform.clauses(mine.name)
    assert len(mmconform.load(path, spec=mine.name))
    mine.write_text(mine.read_text(encoding="utf-8").replace("RegenCommandToken", "RenewCommandToken"), encoding="utf-8")
    with pytest.raises(MisuseError, match="other documents"):
        mmconform.load(path, spec=mine.name)
    assert not mmconform.clauses(mine.name).equals(before)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(MisuseError, match=f"^mine.yaml: no such file or folder; looked in {tmp_path / 'empty'} and ") as told:
        mmconform.clauses(mine.name)
    assert str(told.value).endswith(f"; {WHERE_OFFICIAL}")
    with pytest.raises(MisuseError) as told:
        mmconform.load(spec="specs/small.yaml", overlay=mine.name)
    assert WHERE_OFFICIAL not in str(told.value), "an overlay is one's own"
    assert len(mmconform.clauses("specs/small.yaml")), "as records, documents are found from the checkout, too"


def test_of_other_documents_records_are_named(of_others, monkeypatch):
    monkeypatch.delenv(RECORDS)
    with pytest.raises(MisuseError, match="name the records that were judged by these documents"):
        mmconform.load(spec=of_others[1])


def test_what_is_left_out_is_told_with_what_loads_it(records, of_others, tmp_path, monkeypatch, capsys):
    """Whoever asks in Python was told a command."""
    path, mine = of_others
    monkeypatch.delenv(RECORDS)
    monkeypatch.setattr(tables, "REPORTS", tmp_path)
    whole = tmp_path / "4.6.3" / NAME
    of_a_live_server(records / "4.6.3" / NAME, whole, selection="")
    mmconform.runs()
    advice = re.search(
        r"was judged by other documents; to see it: mmconform\.(load\(.*\))$", capsys.readouterr().err, re.MULTILINE
    )
    assert advice and advice[1] == f'load("{path}", spec="{mine}")'


def test_the_help_of_every_table_tells_of_other_documents():
    for name in ("answers", "runs", "newest", "states", "access", "timeline"):
        assert "those of :func:`load`" in getattr(mmconform, name).__doc__
    assert 'load("recorded:11.1.0/whole", spec=' in mmconform.load.__doc__


def test_tab_completes_to_every_table_and_a_status_is_a_whole_number(records):
    assert {"load", "answers", "runs", "states", "access", "timeline", "send", "newest"} <= set(dir(mmconform))
    status = mmconform.load().status
    assert str(status.dtype) == "Int64" and status.isna().any() and status.dropna().between(200, 599).all()


def test_a_relative_path_is_that_of_who_wrote_it_or_of_the_checkout(records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from_checkout = (records / "4.6.3").relative_to(REPORTS.parent)
    assert mmconform.runs(from_checkout).version.tolist() == ["4.6.3"]
    (tmp_path / "cell.ipynb").write_text(
        nbformat.writes(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import mmconform; mmconform.runs().version.tolist()")])
        )
    )
    monkeypatch.chdir(records)
    [cell] = execute.execute(tmp_path / "cell.ipynb", [Path("4.6.3") / NAME]).cells
    assert cell.outputs[0]["data"]["text/plain"] == "['4.6.3']"


def test_a_tape_can_be_asked_for_one_persona():
    everybody = mmconform.exchanges("5.36.1", "RegenCommandToken")
    mine = mmconform.exchanges("5.36.1", "RegenCommandToken", "team_admin")
    assert 0 < len(mine) < len(everybody) and set(mine.persona) == {"team_admin"}
    assert mmconform.exchanges("recorded:5.36.1", "RegenCommandToken").equals(everybody), "as other tables call it"
    assert mmconform.exchanges("5.36", "RegenCommandToken").equals(everybody), "as runs take it"
    assert set(mine.method) == {"PUT"} and mine.url.str.fullmatch(r"/api/v4/commands/[a-z0-9]+/regen_token").all()
    assert (mine[mine.status == 200].error == "").all()


def test_each_command_that_a_comparison_tells_shows_what_it_says(records):
    """Of whom a test gives more than they have, or of a cookie, too: nobody stands on a tape under that name."""
    old, new = (read(records / version / NAME) for version in VERSIONS)
    contract = build(load().document)
    page = Page(contract, old, new, compare(contract, old, new))
    told = [(change["exchanges"], change["after"], change["run"]) for change in page.json()["changes"] if change["exchanges"]]
    assert len(told) > 5 and any(change["sent"] for change in page.json()["changes"])
    for call, after, _ in told:
        shown = eval(call, {"mmconform": mmconform})
        assert after in {f"{row.status} {row.error}".strip() for row in shown.itertuples()}, call
    tests = {shlex.split(command)[-1] for _, _, command in told}
    asked = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--target", f"recorded:{VERSIONS[1]}", *sorted(tests)]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert tests <= set(found.stdout.splitlines()), found.stdout


def test_one_cassette_can_be_asked_for():
    everybody = mmconform.exchanges("5.36.1", "RegenCommandToken")
    cassette = everybody.cassette[0]
    for name in (cassette, cassette.removesuffix(".yaml")):
        assert mmconform.exchanges("5.36.1", "RegenCommandToken", cassette=name).equals(
            everybody[everybody.cassette == cassette].reset_index(drop=True)
        )
    with pytest.raises(MisuseError, match=r"^no `none` on the tape of 5\.36\.1 with such requests"):
        mmconform.exchanges("5.36.1", "RegenCommandToken", cassette="none")


def test_what_stands_on_a_tape_of_the_whole_api_can_be_looked_at():
    """Numbered as a comparison names them, with what each was about."""
    (name, *_) = tape.every_whole()
    mine = mmconform.exchanges(name, "AddChannelMember", "member")
    everybody = mmconform.exchanges(name, "AddChannelMember")
    assert set(mine.persona) == {"member"} and list(everybody.number) == list(range(1, len(everybody) + 1))
    assert mine.url.str.fullmatch(r"/api/v4/channels/[^/]+/members").all() and {200, 201} & set(mine.status)
    assert "a private channel of others" in set(mine.which)
    one = mmconform.exchanges(name, "AddChannelMember", "member", cassette=mine.cassette[0])
    assert one.equals(mine[mine.cassette == mine.cassette[0]].reset_index(drop=True))
    with pytest.raises(MisuseError, match=f"no operation `AddChannel` on the tape {name}"):
        mmconform.exchanges(name, "AddChannel")


def test_what_a_bot_asked_with_its_token_is_the_bots(records):
    """The record says so too, whose judge knows who asked."""
    taped = mmconform.exchanges("11.0.3", "CreateUserAccessToken", "bot")
    assert len(taped) and taped.credential.str.startswith("bot's token").all()
    judged = mmconform.answers(records / "11.0.3")
    asked = judged[(judged.operation == "CreateUserAccessToken") & (judged.persona == "bot")]
    assert sorted(asked.status) == sorted(taped.status)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: mmconform.exchanges("5.36.1", "CreateUserAccessToken", "nobody_such"),
            "nobody on the tape of 5.36.1 asks CreateUserAccessToken as `nobody_such`; there are anonymous, member, token_user, "
            "other_token_user, team_admin, outsider, system_admin, bot",
        ),
        (
            lambda: mmconform.exchanges("5.36.1", "CreateUserAccessToken", "editor"),
            "nobody on the tape of 5.36.1 asks CreateUserAccessToken as `editor` (a token_user who was given edit_other_users: a",
        ),
        (lambda: mmconform.exchanges("5.36.1", "DeleteJob"), "no operation `DeleteJob`; there are GetUser"),
        (lambda: mmconform.exchanges("1.2.3", "CreateJob"), "no tape of version `1.2.3`; there are 4.0.5"),
        (lambda: mmconform.load("nowhere"), "no record `nowhere`"),
        (lambda: mmconform.send("GET", "/"), "no live server: set MM_URL"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_line(ask, message, monkeypatch):
    monkeypatch.delenv("MM_URL", raising=False)
    with pytest.raises(MisuseError) as raised:
        ask()
    assert str(raised.value).startswith(message)
    assert raised.value._render_traceback_() == [str(raised.value)]


def test_a_request_of_ones_own_goes_to_the_live_server(serve, monkeypatch):
    def answer(method, path, headers, body):
        known = {"/api/v4/system/ping": {"status": "OK"}, "/api/v4/config/client?format=old": {"Version": "5.36.1"}}
        said = known.get(path, {"id": "api.x.app_error", "heard": headers.get("Authorization"), "body": body.decode()})
        headers = [("X-Version-Id", "5.36.1.5.36.1.x"), ("Content-Type", "application/json")]
        return 200 if path in known else 403, headers, json.dumps(said).encode()

    server = serve(answer)
    monkeypatch.setenv("MM_URL", server.url)
    monkeypatch.setenv("MM_TOKEN", "abc")
    [row] = mmconform.send("PUT", "/api/v4/x", body={"a": 1}).to_dict("records")
    assert (row["method"], row["url"], row["status"], row["error"]) == ("PUT", "/api/v4/x", 403, "api.x.app_error")
    assert json.loads(row["answer"])["heard"] == "Bearer abc" and json.loads(row["answer"])["body"] == row["body"] == '{"a": 1}'


def test_rows_that_differ_in_one_column_only_can_be_joined():
    frame = draw.pd.DataFrame({"a": ["x", "y", "z"], "b": [1, 1, 2], "c": [True, True, False]})
    assert draw.table(frame, "", join="a").frame.to_numpy().tolist() == [["x, y", "1", "True"], ["z", "2", "False"]]
    both = draw.pd.DataFrame({"a": ["x", "x", "y"], "b": ["1, 2", "3", "4"], "c": [True, True, False]})
    assert draw.table(both, "", join=["a", "b"]).frame.to_numpy().tolist() == [["x", "1, 2; 3", "True"], ["y", "4", "False"]]


def test_known_deviations_tell_in_which_versions_as_the_command_does(capsys):
    """Spans, where a repair was carried back, and what is not known: the first and last version alone said more than is so."""
    table = mmconform.known_deviations()
    assert main(["deviations", "--format", "json"]) == 0
    assert table.when.tolist() == [entry["versions"] for entry in json.loads(capsys.readouterr().out)]
    assert table.when.str.contains("; from ").any() and table.when.str.contains("(not known", regex=False).any()
    book = nbformat.read(NOTEBOOKS / "5-disagree.ipynb", as_version=4)
    assert not [cell.source for cell in book.cells if re.search(r'"(since|until|versions)"', cell.source)]


def test_what_a_notebook_says_two_signatures_mean_is_of_one_known_deviation():
    """Somebody served who is not let in is written in two ways, by who saw it: one entry explains both."""
    table = mmconform.known_deviations()
    both = {"200, not denied", "200 without permission"}
    assert any(both <= set(of) for _, of in table.groupby("place").signature)
    book = nbformat.read(NOTEBOOKS / "2-kept.ipynb", as_version=4)
    for text in (" ".join(cell.source for cell in book.cells), (ROOT / "docs" / "words.md").read_text(encoding="utf-8")):
        assert all(f"`{signature}`" in text for signature in both)


def test_a_test_is_named_in_a_table_so_that_it_can_break():
    """A column of them was cut off where a notebook is a page."""
    shown = draw.table(draw.pd.DataFrame({"test": ["a_creator_who_administers_the_team_no_longer"]}), "")._repr_html_()
    assert "a_<wbr>creator_<wbr>who_<wbr>" in shown


def test_known_deviations_are_counted_as_everywhere(contract, known):
    assert mmconform.known_deviations().place.nunique() == len(deviations.by_entry(known))


# -- pictures ------------------------------------------------------------------------------------------------------


def test_a_table_shows_hostile_text_as_text(records):
    table = mmconform.load().head(1).assign(seen="<script>alert(1)</script>\x1b[2J&")
    shown = draw.table(table[["seen"]], "<b>")._repr_html_()
    assert "&lt;script&gt;alert(1)&lt;/<wbr>script&gt;\\u001b[2J&amp;" in shown and "&lt;b&gt;" in shown
    assert "<script" not in shown and "<b>" not in shown


def test_no_two_marks_of_a_picture_have_the_same_shape():
    """Colour alone tells nothing apart."""
    for marks in (value for name, value in vars(draw).items() if name.endswith("_MARKS")):
        shapes = [(mark.marker, mark.hollow, mark.size > 10) for mark in marks.values()]
        assert len(set(shapes)) == len(shapes)


def test_a_mark_means_the_same_in_every_picture_and_on_the_page():
    """What has the same shape has the same name; signs are those of the page."""
    meant = {}
    for marks in (value for name, value in vars(draw).items() if name.endswith("_MARKS")):
        for value, mark in marks.items():
            meant.setdefault((mark.marker, mark.hollow, mark.size > 10), set()).add(value)
    assert {shape: values for shape, values in meant.items() if len(values) > 1} == {}
    script = (ROOT / "mmconform" / "report" / "page.js").read_text(encoding="utf-8")
    signs = dict(re.findall(r'(\w): "(.)"', re.search(r"const SIGN = \{(.*)\};", script)[1]))
    assert draw.ACCESS_MARKS["allowed"].marker == f"${signs['a']}$" and draw.ACCESS_MARKS["mixed"].marker == f"${signs['b']}$"
    answers = [draw.ACCESS_MARKS[value].meaning for value in ("allowed", "denied", "mixed", "neither")]
    assert all(f'"{meaning}"' in script for meaning in answers)


def test_an_operation_is_marked_where_it_begins_and_not_where_it_was_before_all(records):
    clauses = mmconform.clauses()
    since = clauses.drop_duplicates("operation").since
    later = sum(bool(text) and Version.parse(text) > Version(4, 6, 3) for text in since)
    both = str(draw.versions(mmconform.answers(), mmconform.timeline(), clauses))
    assert 0 < later < sum(map(bool, since)) and f" {later} × documented minimum version" in both
    newer = str(draw.versions(mmconform.answers(records / "11.0.3"), mmconform.timeline(), clauses))
    assert "documented minimum version" not in newer


def test_what_is_switched_off_is_not_drawn_as_what_is_not_there(records):
    """Of a server that refused everybody nothing says which it is."""
    answers = mmconform.answers(records / "11.0.3")
    off = answers.assign(status=answers.status.where(answers.operation != "CreateJob", 501))
    assert "1 × nobody was served: not there, or switched off" in str(
        draw.versions(off[off.operation == "CreateJob"], mmconform.timeline().head(0), mmconform.clauses())
    )


def test_the_legend_of_requests_covers_none_of_their_counts(records):
    figure = draw.reach(mmconform.answers(records / "11.0.3")).figure
    figure.draw_without_rendering()
    [axes], [legend] = figure.axes, figure.legends
    assert axes.texts and not [text for text in axes.texts if legend.get_window_extent().overlaps(text.get_window_extent())]


def test_a_title_is_as_wide_as_its_picture_at_most(records):
    states = mmconform.states(records / "11.0.3").assign(though_known=True, target="http://mattermost.staging.example.org:8065")
    figure = draw.kept(states).figure
    figure.draw_without_rendering()
    [title] = [text for text in figure.texts if "Verified" in text.get_text()]
    assert title.get_window_extent().x1 <= figure.bbox.x1


def test_a_picture_says_in_words_what_it_shows(records):
    states = mmconform.states(records / "11.0.3")
    picture = draw.kept(states)
    data, told = picture._repr_png_()
    assert data.startswith(b"\x89PNG") and len(data) < 150_000
    known = states[states.state == "known"]
    assert (
        f"{len(known)} known" in told["alt"]
        and "on recorded:11.0.3; " in told["alt"]
        and "× broken, known and explained" in told["alt"]
    )


def test_what_was_kept_though_it_is_known_to_be_broken_is_told_and_drawn(records, tmp_path):
    """Of a record in which nothing of what is known was met, as of a server on which little may be asked."""
    one = read(records / "11.0.3" / NAME)
    left = [row for row in one.observations if row.standing != "known"]
    footer = msgspec.structs.replace(one.footer, observations=len(left))
    write(tmp_path / NAME, replace(one, observations=left, footer=footer))
    listed = deviations.load(build(load().document))
    known = {entry.clause for entry in listed if entry.is_in(Version(11, 0, 3)) and not entry.is_rare}
    expected = known & {row.clause for row in left if row.outcome == "pass"}
    states = mmconform.states(tmp_path)
    assert expected and set(states[states.though_known].clause) == expected
    assert set(states[states.though_known].state) == {"pass"}
    said = str(draw.kept(states))
    assert f"0 known, {len(expected)} kept though known on" in said and "known to be broken in this version, and not met" in said
    met = mmconform.states(records / "11.0.3")
    assert (met.state == "known").any() and not met[met.state == "known"].though_known.any()


def test_who_is_served_and_refused_is_drawn_as_both_with_a_ring_where_some_is_not_as_documented(records):
    """A refusal that should not be hid whatever else the same caller was served with; answers tell on what it hangs."""
    access = mmconform.access(records / "11.0.3")
    manager = access[(access.operation == "RegenCommandToken") & (access.persona == "slash_manager")]
    came = {(row.documented, row.answered) for row in manager.itertuples()}
    assert came == {("allowed", "allowed"), ("allowed", "denied"), ("denied", "denied")}
    assert "1 × both: some served, some refused, 1 × documentation and server disagree" in str(draw.granted(manager))
    kept = str(draw.granted(manager[manager.agrees]))
    assert ": 1 of 1 as documented" in kept and "disagree" not in kept
    wrong = manager[~manager.agrees]
    assert "1 × may not: was refused, 1 × documentation and server disagree" in str(draw.granted(wrong))
    answers = mmconform.answers(records / "11.0.3")
    asked = answers[(answers.operation == "RegenCommandToken") & (answers.persona == "slash_manager") & answers.valid]
    refused = asked[(asked.documented == "allowed") & (asked.status == 403)]
    assert len(refused) == wrong.requests.sum() and {"allowed", "denied"} <= set(asked.documented)


def test_those_have_no_column_to_whom_nobody_gave_anything(records):
    access = mmconform.access(records / "11.0.3")
    people = {*access.persona} & {*MADE}
    assert people and f"{len(people)} columns (persona)" in str(draw.granted(access))


def test_a_server_that_is_named_twice_differs_in_nothing_from_itself(records, tmp_path, monkeypatch):
    monkeypatch.setenv(RECORDS, str(records / "11.0.3"))
    assert mmconform.timeline("recorded:11.0.3", "recorded:11.0.3").empty


def test_where_nobody_was_given_anything_that_is_said_and_no_empty_picture_drawn(records):
    """On a server with people the notebook had two warnings of matplotlib, and a frame around nothing."""
    access = mmconform.access(records / "11.0.3")
    said = draw.granted(access[~access.persona.isin([*MADE])])._repr_html_()
    assert "On recorded:11.0.3 nobody was given a permission that their role does not hold" in said


# -- notebooks -----------------------------------------------------------------------------------------------------


def test_the_notebooks_run_on_the_readers_records(records, tmp_path, monkeypatch):
    """In one kernel, for time; each begins with nothing. (Each in its own: `plugin/test_canaries.py` has pages made of all.)

    The records are of two tapes, and of a server of the version of one of them.
    """
    monkeypatch.delenv("MM_URL", raising=False)
    mine = tmp_path / "mine" / NAME
    of_a_live_server(records / "11.0.3" / NAME, mine)
    committed = [nbformat.read(path, as_version=4) for path in execute.every()]
    cells = [cell for book in committed for cell in (nbformat.v4.new_code_cell("%reset -f"), *book.cells)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    (tmp_path / "all.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    done = iter(execute.execute(tmp_path / "all.ipynb", [records, mine]).cells)
    for path, book in zip(execute.every(), committed, strict=True):
        assert next(done).source == "%reset -f"
        ran = [next(done) for _ in book.cells]
        outputs = [output for cell in ran if cell.cell_type == "code" for output in cell.outputs]
        assert outputs and not [output for output in outputs if output.output_type == "error"], path.name
        assert shown(ran) == shown(book.cells), f"{path.name}: the committed outputs are of other cells: make pictures"


def shown(cells):
    """What kind of thing each cell shows."""
    return [[sorted(output.get("data", {"text": ""})) for output in cell.get("outputs", [])] for cell in cells]


def test_the_command_makes_pages_of_the_readers_own_records(records, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(execute, "every", lambda: [NOTEBOOKS / "2-kept.ipynb"])
    assert main(["report", str(records), "--notebook", "--output", str(tmp_path)]) == 0
    page = (tmp_path / "2-kept.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out == f"{tmp_path / '2-kept.html'}\n"
    assert "recorded:4.6.3" in page and 'alt="Verified' in page
    assert re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["'](?!data:)[^"']*""", page) == []


def test_a_notebook_that_fails_is_one_line(tmp_path):
    path = tmp_path / "broken.ipynb"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import mmconform; mmconform.load('nowhere')")])
    path.write_text(nbformat.writes(book))
    with pytest.raises(MisuseError, match=r"^broken\.ipynb: MisuseError: no record `nowhere`"):
        execute.execute(path, [])


# -- what is committed ---------------------------------------------------------------------------------------------


def test_there_are_six_notebooks():
    assert [path.stem.partition("-")[0] for path in execute.every()] == list("123456")


@pytest.mark.parametrize("path", execute.every(), ids=lambda path: path.stem)
def test_a_committed_notebook_was_executed_in_order_and_shows_what_github_can(path):
    """No error, no script that is needed, no machine of ours, no time."""
    text = path.read_text(encoding="utf-8")
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert len(book.cells) <= 13 and all(cell.source.count("\n") < 10 for cell in book.cells if cell.cell_type == "code")
    outputs = [output for cell in code for output in cell.outputs]
    assert all(output.output_type in ("display_data", "execute_result", "stream") for output in outputs)
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert kinds and kinds <= {"image/png", "text/html", "text/plain"}
    assert all(cell.outputs for cell in code)
    assert len(text) < 400_000
    assert not re.search(r"/(home|root|srv|tmp|work|Users)/|127\.0\.0\.1|0x[0-9a-f]{8}", text)
    assert "language_info" not in book.metadata and not any(cell.metadata for cell in book.cells)


def test_the_package_gives_just_the_tables_that_there_are():
    """It names them without importing them, and they cannot import it: the one list has to be the other."""
    assert list(mmconform._TABLES) == tables.__all__
