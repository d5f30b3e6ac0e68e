"""The grammar: what sentences mean, and that what it does not know is never guessed at."""

import pytest

from mmconform.contract import prose
from mmconform.contract.permission import Every, Holds, Oneself, Requirement, Some
from mmconform.contract.prose import Effect, Informative, Paging, Permits, Secret, Sentence, Since
from mmconform.documents.load import load
from mmconform.version import Version

DESCRIPTIONS = [operation["description"] for _, _, operation in load().document.operations()]
SENTENCES = sorted({sentence.text for text in DESCRIPTIONS for sentence in prose.sentences(text)})


def meaning(text):
    return prose.understand(Sentence(text, "", 0))


def has(permission, scope=""):
    return Requirement(demand=Holds(permission, scope))


def any_of(*permissions, scope=""):
    return Requirement(demand=Some(tuple(Holds(name, scope) for name in permissions)))


def every(*permissions, scope=""):
    return Requirement(demand=Every(tuple(Holds(name, scope) for name in permissions)))


SELF_OR_A = Requirement(demand=Some((Oneself(), Holds("a"))))

PERMISSIONS = {
    "Must have `a` permission.": has("a"),
    "Must have the `a` permission": has("a"),
    "must have `a` permissions.": has("a"),
    "Must be authenticated and have `a` permission.": has("a"),
    "`a` permission is required.": has("a"),
    "The `a` permission is required.": has("a"),
    "Must have `a` or `b` permission.": any_of("a", "b"),
    "Must have the `a` or the `b` or the `c` permission.": any_of("a", "b", "c"),
    "Must have `a` and `b` permissions.": every("a", "b"),
    "Must have `a` and `b`, and `c` permissions.": every("a", "b", "c"),
    "Must have `a` permission for the team.": has("a", "team"),
    "Must have `a` permission for the team the command is in.": has("a", "team"),
    "Must have `a` permission in the team the channel is in.": has("a", "team"),
    "Must have `a` permission for the channel.": has("a", "channel"),
    "Must have `a` permission for the channel the post is in.": has("a", "channel"),
    "Must have `a` or `b` permission for the channel.": any_of("a", "b", scope="channel"),
    "Must have `a` and `b` permissions for the team.": every("a", "b", scope="team"),
    "For non-self requests, must also have the `a` permission.": SELF_OR_A,
    "For non-self requests must also have `a` permission.": SELF_OR_A,
    "Must be logged in as the user or have the `a` permission.": SELF_OR_A,
    "Must be the user being updated or have `a` permission.": SELF_OR_A,
    "Must be authenticated.": Requirement(),
    "Must be logged in.": Requirement(),
    "Requires an active session but no other permissions.": Requirement(),
    "No permissions required.": Requirement(authenticated=False),
    "No permission is required": Requirement(authenticated=False),
    "None.": Requirement(authenticated=False),
}


@pytest.mark.parametrize("text", PERMISSIONS)
def test_a_sentence_about_permissions_becomes_a_requirement(text):
    assert meaning(text) == Permits(PERMISSIONS[text])


VERSIONS = {
    "__Minimum server version__: 4.1": Version(4, 1),
    "__Minimum server version: 4.1__": Version(4, 1),
    "**Minimum server version**: 5.26": Version(5, 26),
    "__Minimum server version__: v4.10.2": Version(4, 10, 2),
    "Minimum server version: 10": Version(10),
    "__Minimum server version__ 4.7": Version(4, 7),
    "__minimum server version__: 4.7.": Version(4, 7),
}


@pytest.mark.parametrize("text", VERSIONS)
def test_a_minimum_version_is_understood_however_it_is_spelled(text):
    assert meaning(text) == Since(VERSIONS[text])


OTHERS = {
    "Does not include the actual authentication token.": Secret(),
    "Does not include the actual authentication tokens.": Secret(),
    "Use query paremeters for paging.": Paging(),
    "Use query parameters for paging.": Paging(),
    "Revoke a user access token and delete any sessions using the token.": Effect(("revokes", "deletes-sessions")),
    "Disable a personal access token and delete any sessions using the token.": Effect(("disables", "deletes-sessions")),
    "The token can be re-enabled using `/users/tokens/enable`.": Effect(("can-be-enabled-again",)),
}


@pytest.mark.parametrize("text", OTHERS)
def test_a_sentence_about_the_answer_or_the_effect_is_understood(text):
    assert meaning(text) == OTHERS[text]


