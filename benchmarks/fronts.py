"""A server behind whatever may stand in front of one: `python benchmarks/fronts.py http://127.0.0.1:8065`.

One narrowed run for each fault, and then `mmconform cleanup` without it. Whatever is new is wrong, since the run without a
fault shows nothing new. Kept wrongly is what rests on an answer that was not the server's own to that request (``witness.py``
tells), and what is kept here, was broken there, and of which no error says that it was not seen. What the administrator sees has
to be as it was before; a lease that could not be given back expires by itself. Prints a row of a table for each; exits with 1
when something is wrong. Needs the administrator's credentials in the environment, as a run does.
"""

import argparse
import gzip
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from threading import Lock
from typing import Any

from gateway import Gateway, Headers, in_front_of
from interrupt import Look
from witness import HEADER, SIGNATURE

from mmconform.paths import REPORTS, ROOT
from mmconform.record import record
from mmconform.servers.live.prepare import sign_in, sign_out
from mmconform.servers.target import live

#: Some of what is asked is known to be broken on every server.
ASKED = "RegenCommandToken or nul_in or others_commands"
#: Requests that pass before a fault that comes now and then, so that a run begins at all; and how often it comes.
SPARED = 170
EVERY = 9
#: When something happens in the middle of a run, by the number of requests.
MIDDLE = 110
#: Seconds that a replica lags behind; and how requests end that are sent by POST and write nothing.
LAG = 0.2
_READS = ("/ids", "/names", "/search")
_SPOILT = (HEADER, "1")
_HTML: Headers = [("Content-Type", "text/html"), ("Server", "nginx"), _SPOILT]


class Front(Gateway):
    """Spoils what its fault spoils, until it is well."""

    lock = Lock()
    fault: "Fault"
    is_well = False
    number = 0
    kept: dict[Any, tuple[int, bytes, Headers]]
    written = 0.0
    spared = SPARED

    def pass_on(self, body: bytes) -> None:
        with self.lock:
            Front.number += 1
            number = Front.number
        if Front.is_well or not Front.fault(self, number, body):
            self.say(*self.ask(body))

    def page(self, status: int, *more: tuple[str, str]) -> bool:
        """Answer with a page, as something that is no Mattermost does."""
        self.say(status, f"<html><title>{status}</title><body>{status}</body></html>".encode(), [*_HTML, *more])
        return True

    def app_error(self, id_: str, status: int = 401) -> bool:
        """Answer as the server itself does."""
        _, _, headers = self.ask(b"")
        error = {"id": id_, "message": "no", "detailed_error": "", "request_id": "a" * 26, "status_code": status}
        told = [(name, value) for name, value in headers if name.lower() == "x-version-id"]
        self.say(status, json.dumps(error).encode(), [("Content-Type", "application/json"), _SPOILT, *told])
        return True

    @property
    def is_first_look(self) -> bool:
        return "system/ping" in self.path or "config/client" in self.path

    @property
    def credential(self) -> str:
        return self.headers.get("Authorization", "")


Fault = Callable[[Front, int, bytes], bool]
#: Of what was kept and rests on an answer that was not the server's own.
_WRONG = "kept wrongly"


def now_and_then(status: int, *more: tuple[str, str]) -> Fault:
    """Something in front answers one request in so many."""
    return lambda front, number, body: number > front.spared and number % EVERY == 0 and front.page(status, *more)


def from_then_on(after: int, status: int) -> Fault:
    """A maintenance page: in the middle, or when the run tidies up."""
    return lambda front, number, body: number > after and front.page(status)


def of_most(status: int) -> Fault:
    """Everything but the first look and signing in."""
    return lambda front, number, body: (
        not front.is_first_look and "users/login" not in front.path and number > front.spared and front.page(status)
    )


def cache(front: Front, number: int, body: bytes) -> bool:
    """A cache that forgets who asked."""
    if front.command != "GET" or front.is_first_look:
        return False
    own = front.ask(body)
    status, content, headers = Front.kept.setdefault(front.path, own)
    front.say(status, content, headers if (status, content) == own[:2] else [*headers, _SPOILT])
    return True


