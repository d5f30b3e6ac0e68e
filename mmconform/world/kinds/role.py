"""Roles, which are read: the one that everybody has, by its id and by its name."""

from mmconform.world.kinds.kind import Kind, Owner

_EVERYBODYS = "system_user"


class RoleName(Kind):
    name = "role-name"
    is_name = True

    def make(self, owner: Owner) -> str:
        return _EVERYBODYS


class RoleOfEverybody(Kind):
    name = "role"

    def make(self, owner: Owner) -> str:
        return str(owner.admin.role(_EVERYBODYS)["id"])
