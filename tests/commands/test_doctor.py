"""What a run would reach on a server, told without changing anything there."""

import json
import re

import pytest

from mmconform.commands import cli, doctor
from mmconform.commands.doctor import examine
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.paths import SPECS
from mmconform.servers.live import locks
from mmconform.servers.live.journal import Journal
from mmconform.servers.made import made_on
from mmconform.servers.target import live
from mmconform.version import Version
from mmconform.wire.origin import Origin
from mmconform.world.features import COMMANDS, TOKENS
from mmconform.world.obstacles import standing

ADMIN = {"id": "admin", "username": "admin", "email": "a@example.org", "roles": "system_user system_admin", "delete_at": 0}
ZOE = {"id": "zoe", "username": "zoe", "email": "z@example.org", "roles": "system_user", "delete_at": 0}
ON = {"EnableCommands": True, "EnableUserAccessTokens": True}


@pytest.fixture
def server(serve, monkeypatch):
    """Start a server of a version with these settings and users; every request but a GET breaks off."""
    monkeypatch.setenv("MM_ADMIN_TOKEN", "t" * 26)

    def start(version="4.8.0", service=None, users=(), licensed=False, more=None, **sections):
        config = {"ServiceSettings": {**ON, **(service or {})}, **sections}
        about = {"Version": version, "BuildNumber": version, "BuildHash": "abc", "IsLicensed": str(licensed).lower()}
        answers = {
            "/api/v4/system/ping": {},
            "/api/v4/config": config,
            "/api/v4/config/client": about,
            "/api/v4/users/me": ADMIN,
            "/api/v4/users": [ADMIN, *users],
            **(more or {}),
        }

        def answer(method, path, headers, body):
            data = answers.get(path.partition("?")[0])
            more = [("Content-Type", "application/json"), ("X-Version-Id", f"{version}.x.y.false")]
            if data is None:  # nobody has a lease
                return 404, more, b'{"id": "no.such.app_error", "message": "", "detailed_error": "", "status_code": 404}'
            return (200, more, json.dumps(data).encode()) if method == "GET" else None

        return serve(answer)

    return start


@pytest.fixture
def diagnose(server, contract):
    return lambda **about: examine(live(server(**about).url), contract)


def test_nothing_stands_in_the_way_of_a_run_on_a_fresh_server(diagnose, contract):
    found = diagnose()
    assert (found.obstacles, found.gaps, found.people, found.licensed) == ([], [], 0, False)
    assert found.reached == found.clauses == len(contract.clauses)
    assert "Nothing stands in the way" in found.text() and "Mattermost 4.8.0" in found.text()


def test_promises_about_what_the_version_does_not_have_are_not_reached(diagnose, contract):
    found = diagnose(version="4.0.0")
    assert set(found.not_in_version) == set(contract.operations) - {"RegenCommandToken", "GetWebrtcToken"}
    since = sum(1 for clause in contract.clauses.values() if clause.rule == "since" and clause.operation in found.not_in_version)
    here = sum(1 for clause in contract.clauses.values() if clause.operation not in found.not_in_version)
    assert found.reached == here + since


def test_what_is_switched_off_on_an_empty_server_a_run_switches_on(diagnose):
    found = diagnose(service={"EnableUserAccessTokens": False})
    assert TOKENS in found.switched_off and found.gaps == [] and found.reached == found.clauses


def test_where_people_are_what_is_switched_off_is_left_out(diagnose):
    found = diagnose(service={"EnableCommands": False}, users=[ZOE])
    assert found.people == 1 and COMMANDS in found.switched_off and found.reached < found.clauses
    assert any(gap.startswith("RegenCommandToken: slash commands") and "EnableCommands" in gap for gap in found.gaps)
    assert any("--disruptive" in gap for gap in found.gaps)


def test_with_a_licence_no_job_is_made(diagnose):
    found = diagnose(licensed=True)
    assert found.licensed and any(gap.startswith("CreateJob") for gap in found.gaps) and found.reached < found.clauses


def test_what_is_left_out_is_told_in_the_last_line(diagnose):
    found = diagnose(service={"EnableUserAccessTokens": False}, users=[ZOE])
    assert found.text().endswith("\n  A run can begin, and leaves parts out (exit status 1).")


def accounts(found):
    return int(re.match(r"some (\d+) account", found.makes)[1])


