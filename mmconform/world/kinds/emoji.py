"""Custom emoji, which belong to whoever made them; their names are on the whole server."""

import base64
import json
from collections.abc import Iterator

from mmconform.errors import MisuseError, NotHereError
from mmconform.world.admin import SWITCHED_OFF, Admin
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing, is_gone, is_name_of_ours

_URL = "/api/v4/emoji"
#: A picture of one point.
_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Emoji(Kind):
    name = what = "emoji"
    is_owned = True
    address = "/emoji/{}"
    consumed_by = ("DELETE /emoji/{emoji_id}",)

    def make(self, owner: Owner) -> str:
        name = owner.naming.name("e")
        form = {"emoji": (None, json.dumps({"name": name, "creator_id": owner.id})), "image": ("e.gif", _PICTURE, "image/gif")}
        owner.world.note(what="emoji", name=name)
        made = owner.ask("POST", _URL, files=form)
        if made.status in (403, SWITCHED_OFF) and made.error_id:
            raise NotHereError(f"{owner.persona} makes no emoji here: {made.says}")
        if not made.is_success:
            raise MisuseError(f"the test could not be set up: {owner.persona} makes an emoji: {made.says}")
        owner.world.note(what="emoji", name=name, id=made.json_id)
        return made.json_id

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        for row in admin.rows(_URL, none=[SWITCHED_OFF]):
            if is_name_of_ours(row.get("name")):
                yield {"what": "emoji", "name": str(row["name"]), "id": str(row.get("id"))}

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        return undoing.found(f"{_URL}/name/{entry.get('name')}", SWITCHED_OFF)

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        return undoing.attempt("emoji deleted", undoing.admin.ask("DELETE", f"{_URL}/{entry['id']}"))

    def left(self, undoing: Undoing) -> Iterator[str]:
        for id_ in undoing.ids("emoji"):
            if not is_gone(undoing.admin.ask("GET", f"{_URL}/{id_}")):
                yield f"emoji {id_} is still there"
