"""The line that repeats an exchange: one curl with the exchange's own words, whatever a stranger's record says."""

import json
import subprocess
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mmconform.contract.build import build
from mmconform.contract.clause import Body, Parameter, Sample
from mmconform.documents.load import load
from mmconform.errors import plain
from mmconform.judging.repeat import SERVER, attempt, circumstances, curl, headers_of, variable
from mmconform.record.rows import Evidence
from mmconform.world.people import MADE

#: What a shell, curl or a reader of a log would like to take for its own.
NASTY = [
    *(
        "$(touch x)",
        "`touch x`",
        "';touch x;'",
        '";touch x;"',
        "\\",
        "\\'",
        "$IFS",
        "${PATH}",
        "!!",
        "#",
        "&& touch x",
        "| touch x",
    ),
    *("\n touch x\n", "\r", "\0", "\x1b[2J", "-o", "--output", "@/etc/passwd", "~", "*", "[1-9]", "{a,b}", "<member>", "<$(id)>"),
    *("::error::x", "##[error]x", "é'“”‘’", "\u202e", "\u2028touch x", "/../..", "%27", "=", " "),
]
text = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=6)), max_size=4).map("".join)
headers = st.one_of(st.none(), st.dictionaries(st.one_of(text, st.sampled_from(["Cookie", "X-A", "@x"])), text, max_size=3))


@pytest.fixture(scope="module")
def sent_by(tmp_path_factory):
    """What a shell gives to curl for a line: its arguments; nothing else is run, and nothing is said."""
    folder = tmp_path_factory.mktemp("bin")
    fake = folder / "curl"
    fake.write_text("#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done\nprintf 'end\\0'\n")
    fake.chmod(0o755)
    variables = {"SERVER": "http://server", "MEMBER": "the-session", "TOKEN": "a-token", "PATH": str(folder)}

    def sent_by(line):
        done = subprocess.run(["/bin/sh", "-c", line], env=variables, cwd=folder, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), line
        assert {path.name for path in folder.iterdir()} == {"curl"}, line
        *words, end, nothing = done.stdout.decode().split("\0")
        assert (end, nothing) == ("end", ""), line
        return words

    return sent_by


@pytest.fixture(scope="module")
def operations():
    return build(load().document).operations


@pytest.mark.parametrize(
    ("name", "more", "body"),
    [
        ("CreateJob", {}, {"type": "data_retention"}),  # the document's example
        ("RevokeUserAccessToken", {}, {"token_id": "{token_id}"}),  # of which it has none, and says what is required
        ("CreateJob", {"sample": Sample(body=["{user}"], query={"a": "b c"})}, ["{user}"]),  # what an overlay says is served
        ("GetUserAccessTokens", {}, None),
    ],
)
def test_who_has_no_exchange_is_told_a_request_as_the_document_has_it(name, more, body, operations, sent_by):
    """A line without a body and without its type was refused for these, whatever the promise."""
    operation = replace(operations[name], **more)
    if more:
        operation = replace(operation, parameters=tuple(Parameter(each, "query", True, {}) for each in "ac"))
    words = sent_by(attempt(operation, "/api/v4"))
    url = f"http://server/api/v4{operation.path}{'?a=b+c&c={c}' if more else ''}"
    assert words[:1] == ["-i"] and words[words.index("-X") :][:3] == ["-X", operation.method, url]
    sent = ["-H", "Content-Type: application/json", "--data-raw"]
    assert words[words.index(url) + 1 :] == ([] if body is None else [*sent, json.dumps(body)])


@pytest.mark.parametrize(
    "body",
    [
        {"media": "multipart/form-data", "example": {"a": "b"}},
        {"schema": {"type": "object"}},
        {"schema": {"required": ["many"], "properties": {"many": {"type": "array"}}}},
    ],
)
def test_of_a_body_about_which_a_document_says_too_little_no_line_is_told(body, operations):
    needed = Body(**{"required": True, "schema": {}, "resources": {}, **body})
    operation = replace(operations["CreateJob"], body=needed)
    assert attempt(operation, "/api/v4") == ""
    assert "--data" not in attempt(replace(operation, body=replace(needed, required=False)), "/api/v4")