def twice(front: Front, number: int, body: bytes) -> bool:
    """A proxy that sends again what has been answered."""
    if number <= front.spared or number % EVERY:
        return False
    first, (status, content, headers) = front.ask(body), front.ask(body)
    front.say(status, content, headers if status == first[0] else [*headers, _SPOILT])
    return True


def failover(front: Front, number: int, body: bytes) -> bool:
    """Another version answers from the middle on."""
    status, content, headers = front.ask(body)
    if number > MIDDLE:
        headers = [(n, "10.0.0.10.0.0.abc.false" if n.lower() == "x-version-id" else v) for n, v in headers] + [_SPOILT]
    front.say(status, content, headers)
    return True


def lag(front: Front, number: int, body: bytes) -> bool:
    """Reads go to a replica that lags behind what was written."""
    key, own = (front.path, front.credential), front.ask(body)
    if front.command != "GET":
        Front.written = Front.written if front.path.endswith(_READS) else time.monotonic()
        front.say(*own)
        return True
    if key not in Front.kept or time.monotonic() > Front.written + LAG:
        Front.kept[key] = own
    status, content, headers = Front.kept[key]
    fresh = [(name, f"{number:026d}" if name.lower() == "x-request-id" else value) for name, value in headers]
    front.say(status, content, fresh if (status, content) == own[:2] else [*fresh, _SPOILT])  # a replica answers anew
    return True


def no_authorization(front: Front, number: int, body: bytes) -> bool:
    """A proxy that keeps credentials to itself."""
    is_known = bool(front.credential)
    del front.headers["Authorization"]
    status, content, headers = front.ask(body)
    front.say(status, content, [*headers, _SPOILT] if is_known else headers)
    return True


def mfa(front: Front, number: int, body: bytes) -> bool:
    """Every account but the administrator's is told to set up a second factor."""
    is_own = front.credential in ("", Front.kept.get("administrator"))
    if front.path.endswith("/users/login"):
        answer = front.ask(body)
        token = {n.lower(): v for n, v in answer[2]}.get("token", "")
        Front.kept.setdefault("administrator", f"Bearer {token}")  # type: ignore[arg-type]
        front.say(*answer)
        return True
    return not is_own and not front.is_first_look and front.app_error("api.context.mfa_required.app_error")


def expired(front: Front, number: int, body: bytes) -> bool:
    """All sessions of then end in the middle."""
    if number <= MIDDLE:
        Front.kept[front.credential] = (0, b"", [])
    is_old = bool(front.credential) and front.credential in Front.kept
    return number > MIDDLE and is_old and front.app_error("api.context.session_expired.app_error")


def without(header: str) -> Fault:
    def fault(front: Front, number: int, body: bytes) -> bool:
        status, content, headers = front.ask(body)
        front.say(status, content, [(n, v) for n, v in headers if n.lower() != header])
        return True

    return fault


def hints(front: Front, number: int, body: bytes) -> bool:
    """Early hints before each answer."""
    front.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")
    return False


def squeezed(front: Front, number: int, body: bytes) -> bool:
    """Compressed for everybody."""
    status, content, headers = front.ask(body)
    if content:
        content, headers = gzip.compress(content), [*headers, ("Content-Encoding", "gzip")]
    front.say(status, content, headers)
    return True


def error_pages(front: Front, number: int, body: bytes) -> bool:
    """Pages of its own in the place of the server's errors (nginx: proxy_intercept_errors)."""
    status, content, headers = front.ask(body)
    if status < 400:
        front.say(status, content, headers)
        return True
    return front.page(status)


def dressed_pages(front: Front, number: int, body: bytes) -> bool:
    """Pages of its own in the place of the server's errors, with the server's headers (IIS: httpErrors, Replace)."""
    status, content, headers = front.ask(body)
    if status >= 400:
        content, headers = b"<html>Sorry</html>", [(n, v) for n, v in headers if n.lower() != "content-type"] + _HTML
    front.say(status, content, headers)
    return True


