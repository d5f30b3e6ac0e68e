"""Redaction: equal stays equal, different stays different, nothing secret stays."""

import base64
import json
from urllib.parse import unquote

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
    redactor.learn_run("k3j2h1")
    assert redactor.text("mmc-k3j2h1-member") == f"mmc-{TAPED_RUN}-member"
    assert redactor.text("MMC-K3J2H1") == f"MMC-{TAPED_RUN.upper()}"
    assert redactor.values == frozenset()


@pytest.mark.parametrize("name", ["/teams/name/mmc-k3j2h1-t342", "a%20mmc-k3j2h1", r'{"name": "\u006dmc-k3j2h1"}', "MMC-K3J2H1"])
def test_people_read_the_names_that_are_on_the_server_and_no_secret_beside_them(redactor, name):
    """A line that was to repeat a failure named what stands on tapes: nobody has that."""
    redactor.learn_run("k3j2h1")
    redactor.learn(SECRETS[0])
    told = f"{name} {SECRETS[0]}"
    for text in (
        redactor.hide(told),
        redactor.text(told, keeps_names=True),
        redactor.body(told.encode(), keeps_names=True).decode(),
    ):
        assert text.startswith(f"{name} {MARK}") and SECRETS[0] not in text
    assert "k3j2h1" not in redactor.text(told).lower() and "k3j2h1" not in redactor.body(told.encode()).decode().lower()


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


# -- where secrets stand -----------------------------------------------------------------------------------------------

ONE, TWO = "abcdefghijklmnopqrstuvwxy1", "zyxwvutsrqponmlkjihgfedcb2"


@pytest.mark.parametrize(
    "header",
    [
        f"MMAUTHTOKEN={ONE}; Path=/; HttpOnly; Partitioned",
        f"MMAUTHTOKEN={ONE}; Priority=High; Whatever",
        f"mmauthtoken = {ONE};",
        f'MMAUTHTOKEN="{ONE}"; Path=/',
        f"a=b; Expires=Thu, 01 Jan 2026 00:00:00 GMT, MMAUTHTOKEN={ONE}; SameSite=None, MMUSERID=x",
        f"other[1]=\x01; ;=;,MMAUTHTOKEN={ONE}",
        f"MMAUTHTOKEN={ONE.replace('a', '%61')}",
    ],
)
@pytest.mark.parametrize("name", ["Set-Cookie", "set-cookie", "SET-COOKIE"])
def test_a_cookie_is_found_whatever_stands_around_it(redactor, header, name):
    redactor.learn_answer({name: [header]}, b"")
    assert ONE in redactor.values
    assert exposed({name: [header]}, b"") != []


def test_several_cookies_in_one_header(redactor):
    redactor.learn_answer(
        {"Set-Cookie": [f"MMAUTHTOKEN={ONE}; Partitioned, MMCSRF={TWO}; Path=/, XMMCSRF=harmless-harmless"]}, b""
    )
    assert redactor.values == {ONE, TWO}


@pytest.mark.parametrize(
    "body",
    [
        f'{{"Token": "{ONE}"}}',
        f'{{"to\\u006ben": "\\u0061{ONE[1:]}"}}',
        f'{{"token": ["{ONE}"]}}',
        f'{{"redirect": "http://x/#access_token={ONE}&state=x"}}',
        f'{{"redirect": "http://x/?a=b&code={ONE}"}}',
    ],
)
def test_a_secret_is_certain_where_it_is_called_one(redactor, body):
    redactor.learn_answer({}, body.encode())
    assert redactor.values == {ONE}


def test_a_secret_is_learnt_from_where_an_answer_sends_one(redactor):
    redactor.learn_answer({"LOCATION": [f"https://x/y#access_token={ONE}"]}, b"")
    assert redactor.values == {ONE}


LIKELY = [
    f"access_token={ONE}&token_type=bearer",
    f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{ONE}\r\n--b--',
    f"the token: {ONE}, is wrong",
    f'{{"token": "{ONE}", "cut sho',
    json.dumps({"props": json.dumps({"deep": json.dumps({"token": ONE})})}),
]


@pytest.mark.parametrize("body", LIKELY)
def test_what_is_likely_a_secret_is_redacted_and_held_against_nobody(redactor, body):
    redactor.learn_answer({}, body.encode())
    assert ONE not in redactor.text(body) and ONE.encode() not in redactor.body(body.encode())
    assert redactor.values == frozenset()


@pytest.mark.parametrize("body", ["The password: authentication is required", "token: Bearer", "token=short&x=y", '{"token": 5}'])
def test_words_about_secrets_are_none(redactor, body):
    redactor.learn_answer({}, body.encode())
    assert redactor.text(body) == body


