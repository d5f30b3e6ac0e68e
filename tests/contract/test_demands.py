"""Sentences about who may call, in our own words, and the labelled paragraphs of the official descriptions."""

from itertools import product

import pytest

from mmconform.contract import prose
from mmconform.contract.permission import (
    Cases,
    Every,
    Holds,
    Is,
    Oneself,
    Requirement,
    Some,
    Where,
    Within,
    all_of,
    any_of,
    is_met,
    leaves,
)
from mmconform.knowledge import Unknown
from mmconform.version import Versions
from tests.paragraphs import LABELS, OFFICIAL, digest, drawn, paragraphs, reading, verdict

A, B, C = Holds("a"), Holds("b"), Holds("c")
PUBLIC, PRIVATE = Where("channel", "public"), Where("channel", "private")
AUTHOR = Is("author", "post")
LATER = Within(Versions.parse(">=5.20"))
SESSION = Every()


def cases(*told, otherwise=None):
    return Cases(told, otherwise)


# What stands under "Permissions", and what it demands.
UNDERSTOOD = {
    # and, or, and what binds closer
    "`a`": A,
    "`a` for the system or `a` for the specific team/channel.": any_of(
        Holds("a", "system"), Holds("a", "team"), Holds("a", "channel")
    ),
    "You must have the `a` permission, and must be authenticated.": A,
    "Authenticated user must have the `a` permission.": A,
    "Requires `a`.": A,
    "Must have either `a`, `b` or `c` permission for the channel.": Some(tuple(Holds(p, "channel") for p in "abc")),
    "Must be logged in as the user or have `a` permission, and must have `b` permission.": all_of(any_of(Oneself(), A), B),
    "Must be logged in as the user and have `a` permission, or have `b` permission.": any_of(all_of(Oneself(), A), B),
    "Must be authenticated, be a member of the team and have the `a` permission.": all_of(Is("member", "team"), A),
    # several sentences
    "Must have `a` permission. Must be the author of the post or have `b` permission.": all_of(A, any_of(AUTHOR, B)),
    "Must have `a` permission. Having the `b` permission voids the previous requirement.": any_of(A, B),
    "Users can deactivate themselves. Users with the `a` permission can activate or deactivate users.": any_of(
        all_of(Oneself(), Where("request", "deactivation")), A
    ),
    # what the caller is
    "Must be logged in as the user.": Oneself(),
    "Must be the user whose picture is being changed.": Oneself(),
    "Must be authenticated as the user being removed or have `a` permission.": any_of(Oneself(), A),
    "Must be the author of the post being edited.": AUTHOR,
    "Must have `a` permission or be uploader of the file.": any_of(A, Is("uploader", "file")),
    "Must be logged in as the user who created the emoji.": Is("creator", "emoji"),
    "Must have created the upload sessions.": Is("creator", "upload"),
    "Must be a member of the channel.": Is("member", "channel"),
    "Must belong to the team.": Is("member", "team"),
    "Must have `a` permission or be a channel admin.": any_of(A, Is("admin", "channel")),
    "For other users, must have `a` permission.": any_of(Oneself(), A),
    "Must have `a` permission to speak for any user other than oneself.": any_of(Oneself(), A),
    # unless, if, otherwise
    "Must have `a` permission unless the user is the author of the post.": any_of(AUTHOR, A),
    "Must have `a` permission unless the channel is public.": any_of(PUBLIC, A),
    "Must be authenticated and have `a` permission unless the channel is public.": any_of(PUBLIC, A),
    "`a` permission for the team of channel.": Holds("a", "team"),
    "Must have `a` permission unless acting on themselves.": any_of(Oneself(), A),
    "If the channel is private, must have `a` permission. Otherwise, must have `b` permission.": cases((PRIVATE, A), otherwise=B),
    "If app creator, `a` permission is required, otherwise must have `b`.": cases((Is("creator", "app"), A), otherwise=B),
    "`a` permission if the channel is public. `b` permission if the channel is private.": cases((PUBLIC, A), (PRIVATE, B)),
    "`a` permission for bots you are managing, and `b` for bots others are managing.": cases(
        (Is("owner", "bot"), A), otherwise=B
    ),
    "Must have `a` permission or if the channel is public, have the `b` permission.": any_of(A, all_of(PUBLIC, B)),
    "Must have the `do_public_thing` or `do_private_thing` depending on the channel type.": cases(
        (PUBLIC, Holds("do_public_thing")), (PRIVATE, Holds("do_private_thing"))
    ),
    # versions and licences
    "`a` permission on version < 5.20. `b` permission on version >= 5.20.": cases(
        (Within(Versions.parse("<5.20")), A), (LATER, B)
    ),
    "Must have `a` permission. If the channel is private, must also have `b` permission.": all_of(
        A, cases((PRIVATE, B), otherwise=SESSION)
    ),
    "Must have `a` permission. When updating the role of a team admin, the `b` permission is mandatory.": all_of(
        A, cases((Where("role", "team_admin"), B), otherwise=SESSION)
    ),
    "Must be in a test environment.": Where("server", "test"),
    "Must have `a` permission and `b` permission if the channel is public.": cases((PUBLIC, all_of(A, B))),
    "When creating a private channel, must have `a` permission.": cases((PRIVATE, A)),
    "In server version 5.20 and later, must have `a` permission.": cases((LATER, A)),
    "Must have `a` permission. In server version 5.20 and later, a user without the `a` permission can use this endpoint.": cases(
        (Within(Versions.parse("<5.20")), A), otherwise=SESSION
    ),
    "Must have `a` permission and be licensed for Cloud.": all_of(A, Where("licence", "cloud")),
    "Must have `a` permission. An Enterprise license is required.": all_of(A, Where("licence", "enterprise")),
    "Must have `a` permission.\n\n__Minimum server version__: 5.20\n__Note:__ This is meant for internal use.": A,
    # what is said of the answer demands nothing
    'Must be authenticated. "a_b" permission is required to see all hooks.': SESSION,
    "No permission required, but must be logged in.": SESSION,
}

