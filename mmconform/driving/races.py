"""Many callers use a credential while it ends: nothing is to be served that was asked after the answer to the change had come."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from mmconform.driving.actor import Actor
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.tape.redact import Redactor

#: So many callers at once; so often each asks after the change; in so many seconds all of it has to be over.
CALLERS, AFTERWARDS, PATIENCE = 6, 10, 30.0


def race(actor: Actor, change: Callable[[], object]) -> int:
    """Have many callers read with a credential, and change something while they do.

    Args:
        actor: Whose credential it is.
        change: Ends the credential; the moment in which it returns is that of its answer.

    Returns:
        How many requests were served that were asked after the answer to the change.

    Raises:
        UnseenError: a caller got no answer, or nobody was served before the change.
    """
    served, changed, url = Event(), Event(), f"/api/v4/users/{actor.id}/tokens?per_page=1"
    until = time.monotonic() + PATIENCE

    def ask() -> list[tuple[float, bool]]:
        client = Client(actor.stage.client.base_url, Redactor(replaying=False), origin=actor.stage.client.origin)
        asked, left = list[tuple[float, bool]](), AFTERWARDS
        while left and time.monotonic() < until:
            begun, left = time.monotonic(), left - changed.is_set()
            exchange = client.send("GET", url, persona=actor.persona, token=actor.credential)
            asked.append((begun, exchange.is_success))
            if exchange.is_success:
                served.set()
        return asked

    with ThreadPoolExecutor(CALLERS) as callers:
        running = [callers.submit(ask) for _ in range(CALLERS)]
        try:
            if not served.wait(PATIENCE):
                raise UnseenError(f"GET {url}", "nobody was served before the change")
            change()
            answered = time.monotonic()
        finally:
            changed.set()
        asked = [one for caller in running for one in caller.result()]
    return sum(is_served for begun, is_served in asked if begun > answered)
