"""The lines for a shell that repeat an exchange or a test, made of a record that may be anybody's."""

import json
import re
from collections.abc import Iterable
from shlex import quote
from typing import Any
from urllib.parse import urlencode

from mmconform.contract.clause import Operation
from mmconform.errors import plain
from mmconform.paths import RUN
from mmconform.record.rows import Evidence
from mmconform.world.people import MADE, PERSONAS
from mmconform.world.world import PREFIX

#: The host where a record does not name one.
SERVER = "$SERVER"

#: The file of a body that a record does not hold as a whole.
_FILE = "BODY"
#: In the headers of an ``evidence``: what stands for a credential, by the name of whose it is.
_WHOSE = re.compile(r"<([^<>]*)>")
#: What a header's name may be (RFC 9110, 5.6.2); one that began with ``@`` would be a file that curl sends.
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: An id, or the begin of a name that runs give.
_OF_THE_RUN = re.compile(rf"\b[a-z0-9]{{26}}\b|{PREFIX}")
#: What means nothing to a shell, not even between double quotes.
_HARMLESS = re.compile(r"[A-Za-z0-9 :=;,./_-]*")


def curl(evidence: Evidence, persona: str, host: str = SERVER) -> str:
    """Return a line that repeats the exchange of a record's ``evidence``.

    Whatever the record says, the line is one command with these arguments: every word is quoted, the address stays with its
    host, no word is taken for an option or a file, and credentials are variables of a closed set (:func:`variable`).
    """
    method, url, persona = plain(evidence.method), path_of(evidence), plain(persona)
    words = ["curl", "-i"]
    words += ["--globoff"] if re.search(r"[][{}]", url) else []
    words += ["--path-as-is"] if "/." in url else []
    words += ["-X", quote(method), (f'"{SERVER}"' if host == SERVER else quote(plain(host))) + quote(url)]
    for name, value in headers_of(evidence, persona):
        words += ["-H", _header(f"{name}: {value}")]
    return " ".join([*words, *(_data(evidence) if evidence.body else [])])


def attempt(operation: Operation, base: str) -> str:
    """Return a line that asks an operation as its document has it, without a session.

    What somebody has to fill in stands in braces. Nothing where the document does not say enough of a body that it needs.

    Args:
        base: The path before the operation's.
    """
    said = operation.sample.query
    query = urlencode({name: said.get(name, f"{{{name}}}") for name in sorted(operation.required_query)}, safe="{}")
    body = _held(operation)
    if body is None and operation.body and operation.body.required:
        return ""
    url = f"{base}{operation.path}{f'?{query}' if query else ''}"
    held = "" if body is None else json.dumps(body, ensure_ascii=False)
    return curl(Evidence(method=operation.method, url=url, body=held), "anonymous")


def _held(operation: Operation) -> Any:
    """Return what a valid JSON body holds, as the document or its overlay says; None where they do not say enough."""
    body, sample = operation.body, operation.sample.body
    if body is None or not body.is_json:
        return None
    if sample is not None or body.example is not None:
        return body.example if sample is None else sample
    properties, required = body.schema.get("properties") or {}, body.schema.get("required") or ()
    if not required or any(_type(properties.get(name)) != "string" for name in required):
        return None
    return {name: f"{{{name}}}" for name in required}


def _type(schema: Any) -> str:
    return str(schema.get("type", "")) if isinstance(schema, dict) else ""


def _data(evidence: Evidence) -> list[str]:
    return ["--data-binary", f"@{_FILE}"] if evidence.whole_body else ["--data-raw", quote(plain(evidence.body))]


def caveat(evidence: Evidence, target: str) -> str:
    """Return why what a line names may not be there for whoever repeats it; nothing where it names nothing that a run made."""
    if not _OF_THE_RUN.search(f"{evidence.url} {evidence.body}"):
        return ""
    where = "was on the server that was recorded" if target.startswith("recorded:") else "is taken away when it ends"
    own = f" (the caller's own: {', '.join(map(plain, evidence.own))})" if evidence.own else ""
    return f"what the run made {where}: put ids and names of yours in place of these{own}"