@given(text, text, text, text, text, headers)
@example("GET", "@elsewhere/x", "", "member", "http://a", None)
@example("GET", "/a", "", "<\0", "http://a", None)
@example("POST", "/a", "{}", "member", "http://a$(touch x)", {"@/etc/passwd": "x", "Cookie": "A=<member>; B=<$(touch x)>"})
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_line_is_one_curl_with_the_words_of_the_exchange(sent_by, method, url, body, persona, host, sent):
    evidence = Evidence(method=method, url=url, body=body, media=url, headers=sent)
    for where, server in ((SERVER, "http://server"), (f"http://{host}", plain(f"http://{host}"))):
        words = sent_by(curl(evidence, persona, where))
        assert words[0] == "-i"
        place = words.index("-X")
        assert set(words[1:place]) <= {"--globoff", "--path-as-is"}
        assert words[place + 1] == plain(method)
        address = words[place + 2]
        assert address == server + (plain(url) if url.startswith("/") else f"/{plain(url)}"), "it stays on its host"
        rest = words[place + 3 :]
        if body:
            assert rest[-2:] == ["--data-raw", plain(body)]
            rest = rest[:-2]
        assert rest[::2] == ["-H"] * (len(rest) // 2)
        assert not [header for header in rest[1::2] if header.startswith("@")], "no header is read from a file"


@pytest.mark.parametrize("name", ["PATH", "aws_secret_access_key", "$(id)", "member; id", "", "HOME"])
def test_a_record_chooses_no_variable_of_the_environment(name):
    assert variable(name) == "TOKEN"


@pytest.mark.parametrize(
    ("whose", "name"),
    [
        ("member", "MEMBER"),
        ("token_user k3j2h1-u1", "TOKEN_USER"),
        ("token_user's token 3", "TOKEN_USER_TOKEN"),
        ("system_admin's OAuth session 2", "SYSTEM_ADMIN_OAUTH"),
    ],
)
def test_a_credential_is_named_after_whose_it_is_and_of_what_kind(whose, name):
    assert variable(whose) == name


def test_credentials_stand_in_the_headers_in_which_they_were_sent(sent_by):
    headers = {"Cookie": "MMAUTHTOKEN=<member>; b=c", "X-Requested-With": "XMLHttpRequest"}
    evidence = Evidence(method="GET", url="/a", headers=headers)
    words = sent_by(curl(evidence, "member"))
    assert words[-4:] == ["-H", "Cookie: MMAUTHTOKEN=the-session; b=c", "-H", "X-Requested-With: XMLHttpRequest"]


def test_a_plain_line_looks_plain():
    line = curl(Evidence(method="POST", url="/api/v4/jobs", body="{}"), "member")
    asked = 'curl -i -X POST "$SERVER"/api/v4/jobs -H "Authorization: Bearer $MEMBER"'
    assert line == f"{asked} -H 'Content-Type: application/json' --data-raw '{{}}'"


@pytest.mark.parametrize(
    ("persona", "credential", "headers", "named"),
    [
        ("slash_manager", "member k3j2u1", {"Authorization": "Bearer <member k3j2u1>"}, "Bearer $SLASH_MANAGER"),
        ("bot_editor", "token_user's token 3", {"Authorization": "Bearer <token_user's token 3>"}, "Bearer $BOT_EDITOR_TOKEN"),
        ("editor", "", {"Cookie": "MMAUTHTOKEN=<token_user>"}, "MMAUTHTOKEN=$EDITOR"),
        ("$(id)", "member", {"Authorization": "Bearer <member>"}, "Bearer $MEMBER"),
        ("editor", "$(id)", {"Authorization": "Bearer <$(id)>"}, "Bearer $TOKEN"),
    ],
)
def test_a_credential_is_named_after_who_asked_not_after_who_they_were_before_a_test_gave_them_more(
    persona, credential, headers, named
):
    """A plain member is refused anyway, as documented: the line would confirm a finding for the wrong reason."""
    evidence = Evidence(method="GET", url="/a", credential=credential, headers=headers)
    assert f'{named}"' in curl(evidence, persona)


def test_a_credential_beside_the_callers_own_keeps_its_name():
    sent = {"Authorization": "Bearer <member u1>", "Cookie": "MMAUTHTOKEN=<team_admin>"}
    evidence = Evidence(method="GET", url="/a", credential="member u1", headers=sent)
    asked = {"Authorization": "Bearer <slash_manager u1>", "Cookie": "MMAUTHTOKEN=<team_admin>"}
    assert dict(headers_of(evidence, "slash_manager")) == asked


def test_what_has_to_be_so_is_who_asked_where_the_name_does_not_tell_and_what_was_set_otherwise():
    so = Evidence(settings=("the role a has b too", "C.D is true"))
    while_ = "while the role a has b too; C.D is true"
    assert circumstances(so, "slash_manager") == f"slash_manager is {MADE['slash_manager']}, {while_}"
    assert (circumstances(so, "member"), circumstances(Evidence(), "member")) == (while_, "")
