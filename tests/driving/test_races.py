"""Of many callers at once only those count as late who asked after the answer to the change and were served all the same."""

import json
from threading import Event
from types import SimpleNamespace

import pytest

from mmconform.driving import races
from mmconform.driving.actor import Actor
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.origin import Origin
from mmconform.wire.tape.redact import Redactor
from mmconform.world.people import PERSONAS
from mmconform.world.world import Person

GONE = {"id": "api.context.session_expired.app_error", "message": "no", "detailed_error": "", "status_code": 401}


@pytest.fixture
def race(serve):
    """Race on a server that goes on serving so many requests after the change."""

    def race(*, late=0, serves=True):
        ended, left = Event(), [late]

        def answer(method, path, headers, body):
            is_served = serves and not ended.is_set()
            if ended.is_set() and left[0]:
                left[0] -= 1
                is_served = True
            status, data = (200, []) if is_served else (401, GONE)
            return status, [("X-Version-Id", "5.36.0"), ("Content-Type", "application/json")], json.dumps(data).encode()

        client = Client(serve(answer).url, Redactor(replaying=False), origin=Origin())
        person = Person(PERSONAS["member"], "u" * 26, "somebody", "s" * 26)
        actor = Actor("member", person, person.session, SimpleNamespace(client=client))
        return races.race(actor, ended.set)

    return race


def test_nobody_is_late_where_nothing_is_served_any_more(race):
    assert race() == 0


def test_who_is_served_after_the_change_is_counted(race):
    assert 1 <= race(late=20) <= 20


def test_who_is_never_served_says_nothing(race, monkeypatch):
    monkeypatch.setattr(races, "PATIENCE", 0.3)
    with pytest.raises(UnseenError, match="nobody was served before"):
        race(serves=False)
