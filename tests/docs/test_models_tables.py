"""docs/models.md: every table of it says what the code does."""

import re
from functools import cache
from typing import Any

import pytest
from agents.booking import agent as booking
from turnkeeper import Endpoint, Model
from turnkeeper.authoring import models as authoring_models
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.billing import bill
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest, Usage
from turnkeeper.domain.known_models import KnownModel, known_model
from turnkeeper.domain.model_names import is_same_model
from turnkeeper.domain.money import format_usd, price_from_json
from turnkeeper.domain.thinking import ALLOWANCE, EFFORTS
from turnkeeper.export_prices import export, price_of
from turnkeeper.runtime import progress
from turnkeeper.runtime.model_calls import input_bound
from turnkeeper_cli import models as cli_models

from tests.docs.snippets import ROOT, rows
from tests.support.world import World

PAGE = ROOT / "docs/models.md"
TEXT = PAGE.read_text()


def plain(cells: list[str]) -> list[str]:
    return [cell.replace("`", "") for cell in cells]


@pytest.mark.parametrize("cells", rows(PAGE, "Which model for what", "for"), ids=lambda cells: cells[1])
def test_each_model_has_the_price_of_the_table(cells: list[str]) -> None:
    _, model_id, *told, note = plain(cells)
    price = price_from_json(price_of(Model(model_id)))
    rates = [price.input, price.cache_read, price.output]

    assert [f"{rate.base.normalize():f}" for rate in rates if rate] == [f"{float(t):g}" for t in told]
    assert price.input.tiers or "dearer" not in note
    assert all(f"above {start:,} tokens" in note for start, _ in price.input.tiers)
    assert ("always thinks" in note) == (known(model_id).efforts != () and "none" not in known(model_id).efforts)


def known(model_id: str) -> KnownModel:
    found = Model(model_id).known
    assert found, model_id
    return found


def in_words(efforts: tuple[str, ...]) -> str:
    """Efforts as the page writes them: `none`, `low` to `max`."""
    has_gap = efforts[0] == "none" and efforts[1] != "minimal"
    ladder = efforts[1:] if has_gap else efforts
    return f"{'none, ' if has_gap else ''}{ladder[0]} to {ladder[-1]}"


@pytest.mark.parametrize("cells", rows(PAGE, "What a model may be told", "such as"), ids=lambda cells: cells[0])
def test_each_family_takes_what_the_table_says(cells: list[str]) -> None:
    names, efforts, own, most = plain(cells)
    for name in names.split(", "):
        model = known_model(name)

        assert model, name
        assert [efforts, own, most] == [in_words(model.efforts), model.effort, f"{model.most_output_tokens:,}"], name


def test_the_settings_of_a_model_are_all_told() -> None:
    told = {cells[0] for cells in map(plain, rows(PAGE, "What a model may be told", "setting"))}
    defaults = {cells[0]: cells[1] for cells in map(plain, rows(PAGE, "What a model may be told", "setting"))}

    assert set(Model.__dataclass_fields__) - {"id"} == told
    assert str(Model.__dataclass_fields__["max_latency_ms"].default) == defaults["max_latency_ms"]
    assert f"({booking.max_output_tokens})" in defaults["max_output_tokens"]
    assert f"at least {authoring_models._LEAST_OUTPUT_TOKENS}" in TEXT


def test_the_allowances_are_the_codes() -> None:
    header = re.search(r"^\| effort \|(.*)\|$", TEXT, re.MULTILINE)
    allowances = re.search(r"^\| allowance, in tokens \|(.*)\|$", TEXT, re.MULTILINE)
    assert header
    assert allowances
    efforts, told = ([cell.strip(" `") for cell in row[1].split("|")] for row in (header, allowances))

    assert {effort: f"{tokens:,}" for effort, tokens in ALLOWANCE.items()} == dict(zip(efforts, told, strict=True))
    assert list(EFFORTS) == efforts


@cache
def first_call() -> ModelRequest:
    """What a turn of booking asks its first model."""
    world = World(booking, prices=export(booking.models, {}))
    world.send("I need a dentist in Palo Alto.", agent="booking")
    return world.models.calls[0][1]


@pytest.mark.parametrize(
    "cells", rows(PAGE, "What thinking costs", "model"), ids=lambda cells: f"{cells[0]} {cells[1]}"
)
def test_a_call_of_booking_reserves_what_the_table_says(cells: list[str]) -> None:
    name, effort, limit, reserved = plain(cells)
    model = Model(name, effort=None if effort == "its own" else effort)
    tokens = model.output_tokens(booking.max_output_tokens)
    price = price_from_json(price_of(model))
    worst = price.worst_case(input_tokens=input_bound(first_call()), output_tokens=tokens)

    assert [f"{tokens:,}", f"${round(float(format_usd(worst)), 4):.4f}"] == [limit, reserved]


def test_the_models_of_booking_are_in_that_table_and_stay_below_a_tenth_of_its_task() -> None:
    told = map(plain, rows(PAGE, "What thinking costs", "model"))
    table = {(name, effort): reserved for name, effort, _, reserved in told}
    own = {(model.id, model.effort or "its own") for model in booking.models}

    assert "whose task may cost $0.50" in TEXT
    assert own <= table.keys()
    assert all(float(table[model].strip("$")) < 0.05 for model in own)


