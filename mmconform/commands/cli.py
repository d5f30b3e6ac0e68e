"""The command ``mmconform``: what was made of the documents, reports of runs, and how to tidy a server up."""

import argparse
import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from mmconform import __version__
from mmconform.commands.doctor import examine
from mmconform.commands.runs import LIVE_OPTIONS, records_of
from mmconform.contract.build import build
from mmconform.contract.clause import RULES, Clause, Contract
from mmconform.documents.load import MERGED, load, text_of
from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.judging import deviations
from mmconform.judging.changes import compare
from mmconform.judging.deviations import Deviation
from mmconform.paths import REPORTS
from mmconform.prove import baseline, prove
from mmconform.record import choose
from mmconform.record.record import Record, age, check, find
from mmconform.reference import named
from mmconform.reference.mutants import MUTANTS
from mmconform.reference.named import name_of
from mmconform.reference.server import Reference
from mmconform.report.comparison import Page
from mmconform.report.github import github
from mmconform.report.junit import junit
from mmconform.report.markdown import markdown
from mmconform.report.page import as_html
from mmconform.report.sarif import sarif
from mmconform.servers.live import journal, leftovers, tidy
from mmconform.servers.live.lease import Lease
from mmconform.servers.live.live_server import only_run
from mmconform.servers.live.prepare import sign_in, sign_out
from mmconform.servers.target import Target, has_credentials, live
from mmconform.version import Version
from mmconform.wire.client import UnseenError
from mmconform.wire.tape import tape

