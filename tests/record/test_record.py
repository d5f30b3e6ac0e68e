"""The record of a run: whole or refused, line by line as its schema says."""

import json
import re
from dataclasses import replace

import msgspec
import pytest
from jsonschema import Draft202012Validator

from mmconform.errors import MisuseError
from mmconform.record import record
from mmconform.record.rows import FindingRow, json_schema
from tests.rows import header, make_record

HEADER = header()
OPERATION = {"operation": "A", "in_scope": True, "sent": 3, "reached": 2, "served": 1, "exercised": True}
OBSERVATION = {
    "clause": "A.status",
    "operation": "A",
    "rule": "status",
    "persona": "member",
    "test": "suites/a.py::test_ä",
    "outcome": "pass",
    "count": 2,
}
FAILURE = {
    **OBSERVATION,
    "outcome": "fail",
    "standing": "new",
    "signature": "500 x",
    "seen": "…",
    "evidence": {"url": "/a"},
}
ANSWER = {
    "request": "a/b",
    "number": 1,
    "operation": "A",
    "persona": "member",
    "about": "self",
    "valid": True,
    "status": 200,
    "error": "",
    "fields": {"id": "string"},
}
FOOTER = {
    "green": False,
    "pass": 1,
    "known": 0,
    "new": 1,
    "fixed": [],
    "skip": 0,
    "error": 0,
    "not_taped": 0,
    "not_exercised": [],
    "left_out": [],
    "not_met": [],
    "unobserved": ["A.media"],
    "changed": 0,
    "finished": "2026-11-22T00:00:01Z",
}
LINES = {"operations": 1, "observations": 2, "answers": 1, "changes": 0}


@pytest.fixture
def path(tmp_path):
    """A record of two observations and an answer."""
    path = tmp_path / record.NAME
    record.write(path, make_record(HEADER, [OBSERVATION, FAILURE], [OPERATION], FOOTER, [ANSWER]))
    return path


def refusal(path):
    with pytest.raises(MisuseError) as caught:
        record.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(path))


def edited(path, number, **changes):
    """The record with some values of a line changed, or (None) taken away."""
    lines = path.read_text(encoding="utf-8").splitlines()
    row = {**json.loads(lines[number]), **changes}
    lines[number] = json.dumps({key: value for key, value in row.items() if value is not None})
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


VERSIONS = [
    ("recorded:5.36.1", "5.36.1", True),
    ("recorded:5.36.1", "11.0.3", False),
    ("recorded:reference-4.0.5", "4.0.5", True),
    ("reference@5.36.1:get-tells-the-value", "5.36.1", True),
    ("reference@5.36.1:get-tells-the-value", "5.36.2", False),
    ("reference", "11.0.3", True),
    ("http://127.0.0.1:8065", "5.36.1", True),
]


@pytest.mark.parametrize(("target", "version", "is_so"), VERSIONS)
def test_a_record_of_one_version_that_was_made_of_another_is_refused(tmp_path, target, version, is_so):
    path = tmp_path / record.NAME
    record.write(path, make_record(header(version, target=target), [OBSERVATION], [OPERATION], FOOTER))
    if is_so:
        assert record.read(path).header.server.version == version
    else:
        with pytest.raises(record.ForeignRecordError, match=rf":1: is of {target}, and of a server of version {version}; run"):
            record.read(path)


@pytest.mark.parametrize(
    ("current", "previous", "kept"),
    [
        ("whole", "", "whole"),
        ("part", "", "part"),
        ("part", "older part", "part"),
        ("whole", "older part", "whole"),
        ("whole", "older whole", "whole"),
        ("part", "older whole", "older whole"),
        ("whole", "broken", "whole"),
        ("", "older whole", "older whole"),
    ],
)
def test_a_record_of_a_part_takes_no_whole_ones_place(tmp_path, current, previous, kept):
    for name, what in ((record.NAME, current), (record.PREVIOUS, previous)):
        if what:
            first = json.dumps({**HEADER, "tools": {"is": what}, "selection": "-k word" * ("part" in what)})
            (tmp_path / name).write_text("{" if what == "broken" else f"{first}\n", encoding="utf-8")
    where = record.set_aside(tmp_path / record.NAME)
    assert where == (tmp_path / record.PREVIOUS if current else None)
    assert json.loads((tmp_path / record.PREVIOUS).read_text("utf-8"))["tools"]["is"] == kept
    assert not (tmp_path / record.NAME).exists()


def test_a_record_of_a_part_is_not_lost_either_and_it_is_told_where_it_goes(tmp_path):
    """Probes of a server take long, and whatever ran next took theirs away."""
    for name, selection in ((record.NAME, "suites/generated"), (record.PREVIOUS, "")):
        (tmp_path / name).write_text(json.dumps({**HEADER, "selection": selection}), encoding="utf-8")
    told = record.place_aside(tmp_path / record.NAME)
    record.set_aside(tmp_path / record.NAME)
    assert json.loads(told.read_text("utf-8"))["selection"] == "suites/generated"
    assert json.loads((tmp_path / record.PREVIOUS).read_text("utf-8"))["selection"] == ""


