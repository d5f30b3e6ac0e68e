"""Whatever Schemathesis makes of the document, sent by every persona: the contract holds."""

from mmconform.driving.generate import Case
from mmconform.driving.sender import Sender
from mmconform.judging.judge import Judge
from mmconform.plugin.suite import Operation, as_shipped, kept
from mmconform.wire.client import Client
from mmconform.world.world import World

pytestmark = [as_shipped, kept]


def test_the_contract_holds(operation: Operation, cases: tuple[Case, ...], world: World, client: Client, judge: Judge) -> None:
    """No shape of a request gets anybody more than the documentation allows, or an answer that it does not describe."""
    Sender(operation, world, client, judge).ask_all(cases)