# What is not to be guessed at: either two readers differ, or it turns round what stands beside it.
PUZZLING = [
    "Must have `a` permission or `b` permission and `c` permission.",
    "Must have `a` permission, or `b` permission, and `c` permission.",
    "Must have `a` and `b` or `c` permission.",
    "Must have `a` `b` permission.",
    "Must have `a`, `b` permission.",
    "Must be authenticated, have `a` or `b` permission.",
    "Must be the user or have `a` permission and have `b` permission.",
    "Must have `a` permission. If the channel is private, must have `b` permission.",
    "Must have `a` permission. In server version 5.20 and later, must have `b` permission.",
    "Must have `a` permission. In server version 5.20 and later, a user without the `b` permission can use this endpoint.",
    "Must have `a` permission. User can deactivate themselves.",
    "Having the `a` permission voids the previous requirements.",
    "An Enterprise license is required.",
    "Need not have `a` permission.",
    "Must have `a` permission for the team the post is being moved to.",
    "Must have `a` permission in any channel.",
    "Must have `a` permission for other channels.",
    "Must be the user who did not create the emoji.",
    "Must be the author of no post.",
    "Must be the user whose picture is not being changed.",
    "Must have `a` permission unless otherwise.",
    "Must have `a` permission unless for other users.",
    "Must have `a` permission unless the server allows it.",
    "If the moon is full, must have `a` permission.",
    "If the channel is private, nobody.",
    "Otherwise.",
    "The user.",
    "Must be a member.",
    "Must be a non-guest member or have `a` permission.",
    "No Enterprise license is required.",
    "Must be authenticated. No license is required.",
    "Must be the user, have `a` or `b` permission and be authenticated.",
    "Unless the channel is public, must have `a` permission.",
    "Must have `a` permission in a team.",
    "Must have `a` permission. `b` permission is required to see all hooks.",
    "`b` permission is required to see all hooks.",
    "Must have `a` permission and `b` permission for other users.",
    "Must have `a` and `b` permission for other users.",
    "Must have `a` permission and `b` permission unless the channel is public.",
    "`a` permission if the channel is public. If the channel is private, must also have `b` permission.",
    "If the channel is private, must also have `a` permission, otherwise `b` permission.",
    "User.",
    "Must be.",
    "Must have.",
    "In addition, ",
    "`a` permission, ",
    "Must have `a` permission for the team or not.",
    "No permission required but `a` permission.",
    "No authentication required except for guests.",
    "Must have the `do_public_thing` or `do_private_thing`, depending on the weather.",
    "Must have the `do_public_thing` or `undo_private_thing` depending on the channel type.",
]


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_a_paragraph_becomes_what_it_demands(text):
    assert reading(text) == Requirement(demand=UNDERSTOOD[text])


@pytest.mark.parametrize("text", PUZZLING)
def test_a_puzzling_paragraph_is_not_guessed_at(text):
    read = reading(text)
    assert read is not None and not read.is_understood


@pytest.mark.parametrize("word", ["not", "never", "no", "without"])
@pytest.mark.parametrize("text", [text for text in UNDERSTOOD if " " in text])
def test_a_word_that_turns_a_sentence_round_makes_it_puzzling(text, word):
    first, rest = text.partition("\n")[::2]
    words = first.split(" ")
    turned = [reading(" ".join([*words[:i], word, *words[i:]]) + "\n" + rest) for i in range(1, len(words))]
    assert [read for read in turned if read is None or read.is_understood] == []


@pytest.mark.parametrize("text", ["`a`", "`a` for the team.", "Logged in as the user.", "Otherwise, `a`."])
def test_a_mere_name_demands_something_only_where_permissions_are_told(text):
    assert isinstance(prose.understand(prose.Sentence(text, "permissions", 0)), prose.Permits)
    assert prose.understand(prose.Sentence(text, "", 0)) is None


