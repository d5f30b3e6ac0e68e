"""Pictures and tables for notebooks, from the tables of :mod:`mmconform.notebooks.tables`.

Every picture is a grid of marks. A shape alone tells a mark from the others; colours (of Okabe and Ito) only help.
"""

import html
import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from mmconform.errors import plain
from mmconform.paths import SAVED
from mmconform.record.record import NAME, base_of, head_of
from mmconform.report.marks import (
    BLACK,
    BLUE,
    EFFECT_SIGNS,
    EVERY_MARK,
    GREEN,
    GREY,
    KEPT_THOUGH_KNOWN,
    ORANGE,
    PALE,
    PURPLE,
    RED,
    SKY,
    WHY_SKIPPED,
)
from mmconform.version import Version, Versions
from mmconform.world.people import BESIDE, MADE, PERSONAS

#: So many letters of a title are as wide as a picture.
_WIDE = 98
#: What is said of a promise of which some answer showed whether it is kept.
_JUDGED = ("new", "known", "pass")
#: To whom single tests give more than their role holds, and why nobody was.
_GRANTED = tuple(name for name in MADE if name not in BESIDE)
_AS_SHIPPED = "where people use a server, roles stay as they are"


@dataclass(frozen=True)
class Marker:
    """How one value is drawn: matplotlib's marker, its colour, and what it means.

    Attributes:
        hollow: Only its outline.
        tile: The colour of the cell behind it.
        at_edge: It stands between a cell and the one before.
    """

    marker: str
    colour: str
    meaning: str
    hollow: bool = False
    tile: str = ""
    at_edge: bool = False
    size: float = 8


STATE_MARKS = {
    state: Marker(meaning=mark.meaning, **asdict(mark.drawing))  # as reports show it
    for state, mark in EVERY_MARK.items()
}
ORIGIN_MARKS = {
    "document": Marker("s", BLUE, "quoted from the documentation", tile="#e0edf5"),
    "overlay": Marker("s", GREY, "our addition, with its evidence", hollow=True),
    "both": Marker("D", PURPLE, "some of each", tile="#f1e6ed"),
}
#: A tick, a dash, both or neither, as on the page; and a frame around what is not as documented, or not judged.
ACCESS_MARKS = {
    "allowed": Marker("$✓$", BLUE, "may: was served", tile="#cfe3f1"),
    "denied": Marker("_", GREY, "may not: was refused", size=7),
    "mixed": Marker("$±$", PURPLE, "both: some served, some refused", tile="#f1e6ed"),
    "neither": Marker(r"$\sim$", GREY, "neither: another error, or no valid request"),
    "disagree": Marker("o", RED, "documentation and server disagree", hollow=True, size=16),
    "unjudged": Marker("s", GREY, "nobody judged whether as documented", hollow=True, size=16),
}
SINCE_MARKS = {
    "there": Marker("", BLUE, "served", tile="#cfe3f1"),
    "absent": Marker("$∅$", GREY, "nobody was served: not there, or switched off", size=7),
    "documented": Marker("|", BLACK, "documented minimum version", at_edge=True, size=17),
    **{
        effect: Marker(f"${sign}$" if sign != "▼" else "v", colour, f"changed, {meaning}")
        for (effect, sign), colour, meaning in zip(
            EFFECT_SIGNS.items(), (RED, ORANGE, GREEN), ("worse for callers", "another answer", "better for callers"), strict=True
        )
    },
}
VERDICT_MARKS = {
    "server": Marker("$S$", RED, "S: the server is wrong", tile="#fbe3d5"),
    "documentation": Marker("$D$", BLUE, "D: the documentation is wrong", tile="#cfe3f1"),
    "ambiguous": Marker("$A$", ORANGE, "A: ambiguous, no document says", tile="#fbf1dc"),
}


class Picture:
    """A figure that shows itself in a notebook, once, with a text for those who do not see it."""

    def __init__(self, figure: Figure, text: str) -> None:
        self.figure, self.text = figure, text

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
        return file.getvalue(), {"alt": self.text}

    def __repr__(self) -> str:
        return self.text


