"""The runner's own look at sessions: no tape has it, and none happens on replay."""

from typing import Any

from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.world.admin import Admin


def whoami(client: Client, token: str | None, persona: str) -> Exchange:
    """Ask the server who a session or token is: 200 and the account, or 401.

    Raises:
        UnseenError: no answer of the server's own came; nothing is known.
    """
    return client.send("GET", "/api/v4/users/me", persona=persona, token=token, headers=NOT_TAPED)


def is_alive(client: Client, token: str | None, persona: str) -> bool:
    """Return whether a session or token still lets its owner in.

    Raises:
        UnseenError: no answer of the server's own came; nothing is known.
    """
    return whoami(client, token, persona).is_success


def sessions(admin: Admin, account: str) -> tuple[Exchange, list[dict[str, Any]]]:
    """Return the answer, and the sessions of an account that it tells of; none where it is no list."""
    answer = admin.off_tape.ask("GET", f"/api/v4/users/{account}/sessions")
    rows = answer.json_or_none if answer.is_success else None
    return answer, [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
