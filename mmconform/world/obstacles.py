"""Settings with which a run is stopped, since its people would be kept out or its verdicts be wrong: ``data/obstacles.yaml``."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version


def standing(config: Mapping[str, Any], version: Version, licence: Mapping[str, Any]) -> list[str]:
    """Return what in a server's configuration would stop a run, each with what to change.

    Args:
        config: As ``GET /config`` tells it.
        licence: As ``GET /license/client?format=old`` tells it: names of features, and the texts ``true`` and ``false``.
    """
    return [_told(row, config) for row in _rows() if _counts(row, config, version, licence) and not _is_met(row, config)]


def explain(error_id: str) -> str:
    """Return which setting makes a server answer with an error, if it is one of those that keep our people out."""
    row = next((row for row in _rows() if error_id in row.get("says", ())), None)
    return f"; {row['setting']} has to be {_wanted(row)}: {row['why']}" if row else ""


@cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read(DATA / "obstacles.yaml")[0].data
    return rows


def _value(config: Mapping[str, Any], setting: str) -> Any:
    section, _, key = setting.partition(".")
    values = config.get(section)
    return values.get(key) if isinstance(values, dict) else None


def _counts(row: dict[str, Any], config: Mapping[str, Any], version: Version, licence: Mapping[str, Any]) -> bool:
    is_licensed = "licence" not in row or licence.get(row["licence"]) == "true"
    is_replaced = "unless" in row and _value(config, row["unless"]) is not None
    is_over = "until" in row and version >= Version.parse(str(row["until"]))
    return is_licensed and not is_replaced and not is_over and all(_value(config, k) == v for k, v in row.get("when", {}).items())


def _is_met(row: dict[str, Any], config: Mapping[str, Any]) -> bool:
    value = _value(config, row["setting"])
    if value is None or ("or" in row and value == row["or"]):
        return True
    if "is" in row:
        return bool(value == row["is"])
    if "empty_or_holds" in row:
        return not value or row["empty_or_holds"] in str(value).lower().replace("@", " ").replace(",", " ").split()
    if not isinstance(value, int):
        return True
    return bool(row.get("at_least", value) <= value <= row.get("at_most", value))


def _wanted(row: dict[str, Any]) -> str:
    if "empty_or_holds" in row:
        return f"empty, or hold {row['empty_or_holds']}"
    limit = next(key for key in ("is", "at_least", "at_most") if key in row)
    wanted = f"{limit.replace('_', ' ')} " if limit != "is" else ""
    return f"{wanted}{json.dumps(row[limit])}" + (f" or {json.dumps(row['or'])}" if "or" in row else "")


def _told(row: dict[str, Any], config: Mapping[str, Any]) -> str:
    return f"{row['setting']} is {json.dumps(_value(config, row['setting']))}, and has to be {_wanted(row)}: {row['why']}"
