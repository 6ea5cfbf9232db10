"""A strict service on this machine: it answers only who is authorised exactly right, and keeps what it was asked."""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlsplit

USER, PASSWORD = "carla", "hunter2: ünd"
CLIENT, CLIENT_SECRET = "shop client", "cl1ent+secret/%"
TOKEN_PREFIX = "t0ken-"
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
BIG = 50 * 1024 * 1024


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path, as it was sent."""
        return self.target.partition("?")[0]


@dataclass
class Service:
    """What the service accepts, and what it was asked. `keys` are those that it takes, `lives_s` is a token's life."""

    kind: str = "none"
    keys: set[str] = field(default_factory=lambda: {"k3y-one"})
    lives_s: float | None = 60
    region: str = "eu-central-1"
    session_token: str = ""
    asked: list[Asked] = field(default_factory=list)
    tokens: dict[str, float] = field(default_factory=dict)
    issued: int = 0
    secrets: set[str] = field(default_factory=lambda: {CLIENT_SECRET})
    bomb: bytes = b""
    now: Callable[[], float] = time.monotonic
    lock: threading.Lock = field(default_factory=threading.Lock)
    token_delay: threading.Event | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def calls(self) -> list[Asked]:
        """Return what was asked beside tokens."""
        return [asked for asked in self.asked if asked.path != "/token"]

    def accepts(self, asked: Asked) -> bool:
        """Whether a request is authorised, exactly."""
        said = asked.headers.get("authorization", "")
        match self.kind:
            case "none":
                return not said
            case "header":
                return not said and asked.headers.get("x-api-key") in self.keys
            case "bearer":
                return said in {f"Bearer {key}" for key in self.keys}
            case "basic":
                return basic(said) in {(USER, key) for key in self.keys}
            case "oauth":
                return self.tokens.get(said.removeprefix("Bearer "), 0) > self.now() and said.startswith("Bearer ")
        return signature(asked, self.region, SECRET_KEY) == said and (
            asked.headers.get("x-amz-security-token", "") == self.session_token
        )

    def token(self, asked: Asked) -> tuple[int, dict[str, object]]:
        """Issue a token as RFC 6749 has it, or say why not."""
        form = dict(parse_qsl(asked.body.decode(), strict_parsing=True))
        user, _, secret = (base64.b64decode(asked.headers["authorization"][6:]).decode()).partition(":")
        typed = asked.headers["content-type"] == "application/x-www-form-urlencoded"
        if unquote_plus(user) != CLIENT or unquote_plus(secret) not in self.secrets:
            return 401, {"error": "invalid_client", "error_description": f"{secret} is wrong"}
        if not typed or form != {"grant_type": "client_credentials", "scope": "a b", "audience": "https://api"}:
            return 400, {"error": "invalid_scope"}
        with self.lock:
            self.issued += 1
            made = f"{TOKEN_PREFIX}{self.issued}"
            self.tokens[made] = self.now() + (self.lives_s or 1e9)
        life = {} if self.lives_s is None else {"expires_in": self.lives_s}
        return 200, {"access_token": made, "token_type": "bearer", **life}


def basic(said: str) -> tuple[str, str]:
    """Decode HTTP Basic as RFC 7617 has it."""
    scheme, _, coded = said.partition(" ")
    try:
        user, colon, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (user, password) if scheme == "Basic" and colon else ("", "")


def signature(asked: Asked, region: str, secret_key: str) -> str:
    """Compute the Authorization of AWS Signature Version 4 by its documentation, from what came over the wire.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    names = asked.headers.get("authorization", "").partition("SignedHeaders=")[2].partition(",")[0]
    listed = names.split(";")
    if not {"host", "x-amz-date"} <= set(listed) or listed != sorted(listed):
        return "the signed headers are wrong"
    path, _, query = asked.target.partition("?")
    pairs = sorted((quote(unquote(n), safe=""), quote(unquote(v), safe="")) for n, v in _pairs(query))
    canonical = "\n".join(
        [
            asked.method,
            quote(path, safe="/"),
            "&".join(f"{n}={v}" for n, v in pairs),
            *(f"{name}:{' '.join(asked.headers.get(name, '').split())}" for name in listed),
            "",
            names,
            hashlib.sha256(asked.body).hexdigest(),
        ]
    )
    at = asked.headers["x-amz-date"]
    scope = f"{at[:8]}/{region}/execute-api/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signed = hmac.digest(key, text.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signed}"


def _pairs(query: str) -> list[tuple[str, str]]:
    halves = [part.partition("=") for part in query.split("&") if part]
    return [(name, value) for name, _, value in halves]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def _answer(self) -> None:
        service = type(self).service
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, {n.lower(): v for n, v in self.headers.items()}, body)
        service.asked.append(asked)
        if asked.path == "/token":
            if service.token_delay:
                service.token_delay.wait(5)
            status, said = service.token(asked)
            self._send(status, json.dumps(said).encode())
        elif not service.accepts(asked):
            self._send(401, json.dumps({"you sent": asked.headers.get("authorization", "")}).encode())
        else:
            self._served(asked)

    def _served(self, asked: Asked) -> None:
        match urlsplit(asked.target).path.rpartition("/")[2]:
            case "busy":
                self._send(429, b"{}", {"Retry-After": "7"})
            case "away":
                self._send(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"})
            case "big":
                self._big()
            case "drip":
                self._drip()
            case "packed":
                self._send(200, self.service.bomb, {"Content-Encoding": "gzip, gzip"})
            case "prose":
                self._send(200, b"<p>Hello</p>")
            case _:
                shown = {"ETag": '"1"', "Set-Cookie": "session=carla"}
                self._send(200, json.dumps({"method": asked.method, "target": asked.target}).encode(), shown)

    def _big(self) -> None:
        self._head(200, BIG, {})
        with suppress(OSError):
            for _ in range(BIG // 65_536):
                self.wfile.write(b"1" * 65_536)
        self.close_connection = True

    def _drip(self) -> None:
        self._head(200, 1_000, {})
        with suppress(OSError):
            for _ in range(1_000):
                self.wfile.write(b"1")
                type(self).service.over.wait(0.05)
        self.close_connection = True

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, len(body), headers or {})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that left; any other error is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """Serve while the block runs; yields the URL."""
    handler = type("Handler", (_Handler,), {"service": service})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            service.over.set()
            server.shutdown()
            thread.join()