FINE, FOUND, MISUSED = 0, 1, 2
#: Nobody read on: what any command says then that SIGPIPE ends (128 + 13). It is neither fine nor found.
_CLOSED = 141
#: The same of Ctrl-C (128 + 2).
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0 when all is fine, 1 when something was found, 2 when it was used wrongly."""
    given = parser().parse_args(arguments)
    try:
        status = int(given.command(given))
        sys.stdout.flush()
        return status
    except MisuseError as error:
        print(f"mmconform: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        print("mmconform: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is written once more at the end
        return _CLOSED


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    whole = argparse.ArgumentParser(
        prog="mmconform", description="Does this server keep the promises of the Mattermost REST API v4?"
    )
    whole.add_argument("--version", action="version", version=f"mmconform {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, help_: str, example: str) -> argparse.ArgumentParser:
        raw = argparse.RawDescriptionHelpFormatter
        one = commands.add_parser(name, help=help_, description=help_, epilog=f"example:\n  {example}", formatter_class=raw)
        one.set_defaults(command=run)
        return one

    def documents(one: argparse.ArgumentParser) -> None:
        one.add_argument(
            "--spec", action="append", type=Path, default=[], metavar="FILE", help="this document or folder instead of ours"
        )
        one.add_argument("--overlay", action="append", type=Path, default=[], metavar="FILE", help="apply this overlay too")
        one.add_argument("--format", choices=("text", "json"), default="text", help="json is for machines")

    merge = command(
        "merge", _merge, "Merge the source documents and list every repair.", "mmconform merge --strict --spec my-fork.yaml"
    )
    documents(merge)
    merge.add_argument("--strict", action="store_true", help="exit with 1 when a document had to be repaired")
    merge.add_argument("--output", metavar="FILE", help="write the merged document there (- for standard output)")
    merge.add_argument("--write", action="store_true", help="write the merged document to specs/mattermost.yaml")

    contract = command("contract", _contract, "List every promise of the documents.", "mmconform contract --operation CreateJob")
    documents(contract)
    contract.add_argument("--operation", metavar="ID", help="only this operation's")
    contract.add_argument("--rule", choices=RULES, help="only clauses of this rule")

    known = command(
        "deviations", _deviations, "List the known deviations.", "mmconform deviations --verdict documentation --format markdown"
    )
    known.add_argument("--verdict", choices=deviations.VERDICTS, help="only those for which this is to blame")
    known.add_argument("--version-of", metavar="VERSION", type=_version, help="only those that this version shows")
    known.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="json is for machines")

    report = command(
        "report",
        _report,
        "Show records as a page that needs no server and no network, or in a format for CI.",
        "mmconform report 11.0.3 my-run/observations.jsonl --output page.html\n  mmconform report 5.36.1 --format junit",
    )
    report.add_argument(
        "records", nargs="*", metavar="RECORD", help="a record, a folder with some, or a target; else those of all tapes"
    )
    report.add_argument("--format", choices=tuple(_FORMATS), default="html", help="html when not given")
    report.add_argument("--notebook", action="store_true", help="execute the notebooks on these records, into pages")
    report.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="instead of reports/index.html for html, standard output for others; a folder instead of reports/notebooks",
    )
    report.add_argument("--spec", action="append", type=Path, default=[], metavar="FILE", help="what the runs had as --spec")
    report.add_argument("--overlay", action="append", type=Path, default=[], metavar="FILE", help="what they had as --overlay")
    serve = command(
        "serve", _serve, "Run the reference server until Ctrl-C.", "mmconform serve --target reference@5.36.1 --port 8065"
    )
    serve.add_argument("--target", default="reference", metavar="NAME", help="reference[@VERSION][:MUTANT]")
    serve.add_argument("--port", type=int, default=0, metavar="N", help="any that is free, if not given")

    proving = command(
        "prove",
        _prove,
        "Run the suites on servers with one flaw each: can they fail?",
        "mmconform prove -k RevokeUserAccessToken",
    )
    proving.add_argument("-k", default="", metavar="TEXT", dest="like", help="only mutants whose name or operation holds this")
    proving.add_argument("--list", action="store_true", help="only say which mutants there are and what is wrong with them")
    proving.add_argument("--baseline", choices=("schemathesis",), help="run plain Schemathesis on the same mutants beside")
    proving.add_argument("--format", choices=("text", "json"), default="text", help="json is for machines")

    compare = command(
        "compare",
        _compare,
        "Say what changed from one server to another, worst first.",
        "mmconform compare 5.36.1 11.0.3\n  mmconform compare recorded:10.8.1 http://127.0.0.1:8065",
    )
    for side in ("before", "after"):
        compare.add_argument(side, metavar=side.upper(), help="a target (a bare version is its tape) or a record of a run")
    compare.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="json is for machines")
    for option in LIVE_OPTIONS:
        compare.add_argument(option, action="store_true", help="of a live target, as for pytest")

    doctor = command(
        "doctor",
        _doctor,
        "Say what a run on a server would reach, and what stands in its way; changes nothing there.",
        "MM_ADMIN_TOKEN=… mmconform doctor http://127.0.0.1:8065",
    )
    doctor.add_argument("url", metavar="URL")
    doctor.add_argument("--allow-remote", action="store_true", help="the server may be on another machine")
    doctor.add_argument("--format", choices=("text", "json"), default="text", help="json is for machines")

    cleanup = command(
        "cleanup",
        _cleanup,
        "Undo what interrupted runs left on a server.",
        "MM_ADMIN_LOGIN=admin MM_ADMIN_PASSWORD=… mmconform cleanup http://127.0.0.1:8065",
    )
    cleanup.add_argument("url", metavar="URL")
    cleanup.add_argument(
        "--everything",
        action="store_true",
        help="also what runs from other checkouts and machines left, told by its name; never while one is in progress",
    )
    cleanup.add_argument("--allow-remote", action="store_true", help="the server may be on another machine")
    return whole


def _version(text: str) -> Version:
    try:
        return Version.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _merge(given: argparse.Namespace) -> int:
    loaded = load(given.spec, given.overlay)
    document = loaded.document
    repairs = [r for r in document.repairs if r.kind == "repair"]
    if given.write:
        if given.spec:
            raise MisuseError("--write is for our own sources; use --output FILE for others")
        MERGED.write_text(text_of(document), encoding="utf-8")
    if given.output == "-":
        print(text_of(document), end="")
    elif given.output:
        _write(Path(given.output), text_of(document), private=False)
    if given.format == "json":
        print(json.dumps([asdict(r) for r in document.repairs], indent=2, ensure_ascii=False))
    elif given.output != "-":
        for repair in document.repairs:
            print(repair)
        for action in loaded.idle:
            print(f"{action.file}:{action.line}: warning: the overlay action on {action.target} changes nothing")
        operations = len(list(document.operations()))
        notes = len(document.repairs) - len(repairs)
        print(f"{operations} operations in one valid OpenAPI 3.1 document; {len(repairs)} repairs, {notes} notes")
    return FOUND if given.strict and repairs else FINE


def _contract(given: argparse.Namespace) -> int:
    contract = build(load(given.spec, given.overlay).document)
    if given.operation and given.operation not in contract.operations:
        raise MisuseError(f"no operation `{given.operation}`; there are {', '.join(contract.operations)}")
    clauses = [c for c in contract.clauses.values() if given.operation in (None, c.operation) and given.rule in (None, c.rule)]
    if given.format == "json":
        remarks = [asdict(r) for r in contract.remarks if given.operation in (None, r.operation)]
        shown = {"clauses": [_as_json(c, contract) for c in clauses], "remarks": remarks}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return FINE
    for clause in clauses:
        print(f"{clause.id}\n  {clause.text}\n  {clause.place}" + (f", ours: {clause.evidence}" if clause.evidence else ""))
    for remark in contract.remarks:
        if given.operation in (None, remark.operation) and given.rule is None:
            what = f"informative ({remark.reason})" if remark.reason else "warning: not understood"
            print(f"{remark.operation}: {what}\n  {remark.text}\n  {remark.file}:{remark.line}")
    quoted = sum(1 for c in clauses if c.origin == "document")
    puzzling = sum(1 for r in contract.remarks if r.reason is None)
    print(
        f"{len(clauses)} promises, {quoted} from the documents and {len(clauses) - quoted} of ours with evidence; "
        f"{puzzling} sentences not understood"
    )
    return FINE


def _as_json(clause: Clause, contract: Contract) -> dict[str, Any]:
    operation = contract.operations[clause.operation]
    extra: dict[str, Any] = {}
    if clause.rule == "permission":
        extra["requirement"] = asdict(operation.requirement)
    if clause.rule == "since":
        extra |= {"since": str(operation.since or ""), "removed": str(operation.removed or "")}
    return {**asdict(clause), "method": operation.method, "path": operation.path, **extra}


def _deviations(given: argparse.Namespace) -> int:
    contract = build(load().document)
    shown = [
        d
        for d in deviations.load(contract)
        if given.verdict in (None, d.verdict) and (given.version_of is None or d.is_in(given.version_of))
    ]
    if given.format == "json":
        print(json.dumps([{**asdict(d), "personas": sorted(d.personas), "versions": d.versions} for d in shown], indent=2))
        return FINE
    title, item = ("## {}", "- {}") if given.format == "markdown" else ("{}", "  {}")
    for d in shown:
        clause = contract.clauses[d.clause]
        lines = [f"{clause.text} ({clause.place})", f"{d.signature}, by {', '.join(sorted(d.personas))}", d.reason, d.evidence]
        print("\n".join([title.format(f"{d.clause}, {d.versions}: {d.verdict}"), *map(item.format, lines)]))
    print(f"{len(shown)} known deviations" if given.format == "text" else "")
    return FINE


#: From the contract, the records and the known deviations to text.
_FORMATS: dict[str, Callable[[Contract, Sequence[Record], Sequence[Deviation]], str]] = {
    "html": lambda contract, records, known: as_html(contract, records, known, prove.published()),
    "markdown": lambda contract, records, _: markdown(contract, records),
    "github": lambda contract, records, _: github(contract, records),
    "sarif": sarif,
    "junit": lambda contract, records, _: junit(contract, records),
}


def _report(given: argparse.Namespace) -> int:
    if given.notebook:
        return _notebooks(given)
    contract = build(load(given.spec, given.overlay).document)
    if given.records:
        records = choose.given(given.records)
    else:
        records, left_out = choose.current(REPORTS, tape.every(), contract)
        for reason in left_out:
            print(f"left out: {reason}", file=sys.stderr)
    check(records, contract.digest, contract.clauses)
    text = _FORMATS[given.format](contract, sorted(records, key=age), [] if given.spec else deviations.load(contract))
    output = given.output or (REPORTS / "index.html" if given.format == "html" else None)
    if output is None:
        print(text, end="")
        if not text:
            print(f"nothing to annotate: {len(records)} green, no promise broken in a new way", file=sys.stderr)
        return FINE
    _write(output, text)
    if given.format == "html":
        print(f"{len(records)} {'record' if len(records) == 1 else 'records'} in one page: {output.resolve().as_uri()}")
    return FINE


def _notebooks(given: argparse.Namespace) -> int:
    try:
        from mmconform.notebooks import execute
    except ModuleNotFoundError as error:
        raise MisuseError(f"notebooks need `{error.name}`; `pip install -e .[notebooks]` in the checkout") from None
    for page in execute.pages(find(given.records), given.output or REPORTS / "notebooks"):
        print(page)
    return FINE


def _write(file: Path, text: str, *, private: bool = True) -> None:
    try:
        write_whole(file, text, private=private)
    except OSError as error:
        raise MisuseError(f"{file}: cannot be written: {error.strerror}") from None


def _prove(given: argparse.Namespace) -> int:
    names = prove.chosen(given.like)
    if given.list:
        for name in names:
            print(f"{name_of(name)}: {MUTANTS[name].flaw}")
        return FINE

    def progress(share: float) -> None:
        if sys.stderr.isatty():
            print(f"\r{len(names)} mutants, {share:4.0%}", end="\n" if share == 1 else "", file=sys.stderr, flush=True)

    times = [time.monotonic()]
    proofs = prove.prove(names, progress)
    times.append(time.monotonic())
    beside = baseline.found(names, progress) if given.baseline else None
    times.append(time.monotonic())
    seconds = [end - begin for begin, end in pairwise(times)]
    if given.format == "json":
        spec = build(load().document).digest
        print(json.dumps(prove.as_json(proofs, spec, seconds[: 1 + bool(given.baseline)], beside), indent=2, ensure_ascii=False))
    else:
        print(prove.table(proofs, seconds, beside))
    return FINE if all(proof.is_as_declared for proof in proofs) else FOUND


def _serve(given: argparse.Namespace) -> int:
    app = named.app(given.target, next(reversed(tape.every()), ""))
    if not 0 <= given.port < 2**16:
        raise MisuseError(f"port {given.port} cannot be used: ports go from 0 to {2**16 - 1}")
    login, password = "operator", secrets.token_urlsafe(12)
    try:
        server = Reference(app, login, password, given.port)
    except OSError as error:
        raise MisuseError(f"port {given.port} cannot be used: {error.strerror or error}") from None
    print(f"{given.target}, like Mattermost {app.version}, on {server.url}; Ctrl-C ends it. To judge it:")
    called = Path(sys.argv[0])
    pytest = called.with_name("pytest") if called.name == "mmconform" else "pytest"  # of the environment in which we run
    print(f"  MM_ADMIN_LOGIN={login} MM_ADMIN_PASSWORD={password} {pytest} --target {server.url}", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve()
    return FINE


def _compare(given: argparse.Namespace) -> int:
    contract = build(load().document)
    chosen = [option for option in LIVE_OPTIONS if vars(given)[option[2:].replace("-", "_")]]
    before, after = records_of([given.before, given.after], chosen)
    for one in (before, after):
        age(one)  # which says whether it tells its version
    page = Page(contract, before, after, compare(contract, before, after))
    shown = {"text": page.text, "markdown": page.markdown}.get(given.format)
    print(shown() if shown else json.dumps(page.json(), indent=2, ensure_ascii=False))
    return FOUND if any(change.effect == "worse" for change in page.comparison.changes) else FINE


def _doctor(given: argparse.Namespace) -> int:
    contract = build(load().document)
    found = examine(live(given.url, allow_remote=given.allow_remote), contract)
    print(json.dumps(asdict(found), indent=2, ensure_ascii=False) if given.format == "json" else found.text())
    return FOUND if found.obstacles or found.gaps else FINE


def _cleanup(given: argparse.Namespace) -> int:
    target = live(given.url, allow_remote=given.allow_remote)
    journals = journal.of_server(REPORTS, target.base_url)
    is_needed = bool(journals) or given.everything
    try:
        with only_run(target):
            done = _tidy(target, journals, given.everything) if is_needed or has_credentials() else Counter[str]()
    except UnseenError as error:
        raise MisuseError(f"cleanup stopped: {error}; run it again") from None
    if not is_needed:
        print(
            f"nothing to undo on {target.base_url}: no journal in {REPORTS.name}/ tells of changes there "
            "(--everything undoes what runs from elsewhere left there)"
        )
        return FINE
    print(", ".join(f"{n} {what}" for what, n in done.items()) or "nothing was left to undo")
    if given.everything:
        print("settings, roles and jobs of runs without a journal here were left as they are: nobody knows what they were")
    return FINE


def _tidy(target: Target, journals: list[Path], everything: bool) -> Counter[str]:
    client = target.client()
    token = sign_in(client)
    lease = Lease(client, token, "cleanup")
    try:
        others = [holder for holder in lease.holders() if holder.run not in journal.runs_of(journals)]
        if others:
            raise MisuseError(f"{target.base_url} is in use by {others[0]}; wait for its end")
        if everything:
            note = journal.Journal(REPORTS / target.slug / "journal-leftovers.jsonl", target.base_url)
            for entry in leftovers.find(client, token):
                note.note(**entry)
            journals = journal.of_server(REPORTS, target.base_url)
        done = tidy.undo(journals, client, token) if journals else Counter[str]()
        lease.clear()
    finally:
        sign_out(client, token)
        client.close()
    return done