class Table:
    """Rows as HTML that is safe whatever a server said, readable without a style sheet or a script.

    With ``search``, a field to filter the rows appears where scripts may run.
    """

    def __init__(self, frame: pd.DataFrame, caption: str, *, search: bool = False) -> None:
        self.frame, self.caption, self.search = frame, caption, search

    def _repr_html_(self) -> str:
        def row(tag: str, values: Iterable[Any]) -> str:
            cells = (f'<{tag} style="text-align:left">{_breakable(html.escape(_text(value)))}</{tag}>' for value in values)
            return f"<tr>{''.join(cells)}</tr>"

        body = "\n".join(row("td", values) for values in self.frame.itertuples(index=False))
        head = f"<caption>{html.escape(self.caption)}</caption>\n<thead>{row('th', self.frame.columns)}</thead>"
        return f"<div><table>{head}\n<tbody>\n{body}\n</tbody></table>{_SEARCH if self.search else ''}</div>"

    def __repr__(self) -> str:
        return f"{self.caption}: {len(self.frame)} rows"


#: Puts a field before each table that has none yet. A notebook that is shown without scripts is shown without it.
_SEARCH = """<script>
document.querySelectorAll("table").forEach(table => {
  if (table.dataset.search || !table.parentElement.querySelector("script")) return
  table.dataset.search = "yes"
  const field = Object.assign(document.createElement("input"), {type: "search", placeholder: "Filter the rows"})
  field.setAttribute("aria-label", "Filter the rows")
  field.addEventListener("keydown", event => event.stopPropagation())
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(" ")
    for (const row of table.tBodies[0].rows)
      row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word))
  })
  table.before(field)
})
</script>"""


def table(frame: pd.DataFrame, caption: str, *, join: str | Sequence[str] = (), search: bool = False, limit: int = 200) -> Table:
    """Return some rows as a table; where there is none, its caption says so.

    Args:
        join: Rows that differ in this column only, or in these, become one, with all their values.
        search: With a field to filter the rows, where scripts may run.
        limit: Of longer text the beginning is shown.
    """
    joined = [join] if isinstance(join, str) else list(join)
    cut = [column for column in frame.columns if column not in joined]
    if joined:
        alike = frame.astype(str).groupby(cut, sort=False)[joined]
        frame = alike.agg(_listed).reset_index()[list(frame.columns)]
    short = frame.assign(**frame[cut].map(lambda value: _text(value)[:limit] + ("…" if len(_text(value)) > limit else "")))
    return Table(short, caption if len(frame) else f"{caption}: none", search=search)


def between(
    older: str, newer: str, frame: pd.DataFrame, caption: str, *, join: str | Sequence[str] = (), limit: int = 200
) -> Table:
    """Return what is told of two records as a table (:func:`table`); where they are one, a line that says so, and what to do."""
    if older != newer:
        return table(frame, f"{caption} from {older} to {newer}", join=join, limit=limit)
    why = f"no other record here is of the same requests as that of {newer}; {_how_to_compare(newer)}"
    return Table(pd.DataFrame({"why, and what to do": [why]}), f"{caption}: nothing to compare")


def _how_to_compare(server: str) -> str:
    """Return what somebody does who wants to know what an upgrade of a server changes: by what is kept of it, if anything is."""
    address = server if "://" in server else "URL"
    begun: dict[str, str] = {}
    for path in SAVED.glob(f"*/{NAME}"):
        head = head_of(path)
        if "://" in server and base_of(str(head.get("target"))) == base_of(server) and not head.get("documents"):
            begun[path.parent.name] = plain(str(head.get("started")))
    if begun:
        name = max(begun, key=lambda one: begun[one])
        of = begun[name][:10]
        return f"`{name}` is kept of it (of {of}): after an upgrade, `mmconform compare {name} {address}` asks the same"
    names = itertools.chain(["before"], (f"before-{number}" for number in itertools.count(2)))
    free = next(name for name in names if not (SAVED / name).exists())
    return f"before an upgrade, `mmconform compare --save {free} {address}` keeps one"


def judged(states: pd.DataFrame, seen: pd.DataFrame, caption: str) -> Table:
    """Return how many promises of one target were judged, of which kinds, and why others were not.

    So that a table of what is wrong that is empty is not read as more than it is.

    Args:
        states: Of :func:`mmconform.states`, those that are meant.
        seen: Of :func:`mmconform.load`, of that target.
    """
    skips = seen[seen.outcome == "skip"]
    why = _in_words(skips).groupby(skips.clause).agg(lambda reasons: "; ".join(sorted(set(reasons))))
    state = states.state.where(~states.though_known, KEPT_THOUGH_KNOWN.word)
    rows = pd.DataFrame({"about": states.rule.astype(str), "state": pd.Categorical(state, list(EVERY_MARK), ordered=True)})
    rows["why"] = [*states.clause.map(why).where(state == "skip", state.map(lambda of: EVERY_MARK[of].meaning))]
    counts = rows.groupby(["about", "state", "why"], observed=True).size().reset_index(name="promises")
    counts["state"] = [EVERY_MARK[of].word for of in counts.state]
    number = states.state.isin(_JUDGED).sum()
    return Table(counts[["about", "promises", "state", "why"]], f"{caption}: {number} of {len(states)} promises were judged")


