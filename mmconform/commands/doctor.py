"""Looks at a live server without changing anything: what a run would reach there, and what stands in its way."""

import argparse
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field

from mmconform.commands.shared import FINE, FOUND, add_documents, add_format
from mmconform.contract.build import build
from mmconform.contract.clause import Contract, Operation, Rule
from mmconform.contract.fit import misfits
from mmconform.documents.load import Loaded, load
from mmconform.driving.outlook import Foresight, Outlook, untold
from mmconform.errors import MisuseError
from mmconform.paths import REPORTS, RUN
from mmconform.report.folded import folded, terminal_width
from mmconform.report.outlook import outlook_lines
from mmconform.safety.guard import Guard
from mmconform.safety.harm import dangerous_about
from mmconform.servers.live import journal
from mmconform.servers.live.lease import Lease
from mmconform.servers.live.live_server import TOKENS_STAY_ON
from mmconform.servers.live.locks import only_run
from mmconform.servers.live.prepare import (
    ask_roles,
    find_obstacles,
    has_no_account,
    is_on_this_machine,
    off_now,
    people,
    sign_in,
    sign_out,
    stands_on_tokens,
    told_to_clients,
)
from mmconform.servers.made import made_on
from mmconform.servers.target import Target, live
from mmconform.version import Version
from mmconform.wire.client import Client, Patience, UnseenError
from mmconform.world.admin import Admin
from mmconform.world.callers import DISRUPTIVE, missing
from mmconform.world.features import (
    TOKENS,
    WEBRTC,
    features,
    lacking,
    lost_to_a_licence,
    needed_by,
    wanted_by_probes,
    with_these,
)
from mmconform.world.people import MADE, OF_TESTS, PERSONAS

#: Of looking around, whatever the server does.
_MOST_SECONDS = 300
#: Probes send nothing that breaks a schema.
_OF_WRONG_INPUT: Rule = "input"


@dataclass
class Diagnosis:
    """What was found out about a server.

    Attributes:
        switched_off: Features that a run needs, as they are now; None where nobody has an account to see that.
        callers: Who would ask.
        missing: Who would ask elsewhere and cannot be had there, with the reason.
        clauses, reached: Promises in the contract, and those that a run would reach; where a document was given, those that
            probes ask about (None where nobody has an account to see that).
        obstacles: What would stop a run, each with what to change.
        gaps: What a run would leave out, each with what to change.
        notes: What else to know of what a run would say.
        makes: What a run makes there, where none was given, in a sentence.
        outlook: What probes would ask, where a document was given.
    """

    target: str
    server: str
    licensed: bool
    people: int
    switched_off: list[str] | None
    callers: list[str]
    missing: dict[str, str]
    clauses: int
    reached: int | None
    not_in_version: list[str]
    obstacles: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    makes: str = ""
    outlook: Outlook | None = None

    def text(self) -> str:
        """Return the diagnosis for a person."""
        width = terminal_width()

        def told(head: str, *texts: str) -> list[str]:
            return [line for text in texts if text for line in folded(text, width, f"  {head:12}  ", " " * 16)]

        off = (
            "nobody can see that yet" if self.switched_off is None else ", ".join(self.switched_off) or "nothing that a run needs"
        )
        of_every = [name for name in self.callers if name in PERSONAS]
        of_some = [name for name in self.callers if name not in PERSONAS]
        return "\n".join(
            [
                *folded(self.server, width, "", "  "),
                *told("licence", "yes" if self.licensed else "none"),
                *told("people", f"{self.people or 'nobody'} beside the administrator, bots and accounts of ours"),
                *told("switched off", off),
                *told("callers", f"most tests ask as {', '.join(of_every)}"),
                *told("", f"some also as {', '.join(of_some)}" if of_some else ""),
                *told("", *(f"none as {', '.join(names)}: {why}" for why, names in self._missing())),
                *told("promises", self._reach),
                *told(
                    "", f"not in this version: {', '.join(self.not_in_version)}" * bool(self.not_in_version and not self.outlook)
                ),
                *told("makes", self.makes),
                *(outlook_lines(self.outlook, width) if self.outlook else []),
                *told("STOPS A RUN", *self.obstacles),
                *told("left out", *self.gaps),
                *told("note", *self.notes),
                f"  {self._end}",
            ]
        )

    def _missing(self) -> Iterable[tuple[str, list[str]]]:
        """Return who would not ask, by the reason."""
        alike: dict[str, list[str]] = {}
        for name, why in self.missing.items():
            alike.setdefault(why, []).append(name)
        return alike.items()

    @property
    def _reach(self) -> str:
        if self.reached is None:
            return f"{self.clauses}; how many of them probes would reach can be told when there is an account"
        if self.outlook:
            shown = "how many of these the answers show only the run tells (in one on 11.1.0, nine of ten)"
            return f"probes ask about {self.reached} of {self.clauses}, none of them about wrong input; {shown}"
        return f"a run would reach {'at most ' * bool(self.gaps)}{self.reached} of {self.clauses}"

    @property
    def _end(self) -> str:
        if self.obstacles:
            return "A run would not begin."
        return "A run can begin, and leaves parts out (exit status 1)." if self.gaps else "Nothing stands in the way."


