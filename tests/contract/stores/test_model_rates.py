"""What the fleet may ask of a model, or of a tool's service, in a minute, in memory and in moto."""

from collections.abc import Callable, Mapping

import pytest
from turnkeeper.domain.rate_limit import ModelRate
from turnkeeper.ports import Table
from turnkeeper.stores.rates import ModelRates, ToolRates

from tests.support.world import Clock

MODEL = "openai:first"


class Rates:
    """The limits of a stage, over a table."""

    def __init__(self, table: Table, clock: Clock, limits: Mapping[str, ModelRate]) -> None:
        self.store, self.limits = ModelRates(table, clock), limits

    def admits(self, model: str, tokens: Callable[[], int]) -> bool:
        return self.store.admits(self.limits, model, tokens)


def admitted(rates: Rates, tokens: int = 1, model: str = MODEL, tries: int = 30) -> int:
    return sum(rates.admits(model, lambda: tokens) for _ in range(tries))


@pytest.mark.parametrize("limit", [1, 7, 60])
def test_no_minute_admits_more_requests_than_the_limit_however_they_come(
    table: Table, clock: Clock, limit: int
) -> None:
    rates = Rates(table, clock, {MODEL: ModelRate(requests=limit)})
    at_once = admitted(rates, tries=limit + 1)
    later = 0
    for _ in range(59):
        clock.now += 1
        later += admitted(rates, tries=limit // 30 + 2)

    assert limit * 0.97 - 1 <= at_once + later <= limit


def test_a_tenth_may_come_at_once(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {MODEL: ModelRate(requests=110)})

    assert 10 == admitted(rates)


def test_tokens_are_counted_by_their_number(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {MODEL: ModelRate(tokens=11_000)})

    assert 5 == admitted(rates, tokens=200)


def test_a_call_larger_than_the_burst_is_admitted_when_nothing_else_was(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {MODEL: ModelRate(tokens=1_000)})
    first, second = (rates.admits(MODEL, lambda: 900) for _ in range(2))
    clock.now += 60

    assert (True, False, True) == (first, second, rates.admits(MODEL, lambda: 900))


def test_a_call_larger_than_a_minute_is_never_admitted(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {MODEL: ModelRate(tokens=1_000)})

    assert not rates.admits(MODEL, lambda: 1_001)


def test_both_limits_hold_together(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {MODEL: ModelRate(requests=660, tokens=660)})

    assert 6 == admitted(rates, tokens=10)


def test_a_providers_models_share_its_limit(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {"openai:*": ModelRate(requests=66)})
    first = admitted(rates)

    assert (6, 0) == (first, admitted(rates, model="openai:other"))
    assert rates.admits("anthropic:second", lambda: 1)


def test_what_the_providers_limit_denies_does_not_count_for_the_model(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {MODEL: ModelRate(requests=110), "openai:*": ModelRate(requests=11)})
    admitted(rates)

    assert 9 == admitted(Rates(table, clock, {MODEL: ModelRate(requests=110)}))


def test_a_model_without_a_limit_writes_nothing(table: Table, clock: Clock) -> None:
    rates = Rates(table, clock, {"openai:other": ModelRate(requests=1)})

    assert 30 == admitted(rates)
    assert table.query(f"RATE#{MODEL}") == []


@pytest.mark.parametrize("limit", [1, 7, 60])
def test_no_minute_admits_more_requests_to_a_service_than_its_limit(table: Table, clock: Clock, limit: int) -> None:
    fleet = [ToolRates(table, clock) for _ in range(3)]
    admitted = 0
    for _ in range(60):
        admitted += sum(rates.admits("orders", limit) for rates in fleet for _ in range(limit // 120 + 1))
        clock.now += 1

    assert limit * 0.9 - 1 <= admitted <= limit


def test_services_are_counted_apart(table: Table, clock: Clock) -> None:
    rates = ToolRates(table, clock)

    assert [True, False, True] == [rates.admits(name, 1) for name in ("orders", "orders", "crm")]
