"""Interrupt runs at random moments and ask the server what is left: `python benchmarks/interrupt.py URL --times 10`.

Each is sent SIGINT or SIGKILL (in turn, with its workers) after it has begun to change the server; then `mmconform
cleanup` is called, and the server has to be as it was: settings, roles, nobody active who was not, no token, command,
application or team of ours, no job waiting. Needs the administrator's credentials in the environment, as a run does.
"""

import argparse
import os
import platform
import random
import re
import signal
import subprocess
import sys
import time
from datetime import date
from typing import Any

from mmconform.paths import REPORTS, ROOT
from mmconform.servers.live.prepare import sign_in
from mmconform.servers.target import live
from mmconform.wire.client import Client

SIGNALS = (signal.SIGINT, signal.SIGKILL)
ROLES = ("system_user", "team_user", "team_admin", "channel_user")


class Look:
    """Looks at a server as its administrator."""

    def __init__(self, client: Client, token: str) -> None:
        self.client, self.token = client, token

    def get(self, url: str) -> Any:
        answer = self.client.send("GET", f"/api/v4/{url}", persona="operator", token=self.token)
        return answer.json if answer.is_success else answer.status

    def pages(self, url: str) -> list[Any]:
        rows: list[Any] = []
        for page in range(10**6):
            found = self.get(f"{url}{'&' if '?' in url else '?'}page={page}&per_page=100")
            if not isinstance(found, list):
                return rows
            rows += found
            if len(found) < 100:
                return rows
        raise AssertionError

    def permissions(self, role: str) -> Any:
        """Return what a role holds, or the status where the server does not know it."""
        found = self.get(f"roles/name/{role}")
        return sorted(found["permissions"]) if isinstance(found, dict) else found

    def state(self) -> dict[str, Any]:
        """Return what a run may change and must put back; what it may leave, deactivated or archived, is not in it."""
        # A server makes itself a bot, once, to tell administrators of a deactivated owner of bots.
        users = [user for user in self.pages("users") if user["username"] != "system-bot"]
        ours = [user for user in users if user["username"].startswith("mmc-")]
        teams = [team for team in self.pages("teams") if not team["delete_at"]]
        me = self.get("users/me")["id"]
        return {
            "settings": self.get("config"),
            "roles": {name: self.permissions(name) for name in ROLES},
            "active people": sorted(user["username"] for user in users if not user["delete_at"]),
            "teams": sorted(team["name"] for team in teams),
            "tokens": [token for user in ours for token in self.pages(f"users/{user['id']}/tokens")],
            "commands": [c for team in self.pages("teams") for c in self.get(f"commands?team_id={team['id']}&custom_only=true")],
            "applications": self.get("oauth/apps?per_page=200"),
            "jobs": [job["id"] for job in self.pages("jobs") if job["status"] in ("pending", "in_progress")],
            "lease": self.get(f"users/{me}/preferences/mmconform/name/lease"),
        }


def interrupted(url: str, number: int, seconds: float, options: list[str]) -> str:
    """Start a run, interrupt it so many seconds after its first change, clean up, and return what both said at their end."""
    command = [sys.executable, "-m", "pytest", "--target", url, "-q", *options]
    run = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    journals = REPORTS / re.sub(r"[^A-Za-z0-9.]+", "-", url.partition("//")[2]).strip("-")
    while run.poll() is None and not list(journals.glob("journal-*")):
        time.sleep(0.05)
    time.sleep(seconds)
    sent = SIGNALS[number % 2]
    if run.poll() is None:
        os.killpg(run.pid, sent)
    told, _ = run.communicate(timeout=300)
    done = subprocess.run(
        [sys.executable, "-m", "mmconform", "cleanup", url], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    itself = (re.findall(r"left the server as it was.*", told) or [""])[0]
    trace = " TRACEBACK" if "Traceback (most" in told + done.stdout + done.stderr else ""
    if trace:
        print(told[-3000:], done.stdout, done.stderr)
    said = (done.stdout + done.stderr).strip().replace("\n", " | ")
    when = f"{sent.name} {' '.join(options)} after {seconds:5.2f} s{trace}"
    return f"{when}\n    run ({run.returncode}): {itself}\n    cleanup ({done.returncode}): {said}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--within", type=float, default=30, metavar="SECONDS", help="after its first change (30)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    target = live(given.url)
    look = Look(target.client(), sign_in(target.client(), create_first_admin=True))
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Mattermost {target.server.name}, --seed {given.seed}")
    draw, flaws = random.Random(given.seed), 0
    before = look.state()
    for number in range(given.times):
        options = ["-n", "2"] if number % 4 > 1 else []
        told = interrupted(target.base_url, number, draw.uniform(0.5, given.within), options)
        after = look.state()
        wrong = [key for key in before if after[key] != before[key]]
        journals = [path.name for path in (REPORTS / target.slug).glob("journal-*")]
        flaws += bool(wrong or journals)
        print(
            f"{number + 1:3} {told}\n    {'as before' if not wrong + journals else f'NOT AS BEFORE: {wrong} {journals}'}",
            flush=True,
        )
        for key in wrong:
            print(f"      {key}: {str(before[key])[:300]} -> {str(after[key])[:300]}", flush=True)
            before[key] = after[key]
    print(f"{given.times} interruptions, after {flaws} of which something was left")
    return int(flaws > 0)


if __name__ == "__main__":
    sys.exit(main())