def examine(target: Target, contract: Contract, *, foresees: bool = False) -> Diagnosis:
    """Return what a run on a live server would reach.

    Args:
        foresees: Also tell what probes would ask: they are for documents that were given.

    Raises:
        MisuseError: no credentials, or not an administrator's.
        UnseenError: the server does not answer.
    """
    client = target.client()
    if has_no_account(client):
        return _of_nobodys(target, contract, client, foresees=foresees)
    token = sign_in(client)
    try:
        return _examined(target, contract, client, token, foresees=foresees)
    finally:
        sign_out(client, token)
        client.close()


def _examined(target: Target, contract: Contract, client: Client, token: str, *, foresees: bool) -> Diagnosis:
    admin = Admin(client, token)
    answer = admin.config()
    config = answer.json_object
    about = told_to_clients(admin)
    others, off = people(admin), off_now(answer, target.version)
    licensed = about.get("IsLicensed") == "true"
    left_off = off if others else off & {WEBRTC} if not is_on_this_machine(target) else frozenset()
    left_off |= lost_to_a_licence() if licensed else frozenset()
    fixed = _fixed(admin)
    left_off |= {feature for feature in off if features()[feature].setting in fixed}
    operations = _here(contract, target)
    reached = [o for o in operations if left_off.isdisjoint(needed_by(o))]
    asked = {operation.id for operation in reached}
    absent = {operation.id for operation in contract.operations.values()} - {operation.id for operation in operations}
    if foresees:
        target.told_roles = ask_roles(target, token)
    nobodys = dict(missing(target.version, target.told_roles, left_off, may_configure=not others, probes=foresees))
    found = Diagnosis(
        target.name,
        _describe(target),
        licensed,
        others,
        sorted(off),
        *_callers(nobodys, foresees=foresees),
        len(contract.clauses),
        _promised(contract, asked),
        [id_ for id_ in contract.operations if id_ in absent],
        list(find_obstacles(admin, target.version)),
    )
    for feature in sorted(left_off):
        names = ", ".join(operation.id for operation in operations if feature in needed_by(operation))
        rest = [operation.id for operation in operations if operation.id in features()[feature].served]
        if names:
            of_rest = f", and of {', '.join(rest)} what needs such a thing" if rest else ""
            found.gaps.append(f"{names}{of_rest}: {_advice(feature, fixed)}")
    found.gaps += [f"tests that change {setting}, which the server's environment fixes" for setting in sorted(fixed)]
    if stands_on_tokens(admin):
        found.gaps.append(f"tests that switch {TOKENS} off: {TOKENS_STAY_ON}")
    if others:
        found.gaps.append(f"tests that change settings or built-in roles for a moment, since people use the server: {DISRUPTIVE}")
    found.notes += [target.origin.remark] if target.origin.remark else []
    found.obstacles += _in_use(target, client, token)
    if not foresees:
        unsent = [operation for operation in operations if operation.id not in asked]

        def is_left_out(method: str, path: str) -> bool:
            changes = {change for row in dangerous_about(method, path) for change in row.changes} if others else ()
            return bool(changes) or any(operation.is_at(method, path) for operation in unsent)

        made = made_on(target.version, without=is_left_out if others or unsent else None)
        found.makes = str(made)  # nothing where there is no tape
        if found.makes and found.gaps and not made.is_part:
            found.makes = f"less than {found.makes}"
    else:
        wanted = [features()[name] for name in off - left_off] + wanted_by_probes(config, target.version, disruptive=False)
        then = config if others else with_these(config, (feature for feature in wanted if feature.setting not in fixed))
        guard = Guard(contract, target.version, is_throwaway=not others, lacks=lacking(then, about))
        found.outlook = Foresight(contract, guard, target.roles, then, licensed, nobodys).outlook()
        asked &= {prospect.operation for prospect in found.outlook.asked}
        promised = (clause for clause in contract.clauses.values() if clause.operation in asked)
        found.reached = sum(1 for clause in promised if clause.rule != _OF_WRONG_INPUT)
    return found


def _here(contract: Contract, target: Target) -> list[Operation]:
    """Return the operations that a server's version has."""
    return [operation for operation in contract.operations.values() if operation.exists_in(target.version)]


