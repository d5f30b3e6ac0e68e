"""A shell script that repeats what was sent: with names of its own, and with what an answer gives wherever that was used."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from shlex import quote
from typing import NamedTuple

from mmconform.errors import plain
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange

_HEAD = """\
#!/bin/sh
# Repeats, with curl, what showed the flaw; what it makes is called mmc-… and stays. Set SERVER (http://…) and SYSTEM_ADMIN, the
# token of a system administrator; OPERATOR, too, where that is to be another one.
: "${SERVER:?}" "${SYSTEM_ADMIN:?}" "${OPERATOR:=$SYSTEM_ADMIN}"
RUN=$(date +%s)
PASSWORD="Mmc-$RUN-$$-aA1!"
ask() { answer=$(curl -s -i "$@" | tr -d '\\r'); printf '%s\\n' "$answer" | sed -n '1p;$p'; }
field() { printf '%s\\n' "$answer" | sed -n 's/.*"'"$1"'" *: *"\\([^"]*\\)".*/\\1/p' | tail -n 1; }
session() { printf '%s\\n' "$answer" | sed -n 's/^[Tt]oken: *//p'; }
"""


class Step(NamedTuple):
    """A request with its answer, and the credential that it was sent with."""

    exchange: Exchange
    credential: str

    @property
    def sent(self) -> str:
        """All of it in which something that an earlier answer gave can stand."""
        return f"{self.exchange.url} {self._body} {self.credential}"

    @property
    def _body(self) -> str:
        return (self.exchange.body or b"").decode("utf-8", "replace")

    def line(self, variables: Mapping[str, str]) -> str:
        """Return the request as a line of the script, every word quoted."""
        words = ["ask", "-X", quote(self.exchange.method), f'"$SERVER"{_quoted(self.exchange.url, variables)}']
        if self.credential:
            words += ["-H", quote("Authorization: Bearer ") + _quoted(self.credential, variables)]
        if self._body:
            words += ["-H", quote("Content-Type: application/json"), "--data-raw", _quoted(self._body, variables)]
        return " ".join(words)


@contextmanager
def heard(client: Client) -> Iterator[list[Step]]:
    """Note everything that a client sends for a while."""
    steps: list[Step] = []
    send = client.send

    def noted(*arguments: str, token: str | None = None, **more: object) -> Exchange:
        exchange = send(*arguments, token=token, **more)  # type: ignore[arg-type]
        steps.append(Step(exchange, token or ""))
        return exchange

    client.send = noted  # type: ignore[method-assign]
    try:
        yield steps
    finally:
        del client.__dict__["send"]


def script(steps: Sequence[Step], credentials: Mapping[str, str], why: str) -> str:
    """Return the script.

    Args:
        credentials: For each that was there before the name of the variable that holds it.
        why: What is wrong with the last answer.
    """
    variables = {value: name for value, name in credentials.items() if value}
    lines = [_HEAD]
    for number, (step, later) in enumerate((step, steps[n + 1 :]) for n, step in enumerate(steps)):
        for value, name, text in _chosen(step.exchange, number):
            if value not in variables:
                variables[value] = name
                lines += [f"{name}={text}"] if text else []
        lines.append(f"{step.line(variables)}  # {plain(step.exchange.says)}")
        for value, name, text in _given(step.exchange, number):
            if value not in variables and any(value in step.sent for step in later):
                variables[value] = name
                lines.append(f"{name}=$({text})")
    return "\n".join([*lines, f"# {plain(why)}", ""])


def _chosen(exchange: Exchange, number: int) -> Iterator[tuple[str, str, str]]:
    """Yield what the sender chose and can be there once only, or is nobody's business: value, variable, its text."""
    sent = exchange.json_sent
    for key in ("username", "name"):
        if sent.get(key) and exchange.method == "POST":
            yield str(sent[key]), f"NAME_{number}", f'"mmc-$RUN-{number}"'
    if sent.get("password"):
        yield str(sent["password"]), "PASSWORD", ""


def _given(exchange: Exchange, number: int) -> Iterator[tuple[str, str, str]]:
    """Yield what an answer gives: value, variable, the command that takes it out of the answer."""
    for key in ("id", "token"):
        if isinstance(value := exchange.json_object.get(key), str) and value:
            yield value, f"{key.upper()}_{number}", f"field {key}"
    if token := exchange.answer_headers.get("token"):
        yield token, f"SESSION_{number}", "session"


def _quoted(text: str, variables: Mapping[str, str]) -> str:
    """Return a text as one word of a shell, with variables for the values that they hold."""
    values = sorted(variables, key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, values)) + ")", text) if values else [text]
    return "".join(f'"${variables[part]}"' if n % 2 else quote(part) for n, part in enumerate(parts) if part)
