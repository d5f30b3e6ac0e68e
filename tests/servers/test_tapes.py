"""The tapes: whole, labelled, without secrets, and exactly as many cassettes as there are tests."""

import dataclasses
import hashlib
import re
import shutil
import subprocess
from base64 import b64decode
from collections import defaultdict
from functools import cache
from urllib.parse import urlsplit

import pytest
import yaml
from vcr.serialize import deserialize
from vcr.serializers import yamlserializer

from mmconform.documents.reader import read
from mmconform.driving.generate import MAX_EXAMPLES, SEED
from mmconform.errors import MisuseError
from mmconform.paths import CASSETTES, ROOT, SPECS
from mmconform.servers import target as targets
from mmconform.servers.live.recording import Recording
from mmconform.servers.target import Target, recorded, resolve
from mmconform.version import Version
from mmconform.wire.tape import tape
from mmconform.wire.tape.redact import Redactor, exposed

#: In one process: what all tapes hold is looked at once, and the tests that play them are collected once.
pytestmark = pytest.mark.xdist_group("tapes")

VERSIONS = tape.every()
EACH_VERSION = pytest.mark.parametrize("version", VERSIONS)


#: Prints which cassettes the collected tests play, and which of those tests are about their version.
COLLECT = """
import sys
from types import SimpleNamespace
import pytest
from mmconform.plugin import fixtures
from mmconform.plugin.fixtures import cassette_of
from mmconform.wire.tape.name import name_of_test

class Names:
    def pytest_collection_finish(self, session):
        ours = session.config.pluginmanager.get_plugin("mmconform").process
        for item in session.items:
            if target := fixtures.target_of(item):
                judge = SimpleNamespace(contract=ours.run.contract)
                world = SimpleNamespace(version=target.version, switched_off=frozenset(), lacks=lambda operation: False)
                plays = "stage" not in item.fixturenames or not fixtures.skip_reason(item, judge, world)
                assert name_of_test(item.nodeid, target.slug) == cassette_of(item), item  # as comparisons look for it
                print("CASSETTE", target.slug, "plays" if plays else "skips", cassette_of(item) + ".yaml")

sys.exit(pytest.main(["--collect-only", "-q", "--target", "recorded:all"], plugins=[Names()]))
"""


def messages(path):
    """Every request and every answer of a cassette, each as YAML of its own."""
    first, *found = re.split(r"\n(?:- (?=request: \{)|  (?=response: \{))", path.read_text(encoding="utf-8"))
    assert first == "interactions:" and found[-1].endswith("\nversion: 1\n"), path
    return [*found[:-1], found[-1].removesuffix("version: 1\n")]


def data(text):
    """The data of a text in YAML, numbers as texts: in a third of the time that a loader takes."""
    events = iter(yaml.CSafeLoader(text).get_event, None)
    anchored = {}

    def build(event):
        if isinstance(event, yaml.AliasEvent):
            return anchored[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            built = b64decode(event.value) if event.tag == "tag:yaml.org,2002:binary" else event.value
        else:
            children = []
            while not isinstance(child := next(events), yaml.CollectionEndEvent):
                children.append(build(child))
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            built = dict(zip(children[::2], children[1::2], strict=True)) if is_mapping else children
        if event.anchor:
            anchored[event.anchor] = built
        return built

    return build(next(event for event in events if isinstance(event, yaml.CollectionStartEvent)))


# -- what is on the tapes ----------------------------------------------------------------------------------------------


def test_there_is_a_tape():
    assert VERSIONS


@EACH_VERSION
def test_a_tape_is_what_was_recorded(version):
    folder = CASSETTES / version
    label = tape.read_label(folder)
    tape.verify(folder, label)
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in tape.cassettes(folder).items()}
    assert label["cassettes"] == digests and tape.WORLD in digests


