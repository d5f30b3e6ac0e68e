"""Asks as who holds just what the documentation demands, and as who holds everything but that: one is let in, the other is not.

Which permissions decide is tried on the understood demand: the smallest sets with which, and without which, its answer changes.
What stays unknown is asked by nobody. What opened for whom it should not is found by halving what they held. All of it is held
through a role that nobody has (:mod:`mmconform.world.spare`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, product

from mmconform.contract.clause import Operation
from mmconform.contract.permission import Holds, leaves, meanings
from mmconform.driving.composing import PLAIN, Probe, Variant
from mmconform.driving.generate import Case
from mmconform.driving.probes import Prober, can_be_probed, is_closed, position_of, spots_of
from mmconform.judging.checks.access import permission
from mmconform.judging.checks.verdict import Verdict
from mmconform.judging.judge import NO_SUCH_CALLER, Judge
from mmconform.knowledge import Knowledge
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world.entitlement import entitlement
from mmconform.world.people import Roles, known_persona
from mmconform.world.place import Place, Spot
from mmconform.world.spare import NEAR_MISS, Spare, never_given
from mmconform.world.world import Person, World

Permissions = frozenset[str]
#: Of more permissions than these together no sentence makes one demand; of more that stand for one another, all are taken.
_MOST = 3
#: What opens takes so many permissions at most, or it is not looked for further.
_MOST_OPENERS = 4


@dataclass(frozen=True)
class Trial:
    """A probe by who holds just these permissions through the role.

    Attributes:
        about: What they hold, or lack, of what is demanded.
    """

    probe: Probe
    held: Permissions
    about: Permissions


def demanded(operation: Operation) -> list[str]:
    """Return the permissions that an operation's documentation names, by name."""
    return sorted({leaf.permission for leaf in leaves(operation.requirement.demand) if isinstance(leaf, Holds)})


def decides(operation: Operation) -> bool:
    """Return whether permissions decide, as far as is understood, and requests can be made that show it."""
    return (
        can_be_probed(operation)
        and not is_closed(operation)
        and operation.requirement.is_understood
        and bool(demanded(operation))
    )


class Trials:
    """Who is to be asked of one operation.

    Args:
        roles: Who holds what on the server.
        spare: What can be given there.
    """

    def __init__(self, operation: Operation, roles: Roles, spare: Spare) -> None:
        self._operation, self._roles, self._spare = operation, roles, spare
        self._meant = {name: self._means(name) for name in demanded(operation)}

    def entitled(self, probe: Probe, held: Permissions) -> Knowledge:
        """Return whether the documentation lets a probe's caller in, who holds just these through the role."""
        persona = known_persona(probe.persona)
        assert persona
        roles = replace(self._roles, told={**self._roles.told, **self._spare.told(held)})
        return entitlement(self._operation, persona, roles, probe.about, position_of(self._operation, probe))

    def of_holders(self) -> Iterator[Trial]:
        """Yield who holds what lets in, and lets nobody in who holds less, each where it first does.

        Like everybody they have the roles that all have, but for what these hold themselves.
        """
        done = set[Permissions]()
        for is_bare, spot in product((False, True), spots_of(self._operation)):
            for held in self._smallest(partial(self._lets_in, spot, is_bare)):
                if held not in done:
                    done.add(held)
                    yield Trial(Probe(self._holder_of(held, is_bare), "other", spot), held, held)

    def of_near_misses(self) -> Iterator[Trial]:
        """Yield who lacks what then lets nobody in, and nothing beside that, each where they first are to be refused."""
        done = set[Permissions]()
        for spot in spots_of(self._operation):
            probe = Probe(NEAR_MISS, "other", spot)
            for lacked in self._smallest(partial(self._keeps_out, probe)):
                if lacked not in done:
                    done.add(lacked)
                    yield Trial(probe, self._spare.everything - lacked, lacked | (never_given() & self._meant.keys()))

    def of_delegated(self, name: str) -> Iterator[Trial]:
        """Yield who holds what a role for delegated administration does, where it is first known whether that lets in."""
        held = self._spare.delegated.get(name, frozenset())
        for spot in spots_of(self._operation) if held else ():
            if isinstance(self.entitled(probe := Probe(name, "other", spot), held), bool):
                yield Trial(probe, held, held)
                return

    def _lets_in(self, spot: Spot | None, is_bare: bool, held: Permissions) -> bool:
        probe = Probe(self._holder_of(held, is_bare), "other", spot)
        return self.entitled(probe, held) is True and self.entitled(probe, frozenset()) is not True

    def _keeps_out(self, probe: Probe, lacked: Permissions) -> bool:
        return self.entitled(probe, self._spare.everything - lacked) is False

    def _smallest(self, decide: Callable[[Permissions], bool]) -> Iterator[Permissions]:
        """Yield the sets of named permissions of which something is so, and of no smaller one."""
        found: list[Permissions] = []
        known = [meant for meant in self._meant.values() if meant]
        sizes = [*range(min(_MOST, len(known)) + 1), len(known)]
        for size in dict.fromkeys(sizes):
            for some in (frozenset[str]().union(*parts) for parts in combinations(known, size)):
                if not any(less <= some for less in found) and decide(some):
                    found.append(some)
                    yield some

    def _means(self, name: str) -> Permissions:
        """Return what the server calls a permission; nothing for one that it does not have."""
        known = self._spare.everything | never_given()
        return frozenset({name} if name in known else meanings().get(name, ())) & known

    def _holder_of(self, held: Permissions, is_bare: bool) -> str:
        """Return who holds these in the right place: where their scope is, or everywhere if they have several."""
        if is_bare:
            return "bare_holder"
        named = (leaf for leaf in leaves(self._operation.requirement.demand) if isinstance(leaf, Holds))
        scopes = {leaf.scope for leaf in named if self._meant[leaf.permission] & held}
        return "team_holder" if scopes == {"team"} else "channel_holder" if scopes == {"channel"} else "holder"


