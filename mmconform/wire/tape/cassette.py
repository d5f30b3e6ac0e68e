"""One cassette, in vcrpy's format: vcrpy records it, and a player of ours answers from it.

On replay there is one client to answer, so nothing is patched and no connection imitated, which took half of a
run. Stock matching compares a request with every stored one (up to 155 ms each on a long cassette). Here a request finds
its answers by key: method, path, query, body and the whole credential set. Answers to the same key come in the order
in which they were recorded, and the last one stays. What is played was cleaned when it was recorded, and is not cleaned again.
"""

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import yaml
from vcr import VCR
from vcr.cassette import Cassette, CassetteContextDecorator
from vcr.patch import PATCHER_NAMES
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.request import Request
from vcr.serialize import deserialize, serialize

from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.wire.origin import Answer
from mmconform.wire.tape.redact import SECRET_COOKIES, Redactor

#: The address that stands on tape for the server's own.
TAPE_URL = "http://recorded.invalid"

#: A request with this header passes by the tape.
NOT_TAPED = {"X-Conformance": "not-on-tape"}

#: The kind of a body stands on tape where it is not JSON.
_KEPT_REQUEST_HEADERS = ("authorization", "cookie", "x-requested-with", "x-csrf-token", "content-type")
_KEPT_ANSWER_HEADERS = frozenset(
    (
        *("content-type", "content-encoding", "token", "set-cookie"),
        *("location", "www-authenticate", "retry-after", "allow"),
    )
)
_CREDENTIALS = _KEPT_REQUEST_HEADERS[:4]

_ONE_LINE = 10**9
#: So many times the same byte stand on tape as that byte and a number.
_RUN = re.compile(rb"(.)\1{9999,}", re.DOTALL)
#: Other HTTP libraries than ours: vcrpy would look for those that are not installed once more for every cassette.
_NOT_OURS = tuple(name for name in PATCHER_NAMES if name != "urllib3")
_CORRUPT = "is corrupt or cut short; restore it from git or record the tape anew"
_TEXT = "tag:yaml.org,2002:str"
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError)

Key = tuple[str, str, bytes, tuple[tuple[str, str], ...]]


class NotOnTape(Exception):  # noqa: N818  (what happens on replay, and no mistake)
    """The cassette has no answer to this request."""


class Player:
    """Answers requests from one cassette, by key and in order, without a connection.

    Args:
        path: Of the cassette; one that is not there has no answers.
        base_url: The server's address, as clients know it.

    Raises:
        MisuseError: it is no cassette.
    """

    def __init__(self, path: Path, redactor: Redactor, base_url: str) -> None:
        self._redactor, self._base_url = redactor, base_url.rstrip("/")
        self._answers: dict[Key, list[Answer]] = defaultdict(list)
        self._turns: Counter[Key] = Counter()
        try:
            interactions = CompactYaml.deserialize(path.read_text(encoding="utf-8"))["interactions"] if path.is_file() else []
            for interaction in interactions:
                self._answers[_taped_key(**interaction["request"])].append(_answer(interaction["response"]))
        except _UNREADABLE:
            raise MisuseError(f"{path}: {_CORRUPT}") from None

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None) -> Answer:
        """Return the next answer to a request, or the last one again.

        Raises:
            NotOnTape: it has none.
        """
        address = _address(self._redactor, self._base_url, url.partition("#")[0])  # no fragment is ever sent
        content = body.encode() if isinstance(body, str) else body
        key = _key(method, address, _body(self._redactor, content), _headers(self._redactor, headers))
        if key not in self._answers:
            raise NotOnTape
        answers, turn = self._answers[key], self._turns[key]
        self._turns[key] += 1
        return answers[min(turn, len(answers) - 1)]


def _key(method: str, uri: str, body: bytes | None, headers: Mapping[str, str]) -> Key:
    return method, uri, body or b"", tuple(sorted((k, v) for k, v in headers.items() if k in _CREDENTIALS))


def _taped_key(method: str, uri: str, body: str | bytes | None, headers: Mapping[str, list[str]]) -> Key:
    content = body.encode() if isinstance(body, str) else body
    return _key(method, uri, content, {name: values[0] for name, values in headers.items()})


def _answer(response: dict[str, Any]) -> Answer:
    body = response["body"]["string"]
    content = body.encode() if isinstance(body, str) else bytes(body)
    headers = {name.lower(): ", ".join(values) for name, values in response["headers"].items()}
    return Answer(response["status"]["code"], headers, content)


class _Recorder(Cassette):  # type: ignore[misc]
    """A cassette that takes down every exchange, also what it holds already."""

    def can_play_response_for(self, request: Any) -> bool:
        return False