def test_a_heading_that_goes_on_is_read_with_its_text():
    told = [(s, prose.understand(s)) for s in prose.sentences("##### Permissions Must have `a` permission.\nMust be logged in.")]
    assert [sentence.text for sentence, _ in told] == ["Must have `a` permission.", "Must be logged in."]
    assert prose.requirement_of(told, is_secured=False) == Requirement(demand=A)


def test_a_licence_that_is_told_elsewhere_demands_nothing_of_the_caller():
    told = [(s, prose.understand(s)) for s in prose.sentences("##### Permissions\n`a`\n##### License\nRequires an E20 license.")]
    assert prose.requirement_of(told, is_secured=True) == Requirement(demand=A)


# -- three values --------------------------------------------------------------------------------------------------------

CASES = [
    cases((PUBLIC, A), (PRIVATE, B)),
    cases((PUBLIC, A), (PRIVATE, B), otherwise=C),
    cases((PUBLIC, A), otherwise=SESSION),
    all_of(C, cases((PUBLIC, A), otherwise=B)),
    any_of(C, cases((PUBLIC, A), (PRIVATE, B))),
]


@pytest.mark.parametrize("demand", CASES, ids=map(str, CASES))
def test_what_is_known_of_a_case_holds_whatever_is_not_known(demand):
    """A yes or a no stays one in each world that is possible; and what all of them say is known, for a single choice."""
    terms = sorted(set(leaves(demand)), key=repr)
    for known in product((True, False, Unknown("x")), repeat=len(terms)):
        possible = product(*((True, False) if isinstance(value, Unknown) else (value,) for value in known))
        worlds = {is_met(demand, dict(zip(terms, world, strict=True)).__getitem__) for world in possible}
        told = is_met(demand, dict(zip(terms, known, strict=True)).__getitem__)
        assert isinstance(told, Unknown) or worlds == {told}


def test_a_case_decides_as_soon_as_it_is_known():
    demand = cases((Is("creator", "app"), A), otherwise=B)
    assert is_met(demand, {Is("creator", "app"): True, A: True, B: False}.__getitem__) is True
    assert is_met(demand, {Is("creator", "app"): False, A: True, B: False}.__getitem__) is False
    for held in (True, False):  # whoever holds both, or neither, needs no creator
        assert is_met(demand, {Is("creator", "app"): Unknown("x"), A: held, B: held}.__getitem__) is held
    assert is_met(demand, {Is("creator", "app"): Unknown("x"), A: True, B: False}.__getitem__) == Unknown("x")


def test_where_no_case_is_told_nobody_knows():
    demand = cases((PUBLIC, A), (PRIVATE, B))
    for held in (True, False):
        assert is_met(demand, {PUBLIC: False, PRIVATE: False, A: held, B: held}.__getitem__) == Unknown("unknown-relation")


def test_what_a_demand_is_made_of_is_data():
    demand = Every((any_of(AUTHOR, Oneself()), cases((all_of(PUBLIC, LATER), A), otherwise=SESSION)))
    case = {
        "if": {"every": [{"where": "channel", "is": "public"}, {"versions": ">=5.20.0"}]},
        "then": {"permission": "a", "scope": None},
    }
    assert Requirement(demand=demand).as_json()["demand"] == {
        "every": [{"some": [{"is": "author", "of": "post"}, "self"]}, {"cases": [case], "otherwise": {"every": []}}]
    }


# -- the official descriptions -----------------------------------------------------------------------------------------

official = pytest.mark.skipif(
    not OFFICIAL, reason=f"the official descriptions, with {len(LABELS)} labels, do not lie beside the checkout (shared/official)"
)


@official
def test_the_labels_are_of_the_paragraphs_that_were_drawn():
    labelled = {(label["digest"], (label["document"], label["operation"]), label["half"]) for label in LABELS}
    assert labelled == set(drawn())
    assert all(digest(paragraphs()[place]) == name for name, place, _ in drawn())


@official
@pytest.mark.parametrize("half", ["develop", "hold-out"])
def test_no_labelled_paragraph_is_read_wrongly(half):
    texts = {digest(text): text for text in paragraphs().values()}
    told = [(label["digest"], verdict(label, texts[label["digest"]])) for label in LABELS if label["half"] == half]
    assert len(told) == 100 and [name for name, read in told if read == "wrong"] == []


@official
@pytest.mark.parametrize("document", [path.stem for path in OFFICIAL])
def test_nearly_all_paragraphs_that_demand_something_are_understood(document):
    nothing = {label["digest"] for label in LABELS if label["needs"] == "nothing"}
    demanding = [text for place, text in paragraphs().items() if place.document == document and digest(text) not in nothing]
    understood = [text for text in demanding if (read := reading(text)) and read.is_understood]
    assert len(understood) >= 0.95 * len(demanding) > 350
