"""Everybody asks the same valid request about things that this run made: who is served, and who is refused."""

from mmconform.driving.generate import Case
from mmconform.driving.probes import Prober
from mmconform.judging.judge import Judge
from mmconform.plugin.suite import Operation, kept, untaped
from mmconform.principles.hidden import Reader
from mmconform.wire.client import Client
from mmconform.world.place import Place
from mmconform.world.world import World

pytestmark = [untaped, kept]


def test_who_is_served(
    operation: Operation, core: Case | None, world: World, place: Place, client: Client, judge: Judge, reader: Reader
) -> None:
    """Whoever may is let in, whoever may not is refused, wherever what they ask about lies and whosever it is."""
    Prober(operation, world, client, judge, place).ask_all(core)
    reader.read_new()
