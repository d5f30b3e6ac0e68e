"""Features of servers: in which versions they are, what switches them on, and what their absence answers."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from mmconform.contract.clause import Operation
from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version, Versions
from mmconform.wire.exchange import Exchange
from mmconform.world.behaviours import refusals

#: As ``x-needs`` of a document and ``data/features.yaml`` name them.
TOKENS, COMMANDS, WEBRTC, JOBS = "personal access tokens", "slash commands", "WebRTC", "jobs that do nothing"
ENDLESS, BOTS, OAUTH = "personal access tokens without an end", "bot accounts", "OAuth applications"
CONVERTED_BOTS, GUESTS = "users who are made bots", "guests"
ROLES = "roles that are data"

#: What a test says that is left out for it, before the names of the features.
OFF_THERE = "switched off there: "

_Config = Mapping[str, Mapping[str, Any]]


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of ``data/features.yaml``, of which the head says what they are."""

    name: str
    source: str
    setting: str = ""
    wanted: Any = msgspec.field(name="is", default=None)
    limit: int | None = msgspec.field(name="at_most", default=None)
    versions: str = ">=0"
    default: Any = None
    arranged: bool = False
    probed: bool = False
    disruptive: bool = False
    gateway: bool = False
    licence: bool = False
    operations: tuple[str, ...] = ()
    served: tuple[str, ...] = ()
    absent: str = ""
    how: str = ""
    told: str = ""

    @property
    def section(self) -> str:
        return self.setting.partition(".")[0]

    @property
    def key(self) -> str:
        return self.setting.partition(".")[2]

    def is_on(self, config: _Config) -> bool:
        """Return whether a server's settings have it switched on."""
        value = config.get(self.section, {}).get(self.key)
        if self.gateway:
            return False
        return bool(value) == self.wanted if self.limit is None else not (isinstance(value, int) and value > self.limit)

    def is_lacking(self, config: _Config, told: Mapping[str, Any]) -> bool:
        """Return whether a server says itself that it does not have it: what it does not tell may be there.

        Args:
            told: What it tells every client of itself and of its licence.
        """
        if self.told:
            return told.get(self.told) == "false"
        return self.can_be_told and config.get(self.section, {}).get(self.key) is False

    @property
    def can_be_told(self) -> bool:
        """Whether a server says that it does not have it, where that is so."""
        return bool(self.told) or (self.wanted is True and not self.gateway)


@cache
def features() -> Mapping[str, Feature]:
    """Return every feature by its name."""
    rows = msgspec.convert(read(DATA / "features.yaml")[0].data, tuple[Feature, ...])
    return {feature.name: feature for feature in rows}


def has(feature: str, version: Version) -> bool:
    """Return whether servers of a version have a feature, switched on or not."""
    return Versions.parse(features()[feature].versions).include(version) is True


def arranged(version: Version) -> list[Feature]:
    """Return the features that a run switches on itself."""
    return [feature for feature in features().values() if feature.arranged and has(feature.name, version)]


def wanted_by_probes(config: _Config, version: Version, *, disruptive: bool) -> list[Feature]:
    """Return the features that probes of a whole document need, of those that a server tells of and has switched off."""
    return [
        feature
        for feature in features().values()
        if feature.probed and has(feature.name, version) and (disruptive or not feature.disruptive)
        if feature.key in config.get(feature.section, {}) and not feature.is_on(config)
    ]


def switched_off(config: _Config, version: Version) -> frozenset[str]:
    """Return those of them that a server's settings have switched off."""
    return frozenset(feature.name for feature in arranged(version) if not feature.is_on(config))


def lacking(config: _Config, told: Mapping[str, Any]) -> frozenset[str]:
    """Return the features of which a server says that it does not have them."""
    return frozenset(feature.name for feature in features().values() if feature.is_lacking(config, told))


def lost_to_a_licence() -> frozenset[str]:
    """Return the features that are not there with a licence."""
    return frozenset(feature.name for feature in features().values() if feature.licence)


def settings_of(wanted: Iterable[Feature]) -> dict[str, dict[str, Any]]:
    """Return the settings that switch features on; those of WebRTC only a gateway of ours can tell."""
    found: dict[str, dict[str, Any]] = {}
    for feature in wanted:
        if not feature.gateway:
            found.setdefault(feature.section, {})[feature.key] = feature.wanted if feature.limit is None else feature.limit
    return found


def with_these(config: _Config, wanted: Iterable[Feature]) -> dict[str, Mapping[str, Any]]:
    """Return a server's settings as they are when features of it are switched on."""
    return {**config, **{section: {**config.get(section, {}), **values} for section, values in settings_of(wanted).items()}}


def needed_by(operation: Operation) -> set[str]:
    """Return the features without which an operation serves nobody what it promises."""
    named = {operation.needs, *(feature.name for feature in features().values() if operation.id in feature.operations)}
    return {name for name in named if name and operation.id not in features()[name].served}


def missing(answer: Exchange, version: Version) -> str:
    """Return the feature of which an answer says that it is switched off; nothing where it says something else."""
    for feature in features().values():
        told = [refusal for refusal in refusals().get(feature.absent, ()) if refusal.versions.include(version)]
        if any((answer.status, answer.error_id) == (refusal.status, refusal.id) for refusal in told):
            return feature.name
    return ""
