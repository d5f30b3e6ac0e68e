"""`mmconform merge`: what was made of the source documents."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mmconform.commands.shared import FINE, FOUND, add_documents, add_format, confirm_folder, write
from mmconform.documents.load import MERGED, load, text_of
from mmconform.errors import MisuseError
from mmconform.paths import IS_CHECKOUT

FOUND_MEANS = "with --strict: the documents needed repairs"
EXAMPLE = "mmconform merge --strict --spec my-fork.yaml"


def configure(parser: argparse.ArgumentParser) -> None:
    add_documents(parser)
    add_format(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a document had to be repaired")
    parser.add_argument("--output", metavar="FILE", help="write the merged document there (- for standard output)")
    parser.add_argument("--write", action="store_true", help="write the merged document to specs/mattermost.yaml")


def run(options: argparse.Namespace) -> int:
    if options.output not in (None, "-"):
        confirm_folder("--output", Path(options.output))
    loaded = load(options.spec, options.overlay)
    document = loaded.document
    repairs = [r for r in document.repairs if r.kind == "repair"]
    if options.write:
        if options.spec:
            raise MisuseError("--write is for our own sources; use --output FILE for others")
        if not IS_CHECKOUT:
            raise MisuseError("--write is for a clone of the repository; a package stays as it is: use --output FILE")
        MERGED.write_text(text_of(document), encoding="utf-8")
    if options.output == "-":
        print(text_of(document), end="")
    elif options.output:
        write(Path(options.output), text_of(document), private=False)
    if options.format == "json":
        print(json.dumps([asdict(r) for r in document.repairs], indent=2, ensure_ascii=False))
    elif options.output != "-":
        for repair in document.repairs:
            print(repair)
        for action in loaded.idle:
            print(f"{action.file}:{action.line}: warning: the overlay action on {action.target} changes nothing")
        operations = len(list(document.operations()))
        notes = len(document.repairs) - len(repairs)
        print(f"{operations} operations in one valid OpenAPI 3.1 document; {len(repairs)} repairs, {notes} notes")
    return FOUND if options.strict and repairs else FINE
