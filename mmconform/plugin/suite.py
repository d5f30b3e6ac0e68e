"""What a suite imports: marks that say which clause a test proves and where it applies."""

from collections.abc import Callable

import pytest

from mmconform.contract.clause import Operation
from mmconform.driving.actor import Actor, Reply, Stage, Token, application, give_roles, join, new_bot, new_team, someone
from mmconform.plugin.fixtures import Granting, Settings
from mmconform.world.features import TOKENS
from mmconform.world.people import PERSONAS, Persona

#: ``@clause("CreateJob.permission")``: the one promise that the test proves; ``{operation}`` stands for the parameter.
clause = pytest.mark.clause

#: ``@applies(since="5.10")``: in other versions the test is skipped, ``not-in-version``; ``why=`` may say more than from when on.
applies = pytest.mark.applies
#: Why tests that give somebody permissions through a role are for servers from 6.0 on.
FILLED = "before, a role could be given such permissions with a licence only"

#: Nothing is changed before the test asks, and its callers are the standing people: its answers tell who may do what. Other
#: tests change roles and settings first, ask before and after, or make callers of their own.
as_shipped = pytest.mark.as_shipped

#: It makes tokens for people of its own: where none can be made it does not begin, so that no accounts are left for nothing.
makes_tokens = pytest.mark.usefixtures("tokens")

#: Asked of live servers only, about documents that are given: no tape holds answers to these requests yet.
untaped = pytest.mark.untaped

#: What a tape of the whole API is recorded of.
kept = pytest.mark.kept

#: About a tape of the whole API, and nothing else.
whole = pytest.mark.whole

#: Many callers at once: in disruptive runs on a live server of this machine, which nobody else uses; no tape can show it.
racing = pytest.mark.racing

#: ``race(actor, change)``: how many requests were served that were asked after a change had been answered.
Race = Callable[[Actor, Callable[[], object]], int]

#: ``new_person("token_user")``: a person of the test's own, who may be changed.
NewPerson = Callable[[str], Actor]

#: ``behaves("search-takes-wildcards")``: whether servers of this version do (``data/behaviours.yaml``).
Behaves = Callable[[str], bool]

#: An id that has the form of one and that nothing on any server has.
UNKNOWN_ID = "z" * 26

LIST = "GetUserAccessTokensForUser"
#: What can be done to a token, by its id in the body.
TOKEN_ACTIONS = ("RevokeUserAccessToken", "DisableUserAccessToken", "EnableUserAccessToken")

__all__ = [
    "LIST",
    "PERSONAS",
    "TOKENS",
    "TOKEN_ACTIONS",
    "UNKNOWN_ID",
    "Actor",
    "Behaves",
    "Granting",
    "NewPerson",
    "Operation",
    "Persona",
    "Race",
    "Reply",
    "Settings",
    "Stage",
    "Token",
    "application",
    "applies",
    "as_shipped",
    "clause",
    "give_roles",
    "join",
    "kept",
    "makes_tokens",
    "new_bot",
    "new_team",
    "racing",
    "someone",
    "untaped",
    "whole",
]