DISGUISES = {
    "an address": "/a?b=" + ONE.replace("a", "%61"),
    "JSON": '{"a": "x \\u0061' + ONE[1:] + '", "b": "\\"\\\\"}',
    "a path": f"/reset/{ONE}/x",
    "a fragment": f"http://x/#{ONE}",
    "base64": "Basic " + base64.b64encode(f"me:{ONE}".encode()).decode(),
    "base64 for an address": "x-" + base64.urlsafe_b64encode(f"??>>{ONE}".encode()).decode().rstrip("="),
    "an error": f"session {ONE} has expired",
}


@pytest.mark.parametrize("text", DISGUISES.values(), ids=DISGUISES)
def test_a_known_secret_is_found_in_disguise(redactor, text):
    redactor.learn(ONE)
    for clean in (redactor.text(text), redactor.body(text.encode()).decode(), redactor.hide(text)):
        assert clean != text
        assert ONE not in unquote(clean) and base64.b64encode(ONE.encode()).decode()[4:24] not in clean
        assert redactor.text(clean) == clean
    assert json.loads(redactor.text(DISGUISES["JSON"]))["b"] == '"\\'


@pytest.mark.parametrize("text", ['{"a": "\\u0062\\n", "b": "%41%20"}', "a%41b %zz", "QUJD" * 20, '"\\" unended', "\udcff%41"])
def test_what_holds_no_secret_stays_byte_for_byte(redactor, text):
    redactor.learn(ONE)
    assert redactor.text(text) == text
    assert redactor.body(text.encode("utf-8", "surrogateescape")) == text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "text",
    [
        f"'Bearer {ONE[:12]}...",
        f"...{ONE[-9:]}'",
        f"b'x{ONE[:10]}'\n  b'{ONE[10:]}'",
        f"E  '{ONE[:10]}'\nE   '{ONE[10:]}'",
        f"b'{ONE}{ONE[:9]}...{ONE[5:]}{ONE}'",
    ],
)
def test_what_people_see_holds_no_part_of_a_secret(redactor, text):
    """A long text is cut, or broken into lines, where it is shown."""
    redactor.learn(ONE)
    shown = redactor.hide(text)
    assert not [i for i in range(22) if ONE[i : i + 5] in shown]


@pytest.mark.parametrize(
    "text",
    [
        "MMCSRF=" * 200_000,
        "MMAUTHTOKEN " + " " * 900_000,
        'name="token"' * 80_000,
        "token" * 200_000,
        "%" * 200_000,
        '\\"' * 200_000,
    ],
    ids=range(6),
)
def test_a_message_of_any_shape_takes_its_length(redactor, text):
    """Else this would take hours."""
    redactor.learn(ONE)
    redactor.learn_answer({"Set-Cookie": [text]}, text.encode())
    redactor.text(text)
    redactor.hide(text)


# -- many secrets ------------------------------------------------------------------------------------------------------


def test_of_two_secrets_at_one_place_the_longer_is_replaced():
    redactor = Redactor(replaying=False)
    redactor.learn("secret-1234", "SHORT")
    redactor.learn("secret-1234-and-more", "LONG")
    assert redactor.text("a secret-1234-and-more, a secret-1234 and secret-1234-and") == "a LONG, a SHORT and SHORT-and"


def test_secrets_beside_each_other_and_at_both_ends_are_replaced():
    redactor = Redactor(replaying=False)
    redactor.learn("abcdefgh", "1")
    redactor.learn("bcdefghi", "2")
    assert redactor.text("abcdefghabcdefgh") == "11"
    assert redactor.text("abcdefghi bcdefghi") == "1i 2"
    assert redactor.text("abcdefg") == "abcdefg" and redactor.text("") == ""


def test_an_empty_secret_is_none():
    redactor = Redactor(replaying=False)
    redactor.learn("", "operator@conformance.invalid")
    assert redactor.text("anything") == "anything"


class CountedText(str):
    """A text that counts how often it is searched."""

    searches = 0

    def __contains__(self, part):
        CountedText.searches += 1
        return super().__contains__(part)

    def replace(self, *given):
        CountedText.searches += 1
        return CountedText(super().replace(*given))


def test_a_text_is_not_searched_once_for_each_of_thousands_of_secrets():
    redactor = Redactor(replaying=False)
    for number in range(5000):
        redactor.learn(f"token-{number:020}")
    CountedText.searches = 0
    text = redactor.text(CountedText(f"one is token-{4321:020}."))
    assert "4321" not in text and CountedText.searches < 50


def test_which_secrets_an_answer_tells_are_the_certain_ones_that_stand_in_it():
    redactor = Redactor(replaying=True)
    for value in ("redacted-one", "redacted-two", "redacted-oneself", "reason-why"):
        redactor.learn(value)
    redactor.learn_run("the-run")
    redactor.learn_answer({}, b"password=an0ther-likely-secret")
    assert redactor.values == {"redacted-one", "redacted-two", "redacted-oneself", "reason-why"}
    told = "the-run an0ther-likely-secret: redacted-twö, redacted-oneself, reason".encode()
    assert redactor.values_in(told) == {"redacted-one", "redacted-oneself"}
    assert redactor.values_in(b"\xff reason-why \xff") == {"reason-why"}
