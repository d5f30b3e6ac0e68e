"""Records as JUnit XML: a test case for every promise and persona that was judged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

import msgspec

from mmconform.contract.clause import Clause, Contract
from mmconform.errors import plain
from mmconform.judging.deviations import Deviation
from mmconform.record.record import Record
from mmconform.record.rows import ObservationRow
from mmconform.report.failure import Failure, gather
from mmconform.report.marks import KEPT_THOUGH_KNOWN
from mmconform.report.summary import kept_though_known, problems, state_of, unobserved


def junit(contract: Contract, records: Sequence[Record], known: Sequence[Deviation] = ()) -> str:
    """Return one ``testsuite`` for each record.

    ``classname`` is the operation, ``name`` the rule and the persona. A new failure is a ``failure``, what could not be
    seen an ``error``; a known deviation passes, with ``standing`` among its properties and its text in ``system-out``.
    What was kept and is known to be broken in that version passes too: ``standing`` says so of whoever should have met it, and
    the suite, in ``kept_though_known`` among its properties, of every such promise, with the reasons in its ``system-out``.
    What else makes a run red stands under the class ``run``, so that a file without failure or error is a green run.
    ``time`` is what the tests of that target took, one after the other, as in a suite of JUnit's; how long the run was, of all
    its targets and with several processes, is the property ``elapsed``. Both are in seconds.
    """
    root = ET.Element("testsuites", name="mattermost-conformance")
    for record in records:
        root.append(_suite(contract, record, kept_though_known(contract, record, known)))
    for counted in ("tests", "failures", "errors", "skipped"):
        root.set(counted, str(sum(int(suite.get(counted, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(contract: Contract, record: Record, unmet: Mapping[str, Sequence[Deviation]]) -> ET.Element:
    header, footer = record.header, record.footer
    suite = ET.Element("testsuite", name=plain(header.target), timestamp=header.started.removesuffix("Z"))
    elapsed = (_time(footer.finished) - _time(header.started)).total_seconds() if footer.finished else 0.0
    suite.set("time", str(footer.seconds or elapsed))
    server = {f"server.{key}": value for key, value in msgspec.structs.asdict(header.server).items()}
    about = {"spec": header.spec, "seed": str(header.seed), "selection": header.selection, "elapsed": str(elapsed)}
    suite.append(_properties({**server, **about, **({"kept_though_known": ", ".join(unmet)} if unmet else {})}))
    suite.extend(_cases(contract, record, unmet))
    if unmet:
        told = [f"{id_}: {_why(deviation)}" for id_, some in unmet.items() for deviation in some]
        ET.SubElement(suite, "system-out").text = "\n".join([KEPT_THOUGH_KNOWN.meaning, *told])
    suite.set("tests", str(len(suite.findall("testcase"))))
    for counted, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(counted, str(len(suite.findall(f"testcase/{element}"))))
    return suite


def _cases(contract: Contract, record: Record, unmet: Mapping[str, Sequence[Deviation]]) -> Iterator[ET.Element]:
    for number, (kind, sentence) in enumerate(problems(record), 1):
        case = ET.Element("testcase", classname="run", name=f"{number} {kind}")
        ET.SubElement(case, "error", message=plain(sentence))
        yield case
    judged: dict[tuple[str, str], list[ObservationRow]] = {}
    for row in record.observations:
        judged.setdefault((row.clause, row.persona), []).append(row)
    for (id_, persona), rows in judged.items():
        clause = contract.clauses[id_]
        broken = gather(contract, record.header.server, record.header.target, rows, record.header.documents)
        case = _case(clause, persona)
        state = state_of(rows)
        hidden = [d for d in unmet.get(id_, ()) if state == "pass" and persona in d.personas]
        standing = {"standing": KEPT_THOUGH_KNOWN.word} if hidden else _standing(broken)
        case.append(_properties({"clause": id_, "place": clause.place, **standing}))
        if state in ("skip", "error"):
            row = next(row for row in rows if row.outcome == state)
            ET.SubElement(case, "skipped" if state == "skip" else "error", message=plain(row.seen))
        failures = [failure for failure in broken if failure.standing == state]
        text = "\n\n".join(failure.explain() for failure in failures)
        if state == "new":
            ET.SubElement(case, "failure", message="; ".join(plain(f.seen) for f in failures), type=clause.rule).text = text
        elif failures:
            ET.SubElement(case, "system-out").text = f"known deviation\n{text}"
        elif hidden:
            ET.SubElement(case, "system-out").text = "\n".join([KEPT_THOUGH_KNOWN.meaning, *map(_why, hidden)])
        yield case
    for id_ in unobserved(contract, record)[0]:
        case = _case(contract.clauses[id_], "anybody")
        ET.SubElement(case, "skipped", message="unobserved: nothing in this run could show it")
        yield case


def _case(clause: Clause, persona: str) -> ET.Element:
    rule = clause.id.removeprefix(f"{clause.operation}.")
    return ET.Element("testcase", classname=clause.operation, name=f"{rule} as {plain(persona)}")


def _why(deviation: Deviation) -> str:
    told = deviation.signature, deviation.verdict, deviation.reason, deviation.evidence
    return "{} ({}): {} {}".format(*(plain(" ".join(text.split())) for text in told))


def _standing(broken: Iterable[Failure]) -> dict[str, str]:
    """Properties have one value each, so several signatures share one."""
    said: dict[str, list[str]] = {}
    for failure in broken:
        said.setdefault("standing", [failure.standing])
        said.setdefault("signature", []).append(failure.signature)
    return {key: "; ".join(values) for key, values in said.items()}


def _properties(values: dict[str, str]) -> ET.Element:
    element = ET.Element("properties")
    for name, value in values.items():
        ET.SubElement(element, "property", name=plain(name), value=plain(value))
    return element


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
