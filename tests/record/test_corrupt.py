"""Records, tapes and cassettes with a bit the other way or a piece gone: refused in one line, never something worse."""

import random
import shutil

import pytest
import yaml

from mmconform.errors import MisuseError
from mmconform.paths import CASSETTES
from mmconform.record import record
from mmconform.servers.target import recorded
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import Player
from mmconform.wire.tape.redact import Redactor
from tests.record.test_record import FAILURE, FOOTER, HEADER, OBSERVATION, OPERATION
from tests.rows import make_record

STRANGE = (b"\0" * 9, b"\xff", b"[" * 3000, b"9" * 6000, b"\n", b"{}\n", b"&a [*a]")


def damaged(data, number):
    """Yield copies of some bytes, each with other damage, the same every time."""
    draw = random.Random(number)
    for _ in range(number):
        at, other = draw.randrange(len(data)), draw.randrange(len(data))
        match draw.randrange(5):
            case 0:
                yield data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]
            case 1:
                yield data[:at]
            case 2:
                yield data[: min(at, other)] + data[max(at, other) :]
            case 3:
                yield data[:at] + data[other : other + 40] + data[at:]
            case 4:
                yield data[:at] + draw.choice(STRANGE) + data[at:]


def read_or_refuse(act):
    """Whether it is refused; then in one line that can be printed."""
    try:
        act()
    except MisuseError as error:
        assert str(error).isprintable()
        return True
    return False


def test_a_damaged_record_is_read_or_refused(tmp_path):
    path = tmp_path / record.NAME
    record.write(path, make_record(HEADER, [OBSERVATION, FAILURE], [OPERATION], FOOTER))
    refused = 0
    for data in damaged(path.read_bytes(), 1500):
        path.write_bytes(data)
        refused += read_or_refuse(lambda: record.read(path))
    assert refused > 1000


@pytest.mark.parametrize("lines", [1, 2, 4])
def test_a_record_of_which_the_end_is_missing_is_told_to_be_cut_short(tmp_path, lines):
    path = tmp_path / record.NAME
    record.write(path, make_record(HEADER, [OBSERVATION, FAILURE], [OPERATION], FOOTER))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))
    with pytest.raises(record.CutShortError) as refused:
        record.read(path)
    assert str(refused.value) == f"{path}:{lines}: is cut short: its last line, the footer, is missing; run pytest again"


NO_HEADERS = {
    "deep": b"[" * 3000,
    "deep in a header": b'{"kind": "header", "format": ' + b"[" * 3000,
    "long": b'{"kind": "header", "format": "' + b"x" * 3000 + b'"}',
}


@pytest.mark.parametrize("line", NO_HEADERS.values(), ids=NO_HEADERS)
def test_a_header_that_is_no_header_is_refused_in_a_short_line(tmp_path, line):
    """Too deep for any parser, or longer than anybody reads."""
    path = tmp_path / record.NAME
    path.write_bytes(line + b"\n{}\n")
    with pytest.raises(record.RecordError) as refused:
        record.read(path)
    assert len(str(refused.value).removeprefix(str(path))) < 120


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A tape with a cassette or two of a real one."""
    real = CASSETTES / tape.newest()
    folder = tmp_path / "cassettes" / "11.0.3"
    (folder / "a").mkdir(parents=True)
    names = sorted(tape.cassettes(real).values(), key=lambda p: p.stat().st_size)[:2]
    for path in names:
        shutil.copy(path, folder / "a" / path.name)
    label = {k: v for k, v in tape.read_label(real).items() if k not in ("format", "cassettes")}
    monkeypatch.setattr(tape, "CASSETTES", tmp_path / "cassettes")
    tape.write_label(folder, label)
    assert recorded("11.0.3").name == "recorded:11.0.3"
    return folder


def test_any_damage_to_a_cassette_is_found(small):
    for path in tape.cassettes(small).values():
        whole = path.read_bytes()
        for data in damaged(whole, 200):
            path.write_bytes(data)
            if data != whole:
                assert read_or_refuse(lambda: recorded("11.0.3"))
        path.write_bytes(whole)


def test_a_damaged_label_is_read_or_refused(small):
    path = small / tape.LABEL
    whole = path.read_bytes()
    refused = 0
    for data in damaged(whole, 400):
        path.write_bytes(data)
        refused += read_or_refuse(lambda: recorded("11.0.3"))
    assert refused > 200


@pytest.mark.parametrize("cassettes", ["", "a", [], None, 1])
def test_a_label_that_lists_no_cassettes_is_refused(small, cassettes):
    path = small / tape.LABEL
    label = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**label, "cassettes": cassettes}), encoding="utf-8")
    with pytest.raises(MisuseError, match="`cassettes` lists no digests"):
        recorded("11.0.3")


@pytest.mark.parametrize("format_", [0, 2, 99, "1", None, [1]])
def test_a_tape_of_another_format_is_refused(small, format_):
    path = small / tape.LABEL
    label = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**label, "format": format_}), encoding="utf-8")
    with pytest.raises(MisuseError, match=r"is of format .*, and this suite reads format 1"):
        recorded("11.0.3")


def test_a_damaged_cassette_that_is_opened_all_the_same_is_read_or_refused(small):
    """As one is that belongs to no tape."""
    path = next(iter(tape.cassettes(small).values()))
    for data in damaged(path.read_bytes(), 300):
        path.write_bytes(data)
        read_or_refuse(lambda: Player(path, Redactor(replaying=True), "http://recorded.invalid"))
