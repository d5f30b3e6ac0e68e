"""The proofs as a table for a person."""

from collections import Counter
from collections.abc import Iterator, Sequence

from mmconform.contract.clause import RULES
from mmconform.prove.prove import Findings, Proof
from mmconform.report.marks import MARKS

_NOTICED, _MISSED, _ODD = (MARKS[state].sign for state in ("pass", "skip", "new"))


def table(proofs: Sequence[Proof], seconds: Sequence[float], beside: Findings | None = None) -> str:
    """Return the proofs for a person: mutant by mutant the rules that noticed it, and what is not as declared.

    Args:
        seconds: As in :func:`mmconform.prove.prove.as_json`, as is ``beside``.
    """
    wide = max(len(proof.name) for proof in proofs) + 6
    lines = [" " * wide + " ".join(f"{_short(rule):6}" for rule in RULES).rstrip()]
    for operation in dict.fromkeys(proof.mutant.operation for proof in proofs):
        lines.append("every operation" if operation == "*" else operation)
        lines += [line for p in proofs if p.mutant.operation == operation for line in _lines(p, wide, beside)]
    odd = sum(not proof.is_as_declared for proof in proofs)
    legend = {
        _NOTICED: "noticed by the declared clauses and no others",
        _MISSED: "not noticed, for a known reason",
        _ODD: "not as declared",
    }
    lines.append("  " + "   ".join(f"{mark} {meaning}" for mark, meaning in legend.items()))
    lines.append("  a number says how many clauses of a rule; + clauses of other operations failed too, as declared")
    noticed = sum(p.is_killed for p in proofs)
    lines.append(f"{noticed} of {len(proofs)} mutants noticed, {odd} not as declared; {_pace(noticed, seconds[0])}")
    if beside is not None:
        found = sum(bool(beside[p.name]) for p in proofs)
        lines.append(f"◆ plain Schemathesis notices {found} of them; {_pace(found, seconds[1])}")
    return "\n".join(lines)


def _pace(found: int, seconds: float) -> str:
    return f"{seconds:.0f} s, {60 * found / seconds:.1f} faults found a minute"


def _lines(proof: Proof, wide: int, beside: Findings | None) -> Iterator[str]:
    mark = _ODD if not proof.is_as_declared else _NOTICED if proof.is_killed else _MISSED
    name = f"  {mark} {proof.name}"
    own = Counter(c.split(".")[1] for c in proof.by if proof.mutant.operation in ("*", c.partition(".")[0]))
    cells = [f"{'' if not own[rule] else _NOTICED if own[rule] == 1 else own[rule]!s:6}" for rule in RULES]
    more = ("+" if len(proof.by) > own.total() else " ") + ("" if beside is None or not beside[proof.name] else " ◆")
    yield f"{name:{wide}}{' '.join(cells)} {more}".rstrip()
    if proof.mutant.blind or proof.difference:
        yield f"      {proof.difference or proof.mutant.blind}"


def _short(rule: str) -> str:
    return {"permission": "perm."}.get(rule, rule)
