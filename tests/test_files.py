"""What a run writes is for its owner only, whatever the umask; what the umask forbids stays forbidden."""

import errno
import os
from stat import S_IMODE

import pytest

from mmconform.errors import MisuseError
from mmconform.files import check_writable, close_to_others, files_below, make_folder, open_private, write_whole
from mmconform.record import record
from mmconform.servers.live.journal import Journal
from mmconform.wire.tape import cassette, tape
from tests.record.test_record import FOOTER, HEADER
from tests.rows import make_record


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o177, 0o277], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder):
    return {path.name: S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


WRITERS = {
    "record": lambda path: record.write(path, make_record(HEADER, [], [], FOOTER)),
    "journal": lambda path: Journal(path, "http://x").note(what="user"),
    "lock": lambda path: open_private(path, "w").close(),
    "cassette": lambda path: cassette.AtomicPersister.save_cassette(
        str(path), {"requests": [], "responses": []}, cassette.CompactYaml
    ),
    "label": lambda path: tape.write_label(path.parent, {}),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_what_a_run_writes_is_for_its_owner_only(write, umask, tmp_path):
    folder = tmp_path / "made"
    if umask & 0o300:
        folder.mkdir()
        folder.chmod(0o700)
    if write is WRITERS["label"]:
        make_folder(folder)
    write(folder / "file")
    assert set(modes(folder).values()) == {0o600 & ~umask}
    assert S_IMODE(folder.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("write", [WRITERS["record"], WRITERS["journal"], WRITERS["lock"]], ids=["record", "journal", "lock"])
def test_the_mode_of_an_older_file_is_mended(write, tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    path.chmod(0o666)
    write(path)
    assert modes(tmp_path) == {"file": 0o600}


def test_what_lies_about_is_closed_and_never_opened_wider(tmp_path):
    (tmp_path / "folder").mkdir(0o755)
    for name, mode in {"a": 0o644, "b": 0o400, "folder/c": 0o777}.items():
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    close_to_others(tmp_path)
    assert modes(tmp_path) == {"a": 0o600, "b": 0o400, "folder": 0o700, "c": 0o700}


def test_a_file_for_everybody_is_as_the_umask_has_it(umask, tmp_path):
    write_whole(tmp_path / "file", "x")
    assert modes(tmp_path) == {"file": 0o666 & ~umask}


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "make room, or have it written elsewhere"),
        (errno.EACCES, "take a folder in which you may write, or the right to"),
        (errno.EROFS, "nothing there can be changed; have it written elsewhere"),
        (errno.EIO, "have it written elsewhere"),
    ],
)
def test_a_folder_in_which_nothing_can_be_written_is_named_with_what_helps(tmp_path, monkeypatch, number, advice):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(MisuseError) as told:
        check_writable(tmp_path)
    assert str(told.value) == f"{tmp_path} cannot be written: {os.strerror(number)}; {advice}"


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(MisuseError, match="cannot be written"):
        write_whole(tmp_path / "file", "x", private=True)
    assert modes(tmp_path).keys() == {"file"}


def test_files_are_found_however_deep_though_a_folder_goes_away_meanwhile(tmp_path, monkeypatch):
    """Another run may take its own away; pathlib's rglob raises then."""
    for place in ("a", "b/c", "gone"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "journal-1.jsonl").write_text("")
    (tmp_path / "b" / "other.txt").write_text("")
    scan = os.scandir

    class Listed(list):
        """What stood in a folder when it was listed; one that stood there has gone since."""

        def __init__(self, place):
            super().__init__(scan(place))
            if os.fspath(place) == str(tmp_path):
                (tmp_path / "gone" / "journal-1.jsonl").unlink()
                (tmp_path / "gone").rmdir()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __next__(self):
            if not self:
                raise StopIteration
            return self.pop()

    monkeypatch.setattr(os, "scandir", Listed)
    with pytest.raises(FileNotFoundError):
        Listed(tmp_path / "nowhere")
    assert files_below(tmp_path, "journal-*.jsonl") == [tmp_path / "a/journal-1.jsonl", tmp_path / "b/c/journal-1.jsonl"]
    assert files_below(tmp_path / "nowhere", "*") == []
