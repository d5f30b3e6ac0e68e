"""In which versions an operation is there: from the documented one on, not before, and not after it was taken out."""

import pytest

from mmconform.plugin.suite import clause

NOBODY = "zzzzzzzzzzzzzzzzzzzzzzzzzz"


@pytest.mark.vcr
@clause("{operation}.since")
def test_an_operation_is_there_in_its_versions_and_in_no_other(operation, stage, system_admin, anonymous):
    """Absence has more than one face: before 4.7 `GET /users/tokens` asks for a user called `tokens`."""
    if operation.exists_in(stage.world.version):
        assert system_admin.ask(operation.id).served
        return
    path = {p.name: NOBODY for p in operation.parameters if p.place == "path"}
    body = {} if operation.body else None
    assert system_admin.do(operation.id, body=body, **path).absent
    assert not anonymous.do(operation.id, body=body, **path).exchange.is_success, "somebody without a session is served"
