"""The runner's own look whether a session is alive: no tape has it, and none happens on replay."""

from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.cassette import NOT_TAPED


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
