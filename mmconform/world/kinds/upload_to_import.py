"""Files that were uploaded to be imported; nothing imports them. Servers find them by a name that holds that of their upload."""

from collections.abc import Iterator
from dataclasses import replace

from mmconform.errors import NotHereError
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import OPERATOR, Admin
from mmconform.world.fillers import ARCHIVE
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing, is_name_of_ours

_URL = "/api/v4/imports"
_SUFFIX = ".zip"


class Import(Kind):
    name = what = "import"
    is_name = True
    consumed_by = ("DELETE /imports/{import_name}",)

    def make(self, owner: Owner) -> str:
        """Return the name of an empty archive of the operator's, ``<id of the upload>_<name>`` (app/upload.go@v5.36.1).

        Where people use a server that has no route to delete one (api4/import.go@v10.8.1), none is made.
        """
        name, content = owner.naming.name("i"), ARCHIVE[1]
        if not owner.world.may_disrupt and _delete(owner.admin, f"{name}{_SUFFIX}").has_no_route:
            raise NotHereError("this server has no route to delete what was uploaded to be imported: it would stay")
        owner.world.note(what="import", name=name)
        about = {"type": "import", "filename": f"{name}{_SUFFIX}", "file_size": len(content)}
        begun = owner.admin.ask("POST", "/api/v4/uploads", about)
        if not begun.is_success and begun.error_id:
            raise NotHereError(f"nobody uploads what is to be imported here: {begun.says}")
        operator = replace(owner, persona=OPERATOR, credential=owner.admin.token)
        operator.must("uploads what is to be imported", "POST", f"/api/v4/uploads/{begun.json_id}", data=content)
        id_ = f"{begun.json_id}_{name}{_SUFFIX}"
        owner.world.note(what="import", name=name, id=id_)
        return id_

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        for name in _names(admin):
            if is_name_of_ours(_ours(name)):
                yield {"what": "import", "name": _ours(name), "id": name}

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        yield from (name for name in _names(undoing.admin) if _ours(name) == entry.get("name"))

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        return undoing.attempt(
            "imports deleted", _delete(undoing.admin, entry["id"]), lambda: entry["id"] not in _names(undoing.admin)
        )

    def left(self, undoing: Undoing) -> Iterator[str]:
        undone = undoing.ids("import")
        there = set(_names(undoing.admin)) if undone else set()
        yield from (f"the import {name} is still there" for name in undone if name in there)


def _delete(admin: Admin, file: str) -> Exchange:
    return admin.ask("DELETE", f"{_URL}/{file}")


def _ours(file: str) -> str:
    """Return the name that a run gave, of that of a file."""
    return file.partition("_")[2].removesuffix(_SUFFIX)


def _names(admin: Admin) -> list[str]:
    """Return the names of all files; none where the server has no such list, or nowhere to keep them."""
    answer = admin.ask("GET", _URL)
    told = answer.json_or_none if answer.is_success else None
    return [str(name) for name in told] if isinstance(told, list) else []
