"""Jobs, which have no name: one that was asked for and not told is found by its type, its age and that it still waits."""

from collections.abc import Iterable, Iterator

from mmconform.contract.clause import Operation
from mmconform.wire.exchange import Exchange
from mmconform.world import admin
from mmconform.world.features import JOBS
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing
from mmconform.world.world import World

#: A job that may be ours is not older, by the server's clock, than its line in the journal, or one of ours, by more milliseconds.
_CLOCKS = 60_000
_UNFINISHED = ("pending", "in_progress")


class Job(Kind):
    name = what = "job"
    made_by = ("POST /jobs",)
    consumed_by = ("POST /jobs/{job_id}/cancel", "PATCH /jobs/{job_id}/status")

    def make(self, owner: Owner) -> str:
        owner.world.need(JOBS)
        note(owner.world)
        made = owner.admin.ask("POST", "/api/v4/jobs", {"type": owner.world.harmless_job})
        note(owner.world, made)
        if not made.is_success:
            raise admin.ArrangingError(f"the operator asks for a job: {made.says}", made)
        return str(admin.told(made)["id"])

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        """Yield what a run that was killed while it asked for a job may have got, unless it is running already."""
        since = int(entry.get("at", 0)) // 10**6 - _CLOCKS
        for row in undoing.rows("/api/v4/jobs") if "type" in entry else ():
            if row.get("type") == entry["type"] and row.get("status") == "pending" and int(row.get("create_at") or 0) >= since:
                yield str(row["id"])

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        # A job that is no longer running cannot be cancelled, and needs not be: what it is then is read back.
        undoing.done["jobs cancelled"] += undoing.admin.ask("POST", f"/api/v4/jobs/{entry['id']}/cancel").is_success
        return True

    def twins(self, undoing: Undoing) -> Iterator[Entry]:
        """Yield what still waits, is of the type of ours, and was asked for while ours were, give or take a minute."""
        ids, rows = {entry["id"] for entry in undoing.told["job"]}, list(undoing.rows("/api/v4/jobs"))
        ours = [row for row in rows if row.get("id") in ids]
        types, made = {row.get("type") for row in ours}, [int(row.get("create_at") or 0) for row in ours]
        for row in rows if ours else ():
            is_of_then = min(made) - _CLOCKS <= int(row.get("create_at") or 0) <= max(made) + _CLOCKS
            if is_of_then and row.get("type") in types and row.get("id") not in ids and row.get("status") in _UNFINISHED:
                yield {"what": "job", "id": str(row["id"])}

    def left(self, undoing: Undoing) -> Iterator[str]:
        unseen = set(undoing.ids("job"))
        for row in undoing.rows("/api/v4/jobs") if unseen else ():
            if row.get("id") in unseen and row.get("status") in _UNFINISHED:
                yield f"job {row['id']} is still {row['status']}"
            unseen.discard(str(row.get("id")))
            if not unseen:
                return

    def made(self, names: dict[str, str]) -> Entry:
        return {"what": self.what, "type": names[JobType.name]}


class JobType(Kind):
    """The type of a job that does nothing: whatever was drawn instead, a job that runs may do something."""

    name = "job-type"
    is_name = True
    is_never_drawn = True

    def make(self, owner: Owner) -> str:
        owner.world.need(JOBS)
        return owner.world.harmless_job

    standing = make


def makes_jobs(operation: Operation) -> bool:
    """Return whether a request to an operation may begin a job."""
    is_told_its_type = bool(operation.body and JobType.name in operation.body.resources.values())
    return is_told_its_type or operation.makes == Job.name


def note(world: World, answer: Exchange | None = None) -> None:
    """Write down that a job is asked for, and then what came of it: only the answer tells its id."""
    if answer is None:
        world.note(what="job", type=world.harmless_job)
    else:
        world.note(what="job", id=answer.json_id if answer.is_success else "")


def told(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield a journal's lines, but of jobs that were asked for only the one, at its end, of which no answer is told."""
    asked: Entry | None = None
    for entry in entries:
        if entry["what"] == "job":
            asked = None if "id" in entry else entry
        if entry is not asked:
            yield entry
    if asked:
        yield asked
