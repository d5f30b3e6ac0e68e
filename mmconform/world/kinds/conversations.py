"""Direct and group channels, in no team: nobody can archive them, and they stay with the people whose they are."""

from typing import ClassVar

from mmconform.world.kinds.kind import Kind, Owner


class DirectChannel(Kind):
    """Between somebody and another one of ours."""

    name = "direct-channel"
    within = "user"
    is_owned = True
    address = "/channels/{}"
    others: ClassVar[tuple[str, ...]] = ("other_token_user",)
    url: ClassVar[str] = "direct"

    def make(self, owner: Owner) -> str:
        people = [owner.id, *(owner.world.people[name].id for name in self.others)]
        return str(owner.admin.must("POST", f"/api/v4/channels/{self.url}", people)["id"])


class GroupChannel(DirectChannel):
    name = "group-channel"
    others = ("other_token_user", "token_user")
    url = "group"
