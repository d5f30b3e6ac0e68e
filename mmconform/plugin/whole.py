"""Records a tape of the whole API: what probes and a few generated requests are answered, but for what nobody has published."""

from collections import defaultdict
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

from mmconform.driving.generate import Case
from mmconform.judging import kept
from mmconform.judging.judge import Judge
from mmconform.judging.kept import Keeper, Kept, Reducer
from mmconform.plugin.run import Run
from mmconform.servers.live.recording import Recording
from mmconform.wire.tape.name import cassette_name
from mmconform.wire.tape.redact import Redactor

#: So many cases beside the first valid one.
_FEW = 5


def few(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Return the first valid one of an operation's cases and a few others, from all over them."""
    core = next((case for case in cases if case.valid), None)
    others = [case for case in cases if case is not core]
    step = max(len(others) // _FEW, 1)
    return (*([core] if core else ()), *others[::step][:_FEW])


class Whole:
    """A tape of the whole API in the making.

    Attributes:
        unlike: Why operations are left out that would be judged otherwise on the tape, in words.
    """

    def __init__(self, run: Run, recording: Recording) -> None:
        self._run, self.recording = run, recording
        self._kept: defaultdict[str, Kept] = defaultdict(Kept)
        self._reducer = cache(lambda operation: Reducer(self._words, recording.target.redactor))
        self.unlike: dict[str, str] = {}

    @cached_property
    def _words(self) -> frozenset[str]:
        return kept.listed(self._run.contract)

    def keeper(self, item: Any, judge: Judge) -> Keeper:
        """Return what keeps the answers of a test."""
        operation = item.callspec.params["operation"].id
        as_replayed = replace(judge.target, redactor=Redactor(replaying=True))
        again = self._run.judge(as_replayed)
        return Keeper(self._kept[operation], self._reducer(operation), cassette_name(item, judge.target.slug), judge, again)

    def end(self, item: Any, judge: Judge) -> None:
        """Take over what a test kept."""
        operation = item.callspec.params["operation"].id
        if isinstance(judge.keeper, Keeper) and (differs := judge.keeper.finish(operation)):
            self.unlike[operation] = differs

    def finish(self, described_by: str) -> str:
        """Write the tape, without what shows something new or would be judged otherwise, and say what was left out.

        Raises:
            MisuseError: a secret stands on it, or it cannot take its place.
        """
        run, target = self._run, self.recording.target
        rows = run.seen[target.slug].rows
        new = {row.operation for row in rows if row.standing == "new"}
        whole = {id_: one for id_, one in self._kept.items() if one.asked or one.held_back}
        on_tape = {id_: one for id_, one in whole.items() if id_ not in new | self.unlike.keys()}
        for operation, one in on_tape.items():
            kept.write(self.recording.folder, operation, one)
        part = {
            "tests": sorted({asked.request.rpartition("/")[0] for one in on_tape.values() for asked in one.asked}),
            "operations": len(on_tape),
            "described": len(run.contract.operations),
            "exchanges": sum(len(one.asked) for one in on_tape.values()),
        }
        roles = {role: sorted(held) for role, held in sorted(target.told_roles.items())}
        label = {"described_by": described_by, "part": part, "roles": roles}
        self.recording.finish(seed=run.seed, max_examples=run.max_examples, spec=run.contract.digest, more=label)
        left_out = f"left out: {len(new)} that show something new, {len(self.unlike)} unlike when reduced"
        return "\n".join([f"recorded {self.recording.place.name}: {part}; {left_out}", *self.unlike.values()])
