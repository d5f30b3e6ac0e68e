"""Used wrongly, the suite says in one line what is wrong and what to do, and ends with status 2."""

import json
import re
import subprocess
import sys

import pytest

from mmconform.campaign import play, work
from mmconform.commands import cli
from mmconform.commands import runs as the_runs
from mmconform.commands.cli import main
from mmconform.documents.merge import WHERE_OFFICIAL
from mmconform.errors import MisuseError
from mmconform.paths import ROOT
from mmconform.record import record
from mmconform.servers.target import credentials, resolve
from mmconform.version import Version
from mmconform.wire.tape import tape
from mmconform.world.behaviours import newest


def the_line(done):
    """The one line that a pytest run ended with."""
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert done.returncode == 2, said
    assert "Traceback" not in done.stdout + done.stderr
    assert len(said) == 1, said
    assert said[0].startswith("Exit: ")
    return said[0].removeprefix("Exit: ")


@pytest.fixture
def refusal(run_pytest):
    """Run the suite as a user with the given options and return the line with which it refuses."""

    def refusal(*options, **environment):
        return the_line(run_pytest(*options, **environment))

    return refusal


def told(given):
    """The line with which a target is refused, without a pytest run around it."""
    with pytest.raises(MisuseError) as caught:
        resolve(given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def unreachable(url):
    """The line that is said of a server which does not answer, with what to look at."""
    return f"{url} cannot be reached: no connection; is the server running, and is that its address (host, port, http or https)?"


def mattermost(login=(401, {"id": "api.user.login.invalid_credentials_email_username", "message": "no", "status_code": 401})):
    """As much of a Mattermost server as can be asked without credentials."""

    def answer(method, path, headers, body):
        status, data = 404, {"id": "api.context.404.app_error", "message": "Sorry", "status_code": 404}
        if path == "/api/v4/system/ping":
            status, data = 200, {"status": "OK"}
        elif path.startswith("/api/v4/config/client"):
            status, data = 200, {"Version": "5.36.0", "BuildNumber": "5.36.1", "BuildHash": "0" * 40}
        elif path == "/api/v4/users/login":
            status, data = login
        elif path == "/api/v4/users/me":
            status, data = 401, {"id": "api.context.session_expired.app_error", "message": "no", "status_code": 401}
        headers = [("Content-Type", "application/json"), ("X-Version-Id", "5.36.0.5.36.1.abc.false")]
        return status, headers, json.dumps(data).encode()

    return answer


# -- targets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["ftp://127.0.0.1/", "", "record:all", "-"])
def test_a_target_of_no_known_kind_is_refused(given):
    assert told(given) == f"unknown target `{given}`; give http://HOST:PORT, recorded:VERSION, recorded:all or reference"


def test_an_unknown_target_ends_the_run(refusal):
    assert refusal("--target=nonsense").startswith("unknown target `nonsense`; give http://HOST:PORT")


@pytest.mark.parametrize("given", ["recorded:3.0", "3.0", "v3.0"])
def test_a_version_without_a_tape_is_refused_with_those_there_are(given):
    line = told(given)
    assert line.startswith("no tape of version `") and "3.0" in line
    assert line.endswith(f"there are {', '.join(tape.every())}; and, of the whole API, {', '.join(tape.every_whole())}")


def test_a_version_without_a_tape_ends_the_run(refusal):
    assert refusal("--target=recorded:3.0").startswith("no tape of version `3.0`; there are ")


def test_a_server_that_cannot_be_reached_is_told(refusal, closed_port):
    assert refusal(f"--target={closed_port}") == unreachable(closed_port)


def test_a_server_that_breaks_off_is_told(serve):
    server = serve(lambda *_: None)
    assert told(server.url) == unreachable(server.url)


NO_MATTERMOST = {
    "HTML": (200, [("Content-Type", "text/html; charset=utf-8")], b"<html>\n<body>hello</body>"),
    "JSON of its own": (200, [("Content-Type", "application/json"), ("X-Version-Id", "")], b'{"hello": 1}'),
    "nothing": (404, [], b""),
}


@pytest.mark.parametrize("what", NO_MATTERMOST)
def test_a_server_that_is_no_mattermost_is_told(serve, what):
    server = serve(lambda *_: NO_MATTERMOST[what])
    assert told(server.url).startswith(f"{server.url} is not a Mattermost server: ")


def test_a_redirect_is_told_with_where_it_leads(serve):
    server = serve(lambda *_: (302, [("Location", "http://127.0.0.1:1/"), ("X-Version-Id", "")], b""))
    assert told(server.url).startswith(f"{server.url} redirects to http://127.0.0.1:1/; ")


def test_a_server_that_answers_html_ends_the_run(refusal, serve):
    server = serve(lambda *_: NO_MATTERMOST["HTML"])
    assert refusal(f"--target={server.url}").startswith(f"{server.url} is not a Mattermost server: ")


@pytest.mark.parametrize("url", ["http://192.0.2.1:8065", "https://mattermost.example.invalid"])
def test_a_server_elsewhere_is_not_even_asked_without_leave(url):
    assert "--allow-remote" in told(url)


def test_a_server_elsewhere_ends_the_run(refusal):
    assert "--allow-remote" in refusal("--target=http://192.0.2.1:8065")


# -- credentials -------------------------------------------------------------------------------------------------------


def test_without_credentials_it_says_which_to_set(refusal, serve):
    line = refusal(f"--target={serve(mattermost()).url}")
    assert "MM_ADMIN_TOKEN" in line and "MM_ADMIN_PASSWORD" in line


@pytest.mark.parametrize("half", ["MM_ADMIN_LOGIN", "MM_ADMIN_PASSWORD"])
def test_half_of_the_credentials_are_none(monkeypatch, half):
    for name in ("MM_ADMIN_TOKEN", "MM_ADMIN_LOGIN", "MM_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(half, "somebody")
    with pytest.raises(MisuseError, match="set MM_ADMIN_TOKEN, or MM_ADMIN_LOGIN and MM_ADMIN_PASSWORD"):
        credentials()


def test_a_wrong_password_is_told_and_not_shown(refusal, serve):
    line = refusal(f"--target={serve(mattermost()).url}", MM_ADMIN_LOGIN="admin", MM_ADMIN_PASSWORD="hush-hush")
    assert line.startswith("logging in as `admin` failed: the server answered 401 api.user.login.invalid_credentials")
    assert "hush-hush" not in line


def test_a_server_without_accounts_is_told_to_be_one(serve, refusal):
    plain = mattermost()

    def empty(method, path, headers, body):
        status, headers, content = plain(method, path, headers, body)
        data = json.loads(content)
        return status, headers, json.dumps({**data, "NoAccounts": "true"} if "Version" in data else data).encode()

    url = serve(empty).url
    line = refusal(f"--target={url}", MM_ADMIN_LOGIN="admin", MM_ADMIN_PASSWORD="hush-hush")
    assert line.startswith("logging in as `admin` failed")
    assert line.endswith(f"; the server has no accounts yet: `pytest --target {url} --create-first-admin` makes this one")


def test_a_wrong_token_is_told_and_not_shown(refusal, serve):
    beside = {"MM_ADMIN_LOGIN": "admin", "MM_ADMIN_PASSWORD": "unused"}  # the token comes first, and is what was refused
    line = refusal(f"--target={serve(mattermost()).url}", MM_ADMIN_TOKEN="hush-hush-hush-hush-hush-h", **beside)
    assert "the server does not accept MM_ADMIN_TOKEN (401)" in line and "hush" not in line


# -- documents and options ---------------------------------------------------------------------------------------------


def test_a_broken_document_is_told_with_its_line(refusal, write):
    path = write("broken.yaml", "openapi: [\n")
    assert re.match(rf"{re.escape(str(path))}:\d+: broken YAML", refusal(f"--spec={path}"))


def test_documents_that_are_not_ours_are_asked_of_no_tape(refusal):
    """Each of 506 operations was generated, for many minutes, and then no test ran."""
    line = refusal("--target=recorded:11.0.3", "--spec=specs/small.yaml")
    assert line.startswith(
        "a tape answers the requests that are made of our own documents; specs/small.yaml is asked of a server"
    )


@pytest.mark.parametrize("option", ["--spec", "--overlay"])
def test_a_document_after_a_blank_is_told_how_to_give_it(refusal, write, option):
    """pytest looks for its settings beside it, and finds none."""
    said = refusal("-p", "mmconform.plugin.hooks", option, write("a.yaml", "openapi: 3.1.0\n"))
    assert said == f"pytest takes what follows {option} for a test to collect; write {option}=FILE"


def test_a_missing_document_is_told(refusal, tmp_path):
    path = tmp_path / "no.yaml"
    assert refusal(f"--overlay={path}").startswith(f"{path}: ")


def test_a_tape_cannot_be_recorded_from_a_tape(refusal):
    assert refusal("--record-mode=rewrite") == "--record-mode=rewrite needs a live server: --target http://HOST:PORT"


def test_a_tape_is_never_recorded_in_part(refusal):
    assert refusal("--record-mode=once").startswith("--record-mode knows `rewrite`")


@pytest.mark.parametrize(
    ("slip", "meant"), [("--targt=x", "--target"), ("--dryrun", "--dry-run"), ("--operatoin=X", "--operation")]
)
def test_a_slip_in_the_name_of_an_option_is_told_with_the_one_that_was_meant(run_pytest, slip, meant):
    done = run_pytest(slip, "--collect-only")
    told = done.stdout + done.stderr
    assert told.split() == f"ERROR: there is no option {slip.partition('=')[0]}; did you mean {meant}?".split()
    assert done.returncode == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("arguments", [["--format", "markdown"], ["--save=x"], ["--output=x"], ["--version-of=11"]], ids=str)
def test_an_option_of_a_command_is_told_to_be_that_and_no_slip(run_pytest, capsys, arguments):
    """Of those that have it: whoever calls one of these is understood."""
    name = arguments[0].partition("=")[0]
    done = run_pytest(*arguments, "--collect-only")
    told = re.sub(r"\s+", " ", done.stdout + done.stderr).strip()
    heard = re.fullmatch(rf"ERROR: {name} is no option of pytest; it is one of mmconform ([a-z, ]+)", told)
    assert heard and done.returncode == pytest.ExitCode.USAGE_ERROR, told
    having = []
    for command in cli.COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        having += [command] if re.search(rf"^  {name}\b", capsys.readouterr().out, re.MULTILINE) else []
    assert having == re.split(", | and ", heard[1])


@pytest.mark.parametrize(
    ("arguments", "owner"), [(["report", "--save", "x", "5.36.1"], "compare"), (["merge", "--port=1"], "serve")]
)
def test_an_option_of_another_command_is_told_to_be_that(capsys, arguments, owner):
    with pytest.raises(SystemExit):
        main(arguments)
    option = arguments[1].partition("=")[0]
    assert capsys.readouterr().err.endswith(f"; {option} is an option of mmconform {owner}\n")


def test_an_option_like_none_of_ours_is_pytests_to_refuse(run_pytest):
    done = run_pytest("--nonsense", "--collect-only")
    assert "unrecognized arguments: --nonsense" in done.stderr and done.returncode == pytest.ExitCode.USAGE_ERROR


def test_a_slip_in_the_name_of_a_rule_is_told_with_the_one_that_was_meant(refusal):
    said = refusal("--rule=permision")
    assert said.startswith("--rule permision: there is no such kind of promises; did you mean permission? there are status, ")


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("--target=recorded:11.0.3",)], ids=str)
def test_a_selection_of_nothing_is_told(run_pytest, options):
    done = run_pytest("-q", "-k", "nosuchthing", *options)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "nothing to ask: no test is selected (-k nosuchthing)\n" in done.stdout


