"""``consistent``: the same effect needs the same permission, whichever operation brings it about.

Derived: each operation that changes something is tried once in every situation as the administrator, who reads before and after
what it names. What one brings about is asked of the operations that update the same thing too: with what has changed in their
bodies. Of those that did the same, each is then tried by others, on twins. Whoever is told by one that they lack the permission,
and is served by another, which does the same, found a way round.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import Any

from mmconform.contract.clause import Operation
from mmconform.contract.templates import below_the_api
from mmconform.driving.composing import Probe
from mmconform.driving.near_misses import demanded
from mmconform.driving.probes import position_of
from mmconform.principles.effects import EffectTrial, Laboratory, Outcome, Situation, situations
from mmconform.principles.questions import Questions
from mmconform.principles.sightings import Finding
from mmconform.safety.harm import only_reads
from mmconform.version import Version
from mmconform.wire.exchange import Exchange
from mmconform.world.behaviours import NotKnownError, denial
from mmconform.world.entitlement import entitlement
from mmconform.world.people import Roles, known_persona
from mmconform.world.spare import NEAR_MISS, Spare
from mmconform.world.world import Person

#: Who tries, the least powerful first; never the owner of a thing, its author or whom it is about.
_CALLERS = ("outsider", "guest", "member", "channel_admin", "team_admin")
#: How it is told where the sentences themselves say it.
THE_SENTENCES = "the sentences"


@dataclass(frozen=True)
class Caller:
    """Who tries.

    Attributes:
        person: Instead of the world's of that name.
        lacks: The one permission that they were not given; nothing for who is what everybody like them is.
    """

    name: str
    roles: Roles
    person: Person | None = None
    lacks: str = ""


@dataclass(frozen=True)
class Pair:
    """Two trials in one situation, by different operations, that bring about the same."""

    first: EffectTrial
    second: EffectTrial
    effect: Outcome


class PermissionComparison:
    """Compares what needs which permission on one server.

    Args:
        spare: A role that can be filled; None where there is none.
    """

    def __init__(self, questions: Questions, spare: Spare | None) -> None:
        self._questions, self._spare = questions, spare
        self._near_miss = spare.person(NEAR_MISS) if spare else None  # before things are made in which they are to be, too
        self._laboratory = Laboratory(questions)
        self._changing = [operation for operation in questions.changing if self._may_change(operation)]
        self._served: set[str] = set()
        self._found: set[tuple[str, str, str]] = set()

    def play(self) -> Iterator[Finding]:
        """Yield who is refused by one operation and gets the same from another.

        Raises:
            MisuseError: the server refuses to give permissions.
        """
        pairs = pairs_of(self._effects())
        roles = self._questions.world.roles
        for name in _CALLERS:
            if name in self._questions.world.people:
                yield from self._compare(Caller(name, roles), pairs)
        if self._spare:
            yield from self._near_misses(self._spare, pairs)

    def _may_change(self, operation: Operation) -> bool:
        """Whether something that can be read may be another afterwards: a new thing changes none."""
        path = below_the_api(self._questions.contract.base + operation.path)
        ends_the_caller = operation.consumes & {"caller", "sessions"}
        changes_nothing = only_reads(operation.method, path) or ends_the_caller or operation.makes
        return not changes_nothing and bool(self._laboratory.named_by(operation))

    # -- what brings about what ------------------------------------------------------------------------------------

    def _effects(self) -> list[tuple[EffectTrial, Outcome]]:
        """Return every trial by which something changed for the administrator."""
        tried = [outcome for operation in self._changing for outcome in self._effects_of(operation)]
        return [*tried, *self._echoes(tried)]

    def _effects_of(self, operation: Operation) -> Iterator[tuple[EffectTrial, Outcome]]:
        bodies: list[Mapping[str, Any]] = [{}, *_switched(operation)]
        for number, situation in enumerate(situations(operation)):
            for body in bodies:
                outcome = self._laboratory.trial(trial := EffectTrial(operation, situation, body))
                if outcome and outcome.answer.is_success:
                    self._served.add(operation.id)
                if outcome and outcome.effect:
                    yield trial, outcome
                    bodies += [body for body in _reversed(operation, outcome) if body not in bodies]
            if number and operation.id not in self._served:
                return

    def _echoes(self, tried: list[tuple[EffectTrial, Outcome]]) -> Iterator[tuple[EffectTrial, Outcome]]:
        """Yield what operations that update a thing bring about when they are sent what others have changed of it."""
        vain = set[tuple[str, str]]()
        for trial, outcome in tried:
            for reading in {reading for reading, _ in outcome.effect}:
                body = {name: value for (read, name), value in outcome.after.items() if read == reading and "." not in name}
                for operation in self._updating(reading):
                    key = (operation.id, f"{trial.operation.id} {sorted(body)}")
                    if operation is trial.operation or key in vain or not body:
                        continue
                    echo = self._laboratory.trial(sent := EffectTrial(operation, trial.situation, body))
                    if echo and echo.is_like(outcome):
                        yield sent, echo
                    else:
                        vain.add(key)

    def _updating(self, reading: str) -> Iterator[Operation]:
        """Yield the operations that update what another one reads, by their paths."""
        path = self._questions.contract.operations[reading].path
        for operation in (operation for operation in self._changing if operation.id in self._served):
            rest = operation.path.removeprefix(path)
            is_json = operation.body is not None and operation.body.is_json and not isinstance(operation.sample.body, list)
            if operation.path.startswith(path) and "{" not in rest and operation.method in ("PUT", "PATCH") and is_json:
                yield operation

    # -- who may ---------------------------------------------------------------------------------------------------

    def _compare(self, caller: Caller, pairs: list[Pair]) -> Iterator[Finding]:
        done: dict[int, Outcome | None] = {}
        for pair in pairs:
            if any((*names, caller.name) in self._found for names in permutations(_names(pair))):
                continue
            tried = [(trial, self._once(trial, caller, done)) for trial in (pair.first, pair.second)]
            for (refusing, refused), (serving, served) in permutations(tried):
                if refused and served and self._is_denied(refused) and served.is_like(pair.effect):
                    self._found.add((serving.operation.id, refusing.operation.id, caller.name))
                    yield self._finding(caller, serving, served, refusing, refused)

    def _is_denied(self, outcome: Outcome) -> bool:
        return is_denied(outcome.answer, self._questions.world.version)

    def _once(self, trial: EffectTrial, caller: Caller, done: dict[int, Outcome | None]) -> Outcome | None:
        if id(trial) not in done:
            done[id(trial)] = self._laboratory.trial(trial, caller.name, caller.person)
        return done[id(trial)]

    def _near_misses(self, spare: Spare, pairs: list[Pair]) -> Iterator[Finding]:
        """Try as who holds everything but one permission that one of two sentences names, where all of it gets both."""
        plain = [pair for pair in pairs if not pair.first.situation.unlike_others]
        yield from self._compare(self._holding(spare, spare.everything, "manage_system"), plain)
        both = [pair for pair in plain if not any((*names, NEAR_MISS) in self._found for names in permutations(_names(pair)))]
        for lacked in sorted({name for pair in both for name in _demanded(pair)} & spare.everything):
            caller = self._holding(spare, spare.everything - {lacked}, lacked)
            yield from self._compare(caller, [pair for pair in both if lacked in _demanded(pair)])

    def _holding(self, spare: Spare, held: frozenset[str], lacks: str) -> Caller:
        spare.hold(held)
        roles = self._questions.world.roles
        return Caller(NEAR_MISS, replace(roles, told={**roles.told, **spare.told(held)}), self._near_miss, lacks)

    # -- how it is told --------------------------------------------------------------------------------------------

    def _finding(self, caller: Caller, serving: EffectTrial, served: Outcome, refusing: EffectTrial, refused: Outcome) -> Finding:
        unlike = ", ".join(serving.situation.unlike_others)
        is_said = self._entitles(serving, caller) is True and self._entitles(refusing, caller) is False
        what = f"without {caller.lacks}" if caller.lacks else unlike or served.fields
        told = "; their sentences say so" if is_said else ""
        where = f" ({unlike})" if unlike else ""
        return Finding(
            "consistent",
            serving.operation.id,
            refusing.operation.id,
            THE_SENTENCES if is_said else what,
            caller.name,
            f"changes {served.fields}{where} for who is refused the same by {refusing.operation.id}{told}",
            (
                self._questions.sightings.side(served.answer, f"served, and the administrator reads another {served.fields}"),
                self._questions.sightings.side(refused.answer, f"refused with {refused.answer.says}"),
            ),
        )

    def _entitles(self, trial: EffectTrial, caller: Caller) -> object:
        persona = known_persona(caller.name)
        assert persona
        position = position_of(trial.operation, Probe(caller.name, "other", trial.situation.spot))
        return entitlement(trial.operation, persona, caller.roles, "other", position)


def is_denied(answer: Exchange, version: Version) -> bool:
    """Return whether an answer says that a permission is lacking: as the operation says it, or by an error that says so."""
    with suppress(NotKnownError):
        if any((answer.status, answer.error_id) == (refusal.status, refusal.id) for refusal in denial(answer.operation, version)):
            return True
    return answer.status == 403 and "permission" in answer.error_id


def pairs_of(effects: list[tuple[EffectTrial, Outcome]]) -> list[Pair]:
    """Return the trials that bring about the same in one situation, each two operations once, the plain situations first."""
    found: dict[tuple[str, str, Situation, str], Pair] = {}
    for (first, effect), (second, other) in combinations(effects, 2):
        if first.operation is not second.operation and first.situation == second.situation and effect.is_like(other):
            key = (*sorted((first.operation.id, second.operation.id)), first.situation, str(sorted(effect.effect.items())))
            found.setdefault(key, Pair(first, second, effect))  # type: ignore[arg-type]
    return sorted(found.values(), key=lambda pair: len(pair.first.situation.unlike_others))


def _names(pair: Pair) -> tuple[str, str]:
    return pair.first.operation.id, pair.second.operation.id


def _demanded(pair: Pair) -> set[str]:
    return {*demanded(pair.first.operation), *demanded(pair.second.operation)}


def _switched(operation: Operation) -> Iterator[Mapping[str, Any]]:
    """Yield what a body holds with one of its switches the other way."""
    body = operation.sample.body if isinstance(operation.sample.body, dict) else {}
    yield from ({name: not value} for name, value in body.items() if isinstance(value, bool))


def _reversed(operation: Operation, outcome: Outcome) -> Iterator[Mapping[str, Any]]:
    """Yield what a body holds to bring back what was there before, where it said what is there now."""
    body = operation.sample.body if isinstance(operation.sample.body, dict) else {}
    for name, value in body.items():
        for key, now in outcome.after.items():
            if isinstance(value, str) and now == value and isinstance(before := outcome.before.get(key), str) and before:
                yield {name: before}
