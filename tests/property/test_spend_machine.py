"""Money in any order: reservations, settlements, voids, guesses, corrections, sweeps, deaths and the clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import boto3
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from moto import mock_aws
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.reservation import Reservation, Settlement
from turnkeeper.domain.spend import Limit, Limits, utc_day
from turnkeeper.domain.turn import Lease, Turn
from turnkeeper.errors import LimitExceeded, RateLimited, StoreUnavailable, TurnLost
from turnkeeper.ports import Item, Table
from turnkeeper.stores import keys
from turnkeeper.stores.reserve import TENANT_SHARDS
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

from tests.support.tables import Killed, WatchedTable
from tests.support.times import TIMES
from tests.support.world import START, Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIMITS = Limits(task_micro_usd=700, customer_day_micro_usd=1_000, tenant_day_micro_usd=4_000)
SHARD = 400
FAULTS = st.sampled_from(["", "", "", "lost before", "lost after", "killed before", "killed after"])
LEASE = 60.0
REPORT = CallReport("openai:first")
CUSTOMERS = ["carla", "carl"]
TASKS = ["moving", "painting"]


@dataclass
class Call:
    """One reserved call of a model, and what its provider billed."""

    reservation: Reservation
    billed: int | None = None


def _none(_: str, __: object) -> None:
    """No fault."""


class SpendMachine(RuleBasedStateMachine):
    """Drives a SpendStore as runs, sweeps and deaths do, and adds up beside it."""

    make_table: ClassVar[Callable[[], Table]] = MemoryTable
    turns: Bundle[str] = Bundle("turns")
    calls: Bundle[Call] = Bundle("calls")

    @initialize()
    def begin(self) -> None:
        self.clock = Clock(START)
        self.table = WatchedTable(type(self).make_table())
        self.spend, self.store = SpendStore(self.table, self.clock), TurnStore(self.table, self.clock)
        self.known: list[Turn] = []
        self.made: list[Call] = []

    # --- turns and their takeovers --------------------------------------------------------------------------------

    @rule(target=turns, customer=st.sampled_from(CUSTOMERS), task=st.sampled_from(TASKS))
    def acquire(self, customer: str, task: str) -> str:
        name = f"turn_{len(self.known)}"
        turn = Turn(
            turn_id=name,
            tenant="t",
            customer=customer,
            agent="paint",
            agent_version="1",
            task=task,
            conversation=f"c_{name}",
            request_fingerprint="fp",
            request={"message": ""},
            created_at=0,
            answer_by=START * 2,
        )
        mine, _ = self.store.acquire(turn, Lease(self.clock() + LEASE))
        self.known.append(mine)
        return name

    @rule(name=turns)
    def take_over(self, name: str) -> None:
        index = int(name.removeprefix("turn_"))
        try:
            mine = self.store.take_over(self.known[index], Lease(self.clock() + LEASE))
        except TurnLost:
            return
        self.spend.sweep(name, before_epoch=mine.epoch)
        self.known[index] = mine

    @rule(seconds=st.sampled_from([1.0, 61.0, 95.0, 86_400.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    # --- calls ------------------------------------------------------------------------------------------------------

    @rule(
        target=calls,
        name=turns,
        est=st.sampled_from([0, 1, 150, 400, 900, 1_001]),
        part=st.sampled_from([-1, 3, 4]),
        stale=st.booleans(),
        fault=FAULTS,
    )
    def reserve(self, name: str, est: int, part: int, stale: bool, fault: str) -> Call:
        turn = self.known[int(name.removeprefix("turn_"))]
        mine = replace(turn, epoch=turn.epoch - 1) if stale else turn
        held = Reservation(
            reservation_id=f"{name}.first.{mine.epoch}.{len(self.made)}",
            turn_id=name,
            tenant="t",
            customer=turn.customer,
            task=turn.task,
            day=utc_day(self.clock()),
            reserved_micro_usd=est,
            sweep_at=turn.lease_until + Lease.GRACE_S,
            epoch=mine.epoch,
            model="openai:first",
            tier="first",
            tenant_shard=part,
        )
        call = Call(held)
        committed = self.spend.of_day("t", turn.customer, held.day).committed_micro_usd
        limits = LIMITS if part >= 0 else replace(LIMITS, tenant_day_micro_usd=None)
        try:
            with self.fault(fault):
                call.reservation = self.spend.reserve(mine, self.store.owned(mine), held, limits, None).reservation
        except LimitExceeded as error:
            if error.over.limit is Limit.TENANT_DAY:
                shards = [self.counters().get(keys.tenant_day("t", held.day, n), {}) for n in range(TENANT_SHARDS)]
                assert all(est > SHARD - shard.get("committed", 0) for shard in shards)
            else:
                assert est > min(LIMITS.customer_day_micro_usd - committed, error.over.remaining_micro_usd)
        except TurnLost:
            assert stale
        except (RateLimited, StoreUnavailable, Killed):
            assert fault
        else:
            assert not stale
            assert committed + est <= LIMITS.customer_day_micro_usd or est == 0
        self.made.append(call)
        return call

    @rule(call=calls, share=st.floats(0, 1.3), known=st.booleans())
    def bill(self, call: Call, share: float, known: bool) -> None:
        """Bill what was reserved at most, or absurdly more, and settle it, unless the run has died."""
        if self.stored(call) is None or call.billed is not None:
            return
        call.billed = int(call.reservation.reserved_micro_usd * share)
        if known:
            self.spend.settle(Settlement(call.reservation, call.billed, REPORT))

    @rule(call=calls, fault=FAULTS)
    def settle(self, call: Call, fault: str) -> None:
        """Settle what was billed, late or twice."""
        if call.billed is not None:
            with self.endured(fault):
                self.spend.settle(Settlement(call.reservation, call.billed, REPORT))

    @rule(call=calls, fault=FAULTS)
    def void(self, call: Call, fault: str) -> None:
        """Give back what was surely not billed."""
        if call.billed in {None, 0} and self.stored(call) is not None:
            call.billed = 0
            with self.endured(fault):
                self.spend.void(call.reservation, REPORT)

    @rule(call=calls, fault=FAULTS)
    def guess(self, call: Call, fault: str) -> None:
        if self.stored(call) is not None:
            with self.endured(fault):
                self.spend.guess(call.reservation, REPORT)

    @rule(name=turns, fault=FAULTS)
    def sweep(self, name: str, fault: str) -> None:
        before = {r["rid"] for r in self.reservations() if r["st"] == "PENDING" and r["exp"] > self.clock()}
        with self.endured(fault):
            self.spend.sweep(name)

        assert before <= {r["rid"] for r in self.reservations() if r["st"] == "PENDING"}

    @precondition(lambda self: self.known)
    @rule()
    def sweep_twice_changes_nothing(self) -> None:
        for turn in self.known:
            self.spend.sweep(turn.turn_id)

        assert [] == [swept for turn in self.known for swept in self.spend.sweep(turn.turn_id)]

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def committed_is_posted_and_pending(self) -> None:
        if not hasattr(self, "table"):
            return
        held, posted = self.sums("PENDING", "est"), self.sums("POSTED", "actual")
        for key, item in self.counters().items():
            assert item.get("committed", 0) == held.get(key, 0) + posted.get(key, 0)
            assert item.get("posted", 0) == posted.get(key, 0)
        assert not (held.keys() | posted.keys()) - self.counters().keys()

    @invariant()
    def nothing_passes_its_limit(self) -> None:
        if not hasattr(self, "table"):
            return
        above = self.sums("POSTED", "above")
        for (pk, sk), item in self.counters().items():
            limit = (
                SHARD
                if pk.startswith("SPEND#t#/")
                else LIMITS.task_micro_usd
                if sk.startswith("TASK#")
                else LIMITS.customer_day_micro_usd
            )
            assert item["committed"] <= limit + above.get((pk, sk), 0)

    @invariant()
    def what_is_known_to_be_billed_is_posted_or_still_held(self) -> None:
        if not hasattr(self, "table"):
            return
        for call in self.made:
            r = self.stored(call)
            if r is not None and call.billed is not None:
                told = r["st"] == "POSTED" and ("corrected" in r or not r.get("guessed"))
                billed = call.billed if told else min(call.billed, r["est"])
                assert billed <= {"PENDING": r["est"], "POSTED": r.get("actual", 0), "VOIDED": 0}[r["st"]]

    # --- reading ------------------------------------------------------------------------------------------------------

    def stored(self, call: Call) -> Item | None:
        return self.table.inner.get(keys.reservation(call.reservation.turn_id, call.reservation.reservation_id))

    def reservations(self) -> list[Item]:
        return [r for t in self.known for r in self.table.inner.query(f"TURN#{t.turn_id}", prefix="RSV#")]

    def counters(self) -> dict[tuple[str, str], dict[str, int]]:
        owners = [*CUSTOMERS, *(f"/{part}" for part in range(TENANT_SHARDS))]
        items = [item for owner in owners for item in self.table.inner.query(f"SPEND#t#{owner}")]
        return {(item["pk"], item["sk"]): item for item in items}

    def sums(self, state: str, name: str) -> dict[tuple[str, str], int]:
        total: dict[tuple[str, str], int] = {}
        for r in self.reservations():
            if r["st"] == state and r["est"]:
                amount = max(0, r["actual"] - r["est"]) if name == "above" else int(str(r.get(name, 0)))
                places = [keys.customer_day("t", r["customer"], r["day"]), keys.task("t", r["customer"], r["task"])]
                for key in [*places, keys.tenant_day("t", r["day"], r["part"])][: 3 if r["part"] >= 0 else 2]:
                    total[key] = total.get(key, 0) + amount
        return total

    @contextmanager
    def endured(self, what: str) -> Iterator[None]:
        """Let a write be lost or its caller killed, and go on: what it was about can be done again."""
        try:
            with self.fault(what):
                yield
        except (StoreUnavailable, Killed):
            assert what

    @contextmanager
    def fault(self, what: str) -> Iterator[None]:
        """Let the next write be lost, or its caller killed, before or after it happens."""
        error: type[BaseException] = Killed if what.startswith("killed") else StoreUnavailable

        def strike(name: str, _: object) -> None:
            if name in {"write", "transact"}:
                raise error

        if what.endswith("before"):
            self.table.before = strike
        elif what.endswith("after"):
            self.table.after = strike
        try:
            yield
        finally:
            self.table.before = self.table.after = _none


def run(table: Callable[[], Table], examples: int, steps: int) -> None:
    class Machine(SpendMachine):
        make_table = staticmethod(table)

    run_machine(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_money_adds_up_in_any_order_in_memory() -> None:
    run(MemoryTable, 100 * TIMES, 40)


@pytest.fixture
def client() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield boto3.client(
            "dynamodb", region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )


def test_money_adds_up_in_any_order_in_dynamodb(client: "DynamoDBClient") -> None:
    def table() -> Table:
        for old in client.list_tables()["TableNames"]:  # moto copies all tables in each transaction
            client.delete_table(TableName=old)
        name = "table"
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        return DynamoTable(client, name)

    run(table, 8 * TIMES, 20)