@EACH_VERSION
def test_a_label_says_everything_about_the_recording(version):
    label = tape.read_label(CASSETTES / version)
    server = label["server"]
    assert (server["name"], server["version"]) == (version, str(Version.parse(version)))
    assert server["edition"] in ("team", "enterprise")
    assert re.fullmatch(r"[0-9a-f]{40}", server["commit"])
    assert server["calls_itself"] and server["build"] and server["x_version_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", label["recorded"])
    assert {"mmconform", "python", "schemathesis", "hypothesis", "pytest", "pytest-recording", "vcrpy"} <= set(label["tools"])
    assert (label["seed"], label["max_examples"]) == (SEED, MAX_EXAMPLES)
    assert re.fullmatch(r"[0-9a-f]{64}", label["spec"])


def as_bytes(body):
    return body if isinstance(body, bytes) else body.encode()


def secrets(request=None, response=None):
    """What is a secret in the clear."""
    if request:
        yield from exposed(request["headers"], as_bytes(request["body"]))
    if response:
        yield from exposed(response["headers"], as_bytes(response["body"]["string"]))


def credentials(request=None, response=None):
    """What was sent as a credential and is no name."""
    given = [str(value) for name, value in request["headers"].items() if name.lower() == "authorization"] if request else []
    yield from (value for value in given if re.search(r"[a-z0-9]{26}", value) and "redacted" not in value)


def elsewhere(request=None, response=None):
    """An address that could be somebody's."""
    if request and urlsplit(request["uri"]).netloc != "recorded.invalid":
        yield request["uri"]


@cache
def flaws(message):
    """What must not stand in a request or an answer, by who looked for it; of what many tapes hold, once for all of them."""
    parts = data(message)
    return [(look.__name__, flaw) for look in (secrets, credentials, elsewhere) for flaw in look(**parts)]


LEAKY = {
    "secrets": 'response: {body: {string: \'{"token": "abcdefghijklmnopqrstuvwxyz"}\'}, headers: {}}',
    "credentials": "request: {body: null, headers: {authorization: [Bearer abcdefghijklmnopqrstuvwxyz]}, "
    "method: GET, uri: 'http://recorded.invalid/'}",
    "elsewhere": "request: {body: null, headers: {}, method: GET, uri: 'http://somewhere.invalid/'}",
}


@pytest.mark.parametrize("look", LEAKY)
def test_what_must_not_stand_on_a_tape_is_seen(look):
    assert look in {name for name, _ in flaws(LEAKY[look])}


def test_a_message_is_read_as_replays_read_it():
    """On the tape that has most kinds of messages, with its pictures, forms and empty bodies."""
    for path in tape.cassettes(CASSETTES / VERSIONS[-1]).values():
        if path.parent.name == "generated" or "matrix" in path.parts:
            continue  # more of the same
        ours = [data(message) for message in messages(path)]
        for (request, response), asked, answered in zip(
            zip(*deserialize(path.read_text(encoding="utf-8"), yamlserializer), strict=True), ours[::2], ours[1::2], strict=True
        ):
            sent = asked["request"]
            assert (request.uri, request.body or b"null") == (sent["uri"], as_bytes(sent["body"])), path
            assert dict(request.headers) == {name: value[0] for name, value in sent["headers"].items()}
            assert response["headers"] == answered["response"]["headers"]
            assert response["body"]["string"] == as_bytes(answered["response"]["body"]["string"])


@EACH_VERSION
def test_on_a_tape_stand_no_secret_no_credential_but_a_name_and_no_address(version):
    found = []
    for name, path in tape.cassettes(CASSETTES / version).items():
        text = path.read_text(encoding="utf-8")
        for message in messages(path):
            found += [
                (*flaw, name) for flaw in flaws(_AS_BEARER.sub(lambda bearer, text=text: without_ids(bearer, text), message))
            ]
    assert found == []


#: Whoever sends an id as a credential sends what stands in lists and addresses.
_AS_BEARER = re.compile(r"(?<=\[Bearer )([a-z0-9]{26})(?=\])")


