"""Redaction: equal stays equal, different stays different, nothing secret stays."""

import json

import pytest

from mmconform.wire.tape.redact import MARK, SECRET_COOKIES, SECRET_FIELDS, TAPED_RUN, Redactor, exposed

SECRETS = [
    "abcdefghijklmnopqrstuvwxy1",
    "zyxwvutsrqponmlkjihgfedcb2",
    "12345678",
    "x" * 400,
    "QUJDREVGR0hJSktMTU5P==",
    "YWJjZGVmZ2hpamts=",
]


@pytest.fixture
def redactor():
    return Redactor(replaying=False)


@pytest.fixture
def placeholder(redactor):
    def placeholder(value):
        redactor.learn(value)
        return redactor.text(value)

    return placeholder


def test_equal_secrets_stay_equal(placeholder):
    assert placeholder(SECRETS[0]) == placeholder(SECRETS[0])


def test_different_secrets_stay_different(placeholder):
    long = [value for value in SECRETS if len(value) > len(MARK)]
    assert len({placeholder(value) for value in long}) == len(long)


@pytest.mark.parametrize("value", SECRETS, ids=lambda value: value[:9])
def test_a_placeholder_has_the_shape_of_the_secret(placeholder, value):
    made = placeholder(value)
    assert made != value and made.startswith(MARK)
    assert len(made) == len(value) or len(value) < len(MARK) + 6, "a short one has no room for the mark and a difference"
    assert len(made) - len(made.rstrip("=")) == len(value) - len(value.rstrip("="))
    assert set(made.rstrip("=")) <= set("abcdefghijklmnopqrstuvwxyz0123456789")


def test_two_recordings_share_no_placeholder():
    one, two = Redactor(replaying=False), Redactor(replaying=False)
    one.learn(SECRETS[0])
    two.learn(SECRETS[0])
    assert one.text(SECRETS[0]) != two.text(SECRETS[0])


@pytest.mark.parametrize("value", SECRETS, ids=lambda value: value[:9])
def test_redacting_what_is_redacted_changes_nothing(redactor, placeholder, value):
    made = placeholder(value)
    redactor.learn(made)
    assert redactor.text(made) == made
    assert redactor.body(made.encode()) == made.encode()


def test_a_secret_is_found_wherever_it_stands(redactor):
    redactor.learn(SECRETS[0])
    text = f'{{"props": "a{SECRETS[0]}b", "url": "/x?y={SECRETS[0]}"}}'
    assert SECRETS[0] not in redactor.text(text)
    assert SECRETS[0].encode() not in redactor.body(text.encode() + b"\xff\x00")
    assert len(redactor.body(text.encode())) == len(text)


def test_a_credential_becomes_the_persona(redactor):
    redactor.learn_credential(SECRETS[0], "member")
    assert redactor.credential(f"Bearer {SECRETS[0]}") == "Bearer member"
    assert redactor.credential(f"Token {SECRETS[0]}") == "Token member"
    assert redactor.credential("Bearer " + SECRETS[1]) == "Bearer " + SECRETS[1], "unknown to it"
    assert SECRETS[0] not in redactor.text(f"MMAUTHTOKEN={SECRETS[0]}")


def test_the_run_id_becomes_a_fixed_word_and_is_no_secret(redactor):
    redactor.learn("k3j2h1", TAPED_RUN)
    assert redactor.text("mmc-k3j2h1-member") == f"mmc-{TAPED_RUN}-member"
    assert redactor.values == frozenset()


def test_short_words_are_no_secrets(redactor):
    """Else a token field that holds `a` would change every `a` on the tape."""
    redactor.learn("short")
    assert redactor.text("short") == "short"


@pytest.mark.parametrize("field", sorted(SECRET_FIELDS))
def test_a_secret_is_learnt_from_every_field_that_bears_one(redactor, field):
    redactor.learn_answer({}, json.dumps([{"deep": {field: SECRETS[0]}}]).encode())
    assert redactor.values == {SECRETS[0]}


@pytest.mark.parametrize("cookie", SECRET_COOKIES)
def test_a_secret_is_learnt_from_a_cookie(redactor, cookie):
    redactor.learn_answer({"Set-Cookie": [f"{cookie}={SECRETS[0]}; Path=/; HttpOnly"]}, b"")
    assert redactor.values == {SECRETS[0]}


def test_a_secret_is_learnt_from_the_token_header(redactor):
    redactor.learn_answer({"Token": [SECRETS[0]], "X-Other": [SECRETS[1]]}, b"no JSON, though it says token")
    assert redactor.values == {SECRETS[0]}


def test_on_replay_nothing_is_changed_and_placeholders_are_the_secrets():
    replaying = Redactor(replaying=True)
    replaying.learn_answer({}, b'{"token": "redactedabcdefghijklmnopqr"}')
    assert replaying.values == {"redactedabcdefghijklmnopqr"}
    assert replaying.text("redactedabcdefghijklmnopqr") == "redactedabcdefghijklmnopqr"


# -- looking for what was missed ---------------------------------------------------------------------------------------

SAFE = MARK + "abcdefghijklmnopqr"
PLACES = [
    ({"token": [SECRETS[0]]}, b"", "header token"),
    ({"set-cookie": [f"MMAUTHTOKEN={SECRETS[0]}; Path=/"]}, b"", "cookie in set-cookie"),
    ({"set-cookie": [f"MMCSRF={SECRETS[0]}"]}, b"", "cookie in set-cookie"),
    ({"authorization": [f"Bearer {SECRETS[0]}"]}, b"", "header authorization"),
    ({"cookie": [f"MMAUTHTOKEN={SECRETS[0]}"]}, b"", "header cookie"),
    ({}, json.dumps({"token": SECRETS[0]}).encode(), "field token"),
    ({}, json.dumps([{"props": {"access_token": SECRETS[0]}}]).encode(), "field props.access_token"),
]


@pytest.mark.parametrize(("headers", "body", "place"), PLACES, ids=range(len(PLACES)))
def test_a_secret_in_the_clear_is_found(headers, body, place):
    assert exposed(headers, body) == [place]


@pytest.mark.parametrize(("headers", "body", "place"), PLACES, ids=range(len(PLACES)))
def test_a_placeholder_is_no_secret(headers, body, place):
    def redacted(text):
        return text.replace(SECRETS[0], SAFE if "header a" not in place and "header c" not in place else "member")

    clean = {name: [redacted(value) for value in values] for name, values in headers.items()}
    assert exposed(clean, redacted(body.decode()).encode()) == []


@pytest.mark.parametrize("length", [8, 9, 10, 12])
def test_short_secrets_stay_different_too(placeholder, length):
    values = [str(10 ** (length - 1) + i) for i in range(20)]
    assert len({placeholder(value) for value in values}) == len(values)
