"""The picture of the whole installation, of which there is one: what was there before nobody can bring back."""

from collections.abc import Iterator

from mmconform.world.admin import GONE, Admin
from mmconform.world.kinds.kind import Entry, Kind, Undoing
from mmconform.world.world import World

_URL = "/api/v4/brand/image"


class BrandImage(Kind):
    name = what = "brand-image"

    def is_ours_to_make(self, world: World) -> bool:
        """Return whether there is none, and a request may make one."""
        return world.may_disrupt and not _is_there(world.admin())

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        yield ""  # it has no id

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        return undoing.attempt("pictures deleted", undoing.admin.ask("DELETE", _URL), lambda: not _is_there(undoing.admin))

    def left(self, undoing: Undoing) -> Iterator[str]:
        if _is_there(undoing.admin):
            yield "the brand image is still there"


def _is_there(admin: Admin) -> bool:
    return admin.ask("GET", _URL).status != GONE
