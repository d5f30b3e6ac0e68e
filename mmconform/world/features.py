"""Features of servers: in which versions they are, what switches them on, and what their absence answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mmconform.contract.clause import Operation
from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version, Versions
from mmconform.wire.exchange import Exchange
from mmconform.world.behaviours import refusals

#: As ``x-needs`` of a document and ``data/features.yaml`` name them.
TOKENS, COMMANDS, WEBRTC, JOBS = "personal access tokens", "slash commands", "WebRTC", "jobs that do nothing"
ENDLESS, BOTS, OAUTH = "personal access tokens without an end", "bot accounts", "OAuth applications"
ROLES = "roles that are data"

_Config = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Feature:
    """A row of ``data/features.yaml``.

    Attributes:
        wanted: What its setting has to be, or at most; None where it has none.
        default: What its setting is on a fresh server; None where that is not told.
        is_limit: The setting may be less than what is wanted, or be missing.
        is_arranged: A run switches it on itself where it may.
        needs_gateway: It is never on without a gateway of ours.
        ends_with_licence: With a licence it is not there.
        operations: Those that need it beside the ones of which a document says so.
        absent: The refusal (``data/answers.yaml``) with which a server answers while it is off.
        how: What to do about its absence.
    """

    name: str
    versions: Versions
    section: str
    key: str
    wanted: Any
    default: Any
    is_limit: bool
    is_arranged: bool
    needs_gateway: bool
    ends_with_licence: bool
    operations: tuple[str, ...]
    absent: str
    how: str

    @property
    def setting(self) -> str:
        return f"{self.section}.{self.key}"

    def is_on(self, config: _Config) -> bool:
        """Return whether a server's settings have it switched on."""
        value = config.get(self.section, {}).get(self.key)
        if self.needs_gateway:
            return False
        return not (isinstance(value, int) and value > self.wanted) if self.is_limit else bool(value) == self.wanted

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Feature":
        section, _, key = row.get("setting", "").partition(".")
        return cls(
            row["name"],
            Versions.of(row),
            section,
            key,
            row.get("is", row.get("at_most")),
            row.get("default"),
            "at_most" in row,
            row.get("arranged", False),
            row.get("gateway", False),
            row.get("licence", False),
            tuple(row.get("operations", ())),
            row.get("absent", ""),
            row.get("how", ""),
        )


@cache
def features() -> Mapping[str, Feature]:
    """Return every feature by its name."""
    rows: list[dict[str, Any]] = read(DATA / "features.yaml")[0].data
    return {row["name"]: Feature.of(row) for row in rows}


def has(feature: str, version: Version) -> bool:
    """Return whether servers of a version have a feature, switched on or not."""
    return features()[feature].versions.include(version) is True


def arranged(version: Version) -> list[Feature]:
    """Return the features that a run switches on itself."""
    return [feature for feature in features().values() if feature.is_arranged and has(feature.name, version)]


def switched_off(config: _Config, version: Version) -> frozenset[str]:
    """Return those of them that a server's settings have switched off."""
    return frozenset(feature.name for feature in arranged(version) if not feature.is_on(config))


def settings_of(wanted: Iterable[Feature]) -> dict[str, dict[str, Any]]:
    """Return the settings that switch features on; of one that needs a gateway that gateway tells them."""
    found: dict[str, dict[str, Any]] = {}
    for feature in wanted:
        if not feature.needs_gateway:
            found.setdefault(feature.section, {})[feature.key] = feature.wanted
    return found


def needed_by(operation: Operation) -> set[str]:
    """Return the features without which an operation serves nobody what it promises."""
    return {operation.needs, *(feature.name for feature in features().values() if operation.id in feature.operations)}


def missing(answer: Exchange, version: Version) -> str:
    """Return the feature of which an answer says that it is switched off; nothing where it says something else."""
    for feature in features().values():
        told = [one for one in refusals().get(feature.absent, ()) if one.versions.include(version)]
        if any((answer.status, answer.error_id) == (one.status, one.id) for one in told):
            return feature.name
    return ""
