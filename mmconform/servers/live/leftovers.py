"""What runs left on a server of which no journal is at hand, told by their names."""

import re
from collections.abc import Iterator
from typing import Any

from mmconform.world.admin import SWITCHED_OFF, Admin
from mmconform.world.world import PREFIX

#: The names that worlds and tests give (``World.run``, ``Stage.name``); nobody else's begin like that by accident.
_NAME = re.compile(PREFIX + r"[a-z0-9]{6}(-[a-z0-9]+)?")


def find(admin: Admin) -> Iterator[dict[str, str]]:
    """Yield what is still there as entries of a journal, in the order in which a run makes such things.

    Settings and roles are not among them: what they were before only the journal of their run knows. Nor are jobs, which
    tell nobody who made them. The commands of a team go with it.

    Raises:
        MisuseError: the server refuses.
        UnseenError: it does not answer.
    """

    def living(url: str) -> Iterator[dict[str, Any]]:
        return (row for row in admin.rows(url, none=[SWITCHED_OFF]) if not row.get("delete_at"))

    for team in living("/api/v4/teams"):
        if _NAME.fullmatch(str(team.get("name"))):
            yield {"what": "team", "name": str(team["name"]), "id": str(team.get("id"))}
    for user in living("/api/v4/users"):
        if is_ours(user):
            yield {"what": "user", "name": str(user["username"]), "id": str(user.get("id"))}
    for app in living("/api/v4/oauth/apps"):
        if _NAME.fullmatch(str(app.get("name"))):
            yield {"what": "oauth", "name": str(app["name"]), "id": str(app.get("id"))}


def is_ours(user: dict[str, Any]) -> bool:
    """Whether a row of a list of users is one that a run made: by name, and by an address that only we give (or a bot)."""
    by_us = str(user.get("email", "")).endswith("@conformance.invalid") or user.get("is_bot")
    return bool(_NAME.fullmatch(str(user.get("username"))) and by_us)