def asked(answers: pd.DataFrame, seen: pd.DataFrame, caption: str, operation: str, persona: str) -> Table:
    """Return the requests of a caller to an operation as a table; where there are none, one that says why.

    Args:
        answers: Of :func:`mmconform.answers`, theirs alone, with the columns that are to be shown.
        seen: Of :func:`mmconform.load`, of the same target.
    """
    if len(answers):
        return table(answers, caption)
    of_it = seen[(seen.operation == operation) & (seen.rule != "since")]
    reasons = [*_in_words(of_it)] if (of_it.outcome == "skip").all() else []
    if persona in _GRANTED and not seen.persona.isin(_GRANTED).any():
        reasons.append(f"nobody was given a permission that their role does not hold: {_AS_SHIPPED}")
    why = "; ".join(dict.fromkeys(reasons)) or "no test of this run sends one"
    return Table(pd.DataFrame({"why there is none": [why]}), f"{caption}: no valid request")


def _in_words(skips: pd.DataFrame) -> pd.Series:
    """Return why each was skipped: what its test says, or else what the reason means."""
    return skips.seen.where(skips.seen != skips.signature, skips.signature.map(WHY_SKIPPED))


def promises(clauses: pd.DataFrame) -> Picture:
    """Return which kinds of promises are made of which operation, and by whom (:func:`mmconform.clauses`)."""
    cells = clauses.groupby(["operation", "rule"], observed=True).origin.agg(lambda o: o.iloc[0] if o.nunique() == 1 else "both")
    counts = clauses.groupby(["operation", "rule"], observed=True).size()
    said = f"{len(clauses)} promises about {clauses.operation.nunique()} operations; a number counts several of one kind"
    return _grid(cells.reset_index(name="value"), "operation", "rule", ORIGIN_MARKS, said, counts=counts[counts > 1].to_dict())


def kept(states: pd.DataFrame) -> Picture:
    """Return what became of the promises on one target (:func:`mmconform.states`): the worst of each kind."""
    [target] = states.target.unique()
    seen = states.state.where(~states.though_known, KEPT_THOUGH_KNOWN.word)
    frame = states.assign(value=pd.Categorical(seen, list(STATE_MARKS), ordered=True))
    cells = frame.groupby(["operation", "rule"], observed=True).value.min().astype(str)
    counts = states.groupby(["operation", "rule"], observed=True).size()
    said = f"{_headline(states)} on {target}; a number counts several of one kind"
    return _grid(cells.reset_index(name="value"), "operation", "rule", STATE_MARKS, said, counts=counts[counts > 1].to_dict())


def reach(answers: pd.DataFrame) -> Picture:
    """Return how far the requests to each operation of one target got (:func:`mmconform.answers`)."""
    served = answers.status.between(200, 299) & answers.valid
    seen = pd.DataFrame({"operation": answers.operation, "sent": 1, "valid": answers.valid, "served": served})
    sums = seen.groupby("operation", observed=True)[["sent", "valid", "served"]].sum().iloc[::-1]
    figure = Figure(figsize=(9, 0.36 * len(sums) + 1.5), layout="constrained")
    axes = figure.subplots()
    for column, colour, height, hatch in (("sent", PALE, 0.8, ""), ("valid", SKY, 0.55, ""), ("served", BLUE, 0.3, "")):
        axes.barh(sums.index.astype(str), sums[column], color=colour, height=height, hatch=hatch, edgecolor="white", label=column)
    for place, row in enumerate(sums.itertuples()):
        axes.annotate(
            f"{row.served} / {row.valid} / {row.sent}", (row.sent, place), (4, 0), textcoords="offset points", va="center"
        )
    said = f"Requests judged: {sums.served.sum()} served of {sums.valid.sum()} valid ones of {sums.sent.sum()} sent"
    axes.set(xlabel="requests (served / valid and about something that exists / sent)", xlim=(0, sums.sent.max() * 1.18))
    axes.set_title(said, loc="left", fontsize=11)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return Picture(figure, said)


