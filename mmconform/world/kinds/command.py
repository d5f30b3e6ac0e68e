"""Custom slash commands, in the world's team or another; one whose id was never told goes with its team."""

from collections.abc import Iterator
from typing import Any

from mmconform.world.admin import SWITCHED_OFF
from mmconform.world.features import COMMANDS
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing
from mmconform.world.world import World


class Command(Kind):
    name = what = "command"
    within = scope = "team"
    made_by = ("POST /commands",)
    ended_by = ("DELETE /commands/{command_id}",)

    def make(self, owner: Owner) -> str:
        return new_command(owner, owner.team)

    def standing(self, owner: Owner) -> str:
        return owner.world.command_id

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        return undoing.attempt("commands deleted", _delete(undoing, entry["id"])) and bool(entry.get("team"))

    def left(self, undoing: Undoing) -> Iterator[str]:
        ids, archived = undoing.ids("command"), {entry["id"] for entry in undoing.told["team"]}  # of these they were read before
        for team in dict.fromkeys(str(entry["team"]) for entry in undoing.undone["command"]):
            rows = undoing.rows(_list(team), SWITCHED_OFF, is_paged=False) if team not in archived else ()
            yield from (f"command {row['id']} is still there" for row in rows if row.get("id") in ids)


def new_command(owner: Owner, team: str = "") -> str:
    """Return the id of a new command, made by the operator, in the world's team or another.

    Raises:
        NotHereError: commands are switched off.
        MisuseError: the server refuses.
    """
    owner.world.need(COMMANDS)
    about = content(team or owner.world.team_id, owner.naming.name("c"))
    return note(owner.world, about, owner.admin.must("POST", "/api/v4/commands", about)["id"])


def own_command(owner: Owner) -> str:
    """Return the id of a new command in the world's team that somebody made themselves.

    Raises:
        NotHereError: commands are switched off.
        MisuseError: they may not.
    """
    owner.world.need(COMMANDS)
    about = content(owner.world.team_id, owner.naming.name("o"))
    return note(owner.world, about, owner.must("makes a command", "POST", "/api/v4/commands", json=about).json_id, owner.id)


def content(team: str, name: str) -> dict[str, str]:
    """Return what a command is to be."""
    return {"team_id": team, "url": "http://conformance.invalid/", "method": "P", "trigger": name.replace("-", "")}


def note(world: World, about: dict[str, str], id_: str, owner: str = "") -> str:
    """Write a command down, with who made it unless that is the operator, and return its id."""
    world.belongs(Command.name, id_, owner)
    world.note(what="command", id=id_, team=about["team_id"])
    return id_


def delete_all(undoing: Undoing, team: str) -> None:
    """Delete all commands of a team."""
    whose = f"commands of team {team}"
    undoing.empty(_list(team), "commands deleted", lambda id_: _delete(undoing, id_), whose, SWITCHED_OFF, is_paged=False)


def _delete(undoing: Undoing, id_: str) -> Any:
    return undoing.admin.ask("DELETE", f"/api/v4/commands/{id_}")


def _list(team: str) -> str:
    return f"/api/v4/commands?team_id={team}&custom_only=true"
