"""Signs what models think, so that a changed, foreign or misplaced thought is known without keeping any."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

_KEY = b"the local model provider"


def sign(*parts: str) -> str:
    """Return the signature of some texts, in their order: 64 hexadecimal digits."""
    return hmac.new(_KEY, json.dumps(parts).encode(), hashlib.sha256).hexdigest()


def verify(signature: str, *parts: str) -> bool:
    """Say whether a signature is the one of these texts."""
    return hmac.compare_digest(signature.encode(), sign(*parts).encode())


def digest(segments: Iterable[bytes]) -> str:
    """Return a digest of a prompt's segments, in their order."""
    found = hashlib.sha256()
    for segment in segments:
        found.update(len(segment).to_bytes(8, "big") + segment)
    return found.hexdigest()


def account(headers: Mapping[str, str]) -> str:
    """Name the account that a request's key or signature belongs to."""
    key = headers.get("x-api-key") or headers.get("api-key") or headers.get("authorization", "")
    if key.startswith("AWS4-"):
        key = key.partition("/")[0]  # the key's id: what follows, the day and the signature, changes
    return hashlib.sha256(key.removeprefix("Bearer ").encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model thought, and where: `prefix` is the digest of all before it, `response` the id of its answer."""

    model: str
    account: str
    text: str
    prefix: str
    response: str = ""

    def sealed(self) -> str:
        """Return it as a text in which every change shows."""
        data = base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()
        return f"{data}.{sign(data)}"

    @classmethod
    def opened(cls, sealed: Any) -> "Thought | None":
        """Read a sealed thought; None for anything that was not sealed here, or was changed since."""
        if not isinstance(sealed, str):
            return None
        data, _, signature = sealed.partition(".")
        if not verify(signature, data):
            return None
        return cls(**json.loads(base64.urlsafe_b64decode(data)))
