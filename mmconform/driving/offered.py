"""What whole groups of operations need of a server beside permissions, told in advance: a licence, or a setting.

Nothing is judged by it. In a run the server's own error id says what it does not offer (``mmconform.world.behaviours.gate``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.safety.harm import Row, rows_of


@dataclass(frozen=True)
class Need:
    """A row of ``data/offered.yaml``.

    Attributes:
        setting: ``Section.Key``, which has to be true; nothing where a licence has to be there.
    """

    name: str
    setting: str
    rows: tuple[Row, ...]

    def is_met(self, config: Mapping[str, Any], *, is_licensed: bool) -> bool:
        """Return whether a server has it; a setting that it does not tell of keeps nobody out."""
        section, _, key = self.setting.partition(".")
        return is_licensed if not section else (config.get(section) or {}).get(key) is not False

    def __str__(self) -> str:
        return f"{self.name} ({self.setting} is false)" if self.setting else self.name


@cache
def _needs() -> tuple[Need, ...]:
    groups: list[dict[str, Any]] = read(DATA / "offered.yaml")[0].data
    return tuple(Need(group["reason"], group.get("setting", ""), tuple(rows_of(group))) for group in groups)


def unmet(method: str, path: str, config: Mapping[str, Any], *, is_licensed: bool) -> Iterator[Need]:
    """Yield what a server lacks that an operation needs.

    Args:
        path: Its template below the API, as :func:`mmconform.contract.templates.below_the_api` gives it.
        config: The server's configuration.
    """
    for need in _needs():
        if any(row.is_about(method, path) for row in need.rows) and not need.is_met(config, is_licensed=is_licensed):
            yield need
