"""Jobs: who may create one of which kind."""

import pytest

from mmconform.plugin.suite import Actor, Behaves, Granting, Stage, applies, clause


@clause("CreateJob.permission")
def test_a_holder_of_other_permissions_creates_no_job(token_user: Actor, team_admin: Actor, system_admin: Actor) -> None:
    """Must have `manage_jobs` permission."""
    assert token_user.ask("CreateJob").denied
    assert team_admin.ask("CreateJob").denied
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.permission")
def test_through_a_token_an_administrator_creates_a_job(system_admin: Actor, token_user: Actor) -> None:
    """A token carries its owner's permissions."""
    assert token_user.through().ask("CreateJob").denied
    assert system_admin.through().ask("CreateJob").served


@clause("CreateJob.input")
def test_unknown_job_type(system_admin: Actor, stage: Stage) -> None:
    """An unknown type is refused."""
    assert system_admin.do("CreateJob", body={"type": "conformance"}).refused_as("unknown-job-type")
    assert system_admin.do("CreateJob", body={"type": stage.world.harmless_job}).served


@clause("CreateJob.permission")
@applies(until="5.35")
def test_the_permission_comes_before_the_kind(member: Actor, system_admin: Actor) -> None:
    """Who may create no job does not learn which kinds there are."""
    assert member.do("CreateJob", body={"type": "conformance"}).denied
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.permission")
@applies(since="5.35")
def test_the_kind_comes_before_the_permission(member: Actor, system_admin: Actor) -> None:
    """Since 5.35 the kind decides which permission is needed, so that an unknown one is refused for everybody."""
    assert member.do("CreateJob", body={"type": "conformance"}).refused_as("unknown-job-type")
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.permission")
def test_the_body_comes_before_the_permission(member: Actor, system_admin: Actor) -> None:
    """A body that cannot be read is refused for everybody."""
    assert member.do("CreateJob", raw="{").refused_as("bad-body")
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.effect.creates-a-job")
def test_the_server_decides_about_a_job_not_the_caller(system_admin: Actor, stage: Stage) -> None:
    """Id, state and progress in the body are not taken over."""
    body = {"type": stage.world.harmless_job, "id": "zzzzzzzzzzzzzzzzzzzzzzzzzz", "status": "success", "progress": 77}
    reply = system_admin.do("CreateJob", body=body)
    assert reply.served
    assert reply["id"] != body["id"], "the caller chose the id"
    assert reply["status"] == "pending", "the caller chose the state"
    assert reply["progress"] != body["progress"], "the caller chose the progress"


@clause("CreateJob.effect.creates-a-job")
def test_a_job_keeps_its_data(system_admin: Actor, stage: Stage) -> None:
    """What is given as data is given back."""
    reply = system_admin.do("CreateJob", body={"type": stage.world.harmless_job, "data": {"key": "välue"}})
    assert reply.served
    assert reply["data"] == {"key": "välue"}, "the data are not those that were sent"


@clause("CreateJob.status")
def test_much_data(system_admin: Actor, stage: Stage) -> None:
    """No document names a limit; to 5.39 there is room for 1024 bytes, and more is an error of the server."""
    assert system_admin.do("CreateJob", body={"type": stage.world.harmless_job, "data": {"key": "x" * 2000}}).served


@clause("CreateJob.status")
def test_a_nul_in_the_data(system_admin: Actor, stage: Stage) -> None:
    """From 6.0 on data are stored as JSON, in which PostgreSQL takes no NUL; an error of the server it must not be."""
    reply = system_admin.do("CreateJob", body={"type": stage.world.harmless_job, "data": {"key": "a\x00b"}})
    assert reply.is_no_server_error


# -- every type that a server without a licence knows --------------------------------------------------------------
# Whoever is served all the same creates nothing that does a thing: of the types with a worker only the harmless one is asked for.


@clause("CreateJob.permission")
def test_no_type_of_job_is_for_members(member: Actor, token_user: Actor, system_admin: Actor, stage: Stage) -> None:
    """Whatever permission a type takes, they do not have it."""
    types = [one.name for one in stage.world.job_types if one.name == stage.world.harmless_job or not one.has_worker]
    for name in types:
        for caller in (member, token_user):
            assert caller.do("CreateJob", body={"type": name}).denied
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.input")
def test_types_without_a_worker(system_admin: Actor, stage: Stage, behaves: Behaves) -> None:
    """To 6.4 they are created and wait; then a type that no part of the server works off is none."""
    # First what every version is asked for: they know more types or fewer, and are compared by the turn in which they are asked.
    assert system_admin.ask("CreateJob").served
    for name in [one.name for one in stage.world.job_types if not one.has_worker]:
        reply = system_admin.do("CreateJob", body={"type": name})
        if behaves("a-job-needs-a-worker"):
            assert reply.refused_as("job-without-worker")
        else:
            assert reply.served
            assert reply["type"] == name, "the job is of another type than was asked for"


@clause("CreateJob.input")
@pytest.mark.parametrize("name", ["resend_invitation_email", "Data_Retention", "data_retention ", "data-retention", "*"])
def test_types_that_do_not_exist(system_admin: Actor, name: str) -> None:
    """What the server does by itself only, and what is nearly the name of a type."""
    assert system_admin.do("CreateJob", body={"type": name}).refused_as("unknown-job-type")
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.permission")
@applies(since="6.5")
def test_manage_jobs_is_enough_for_every_type(outsider: Actor, stage: Stage, granting: Granting) -> None:
    """Must have `manage_jobs` permission: the documentation names no other. Past it, nothing works these types off.

    Servers ask another permission for each type that has one of its own.
    """
    holder, own = outsider.called("holder_of_one"), [one for one in stage.world.job_types if one.permission != "manage_jobs"]
    with granting("system_user", "manage_jobs"):
        for one in own:
            if not one.has_worker:
                assert holder.do("CreateJob", body={"type": one.name}).refused_as("job-without-worker")