def without_ids(bearer, text):
    is_an_id = f'"id":"{bearer[1]}"' in text or f"/users/{bearer[1]}/" in text
    return "an id" if is_an_id else bearer[0]


def test_an_id_as_a_credential_is_known_and_nothing_else():
    value = "abcdefghijklmnopqrstuvwxyz"
    header = f"authorization: [Bearer {value}]"
    told = (f'{{"id":"{value}"}}', f"/api/v4/users/{value}/tokens", f'{{"token":"{value}"}}', "")
    assert [value in _AS_BEARER.sub(lambda bearer, text=text: without_ids(bearer, text), header) for text in told] == [
        *(False, False, True, True)
    ]


@EACH_VERSION
def test_no_machine_stands_on_a_tape(version):
    """A command's callback and the WebRTC gateway, both on loopback, are stand-ins of ours."""
    found = {}
    for name, path in tape.cassettes(CASSETTES / version).items():
        text = re.sub(r"http://127\.0\.0\.1:9\b|ws://127\.0\.0\.1:\d+", "", path.read_text(encoding="utf-8"))
        found[name] = re.findall(r"(?:127\.0\.0\.1|localhost):\d+|/home/\w+|/root/|/tmp/", text)
    assert {name: places for name, places in found.items() if places} == {}


# -- exactly the cassettes of the tests --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(as_user, tmp_path_factory):
    """For each version: the cassettes that some collected test names, and those of tests about that version."""
    script = tmp_path_factory.mktemp("collect") / "collect_names.py"
    script.write_text(COLLECT, encoding="utf-8")
    done = as_user(script)
    named, needed = defaultdict(set), defaultdict(set)
    for line in done.stdout.splitlines():
        if line.startswith("CASSETTE "):
            _, version, plays, name = line.split(" ", 3)
            named[version].add(name)
            if plays == "plays":
                needed[version].add(name)
    assert set(named) == set(VERSIONS), done.stdout[-2000:] + done.stderr[-2000:]
    return named, needed


@EACH_VERSION
def test_every_cassette_is_played_by_a_test(version, played):
    named, _ = played
    assert sorted(tape.cassettes(CASSETTES / version).keys() - named[version] - {tape.WORLD}) == []


@EACH_VERSION
def test_every_test_about_a_version_is_on_its_tape(version, played):
    _, needed = played
    assert sorted(needed[version] - tape.cassettes(CASSETTES / version).keys()) == []


# -- tapes that are not what was recorded ------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A small tape (one world, one cassette) in a folder of its own."""
    version = tape.newest()
    folder, original = tmp_path / "cassettes" / version, CASSETTES / version
    smallest = min((p for n, p in tape.cassettes(original).items() if n != tape.WORLD), key=lambda p: p.stat().st_size)
    (folder / "some").mkdir(parents=True)
    shutil.copy(original / tape.WORLD, folder / tape.WORLD)
    shutil.copy(smallest, folder / "some" / "test.yaml")
    tape.write_label(folder, {k: v for k, v in tape.read_label(original).items() if k not in ("format", "cassettes")})
    monkeypatch.setattr(tape, "CASSETTES", tmp_path / "cassettes")
    return folder


