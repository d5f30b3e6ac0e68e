"""A stand-in for the WebRTC gateway that servers before 5.6 talk to: it says yes to everything."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType


class _Yes(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"janus": "success"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        return


class Gateway:
    """Listens on loopback, on a free port, until closed."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Yes)
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def settings(self) -> dict[str, object]:
        """The server's ``WebrtcSettings`` that point to this gateway."""
        return {
            "Enable": True,
            "GatewayWebsocketUrl": f"ws://127.0.0.1:{self.port}",
            "GatewayAdminUrl": f"http://127.0.0.1:{self.port}/admin",
            "GatewayAdminSecret": "conformance",
            "StunURI": "stun:stun.conformance.invalid:3478",
            "TurnURI": "turn:turn.conformance.invalid:3478",
            "TurnUsername": "conformance",
            "TurnSharedKey": "conformance",
        }

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
