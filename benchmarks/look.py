"""An own look at a server, through nothing of ours: what a run may change and has to put back.

python benchmarks/look.py URL            # prints it as JSON, with MM_ADMIN_LOGIN and MM_ADMIN_PASSWORD in the environment
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

#: What a user's row tells that changes by itself.
_BY_ITSELF = ("update_at", "last_activity_at", "last_login", "last_password_update")
_UNFINISHED = ("pending", "in_progress")


class Look:
    """Looks at a server as its administrator."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.url, self.token = url.rstrip("/"), ""
        self._sign_in = {"login_id": login, "password": password}

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        sent = urllib.request.Request(f"{self.url}/api/v4/{path}", method=method)
        sent.data = None if body is None else json.dumps(body).encode()
        sent.add_header("Content-Type", "application/json")
        if self.token:
            sent.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(sent, timeout=60) as answer:
                self.token = answer.headers.get("Token") or self.token
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get(self, path: str) -> Any:
        """Return what an address tells, or the status where it is refused."""
        status, told = self.send("GET", path)
        try:
            return json.loads(told) if status == 200 else status
        except ValueError:
            return f"{len(told)} bytes"

    def pages(self, path: str) -> list[Any]:
        """Return all rows of a list; none where it is refused."""
        rows: list[Any] = []
        for page in range(10**4):
            found = self.get(f"{path}{'&' if '?' in path else '?'}page={page}&per_page=100")
            if not isinstance(found, list):
                break
            rows += found
            if len(found) < 100:
                break
        return rows

    def state(self) -> dict[str, Any]:
        """Return what has to be as before; names of people are of those who are active."""
        self.token = ""
        status, _ = self.send("POST", "users/login", self._sign_in)
        assert status == 200, f"signing in: {status}"
        users = [user for user in self.pages("users") if user["username"] != "system-bot"]  # which a server makes by itself
        teams = self.pages("teams")
        alive = [team for team in teams if not team["delete_at"]]
        me = self.get("users/me")
        roles = self.get("roles")
        if not isinstance(roles, list):
            roles = [self.get(f"roles/name/{name}") for name in ("system_user", "team_user", "team_admin", "channel_user")]
        channels = [(team["name"], one) for team in alive for one in self._channels(team["id"])]
        told: dict[str, Any] = {
            f"setting {section}.{name}": value for section, rows in self.get("config").items() for name, value in _items(rows)
        }
        told |= {f"role {role['name']}": sorted(role["permissions"]) for role in roles if isinstance(role, dict)}
        told |= {
            "schemes": self.pages("schemes"),
            "licence": self.get("license/client?format=old"),
            "active people": sorted(user["username"] for user in users if not user["delete_at"]),
            "the administrator": {name: value for name, value in me.items() if name not in _BY_ITSELF},
            "their preferences": sorted(map(json.dumps, self._preferences())),
            "their tokens": self.pages(f"users/{me['id']}/tokens"),
            "teams": sorted(team["name"] for team in alive),
            "channels": sorted(f"{team}/{one['name']}" for team, one in channels if not one["delete_at"]),
            "posts in them": {f"{team}/{one['name']}": one["total_msg_count"] for team, one in channels},
            "incoming webhooks": sorted(one["id"] for one in self.pages("hooks/incoming")),
            "outgoing webhooks": sorted(one["id"] for one in self.pages("hooks/outgoing")),
            "commands": sorted(one["id"] for team in teams for one in self._commands(team["id"])),
            "bots": sorted(one["username"] for one in self.pages("bots") if one["username"] != "system-bot"),
            "applications": sorted(one["id"] for one in self.pages("oauth/apps")),
            "emoji": sorted(one["name"] for one in self.pages("emoji")),
            "unfinished jobs": sorted(one["id"] for one in self.pages("jobs") if one["status"] in _UNFINISHED),
            "imports": self.get("imports"),
            "exports": self.get("exports"),
            "brand image": self.get("brand/image"),
            "is busy": (busy := self.get("server_busy")) and isinstance(busy, dict) and busy.get("busy"),
            "plugins": self.get("plugins"),
            "terms": self.get("terms_of_service"),
            "certificates": self.get("saml/certificate/status"),
        }
        self.archived = {
            "people deactivated": sum(1 for user in users if user["delete_at"]),
            "teams archived": len(teams) - len(alive),
            "channels archived": sum(1 for _, one in channels if one["delete_at"]),
        }
        self.send("POST", "users/logout")
        return told

    def _channels(self, team: str) -> list[Any]:
        return [*self.pages(f"teams/{team}/channels"), *self.pages(f"teams/{team}/channels/deleted")]

    def _commands(self, team: str) -> list[Any]:
        found = self.get(f"commands?team_id={team}&custom_only=true")
        return found if isinstance(found, list) else []

    def _preferences(self) -> list[Any]:
        found = self.get("users/me/preferences")
        return found if isinstance(found, list) else []


def _items(rows: Any) -> list[tuple[str, Any]]:
    return list(rows.items()) if isinstance(rows, dict) else []


def of_environment(url: str) -> Look:
    """Return a look with the administrator's login and password of the environment."""
    return Look(url, os.environ["MM_ADMIN_LOGIN"], os.environ["MM_ADMIN_PASSWORD"])


if __name__ == "__main__":
    json.dump(of_environment(sys.argv[1]).state(), sys.stdout, indent=1)
