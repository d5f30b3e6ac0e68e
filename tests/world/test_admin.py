"""The operator's own requests: lists to their end, settings and roles that are believed when they were read back."""

import json
from types import SimpleNamespace

import pytest

from mmconform.errors import MisuseError
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor
from mmconform.world import admin
from mmconform.world.admin import Admin


@pytest.fixture(autouse=True)
def no_moment(monkeypatch):
    monkeypatch.setattr(admin, "_MOMENT", 0.0)


def lists(*found, status=200):
    """Answer one page after the other, and then the last one for ever."""
    asked = []

    def send(method, url, **_):
        rows = found[min(len(asked), len(found) - 1)]
        asked.append(url)
        return Exchange("", "operator", "nobody", method, url, {}, None, status, {}, json.dumps(rows).encode())

    return Admin(SimpleNamespace(send=send), "t"), asked


def page(start, length=admin.PAGE):
    return [{"id": str(number)} for number in range(start, start + length)]


def test_a_list_is_read_to_its_end():
    asks, asked = lists(page(0), page(200), page(400, 3))
    assert [row["id"] for row in asks.rows("/api/v4/users")] == [str(n) for n in range(403)]
    assert asked[-1] == "/api/v4/users?page=2&per_page=200" and len(asked) == 3


def test_a_page_that_comes_again_is_told():
    asks, asked = lists(page(0), page(200))
    with pytest.raises(MisuseError, match=r"GET /api/v4/users never ends: its page 2 is its page 1 once more"):
        list(asks.rows("/api/v4/users"))
    assert len(asked) == 3


def test_a_list_of_ever_new_rows_is_left(monkeypatch):
    monkeypatch.setattr(admin, "_MOST", 5)
    asks, _ = lists(*(page(200 * number) for number in range(9)))
    with pytest.raises(MisuseError, match=r"never ends: 5 full pages"):
        list(asks.rows("/api/v4/users"))


def test_a_list_of_none_may_be_null_where_the_server_says_so_with_a_success():
    """11.6 without any job: cleanup could not end there."""
    assert list(lists(None)[0].rows("/api/v4/jobs")) == []
    with pytest.raises(MisuseError, match="listing failed"):
        list(lists(None, status=500)[0].rows("/api/v4/jobs"))


@pytest.mark.parametrize("rows", [{}, "x", 0])
def test_what_is_no_list_is_refused(rows):
    with pytest.raises(MisuseError, match="listing failed"):
        list(lists(rows)[0].rows("/api/v4/users"))


OFF = {"id": "api.oauth.not_enabled", "status_code": 501}


def test_where_a_feature_is_off_there_are_none():
    assert list(lists(OFF, status=501)[0].rows("/api/v4/oauth/apps", none=[501])) == []


@pytest.mark.parametrize(("says", "status"), [([], 501), (OFF, 501), ({"error": "no route"}, 404)])
def test_only_the_server_itself_says_that_there_are_none(says, status):
    with pytest.raises(MisuseError, match=f"listing failed: GET /api/v4/oauth/apps: {status}"):
        list(lists(says, status=status)[0].rows("/api/v4/oauth/apps", none=[404]))


def test_a_list_with_a_query_of_its_own_is_read_to_its_end():
    asks, asked = lists(page(0), page(200, 1))
    assert len(list(asks.rows("/api/v4/users?role=system_admin"))) == 201
    assert asked[0] == "/api/v4/users?role=system_admin&page=0&per_page=200"


# -- settings are believed when they were read back --------------------------------------------------------------------

WANTED = {"ServiceSettings": {"EnableCommands": False}}


class Settings:
    """A server that has settings and the role `r`.

    Attributes:
        refuse: Changes that it refuses.
        deaf: Changes to which it says 200, and that it does not make.
        patches: It can change single settings (from 5.20 on).
    """

    def __init__(self, refuse=(), deaf=(), patches=False):
        self.refuse, self.deaf, self.patches = refuse, deaf, patches
        self.config, self.held = {"ServiceSettings": {"EnableCommands": True, "Other": 1}}, ["a"]

    def __call__(self, method, path, headers, body):
        status, data = self.told(f"{method} {path.removeprefix('/api/v4')}", json.loads(body or b"null"))
        return status, [("Content-Type", "application/json"), ("X-Version-Id", "5.36.0")], json.dumps(data).encode()

    def told(self, what, sent):
        if what in self.refuse:
            return 500, {"id": "a.b", "message": "no", "status_code": 500}
        if what == "PUT /config/patch" and not self.patches:
            return 404, {"id": "api.context.404.app_error", "message": "no", "status_code": 404}
        if what.startswith("PUT") and what not in self.deaf:
            self.change(what, sent)
        return 200, {"permissions": self.held} if "/roles/" in what else self.config if what == "GET /config" else {}

    def change(self, what, sent):
        if "/roles/" in what:
            self.held = sent["permissions"]
        elif what == "PUT /config":
            self.config = sent
        else:
            self.config = {section: {**values, **sent.get(section, {})} for section, values in self.config.items()}