def test_a_record_survives(path):
    written = make_record(HEADER, [OBSERVATION, FAILURE], [OPERATION], {**FOOTER, **LINES}, [ANSWER])
    assert record.read(path) == written
    assert written.header.server.name == "5.36.1" and written.observations[1].evidence.url == "/a"


def test_a_finding_of_a_principle_survives_and_is_counted(tmp_path):
    sides = ({"method": "GET", "url": "/a", "answer": "shown"}, {"method": "GET", "url": "/b", "answer": "blank"})
    about = {"principle": "hidden", "operation": "GetA", "beside": "GetB", "field": "x", "personas": ["guest"], "seen": "shown"}
    found = msgspec.convert({**about, "standing": "new", "evidence": sides}, FindingRow)
    written = replace(make_record(HEADER, [OBSERVATION], [OPERATION], FOOTER), findings=[found])
    record.write(path := tmp_path / record.NAME, written)
    assert record.read(path).findings == [found] and record.read(path).footer.findings == 1
    assert list(Draft202012Validator(json_schema()).iter_errors(json.loads(path.read_text("utf-8").splitlines()[-2]))) == []
    assert ":5: the footer counts 2 findings, not 1" in refusal(edited(path, 4, findings=2))


def test_a_record_written_again_is_the_same(path, tmp_path):
    read = record.read(path)
    record.write(tmp_path / "again", read)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_line_is_json_of_its_own(path):
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [row["kind"] for row in rows] == ["header", "operation", "observation", "observation", "answer", "footer"]


def test_a_record_that_was_cut_short_is_refused_wherever_it_was_cut(path):
    data = path.read_bytes()
    survived = []
    for length in range(len(data) - 1):
        path.write_bytes(data[:length])
        try:
            record.read(path)
            survived.append(length)
        except MisuseError as error:
            assert "\n" not in str(error)
    assert survived == []


BAD = [
    (0, {"format": 4}, ":1: is of format 4, and this suite reads format 5; run pytest again"),
    (0, {"kind": "observation"}, ":1: is not the header of a record"),
    (0, {"server": None}, ":1: is no line of a record"),
    (1, {"sent": -1}, ":2: is no line of a record"),
    (2, {"outcome": "maybe"}, ":3: is no line of a record"),
    (2, {"rule": "taste"}, ":3: is no line of a record"),
    (2, {"count": 0}, ":3: is no line of a record"),
    (2, {"unknown": 1}, ":3: is no line of a record"),
    (3, {"standing": "fixed"}, ":4: is no line of a record"),
    (4, {"status": "200"}, ":5: is no line of a record"),
    (4, {"about": "them"}, ":5: is no line of a record"),
    (4, {"kind": "question"}, ":5: is no line of a record"),
    (5, {"operations": 2}, ":6: the footer counts 2 operations, not 1"),
    (5, {"observations": 3}, ":6: the footer counts 3 observations, not 2"),
    (5, {"answers": 2}, ":6: the footer counts 2 answers, not 1"),
    (5, {"green": None}, ":6: is no line of a record"),
]


@pytest.mark.parametrize(("number", "changes", "expected"), BAD, ids=range(len(BAD)))
def test_a_line_that_is_not_as_the_schema_says_is_refused_with_its_number(path, number, changes, expected):
    assert refusal(edited(path, number, **changes)).startswith(expected)


@pytest.mark.parametrize("text", ["", "\n", "[]\n", "1\n", "{}\n", "null\n", "hello\n", "\udcff"])
def test_a_file_that_is_no_record_is_refused(tmp_path, text):
    path = tmp_path / "a"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert refusal(path).startswith(":")


def test_a_missing_record_is_refused(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "no")


def test_a_footer_without_its_observation_is_refused(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join(lines[:2] + lines[3:]), encoding="utf-8")
    assert re.match(r":\d+: the footer counts 2 observations, not 1", refusal(path))


def test_the_schema_is_valid_and_of_2020_12(root):
    schema = json.loads((root / "mmconform" / "record" / "record.schema.json").read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def test_the_published_schema_is_that_of_the_rows(root):
    """Renew it with `python -m mmconform.record.rows`."""
    published = (root / "mmconform" / "record" / "record.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == json_schema()


def test_every_line_is_as_the_published_schema_says(path):
    validator = Draft202012Validator(json_schema())
    for line in path.read_text(encoding="utf-8").splitlines():
        assert list(validator.iter_errors(json.loads(line))) == []


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x1c", "\x0b", "\r", "\r\n", "\0", "\ud800"])
def test_text_with_odd_line_ends_survives(path, odd):
    record.write(path, make_record(HEADER, [{**FAILURE, "seen": f"a{odd}b"}], [OPERATION], FOOTER, [ANSWER]))
    told = f"a{odd}b".encode("utf-8", "backslashreplace").decode()  # half a character, which UTF-8 has not, as what it is
    assert record.read(path).observations[0].seen == told
