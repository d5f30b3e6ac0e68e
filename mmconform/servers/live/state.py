"""What a server is set to before and after a run: configuration, roles and licence, compared exactly."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmconform.documents.reader import read
from mmconform.errors import MisuseError
from mmconform.paths import DATA
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import GONE, Admin

CONFIGURATION, ROLES, LICENCE = "configuration", "roles", "licence"


@dataclass(frozen=True)
class State:
    """What the administrator is told; secrets are masked, so that a change of one alone cannot be seen.

    Attributes:
        settings: By the names of section and setting.
        roles: The permissions of each, with the id; nothing before 4.9, when roles became data.
    """

    settings: dict[tuple[str, str], Any]
    roles: dict[str, tuple[str, frozenset[str]]]
    licence: dict[str, Any]

    def differences(self, after: "State") -> Iterator["Difference"]:
        """Yield what is not what it was."""
        for key in _unequal(self.settings, after.settings):
            yield Difference(CONFIGURATION, ".".join(key), self.settings.get(key), after.settings.get(key), key)
        for name in _unequal(self.roles, after.roles):
            was, now = (_held(state.roles.get(name)) for state in (self, after))
            yield Difference(ROLES, name, was, now)
        for name in _unequal(self.licence, after.licence):
            yield Difference(LICENCE, name, self.licence.get(name), after.licence.get(name))


@dataclass(frozen=True)
class Difference:
    """One setting, role or part of the licence, and what it was and is."""

    area: str
    name: str
    before: Any
    after: Any
    key: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        return f"{self.area}: {self.name}{self._how()}"

    def _how(self) -> str:
        if isinstance(self.before, frozenset) and isinstance(self.after, frozenset):
            changed = [f"+{p}" for p in sorted(self.after - self.before)] + [f"-{p}" for p in sorted(self.before - self.after)]
            return f" ({', '.join(changed)})"
        if all(isinstance(value, bool | int) for value in (self.before, self.after)):  # texts are nobody's business
            return f" ({self.before} before, {self.after} now)".lower()
        return ""


def _unequal(before: dict[Any, Any], after: dict[Any, Any]) -> list[Any]:
    return sorted(key for key in before.keys() | after.keys() if before.get(key, _unequal) != after.get(key, _unequal))


def _held(role: tuple[str, frozenset[str]] | None) -> frozenset[str]:
    return role[1] if role else frozenset()


def look(admin: Admin) -> State:
    """Return what a server is set to.

    Raises:
        MisuseError: the server does not tell.
        UnseenError: it does not answer.
    """
    config = _object(admin.config())
    settings = {(s, key): value for s, values in config.items() if isinstance(values, dict) for key, value in values.items()}
    return State(settings, _roles(admin), _object(admin.ask("GET", "/api/v4/license/client?format=old")))


def _roles(admin: Admin) -> dict[str, tuple[str, frozenset[str]]]:
    all_ = admin.ask("GET", "/api/v4/roles")
    if all_.status == GONE:  # not there before about 6.0: asked by name, and servers before 4.9 have none
        all_ = admin.ask("POST", "/api/v4/roles/names", [*_built_in(), *_of_schemes(admin)])
    if all_.status == GONE:
        return {}
    return {str(row.get("name")): (str(row.get("id")), frozenset(row.get("permissions") or ())) for row in _rows(all_)}


def _built_in() -> list[str]:
    return list(read(DATA / "built_in_roles.yaml")[0].data["names"])


def _of_schemes(admin: Admin) -> list[str]:
    """Return the names of the roles of schemes; without a licence a server tells of none."""
    rows = admin.rows("/api/v4/schemes", none=range(400, 600))
    return [str(value) for row in rows for name, value in row.items() if name.endswith("_role") and value]


def _object(answer: Exchange) -> dict[str, Any]:
    if not answer.is_success or not answer.json_object:
        raise _untold(answer)
    return answer.json_object


def _rows(answer: Exchange) -> list[dict[str, Any]]:
    data = answer.json_or_none
    if not answer.is_success or not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise _untold(answer)
    return data


def _untold(answer: Exchange) -> MisuseError:
    return MisuseError(f"what the server is set to cannot be read: {answer.method} {answer.path} answered {answer.says}")