@pytest.fixture
def change(serve):
    """Change settings on a server; returns what is not as it should be."""

    def change(server):
        return Admin(Client(serve(server).url, Redactor(replaying=False)), "t").change(WANTED)

    return change


def test_what_can_be_set_is_set(change):
    assert change(Settings()) == {}


def test_the_mask_of_a_secret_is_not_sent_back(change, monkeypatch):
    """11.1 takes the mask of CacheSettings.RedisPassword for the password (server/config/utils.go@91ce593d27 desanitize)."""
    server = Settings(patches=True)
    server.config["CacheSettings"] = {"RedisPassword": "the secret"}
    told = server.told
    masked = {"CacheSettings": {"RedisPassword": "*" * 32}}
    server.told = lambda what, *more: (200, {**server.config, **masked}) if what == "GET /config" else told(what, *more)
    assert change(server) == {}
    assert server.config["CacheSettings"] == {"RedisPassword": "the secret"}
    assert server.config["ServiceSettings"]["EnableCommands"] is False


@pytest.mark.parametrize("tells", [True, False], ids=["the answer tells", "only reading tells"])
def test_a_setting_that_the_environment_fixes_is_told(change, monkeypatch, tells):
    """A server says 200, and in some versions shows what it has made of the settings."""

    class Fixed(Settings):
        def __call__(self, method, path, headers, body):
            status, more, data = super().__call__(method, path, headers, body)
            return status, more, json.dumps(self.config).encode() if method == "PUT" and tells else data

    assert change(Fixed(deaf=["PUT /config"])) == {"ServiceSettings.EnableCommands": True}


def test_a_setting_that_is_seen_a_moment_later_is_set(change, monkeypatch):
    server = Settings(deaf=["PUT /config"])
    monkeypatch.setattr(admin.time, "sleep", lambda _: setattr(server, "config", {"ServiceSettings": {"EnableCommands": False}}))
    assert change(server) == {}


def test_a_setting_that_may_not_be_written_is_told_and_other_refusals_are_errors(change, monkeypatch):
    with pytest.raises(MisuseError, match=r"changing settings failed: the server answered 500 a\.b"):
        change(Settings(refuse=["PUT /config"]))

    class ReadOnly(Settings):
        def __call__(self, method, path, headers, body):
            if method == "PUT":
                return 403, [], b'{"id": "ent.cluster.save_config.error", "message": "no", "status_code": 403}'
            return super().__call__(method, path, headers, body)

    assert change(ReadOnly()) == {"ServiceSettings.EnableCommands": True}


@pytest.mark.parametrize("says", [b"<html>", b"{}", b'{"ServiceSettings": 5}', b"[]"])
def test_nothing_is_put_back_into_what_is_no_configuration(serve, says):
    """Servers fill up what is missing with their defaults: all other settings would be lost."""
    older = {"PUT": (404, b'{"id": "api.context.404.app_error", "message": "no", "status_code": 404}')}

    def answer(method, *_):
        status, content = older.get(method, (200, says))
        return status, [("X-Version-Id", "5.36.0")], content

    server = serve(answer)
    with pytest.raises(MisuseError, match="configuration cannot be read"):
        Admin(Client(server.url, Redactor(replaying=False)), "t").restore(WANTED)
    assert [url for _, url, *_ in server.requests] == ["/api/v4/config/patch", "/api/v4/config"]


# -- roles are too -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deaf", [[], ["PUT /roles/r/patch"]])
def test_what_a_role_holds_is_read_back(serve, deaf):
    server = serve(Settings(deaf=deaf))
    changed = Admin(Client(server.url, Redactor(replaying=False)), "t").change_role("r", ["a", "b"])
    assert changed is (deaf == [])
    assert "/api/v4/roles/r" in [url for method, url, *_ in server.requests if method == "GET"]