class NearMisses(Prober):
    """Plays the trials of one operation, and has the answers judged by who is let in."""

    def __init__(self, operation: Operation, world: World, client: Client, judge: Judge, place: Place, spare: Spare) -> None:
        super().__init__(operation, world, client, judge, place)
        self.judged = list(judge.contract.of(operation.id, "permission"))
        judge.beside = None  # what somebody sees who holds something else each time says nothing about a principle
        self._spare, self._shipped = spare, judge.target
        self._trials = Trials(operation, judge.target.roles, spare)
        self._trial: Trial | None = None
        self._core: Case | None = None
        self._served: list[tuple[Trial, Permissions, Exchange]] = []

    def ask_holders(self, core: Case | None) -> None:
        """Ask as each who holds just what is demanded."""
        trials = list(self._trials.of_holders())
        for trial in trials:
            if trial.held <= self._spare.everything:
                self._try(trial, core)
            else:
                self._skip(trial.probe.persona, f"{', '.join(sorted(trial.held))} is given to nobody")
        if not trials:
            self._skip("holder", "no permission is known to let in who would be refused without it")

    def ask_near_misses(self, core: Case | None) -> None:
        """Ask as each who lacks just what is demanded, where the administrator, who asks first, is let in."""
        trials = list(self._trials.of_near_misses())
        for trial in trials:
            if self._lets_in_the_administrator(replace(trial.probe, persona="system_admin"), core):
                self._try(trial, core)
        self._tell_who_was_served()
        if not trials:
            self._skip(NEAR_MISS, "whoever lacks what is demanded is not known to be refused")

    def ask_delegated(self, role: str, core: Case | None) -> None:
        """Ask as who holds what a role for delegated administration does, if the server has it."""
        trials = list(self._trials.of_delegated(role))
        for trial in trials:
            self._try(trial, core)
        if not trials:
            self._skip(role, "the server has no such role, or it is not known whether what it holds lets in")

    def _try(self, trial: Trial, core: Case | None) -> None:
        self._spare.hold(trial.held)
        self._trial, self._core = trial, core
        told = {**self._shipped.told_roles, **self._spare.told(trial.held)}
        self.judge.target = replace(self._shipped, told_roles=told)
        self.ask(trial.probe.persona, partial(self._send, trial.probe, core))
        self._trial = None

    def _skip(self, persona: str, why: str) -> None:
        for clause in self.judged or ():
            self.judge.skip(clause, NO_SUCH_CALLER, persona, why)

    def _lets_in_the_administrator(self, probe: Probe, core: Case | None) -> bool:
        def times() -> int:
            return self.judge.coverage[self.operation.id].let_in if self.operation.id in self.judge.coverage else 0

        before = times()
        self.ask(probe.persona, partial(self._send, probe, core))
        return times() > before

    # -- one request -----------------------------------------------------------------------------------------------

    def person(self, persona: str) -> Person | None:
        return super().person(persona) or self._spare.person(persona)

    def _send(self, probe: Probe, core: Case | None, variant: Variant = PLAIN) -> Exchange:
        exchange = super()._send(probe, core, variant)
        if self._trial and exchange.status == 401 and self._spare.is_signed_out(probe.persona):
            self._spare.sign_in_again(probe.persona)
            exchange = super()._send(probe, core, variant)
        return exchange

    def see(self, exchange: Exchange) -> None:
        """Have an answer judged; of a near miss who was served, find first what opened."""
        if self._trial is None or exchange.persona != NEAR_MISS or not exchange.is_success or self._is_kept(exchange):
            self._confirm_holder(exchange)
            super().see(exchange)
            return
        self.judge.see(exchange, ())
        self._served.append((self._trial, *self._opened_by(self._trial)))

    def _is_kept(self, exchange: Exchange) -> bool:
        verdicts = [permission(clause, self.judge.context(exchange)) for clause in self.judged or ()]
        return not any(isinstance(verdict, Verdict) and not verdict.passed for verdict in verdicts)

    def _confirm_holder(self, exchange: Exchange) -> None:
        """Before a server is blamed for refusing somebody: look whether they hold what they are to hold.

        Raises:
            UnseenError: they do not, and what was answered says nothing.
        """
        if self._trial and not self._is_kept(exchange) and not self._spare.is_as_told(exchange.persona, self._trial.held):
            raise UnseenError(f"{exchange.method} {exchange.path}", "the caller's role no longer holds what it was given")

    # -- what opened -----------------------------------------------------------------------------------------------

    def _opened_by(self, trial: Trial) -> tuple[Permissions, Exchange]:
        """Return with which permissions alone somebody is served, and that answer: none where nobody needs any.

        Raises:
            UnseenError: they are served no longer.
        """
        found, rest = frozenset[str](), sorted(trial.held)
        for _ in range(_MOST_OPENERS):
            answer = self._answer_with(found, trial)
            if answer.is_success:
                return found, answer
            few, many = 0, len(rest)
            while many - few > 1:
                half = (few + many) // 2
                is_open = self._answer_with(found.union(rest[:half]), trial).is_success
                few, many = (few, half) if is_open else (half, many)
            found, rest = found.union(rest[many - 1 : many]), rest[: many - 1]
        raise UnseenError(self.operation.label, "served once, and then no longer with what opened")

    def _answer_with(self, held: Permissions, trial: Trial) -> Exchange:
        self._spare.hold(held)
        return self._send(trial.probe, self._core)

    def _tell_who_was_served(self) -> None:
        """Tell one finding about the operation, whatever was lacked and opened."""
        if not self._served:
            return
        exchange = self._served[0][2]
        opened = _told((found for _, found, _ in self._served), ", ")
        lacked = _told((trial.about for trial, _, _ in self._served), " or ")
        told = {"expected": f"a refusal of whoever lacks {lacked}", "source": ""}
        seen = f"served with {exchange.status} without {lacked}; what opened: {opened}"
        for clause in self.judged or ():
            self.judge.conclude(clause.id, NEAR_MISS, f"{exchange.status} with {opened}", seen, exchange, told)


def _told(sets: Iterable[Permissions], between: str) -> str:
    """Return sets of permissions in words, each once."""
    return between.join(dict.fromkeys(" and ".join(sorted(permissions)) or "no permission at all" for permissions in sets))
