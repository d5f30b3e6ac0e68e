"""status, schema, media: what an answer looks like."""

from fnmatch import fnmatchcase

from mmconform.contract.clause import Answer, Clause
from mmconform.judging.checks.verdict import KEPT, TOLD, Context, Verdict, broken
from mmconform.judging.schemas import mismatches


def _declared(at: Context) -> Answer | None:
    answers = at.operation.answers
    status = str(at.exchange.status)
    return answers.get(status) or answers.get(f"{status[0]}XX") or answers.get("default")


def status(clause: Clause, at: Context) -> Verdict | None:
    """The status is one that the document declares; so never a 5xx, but for a 501 that it names."""
    if not at.is_answered:
        return None
    if _declared(at):
        return KEPT
    declared = ", ".join(at.operation.answers)
    return broken(at.exchange.says, f"answered {at.exchange.says}; declared are {declared}", f"one of {declared}")


def media(clause: Clause, at: Context) -> Verdict | None:
    """The media type is one that the document declares, for the status or, for an error that is undeclared, for any."""
    answers = at.operation.answers
    declared = _declared(at)
    if not at.is_answered or at.exchange.status == 204 or at.has_no_route or (at.exchange.is_success and not declared):
        return None  # where no such status is served, nothing is promised of it; a route that is not there breaks `since`
    wanted = set(declared.content) if declared else {m for answer in answers.values() for m in answer.content}
    if not wanted:
        return None
    found = _bare(at.exchange.answer_headers.get("content-type", ""))
    if "*/*" in wanted or any(fnmatchcase(found, _bare(one)) for one in wanted):
        return KEPT
    seen = found or "no content type"
    return broken(f"{at.exchange.says} {seen}", f"answered {at.exchange.status} with {seen}", " or ".join(sorted(wanted)))


def _bare(media: str) -> str:
    """Return a media type, or a range of them, without its parameters; letters count alike (RFC 9110, 8.3.1)."""
    return media.split(";")[0].strip().lower()


def schema(clause: Clause, at: Context) -> Verdict | None:
    """The body follows the schema declared for the status; where no other clause says so, a secret has no room in it either."""
    if at.tells_a_kept_secret:
        seen = "the answer holds a secret value of the run, for which its schema has no room"
        return broken(TOLD, seen, "no secret in it")
    declared = _declared(at)
    wanted = (declared.content.get("application/json") if declared else None) or {}
    if not at.is_answered or not wanted:
        return None
    try:
        value = at.exchange.json
    except ValueError:
        return broken(f"{at.exchange.status} not JSON", f"answered {at.exchange.status} with a body that is no JSON", "JSON")
    flaws = mismatches(at.contract, wanted, value)
    if not flaws:
        return KEPT
    seen = f"the body of the {at.exchange.status} breaks its schema: {'; '.join(flaws[:3])}"
    return broken(f"{at.exchange.status} {flaws[0]}", seen, f"a body that follows the schema of the {at.exchange.status}")
