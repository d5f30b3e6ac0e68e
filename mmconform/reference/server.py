"""The reference server over HTTP, on loopback."""

import json
import logging
from collections.abc import Iterable
from threading import Lock, Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from mmconform.reference.app import Answer, App, Call
from mmconform.reference.store import User


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *arguments: Any) -> None:
        return


class Reference:
    """An :class:`App` that listens on loopback until closed.

    Args:
        app: What answers.
        login, password: Of an administrator's account, made at once; without them the first account that is made is one.
        port: 0 for any that is free.
    """

    def __init__(self, app: App, login: str = "", password: str = "", port: int = 0) -> None:
        self.app = app
        self._turn = Lock()
        if login:
            admin = User(login, f"{login}@conformance.invalid", password, ["system_user", "system_admin"])
            app.store.users[admin.id] = admin
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> "Reference":
        """Answer in a thread of its own."""
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def serve(self) -> None:
        """Answer until interrupted."""
        self._server.serve_forever()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "Reference":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        call = Call(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
            parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True),
            {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")},
            body,
        )
        with self._turn:
            answer = self.app.answer(call)
        return self._response(answer)(environ, start_response)

    def _response(self, answer: Answer) -> Response:
        is_text = isinstance(answer.data, str)
        text = answer.data if is_text else json.dumps(answer.data, separators=(",", ":"))
        version = self.app.version
        headers = [("X-Version-Id", f"{version}.{version}.reference.false"), *answer.headers]
        return Response(text, answer.status, headers, content_type=answer.media)