def refusal(folder):
    with pytest.raises(MisuseError) as caught:
        recorded(folder.name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_tape_is_a_target(copied):
    target = resolve("recorded")[0]
    assert (target.slug, target.tape, target.is_recorded) == (copied.name, copied, True)
    assert str(target.version) == copied.name


@pytest.mark.parametrize("position", [0, 100, -1])
def test_a_flipped_bit_is_found(copied, position):
    path = copied / "some" / "test.yaml"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    assert f"cassettes/{copied.name}/some/test.yaml: is not what was recorded" in refusal(copied)


def test_a_cassette_that_was_cut_short_is_found(copied):
    path = copied / tape.WORLD
    path.write_bytes(path.read_bytes()[:-1])
    assert f"{copied.name}/world.yaml: is not what was recorded" in refusal(copied)


def test_a_missing_cassette_is_found(copied):
    (copied / "some" / "test.yaml").unlink()
    assert f"{copied.name}/some/test.yaml: is missing from the tape" in refusal(copied)


def test_a_stray_cassette_is_found(copied):
    (copied / "some" / "stray.yaml").write_text("interactions: []\n", encoding="utf-8")
    assert f"{copied.name}/some/stray.yaml: does not belong to the tape" in refusal(copied)


def test_a_tape_of_another_format_is_refused(copied):
    label = copied / tape.LABEL
    label.write_text(label.read_text(encoding="utf-8").replace("format: 1\n", "format: 2\n"), encoding="utf-8")
    assert f"{copied.name}/TAPE.yaml: is of format 2, and this suite reads format 1" in refusal(copied)


@pytest.mark.parametrize("key", ["format", "server", "recorded", "tools", "seed", "max_examples", "spec", "cassettes"])
def test_a_label_that_lacks_something_is_refused(copied, key):
    data = read(copied / tape.LABEL)[0].data
    del data[key]
    (copied / tape.LABEL).write_text(tape.dump(data), encoding="utf-8")
    assert f"{copied.name}/TAPE.yaml: says nothing about `{key}`" in refusal(copied)


@pytest.mark.parametrize("text", ["", "[]", "{", "hello"])
def test_a_label_that_is_none_is_refused(copied, text):
    (copied / tape.LABEL).write_text(text, encoding="utf-8")
    assert f"{copied.name}/TAPE.yaml" in refusal(copied)


def test_tapes_are_listed_by_age(copied):
    for version in ("10.0.0", "9.11.0", "4.0.5"):
        shutil.copytree(copied, copied.parent / version)
    shutil.copytree(copied, copied.parent / ".recording-12.0.0")
    assert tape.every() == sorted(["4.0.5", "9.11.0", "10.0.0", copied.name], key=lambda v: [int(n) for n in v.split(".")])


def test_an_unknown_version_is_refused_with_those_there_are(copied):
    with pytest.raises(MisuseError, match=rf"^no tape of version `3\.0`; there are {re.escape(copied.name)}$"):
        resolve("recorded:3.0")


FIRST_PARTS = [("9", "9.12.1"), ("recorded:9.1", "9.1.0"), ("v9.11", "9.11.3"), ("9.11.0", "9.11.0")]


@pytest.mark.parametrize(("text", "name"), FIRST_PARTS)
def test_the_first_parts_of_a_version_name_its_newest_tape(copied, monkeypatch, text, name):
    monkeypatch.setattr(targets, "recorded", lambda version: version)
    for version in ("9.1.0", "9.11.0", "9.11.3", "9.12.1", "10.0.0"):
        shutil.copytree(copied, copied.parent / version)
    assert resolve(text) == [name]
    with pytest.raises(MisuseError, match=r"^no tape of version `9\.2`"):
        resolve("9.2")


@pytest.mark.parametrize("text", ["127.0.0.1:8065", "localhost:8065/sub/path", "[::1]:8065"])
def test_an_address_without_a_scheme_is_one_of_http(monkeypatch, text):
    asked = []
    monkeypatch.setattr(targets, "_look", lambda base, *_: asked.append(base) or ("server", "origin"))
    if text.startswith("["):
        with pytest.raises(MisuseError, match="unknown target"):
            resolve(text)
    else:
        assert [one.base_url for one in resolve(text)] == asked == [f"http://{text}"]


def test_without_any_tape_it_says_how_to_record_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tape, "CASSETTES", tmp_path)
    with pytest.raises(MisuseError, match=r"no tape in .*--record-mode=rewrite"):
        resolve("recorded")


def test_leaks_are_found_in_any_file_of_a_tape(copied):
    (copied / "some" / "test.yaml").write_text("a: very-secret-value\n", encoding="utf-8")
    assert tape.leaks(copied, frozenset({"very-secret-value", "redactedxyz"})) == [str(copied / "some" / "test.yaml")]
    assert tape.leaks(copied, frozenset({"another-secret"})) == []


