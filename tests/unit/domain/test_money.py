from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.money import MICRO, format_usd, micro_usd, price_from_json

amounts = st.decimals(min_value=0, max_value=10_000, places=4)
tokens = st.integers(0, 10_000_000)
rates = amounts.map(str) | st.builds(
    lambda base, steps: {"base": str(base), "tiers": [{"start": s, "price": str(p)} for s, p in steps]},
    amounts,
    st.lists(st.tuples(st.integers(1, 1_000_000), amounts), max_size=3, unique_by=lambda step: step[0]),
)
prices = st.fixed_dictionaries(
    {"input": rates, "output": rates}, optional={"cache_read": rates, "cache_write": rates}
).map(price_from_json)


@pytest.mark.parametrize(
    ("dollars", "micro"),
    [("0", 0), ("0.50", 500_000), ("5.00", 5_000_000), ("0.0000001", 1), ("0.0000011", 2), (Decimal("1e-9"), 1)],
)
def test_dollars_are_rounded_up_to_micro_dollars(dollars: str | Decimal, micro: int) -> None:
    assert micro == micro_usd(dollars)


@pytest.mark.parametrize("dollars", ["-1", "NaN", "Infinity", "-Infinity", "", "five", "1,50", "$1"])
def test_what_is_not_an_amount_is_refused(dollars: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        micro_usd(dollars)


@pytest.mark.parametrize(
    ("micro", "dollars"), [(0, "0.000000"), (1, "0.000001"), (1_500_000, "1.500000"), (-1, "-0.000001")]
)
def test_micro_dollars_are_written_with_six_places(micro: int, dollars: str) -> None:
    assert dollars == format_usd(micro)


@given(st.integers(0, 10**15))
def test_what_is_written_is_read_back(micro: int) -> None:
    assert micro == micro_usd(format_usd(micro))


def test_a_cost_is_rounded_up_once_for_the_whole_call() -> None:
    price = price_from_json({"input": "0.4", "output": "1.6"})

    assert 1 == price.cost(input_tokens=1, output_tokens=0)
    assert 2 == price.cost(input_tokens=1, output_tokens=1)
    assert 200 == price.cost(input_tokens=100, output_tokens=100)


def test_a_tier_prices_the_whole_call_above_its_start() -> None:
    price = price_from_json({"input": {"base": "1", "tiers": [{"start": 100, "price": "2"}]}, "output": "0"})

    assert (100, 202) == (
        price.cost(input_tokens=100, output_tokens=0),
        price.cost(input_tokens=101, output_tokens=0),
    )


def test_cached_tokens_have_their_own_price_or_the_inputs() -> None:
    priced = price_from_json({"input": "10", "output": "0", "cache_read": "1", "cache_write": "12"})
    plain = price_from_json({"input": "10", "output": "0"})

    assert 10 * 10 + 5 * 1 + 5 * 12 == priced.cost(input_tokens=20, output_tokens=0, cache_read=5, cache_write=5)
    assert 200 == plain.cost(input_tokens=20, output_tokens=0, cache_read=5, cache_write=5)


@given(prices, tokens, tokens, st.data())
def test_no_call_within_its_bounds_costs_more_than_the_worst_case(
    price: object, most_in: int, most_out: int, data: st.DataObject
) -> None:
    read = data.draw(st.integers(0, most_in))
    cached = data.draw(st.integers(0, read))
    written = data.draw(st.integers(0, read - cached))
    out = data.draw(st.integers(0, most_out))
    worst = price.worst_case(input_tokens=most_in, output_tokens=most_out)  # type: ignore[attr-defined]

    assert worst >= price.cost(input_tokens=read, output_tokens=out, cache_read=cached, cache_write=written)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("rate", "free"), [("0", True), ("0.000000", True), ("0.0001", False)])
def test_only_a_price_of_zero_is_free(rate: str, free: bool) -> None:
    price = price_from_json({"input": rate, "output": "0"})

    assert free == price.is_free == (price.cost(input_tokens=MICRO, output_tokens=0) == 0)


@pytest.mark.parametrize(
    "raw",
    [
        {"input": "-1", "output": "1"},
        {"input": "1", "output": "-1"},
        {"input": {"base": "1", "tiers": [{"start": 5, "price": "-1"}]}, "output": "1"},
        {"input": "1", "output": "1", "cache_read": "-1"},
        {"input": "NaN", "output": "1"},
    ],
    ids=str,
)
def test_a_negative_price_is_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="amount of dollars"):
        price_from_json(raw)