def meanwhile(what: Callable[[Look], Any]) -> Fault:
    """Somebody else does something to the server in the middle of the run."""
    return lambda front, number, body: number == MIDDLE and bool(what(Front.somebody)) and False  # type: ignore[attr-defined]


def end_sessions(look: Look) -> None:
    for user in _ours(look):
        look.client.send("POST", f"/api/v4/users/{user}/sessions/revoke/all", persona="operator", token=look.token)


def deactivate(look: Look) -> None:
    for user in _ours(look):
        look.client.send("PUT", f"/api/v4/users/{user}/active", persona="operator", token=look.token, json={"active": False})


def _ours(look: Look) -> list[str]:
    active = [user for user in look.pages("users") if user["username"].startswith("mmc-") and not user["delete_at"]]
    return [user["id"] for user in active]


def switch_tokens_off(look: Look) -> None:
    config = look.get("config")
    config["ServiceSettings"]["EnableUserAccessTokens"] = False
    look.client.send("PUT", "/api/v4/config", persona="operator", token=look.token, json=config)


FAULTS: dict[str, Fault] = {
    "none": lambda front, number, body: False,
    "block page, 403, now and then": now_and_then(403, ("Cf-Ray", "1-X")),
    "block page, 403, always": of_most(403),
    "login page, 200, now and then": now_and_then(200),
    "login page, 401, now and then": now_and_then(401, ("WWW-Authenticate", 'Basic realm="x"')),
    "login page, 200, always": of_most(200),
    "ingress, 404, now and then": now_and_then(404),
    "413": now_and_then(413),
    "460": now_and_then(460),
    "499": now_and_then(499),
    "502": now_and_then(502),
    "520": now_and_then(520),
    "429, Retry-After: 1": now_and_then(429, ("Retry-After", "1")),
    "429, Retry-After: 0": now_and_then(429, ("Retry-After", "0")),
    "maintenance, 200, after 90": from_then_on(90, 200),
    "maintenance, 404, after 90": from_then_on(90, 404),
    "maintenance, 503, after 200": from_then_on(200, 503),
    "error pages": error_pages,
    "error pages, the server's headers": dressed_pages,
    "cache": cache,
    "sent twice": twice,
    "failover": failover,
    "lag": lag,
    "no Authorization": no_authorization,
    "MFA": mfa,
    "sessions end": expired,
    "no X-Version-Id": without("x-version-id"),
    "103": hints,
    "gzip": squeezed,
    "somebody ends our sessions": meanwhile(end_sessions),
    "somebody deactivates our people": meanwhile(deactivate),
    "somebody switches tokens off": meanwhile(switch_tokens_off),
}


def ran(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    known = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}  # where the witness is
    return subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=False, timeout=900)


def states(slug: str) -> dict[str, set[str]]:
    """Return what the record of a run says of each clause; nothing where there is none."""
    path = REPORTS / slug / record.NAME
    found: dict[str, set[str]] = defaultdict(set)
    for row in record.read(path).observations if path.exists() else ():
        found[row.clause].add(_WRONG if row.signature == SIGNATURE else row.state)
    return found


def broken(found: dict[str, set[str]]) -> set[str]:
    return {clause for clause, seen in found.items() if seen & {"known", "new"}}


def kept(found: dict[str, set[str]]) -> set[str]:
    return {clause for clause, seen in found.items() if seen & {"pass", _WRONG} and not seen & {"known", "new", "error"}}


