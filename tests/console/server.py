"""The console on a port of its own: its real handler, the real API over a `World`, and a Cognito that is played."""

import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from turnkeeper.api.console import console

from tests.support.world import Clock, World, customer, operator

STAGE = "/Prod"
WORD, FIRST_WORD, CODE = "correct horse", "first-time-only", "123456"
"""What people sign in with."""

UNKNOWN = {
    "type": "urn:turnkeeper:error:outcome-pending",
    "title": "Outcome pending",
    "status": 503,
    "detail": "send the same request again, with the same Idempotency-Key",
}
"""What the gateway answers for an API that did not."""


@dataclass
class LiveClock(Clock):
    """A world's clock that also goes by itself."""

    began: float = field(default_factory=time.monotonic)

    def __call__(self) -> float:
        """Return the moment, which is never the same twice."""
        return super().__call__() + time.monotonic() - self.began


def token(claims: Mapping[str, Any]) -> str:
    """Return an unsigned token: the page and this server read its claims."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims)]
    return ".".join([*parts, "unsigned"])


def pooled(claims: Mapping[str, str]) -> dict[str, str]:
    """Return claims as a user pool makes them: a UUID as the subject, and the name with which one signs in."""
    return {**claims, "sub": subject(claims["sub"]), "username": f"{claims['sub']}@example.com"}


def subject(name: str) -> str:
    """Return the subject of somebody in the pool."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


class Cognito:
    """Plays a user pool of operators, a customer, one who must choose a password, and one with an authenticator."""

    def __init__(self) -> None:
        self.people = {name: pooled(operator(name)) for name in ("otto", "olga", "newcomer", "careful")}
        self.people["carla"] = pooled(customer("carla"))
        self.seconds = 3_600
        self.revoked: list[str] = []
        self.calls: list[str] = []

    def answer(self, action: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Answer one call, as (status, body)."""
        self.calls.append(body.get("AuthFlow", action))
        match action:
            case "InitiateAuth" if body["AuthFlow"] == "REFRESH_TOKEN_AUTH":
                refresh = body["AuthParameters"]["REFRESH_TOKEN"]
                return _refused("Refresh Token has been revoked") if refresh in self.revoked else self._tokens(refresh)
            case "InitiateAuth":
                given = body["AuthParameters"]
                return self._password(given["USERNAME"].partition("@")[0], given["PASSWORD"])
            case "RespondToAuthChallenge":
                given = body["ChallengeResponses"]
                wrong = given.get("SOFTWARE_TOKEN_MFA_CODE", CODE) != CODE
                return _refused("code", "CodeMismatchException") if wrong else self._tokens(given["USERNAME"])
            case "RevokeToken":
                self.revoked.append(body["Token"])
                return 200, {}
        return _refused("unknown")

    def _password(self, name: str, word: str) -> tuple[int, Any]:
        if (name, word) == ("newcomer", FIRST_WORD):
            return 200, _challenge("NEW_PASSWORD_REQUIRED", name)
        if name not in self.people or word != WORD:
            return _refused("Incorrect username or password.")
        return (200, _challenge("SOFTWARE_TOKEN_MFA", name)) if name == "careful" else self._tokens(name)

    def _tokens(self, name: str) -> tuple[int, Any]:
        access = token({**self.people[name], "exp": time.time() + self.seconds})
        result = {"AccessToken": access, "ExpiresIn": self.seconds, "RefreshToken": name}
        return 200, {"AuthenticationResult": result}


def _challenge(name: str, who: str) -> dict[str, Any]:
    return {"ChallengeName": name, "Session": "session", "ChallengeParameters": {"USER_ID_FOR_SRP": who}}


def _refused(message: str, kind: str = "NotAuthorizedException") -> tuple[int, Any]:
    return 400, {"__type": kind, "message": message}


@dataclass
class Site:
    """What a test reaches: the page's address, the world behind it, and switches for what goes wrong."""

    world: World
    cognito: Cognito
    url: str = ""
    cognito_url: str = ""
    down: bool = False
    silent: bool = False
    """What is posted is done, and the gateway says that it does not know."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def serve_api(self, method: str, url: SplitResult, headers: Mapping[str, str], body: str) -> tuple[int, str, Any]:
        """Answer an API request through the real handlers, one at a time: a world has one thread."""
        claims = _claims(headers.get("Authorization", ""))
        if claims is None or claims.get("exp", 0) < time.time():
            return 401, json.dumps({"type": "urn:turnkeeper:error:unauthorized", "title": "No usable token"}), {}
        if self.down:
            return 503, json.dumps({"type": "x", "title": "The state store did not answer", "status": 503}), {}
        with self.lock:
            query, path = dict(parse_qsl(url.query)), url.path.removeprefix(STAGE)
            answer = self.world.request(method, path, body=body or None, who=claims, query=query)
        if self.silent and method == "POST":
            return 503, json.dumps(UNKNOWN), {}
        return answer.status, answer.text, answer.headers


def _claims(authorization: str) -> dict[str, Any] | None:
    try:
        part = authorization.removeprefix("Bearer ").split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return None
    return claims


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        sent = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()


class _Gateway(_Handler):
    def _answer(self) -> None:
        url, body = urlsplit(self.path), self._body()
        path = url.path.removeprefix(STAGE)
        if path.startswith("/console"):
            env = {"CONSOLE_CLIENT_ID": "console-client", "COGNITO_ENDPOINT": self.site.cognito_url}
            answer = console(env)({"path": path, "headers": dict(self.headers)}, None)
            self._send(answer["statusCode"], answer["body"], answer["headers"])
        else:
            self._send(*self.site.serve_api(self.command, url, dict(self.headers), body))

    do_GET = do_POST = _answer  # noqa: N815 - http.server's names


class _CognitoPort(_Handler):
    _CORS: ClassVar = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type,x-amz-target"}

    def do_OPTIONS(self) -> None:
        """Allow the page to call."""
        self._send(200, "", self._CORS)

    def do_POST(self) -> None:
        """Play Cognito."""
        action = self.headers["X-Amz-Target"].partition(".")[2]
        status, body = self.site.cognito.answer(action, json.loads(self._body()))
        self._send(status, json.dumps(body), {**self._CORS, "Content-Type": "application/x-amz-json-1.1"})


@contextmanager
def served(world: World) -> Iterator[Site]:
    """Serve a world until the block ends; the page is at `site.url`."""
    site = Site(world, Cognito())
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (kind,), {"site": site}))
        for kind in (_Gateway, _CognitoPort)
    ]
    site.url, site.cognito_url = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    site.url += f"{STAGE}/console"
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield site
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
