"""Generated requests: what is not sent is told."""

from dataclasses import replace

from mmconform.driving.generate import Generator
from mmconform.driving.sender import Sender
from mmconform.judging.judge import Judge
from mmconform.servers.target import resolve
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor
from mmconform.world.world import World


def test_an_operation_that_ends_its_callers_session_is_left_to_probes_and_the_record_says_so(contract, document):
    """Else its test had seen nothing, as one that somebody else took away."""
    operation = replace(contract.operations["CreateJob"], consumes=frozenset({"caller"}))
    (target,) = resolve("recorded:11.0.3")
    client = Client("http://127.0.0.1:9", Redactor(replaying=False))
    judge = Judge(contract, target, [])
    cases = Generator(document, 1, 1).cases(operation.id)
    Sender(operation, World(client, target.version, "abc123", "operator"), client, judge).ask_all(cases)
    assert {(row.outcome, row.signature) for row in judge.observations} == {("skip", "would-do-harm")}
    assert {row.clause for row in judge.observations} == {clause.id for clause in contract.of(operation.id)}