def test_where_no_suite_is_it_is_told_where_the_suites_are(as_user, tmp_path):
    done = as_user("pytest", "-q", "-k", "nosuchthing", f"--target=recorded:{tape.newest()}", cwd=tmp_path)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    where = f"{tmp_path}: none of the suites is there; call pytest in {ROOT}"
    assert f"nothing to ask: no test is selected (-k nosuchthing {where})\n" in done.stdout


def test_a_folder_for_records_that_cannot_be_made_is_named_and_nobody_is_told_to_make_room(refusal, tmp_path):
    (tmp_path / "file").touch()
    said = refusal(f"--reports={tmp_path / 'file' / 'x'}")
    assert said == (
        f"{tmp_path / 'file' / 'x' / tape.newest()} cannot be written: Not a directory; "
        "a file stands where a folder is to be; have it written elsewhere"
    )


@pytest.mark.parametrize("number", ["0", "-1"])
@pytest.mark.parametrize("target", ["recorded", "reference"])
def test_no_examples_at_all_are_refused(refusal, number, target):
    assert refusal("--target", target, f"--max-examples={number}") == f"--max-examples={number}: at least one"


@pytest.mark.parametrize("option", ["--max-examples=3", "--hypothesis-seed=3"])
def test_what_changes_the_requests_is_refused_on_a_tape(refusal, option):
    assert option.split("=")[0] in refusal(option)


