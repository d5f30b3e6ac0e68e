"""Whoever holds just what an operation demands is served, and whoever holds everything but that is not."""

import pytest

from mmconform.driving.generate import Case
from mmconform.driving.near_misses import NearMisses
from mmconform.judging.judge import Judge
from mmconform.plugin.suite import Operation, untaped
from mmconform.wire.client import Client
from mmconform.world.people import delegated
from mmconform.world.place import Place
from mmconform.world.spare import Spare
from mmconform.world.world import World

pytestmark = untaped


@pytest.fixture
def asks(operation: Operation, world: World, place: Place, client: Client, judge: Judge, spare: Spare) -> NearMisses:
    """Who asks about the operation."""
    return NearMisses(operation, world, client, judge, place, spare)


def test_whoever_holds_just_what_is_demanded_is_let_in(asks: NearMisses, core: Case | None) -> None:
    """Each set of permissions that the sentence calls enough is enough, in the right place."""
    asks.ask_holders(core)


def test_whoever_lacks_just_what_is_demanded_is_refused(asks: NearMisses, core: Case | None) -> None:
    """No other permission stands in for what the sentence demands."""
    asks.ask_near_misses(core)


@pytest.mark.parametrize("role", delegated())
def test_a_role_for_delegated_administration_does_what_it_holds(role: str, asks: NearMisses, core: Case | None) -> None:
    """Whoever holds what such a role holds is let in where that is enough, and nowhere else."""
    asks.ask_delegated(role, core)
