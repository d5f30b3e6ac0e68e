"""Teams, which are archived: they cannot be deleted."""

from collections.abc import Iterator
from dataclasses import replace

from mmconform.world.admin import OPERATOR, Admin
from mmconform.world.fillers import PICTURE
from mmconform.world.kinds import command
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing, is_name_of_ours
from mmconform.world.world import World


class Team(Kind):
    """A team in which somebody is what they are in the world's; whoever is not in that is not in this one either."""

    name = what = "team"
    scope = "team"
    is_place = True
    address = "/teams/{}"
    made_by = ("POST /teams",)
    consumed_by = ("DELETE /teams/{team_id}", "PUT /teams/{team_id}/privacy", "PUT /teams/{team_id}/scheme")

    def make(self, owner: Owner) -> str:
        id_ = new_team(owner.world, owner.admin, owner.naming.name("t"))
        if owner.person and (role := owner.person.persona.team_role):
            owner.admin.join(id_, owner.id, role)
        return id_

    def standing(self, owner: Owner) -> str:
        return owner.world.team_id

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        for row in admin.rows("/api/v4/teams"):
            if is_name_of_ours(row.get("name")) and not row.get("delete_at"):
                yield {"what": "team", "name": str(row["name"]), "id": str(row.get("id"))}

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        return undoing.found(f"/api/v4/teams/name/{entry.get('name')}")

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        command.delete_all(undoing, entry["id"])
        if undoing.me:  # who made it is its administrator, and would stay one of each archived team
            undoing.admin.ask("DELETE", f"/api/v4/teams/{entry['id']}/members/{undoing.me}")
        return undoing.attempt("teams archived", undoing.admin.ask("DELETE", f"/api/v4/teams/{entry['id']}"))

    def left(self, undoing: Undoing) -> Iterator[str]:
        for id_ in undoing.ids("team"):
            if not undoing.is_archived(f"/api/v4/teams/{id_}"):
                yield f"team {id_} is still there"


class ArchivedTeam(Kind):
    name, state_of, scope = "archived-team", "team", "team"

    def enter(self, owner: Owner, id_: str) -> None:
        owner.admin.must("DELETE", f"/api/v4/teams/{id_}")


class TeamWithIcon(Kind):
    name, state_of, scope = "team-with-icon", "team", "team"

    def enter(self, owner: Owner, id_: str) -> None:
        whose = replace(owner, persona=OPERATOR, credential=owner.admin.token)
        whose.must("sets an icon", "POST", f"/api/v4/teams/{id_}/image", files={"image": PICTURE})


def new_team(world: World, admin: Admin, name: str) -> str:
    """Return the id of a new team that only the operator belongs to: journalled before.

    Raises:
        MisuseError: the server refuses.
    """
    world.note(what="team", name=name)
    id_ = admin.make_team(name)
    world.note(what="team", name=name, id=id_)
    return id_