def test_a_seed_that_is_no_number_is_told(refusal):
    assert refusal("--target=reference", "--hypothesis-seed=abc") == "--hypothesis-seed=abc: expected a whole number"


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def complaint(capsys):
    """Call the command and return the line with which it refuses."""

    def complaint(*arguments):
        assert main([str(argument) for argument in arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and len(printed.err.splitlines()) == 1
        return printed.err.removeprefix("mmconform: ").strip()

    return complaint


@pytest.mark.parametrize("command", ["merge", "contract"])
def test_the_command_refuses_a_missing_document(complaint, tmp_path, command):
    said = complaint(command, "--spec", tmp_path / "no.yaml")
    assert said == f"{tmp_path / 'no.yaml'}: no such file or folder; {WHERE_OFFICIAL}"


def test_the_command_refuses_an_unknown_operation_with_those_there_are(complaint, contract):
    assert (
        complaint("contract", "--operation", "Nothing") == f"no operation `Nothing`; there are {', '.join(contract.operations)}"
    )


@pytest.mark.parametrize("name", ["RegenComandToken", "regencommandtoken"])
def test_a_slip_in_the_name_of_an_operation_is_told_with_what_was_meant(complaint, name):
    told = complaint("contract", "--operation", name)
    assert told.startswith(f"no operation `{name}`; did you mean RegenCommandToken? there are ")


def test_the_command_refuses_to_write_other_sources_over_ours(complaint, write, root):
    before = (root / "specs" / "mattermost.yaml").read_bytes()
    line = complaint("merge", "--write", "--spec", root / "specs" / "source")
    assert line.startswith("--write is for our own sources")
    assert (root / "specs" / "mattermost.yaml").read_bytes() == before


def test_cleanup_refuses_a_server_elsewhere(complaint):
    assert "--allow-remote" in complaint("cleanup", "http://192.0.2.1:8065")


@pytest.mark.parametrize("arguments", [["cleanup"], ["doctor"], ["campaign"], ["compare", "5.36.1"]], ids=" ".join)
def test_each_command_tells_that_a_server_cannot_be_reached_and_what_to_look_at(complaint, closed_port, arguments):
    assert complaint(*arguments, closed_port) == unreachable(closed_port)


def test_cleanup_has_nothing_to_do_where_nothing_was_changed(capsys, serve):
    server = serve(mattermost())
    assert main(["cleanup", server.url]) == 0
    assert capsys.readouterr().out.startswith(f"nothing to undo on {server.url}")


WRONG = [[], ["nothing"], ["merge", "--unknown"], ["contract", "--rule", "taste"], ["cleanup"]]


@pytest.mark.parametrize("arguments", WRONG, ids=str)
def test_wrong_arguments_end_with_status_2_and_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    printed = capsys.readouterr()
    assert left.value.code == 2 and printed.out == "" and printed.err.startswith("usage: mmconform")


@pytest.mark.parametrize(
    ("arguments", "usage", "meant"),
    [
        (["compare", "5.36.1", "11.0.3", "--fromat", "json"], "compare", "--format"),
        (["cleanup", "--evrything", "http://x"], "cleanup", "--everything"),
        (["campaign", "recorded:all", "--opration=X", "suites/permissions"], "campaign", "--operation"),
        (["comapre", "5.36.1", "11.0.3"], "[-h]", "compare"),
        (["--vresion"], "[-h]", "--version"),
        (["report", "--format", "jnit"], "report", "junit"),
        (["contract", "--rule", "permision"], "contract", "permission"),
    ],
    ids=str,
)
def test_a_slip_is_told_with_what_was_meant_and_the_usage_of_its_command(capsys, arguments, usage, meant):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr().err
    assert left.value.code == 2 and said.startswith(f"usage: mmconform {usage} ") and said.endswith(f"; did you mean {meant}?\n")


def test_a_strange_word_like_none_of_ours_has_no_question(capsys):
    with pytest.raises(SystemExit):
        main(["merge", "--xyzzy"])
    assert capsys.readouterr().err.endswith("mmconform merge: error: unrecognized arguments: --xyzzy\n")


def test_the_command_as_a_program_ends_with_its_status(as_user):
    done = as_user("mmconform", "contract", "--operation", "Nothing")
    assert (done.returncode, done.stdout) == (2, "") and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["merge", "contract", "cleanup"])
def test_the_help_of_each_command_has_an_example(capsys, command):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert re.search(rf"example:\n  .*mmconform {command}", capsys.readouterr().out)


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999", "http://127.0.0.1:abc", "http://"])
def test_an_address_that_is_none_is_refused(url):
    assert told(url).startswith(f"`{url}` is no server address")


@pytest.mark.parametrize("option", ["--help", "--markers", "--fixtures"])
def test_asking_for_help_asks_nothing_of_the_server(serve, run_pytest, option):
    """Least of all does it change its settings."""
    server = serve(mattermost())
    done = run_pytest("--target", server.url, option, MM_ADMIN_TOKEN="a" * 26)
    assert done.returncode == 0
    assert server.requests == []


def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(serve, refusal):
    secret = "s3cr3ts3cr3ts3cr3ts3cr3tab"
    said = refusal("--target", serve(mattermost()).url, MM_ADMIN_TOKEN=f"{secret[:13]} {secret[13:]}")
    assert "MM_ADMIN_TOKEN" in said
    assert secret[:13] not in said and secret[13:] not in said


def test_a_record_that_is_not_there_is_told(complaint, tmp_path):
    assert complaint("report", tmp_path / "x") == f"no record `{tmp_path / 'x'}`: there is no such file or folder"


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_folder_that_is_not_there_is_no_target(complaint, command):
    """It was advised to run pytest on it."""
    told = complaint(command, "reports/none", *(["reports/none"] if command == "compare" else []))
    assert told.startswith(
        ("no record `reports/none`: there is no such file or folder", "reports/none: there is no record of a run")
    )


@pytest.mark.parametrize("command", ["report", "compare"])
def test_where_only_the_record_from_before_is_there_it_is_named(complaint, tmp_path, command):
    (tmp_path / record.PREVIOUS).write_text("{}")
    told = complaint(command, *[tmp_path] * (1 + (command == "compare")))
    assert told == (
        f"no record `{tmp_path}`: the last run came to no end, or goes on; that of the run before is {tmp_path / record.PREVIOUS}"
    )


@pytest.mark.parametrize("arguments", [["report"], ["report", "--notebook"], ["merge"]], ids=" ".join)
def test_a_file_in_a_folder_that_is_not_there_is_refused_and_no_folder_made(complaint, tmp_path, arguments):
    """A slip made folders wherever it pointed to."""
    to = tmp_path / "nonexistent" / "x" / "page.html"
    assert complaint(*arguments, "--output", to) == f"--output {to}: there is no folder {to.parent}; make it, or name another"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("option", ["--format=junit", "--format=html", "--spec=x.yaml", "--overlay=x.yaml"])
def test_what_notebooks_do_not_take_is_refused_and_not_passed_over(complaint, option):
    said = complaint("report", "--notebook", option)
    assert said.startswith("--notebook makes pages ") and said.endswith(f"; leave out {option.partition('=')[0]}")


def test_a_closed_output_is_misuse(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["contract"]) == 2
    assert capsys.readouterr().err == "mmconform: the output is closed\n"


def test_a_version_that_is_none_is_told(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["deviations", "--version-of", "banana"])
    assert capsys.readouterr().err.endswith("argument --version-of: `banana` is no version; expected something like 5.36.1\n")


@pytest.mark.parametrize("format", [(), ("--format", "json")])
def test_a_version_that_no_data_tell_of_is_told_by_the_newest_rules_and_so_it_is_said(capsys, format):
    """As where a server of such a version is judged."""
    assert main(["deviations", "--version-of", "99", *format]) == 0
    of_later = capsys.readouterr()
    said = f"our data tell of versions to {newest()}; 99.0.0 is on no tape, and told by the newest rules\n"
    assert of_later.err == said
    assert main(["deviations", "--version-of", str(newest()), *format]) == 0
    assert capsys.readouterr() == (of_later.out, "")


@pytest.mark.parametrize(("version", "near"), [("10.9", ""), ("11.0.0", " (11.0.3 is)")])
@pytest.mark.parametrize("format", [(), ("--format", "json")])
def test_a_version_that_is_on_no_tape_is_told_by_what_entries_say_and_so_it_is_said(capsys, version, near, format):
    """No other version stands for one that was named whole."""
    assert main(["deviations", "--version-of", version, *format]) == 0
    said = f"{Version.parse(version)} is on no tape{near}: it is told by the versions that entries name\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("format", [(), ("--format", "json")])
def test_of_a_version_that_is_on_a_tape_nothing_is_said(capsys, format):
    for name in tape.every():
        assert main(["deviations", "--version-of", name.partition("-")[0], *format]) == 0
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("parts", "stands_for_it"), [("11.0", "11.0.3"), ("v11.0", "11.0.3"), ("11.6", "11.6.0-dev")])
@pytest.mark.parametrize("format", [(), ("--format", "json")])
def test_the_first_parts_of_a_version_mean_the_newest_recorded_that_has_them_as_in_a_target(capsys, parts, stands_for_it, format):
    assert main(["deviations", "--version-of", stands_for_it, *format]) == 0
    whole = capsys.readouterr()
    assert main(["deviations", "--version-of", parts, *format]) == 0
    assert capsys.readouterr() == (whole.out, f"{parts} is taken as {stands_for_it}, the newest that is recorded\n")
    assert not whole.err


