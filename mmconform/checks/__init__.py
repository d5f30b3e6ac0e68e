"""Checks: pure functions that judge one exchange against one clause. They never send anything."""

from mmconform.checks.access import auth, permission
from mmconform.checks.content import EFFECTS, effect, paging, secret
from mmconform.checks.request import input_refused
from mmconform.checks.shape import media, schema, status
from mmconform.checks.since import since
from mmconform.checks.verdict import Setting, Verdict

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

__all__ = ["CHECKS", "EFFECTS", "Setting", "Verdict"]
