"""Why no answer came, in words that tell one cause from another and are the same tomorrow."""

import os
import ssl
from collections.abc import Iterator

import requests

from mmconform.errors import plain

_KINDS = (
    (requests.exceptions.Timeout, "no answer in time"),
    (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
    (requests.exceptions.ContentDecodingError, "the answer is not in the encoding that it names"),
    (requests.exceptions.ConnectionError, "no connection"),
)
#: What OpenSSL says of a certificate (X509_V_ERR_… in its x509_vfy.h).
_CERTIFICATES = {
    9: "the server's certificate is not valid yet",
    10: "the server's certificate has expired",
    62: "the server's certificate is for another host",
    64: "the server's certificate is for another host",
}
#: What OpenSSL makes of an answer that is none of TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")


def reason(error: requests.RequestException) -> str:
    """Return why a request failed, without the request."""
    if isinstance(error, requests.exceptions.SSLError):
        return _tls(error)
    return next((words for kind, words in _KINDS if isinstance(error, kind)), type(error).__name__)


def was_refused(error: BaseException) -> bool:
    """Whether nobody listened, so that nothing was sent either."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))


def _tls(error: requests.exceptions.SSLError) -> str:
    cause = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate(cause)
    said = str(cause.reason or "") if cause else ""
    if said in _NO_TLS:
        return "the port speaks no TLS (http:// instead of https://?)"
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the connection was closed while TLS was agreed on (does the port speak TLS?)"
    return f"TLS failed ({plain(said).replace('_', ' ').lower()})" if said else "TLS failed"


def _certificate(cause: ssl.SSLCertVerificationError) -> str:
    known = _CERTIFICATES.get(cause.verify_code)
    if known and "host" in known:
        return f"{known} ({plain(cause.verify_message).rstrip('.')})"
    if known:
        return known
    bundle = os.environ.get("MM_CA_BUNDLE")
    signed = (
        f"no authority in {plain(bundle)} (MM_CA_BUNDLE) signed it"
        if bundle
        else "MM_CA_BUNDLE names a file of your own authority"
    )
    return f"the server's certificate is not trusted: {plain(cause.verify_message)}; {signed}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it: requests and urllib3 hand it on as a cause, a context, or an argument."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        error_seen = waiting.pop(0)
        if error_seen is None or id(error_seen) in seen:
            continue
        seen.add(id(error_seen))
        yield error_seen
        linked = (error_seen.__cause__, error_seen.__context__, getattr(error_seen, "reason", None), *error_seen.args)
        waiting += [cause for cause in linked if isinstance(cause, BaseException)]
