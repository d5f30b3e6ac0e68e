"""What runs left on a server of which no journal is at hand, told by their names."""

from collections.abc import Iterator

from mmconform.world.admin import Admin
from mmconform.world.kinds import outermost_first
from mmconform.world.kinds.kind import Entry


def find(admin: Admin) -> Iterator[Entry]:
    """Yield what is still there as entries of a journal, in the order in which a run makes such things.

    Settings and roles are not among them: what they were before only the journal of their run knows. Nor are jobs, which
    tell nobody who made them. The commands of a team go with it.

    Raises:
        MisuseError: the server refuses.
        UnseenError: it does not answer.
    """
    for kind in outermost_first():
        yield from kind.leftovers(admin)
