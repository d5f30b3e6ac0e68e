"""Plays a campaign: runs that need nothing of one another, beside one another, with one record for each target."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import replace

from mmconform.campaign.places import Submit
from mmconform.campaign.work import Job, Outcome, fingerprint
from mmconform.contract.clause import Contract
from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.judging import known_changes
from mmconform.paths import REPORTS
from mmconform.record import record
from mmconform.record.record import slug_of
from mmconform.report import neighbours
from mmconform.wire.tape import tape


def shares(names: Sequence[str], number: int) -> list[tuple[str, ...]]:
    """Return names in so many parts of about the same length, neighbours apart: what is long often has a long neighbour."""
    return [tuple(names[i::number]) for i in range(number) if names[i::number]]


def play(jobs: Iterable[Job], submit: Submit) -> Iterator[Outcome]:
    """Run jobs and give what came of each, as they end; by then its records are in ``reports/``, and those of before aside.

    Whoever ran it, and however often it was begun: an outcome comes once, and only who plays writes there. Of a run that comes to
    nothing the records of before stay where they are.

    Raises:
        MisuseError: a run came to nothing.
    """
    jobs = [replace(job, code=fingerprint()) for job in jobs]
    for future in as_completed([submit(job) for job in jobs]):
        try:
            outcome = future.result()
        except MisuseError:
            raise
        except Exception as error:  # Dask's own, of many kinds: workers that died again and again, or have no checkout
            raise MisuseError(f"a run was lost: {type(error).__name__}: {error}") from None
        for name in outcome.job.targets:  # not before: a run that was asked for wrongly says nothing in their place
            record.set_aside(REPORTS / slug_of(name) / record.NAME)
        for slug, content in outcome.records.items():
            write_whole(REPORTS / slug / record.NAME, content.decode(), private=True)
        yield outcome


def join_neighbours(contract: Contract, jobs: Iterable[Job]) -> None:
    """Compare each recorded version with the one before it, where the two were run apart; a run over both has done it.

    Raises:
        MisuseError: a record is not there.
    """
    known = known_changes.load(contract)
    together = {slug: job for job in jobs for slug in map(slug_of, job.targets)}
    for slug, job in together.items():
        before = tape.before(slug)
        if before in together and together[before] is not job:
            older, newer = (record.read(REPORTS / name / record.NAME) for name in (before, slug))
            record.write(REPORTS / slug / record.NAME, neighbours.beside(contract, known, older, newer))
