"""What a run changes and does not make, as journals tell it: settings, and what built-in roles hold."""

import json
from collections.abc import Iterator
from itertools import chain

from mmconform.errors import MisuseError
from mmconform.world.admin import Sections, unlike
from mmconform.world.kinds.kind import Entry, Kind, Undoing


class Settings(Kind):
    what = "config"
    may_hide = True

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        yield ""

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        try:
            names = [f"{section}.{key}" for section, values in sorted(entry["before"].items()) for key in sorted(values)]
            done = undoing.admin.restore(entry["before"])
            undoing.attempt(f"changes of {', '.join(names)} undone", done, count=len(names))
        except MisuseError as error:
            undoing.failed.append(str(error))
        return True

    def left(self, undoing: Undoing) -> Iterator[str]:
        wanted: Sections = {}
        for section, values in chain.from_iterable(entry["before"].items() for entry in undoing.undone["config"]):
            wanted.setdefault(section, {}).update(values)  # what was there before the first change comes last
        try:
            now = unlike(undoing.admin.config(), wanted) if wanted else {}
        except MisuseError as error:
            yield str(error)
        else:
            yield from (f"{name} is {json.dumps(value)} after it was put back" for name, value in now.items())


class Role(Kind):
    what = "role"

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        patch = {"permissions": entry["permissions"]}
        undoing.attempt("roles restored", undoing.admin.ask("PUT", f"/api/v4/roles/{entry['id']}/patch", patch))
        return True

    def left(self, undoing: Undoing) -> Iterator[str]:
        first = {entry["id"]: entry["permissions"] for entry in undoing.undone["role"]}
        for id_, permissions in first.items():
            if not undoing.admin.role_holds(id_, permissions):
                yield f"the role {id_} does not hold what it held before"