def test_where_people_are_it_is_told_what_those_tests_make_that_can_be_run_there(diagnose):
    """It said “less than some 225 accounts” of a server where 32 were made, while tokens were switched off there."""
    everything, changing_nothing = diagnose(version="10.8.1"), diagnose(version="10.8.1", users=[ZOE])
    without_tokens = diagnose(version="10.8.1", service={"EnableUserAccessTokens": False}, users=[ZOE])
    assert accounts(everything) > accounts(changing_nothing) > accounts(without_tokens)
    assert 32 <= accounts(without_tokens) < 2 * 32 and "that ask nothing of what is left out here" in without_tokens.makes


def test_where_there_is_no_tape_it_is_not_told_what_a_run_makes(diagnose, monkeypatch):
    """As in a package, which said "less than"."""
    monkeypatch.setattr("mmconform.servers.made.tape.every", list)
    found = diagnose(service={"EnableUserAccessTokens": False}, users=[ZOE])
    assert found.gaps and found.makes == "" and "  makes" not in found.text()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_every_line_of_it_fits_the_terminal(diagnose, monkeypatch, width):
    monkeypatch.setattr(doctor, "terminal_width", lambda: width)
    lines = diagnose(service={"EnableCommands": False}, users=[ZOE]).text().split("\n")
    assert max(map(len, lines)) <= width and any(line.startswith("  left out  ") for line in lines)


def test_what_a_run_makes_is_told_in_advance(diagnose):
    """As the tape of that version tells; of a document that was given, the outlook tells."""
    found = diagnose()
    told = " ".join(found.text().split())
    assert found.makes == str(made_on(Version(4, 8))) and f"makes {found.makes}" in told


DOORS = [
    {"EmailSettings": {"EnableSignInWithUsername": False}},
    {"EmailSettings": {"RequireEmailVerification": True}},
    {"TeamSettings": {"RestrictCreationToDomains": "example.org"}},
    {"TeamSettings": {"RestrictCreationToDomains": "@example.org, notconformance.invalid"}},
    {"TeamSettings": {"MaxUsersPerTeam": 10}},
    {"PasswordSettings": {"MinimumLength": 65}},
    {"ExperimentalSettings": {"ClientSideCertEnable": True}},
    {"ServiceSettings": {"SessionLengthWebInHours": 0, "SessionLengthWebInDays": 30}},
    {"ServiceSettings": {"SessionLengthWebInDays": 0}},
    {"ServiceSettings": {"SessionIdleTimeoutInMinutes": 5, "ExtendSessionLengthWithActivity": False}},
    {"ServiceSettings": {"EnableOnlyAdminIntegrations": False}},
    {"ServiceSettings": {"ExperimentalEnableHardenedMode": True}},
    {"ServiceSettings": {"MaximumPayloadSizeBytes": 1000}},
    {"ServiceSettings": {"MaximumURLLength": 200}},
]


@pytest.mark.parametrize("sections", DOORS, ids=str)
def test_what_would_keep_our_people_out_stops_a_run(diagnose, sections):
    (section, ((key, _), *_)) = next((name, tuple(values.items())) for name, values in sections.items())
    service = sections.get("ServiceSettings")
    others = {name: values for name, values in sections.items() if name != "ServiceSettings"}
    (obstacle,) = diagnose(service=service, **others).obstacles
    assert obstacle.startswith(f"{section}.{key} is")


NO_DOORS = [
    {"TeamSettings": {"RestrictCreationToDomains": "example.org @conformance.invalid", "EnableUserCreation": False}},
    {"PasswordSettings": {"MinimumLength": 64, "Lowercase": True, "Uppercase": True, "Number": True, "Symbol": True}},
    {"EmailSettings": {"EnableSignInWithEmail": False}, "TeamSettings": {"MaxUsersPerTeam": 50, "EnableOpenServer": False}},
    {"ServiceSettings": {"SessionIdleTimeoutInMinutes": 5, "ExtendSessionLengthWithActivity": True}},
    {"ServiceSettings": {"SessionIdleTimeoutInMinutes": 0, "ExtendSessionLengthWithActivity": False}},
    {"ServiceSettings": {"SessionLengthWebInHours": 5, "SessionLengthWebInDays": 0}},
    {"ServiceSettings": {"EnforceMultifactorAuthentication": True, "EnableMultifactorAuthentication": True}},
    {"ServiceSettings": {"MaximumPayloadSizeBytes": 100000}},
    {"ServiceSettings": {"MaximumURLLength": "long"}, "SupportSettings": {"CustomTermsOfServiceEnabled": True}},
]


