"""A gateway between the suites and a server, for benchmarks that spoil or watch what passes."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

Headers = list[tuple[str, str]]
_ITS_OWN = ("content-length", "transfer-encoding", "connection")


class Gateway(BaseHTTPRequestHandler):
    """Passes every request on to the server ``behind`` it; ``pass_on`` is what others change."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    behind = ("", 0)

    def any(self) -> None:
        self.pass_on(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def pass_on(self, body: bytes) -> None:
        self.say(*self.ask(body))

    def ask(self, body: bytes) -> tuple[int, bytes, Headers]:
        """Return what the server behind answers: status, body, and the headers but those that a gateway writes itself."""
        connection = http.client.HTTPConnection(*self.behind, timeout=120)
        # Nothing is to be compressed: who watches what passes has to read it.
        sent = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
        connection.request(self.command, self.path, body or None, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, [(n, v) for n, v in answer.getheaders() if n.lower() not in _ITS_OWN]

    def say(self, status: int, content: bytes, headers: Headers) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(n in ("Content-Length", "Transfer-Encoding") for n, _ in headers) and status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = any  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        return

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return


@contextmanager
def in_front_of(url: str, kind: type[Gateway]) -> Iterator[str]:
    """Put a gateway of a kind before a server for a while; gives its address."""
    parts = urlsplit(url)
    kind.behind = (str(parts.hostname), parts.port or 80)
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
