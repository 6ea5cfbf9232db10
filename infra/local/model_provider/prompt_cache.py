"""A provider's prompt cache: which part of a prompt was read from it, and which is written to it."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

BYTES_PER_TOKEN = 4
_STEP_TOKENS = 128
_MOST_BREAKPOINTS = 4
_LOOKBACK = 20


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens that were read from the cache, and tokens that were written to it."""

    read_tokens: int = 0
    written_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Caching:
    """How a request may use the cache.

    `scope` is whose cache it is: account, model, and whatever else must be the same. Entries live `life_s` seconds
    after their last use; prefixes below `least_tokens` are not cached. `breakpoints` are the numbers of the segments
    after which the request asks for an entry; None leaves that to the provider. Where a provider `bills_writes`, its
    answers tell them.
    """

    scope: str
    least_tokens: int
    life_s: float
    breakpoints: tuple[int, ...] | None = None
    bills_writes: bool = True


@dataclass(frozen=True, slots=True)
class _Prefix:
    """The beginning of a prompt."""

    key: str
    tokens: int


def segment(part: Any) -> bytes:
    """Return a part of a prompt as bytes: the same for the same JSON data."""
    return json.dumps(part, sort_keys=True).encode()


class PromptCache:
    """Remembers prefixes by their bytes. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def use(
        self,
        account_model: str,
        segments: Sequence[bytes],
        *,
        least_tokens: int,
        life_s: float,
        breakpoints: Sequence[int] | None,
    ) -> CacheUse:
        """Read the longest prefix that is cached, and write what is new.

        Without breakpoints every whole 128 tokens of the prompt are an entry, as at OpenAI
        (https://developers.openai.com/api/docs/guides/prompt-caching). With them an entry ends after each of the last 4
        segments that are named, and one may be read that ends up to 20 segments before, as at Anthropic
        (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
        """
        if breakpoints is None:
            written = _steps(account_model, segments)
            readable = written
        else:
            ends = sorted(set(breakpoints))[-_MOST_BREAKPOINTS:]
            prefixes = _ends(account_model, segments)
            written = [prefixes[end] for end in ends]
            readable = [
                prefixes[at] for at in sorted({at for end in ends for at in range(max(0, end - _LOOKBACK), end + 1)})
            ]
        return self._used(readable, [p for p in written if p.tokens >= least_tokens], life_s)

    def _used(self, readable: Sequence[_Prefix], written: Sequence[_Prefix], life_s: float) -> CacheUse:
        now = self._clock()
        with self._lock:
            self._until = {key: until for key, until in self._until.items() if until > now}
            read = max((p for p in readable if p.key in self._until), key=lambda p: p.tokens, default=_Prefix("", 0))
            for prefix in (*written, read):
                if prefix.tokens:
                    self._until[prefix.key] = max(now + life_s, self._until.get(prefix.key, 0))
        longest = max((p.tokens for p in written), default=0)
        return CacheUse(read.tokens, max(0, longest - read.tokens))


def _ends(scope: str, segments: Sequence[bytes]) -> list[_Prefix]:
    """Return the prefix that ends after each segment."""
    return list(_chained(scope, segments))


def _steps(scope: str, segments: Sequence[bytes]) -> list[_Prefix]:
    """Return the prefixes of every whole 128 tokens."""
    size, whole = _STEP_TOKENS * BYTES_PER_TOKEN, b"".join(segments)
    return list(_chained(scope, [whole[at : at + size] for at in range(0, len(whole) - size + 1, size)]))


def _chained(scope: str, parts: Sequence[bytes]) -> Iterator[_Prefix]:
    found, size = hashlib.sha256(scope.encode()), 0
    for part in parts:
        size += len(part)
        found.update(len(part).to_bytes(8, "big") + part)
        yield _Prefix(found.hexdigest(), size // BYTES_PER_TOKEN)
