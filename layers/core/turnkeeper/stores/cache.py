"""Cached answers: the last good answer to the same request, of one customer and one agent version."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnkeeper.domain.conversation import Exchange
from turnkeeper.domain.ids import digest
from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Clock, Op, Put, Table
from turnkeeper.stores import keys


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer (JSON text) and the model that gave it."""

    answer: str
    model: str


def request_digest(message: str, history: Sequence[Exchange]) -> str:
    """Return a digest of the message and everything said before it: a cached answer fits only if it is equal."""
    said = [part for e in history for part in (e.user, e.reply)]
    return digest(message.strip(), *said)


class AnswerCache:
    """Cached answers over the table."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def find(self, turn: Turn, request: str) -> CachedAnswer | None:
        """Read the cached answer to a request, unless it has expired; DynamoDB removes expired items late."""
        item = self._table.get(self._key(turn, request))
        return CachedAnswer(item["answer"], item["model"]) if item and item["ttl"] > self._clock() else None

    def keep_ops(self, turn: Turn, request: str, answer: str, model: str, seconds: int) -> list[Op]:
        """The write that keeps an answer (JSON text) for `seconds`."""
        kept = {"cust_pk": keys.owned_by(turn.tenant, turn.customer), "ttl": int(self._clock()) + seconds}
        return [Put(self._key(turn, request), {"answer": answer, "model": model, **kept})]

    @staticmethod
    def _key(turn: Turn, request: str) -> tuple[str, str]:
        return keys.cached_answer(turn.tenant, turn.customer, turn.agent, turn.agent_version, request)
