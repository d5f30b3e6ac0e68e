"""Lets Schemathesis generate the requests for an operation: the same ones every time, whoever answers them.

Generating is separate from sending. Stateless generation never looks at an answer, so the cases of an operation are
drawn once per run and then sent to every target and persona; no failure can cut the sequence short or start a shrink.

What keeps the sequence the same (tooling-facts.md A3): one seed, no example database, no local constants, the full
document loaded whatever is selected. Held by a test over the digest of the sequence.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NotSet
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.pytest._test_builder import build_operation_test

from mmconform.documents.document import Document
from mmconform.driving.kept_cases import PARTS, KeptCases

# Hypothesis mixes literals of every local module into what it draws: a new string anywhere in this checkout would
# change the requests, and the tapes would no longer answer them. It has no setting for that.
_NO_CONSTANTS = Constants()
providers._get_local_constants = lambda: _NO_CONSTANTS

Drawn = schemathesis.Case[Any]

_NOWHERE = "http://nowhere.invalid"

#: Tapes are recorded with this seed.
SEED = 20261121
#: Fuzzed cases for each operation, beside those that the coverage phase derives from the schema.
MAX_EXAMPLES = 100


@dataclass(frozen=True)
class Case:
    """One generated request, before ids of real resources and a persona are put in.

    Attributes:
        phase: ``examples``, ``coverage`` or ``fuzzing``.
        valid: What the generator meant it to be. Checks decide for themselves from what was sent.
    """

    operation: str
    phase: str
    valid: bool
    drawn: Drawn

    @property
    def path_parameters(self) -> dict[str, Any]:
        return dict(self.drawn.path_parameters or {})

    @property
    def body(self) -> Any:
        return self.drawn.body

    @property
    def values(self) -> tuple[Any, ...]:
        """All that was drawn for it."""
        return self.path_parameters, self.drawn.query, self.body

    def request(self, path_parameters: dict[str, Any], body: Any) -> dict[str, Any]:
        """Return keyword arguments for ``requests.Request``, with the given path parameters and body instead.

        The ``url`` is the operation's path alone.
        """
        case = self.drawn.operation.Case(
            method=self.drawn.method,
            path_parameters=path_parameters,
            headers=dict(self.drawn.headers or {}),
            cookies=dict(self.drawn.cookies or {}),
            query=self.drawn.query,
            body=body,
            media_type=self.drawn.media_type,
        )
        arguments: dict[str, Any] = case.as_transport_kwargs(base_url=_NOWHERE)
        arguments["url"] = arguments["url"].removeprefix(_NOWHERE)
        return arguments


class Generator:
    """Generates the cases of every operation of one document.

    Args:
        seed: Two generators with the same document, seed and number of examples give the same cases.
        max_examples: Fuzzed cases for each operation.
        kept_in: A folder in which cases are kept from one run to the next.
    """

    def __init__(
        self, document: Document, seed: int = SEED, max_examples: int = MAX_EXAMPLES, *, kept_in: Path | None = None
    ) -> None:
        config = SchemathesisConfig.from_dict(
            {
                "seed": seed,
                "generation": {
                    "max-examples": max_examples,
                    "database": "none",
                    "no-shrink": True,
                    "with-security-parameters": False,
                },
                "phases": {"coverage": {"unexpected-methods": []}},
            }
        )
        # Without our extensions: a note in the overlay must not change what is generated.
        plain = _plain(document.data)
        decisive = plain, seed, max_examples, Path(__file__).read_text(encoding="utf-8")
        self._kept = KeptCases(kept_in, *decisive) if kept_in else None
        self._schema = schemathesis.openapi.from_dict(plain, config=config)
        self._refused = {o["operationId"]: o["x-not-generated"] for _, _, o in document.operations() if "x-not-generated" in o}
        found = (result.ok() for result in self._schema.get_all_operations() if isinstance(result, Ok))
        self._operations = {operation.definition.raw["operationId"]: operation for operation in found}

    def not_generated(self, operation: str) -> str:
        """Return why there are no cases of an operation; empty where there are."""
        return self._drawn(operation)[1]

    def cases(self, operation: str) -> tuple[Case, ...]:
        """Return the cases of an operation: examples, coverage, fuzzing, in the order in which they were drawn."""
        return self._drawn(operation)[0]

    @cache  # noqa: B019  (lives as long as the run)
    def _drawn(self, operation: str) -> tuple[tuple[Case, ...], str]:
        if reason := self._refused.get(operation):
            return (), reason
        if self._kept and (rows := self._kept.read(operation)):
            return tuple(self._read_back(operation, **row) for row in rows), ""
        drawn: list[Drawn] = []
        try:
            self._test(operation, drawn.append)()
        except Exception as error:  # the document defeats the generator, which has no error of its own for that
            return (
                (),
                f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason given'}"[
                    :200
                ],
            )
        cases = tuple(_case(operation, case) for case in drawn)
        if self._kept:
            self._kept.write(operation, [{"phase": c.phase, "valid": c.valid, **_parts(c.drawn)} for c in cases])
        return cases, ""

    def _read_back(self, operation: str, phase: str, valid: bool, **drawn: Any) -> Case:
        return Case(operation, phase, valid, self._operations[operation].Case(**drawn))

    def _test(self, operation: str, collect: Callable[[Drawn], None]) -> Callable[[], None]:
        def collected(case: Drawn) -> None:
            collect(case)

        test: Callable[[], None] = build_operation_test(
            config=self._schema.config,
            operation=self._operations[operation],
            test_func=collected,
            given_kwargs={},
            feedback=NO_FEEDBACK,
        )
        return test


def _case(operation: str, drawn: Drawn) -> Case:
    meta = drawn.meta
    if meta is None:
        return Case(operation, "examples", True, drawn)
    return Case(operation, meta.phase.name.value, meta.generation.mode == GenerationMode.POSITIVE, drawn)


def _parts(drawn: Drawn) -> dict[str, Any]:
    """Return what the request of a case is made of, as its operation's ``Case`` takes it."""
    found = {name: getattr(drawn, name) for name in PARTS} | {"headers": dict(drawn.headers or {})}
    return found if isinstance(drawn.body, NotSet) else found | {"body": drawn.body}


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(child) for child in node]
    if isinstance(node, dict):
        return {key: _plain(child) for key, child in node.items() if not key.startswith("x-")}
    return node


def describe(case: Case) -> Iterator[str]:
    """Yield the parts of a case as text, for a digest of the sequence."""
    yield from (case.operation, case.phase, str(case.valid))
    yield json.dumps([case.drawn.path_parameters, case.drawn.query, case.drawn.headers], default=repr, sort_keys=True)
    yield "" if isinstance(case.body, NotSet) else repr(case.body)
