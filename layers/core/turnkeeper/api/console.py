"""Serves the operators' console: a fixed table of static files, and the two public facts that its sign-in needs."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from turnkeeper.ports import Json

_HTML, _CSS, _JS, _SVG = "text/html", "text/css", "text/javascript", "image/svg+xml"
FILES = {
    "index.html": _HTML,
    "console.css": _CSS,
    "list.css": _CSS,
    "escalation.css": _CSS,
    "favicon.svg": _SVG,
    "console.js": _JS,
    "acting.js": _JS,
    "answering.js": _JS,
    "api.js": _JS,
    "controls.js": _JS,
    "dom.js": _JS,
    "escalation.js": _JS,
    "facts.js": _JS,
    "form.js": _JS,
    "health.js": _JS,
    "list.js": _JS,
    "reply.js": _JS,
    "session.js": _JS,
    "signin.js": _JS,
    "tabs.js": _JS,
    "text.js": _JS,
    "words.js": _JS,
}
"""Every file that is served: a name that is not listed is never looked up, so no path leads out of the folder."""

_FOLDER = Path(__file__).parent.parent / "console"


@dataclass(frozen=True, slots=True)
class _File:
    text: str
    kind: str
    etag: str


def console(env: Mapping[str, str]) -> Callable[[Json, Any], Json]:
    """Return the handler; `env` has CONSOLE_CLIENT_ID and COGNITO_ENDPOINT, read at each request."""

    def handler(event: Json, _: Any) -> Json:
        _, inside, name = str(event.get("path", "")).partition("/console/")
        endpoint = env.get("COGNITO_ENDPOINT", "").rstrip("/")
        if inside and not name:
            # The page's addresses are relative to the folder that /console is in.
            return _answer(308, "", {"Location": "../console"})
        if name == "config.json":
            config = {"client_id": env.get("CONSOLE_CLIENT_ID", ""), "cognito_endpoint": endpoint}
            return _answer(200, json.dumps(config), {"Content-Type": "application/json", "Cache-Control": "no-store"})
        file = _file(name or "index.html")
        if file is None:
            return _not_found()
        headers = {"ETag": file.etag, "Cache-Control": "no-cache", **_page_headers(endpoint)}
        if _header(event, "if-none-match") == file.etag:
            return _answer(304, "", headers)
        return _answer(200, file.text, {**headers, "Content-Type": f"{file.kind}; charset=utf-8"})

    return handler


@cache
def _file(name: str) -> _File | None:
    kind = FILES.get(name)
    if kind is None:
        return None
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return _File(text, kind, f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"')


def _page_headers(endpoint: str) -> dict[str, str]:
    url = urlsplit(endpoint)
    cognito = f" {url.scheme}://{url.netloc}" if url.netloc else ""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self'{cognito}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def _answer(status: int, body: str, headers: Mapping[str, str]) -> Json:
    safe = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    return {"statusCode": status, "headers": {**safe, **headers}, "body": body, "isBase64Encoded": False}


def _not_found() -> Json:
    from turnkeeper.api import problems  # noqa: PLC0415 - it imports boto3, which only a miss should pay for

    answer = problems.problem("not-found", "there is no such file")
    return _answer(answer.status_code, str(answer.body), {"Content-Type": problems.CONTENT_TYPE})


def _header(event: Json, name: str) -> str:
    headers: Mapping[str, str] = event.get("headers") or {}
    return next((value for key, value in headers.items() if key.lower() == name), "")
