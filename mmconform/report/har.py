"""The exchanges of records as an HTTP archive (HAR 1.2), which browsers, proxies and HTTP clients open."""

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from mmconform import __version__
from mmconform.contract.clause import Contract
from mmconform.errors import plain
from mmconform.judging.deviations import Deviation
from mmconform.judging.repeat import circumstances, headers_of, host_of, path_of
from mmconform.record.record import Record
from mmconform.record.rows import Evidence, ObservationRow
from mmconform.report.failure import about

#: HAR has no word for "not told" but these.
_UNKNOWN_SIZE = -1
_UNKNOWN_TIME = 0
#: The host where a record does not name one: reserved, so that nothing is sent anywhere (RFC 2606).
_NO_HOST = "http://recorded.invalid"


def har(contract: Contract, records: Sequence[Record], known: Sequence[Deviation] = ()) -> str:
    """Return the first exchange that shows each promise broken, one entry each, ``comment`` saying which, by whom and how.

    Credentials are the names of who used them, and answers are cut, as in the record. A record does not tell when each request
    was sent or how long it took: the time is that of the run, and durations are 0.
    """
    log = {
        "version": "1.2",
        "creator": {"name": "mattermost-conformance", "version": __version__},
        "entries": [entry for record in records for entry in _entries(record)],
    }
    return json.dumps({"log": log}, indent=1, ensure_ascii=False) + "\n"


def _entries(record: Record) -> Iterator[dict[str, Any]]:
    host = plain(host_of(record.header.target)) or _NO_HOST
    for row in record.observations:
        if row.evidence:
            yield {
                "startedDateTime": record.header.started,
                "time": _UNKNOWN_TIME,
                "request": _request(row.evidence, plain(row.persona), host),
                "response": _response(row.evidence),
                "cache": {},
                "timings": {"send": _UNKNOWN_TIME, "wait": _UNKNOWN_TIME, "receive": _UNKNOWN_TIME},
                "comment": _comment(record, row),
            }


def _comment(record: Record, row: ObservationRow) -> str:
    evidence = row.evidence or Evidence()
    what = "; ".join(filter(None, (about(evidence), circumstances(evidence, row.persona))))
    by = f"{row.persona} ({what})" if what else row.persona
    return plain(f"{row.clause}, {row.state}, {record.header.target}, asked by {by}: {row.seen}")


def _request(evidence: Evidence, persona: str, host: str) -> dict[str, Any]:
    url, headers = host + path_of(evidence), dict(headers_of(evidence, persona))
    request: dict[str, Any] = {
        "method": plain(evidence.method),
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(headers),
        "queryString": _pairs(parse_qsl(url.partition("?")[2], keep_blank_values=True)),
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": _UNKNOWN_SIZE,
    }
    if evidence.body:
        media = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
        request["postData"] = {"mimeType": media, "text": plain(evidence.body)}
    return request


def _response(evidence: Evidence) -> dict[str, Any]:
    answer, media = plain(evidence.answer), plain(evidence.media)
    return {
        "status": evidence.status,
        "statusText": HTTPStatus(evidence.status).phrase if evidence.status in set(HTTPStatus) else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs({"Content-Type": media} if media else {}),
        "content": {"size": _UNKNOWN_SIZE, "mimeType": media, "text": answer},
        "redirectURL": "",
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": _UNKNOWN_SIZE,
    }


def _pairs(values: dict[str, str] | list[tuple[str, str]]) -> list[dict[str, str]]:
    pairs = values.items() if isinstance(values, dict) else values
    return [{"name": name, "value": value} for name, value in pairs]
