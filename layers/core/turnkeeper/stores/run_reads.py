"""What a run reads besides its turn, in one BatchGet: breakers, owners' limits, the conversation's head, the stage."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnkeeper.domain.breaker import Breaker
from turnkeeper.domain.conversation import Conversation
from turnkeeper.domain.spend import Override
from turnkeeper.domain.stage import StageVersion
from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Table
from turnkeeper.stores import keys
from turnkeeper.stores.breakers import breakers_among
from turnkeeper.stores.items import CONVERSATION
from turnkeeper.stores.limits import override_keys, overrides_among
from turnkeeper.stores.stage import stage_key, stage_of


@dataclass(frozen=True, slots=True)
class RunReads:
    """The breakers of an agent's dependencies, owners' limits in the order in which they apply, and the conversation.

    `conversation` is None if the turn begins one, or names one that does not exist. `stage` is None if it was not read.
    """

    breakers: Sequence[Breaker]
    overrides: Sequence[Override]
    conversation: Conversation | None
    stage: StageVersion | None


class RunReader:
    """Reads for runs, over the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, turn: Turn, dependencies: Sequence[str], *, with_stage: bool) -> RunReads:
        """Read what a run of a turn needs, in one call; `with_stage` if the stage is to be read again."""
        who = (turn.tenant, turn.customer, turn.agent)
        conversation = keys.conversation(turn.tenant, turn.conversation)
        wanted = [keys.breaker(name) for name in dependencies] + override_keys(*who)
        if not turn.is_new_conversation:
            wanted.append(conversation)
        if with_stage:
            wanted.append(stage_key())
        items = self._table.batch_get(wanted)
        head = items.get(conversation)
        return RunReads(
            breakers=breakers_among(items, dependencies),
            overrides=overrides_among(items, *who),
            conversation=CONVERSATION.read(head) if head else None,
            stage=stage_of(items.get(stage_key())) if with_stage else None,
        )
