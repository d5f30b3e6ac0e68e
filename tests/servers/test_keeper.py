"""The keeper: people whom something ended are made what they were, where it can be had as the same accounts."""

import json
from types import SimpleNamespace

import pytest

from mmconform.servers.live.keeper import Keeper
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor
from mmconform.world.people import BESIDE
from mmconform.world.world import Person, World

GUEST = next(persona for persona in BESIDE.values() if persona.is_guest)
DENIED = {"id": "api.user.update_active.app_error", "message": "no", "detailed_error": ""}


class Restarted:
    """A server that has deactivated its guests as it started; it makes none of them active as long as they are guests."""

    def __init__(self, token_lives):
        self.token_lives, self.roles, self.active, self.made = token_lives, "system_guest", False, 0

    def __call__(self, method, path, headers, body):
        url, sent = path.removeprefix("/api/v4"), json.loads(body or b"{}")
        is_guests = headers.get("Authorization") == "Bearer the-guests-token"
        status, told = 200, {"id": "operator"}
        if url == "/users/me" and is_guests and not (self.active and self.token_lives):
            status, told = 401, DENIED
        elif url == "/users/me" and is_guests:
            told = {"id": "guest-id", "roles": self.roles}
        elif (method, url) == ("GET", "/users/guest-id"):
            told = {"id": "guest-id", "delete_at": 0 if self.active else 5}
        elif (method, url) == ("PUT", "/users/guest-id/roles"):
            self.roles = sent["roles"]
        elif (method, url) == ("PUT", "/users/guest-id/active"):
            status, told = (401, DENIED) if self.roles == "system_guest" else (200, {})
            self.active = self.active or status == 200
        elif (method, url) == ("GET", "/teams/team-id"):
            told = {"id": "team-id", "delete_at": 0}
        elif "/members/" in url and method == "GET":
            told = {"user_id": "guest-id", "delete_at": 0, "roles": "team_guest"}
        elif (method, url) == ("POST", "/users"):
            self.made += 1
            told = {"id": "another-id"}
        elif url == "/users/login" or url.endswith("/tokens"):
            told = {"id": "token-id", "token": "another-token"}
        more = [("Token", "another-session")] if url == "/users/login" else []
        told = {**told, "status_code": status} if status >= 400 else told
        return status, [("Content-Type", "application/json"), ("X-Version-Id", "1"), *more], json.dumps(told).encode()


@pytest.mark.parametrize("token_lives", [True, False])
def test_a_guest_whom_a_restart_deactivated_is_the_same_guest_again_where_that_can_be_had(serve, token_lives):
    """Another account would be in none of the channels in which the guest is."""
    server = Restarted(token_lives)
    client = Client(serve(server).url, Redactor(replaying=False))
    world = World(client, Version(11, 1, 0), "abc123", "operators-token", team_id="team-id")
    world.people["guest"] = Person(GUEST, "guest-id", "mmc-guest", "the-guests-token")
    keeper = Keeper(world, lambda id_: True, lambda: "operators-token")
    answered = SimpleNamespace(operation="GetUser", persona="guest", status=401, error_id="a.b")
    assert keeper.after(answered, client) == {"guest"}
    assert world.people["guest"].id == ("guest-id" if token_lives else "another-id") and server.made == (not token_lives)
    assert server.roles == "system_guest" and world.lives["guest"] == 1
    assert dict(keeper.losses) == {"GetUser by guest: guest deactivated": 1}


def test_whom_a_setting_keeps_out_for_a_while_nobody_makes_anew(serve):
    server = Restarted(token_lives=False)
    client = Client(serve(server).url, Redactor(replaying=False))
    world = World(client, Version(11, 1, 0), "abc123", "operators-token", team_id="team-id")
    world.people["guest"] = Person(GUEST, "guest-id", "mmc-guest", "the-guests-token")
    keeper = Keeper(world, lambda id_: True, lambda: "operators-token")
    answered = SimpleNamespace(operation="RevokeUserAccessToken", persona="token_user", status=200, error_id="")
    with client.under("ServiceSettings.EnableUserAccessTokens is false"):
        assert keeper.after(answered, client) == frozenset() and not server.made
    assert keeper.after(answered, client) == {"guest"}
