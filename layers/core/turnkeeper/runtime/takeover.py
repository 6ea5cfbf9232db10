"""Takes over a turn whose run died on the fast path: sweeps what the run reserved, and escalates the turn."""

from turnkeeper.domain.turn import Lease, Turn
from turnkeeper.outside import Outside
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.run_opener import RunOpener
from turnkeeper.stores.turns import TurnStore

_LEASE_S = 30.0


class Takeover:
    """The reconciler's takeover: it runs no model, so it needs neither the agent nor a run."""

    def __init__(
        self, turns: TurnStore, outside: Outside, opener: RunOpener, endings: Endings, executions: Executions
    ) -> None:
        self._turns, self._clock, self._opener = turns, outside.clock, opener
        self._endings, self._executions = endings, executions

    def take_over(self, turn: Turn) -> None:
        """Escalate a turn whose run's lease lapsed; raises TurnLost if somebody else was first."""
        mine = self._turns.take_over(turn, Lease(self._clock() + _LEASE_S))
        before = self._opener.take_in_dead_runs(mine)
        self._endings.suspend_interrupted(mine, before.cost_micro_usd)
        self._executions.start(mine.turn_id)