def test_a_truncated_answer_gets_the_limit_that_the_page_tells() -> None:
    assert {4: "four"}[progress._TIMES_LARGER] in TEXT.partition("is `truncated`")[2].partition("\n\n")[0]


def needs(endpoint: Endpoint) -> list[str]:
    """What the table says of an endpoint's traits."""
    said = {
        "no key": endpoint.keyless,
        "answers name other models": endpoint.renames_models,
        "schemas are not strict": endpoint.schemas == "plain",
        "no schemas": endpoint.schemas == "none",
        "not both tools and a schema": not endpoint.tools_with_schema,
        "no effort": not endpoint.effort,
        "says an effort in `reasoning`": endpoint.effort == "reasoning",
        **{f"wants `{field}` back": True for field in endpoint.passes_back},
        "is told not to ask again by itself": endpoint.retries_inside,
    }
    return [words for words, holds in said.items() if holds]


def test_the_endpoints_are_the_codes() -> None:
    told = {plain(cells)[0]: cells[1:] for cells in rows(PAGE, "Endpoints", "endpoint")}
    code = {
        name: [
            f"`{e.url}`" if e.url else "the function's region" if e.wire == "bedrock" else "yours",
            f"`{e.wire}`",
            f"`{e.prices}`" if e.prices else "yours",
            "; ".join(needs(e)),
        ]
        for name, e in PRESETS.items()
    }

    assert code == told


def test_nothing_that_an_endpoint_may_say_is_missing_from_the_words_of_the_table() -> None:
    whole = Endpoint(
        "x",
        "chat",
        keyless=True,
        schemas="plain",
        tools_with_schema=False,
        effort="",
        passes_back=("reasoning",),
        retries_inside=True,
        renames_models=True,
    )
    usual = Endpoint("x", "chat")
    traits = {f for f in Endpoint.__dataclass_fields__ if getattr(whole, f) != getattr(usual, f)}

    assert len(traits) == len(needs(whole))
    assert {"name", "wire", "url", "secret", "prices", "headers", "answer_limit"} == set(
        Endpoint.__dataclass_fields__
    ) - traits


@pytest.mark.parametrize("cells", rows(PAGE, "Bedrock", "such as"), ids=lambda cells: cells[0])
def test_bedrock_does_for_a_family_what_the_table_says(cells: list[str]) -> None:
    name, efforts, schema, caches = plain(cells)
    model = known_model(name)

    assert model
    assert [in_words(model.efforts), model.takes_schema_on_bedrock, model.caches_on_bedrock] == [
        efforts,
        schema == "held to",
        caches == "yes",
    ]


PRICE = price_from_json(
    {"input": "1", "output": "2", "service_tiers": {"priority": {"input": "2", "output": "4"}}}  # dollars per million
)
PRICES = {"m": PRICE, "n": price_from_json({"input": "3", "output": "5"})}
USED = Usage(1_000_000, 1_000_000)
CHEAPER = "a cheaper service tier than was asked for (flex, batch)"
DEARER = "a dearer one (priority, fast, a region or a speed of Anthropic's) that has a price"


def said(*, usage: Usage | None = USED, model: str = "", tier: str = "") -> ModelReply:
    return ModelReply("", (), Finish.STOP, usage, model=model, service_tier=tier)


BILLS = {
    "usage": said(model="m"),
    "no usage, or an absurd one": said(usage=None),
    CHEAPER: said(tier="flex"),
    DEARER: said(tier="priority"),
    "a dearer one without a price": said(tier="fast"),
    "the name of another model, one that has a price": said(model="n"),
    "the name of another model without a price": said(model="o"),
}
COUNTED = {
    "usage": 3_000_000,
    CHEAPER: 3_000_000,
    DEARER: 6_000_000,
    "the name of another model, one that has a price": 8_000_000,
}


@pytest.mark.parametrize("case", BILLS)
def test_an_answer_is_counted_as_the_table_says(case: str) -> None:
    table = {
        what: (counted, warned)
        for what, counted, warned in map(plain, rows(PAGE, "What a hard limit rests on", "what an answer has"))
    }
    counted, warned = table[case]
    billed = bill("m", BILLS[case], PRICES.get, renames_models=False)

    assert COUNTED.get(case) == billed.cost_micro_usd
    assert (counted == "the reservation") == (billed.cost_micro_usd is None)
    # Missing usage is warned of where the call is settled, and not by its bill.
    assert (warned == "yes") == bool(billed.warning or BILLS[case].usage is None)


def test_every_row_of_that_table_is_played_but_the_one_about_the_reservation_itself() -> None:
    told = {plain(cells)[0] for cells in rows(PAGE, "What a hard limit rests on", "what an answer has")}

    assert {"more tokens than the reservation has room for"} == told - BILLS.keys()


def test_the_names_that_the_page_calls_one_model_are() -> None:
    (told,) = re.findall(r"make no other model: `([^`]+)` and `([^`]+)` are\s+`([^`]+)`", TEXT)

    assert all(is_same_model(told[2], name) for name in told[:2])


def test_the_days_are_those_of_the_command() -> None:
    assert cli_models.models.__kwdefaults__ is not None
    days: Any = cli_models.models.__kwdefaults__["days"]

    assert f"goes within {days} days" in TEXT
