"""Versions, and spans of them: the one small grammar that all data about versions are written in."""

import pytest

from mmconform.version import Version, Versions

VERSIONS = [("5.36.1", (5, 36, 1)), ("v4.1", (4, 1, 0)), ("10", (10, 0, 0)), ("5.0.0-rc1", (5, 0, 0)), (" 6.5 ", (6, 5, 0))]


@pytest.mark.parametrize(("text", "expected"), VERSIONS)
def test_a_version_is_read_however_it_is_written(text, expected):
    assert Version.parse(text) == expected


@pytest.mark.parametrize("text", ["", "dev", "-1", "x5.1"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(ValueError, match="is no version"):
        Version.parse(text)


def test_versions_are_ordered_by_number_not_by_letter():
    assert Version.parse("4.9") < Version.parse("4.10") < Version.parse("5.0") < Version.parse("10.0")


MM_62687 = ">=10.6, >=10.5.2 <10.6, >=10.4.4 <10.5, >=9.11.10 <9.12"
INCLUDED = [
    (">=4.1", "4.1", True),
    (">=4.1", "4.0.9", False),
    ("<5.6", "4.0", True),
    ("<5.6", "5.6", False),
    (">=4.1 <5.6", "5.5.9", True),
    (MM_62687, "9.11.9", False),
    (MM_62687, "9.11.10", True),
    (MM_62687, "10.3.9", False),
    (MM_62687, "10.4.3", False),
    (MM_62687, "10.4.4", True),
    (MM_62687, "10.5.1", False),
    (MM_62687, "10.6.0", True),
    (MM_62687, "11.2", True),
]


@pytest.mark.parametrize(("text", "version", "expected"), INCLUDED)
def test_a_version_is_among_spans_or_not(text, version, expected):
    assert Versions.parse(text).include(Version.parse(version)) is expected


@pytest.mark.parametrize(("version", "expected"), [("7.8.0", False), ("7.8.1", None), ("8.0.5", None), ("8.1", True)], ids=str)
def test_between_the_versions_of_which_it_is_known_it_is_not(version, expected):
    assert Versions.parse(">=8.1", ">=7.8.1 <8.1").include(Version.parse(version)) is expected


WRONG = {
    "": "is no span",
    "4.1": "is no span",
    "<5.6 >=4.1": "is no span",
    ">=4.1 <5.6 <6": "is no span",
    ">=4.1, ": "is no span",
    ">4.1": "is no span",
    ">=5.6 <4.1": "holds no version",
    ">=4.1, >=5.6": "twice",
    ">=4.1 <5.6, >=5.5 <6": "twice",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_list_of_spans_is_refused(text):
    with pytest.raises(ValueError, match=WRONG[text]):
        Versions.parse(text)


def test_what_is_known_cannot_be_unknown_too():
    with pytest.raises(ValueError, match="twice"):
        Versions.parse(">=4.1", ">=5.0 <6")


def test_spans_are_written_as_they_are_read():
    assert Versions.parse(Versions.parse(MM_62687).text) == Versions.parse(MM_62687)


@pytest.mark.parametrize(
    ("text", "unknown", "told"),
    [
        (">=4.1", "", "since 4.1.0"),
        (MM_62687, "", "since 10.6.0 (and patch releases from 9.11.10, 10.4.4, 10.5.2 on)"),
        (">=8.1", ">=7.8.1 <8.1", "since 8.1.0 (not known from 7.8.1 until 8.1.0)"),
        (">=8.1, >=7.9 <8", ">=7.8 <7.9", "since 8.1.0 (and patch releases from 7.9.0 on; not known from 7.8.0 until 7.9.0)"),
        (">=4.1 <5.6", "", "from 4.1.0 until 5.6.0, exclusive"),
    ],
)
def test_since_when_is_told_of_what_goes_on_with_the_patch_releases_that_had_it_earlier(text, unknown, told):
    """The first of them alone would say that everything after it has it."""
    assert Versions.parse(text, unknown).began == told