UNKNOWN = [
    "",
    "Hello.",
    "Must have permission.",
    "Must have a permission.",
    "Must not have `a` permission.",
    "Must have `a` permission or not.",
    "Must have `a` or `b` and `c` permission.",
    "Must have `a` permission unless the server says otherwise.",
    "Must be a system admin.",
    "Must not be authenticated.",
    "For self requests, must also have the `a` permission.",
    "For non-self requests, must not have the `a` permission.",
    "Does include the actual authentication token.",
    "Do not use query parameters for paging.",
    "__Maximum server version__: 4.1",
    "__Minimum server version__: soon",
    "__Minimum server version__: 4.1 or later with a licence",
    "Permissions required.",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_an_unknown_phrasing_is_not_guessed_at(text):
    assert meaning(text) is None


# -- our sources -------------------------------------------------------------------------------------------------------


def test_every_sentence_of_our_sources_is_understood(contract):
    assert [remark for remark in contract.remarks if remark.reason is None] == []


def test_every_sentence_that_promises_nothing_says_why_not(contract):
    """One sentence of the seeds promises nothing: that which points to the settings of WebRTC."""
    assert [(r.operation, r.text.split()[0]) for r in contract.remarks] == [("GetWebrtcToken", "See")]
    assert isinstance(meaning(contract.remarks[0].text), Informative)
    assert len(contract.remarks[0].reason.split()) > 3


@pytest.mark.parametrize("text", DESCRIPTIONS, ids=range(len(DESCRIPTIONS)))
def test_no_word_of_a_description_is_lost(text):
    told = " ".join(sentence.text for sentence in prose.sentences(text))
    assert told.split() == [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]


def mutants(text):
    """Every sentence that is one dropped, changed or added word away."""
    words = text.split()
    for i in range(len(words)):
        yield words[:i] + words[i + 1 :]
        for other in ("never", "some", "4.0"):
            yield [*words[:i], other, *words[i + 1 :]]
        yield [*words[:i], "not", *words[i:]]
    yield [*words, "Never."]
    yield [*words[:-1], words[-1].rstrip("."), "or", "not."]


@pytest.mark.parametrize("text", SENTENCES)
def test_a_changed_sentence_is_not_understood_or_means_the_same(text):
    """Some words are optional ("the"); none may turn the sentence into another promise."""
    known = meaning(text)
    assert known is not None
    changed = [meaning(" ".join(words)) for words in mutants(text)]
    if isinstance(known, Since):
        changed = [None if m == Since(Version(4, 0)) else m for m in changed]  # here `4.0` is not a flaw
    assert [m for m in changed if m not in (None, known)] == []
    assert changed.count(None) >= len(changed) / 2


# -- sentences ---------------------------------------------------------------------------------------------------------

# Text, and its sentences, each after the heading under which it stands.
SPLIT = {
    "two on a line": ("One. Two.", ["|One.", "|Two."]),
    "over lines": ("One goes\non. Two.", ["|One goes on.", "|Two."]),
    "a blank line": ("One\n\nTwo", ["|One", "|Two"]),
    "a heading": ("One.\n##### Permissions\nTwo.", ["|One.", "permissions|Two."]),
    "blank lines about a heading": ("One.\n\n## Deep\n\nTwo.\n\nThree.", ["|One.", "deep|Two.", "deep|Three."]),
    "a heading with a colon": ("## Permissions:\nOne.", ["permissions|One."]),
    "two headings": ("# A\nOne.\n# B\nTwo.", ["a|One.", "b|Two."]),
    "a path in backticks": ("Use `/a/b.json`. Then stop.", ["|Use `/a/b.json`.", "|Then stop."]),
    "backticks begin a sentence": ("One. `two` is next.", ["|One.", "|`two` is next."]),
    "a URL": ("See https://a.invalid/b.html#c for D. E.", ["|See https://a.invalid/b.html#c for D.", "|E."]),
    "a version line": ("One.\n__Minimum version__: 4.1\nTwo.", ["|One.", "|__Minimum version__: 4.1", "|Two."]),
    "a bold version line": ("One.\n__Minimum: 4.1__\n# P\nTwo.", ["|One.", "|__Minimum: 4.1__", "p|Two."]),
    "a version number": ("Since 4.1 it works. Always.", ["|Since 4.1 it works.", "|Always."]),
    "for example": ("Give it, e.g. Monday. Done.", ["|Give it, e.g. Monday.", "|Done."]),
    "nothing": (" \n\n ", []),
}


@pytest.mark.parametrize("kind", SPLIT)
def test_a_description_is_split_into_sentences_under_their_headings(kind):
    text, expected = SPLIT[kind]
    assert [f"{s.section}|{s.text}" for s in prose.sentences(text)] == expected


TEXTS = [*DESCRIPTIONS, *(text for text, _ in SPLIT.values())]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_offset_of_a_sentence_is_where_it_begins(text):
    for sentence in prose.sentences(text):
        assert text[sentence.offset :].startswith(sentence.text.split()[0])


@pytest.mark.parametrize("tag", ["<br>", "<br/>", "<br />"])
def test_a_line_break_in_html_ends_a_sentence(tag):
    assert [s.text.removesuffix(tag).strip() for s in prose.sentences(f"One.{tag} Two.")] == ["One.", "Two."]


@pytest.mark.parametrize("text", [text for text in SENTENCES if not isinstance(meaning(text), Informative)])
def test_a_denied_sentence_is_not_understood(text):
    words = text.split()
    denied = [" ".join([*words[:i], "not", *words[i:]]) for i in range(1, len(words))]
    assert [other for other in denied if meaning(other) is not None] == []


def test_an_exception_after_a_scope_is_not_swallowed():
    assert meaning("Must have `a` permission for the team unless the caller made it.") is None
