"""What people do with posts: threads that they follow, reactions, other wordings, pictures; each goes with its post."""

from typing import Any

from mmconform.errors import NotHereError
from mmconform.world.fillers import PICTURE
from mmconform.world.kinds.channel import File, Post, channel_of, new_file, new_post
from mmconform.world.kinds.kind import Owner

EMOJI = "smile"


class Thread(Post):
    """The first post of a thread in which its author replied: who replies follows it."""

    name, what = "thread", ""

    def make(self, owner: Owner) -> str:
        channel = channel_of(owner)
        root = new_post(owner, channel)
        new_post(owner, channel, root_id=root)
        team = owner.team_id
        owner.ask("PUT", f"/api/v4/users/{owner.id}/teams/{team}/threads/{root}/following")  # some servers do it by themselves
        return root


class ReactedPost(Post):
    """A post to which its author reacted with ``EMOJI``."""

    name, what = "reacted-post", ""

    def make(self, owner: Owner) -> str:
        post = super().make(owner)
        about = {"user_id": owner.id, "post_id": post, "emoji_name": EMOJI}
        owner.must("reacts", "POST", "/api/v4/reactions", json=about)
        return post


class EditedPost(Post):
    """A post that has had another wording; ``{edited-post.version}`` is the id of that, which only its author is told."""

    name, what = "edited-post", ""

    def make(self, owner: Owner) -> str:
        post = super().make(owner)
        owner.must("edits a post", "PUT", f"/api/v4/posts/{post}/patch", json={"message": "edited for a test"})
        told = owner.ask("GET", f"/api/v4/posts/{post}/edit_history").json_or_none
        if isinstance(told, list) and told and isinstance(told[0], dict):
            owner.world.kept["version", post] = str(told[0].get("id"))
        return post

    def part(self, owner: Owner, id_: str, name: str) -> Any:
        if name != "version":
            return super().part(owner, id_, name)
        if ("version", id_) not in owner.world.kept:
            raise NotHereError("this server tells nobody of other wordings of a post")
        return owner.world.kept["version", id_]


class Image(File):
    """A file that is a picture, on a post of somebody's."""

    name, within = "image", "post"

    def make(self, owner: Owner) -> str:
        return new_file(owner, channel_of(owner), PICTURE)