@pytest.mark.parametrize("text", ["# A title\n\nwords", "# A title\n", '{"a": 1}\n', "\x00\n\n"])
@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_file_that_is_no_record_is_told_to_be_none(complaint, tmp_path, text, command):
    (tmp_path / "x.md").write_text(text)
    told = complaint(command, *[tmp_path / "x.md"] * (1 + (command == "compare")))
    assert told.startswith(
        f"{tmp_path / 'x.md'}:1: is not the header of a record: either the file is none (runs write reports/…/"
    )


def test_a_broken_record_is_told_before_anything_is_run(complaint, tmp_path, monkeypatch):
    monkeypatch.setattr(the_runs, "play", lambda *_: pytest.fail("the suites were run"))
    (tmp_path / record.NAME).write_text("hello\n")
    assert complaint("compare", "recorded:11.0.3", tmp_path).startswith(
        f"{tmp_path / record.NAME}:1: is not the header of a record"
    )


def test_where_one_run_comes_to_nothing_the_other_is_ended_and_tidies_up(capsys, monkeypatch, tmp_path):
    """It would go on alone, on somebody's server. Nobody waits for it first."""
    up, tidied = tmp_path / "up", tmp_path / "tidied"
    going_on = f"""\
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.default_int_handler)
pathlib.Path({str(up)!r}).touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path({str(tidied)!r}).touch()
"""
    refused = f"""\
import pathlib, time
while not pathlib.Path({str(up)!r}).exists():
    time.sleep(0.01)
print("Exit: refused")
raise SystemExit(2)
"""
    codes = {"recorded:5.36.1": going_on, "recorded:11.0.3": refused}
    monkeypatch.setattr(work, "command", lambda job, _: [sys.executable, "-c", codes[job.name]])
    monkeypatch.setattr(play, "REPORTS", tmp_path)
    assert main(["compare", "5.36.1", "11.0.3"]) == 2
    assert capsys.readouterr().err.endswith("mmconform: the run on recorded:11.0.3 came to nothing: refused\n")
    assert tidied.exists()


