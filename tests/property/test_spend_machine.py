"""Money in any order: reservations, settlements, voids, guesses, corrections, sweeps, deaths and the clock."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import boto3
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
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
from turnkeeper.stores.counters import SHARDED, SHARDS, shard_key
from turnkeeper.stores.items import RESERVATION
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

from tests.support.tables import Killed, WatchedTable
from tests.support.times import TIMES
from tests.support.world import START, Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIMITS = Limits(
    task_micro_usd=700,
    customer_day_micro_usd=1_000,
    tenant_day_micro_usd=4_000,
    customer_month_micro_usd=900,
    stack_day_micro_usd=3_900,
)
SHARD, STACK_SHARD = 400, 390
HELD_TO = {
    "SPEND#/": STACK_SHARD,
    "SPEND#.#/": SHARD,
    ".* TASK#": LIMITS.task_micro_usd,
    ".* MONTH#": LIMITS.customer_month_micro_usd or 0,
    ".* DAY#": LIMITS.customer_day_micro_usd,
}
"""The limit of each counter, by how its keys begin."""

FAULTS = st.sampled_from(["", "", "", "lost before", "lost after", "killed before", "killed after"])
LEASE = 60.0
REPORT = CallReport("openai:first")
TENANTS = ["t", "u"]
Under = tuple[bool, int, int]
"""Whether the month has a limit, and the shards to try first under the tenant's and the stack's; -1: no such limit."""

UNDER = st.sampled_from([(False, -1, -1), (True, -1, -1), (False, 3, -1), (False, 3, 5), (True, 4, 3), (True, 3, 3)])
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

    @initialize(target=turns)
    def begin(self) -> str:
        self.clock = Clock(START)
        self.table = WatchedTable(type(self).make_table())
        self.spend, self.store = SpendStore(self.table, self.clock), TurnStore(self.table, self.clock)
        self.known: list[Turn] = []
        self.made: list[Call] = []
        return self._acquire("t", "carla", "moving")

    # --- turns and their takeovers --------------------------------------------------------------------------------

    @rule(
        target=turns,
        tenant=st.sampled_from(TENANTS),
        customer=st.sampled_from(CUSTOMERS),
        task=st.sampled_from(TASKS),
    )
    def acquire(self, tenant: str, customer: str, task: str) -> str:
        return self._acquire(tenant, customer, task)

    def _acquire(self, tenant: str, customer: str, task: str) -> str:
        name = f"turn_{len(self.known)}"
        turn = Turn(
            turn_id=name,
            tenant=tenant,
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
        under=UNDER,
        stale=st.sampled_from([False, False, False, True]),
        fault=FAULTS,
    )
    def reserve(self, name: str, est: int, under: Under, stale: bool, fault: str) -> Call:
        return self._reserve(name, est, under, stale=stale, fault=fault)

    @rule(target=calls, name=turns, ests=st.lists(st.sampled_from([90, 150, 390]), min_size=2, max_size=6), under=UNDER)
    def reserve_many(self, name: str, ests: list[int], under: Under) -> MultipleResults[Call]:
        return multiple(*(self._reserve(name, est, under) for est in ests))

    def _reserve(self, name: str, est: int, under: Under, *, stale: bool = False, fault: str = "") -> Call:
        """Reserve under the task and the day, and under those of the other limits that are on just now."""
        month, part, stack_part = under
        turn = self.known[int(name.removeprefix("turn_"))]
        mine = replace(turn, epoch=turn.epoch - 1) if stale else turn
        held = Reservation(
            reservation_id=f"{name}.first.{mine.epoch}.{len(self.made)}",
            turn_id=name,
            tenant=turn.tenant,
            customer=turn.customer,
            task=turn.task,
            day=utc_day(self.clock()),
            reserved_micro_usd=est,
            sweep_at=turn.lease_until + Lease.GRACE_S,
            epoch=mine.epoch,
            model="openai:first",
            tier="first",
            tenant_shard=part,
            stack_shard=stack_part,
        )
        call = Call(held)
        committed = self.spend.of_day(turn.tenant, turn.customer, held.day).committed_micro_usd
        limits = replace(
            LIMITS,
            tenant_day_micro_usd=None if part < 0 else LIMITS.tenant_day_micro_usd,
            stack_day_micro_usd=None if stack_part < 0 else LIMITS.stack_day_micro_usd,
            customer_month_micro_usd=LIMITS.customer_month_micro_usd if month else None,
        )
        try:
            with self.fault(fault):
                call.reservation = self.spend.reserve(mine, self.store.owned(mine), held, limits, None).reservation
        except LimitExceeded as error:
            if error.over.limit in SHARDED:
                places = [shard_key(error.over.limit, turn.tenant, held.day, n) for n in range(SHARDS)]
                share = SHARD if error.over.limit is Limit.TENANT_DAY else STACK_SHARD
                assert all(est > share - self.counters().get(key, {}).get("committed", 0) for key in places)
            else:
                assert est > min(LIMITS.customer_day_micro_usd - committed, error.over.remaining_micro_usd)
        except TurnLost:
            assert stale
        except (RateLimited, StoreUnavailable, Killed):
            assert fault
            kept = self.stored(call)  # where it was written after all, a sweep knows what the caller does not
            call.reservation = RESERVATION.read(kept) if kept else held
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
            limit = next(limit for place, limit in HELD_TO.items() if re.match(place, f"{pk} {sk}"))
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
        shards = [f"/{part}" for part in range(SHARDS)]
        owners = [*shards, *(f"{tenant}#{owner}" for tenant in TENANTS for owner in (*CUSTOMERS, *shards))]
        items = [item for owner in owners for item in self.table.inner.query(f"SPEND#{owner}")]
        return {(item["pk"], item["sk"]): item for item in items}

    def sums(self, state: str, name: str) -> dict[tuple[str, str], int]:
        total: dict[tuple[str, str], int] = {}
        for r in self.reservations():
            if r["st"] == state and r["est"]:
                amount = max(0, r["actual"] - r["est"]) if name == "above" else int(str(r.get(name, 0)))
                who, day = (r["tenant"], r["customer"]), r["day"]
                places = [keys.customer_day(*who, day), keys.task(*who, r["task"])]
                places += [keys.customer_month(*who, day[:7])] if r["month"] else []
                places += [keys.tenant_day(r["tenant"], day, r["part"])] if r["part"] >= 0 else []
                places += [keys.stack_day(day, r["stack_part"])] if r["stack_part"] >= 0 else []
                for key in places:
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
    run(MemoryTable, 150 * TIMES, 40)


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

    run(table, 4 * TIMES, 20)