def _of_nobodys(target: Target, contract: Contract, client: Client, *, foresees: bool) -> Diagnosis:
    """Return what can be told of a server on which nobody has an account: what it lacks, a run switches on there.

    Raises:
        UnseenError: the server does not answer.
    """
    licence = client.send("GET", "/api/v4/license/client?format=old", persona="anonymous")
    client.close()
    licensed = licence.json_object.get("IsLicensed") == "true"
    left_off = (lost_to_a_licence() if licensed else frozenset()) | (frozenset() if is_on_this_machine(target) else {WEBRTC})
    here = _here(contract, target)
    absent = contract.operations.keys() - {operation.id for operation in here}
    reached = {operation.id for operation in here if left_off.isdisjoint(needed_by(operation))}
    return Diagnosis(
        target.name,
        _describe(target),
        licensed,
        0,
        None,
        *_callers(dict(missing(target.version, probes=foresees)), foresees=foresees),
        len(contract.clauses),
        None if foresees else _promised(contract, reached),
        [id_ for id_ in contract.operations if id_ in absent],
        [
            f"no account exists yet: run `{RUN} {target.base_url} --create-first-admin`, which makes the administrator first, "
            "with MM_ADMIN_LOGIN and MM_ADMIN_PASSWORD; before that nobody can see its settings"
        ],
        makes="" if foresees else str(made_on(target.version)),
    )


def _promised(contract: Contract, operations: Collection[str]) -> int:
    """Return how many promises can be judged where these operations can be asked."""
    return sum(1 for clause in contract.clauses.values() if clause.operation in operations or clause.rule == "since")


def _in_use(target: Target, client: Client, token: str) -> list[str]:
    """Return who has the server, or what an interrupted run from here left: its lease lasts some minutes longer than itself."""
    try:
        with only_run(target):
            left = journal.of_server(REPORTS, target.base_url)
    except MisuseError as error:
        return [str(error)]
    holders = [holder for holder in Lease(client, token, "doctor").holders() if holder.run not in journal.runs_of(left)]
    if holders:
        return [f"in use by {holders[0]}; what is switched on now may be that run's doing"]
    return [f"an earlier run from here was interrupted; first `mmconform cleanup {target.base_url}`"] if left else []


def _describe(target: Target) -> str:
    server = target.server
    stale = f", calls itself {server.calls_itself}" if server.calls_itself != server.name else ""
    build = f"build {server.build or 'unknown'} {server.commit[:10]}".rstrip()
    return f"Mattermost {server.name} ({server.edition} edition, {build}{stale}) at {target.base_url}"


def _advice(feature: str, fixed: frozenset[str]) -> str:
    """Return what to change for a feature; where the server's environment fixes its setting, no request can."""
    found = features()[feature]
    if found.how:
        return found.how
    rest = " in the server's environment, which fixes it" if found.setting in fixed else f", or add {DISRUPTIVE}"
    return f"{feature} are switched off; set {found.setting} to true{rest}"


def _callers(absent: dict[str, str], *, foresees: bool) -> tuple[list[str], dict[str, str]]:
    """Return who would ask, and who would not and why: of the callers of probes where these are foreseen."""
    made = MADE if foresees else OF_TESTS
    return [*PERSONAS, *(name for name in made if name not in absent)], absent


def _fixed(admin: Admin) -> frozenset[str]:
    """Return which of the settings that tests change the server's environment fixes (from 5.4 on it tells: api4/config.go)."""
    answer = admin.ask("GET", "/api/v4/config/environment")
    fixed = answer.json_object if answer.is_success else {}
    switches = [feature for feature in features().values() if feature.wanted is True and not feature.gateway]
    return frozenset(feature.setting for feature in switches if feature.key in (fixed.get(feature.section) or ()))


def _doubts(loaded: Loaded, contract: Contract, found: Diagnosis, version: Version) -> list[str]:
    """Return what to know of a document that was given, before anything is believed that is judged by it."""
    doubts = list(misfits(contract, version, is_official=loaded.is_official))
    unknown = sum(1 for prospect in found.outlook.prospects if prospect.reason == "unknown-identifier") if found.outlook else 0
    if loaded.is_official:
        doubts += untold(contract)
    elif unknown:
        doubts.append(
            f"of {unknown} operation{'s' * (unknown > 1)} nobody says what {'they are' if unknown > 1 else 'it is'} about: "
            "say so in an overlay (x-resource), or nobody judges it"
        )
    doubts += [
        f"{action.file}:{action.line}: {action.target} is nowhere in the document: the overlay does not fit it"
        for action in loaded.idle
    ]
    return doubts


FOUND_MEANS, ASKS_A_SERVER = "something stops a run, or keeps it from parts", True
EXAMPLE = "MM_ADMIN_TOKEN=… mmconform doctor http://127.0.0.1:8065 --spec mattermost-openapi-v4.yaml"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--allow-remote", action="store_true", help="the server may be on another machine")
    add_documents(parser)
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    loaded = load(options.spec, options.overlay)
    contract = build(loaded.document)
    target = live(options.url, allow_remote=options.allow_remote, patience=Patience.of_a_command(_MOST_SECONDS))
    try:
        found = examine(target, contract, foresees=bool(options.spec))
    except UnseenError as error:
        raise MisuseError(f"looking at {target.base_url} stopped: {error}") from None
    found.notes += _doubts(loaded, contract, found, target.version) if options.spec else []
    print(json.dumps(asdict(found), indent=2, ensure_ascii=False) if options.format == "json" else found.text())
    return FOUND if found.obstacles or found.gaps else FINE
