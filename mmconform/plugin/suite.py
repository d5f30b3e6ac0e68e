"""What a suite imports: marks that say which clause a test proves and where it applies."""

import pytest

from mmconform.contract.clause import Operation
from mmconform.driving.actor import Actor, Reply, Stage, Token, application, give_roles, join, new_bot, new_team, someone
from mmconform.world.people import PERSONAS, Persona

#: ``@clause("CreateJob.permission")``: the one promise that the test proves; ``{operation}`` stands for the parameter.
clause = pytest.mark.clause

#: ``@applies(since="5.10")``: in other versions the test is skipped, ``not-in-version``.
applies = pytest.mark.applies

__all__ = [
    "PERSONAS",
    "Actor",
    "Operation",
    "Persona",
    "Reply",
    "Stage",
    "Token",
    "application",
    "applies",
    "clause",
    "give_roles",
    "join",
    "new_bot",
    "new_team",
    "someone",
]
