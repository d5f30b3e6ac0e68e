"""Direct and group messages, in no team: nobody can delete, archive or leave them, so they are among accounts of ours alone.

Servers make whoever makes a group one of it (channels/api4/channel.go@91ce593d27 createGroupChannel), and take nobody out again
(removeChannelMember): made by the administrator, it would stand in their sidebar for ever.
"""

from dataclasses import replace

from mmconform.errors import MisuseError, NotHereError
from mmconform.world.kinds.kind import Kind, Owner
from mmconform.world.world import Person

#: Who is in the conversations of others, the first two who are not the owner.
_OTHERS = ("other_token_user", "token_user", "member")


class DirectChannel(Kind):
    """Between somebody and another one of ours: who makes it need not be either."""

    name = "direct-channel"
    within = "user"
    is_owned = True
    address = "/channels/{}"

    def make(self, owner: Owner) -> str:
        return str(owner.admin.must("POST", "/api/v4/channels/direct", [owner.id, _others(owner)[0].id])["id"])


class GroupChannel(DirectChannel):
    """Of somebody and two others of ours, one of whom makes it: not everybody may, such as a guest."""

    name = "group-channel"

    def make(self, owner: Owner) -> str:
        other, maker = _others(owner)
        among = [owner.id, other.id, maker.id]
        made = replace(owner, persona=maker.persona.name, person=maker, credential=maker.session).ask(
            "POST", "/api/v4/channels/group", json=among
        )
        if made.status == 403 and made.error_id:
            raise NotHereError(f"only administrators make groups here, and could not leave them again: {made.says}")
        if not made.is_success:
            raise MisuseError(f"the test could not be set up: {maker.persona.name} makes a group: {made.says}")
        return made.json_id


def _others(owner: Owner) -> list[Person]:
    people = (owner.world.people[name] for name in _OTHERS)
    return [person for person in people if person.id != owner.id][:2]