def access(access: pd.DataFrame) -> Picture:
    """Return who is let in on one target (:func:`mmconform.access`), and where that is not what is documented.

    Those have no column to whom single tests give more than their role holds: :func:`granted` is about them.
    """
    people = [*PERSONAS, *(name for name in BESIDE if (access.persona == name).any())]
    return _who_may(access, people, "Who may do what on {}, by roles as shipped")


def granted(access: pd.DataFrame) -> "Picture | Table":
    """Return the same of those to whom a test gave more than their role holds, each of whom may ask with that and without.

    Where there was nobody, as on a server that people use, whose roles stay as they are, an empty table says so.
    """
    [target] = access.target.unique()
    people = [name for name in _GRANTED if (access.persona == name).any()]
    if not people:
        said = f"On {target} nobody was given a permission that their role does not hold ({_AS_SHIPPED})"
        return Table(access.loc[[], ["operation", "persona"]], said)
    return _who_may(access, people, "People with a permission that their role does not hold, on {}")


def _who_may(access: pd.DataFrame, people: list[str], title: str) -> Picture:
    [target] = access.target.unique()
    access = callers(access[access.persona.isin(people)])
    whose = {"self": "own", "other": "somebody else's", "any": ""}
    labels = [f"{r.operation}, {whose[r.about]}" if whose[r.about] else str(r.operation) for r in access.itertuples()]
    places = access.assign(label=labels).sort_values(["operation", "about"], ascending=[True, False], kind="stable")
    wrong, unjudged = places[~places.agrees.fillna(True)], places[places.agrees.isna()]
    frame = pd.concat([places.assign(value=places.answered), wrong.assign(value="disagree"), unjudged.assign(value="unjudged")])
    frame["label"] = pd.Categorical(frame.label, list(dict.fromkeys(places.label)), ordered=True)
    frame["persona"] = frame.persona.cat.set_categories(people, ordered=True)
    said = f"{title.format(target)}: {access.agrees.sum()} of {access.agrees.count()} as documented"
    return _grid(frame, "label", "persona", ACCESS_MARKS, said)