def test_a_version_is_compared_with_its_neighbour_and_with_no_other():
    names = tape.every()
    assert [tape.before(name) for name in names] == ["", *names[:-1]]
    assert tape.before("1.2.3") == ""


def test_what_is_under_development_is_no_newest_and_comes_before_its_release(copied, monkeypatch):
    monkeypatch.setattr(targets, "recorded", lambda version: version)
    for version in ("99.1.0", "99.2.0-dev", "99.3.0-dev", "99.3.0-rc1"):
        shutil.copytree(copied, copied.parent / version)
    assert tape.every()[1:] == ["99.1.0", "99.2.0-dev", "99.3.0-dev", "99.3.0-rc1"]
    assert resolve("recorded") == resolve("99") == ["99.1.0"] and resolve("99.2") == ["99.2.0-dev"]
    assert resolve("recorded:99.3.0-rc1") == ["99.3.0-rc1"]
    shutil.copytree(copied, copied.parent / "99.3.0")
    assert tape.every()[-1] == tape.newest() == "99.3.0" and tape.before("99.3.0") == "99.3.0-rc1"


def test_where_nothing_is_released_the_newest_is_what_there_is(copied):
    assert tape.newest(["99.2.0-dev", "99.3.0-dev"]) == "99.3.0-dev" and tape.newest([]) == ""


# -- folders, labels and line ends -------------------------------------------------------------------------------------


def test_a_tape_in_a_folder_of_another_version_is_refused(copied):
    copied.rename(copied.with_name("9.9.9"))
    said = refusal(copied.with_name("9.9.9"))
    assert said == f"cassettes/9.9.9/TAPE.yaml: is the tape of {copied.name}, not of 9.9.9; give the folder its name back"


def test_a_link_under_another_name_is_no_other_tape(copied):
    copied.with_name("9.9.9").symlink_to(copied)
    assert "is the tape of" in refusal(copied.with_name("9.9.9"))


def test_a_tape_of_what_is_under_development_is_told_by_its_name(copied):
    label = tape.read_label(copied)
    there = copied.rename(copied.with_name("99.0.0-dev"))
    label["server"] |= {"name": "99.0.0-dev", "version": "99.0.0"}
    tape.write_label(there, {key: label[key] for key in label.keys() - {"format", "cassettes"}})
    assert str(recorded("99.0.0-dev").version) == "99.0.0"
    there.rename(copied.with_name("99.0.0"))
    assert "is the tape of 99.0.0-dev, not of 99.0.0" in refusal(copied.with_name("99.0.0"))


@pytest.mark.parametrize("name", ["mine", "5.36.1 (copy)", "backup-5.36.1", "5", "newest"])
def test_a_folder_that_is_not_named_like_a_tape_is_left_alone(copied, name):
    shutil.copytree(copied, copied.with_name(name))
    assert tape.every() == [copied.name] and tape.foreign() == [name]
    assert resolve("recorded:all")[0].slug == copied.name


def test_an_empty_folder_is_no_tape(copied):
    copied.with_name("99.0.0").mkdir()
    assert tape.every() == [copied.name]


def test_a_tape_that_lost_its_label_is_not_passed_over(copied):
    """Else the newest but one would be judged, and called the newest."""
    shutil.copytree(copied, copied.with_name("99.0.0"), ignore=lambda *_: [tape.LABEL])
    with pytest.raises(MisuseError, match=r"^cassettes/99\.0\.0/TAPE\.yaml: ") as caught:
        resolve("recorded")
    assert "\n" not in str(caught.value)