@pytest.mark.parametrize("sections", NO_DOORS, ids=str)
def test_what_keeps_nobody_out_stops_nothing(diagnose, sections):
    """As their source says: a second factor is not asked for without a licence, and terms of service only by clients.

    100,000 bytes are what 9.5 takes by default.
    """
    service = sections.get("ServiceSettings")
    assert diagnose(service=service, **{k: v for k, v in sections.items() if k != "ServiceSettings"}).obstacles == []


@pytest.mark.parametrize("features", [{"MFA": "true"}, {"MFA": "false"}])
def test_a_second_factor_is_asked_for_where_the_licence_has_it(diagnose, features):
    service = {"EnforceMultifactorAuthentication": True, "EnableMultifactorAuthentication": True}
    found = diagnose(service=service, licensed=True, more={"/api/v4/license/client": features})
    assert [o.partition(" ")[0] for o in found.obstacles] == (
        ["ServiceSettings.EnforceMultifactorAuthentication"] if features["MFA"] == "true" else []
    )


@pytest.mark.parametrize(("active", "stops"), [(130, False), (131, True), (250, True)])
def test_a_server_that_is_full_stops_a_run(diagnose, active, stops):
    limits = {"maxUsersLimit": 200, "maxUsersHardLimit": 250, "activeUserCount": active}
    assert bool(diagnose(more={"/api/v4/limits/server": limits}).obstacles) == stops


def test_members_manage_no_commands_by_setting_once_roles_tell_what_they_hold(contract):
    config = {"ServiceSettings": {"EnableOnlyAdminIntegrations": False}}
    assert standing(config, Version(4, 8, 9), {}) and not standing(config, Version(4, 9), {})


def test_what_the_environment_fixes_is_left_out(diagnose):
    """The server says which settings are fixed; where one is off, no run can switch it on."""
    fixed = {"ServiceSettings": {"EnableUserAccessTokens": True, "EnableOAuthServiceProvider": True, "SiteURL": True}}
    found = diagnose(service={"EnableUserAccessTokens": False}, more={"/api/v4/config/environment": fixed})
    assert found.reached < found.clauses
    (told,) = [gap for gap in found.gaps if "personal access tokens" in gap]
    assert "environment" in told and "--disruptive" not in told
    assert any("ServiceSettings.EnableOAuthServiceProvider, which the server's environment fixes" in gap for gap in found.gaps)


def test_the_server_is_only_read(server, contract):
    running = server()
    examine(live(running.url), contract)
    assert {method for method, *_ in running.requests} == {"GET"}


def test_the_command_says_all_of_it(server, capsys):
    assert cli.main(["doctor", server().url]) == 0
    assert cli.main(["doctor", server(users=[ZOE]).url, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))["people"] == 1


