"""A small HTTP/1.1 server for local services: a function answers each request, and can fail as servers do."""

import argparse
import json
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http.client import responses as phrases
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_MAX_BODY = 10 * 1024 * 1024
_LONGEST_HANG_S = 120.0
_DRIP_S = 1.0


class Delivery(StrEnum):
    """How an answer reaches the client."""

    WHOLE = "whole"
    HANG = "hang"
    DRIP = "drip"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON; raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: it begins after `after_s` seconds."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    after_s: float = 0.0

    @classmethod
    def of_json(cls, status: int, data: Any, headers: Mapping[str, str] | None = None) -> "Response":
        """Return an answer of JSON."""
        body = json.dumps(data, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json", **(headers or {})})

    def by(self, delivery: Delivery, *, after_s: float = 0.0) -> "Response":
        """Return the same answer with another delivery."""
        return replace(self, delivery=delivery, after_s=after_s)


App = Callable[[Request], Response]


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the app, and delivers its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    app: App

    def _answer(self) -> None:
        try:
            size = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            size = -1
        if not 0 <= size <= _MAX_BODY:
            self.close_connection = True
            self._send(Response.of_json(413, {"error": "the body is too large, or of no known length"}))
            return
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, dict(parse_qsl(url.query)), headers, self.rfile.read(size))
        response = type(self).app(request)
        if response.after_s and self._left_within(response.after_s):
            return
        _DELIVER[response.delivery](self, response)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the library's names

    def _send(self, response: Response) -> None:
        self.wfile.write(self._head(response) + response.body)

    def _drip(self, response: Response) -> None:
        self.wfile.write(self._head(response))
        for byte in response.body:
            self.wfile.write(bytes([byte]))
            if self._left_within(_DRIP_S):
                return

    def _hang(self, _: Response) -> None:
        self._left_within(_LONGEST_HANG_S)
        self.close_connection = True

    def _reset(self, _: Response) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _head(self, response: Response) -> bytes:
        headers = {"Content-Length": str(len(response.body)), **response.headers}
        lines = [f"HTTP/1.1 {response.status} {phrases.get(response.status, '')}"]
        return "\r\n".join([*lines, *(f"{n}: {v}" for n, v in headers.items()), "", ""]).encode()

    def _left_within(self, seconds: float) -> bool:
        """Wait; a client that leaves ends the wait, and the connection."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            self.close_connection = True
        return self.close_connection

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's signature
        """Say nothing: `GET /_calls` tells."""


_DELIVER: Mapping[Delivery, Callable[[_Handler, Response], None]] = {
    Delivery.WHOLE: _Handler._send,  # noqa: SLF001 - this table is the class's own
    Delivery.DRIP: _Handler._drip,  # noqa: SLF001
    Delivery.HANG: _Handler._hang,  # noqa: SLF001
    Delivery.RESET: _Handler._reset,  # noqa: SLF001
}


class Server(ThreadingHTTPServer):
    """Serves an app on a port of this machine; port 0 takes a free one."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, app: App, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), type("Handler", (_Handler,), {"app": staticmethod(app)}))
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection, and remember it."""
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """End a connection, and forget it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and leave no client waiting."""
        super().server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left; any other error is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def main(description: str, make: Callable[[Path | None], App]) -> None:
    """Run a service from the command line until it is asked to stop."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--data", type=Path, help="sgd_appointments.jsonl (default: $SGD_DATA, or beside the repository)"
    )
    arguments = parser.parse_args()
    server = Server(make(arguments.data), arguments.port, arguments.host)

    def stop(_: int, __: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"{description} on {server.url}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