class _Loader(yaml.CSafeLoader):
    """Makes everything in one step: PyYAML takes two, for what refers to itself, and with them as long as for the reading."""

    def construct_document(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {self.construct_document(key): self.construct_document(value) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self.construct_document(child) for child in node.value]
        return node.value if node.tag == _TEXT else self.yaml_constructors[node.tag](self, node)


class CompactYaml:
    """vcrpy's YAML with one line for a request and one for its answer: a third less to store, and to read in a diff."""

    @staticmethod
    def deserialize(text: str) -> Any:
        return _Loader(text).get_single_data()

    @staticmethod
    def serialize(cassette_dict: Any) -> str:
        def line(data: Any) -> str:
            text = yaml.dump(data, Dumper=yaml.CSafeDumper, default_flow_style=True, width=_ONE_LINE, allow_unicode=True)
            return str(text).rstrip("\n")

        rows = [f"- request: {line(i['request'])}\n  response: {line(i['response'])}" for i in cassette_dict["interactions"]]
        return "\n".join(["interactions:", *rows, f"version: {cassette_dict['version']}", ""])


class AtomicPersister:
    """Reads and writes cassette files; a file is there whole or not at all."""

    @staticmethod
    def load_cassette(cassette_path: str, serializer: Any) -> Any:
        path = Path(cassette_path)
        if not path.is_file():
            raise CassetteNotFoundError
        try:
            return deserialize(path.read_text(encoding="utf-8"), serializer)
        except _UNREADABLE:
            raise MisuseError(f"{path}: {_CORRUPT}") from None

    @staticmethod
    def save_cassette(cassette_path: str, cassette_dict: Any, serializer: Any) -> None:
        write_whole(Path(cassette_path), serialize(cassette_dict, serializer), private=True)


def configure(vcr: VCR, redactor: Redactor, base_url: str, path: Path) -> None:
    """Make a VCR, ours or pytest-recording's, record to this cassette whatever it is asked for, redacted."""
    vcr.register_persister(AtomicPersister)
    vcr.register_serializer("yaml", CompactYaml)
    vcr.before_record_request = functools.partial(_cleaned_request, redactor, base_url.rstrip("/"))
    vcr.before_record_response = functools.partial(_cleaned_answer, redactor, base_url.rstrip("/"))
    vcr.decode_compressed_response = True
    vcr.skip_patchers = _NOT_OURS

    def use_cassette(*_: Any, **__: Any) -> AbstractContextManager[Any]:
        settings = functools.partial(vcr.get_merged_config, path=str(path), path_transformer=None)
        return CassetteContextDecorator(_Recorder, settings)  # type: ignore[no-any-return]

    vcr.use_cassette = use_cassette


def recording_to(path: Path, redactor: Redactor, base_url: str) -> AbstractContextManager[Any]:
    """Return a context in which HTTP is recorded to one cassette file."""
    vcr = VCR(record_mode="new_episodes")
    configure(vcr, redactor, base_url, path)
    return vcr.use_cassette()  # type: ignore[no-any-return]


def _cleaned_request(redactor: Redactor, base_url: str, request: Request) -> Request | None:
    if request.method in ("GET", "PUT") and request.path.endswith(("/api/v4/config", "/api/v4/config/patch")):
        return None  # a server's whole configuration belongs on no tape; on replay nothing is configured
    if NOT_TAPED.items() <= dict(request.headers).items():
        return None
    if not request.uri.startswith(base_url):
        return None  # to somebody else: the reference server, in this process, asks its gateway
    request.uri = _address(redactor, base_url, request.uri)
    request.headers = _headers(redactor, request.headers)
    request.body = _body(redactor, request.body)
    return request


def _address(redactor: Redactor, base_url: str, uri: str) -> str:
    return TAPE_URL + redactor.text(uri[len(base_url) :])


def _headers(redactor: Redactor, headers: Mapping[str, str | bytes]) -> dict[str, str]:
    kept = {}
    for name, value in headers.items():
        low = name.lower()
        if low not in _KEPT_REQUEST_HEADERS:
            continue
        text = value.decode() if isinstance(value, bytes) else str(value)
        if (low, text) == ("content-type", "application/json"):
            continue
        kept[low] = redactor.credential(text) if low == "authorization" else redactor.text(text)
    return kept


def _body(redactor: Redactor, body: bytes | None) -> bytes | None:
    if not (isinstance(body, bytes) and body):
        return body
    return _RUN.sub(lambda run: b"%s (%d times)" % (run[1], len(run[0])), redactor.body(body))


def _cleaned_answer(redactor: Redactor, base_url: str, answer: dict[str, Any]) -> dict[str, Any]:
    headers = {k.lower(): v for k, v in answer["headers"].items() if k.lower() in _KEPT_ANSWER_HEADERS}
    body = answer["body"]["string"]
    redactor.learn_answer(headers, body)
    kept = {}
    for name, values in headers.items():
        kept[name] = [redactor.text(value).replace(base_url, TAPE_URL) for value in values]
    return {
        "status": answer["status"],
        "headers": kept,
        "body": {"string": redactor.body(body).replace(base_url.encode(), TAPE_URL.encode())},
    }


__all__ = ["SECRET_COOKIES", "TAPE_URL", "NotOnTape", "Player", "configure", "recording_to"]