def test_a_stranger_in_the_folder_of_tapes_is_one_line_of_a_run(run_pytest):
    stranger = tape.CASSETTES / "no-tape"
    stranger.mkdir()
    try:
        (stranger / tape.LABEL).write_text("hello", encoding="utf-8")
        done = run_pytest("suites/permissions/test_webrtc.py", "--collect-only")
    finally:
        shutil.rmtree(stranger)
    assert done.returncode == 0, done.stdout
    assert "warning: cassettes/no-tape is no tape of a version; it is left alone\n" in done.stdout


@pytest.fixture
def committed(tmp_path):
    """A repository that holds some of what is pinned to its bytes; returns a function that clones it with these settings."""
    origin = tmp_path / "origin"
    pinned = [tape.CASSETTES / VERSIONS[-1] / tape.WORLD, tape.CASSETTES / VERSIONS[-1] / tape.LABEL, *SPECS.rglob("*.txt")]

    def git(*arguments):
        own = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        subprocess.run(["git", *own, *map(str, arguments)], check=True, capture_output=True)

    git("init", "-q", origin)
    for path in (ROOT / ".gitattributes", *pinned):
        (origin / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, origin / path.relative_to(ROOT))
    git("-C", origin, "add", "-A")
    git("-C", origin, "commit", "-qm", "all")

    def clone(*settings):
        git("clone", "-q", *settings, origin, tmp_path / "clone")
        return [(path, tmp_path / "clone" / path.relative_to(ROOT)) for path in pinned]

    return clone


def test_no_checkout_changes_a_byte(committed):
    """``core.autocrlf=true`` is the default of Git for Windows."""
    cloned = committed("-c", "core.autocrlf=true")
    assert len(cloned) >= 4
    assert [path for path, copy in cloned if path.read_bytes() != copy.read_bytes()] == []


def test_a_tape_says_where_its_commit_is_found(recording, copied):
    new = recording(built_from="some/fork (folder server/)")
    (new.folder / tape.WORLD).write_text("interactions: []\nversion: 1\n", encoding="utf-8")
    new.finish(seed=1, max_examples=1, spec="f" * 64)
    assert tape.read_label(copied)["built_from"] == "some/fork (folder server/)"
    assert recorded(copied.name).tape == copied


# -- replacing a tape --------------------------------------------------------------------------------------------------


@pytest.fixture
def recording(copied):
    """Begin to record a live server that differs in these ways from that of the tape that is there."""
    there = recorded(copied.name).server

    def recording(may_replace=False, built_from="", **differs):
        target = Target("http://x", "x", "http://x", dataclasses.replace(there, **differs), Redactor(replaying=False))
        return Recording(target, may_replace=may_replace, built_from=built_from)

    return recording


@pytest.mark.parametrize(
    "differs", [{"commit": "f" * 40}, {"commit": ""}, {"edition": "enterprise"}, {"calls_itself": "1.2.3"}], ids=str
)
def test_a_server_that_only_calls_itself_so_does_not_replace_the_real_tape(recording, copied, differs):
    with pytest.raises(MisuseError, match=r"is the tape of another server .*--replace-tape") as caught:
        recording(**differs)
    assert "\n" not in str(caught.value)
    assert recorded(copied.name).tape == copied  # whole, as before
    assert recording(may_replace=True, **differs).folder.is_dir()


def test_the_same_server_may_be_recorded_again(recording):
    assert recording(version_id="the digest of other settings").folder.is_dir()


def test_a_tape_is_not_recorded_through_a_link(recording, copied):
    copied.rename(copied.with_name("elsewhere"))
    copied.symlink_to(copied.with_name("elsewhere"))
    with pytest.raises(MisuseError, match="symbolic link"):
        recording(may_replace=True)


def test_the_tape_before_stays_until_the_new_one_is_whole(recording, copied):
    new = recording()
    (new.folder / tape.WORLD).write_text("interactions: []\nversion: 1\n", encoding="utf-8")
    assert recorded(copied.name).tape == copied
    assert new.finish(seed=1, max_examples=1, spec="f" * 64) == copied
    assert set(tape.cassettes(copied)) == {tape.WORLD}
    assert "built_from" not in tape.read_label(copied)
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]