def wrongly_kept(found: dict[str, set[str]], known: set[str]) -> set[str]:
    """Return what rests on answers of others, and what is broken and was passed over without an error."""
    unseen = {clause.partition(".")[0] for clause, seen in found.items() if "error" in seen}
    passed_over = {clause for clause in kept(found) & known if clause.partition(".")[0] not in unseen}
    return passed_over | {clause for clause, seen in found.items() if _WRONG in seen}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--fault", action="append", default=[], help="part of the names of faults; all, if left out")
    parser.add_argument("--asked", default=ASKED, help="what of the suites, as -k")
    parser.add_argument("--spared", type=int, default=SPARED, help="requests that pass before what comes now and then (170)")
    given = parser.parse_args()

    target = live(given.url)
    look = Front.somebody = Look(target.client(), sign_in(target.client(), create_first_admin=True))  # type: ignore[attr-defined]
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Mattermost {target.server.name}, -k {given.asked}\n")
    print("| in front | exit | kept | known | wrong new | wrongly kept | errors | last line | after cleanup |", flush=True)
    print("|" + "---|" * 9, flush=True)
    wrong, known = 0, set[str]()
    for name, fault in FAULTS.items():
        if name == "none" or not given.fault or any(part in name for part in given.fault):
            wrong += row(given.url, look, name, fault, known, given.asked)
    sign_out(target.client(), look.token)
    return int(wrong > 0)


def give_back(look: Look) -> None:
    """Take away the lease of a run that could not give it back, as five minutes would."""
    kept = look.get("users/me/preferences/mmconform")
    me = look.get("users/me")["id"]
    look.client.send("POST", f"/api/v4/users/{me}/preferences/delete", persona="operator", token=look.token, json=kept)


def row(url: str, look: Look, name: str, fault: Fault, known: set[str], asked: str) -> bool:
    """Run behind one fault and print what came of it; the first, without a fault, says what is known to be broken."""
    before = look.state()
    Front.fault, Front.is_well, Front.number, Front.kept, Front.written = staticmethod(fault), False, 0, {}, 0.0  # type: ignore
    with in_front_of(url, Front) as address:
        slug = address.partition("//")[2].replace(":", "-")
        (REPORTS / slug / record.NAME).unlink(missing_ok=True)  # of an earlier row that had the same port
        said = ran("pytest", "-q", "--tb=no", "--target", address, "-k", asked, "--run-timeout", "300", "-p", "witness")
        found = states(slug)
        Front.is_well = True
        undone = ran("mmconform", "cleanup", address)
    if name == "none":
        known |= broken(found)
        if said.returncode or not known:
            sys.exit(f"nothing to compare with; the run without a fault ended with {said.returncode}: {said.stdout[-2000:]}")
    new = sorted(clause for clause, seen in found.items() if "new" in seen)
    wrongly = sorted(wrongly_kept(found, known))
    after = look.state()
    if name == "somebody switches tokens off":
        before.pop("settings"), after.pop("settings")
    if after["lease"] != before["lease"]:
        give_back(look)
    left = [key for key in before if after[key] != before[key] and key != "lease"]
    journals = [path.name for path in (REPORTS / slug).glob("journal-*")]
    errors = sum("error" in seen for seen in found.values())
    count = sum("known" in seen for seen in found.values())
    text, cleaned = said.stdout + said.stderr, undone.stdout + undone.stderr
    lines = [
        line
        for line in text.splitlines()
        if re.search(
            r"left the server|cleanup stopped|^Exit|put (back|right)|was changed by|sends requests twice|was replaced", line
        )
    ]
    last = re.sub(r"http://\S+|\|", "", (lines or text.splitlines() or ["nothing"])[-1])[:110]
    trace = " TRACEBACK" if "Traceback (most" in text + cleaned else ""
    told = f"NOT AS BEFORE: {left} {journals} {cleaned}".replace("\n", " ") if left + journals else "as before"
    print(
        f"| {name} | {said.returncode}{trace} | {len(kept(found))} | {count} | {', '.join(new) or 0} | {', '.join(wrongly) or 0} "
        f"| {errors} | {last} | {told} |",
        flush=True,
    )
    return bool(new or wrongly or left or journals or trace)


if __name__ == "__main__":
    sys.exit(main())
