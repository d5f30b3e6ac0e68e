"""Bots, which belong to whoever made them; journals and clean-up know them as users, which they are."""

from dataclasses import replace

from mmconform.world.admin import OPERATOR
from mmconform.world.kinds.kind import Kind, Owner


class Bot(Kind):
    """The accounts of bots."""

    name = "bot"
    within = "user"
    consumed_by = ("POST /bots/{bot_user_id}/disable", "POST /bots/{bot_user_id}/assign/{user_id}")

    def make(self, owner: Owner) -> str:
        admin = owner.admin
        bot = new_bot(replace(owner, persona=OPERATOR, credential=admin.token))[0]
        admin.must("POST", f"/api/v4/bots/{bot}/assign/{owner.id}")
        return bot


def new_bot(owner: Owner) -> tuple[str, str]:
    """Return the id and the name of a new bot of somebody's.

    Raises:
        MisuseError: they may make none.
    """
    name = owner.naming.name("b")
    owner.world.note(what="user", name=name)
    made = owner.must("makes a bot", "POST", "/api/v4/bots", json={"username": name, "display_name": name})
    id_ = str(made.json_object["user_id"])
    owner.world.note(what="user", name=name, id=id_)
    return id_, name
