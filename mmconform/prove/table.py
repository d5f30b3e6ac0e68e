"""The proofs as lines for a person."""

from collections import Counter
from collections.abc import Iterator, Sequence

from mmconform.contract.clause import RULES
from mmconform.prove.prove import Findings, Proof
from mmconform.report.folded import folded
from mmconform.report.marks import MARKS

_NOTICED, _MISSED, _ODD = (MARKS[state].sign for state in ("pass", "skip", "new"))
_LEGEND = (
    f"{_NOTICED} noticed by the declared clauses and no others",
    f"{_MISSED} not noticed, for a known reason",
    f"{_ODD} not as declared",
    "in brackets how many clauses of a rule",
    "others: clauses of other operations failed too, as declared",
)


def table(proofs: Sequence[Proof], seconds: Sequence[float], beside: Findings | None = None, width: int = 80) -> str:
    """Return the proofs for a person: mutant by mutant the rules that noticed it, and what is not as declared.

    Args:
        seconds: As in :func:`mmconform.prove.prove.as_json`, as is ``beside``.
        width: How many columns a line may have; what is longer goes on in the next.
    """
    lines = []
    for operation in dict.fromkeys(proof.mutant.operation for proof in proofs):
        lines.append("every operation" if operation == "*" else operation)
        lines += [line for p in proofs if p.mutant.operation == operation for line in _lines(p, beside, width)]
    odd = sum(not proof.is_as_declared for proof in proofs)
    noticed = sum(p.is_killed for p in proofs)
    lines += _wrapped("; ".join(_LEGEND), width, 2)
    lines += _wrapped(
        f"{noticed} of {len(proofs)} mutants noticed, {odd} not as declared; {_pace(noticed, seconds[0])}", width, 0
    )
    if beside is not None:
        found = sum(bool(beside[p.name]) for p in proofs)
        lines += _wrapped(f"◆ plain Schemathesis notices {found} of them; {_pace(found, seconds[1])}", width, 0)
    return "\n".join(lines)


def _pace(found: int, seconds: float) -> str:
    return f"{seconds:.0f} s, {60 * found / seconds:.1f} faults found a minute"


def _lines(proof: Proof, beside: Findings | None, width: int) -> Iterator[str]:
    mark = _ODD if not proof.is_as_declared else _NOTICED if proof.is_killed else _MISSED
    own = Counter(c.split(".")[1] for c in proof.by if proof.mutant.operation in ("*", c.partition(".")[0]))
    by = [rule if own[rule] == 1 else f"{rule} ({own[rule]})" for rule in RULES if own[rule]]
    by += ["others"] if len(proof.by) > own.total() else []
    by += ["◆"] if beside is not None and beside[proof.name] else []
    yield from _wrapped(f"{mark} {proof.name}{': ' if by else ''}{', '.join(by)}", width, 2)
    if proof.mutant.blind or proof.difference:
        yield from _wrapped(proof.difference or proof.mutant.blind, width, 6)


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    return folded(text, width, " " * indent, " " * (indent + 2))