def callers(access: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each caller of an operation, who may be served and refused, whatever is documented of each request."""

    def together(rows: pd.DataFrame) -> pd.Series:
        came = [*dict.fromkeys(rows.answered[rows.answered != "neither"])]
        answered = "mixed" if len(came) > 1 else came[0] if came else "neither"
        judged = rows.agrees.dropna()
        return pd.Series({"answered": answered, "agrees": bool(judged.all()) if len(judged) else pd.NA})

    cells = access.groupby(["operation", "about", "persona"], observed=True, sort=False)[["answered", "agrees"]].apply(together)
    return cells.reset_index().astype({"agrees": "boolean"})


def versions(answers: pd.DataFrame, timeline: pd.DataFrame, clauses: pd.DataFrame) -> Picture:
    """Return which version serves which operation, and where its answers differ from those of the version before.

    What differs between two records of one version, as of its tape and a server, is no change from a version to the next. Where
    an operation began before all of them, as 4.0 is before 5.36.1, nothing marks it.
    """
    served = answers.assign(value=answers.status.between(200, 299)).groupby(["operation", "version"], observed=True).value.any()
    there = served.map({True: "there", False: "absent"}).reset_index()
    upgrades = timeline[timeline.older.astype(str) != timeline.version.astype(str)]
    changed = upgrades.assign(value=pd.Categorical(upgrades.effect, ["worse", "different", "better"], ordered=True))
    worst = changed.groupby(["operation", "version"], observed=True).value.min().astype(str).reset_index()
    since = clauses.drop_duplicates("operation").set_index("operation").since
    names = [str(name) for name in there.version.cat.categories]
    earliest = Version.parse(names[0])._replace(patch=0)
    ticks = [
        {"operation": operation, "version": next(name for name in names if Version.parse(name) >= Version.parse(first))}
        for operation, first in since.items()
        if first and earliest <= Version.parse(first) <= Version.parse(names[-1])
    ]
    frame = pd.concat(
        [there, pd.DataFrame(ticks, columns=["operation", "version"]).assign(value="documented"), worst], ignore_index=True
    )
    crossed = frame.duplicated(["operation", "version"], keep=False) & (frame.value == "absent")
    frame = frame[~crossed].copy()
    for column in ("operation", "version"):
        frame[column] = pd.Categorical(frame[column], there[column].cat.categories, ordered=True)
    return _grid(frame, "operation", "version", SINCE_MARKS, "What each version serves, and what changed since the one before")


def deviations(known: pd.DataFrame, names: Sequence[str]) -> Picture:
    """Return which promise is known to be broken in which of some versions, and who is wrong."""
    names = list(dict.fromkeys(names))  # of one version there can be several records
    rows = [
        {"clause": entry.clause, "version": name, "value": entry.verdict}
        for entry in known.itertuples()
        for name in names
        if Versions.parse(entry.versions).include(Version.parse(name))
    ]
    frame = pd.DataFrame(rows).drop_duplicates()
    frame["version"] = pd.Categorical(frame.version, names, ordered=True)
    frame["clause"] = pd.Categorical(frame.clause, list(dict.fromkeys(known.clause)), ordered=True)
    said = f"{frame.clause.nunique()} promises are known to be broken in some version"
    return _grid(frame, "clause", "version", VERDICT_MARKS, said)


def _headline(states: pd.DataFrame) -> str:
    counts = states.state.value_counts()
    verified = sum(int(counts.get(state, 0)) for state in _JUDGED)
    though_known = f", {states.though_known.sum()} {KEPT_THOUGH_KNOWN.word}" if states.though_known.any() else ""
    new, known = counts.get("new", 0), counts.get("known", 0)
    return f"Verified {verified} of {len(states)} promises: {new} new, {known} known{though_known}"


def _grid(
    frame: pd.DataFrame,
    row: str,
    column: str,
    marks: Mapping[str, Marker],
    title: str,
    counts: Mapping[Any, int] | None = None,
) -> Picture:
    """Draw a cell for each row and column (ordered categories) with the mark of each of its values."""
    frame = frame.assign(**{row: frame[row].cat.remove_unused_categories()})
    rows, columns = list(frame[row].cat.categories), list(frame[column].cat.categories)
    figure = Figure(figsize=(9, 0.31 * len(rows) + 1.9), layout="constrained")
    axes = figure.subplots()
    for point in frame.itertuples():
        x, y = columns.index(getattr(point, column)), rows.index(getattr(point, row))
        mark = marks[point.value]
        if mark.tile:
            axes.add_patch(Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, color=mark.tile, linewidth=0))
        axes.plot([x - 0.5 * mark.at_edge], [y], **_line(mark))
    for (of_row, of_column), count in (counts or {}).items():
        axes.annotate(str(count), (columns.index(of_column), rows.index(of_row)), (8, 0), textcoords="offset points", va="center")
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), [str(name) for name in rows], fontsize=9)
    crowded = sum(len(str(name)) for name in columns) > 70
    slanted: dict[str, Any] = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(len(columns)), [str(name) for name in columns], fontsize=9, **slanted)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.spines[:].set_visible(False)
    used = [mark for value, mark in marks.items() if value in set(frame.value)]
    handles = [Line2D([], [], label=mark.meaning, **_legend(mark)) for mark in used]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 3), frameon=False, fontsize=9)
    figure.suptitle(fill(title, _WIDE), x=0.01, ha="left", fontsize=11)
    tallies = frame.value.value_counts()
    legend = ", ".join(f"{tallies[value]} × {mark.meaning}" for value, mark in marks.items() if value in tallies)
    return Picture(figure, f"{title}. {len(rows)} rows ({row}), {len(columns)} columns ({column}): {legend}.")


def _line(mark: Marker) -> dict[str, Any]:
    fill = "none" if mark.hollow else mark.colour
    width = 1.8 if mark.hollow or mark.marker in "_|" else 0.5
    return {
        "marker": mark.marker or "None",
        "markersize": mark.size,
        "markerfacecolor": fill,
        "markeredgecolor": mark.colour,
        "markeredgewidth": width,
        "linestyle": "none",
    }


def _legend(mark: Marker) -> dict[str, Any]:
    """A mark that is but a tile is shown as a square of its colour."""
    line = _line(mark) | {"markersize": min(mark.size, 11)}
    return line if mark.marker else line | {"marker": "s", "markersize": 11, "markerfacecolor": mark.tile, "markeredgewidth": 0}


def _listed(values: Iterable[str]) -> str:
    several = list(dict.fromkeys(values))
    return ("; " if any("," in value for value in several) else ", ").join(several)


def _text(value: Any) -> str:
    """A cell as one line; nothing for what is not there."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    return ("yes" if value else "no") if pd.api.types.is_bool(value) else plain(str(value))


def _breakable(escaped: str) -> str:
    """Let long words break where their parts end."""
    return re.sub(r"\S{25,}", lambda word: re.sub(r"([./@,_])(?=.)", r"\1<wbr>", word[0]), escaped)
