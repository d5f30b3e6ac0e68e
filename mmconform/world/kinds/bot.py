"""Bots, which belong to whoever made them; journals and clean-up know them as users, which they are."""

from dataclasses import replace

from mmconform.errors import NotHereError
from mmconform.world.admin import OPERATOR, Admin, told
from mmconform.world.kinds.kind import Kind, Owner
from mmconform.world.kinds.user import User, new_password


class Bot(Kind):
    """The accounts of bots."""

    name = "bot"
    within = "user"
    is_owned = True
    address = "/users/{}"
    made_by = ("POST /bots",)
    consumed_by = (
        *("POST /bots/{bot_user_id}/disable", "POST /bots/{bot_user_id}/assign/{user_id}"),
        "POST /bots/{bot_user_id}/convert_to_user",
    )
    renewed_after = consumed_by[:2]

    def make(self, owner: Owner) -> str:
        """Return the id of a bot of somebody's: where bots may not be made, a user is made one."""
        admin = owner.admin
        try:
            bot = new_bot(replace(owner, persona=OPERATOR, credential=admin.token))[0]
        except NotHereError:
            return _converted(owner)
        admin.must("POST", f"/api/v4/bots/{bot}/assign/{owner.id}")
        return bot

    def renew(self, owner: Owner, id_: str) -> bool:
        url = f"/api/v4/bots/{id_}"
        for change in ("enable", f"assign/{owner.id}"):
            owner.admin.ask("POST", f"{url}/{change}")
        bot = owner.admin.ask("GET", url).json_object
        return bot.get("owner_id") == owner.id and not bot.get("delete_at")


def convert(admin: Admin, user: str, owner: str) -> None:
    """Make a user a bot of somebody's, which takes no setting (api4/user.go@v5.36.1 convertUserToBot).

    Raises:
        MisuseError: the server refuses.
    """
    admin.must("POST", f"/api/v4/users/{user}/convert_to_bot")
    admin.must("POST", f"/api/v4/bots/{user}/assign/{owner}")  # until then it is its own


def _converted(owner: Owner) -> str:
    """Return the id of a user that was made a bot of somebody's."""
    name, password = owner.naming.name("b"), new_password()
    owner.client.redactor.learn(password)
    owner.world.note(what="user", name=name)
    id_ = owner.admin.make_user(name, password)
    owner.world.note(what="user", name=name, id=id_)
    owner.world.belongs(User.name, id_, id_)
    convert(owner.admin, id_, owner.id)
    return id_


def new_bot(owner: Owner) -> tuple[str, str]:
    """Return the id and the name of a new bot of somebody's.

    Raises:
        MisuseError: they may make none.
    """
    name = owner.naming.name("b")
    owner.world.note(what="user", name=name)
    made = owner.must("makes a bot", "POST", "/api/v4/bots", json={"username": name, "display_name": name})
    id_ = str(told(made)["user_id"])
    owner.world.note(what="user", name=name, id=id_)
    owner.world.belongs(User.name, id_, id_)
    return id_, name
