"""What is asked beside the plain requests of an operation: each documented flag, on and off, alone; several things at once.

The document says who may send the plain request. A flag may demand more, so whoever is refused with one is not wronged; but none
lets anybody in. So two ask, of those whom the plain requests told apart: the mightiest who is served, and of those who are
refused the one who lacks least. Where nobody is served, as where a licence is missing, nothing could be seen, and nobody asks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mmconform.contract.clause import Operation
from mmconform.contract.naming import items_of, names_in
from mmconform.driving.composing import Probe, Variant
from mmconform.knowledge import Knowledge
from mmconform.world import kinds
from mmconform.world.people import CALLERS

_BATCH = "a batch"
_MIXED = "a batch of which the last is withheld"


@dataclass(frozen=True)
class Plain:
    """What came, or is to come, of a plain request.

    Attributes:
        entitled: Whether the documentation lets the caller in.
    """

    probe: Probe
    is_served: bool
    entitled: Knowledge


def asked_beside(operation: Operation, plain: Sequence[Plain]) -> Iterator[tuple[Probe, Variant]]:
    """Yield who asks what beside the plain requests, of which it is known what came of them; of bots that tells nothing."""
    plain = [told for told in plain if told.probe.persona in CALLERS]
    askers = list(_askers(plain))
    for variant in (*_flags(operation), *_batches(operation)):
        yield from ((probe, variant) for probe in askers if not (variant.is_batch and _is_of_several_owners(operation, probe)))
    yield from _mixed(operation, plain)


def _askers(plain: Sequence[Plain]) -> Iterator[Probe]:
    served = [told.probe for told in plain if told.is_served and told.entitled is not False]
    refused = [told.probe for told in plain if not told.is_served and told.entitled is False]
    if served:
        yield from (max(probes, key=_rank) for probes in (served, refused) if probes)


def _rank(probe: Probe) -> int:
    return CALLERS.index(probe.persona)


# -- flags ---------------------------------------------------------------------------------------------------------


def _flags(operation: Operation) -> Iterator[Variant]:
    """Yield each flag that an operation documents on and then off, but as the plain request has it; so that it ends as it was."""
    if operation.makes == "user":  # each one served costs an account
        return
    for place, name in operation.flags:
        if place == "body" and not isinstance(operation.sample.body, dict | None):
            continue
        said = operation.sample.query if place == "query" else operation.sample.body or {}
        for value in (True, False):
            text = str(value).lower()
            if str(said.get(name)).lower() != text:
                yield Variant(f"{name}={text}", **({"query": {name: text}} if place == "query" else {"body": {name: value}}))


# -- several things ------------------------------------------------------------------------------------------------


def _batches(operation: Operation) -> Iterator[Variant]:
    if operation.sample.batch is not None:
        yield Variant(_BATCH, is_batch=True)


def _is_of_several_owners(operation: Operation, probe: Probe) -> bool:
    """Whether somebody who asks about what is theirs would ask about another one's too."""
    return probe.about == "self" and any(name.which and name.kind == "user" for name in names_in(operation.sample.batch))


def _mixed(operation: Operation, plain: Sequence[Plain]) -> Iterator[tuple[Probe, Variant]]:
    """Yield one batch, by the mightiest who may touch one thing and may not touch another one of the same kind."""
    if operation.sample.batch is None:
        return
    served = (told.probe for told in plain if told.is_served and told.entitled is True)
    for first in sorted(served, key=_rank, reverse=True):
        withheld = (told.probe for told in plain if told.entitled is False and told.probe.persona == first.persona)
        if last := next((probe for probe in withheld if _differs_in_an_item(operation, first, probe)), None):
            yield first, Variant(_MIXED, is_batch=True, last=last)
            return


def _differs_in_an_item(operation: Operation, first: Probe, last: Probe) -> bool:
    """Whether an item of a batch names another thing in the one probe than in the other, and the path does not."""
    item, *_ = items_of(operation.sample.batch)
    in_item = (name.kind for name in names_in(item) if not name.is_filler and not name.part)
    in_path = [p.resource for p in operation.parameters if p.place == "path" and p.resource]
    return _are_others(in_item, first, last) and not _are_others(in_path, first, last)


def _are_others(named: Iterable[str], first: Probe, last: Probe) -> bool:
    """Whether things of these kinds are others in the one probe than in the other."""
    return any(
        (kinds.is_owned(kind) and first.about != last.about) or (kinds.scope_of([kind]) and first.spot != last.spot)
        for kind in named
    )