def circumstances(evidence: Evidence, persona: str) -> str:
    """Return what has to be so for a line to be answered as it was, in one line; nothing where no more is needed than is named.

    That is who its caller is, where their name alone does not tell, what the run had set otherwise for the request, and what
    a body is of which the record keeps a part only.
    """
    who = f"{persona} is {MADE[persona]}" if persona in MADE else ""
    while_ = f"while {'; '.join(evidence.settings)}" if evidence.settings else ""
    whole = evidence.whole_body
    body = f"{_FILE} is a file with the body that was sent, {whole} characters: it is too long for a record" if whole else ""
    return plain(", ".join(filter(None, (who, while_, body))))


def rerun(target: str, documents: Iterable[str], test: str) -> str:
    """Return the line that runs a test of a record again.

    Args:
        target: As its header names it.
        documents: The options that name what it was judged by, as there.
        test: As pytest names it.
    """
    return f"{RUN} {' '.join(plain(quote(word)) for word in (target, *documents, test))}"


def host_of(target: str) -> str:
    """Return the address of a live server, of its target; nothing for one that was none."""
    return target.rstrip("/").removesuffix("/api/v4") if target.startswith("http") else ""


def path_of(evidence: Evidence) -> str:
    """Return the path and query, with a slash first: else they could end in another host (http://server + @elsewhere)."""
    url = plain(evidence.url)
    return url if url.startswith("/") else f"/{url}"


def headers_of(evidence: Evidence, persona: str) -> list[tuple[str, str]]:
    """Return the headers that were sent, with ``<persona>`` for a credential; older records do not tell them.

    The record names the caller's own after who they were made as: whom a test gave more than that is another caller.
    """
    if evidence.headers is not None:
        sent = [(name, plain(value)) for name, value in evidence.headers.items() if _NAME.fullmatch(name)]
        whose = {*_WHOSE.findall(" ".join(value for _, value in sent))}
        own = evidence.credential or (whose.pop() if len(whose) == 1 else "")
        made_as = _persona(own)
        if made_as and _is_known(persona):
            sent = [(name, value.replace(f"<{own}>", f"<{persona}{own.removeprefix(made_as)}>")) for name, value in sent]
        return sent
    bearer = [] if persona == "anonymous" else [("Authorization", f"Bearer <{persona}>")]
    return bearer + ([("Content-Type", "application/json")] if evidence.body else [])


def _header(text: str) -> str:
    fixed, words = _WHOSE.split(text), []
    if _HARMLESS.fullmatch("".join(fixed[::2])) and len(fixed) == 3 and not fixed[2][:1].isalnum():
        return f'"{fixed[0]}${variable(fixed[1])}{fixed[2]}"'
    for place, part in enumerate(fixed):
        if place % 2:
            words.append(f'"${variable(part)}"')
        elif part or len(fixed) == 1:
            words.append(quote(part))
    return "".join(words)


def variable(whose: str) -> str:
    """Return the shell variable that holds a credential: of a persona we know, with ``_TOKEN`` or ``_OAUTH``, else ``TOKEN``.

    So a record cannot make anybody send another variable of their environment.
    """
    persona = _persona(whose)
    if not persona:
        return "TOKEN"
    kind = "_OAUTH" if "OAuth" in whose else "_TOKEN" if "'s token" in whose else ""
    return persona.upper() + kind


def _persona(whose: str) -> str:
    """Return the persona after whom a credential is named; nothing where we know none."""
    persona = re.split(r"'| ", whose, maxsplit=1)[0]
    return persona if _is_known(persona) else ""


def _is_known(persona: str) -> bool:
    return persona in PERSONAS or persona in MADE
