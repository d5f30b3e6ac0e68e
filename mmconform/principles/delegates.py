"""``confidential``, for who holds one administrative permission: it opens an operation, and gives no sight of what that tells.

A role that nobody has is filled with everything but what is given to nobody, and its holder asks whatever an ordinary member is
refused. Where they are told what was hidden, what they hold is halved until single permissions are known that tell it alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy

from mmconform.contract.clause import Operation
from mmconform.driving.composing import Probe
from mmconform.principles.confidential import Attempt, Search, a, is_refused, only_reads, plain
from mmconform.principles.data import sight
from mmconform.principles.hideaways import Hidden
from mmconform.principles.sightings import Finding, Stock
from mmconform.wire.exchange import Exchange
from mmconform.world.place import OPEN
from mmconform.world.spare import Spare

_HOLDER = "holder"
#: Names a part of the system console, and nobody.
_AREA = "user_management_"


class Delegates:
    """Those who hold a permission each, one after the other: somebody whose role is filled."""

    def __init__(self, search: Search, spare: Spare) -> None:
        self._search, self._spare, self._person = search, spare, spare.person(_HOLDER)
        self._questions = copy(search.questions)
        # Who holds something else each time says nothing about what is blanked.
        self._questions.sightings = copy(search.sightings)
        self._questions.sightings.seen = Stock(unanswered=search.sightings.seen.unanswered)

    def play(self) -> Iterator[Finding]:
        """Yield what single permissions tell that give no sight of it.

        Raises:
            MisuseError, NotHereError: the role cannot be filled.
        """
        base, known = self._search.contract.base, self._questions.known
        closed = self._search.plain | self._search.closed
        asked = [
            attempt
            for operation in known
            if only_reads(operation, base) and operation.id not in closed
            for attempt in self._plain(operation)
        ]
        for permission, attempt, answer, secrets in self._alone(sorted(self._spare.everything), asked):
            for secret in secrets:
                if not gives_sight(permission, secret.kind) and (refusal := self._refusal(secret)):
                    yield self._finding(permission, attempt.operation, secret, answer, refusal)
        self._spare.hold(frozenset())

    def _plain(self, operation: Operation) -> Iterable[Attempt]:
        return {(repr(attempt.params), repr(attempt.body)): attempt for attempt in plain(operation, self._search.word)}.values()

    def _alone(self, held: Sequence[str], asked: Sequence[Attempt]) -> Iterator[tuple[str, Attempt, Exchange, list[Hidden]]]:
        """Yield each permission that tells something by itself."""
        told = self._told(held, asked)
        if len(held) == 1:
            yield from ((held[0], *seen) for seen in told)
        elif told:
            half = len(held) // 2
            for part in (held[:half], held[half:]):
                yield from self._alone(part, [attempt for attempt, _, _ in told])

    def _told(self, held: Iterable[str], asked: Sequence[Attempt]) -> list[tuple[Attempt, Exchange, list[Hidden]]]:
        """Return what tells something while just these are held: of each operation the first that does."""
        self._spare.hold(frozenset(held))
        told: dict[str, tuple[Attempt, Exchange, list[Hidden]]] = {}
        for attempt in (attempt for attempt in asked if attempt.operation.id not in told):
            answer = self._ask(attempt)
            if answer is not None and answer.is_success and (secrets := self._marked(answer)):
                told[attempt.operation.id] = (attempt, answer, secrets)
        return list(told.values())

    def _ask(self, attempt: Attempt) -> Exchange | None:
        probe = Probe(_HOLDER, "other", OPEN)
        return self._questions.send(attempt.operation, probe, caller=self._person, params=attempt.params, body=attempt.body)

    def _marked(self, answer: Exchange) -> list[Hidden]:
        """Return of which things an answer tells what was put into them, one a kind."""
        secrets = (secret for place in self._search.hideaways for secret in place.secrets if secret.id in self._search.readable)
        return list({secret.kind: secret for secret in secrets if secret.mark.encode() in answer.answer}.values())

    def _refusal(self, secret: Hidden) -> Exchange | None:
        """Return how the operation that reads a thing refuses them; None where it does not."""
        reading = self._search.sightings.reads[secret.kind]
        answer = self._questions.ask(reading, _HOLDER, self._person, about={secret.kind: secret.id})
        return answer if answer is not None and is_refused(answer) else None

    def _finding(self, permission: str, operation: Operation, secret: Hidden, answer: Exchange, refusal: Exchange) -> Finding:
        reading, side = self._search.sightings.reads[secret.kind], self._search.sightings.side
        seen = f"{permission} alone lets them in, and tells what was put into {a(secret.kind)} that {reading.id} refuses them"
        sides = side(answer, f"tells what was put into {a(secret.kind)}"), side(refusal, f"refused with {refusal.says}")
        return Finding("confidential", operation.id, reading.id, secret.kind, _HOLDER, seen, sides)


def gives_sight(permission: str, kind: str) -> bool:
    """Return whether a permission is about seeing things of a kind: its name speaks of them, or data do."""
    words = {word.removesuffix("s") for word in permission.replace(_AREA, "").split("_")}
    return kind in words or kind in sight().get(permission, ())