@pytest.mark.parametrize("is_judged_again", [False, True])
def test_who_has_a_server_judged_again_is_told_where_the_record_of_before_is(
    capsys, monkeypatch, tmp_path, serve, is_judged_again
):
    monkeypatch.setattr(the_runs, "REPORTS", tmp_path)
    monkeypatch.setattr(the_runs, "play", lambda *_: iter(()))
    (target,) = resolve(serve(mattermost()).url)
    if is_judged_again:
        (tmp_path / target.slug).mkdir()
        (tmp_path / target.slug / record.NAME).touch()
    with pytest.raises(MisuseError):  # nothing was run
        the_runs.records_of([target.base_url])
    said = capsys.readouterr().err
    assert f"running the suites on {target.name}" in said
    assert (record.PREVIOUS in said) == is_judged_again


def test_an_interrupted_command_is_one_line(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(the_runs, "play", interrupted)
    assert main(["compare", "5.36.1", "11.0.3"]) == 130
    assert capsys.readouterr().err.endswith("mmconform: interrupted\n")


def test_who_reads_no_further_gets_neither_a_traceback_nor_a_verdict():
    """The status is that of any command which a closed pipe ends."""
    command = [sys.executable, "-m", "mmconform", "contract"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as run:
        run.stdout.close()
        assert (run.wait(60), run.stderr.read()) == (141, b"")
