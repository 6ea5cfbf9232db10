"""Makes an effect happen once for a key, as services with an `Idempotency-Key` do."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]
Answer = tuple[int, dict[str, Any]]
"""A status and what is said with it."""

CREATED = 201


class Once:
    """Remembers what was created for each key; effects run one at a time."""

    def __init__(self) -> None:
        self._created: dict[str, tuple[str, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def answer(self, key: str, body: Body, act: Callable[[Body], Answer]) -> Answer:
        """Act, or repeat what was created with the same key and body."""
        if not key:
            return 400, {"error": "send an Idempotency-Key"}
        written = json.dumps(body, sort_keys=True)
        with self._lock:
            if key in self._created:
                before, data = self._created[key]
                return (200, data) if before == written else (422, {"error": "this key was used with another body"})
            status, data = act(body)
            if status == CREATED:
                self._created[key] = written, data
            return status, data

    def created(self) -> list[dict[str, Any]]:
        """Return everything created, in order."""
        with self._lock:
            return [data for _, data in self._created.values()]


def missing(body: Body, *names: str) -> Answer | None:
    """Answer a body in which a text is missing."""
    for name in names:
        if not isinstance(body.get(name), str) or not body[name]:
            return 400, {"error": f"{name}: expected a text"}
    return None
