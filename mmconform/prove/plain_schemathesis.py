"""What plain Schemathesis finds on the mutants, to set beside what the suites find.

`st run` with all its checks and an administrator's session, as a user of Schemathesis would run it; with 20 fuzzed cases
an operation, since its usual 100 take five times as long. It complains of the server without a flaw too (it expects 405
for unknown methods, and has no real ids); a mutant counts as noticed when it complains of something more: fails a check on
an operation that passes it without the flaw.
"""

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mmconform.documents.load import MERGED
from mmconform.driving.generate import SEED
from mmconform.errors import MisuseError
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.servers.live.webrtc_gateway import Gateway
from mmconform.wire.client import Client
from mmconform.wire.tape import tape
from mmconform.wire.tape.redact import Redactor
from mmconform.world.kinds.user import login

Finding = tuple[str, str]
WORKERS = 2
EXAMPLES = 20


def findings(name: str) -> set[Finding]:
    """Return what Schemathesis complains of on a reference server: (operation, kind of failure).

    Raises:
        MisuseError: it did not run to its end.
    """
    app = named.app(name, tape.newest())
    app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
    password = secrets.token_urlsafe(12)
    with Gateway() as gateway, Reference(app, "operator", password) as server, tempfile.TemporaryDirectory() as folder:
        app.store.config["WebrtcSettings"] |= gateway.settings
        session = login(Client(server.url, Redactor(replaying=False)), "operator", password, "operator")
        command = [str(Path(sys.executable).with_name("st")), "run", str(MERGED), "--url", f"{server.url}/api/v4"]
        command += ["-H", f"Authorization: Bearer {session}", "--checks", "all", "--seed", str(SEED)]
        command += ["--max-examples", str(EXAMPLES)]
        command += ["--report", "json", "--report-dir", folder, "--no-color"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)  # noqa: S603
        report = next(Path(folder).glob("*.json"), None)
        if report is None:
            raise MisuseError(f"schemathesis did not run to its end on {name}: {(ended.stderr or ended.stdout)[-300:].strip()}")
        failures = json.loads(report.read_text(encoding="utf-8"))["failures"]
    return {(operation, failure["title"]) for failure in failures for operation in failure["operations"]}


def found(names: list[str], progress: Callable[[float], None] = lambda share: None) -> dict[str, set[Finding]]:
    """Return, for each mutant, what Schemathesis complains of there and not where the flaw is not.

    Raises:
        MisuseError: see :func:`findings`.
    """
    sound = {target.partition(":")[0]: set[Finding]() for target in map(named.name_of, names)}
    done = 0

    def look(target: str) -> set[Finding]:
        nonlocal done
        seen = findings(target)
        done += 1
        progress(done / (len(names) + len(sound)))
        return seen

    with ThreadPoolExecutor(WORKERS) as pool:
        sound = dict(zip(sound, pool.map(look, list(sound)), strict=True))
        flawed = list(pool.map(look, map(named.name_of, names)))
    return {name: seen - sound[named.name_of(name).partition(":")[0]] for name, seen in zip(names, flawed, strict=True)}
