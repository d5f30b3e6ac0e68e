"""What a live run changed on a server, written down before each change, so that it can be undone later."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmconform.errors import MisuseError
from mmconform.files import open_private, writing
from mmconform.wire.exchange import Exchange

#: What servers tell instead of a secret (model/config.go@v5.36.1 FAKE_SETTING).
_MASK = "*" * 32
#: How often, and after how many seconds, settings are looked for that were changed: another node may learn of them later.
_LOOKS, _MOMENT = 4, 0.5


class Journal:
    """A file of JSON lines, one a change; gone when everything is undone.

    A line is ``{"what": "user", "name": …}`` before and ``{"what": "user", "name": …, "id": …}`` after something is
    made; ``{"what": "config", "before": {section: {key: value}}}`` and ``{"what": "role", "id": …, "permissions": […]}`` tell
    what was there before; ``{"what": "lease", "run": …}`` who took the server for itself. A command is told after it was
    made, with the team in whose list it is: ``{"what": "command", "id": …, "team": …}``. A job has no name: ``{"what":
    "job", "type": …}`` stands before one is asked for, and ``{"what": "job", "id": …}``, with nothing if it is refused,
    after it.
    """

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url

    def note(self, **entry: Any) -> None:
        """Append a line, the first one below the server's address; it is on disk when this returns.

        Raises:
            MisuseError: it cannot be written; then nothing may be changed either.
        """
        first = [] if self.path.exists() else [{"what": "server", "url": self.url}]
        with writing(self.path), open_private(self.path, "a") as file:
            file.writelines(json.dumps({**line, "at": time.time_ns()}) + "\n" for line in [*first, entry])
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """Return a journal's entries; a last line that was cut short by a crash is left out, as is a journal that went away."""
    entries: list[dict[str, Any]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:  # its run has just put everything back
        return entries
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
    return entries


def of_server(folder: Path, url: str) -> list[Path]:
    """Return the journals below a folder that tell of changes on a server."""
    found = []
    for path in sorted(folder.rglob("journal-*.jsonl")):
        entries = read(path)
        if entries and _same(str(entries[0].get("url", "")), url):
            found.append(path)
    return found


def runs_of(paths: list[Path]) -> set[str]:
    """Return the runs that, as journals tell, took the lease on their server."""
    return {str(entry.get("run")) for path in paths for entry in read(path) if entry.get("what") == "lease"}


def _same(one: str, other: str) -> bool:
    def plain(url: str) -> str:
        return url.rstrip("/").replace("//localhost", "//127.0.0.1").replace("//[::1]", "//127.0.0.1")

    return plain(one) == plain(other)


def part(config: Exchange, sections: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the settings of a server's configuration that have the same names as those given.

    Raises:
        MisuseError: the answer holds no such section.
    """
    found = config.json_object
    for section in sections:
        if not isinstance(found.get(section), dict):
            raise MisuseError(f"the server's configuration holds no {section}: it answered {config.says}")
    return {section: {key: found[section].get(key) for key in values} for section, values in sections.items()}


def unlike(config: Exchange, wanted: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the settings, as ``Section.Key``, that are not what they should be, with what they are.

    A setting that is not told (a secret) or was not there before is like any other.

    Raises:
        MisuseError: the answer holds no such section.
    """
    found = part(config, wanted)
    return {
        f"{section}.{key}": found[section][key]
        for section, values in wanted.items()
        for key, value in values.items()
        if found[section][key] not in (value, _MASK) and value is not None
    }


def restore(call: Any, before: dict[str, dict[str, Any]]) -> Exchange:
    """Put settings back, leaving all others as they are now; returns the answer, which may be a refusal.

    Only these settings are sent where the server takes that (from 5.20 on, api4/config.go patchConfig). Who sends the whole
    configuration sends the masks of its secrets too, and a server may keep one as the secret: 11.1 does so with
    CacheSettings.RedisPassword (server/config/utils.go@91ce593d27 desanitize does not name it).

    Raises:
        MisuseError: the configuration cannot be read. What was put back into something else would become the whole of it.
    """
    patched: Exchange = call("PUT", "/api/v4/config/patch", json=before)
    return _restore_whole(call, before) if patched.status == 404 else patched


def _restore_whole(call: Any, before: dict[str, dict[str, Any]]) -> Exchange:
    found: Exchange = call("GET", "/api/v4/config")
    config = found.json_object
    if not found.is_success or not isinstance(config.get("ServiceSettings"), dict):
        raise MisuseError(f"the server's configuration cannot be read: it answered {found.says}")
    for section, values in before.items():
        told = {**(config.get(section) or {}), **values}
        config[section] = {key: value for key, value in told.items() if value is not None}  # null: it was not there
    changed: Exchange = call("PUT", "/api/v4/config", json=config)
    return changed


def change(call: Any, wanted: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Change settings, read them back, and return those that are not what they should be, with what they are.

    A server says 200 and changes nothing where a setting is fixed by its environment (config/store.go@v5.36.1 Set applies
    the variables once more), or where an administrator is restricted (api4/config.go@v5.36.1 makeFilterConfigByPermission).

    Raises:
        MisuseError: it refuses.
    """
    answer = restore(call, wanted)
    if not answer.is_success and not (answer.status == 403 and answer.error_id):
        raise MisuseError(f"changing settings failed: the server answered {answer.says}")
    with suppress(MisuseError):
        if fixed := unlike(answer, wanted):  # it tells what it has made of them
            return fixed
    for rest in reversed(range(_LOOKS)):
        fixed = unlike(call("GET", "/api/v4/config"), wanted)
        if not fixed or not rest:
            break
        time.sleep(_MOMENT)
    return fixed
