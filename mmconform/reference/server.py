"""The reference server over HTTP, on loopback."""

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from threading import Lock, Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from waitress.server import create_server

from mmconform.reference.app import App, Call
from mmconform.reference.store import User, new_id


class Reference:
    """An :class:`App` that listens on loopback until closed.

    Args:
        app: What answers.
        login, password: Of an administrator's account, made at once; without them the first account that is made is one.
        port: 0 for any that is free.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, app: App, login: str = "", password: str = "", port: int = 0) -> None:
        self.app = app
        self._turn = Lock()
        if login:
            admin = User(login, f"{login}@conformance.invalid", password, ["system_user", "system_admin"])
            app.store.users[admin.id] = admin
        logging.getLogger("waitress").setLevel(logging.CRITICAL)
        self._server = create_server(self._answer, host="127.0.0.1", port=port, threads=4, clear_untrusted_proxy_headers=True)
        self.url = f"http://127.0.0.1:{self._server.effective_port}"

    def start(self) -> "Reference":
        """Answer in a thread of its own."""
        Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self) -> None:
        """Answer until closed or interrupted."""
        with suppress(OSError):  # of a loop whose sockets another thread closed
            self._server.run()

    def close(self) -> None:
        self._server.task_dispatcher.shutdown()
        self._server.close()

    def __enter__(self) -> "Reference":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        call = Call(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
            parse_qsl(environ["QUERY_STRING"], keep_blank_values=True),
            headers | {"content-type": environ.get("CONTENT_TYPE", "")},
            environ["wsgi.input"].read(),
            length=len(environ["PATH_INFO"]) + len(environ["QUERY_STRING"]) + 1,
        )
        with self._turn:
            answer = self.app.answer(call)
            data = answer.data if isinstance(answer.data, str | bytes) else json.dumps(answer.data, separators=(",", ":"))
        body, version = data if isinstance(data, bytes) else data.encode(), self.app.version
        headers_sent = [
            ("Content-Type", answer.media),
            ("Content-Length", str(len(body))),
            ("X-Request-Id", new_id()),
            ("X-Version-Id", f"{version}.{version}.reference.false"),
            *answer.headers,
        ]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers_sent)
        return [body]
