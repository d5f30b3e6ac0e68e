"""What a tape of the whole API holds, judged anew: nobody is asked."""

from mmconform.judging.judge import Judge
from mmconform.judging.kept import Kept
from mmconform.plugin.suite import Operation, as_shipped, whole

pytestmark = [as_shipped, whole]


def test_what_was_answered(operation: Operation, on_tape: Kept, judge: Judge) -> None:
    """Everybody was answered what the documentation allows them, in the form that it describes."""
    on_tape.play(judge, operation.id)