def test_without_credentials_one_line_says_which(server, monkeypatch, capsys):
    url = server().url
    monkeypatch.delenv("MM_ADMIN_TOKEN")
    assert cli.main(["doctor", url]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def nobodys(serve):
    """Start a server of a version on which nobody has an account; who asks for more than everybody may is refused."""

    def start(version="9.11.2", licensed=False):
        about = {"Version": version, "BuildNumber": version, "BuildHash": "abc", "NoAccounts": "true"}
        answers = {
            "/api/v4/system/ping": {},
            "/api/v4/config/client": about,
            "/api/v4/license/client": {"IsLicensed": str(licensed).lower()},
        }

        def answer(method, path, headers, body):
            more = [("Content-Type", "application/json"), ("X-Version-Id", f"{version}.x.y.false")]
            if method == "GET" and (data := answers.get(path.partition("?")[0])) is not None:
                return 200, more, json.dumps(data).encode()
            return 401, more, b'{"id": "api.context.session_expired.app_error", "message": "", "status_code": 401}'

        return serve(answer)

    return start


@pytest.mark.parametrize("given", [{}, {"MM_ADMIN_TOKEN": "t" * 26}, {"MM_ADMIN_LOGIN": "boss", "MM_ADMIN_PASSWORD": "secret"}])
def test_where_no_account_exists_it_says_what_to_run_and_what_can_be_seen_without_one(
    nobodys, contract, monkeypatch, capsys, given
):
    """It asked for credentials of an account that there cannot be, and told that a login had failed."""
    for name in ("MM_ADMIN_TOKEN", "MM_ADMIN_LOGIN", "MM_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    running = nobodys()
    assert cli.main(["doctor", running.url]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert f"STOPS A RUN no account exists yet: run `pytest --target {running.url} --create-first-admin`, which makes" in told
    assert "Mattermost 9.11.2" in told and "people nobody" in told and "switched off nobody can see that yet" in told
    here = [clause for clause in contract.clauses.values() if clause.operation != "GetWebrtcToken" or clause.rule == "since"]
    assert f"a run would reach {len(here)} of {len(contract.clauses)} not in this version: GetWebrtcToken" in told
    assert {method for method, *_ in running.requests} == {"GET"}


def test_of_a_document_on_a_server_without_an_account_nothing_is_told_in_advance(nobodys, capsys):
    """Which of it can be asked depends on settings and roles, which only an administrator sees."""
    url = nobodys().url
    assert cli.main(["doctor", url, "--spec", str(SPECS / "small.yaml"), "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["reached"], told["switched_off"], told["outlook"], told["makes"]) == (None, None, None, "")
    cli.main(["doctor", url, "--spec", str(SPECS / "small.yaml")])
    assert "how many of them probes would reach can be told when there is an account" in " ".join(capsys.readouterr().out.split())


def test_a_licence_is_seen_without_an_account(nobodys, contract):
    found = examine(live(nobodys(licensed=True).url), contract)
    assert found.licensed and found.reached == examine(live(nobodys().url), contract).reached - len(
        [*contract.of("CreateJob")]
    ) + len([*contract.of("CreateJob", "since")])


def test_what_strips_the_version_is_noted(diagnose, monkeypatch):
    monkeypatch.setattr("mmconform.wire.origin.VERSION_ID", "x-nobody-has-this")
    found = diagnose()
    assert found.notes == [Origin("").remark] and found.notes[0] in " ".join(found.text().split())


def told_by(cli_arguments, capsys):
    assert cli.main(["doctor", *map(str, cli_arguments)]) == 0
    return capsys.readouterr().out


def test_of_a_document_it_is_told_what_probes_would_ask_and_nothing_is_made(server, capsys):
    running = server()
    told = told_by([running.url, "--spec", SPECS / "small.yaml"], capsys)
    assert "only the run tells" in told and "would reach" not in told
    assert "probes        ask " in told and "accounts      " in told and "by tag" in told and len(told.splitlines()) < 50
    assert {method for method, *_ in running.requests} == {"GET"}


@pytest.mark.parametrize("has_people", [False, True])
def test_what_a_run_switches_on_itself_gates_nothing(server, capsys, write, has_people):
    """Tokens and links to files are switched on on an empty server; connections to others' OAuth nowhere."""
    document = write("gated.yaml", GATED)
    off = {"EnableUserAccessTokens": False, "EnableOutgoingOAuthConnections": False}
    running = server(service=off, users=[ZOE] * has_people, FileSettings={"EnablePublicLink": False})
    cli.main(["doctor", running.url, "--spec", str(document), "--format", "json"])
    prospects = json.loads(capsys.readouterr().out)["outlook"]["prospects"]
    needs = {one["operation"]: one["needs"] for one in prospects if one["needs"]}
    assert "ListConnections" in needs and needs.keys() == {"ListConnections", *(["MakeToken", "GetLink"] * has_people)}


GATED = """\
openapi: 3.0.0
info: {title: x, version: '1'}
servers: [{url: /api/v4}]
paths:
  "/users/{user_id}/tokens":
    post:
      operationId: MakeToken
      parameters: [{name: user_id, in: path, required: true, x-resource: user, schema: {type: string}}]
      x-body: {}
      x-harmless: x
      responses: {"201": {description: x}}
  "/users/{user_id}/tokens/all":
    get:
      operationId: ListTokens
      parameters: [{name: user_id, in: path, required: true, x-resource: user, schema: {type: string}}]
      responses: {"200": {description: x}}
  "/files/{file_id}/link":
    get:
      operationId: GetLink
      parameters: [{name: file_id, in: path, required: true, x-resource: file, schema: {type: string}}]
      responses: {"200": {description: x}}
  /oauth/outgoing_connections:
    get: {operationId: ListConnections, responses: {"200": {description: x}}}
"""


def test_for_machines_each_operation_has_its_reason(server, capsys):
    told = json.loads(told_by([server().url, "--spec", SPECS / "small.yaml", "--format", "json"], capsys))
    prospects = {one["operation"]: one for one in told["outlook"]["prospects"]}
    assert prospects["GetTeam"]["reason"] == "" and prospects["GetTeam"]["requests"] > 0
    asked = {id_ for id_, one in prospects.items() if not one["reason"]}
    clauses = build(load([SPECS / "small.yaml"]).document).clauses.values()
    assert told["reached"] == sum(clause.operation in asked and clause.rule != "input" for clause in clauses) > 0
    assert told["outlook"]["accounts"] > sum(one["accounts"] for one in prospects.values()) == 0  # whoever is consumed is renewed


NOBODY_KNOWS = """\
openapi: 3.0.0
info: {title: x, version: '1'}
paths:
  "/widgets/{widget_id}":
    get:
      operationId: GetWidget
      description: "__Minimum server version__: 12.1"
      parameters: [{name: widget_id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: x}}
  "/gadgets/{gadget_id}":
    get:
      operationId: GetGadget
      parameters: [{name: gadget_id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: x}}
"""
FITS_NOTHING = """\
overlay: 1.0.0
info: {title: x, version: '1'}
actions:
- {target: "$.paths['/nowhere']", description: x, x-evidence: x, update: {x-harmless: x}}
"""


def test_an_overlay_that_fits_nothing_and_a_document_of_another_version_are_noted(server, capsys, write):
    named = ["--spec", write("other.yaml", NOBODY_KNOWS), "--overlay", write("nowhere.yaml", FITS_NOTHING)]
    told = " ".join(told_by([server().url, *named], capsys).split())
    assert "nowhere.yaml:4: $.paths['/nowhere'] is nowhere in the document" in told
    assert "ahead of the server" in told and "of 1 operation nobody says what it is about" in told


# -- an interrupted run --------------------------------------------------------------------------------------------------


def leased(run):
    """The preference by which a run has a server, for a long time yet."""
    value = {"run": run, "machine": "here", "since": 1.0, "until": 1e11}
    return {"/api/v4/users/admin/preferences/mmconform/name/lease": {"value": json.dumps(value)}}


@pytest.mark.parametrize(
    ("written", "has_it", "said"),
    [
        ("aaaaaa", "aaaaaa", "interrupted; first `mmconform cleanup"),
        ("aaaaaa", "bbbbbb", "in use by run bbbbbb"),
        ("aaaaaa", "", "interrupted; first `mmconform cleanup"),
        ("", "bbbbbb", "in use by run bbbbbb"),
    ],
)
def test_after_a_run_that_was_killed_here_cleanup_is_named_though_its_lease_goes_on(
    server, contract, tmp_path, monkeypatch, written, has_it, said
):
    for module in (doctor, locks):
        monkeypatch.setattr(module, "REPORTS", tmp_path)
    url = server(more=leased(has_it) if has_it else {}).url
    if written:
        Journal(tmp_path / "here" / "journal-server.jsonl", url).note(what="lease", run=written, user="admin")
    (obstacle,) = examine(live(url), contract).obstacles
    assert said in obstacle


def test_while_a_run_goes_on_here_the_doctor_says_so(server, contract, tmp_path, monkeypatch):
    for module in (doctor, locks):
        monkeypatch.setattr(module, "REPORTS", tmp_path)
    target = live(server(more=leased("aaaaaa")).url)
    Journal(tmp_path / "here" / "journal-server.jsonl", target.base_url).note(what="lease", run="aaaaaa", user="admin")
    with locks.only_run(target):
        (obstacle,) = examine(target, contract).obstacles
    assert "in progress" in obstacle and "cleanup" not in obstacle


def test_a_run_that_selects_no_test_changes_nothing(server, run_pytest):
    asked = server()
    done = run_pytest("--target", asked.url, "-k", "nothing_of_this", MM_ADMIN_TOKEN="t" * 26)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED and "nothing to ask" in done.stdout
    assert {method for method, *_ in asked.requests} == {"GET"}
