"""Cached answers: the last good answer to the same request of the same customer and agent version, as a last resort."""

from collections.abc import Sequence

from turnkeeper.domain.turns import digest
from turnkeeper.ports import Clock, Item, Op, Put, Table
from turnkeeper.stores import keys
from turnkeeper.stores.conversations import Exchange
from turnkeeper.stores.records import Turn


def request_digest(message: str, history: Sequence[Exchange]) -> str:
    """What must be equal for a cached answer to fit: the message, and everything said before it."""
    said = [part for e in history for part in (e.user, e.reply)]
    return digest(message.strip(), *said)


class AnswerCache:
    """Cached answers over the table."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def find(self, turn: Turn, request: str) -> Item | None:
        """Read a cached answer that has not lapsed."""
        item = self._table.get(self._key(turn, request))
        return item if item and item["ttl"] > self._clock() else None

    def keep_ops(self, turn: Turn, request: str, answer: str, model: str, seconds: int) -> list[Op]:
        """The write that keeps an answer (JSON text) for `seconds`."""
        owner = {"cust_pk": keys.owned_by(turn.tenant, turn.customer)}
        return [
            Put(
                self._key(turn, request),
                {"answer": answer, "model": model, **owner, "ttl": int(self._clock()) + seconds},
            )
        ]

    @staticmethod
    def _key(turn: Turn, request: str) -> tuple[str, str]:
        return keys.cached_answer(turn.tenant, turn.customer, turn.agent, turn.agent_version, request)
