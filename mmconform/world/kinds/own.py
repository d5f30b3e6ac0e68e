"""What somebody has for themselves: categories of a sidebar, words of a status, uploads, sessions; each goes with its user."""

from typing import Any

from mmconform.errors import MisuseError, NotHereError
from mmconform.world.kinds.channel import channel_of
from mmconform.world.kinds.kind import Kind, Owner
from mmconform.world.kinds.user import login

#: A status that ends on a day: of what is left out servers make something themselves (public/model/custom_status.go@91ce593d27).
_STATUS = {"emoji": "smile", "duration": "date_and_time", "expires_at": "2100-01-01T00:00:00Z"}


class Category(Kind):
    """A category of somebody's sidebar in a team to which they belong."""

    name, within, scope = "category", "team", "team"
    is_owned = True

    def make(self, owner: Owner) -> str:
        team = owner.own_team_id
        about = {"user_id": owner.id, "team_id": team, "display_name": owner.naming.name("g"), "type": "custom"}
        url = f"/api/v4/users/{owner.id}/teams/{team}/channels/categories"
        id_ = owner.must("makes a category", "POST", url, json=about).json_id
        owner.world.kept["sidebar", id_] = url
        return id_

    def part(self, owner: Owner, id_: str, name: str) -> Any:
        """Return a part of one; its ``order`` is that of all categories of the sidebar in which it is."""
        if name != "order":
            return super().part(owner, id_, name)
        return owner.admin.ask("GET", f"{owner.world.kept['sidebar', id_]}/order").json_or_none


class RecentStatus(Kind):
    """The words of a status that somebody had, by which servers tell it from others of theirs."""

    name, within = "recent-status", "user"
    is_name = is_owned = True

    def make(self, owner: Owner) -> str:
        words = owner.naming.name("s")
        owner.must("sets a status", "PUT", f"/api/v4/users/{owner.id}/status/custom", json={**_STATUS, "text": words})
        return words


class UploadSession(Kind):
    """What is to be uploaded, of which nothing is there yet."""

    name, within, scope = "upload", "channel", "channel"
    is_owned = True

    def make(self, owner: Owner) -> str:
        about = {"channel_id": channel_of(owner), "filename": "small.txt", "file_size": 16}
        return owner.must("begins an upload", "POST", "/api/v4/uploads", json=about).json_id


class Session(Kind):
    """A session of somebody's that nobody uses."""

    name, within = "session", "user"
    is_owned = True

    def make(self, owner: Owner) -> str:
        if owner.person is None or owner.person.persona.calls_with_token:
            raise NotHereError(f"{owner.persona} cannot sign in")
        before = set(self._ids(owner))
        login(owner.client, owner.person.username, owner.person.password, owner.persona)
        if new := [id_ for id_ in self._ids(owner) if id_ not in before]:
            return new[0]
        raise MisuseError(f"{owner.person.username} signed in, and the server lists no session more than before")

    def _ids(self, owner: Owner) -> list[str]:
        return [str(row["id"]) for row in owner.admin.listed(f"/api/v4/users/{owner.id}/sessions")]
