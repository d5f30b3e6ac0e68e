"""How each state of a promise is shown, in text, on the page and in pictures: one table for all that show it."""

from dataclasses import dataclass, replace

from mmconform.contract.clause import Principle
from mmconform.record.rows import FindingStanding

#: Colours of Okabe and Ito, which those tell apart too who see fewer; ours are a little darker where text needs it.
BLUE, GREEN, ORANGE, RED, SKY, PURPLE = "#0072B2", "#009E73", "#C47F00", "#D55E00", "#56B4E9", "#9A4F7E"
BLACK, GREY, PALE = "#222222", "#8a8a8a", "#e4e4e4"


#: More operations than these are grouped by tag, and not all named in one line.
MANY = 20


@dataclass(frozen=True)
class Drawing:
    """How a value is drawn in a picture: matplotlib's marker and its colour.

    Attributes:
        hollow: Only its outline.
        tile: The colour of the cell behind it.
    """

    marker: str
    colour: str
    hollow: bool = False
    tile: str = ""


@dataclass(frozen=True)
class Mark:
    """How a state is shown. Its shape alone tells it from the others.

    Attributes:
        sign: A character.
        style: Of the sign in a terminal, as rich calls it.
        word: What the state is called beside a number.
        meaning: What it means, for a legend.
    """

    sign: str
    style: str
    word: str
    meaning: str
    drawing: Drawing


#: Of every state (:data:`mmconform.report.summary.STATES`), worst first.
MARKS = {
    "new": Mark("✖", "bold red", "new", "broken, and not known: new", Drawing("X", RED, tile="#fbe3d5")),
    "error": Mark("!", "bold red", "in error", "could not be seen", Drawing("$!$", RED, tile="#fbe3d5")),
    "known": Mark("▲", "yellow", "known", "broken, known and explained", Drawing("^", ORANGE, tile="#fbf1dc")),
    "pass": Mark("●", "green", "kept", "kept", Drawing("o", GREEN, tile="#e3f4ee")),
    "skip": Mark("○", "dim", "skipped", "skipped", Drawing("o", GREY, hollow=True)),
    "unobserved": Mark("?", "dim", "unobserved", "nothing in this run could show it", Drawing("$?$", GREY)),
}

#: Of a promise that was kept by what a run asked, and is known to be broken (:func:`mmconform.report.summary.kept_though_known`).
KEPT_THOUGH_KNOWN = Mark(
    "◑",
    "green",
    "kept though known",
    "kept by what was asked here; known to be broken in this version, and not met",
    Drawing("$◑$", GREEN, tile="#e3f4ee"),
)

#: Of all that can be said of a promise, worst first.
EVERY_MARK = {
    name: mark
    for state, of_state in MARKS.items()
    for name, mark in [*([(KEPT_THOUGH_KNOWN.word, KEPT_THOUGH_KNOWN)] if state == "pass" else []), (state, of_state)]
}

#: Of every standing of what contradicts a principle, worst first. It breaks no promise, so what is said is not that.
FINDING_MARKS: dict[FindingStanding, Mark] = {
    "new": replace(MARKS["new"], meaning="contradicts a principle, and is not known: new"),
    "known": replace(MARKS["known"], meaning="contradicts a principle, known and explained"),
    "gap": Mark(
        "◇", "dim", "gap of the document", "the document is silent about what does no harm", Drawing("D", GREY, hollow=True)
    ),
}

#: What became of an answer, for whoever calls the server: on the page, in a terminal, in pictures.
EFFECT_SIGNS = {"worse": "▼", "different": "≠", "better": "+"}

#: What it says of a finding that it is new.
NEW_FINDING = "new: no entry declares it; whether it is published or meant nobody looked up, see docs/whole-api.md"
#: What each principle says, in one sentence.
PRINCIPLE_MEANS: dict[Principle, str] = {
    "hidden": "What one operation leaves blank for somebody, no other answer shows them; nor anybody's credentials.",
    "ended": "Whoever was deactivated, removed, demoted or signed out is so in every operation; what is deleted is gone.",
    "confidential": "What the operation that reads a thing refuses somebody, no other operation tells them or lets them use.",
    "bounded": "Nobody gets or gives more than they have, and nobody below an administrator acts on one.",
    "unlisted": "A property that a request does not list has no effect.",
    "consistent": "The same effect needs the same permission, whichever operation brings it about.",
    "forbidden": "What a setting forbids, it forbids in every operation.",
}

#: Why of a bot no permission is judged, beside whatever it was answered.
OF_BOTS = (
    "What a bot may do is not judged: it holds the roles of a user, but servers ask more of it than of people, or less, and no "
    "sentence of the description says which. Its answers are shown, and compared from server to server."
)

#: What each reason for which something is not judged means.
WHY_SKIPPED = {
    "not-in-version": "this version does not have the operation, or what is asked about it",
    "needs-licence": "only a server with a licence can show it",
    "would-do-harm": "it would change a server, or could not be undone, and was not sent (--dry-run says more)",
    "unknown-identifier": "nobody says what an identifier of the request stands for, or in which team or channel it lies; "
    "with a part of its path missing it was not sent",
    "foreign-identifier": "it would change something, and names what this run neither made nor drew at random: it was not sent",
    "unknown-permission": "it is not known who holds the permission that is demanded",
    "unknown-relation": "it is not known what the caller is to what is asked about (its author, a member of it), or how that is "
    "(a public channel, a licensed server), or it is a bot",
    "unknown-request": "nobody says what a request holds that is served, so that its answer proves nothing",
    "unknown-in-version": "what servers of this version do has not been read, or the description is of another major version",
    "undeclared-refusal": "the document declares no such refusal: a gap in it",
    "no-such-caller": "nobody can be had who holds, or lacks, just what is demanded",
    "partly-understood": "beside it stands a sentence that is not understood, which may demand more, or less",
    "not-generated": "what the document says of its requests defeats the generator",
    "not-on-this-target": "it would change a server that people use, or needs something that is switched off there",
    "not-on-tape": "the tape holds nothing of the operation",
}
