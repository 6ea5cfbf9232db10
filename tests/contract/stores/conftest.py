"""What the suite of the stores begins with: a clock that is moved, and turns to work on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from turnkeeper.domain.turn import Lease, Turn
from turnkeeper.ports import Table
from turnkeeper.stores.turns import TurnStore

from tests.support.world import START, Clock

NewTurn = Callable[..., Turn]


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at the start."""
    return Clock(START)


@pytest.fixture
def turns(table: Table, clock: Clock) -> TurnStore:
    """Give the turns of an empty table."""
    return TurnStore(table, clock)


@pytest.fixture
def blank() -> Turn:
    """Give a turn as a request makes it."""
    return Turn(
        turn_id="turn_1",
        tenant="t",
        customer="carla",
        agent="paint",
        agent_version="1",
        task="moving",
        conversation="conv_1",
        request_fingerprint="fp",
        created_at=START,
        answer_by=START + 3_600,
        request={"message": "Which?"},
    )


@pytest.fixture
def acquire(turns: TurnStore, blank: Turn, clock: Clock) -> NewTurn:
    """Give a way to acquire turns, with a lease of 30 seconds."""

    def make(**changes: object) -> Turn:
        turn, ours = turns.acquire(replace(blank, **changes), Lease(clock() + 30))  # type: ignore[arg-type]
        assert ours
        return turn

    return make
