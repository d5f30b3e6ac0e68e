"""The generator: the same requests every time, whoever answers them, or the tapes could not be played."""

import hashlib
import json
from pathlib import Path

import pytest

from mmconform.documents.document import Document
from mmconform.documents.load import load
from mmconform.driving.generate import SEED, Generator, describe
from mmconform.judging.schemas import mismatches

#: In one process: its requests are drawn once for all of these tests.
pytestmark = pytest.mark.xdist_group("generator")

OPERATIONS = [operation["operationId"] for _, _, operation in load().document.operations()]
EXAMPLES = 10

#: Prints the digest of every operation's cases; what comes before must not matter.
PRINT = f"""
import json, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_generator import digests
from mmconform.documents.load import load
print(json.dumps(digests(load().document, int(sys.argv[1]))))
"""


def digest(cases):
    return hashlib.sha256(
        "\n".join(part for case in cases for part in describe(case)).encode("utf-8", "surrogatepass")
    ).hexdigest()


def digests(document, seed=SEED, names=OPERATIONS):
    return digests_of(Generator(document, seed, EXAMPLES), names)


def digests_of(generator, names=OPERATIONS):
    return {name: digest(generator.cases(name)) for name in names}


@pytest.fixture(scope="module")
def generator(document):
    return Generator(document, SEED, EXAMPLES)


@pytest.fixture(scope="module")
def here(generator):
    """The digests in this process, with all its modules and settings."""
    return digests_of(generator)


@pytest.fixture
def elsewhere(as_user, write):
    """The digests in a process of its own."""

    def elsewhere(*, seed=SEED, before="", cwd, **environment):
        script = write("print_digests.py", before + PRINT)
        done = as_user(script, seed, cwd=cwd, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return elsewhere


def test_the_same_document_and_seed_give_the_same_requests(here, document):
    assert digests(document) == here


def test_another_process_in_another_folder_beside_new_words_gives_the_same_requests(here, elsewhere, write, tmp_path):
    """Hypothesis mixes the literals of local modules into what it draws; for tapes that is switched off."""
    literals = "\n".join(f"A{i} = 'word-{i:026d}'; B{i} = {1000 + i}; C{i} = b'{i}'" for i in range(500))
    write("words_of_ours.py", literals)
    assert elsewhere(cwd=tmp_path, before="import words_of_ours\n", PYTHONHASHSEED=1) == here


def test_another_seed_gives_other_requests(here, document):
    others = digests(document, SEED + 1, ["GetUserAccessToken", "CreateJob"])
    assert [operation for operation in others if here[operation] == others[operation]] == []


def test_notes_and_prose_do_not_change_the_requests(here, document):
    data = json.loads(json.dumps(document.data))
    for _, _, operation in Document(data).operations():
        operation |= {"description": "Another one.", "summary": "Other", "x-needs": "more", "x-new": 1}
    assert digests(Document(data)) == here


def test_a_change_of_one_operation_leaves_the_others_requests_as_they_were(here, document):
    data = json.loads(json.dumps(document.data))
    schema = data["paths"]["/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema["properties"]["type"] = {"type": "integer"}
    changed = digests(Document(data))
    assert {operation for operation in here if here[operation] != changed[operation]} == {"CreateJob"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_gets_valid_cases(generator, operation):
    assert any(case.valid for case in generator.cases(operation))


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o != "GetWebrtcToken"])
def test_every_operation_with_input_gets_invalid_cases(generator, operation):
    assert any(not case.valid for case in generator.cases(operation))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_there_are_enough_cases_for_the_personas_to_meet(generator, operation):
    if operation == "GetWebrtcToken":
        assert len(generator.cases(operation)) >= 1, "it has nothing to vary"
    else:
        assert len({digest([case]) for case in generator.cases(operation)}) >= EXAMPLES


@pytest.mark.parametrize(
    "operation",
    [
        *("CreateUserAccessToken", "SearchUserAccessTokens", "RevokeUserAccessToken"),
        *("DisableUserAccessToken", "EnableUserAccessToken", "CreateJob"),
    ],
)
def test_every_valid_case_has_a_body_that_follows_the_schema_where_the_document_wants_one(generator, contract, operation):
    schema = contract.operations[operation].body.schema
    bodies = [case.body for case in generator.cases(operation) if case.valid]
    assert bodies and [body for body in bodies if mismatches(contract, schema, body)] == []


@pytest.mark.parametrize(
    ("operation", "name", "schema"),
    [
        ("GetUserAccessToken", "token_id", {"pattern": "^[a-z0-9]{26}$"}),
        ("RegenCommandToken", "command_id", {"pattern": "^[a-z0-9]{26}$"}),
        ("GetUserAccessTokensForUser", "user_id", {"pattern": "^(me|[a-z0-9]{26})$"}),
    ],
)
def test_every_valid_case_has_an_id_of_the_right_shape(generator, contract, operation, name, schema):
    ids = [case.path_parameters[name] for case in generator.cases(operation) if case.valid]
    assert ids and [id_ for id_ in ids if mismatches(contract, {"type": "string", **schema}, id_)] == []


def test_a_request_takes_the_ids_that_are_put_in(generator):
    case = next(case for case in generator.cases("GetUserAccessToken") if case.valid)
    request = case.request({"token_id": "abc"}, case.body)
    assert (request["method"], request["url"]) == ("GET", "/users/tokens/abc")
    assert "authorization" not in {name.lower() for name in request.get("headers") or {}}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_described_case_holds_no_address(generator, operation):
    assert not [part for case in generator.cases(operation) for part in describe(case) if " at 0x" in part]
