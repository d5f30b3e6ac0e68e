"""Checks: pure functions that judge one exchange against one clause. They never send anything."""

from mmconform.judging.checks.access import auth, permission
from mmconform.judging.checks.content import EFFECTS, effect, paging, secret
from mmconform.judging.checks.request import input_refused
from mmconform.judging.checks.shape import media, schema, status
from mmconform.judging.checks.since import since
from mmconform.judging.checks.verdict import Context, Verdict

CHECKS = {
    "status": status,
    "schema": schema,
    "media": media,
    "input": input_refused,
    "auth": auth,
    "permission": permission,
    "since": since,
    "secret": secret,
    "paging": paging,
    "effect": effect,
}

__all__ = ["CHECKS", "EFFECTS", "Context", "Verdict"]
