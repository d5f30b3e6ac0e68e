"""In which versions an operation is there: from the documented one on, not before, and not after it was taken out."""

from mmconform.plugin.suite import UNKNOWN_ID, Actor, Operation, Stage, clause


@clause("{operation}.since")
def test_an_operation_is_there_in_its_versions_and_in_no_other(
    operation: Operation, stage: Stage, system_admin: Actor, anonymous: Actor
) -> None:
    """Absence has more than one face: before 4.7 `GET /users/tokens` asks for a user called `tokens`."""
    if operation.exists_in(stage.world.version):
        assert system_admin.ask(operation.id).served
        return
    path = {p.name: UNKNOWN_ID for p in operation.parameters if p.place == "path"}
    body: dict[str, str] | None = {} if operation.body else None
    assert system_admin.do(operation.id, body=body, **path).absent
    reply = anonymous.do(operation.id, body=body, **path)
    assert reply.shows(not reply.exchange.is_success, "somebody without a session is served")
