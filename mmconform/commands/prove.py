"""`mmconform prove`: the suites on servers with one flaw each."""

import argparse
import json
import shutil
import time
from collections.abc import Callable

from mmconform.commands.progress import progressing
from mmconform.commands.runs import add_places
from mmconform.commands.shared import FINE, FOUND, add_format
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.errors import MisuseError
from mmconform.paths import ROOT
from mmconform.prove import plain_schemathesis, prove
from mmconform.prove.table import table
from mmconform.reference.mutants import MUTANTS
from mmconform.reference.named import name_of

#: The documents that mutants are about, beside that of the eleven operations.
_DOCUMENTS = sorted({f"specs/{mutant.document}" for mutant in MUTANTS.values() if mutant.document})
FOUND_MEANS = "the suites noticed a flaw otherwise than declared"
EXAMPLE = "mmconform prove -k RevokeUserAccessToken"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-k", default="", metavar="TEXT", dest="like", help="only mutants whose name or operation holds this")
    parser.add_argument("--spec", choices=_DOCUMENTS, help="the mutants that are about this document, judged by it")
    parser.add_argument("--list", action="store_true", help="only say which mutants there are and what is wrong with them")
    parser.add_argument("--baseline", choices=("schemathesis",), help="run plain Schemathesis on the same mutants beside")
    add_format(parser)
    add_places(parser)


def run(options: argparse.Namespace) -> int:
    specs = [ROOT / options.spec] if options.spec else []
    if specs and options.baseline:
        raise MisuseError("plain Schemathesis is run beside the eleven operations only; leave out --baseline or --spec")
    names = prove.chosen(options.like, specs[0].name if specs else "")
    if options.list:
        for name in names:
            print(f"{name_of(name)}: {MUTANTS[name].flaw}")
        return FINE

    with progressing() as progress:

        def tell(who: str) -> Callable[[float], None]:
            return lambda share: progress.show(f"{who}: {share:.0%} of {len(names)} flaws")

        progress.say(f"running the suites on {len(names)} servers, each with one flaw …\n")
        try:
            proofs, taken = prove.prove(names, tell("the suites"), options.scheduler)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("the same command goes on with what is not proved yet") from None
        begun = time.monotonic()
        beside = plain_schemathesis.found(names, tell("plain Schemathesis")) if options.baseline else None
    seconds = [taken, time.monotonic() - begun]
    if options.format == "json":
        spec = build(load(specs).document).digest
        print(
            json.dumps(prove.as_json(proofs, spec, seconds[: 1 + bool(options.baseline)], beside), indent=2, ensure_ascii=False)
        )
    else:
        print(table(proofs, seconds, beside, shutil.get_terminal_size().columns))
    return FINE if all(proof.is_as_declared for proof in proofs) else FOUND
