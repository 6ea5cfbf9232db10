"""What the fleet may ask of a model in a minute, in memory and in moto."""

from turnkeeper.domain.rate_limit import MODEL_BURST_S, ModelRate
from turnkeeper.ports import Table
from turnkeeper.stores.rates import ModelRates

from tests.support.world import Clock

MODEL = "openai:first"


def admitted(rates: ModelRates, tokens: int = 1, model: str = MODEL, tries: int = 30) -> int:
    return sum(rates.admits(model, lambda: tokens) for _ in range(tries))


def test_no_more_requests_are_admitted_than_a_burst_and_the_rate(table: Table, clock: Clock) -> None:
    rates = ModelRates(table, clock, {MODEL: ModelRate(requests=60)})
    at_once = admitted(rates)
    clock.now += 10
    later = admitted(rates)

    assert (MODEL_BURST_S + 1, MODEL_BURST_S + 1) == (at_once, later)


def test_tokens_are_counted_by_their_number(table: Table, clock: Clock) -> None:
    rates = ModelRates(table, clock, {MODEL: ModelRate(tokens=6_000)})

    assert 4 == admitted(rates, tokens=200)


def test_a_call_larger_than_the_burst_is_admitted_when_nothing_else_was(table: Table, clock: Clock) -> None:
    rates = ModelRates(table, clock, {MODEL: ModelRate(tokens=1_000)})
    first, second = (rates.admits(MODEL, lambda: 900) for _ in range(2))
    clock.now += 55

    assert (True, False, True) == (first, second, rates.admits(MODEL, lambda: 900))


def test_both_limits_hold_together(table: Table, clock: Clock) -> None:
    rates = ModelRates(table, clock, {MODEL: ModelRate(requests=600, tokens=600)})

    assert 7 == admitted(rates, tokens=10)


def test_a_providers_models_share_its_limit(table: Table, clock: Clock) -> None:
    rates = ModelRates(table, clock, {"openai:*": ModelRate(requests=60)})
    first = admitted(rates)

    assert (7, 0) == (first, admitted(rates, model="openai:other"))
    assert rates.admits("anthropic:second", lambda: 1)


def test_a_model_without_a_limit_writes_nothing(table: Table, clock: Clock) -> None:
    rates = ModelRates(table, clock, {"openai:other": ModelRate(requests=1)})

    assert 30 == admitted(rates)
    assert table.query(f"RATE#{MODEL}") == []
