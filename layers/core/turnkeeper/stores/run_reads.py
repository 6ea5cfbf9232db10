"""What a run reads besides its turn, in one BatchGet: breakers, owners' limits, and the conversation's head."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnkeeper.domain.breaker import Breaker
from turnkeeper.domain.conversation import Conversation
from turnkeeper.domain.spend import Override
from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Table
from turnkeeper.stores import keys
from turnkeeper.stores.breakers import breakers_among
from turnkeeper.stores.items import CONVERSATION
from turnkeeper.stores.limits import override_keys, overrides_among


@dataclass(frozen=True, slots=True)
class RunReads:
    """The breakers of an agent's dependencies, owners' limits in the order in which they apply, and the conversation.

    `conversation` is None if the turn begins one, or names one that does not exist.
    """

    breakers: Sequence[Breaker]
    overrides: Sequence[Override]
    conversation: Conversation | None


class RunReader:
    """Reads for runs, over the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, turn: Turn, dependencies: Sequence[str]) -> RunReads:
        """Read what a run of a turn needs, in one call."""
        who = (turn.tenant, turn.customer, turn.agent)
        conversation = keys.conversation(turn.tenant, turn.conversation)
        wanted = [keys.breaker(name) for name in dependencies] + override_keys(*who)
        if not turn.is_new_conversation:
            wanted.append(conversation)
        items = self._table.batch_get(wanted)
        head = items.get(conversation)
        return RunReads(
            breakers=breakers_among(items, dependencies),
            overrides=overrides_among(items, *who),
            conversation=CONVERSATION.read(head) if head else None,
        )
