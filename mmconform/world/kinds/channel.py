"""Channels of the world's team, public and private, and what is in them: posts and files. Channels are archived."""

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from mmconform.errors import MisuseError, NotHereError
from mmconform.world.admin import GONE, Admin
from mmconform.world.fillers import Upload
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing, is_gone, is_name_of_ours
from mmconform.world.kinds.team import Team
from mmconform.world.world import World


class Channel(Kind):
    """A public channel that somebody in the team made; whoever may make none is put into one of the operator's."""

    name = what = "channel"
    within = "team"
    scope = "channel"
    is_place = True
    consumed_by = (
        *("DELETE /channels/{channel_id}", "POST /channels/{channel_id}/convert", "PUT /channels/{channel_id}/privacy"),
        *("POST /channels/{channel_id}/move", "PUT /channels/{channel_id}/scheme"),
    )
    address = "/channels/{}"
    letter: ClassVar[str] = "O"

    def make(self, owner: Owner) -> str:
        if not (owner.person and owner.person.persona.team_role):
            raise NotHereError(f"whoever is in no team is in no channel: {owner.persona}")
        world, name = owner.world, owner.naming.name("h")
        about = {"team_id": world.team_id, "name": name, "display_name": name, "type": self.letter}
        world.note(what="channel", name=name, team=world.team_id)
        made = owner.ask("POST", "/api/v4/channels", json=about)
        is_refused = made.status == 403 and bool(made.error_id)
        if not is_refused and not made.is_success:
            raise MisuseError(f"the test could not be set up: {owner.persona} makes a channel: {made.says}")
        id_ = str(owner.admin.must("POST", "/api/v4/channels", about)["id"]) if is_refused else made.json_id
        world.note(what="channel", name=name, team=world.team_id, id=id_)
        if is_refused:
            owner.admin.join_channel(id_, owner.id)
        return id_

    @classmethod
    def new(cls, world: World, admin: Admin, team: str) -> str:
        """Return the id of a new one that the operator made in a team.

        Raises:
            MisuseError: the server refuses.
        """
        name = world.name("h")
        world.note(what="channel", name=name, team=team)
        about = {"team_id": team, "name": name, "display_name": name, "type": cls.letter}
        id_ = str(admin.must("POST", "/api/v4/channels", about)["id"])
        world.note(what="channel", name=name, team=team, id=id_)
        return id_

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        for team in Team().leftovers(admin):
            url = f"/api/v4/teams/{team['id']}/channels"
            for row in (*admin.rows(url, [GONE]), *admin.rows(f"{url}/private", [GONE])):  # which early servers do not list
                if is_name_of_ours(row.get("name")) and not row.get("delete_at"):
                    yield {"what": "channel", "name": str(row["name"]), "team": team["id"], "id": str(row.get("id"))}

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        return undoing.found(f"/api/v4/teams/{entry['team']}/channels/name/{entry['name']}")

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        url = f"/api/v4/channels/{entry['id']}"  # of one that is archived: 400 (app/channel.go@v5.36.1 DeleteChannel)
        return undoing.attempt("channels archived", undoing.admin.ask("DELETE", url), lambda: undoing.is_archived(url))

    def left(self, undoing: Undoing) -> Iterator[str]:
        for id_ in undoing.ids("channel"):
            if not undoing.is_archived(f"/api/v4/channels/{id_}"):
                yield f"channel {id_} is still there"


class PrivateChannel(Channel):
    name, what, letter = "private-channel", "", "P"

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        yield from ()  # those of channels tell both


class ArchivedChannel(Kind):
    name, state_of, scope = "archived-channel", "channel", "channel"
    within = "team"

    def enter(self, owner: Owner, id_: str) -> None:
        owner.admin.must("DELETE", f"/api/v4/channels/{id_}")


def channel_of(owner: Owner) -> str:
    """Return the id of the channel in which somebody's things lie: one of their own where they are in no place.

    Raises:
        MisuseError, NotHereError: it cannot be made.
    """
    return owner.channel or Channel().standing(owner)


#: Nothing is deleted in an archived channel (app/post.go@v5.36.1 DeletePost).
_IN_ARCHIVED = "api.post.delete_post.can_not_delete_post_in_deleted.error"


class Post(Kind):
    """A post of somebody's in a channel that they are in; one whose id was never told goes with the channel."""

    name = what = "post"
    within = scope = "channel"
    is_owned = True
    address = "/posts/{}"
    consumed_by = ("DELETE /posts/{post_id}", "POST /posts/{post_id}/move")

    def make(self, owner: Owner) -> str:
        return new_post(owner, channel_of(owner))

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        url = f"/api/v4/posts/{entry['id']}"  # of one that is deleted: 403 (api4/post.go@v5.36.1 deletePost)
        answer = undoing.admin.ask("DELETE", url)
        if answer.error_id == _IN_ARCHIVED:
            return False  # it stays in a channel that is over, and so it is itself
        return undoing.attempt("posts deleted", answer, lambda: is_gone(undoing.admin.ask("GET", url)))

    def left(self, undoing: Undoing) -> Iterator[str]:
        for id_ in undoing.ids("post"):
            if not is_gone(undoing.admin.ask("GET", f"/api/v4/posts/{id_}")):
                yield f"post {id_} is still there"


class File(Kind):
    """A file on a post of somebody's, with which it goes."""

    name = "file"
    within = "post"
    scope = "channel"
    is_owned = True

    def make(self, owner: Owner) -> str:
        return new_file(owner, channel_of(owner))

    def part(self, owner: Owner, id_: str, name: str) -> str:
        """Return the ``hash`` of the link by which everybody may have it."""
        answer = owner.admin.ask("GET", f"/api/v4/files/{id_}/link")
        if not answer.is_success:
            raise NotHereError(f"no file has a link for everybody here: {answer.says}")
        return dict(parse_qsl(urlsplit(str(answer.json_object.get("link"))).query))["h"]


def new_file(owner: Owner, channel: str, upload: Upload | None = None) -> str:
    """Return the id of a new file on a post of somebody's in a channel.

    Args:
        upload: The file; nothing for a small text.

    Raises:
        MisuseError: they may not.
    """
    id_ = upload_file(owner, channel, upload or (f"{owner.naming.name('f')}.txt", b"made for a test\n", "text/plain"))
    new_post(owner, channel, file_ids=[id_])
    return id_


def upload_file(owner: Owner, channel: str, file: Upload) -> str:
    """Return the id of a file of somebody's that is on no post yet.

    Raises:
        MisuseError: they may not.
    """
    form = {"data": {"channel_id": channel}, "files": {"files": file}}
    infos = owner.must("uploads a file", "POST", "/api/v4/files", **form).json_object.get("file_infos")
    if not isinstance(infos, list) or not infos or not isinstance(infos[0], dict):
        raise MisuseError("the test could not be set up: the answer to an upload holds no `file_infos`")
    return str(infos[0].get("id"))


def new_post(owner: Owner, channel: str, **more: Any) -> str:
    """Return the id of a new post of somebody's in a channel.

    Args:
        more: What it is to be beside.

    Raises:
        MisuseError: they may not.
    """
    about = {"channel_id": channel, "message": owner.purpose, "file_ids": [], **more}
    made = owner.must("makes a post", "POST", "/api/v4/posts", json=about).json_id
    owner.world.note(what="post", id=made)
    return made
