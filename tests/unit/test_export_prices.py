"""What models cost is looked up when the layer is built, and a model without a price fails the build."""

import json
from pathlib import Path
from typing import Any

import pytest
from turnkeeper import Model
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.export_prices import export, main

from tests.support.agents import deployed

KNOWN, UNKNOWN = Model("openai:gpt-5.4-mini", 1_000), Model("openai:my-model", 1_000)
OWN = {"input": "0.4", "output": "1.6"}


def test_a_known_model_has_the_public_price() -> None:
    assert {"input": "0.75", "output": "4.5"}.items() <= export([KNOWN], {})[KNOWN.id].items()


def test_the_owners_price_goes_before_the_public_one() -> None:
    assert {KNOWN.id: {"input": "9", "output": "9"}} == export([KNOWN], {KNOWN.id: {"input": "9", "output": "9"}})


def test_a_model_that_nobody_knows_is_priced_by_its_owner() -> None:
    assert {UNKNOWN.id: OWN} == export([UNKNOWN], {UNKNOWN.id: OWN})


@pytest.mark.parametrize("own", [{}, {UNKNOWN.id: {"input": "1"}}, {UNKNOWN.id: {"input": "x", "output": "1"}}])
def test_a_model_without_a_price_fails_and_says_what_to_write(own: dict[str, Any]) -> None:
    with pytest.raises(LookupError, match=r"layers/agents/prices\.json.*openai:my-model"):
        export([UNKNOWN], own)


def test_a_service_tier_without_a_price_fails_and_says_what_to_write() -> None:
    urgent = Model("openai:gpt-6-luna", options={"service_tier": "priority"})
    with pytest.raises(LookupError, match=r'write it into its price as "service_tiers": \{"priority"'):
        export([urgent], {})

    own = {"input": "0.1", "output": "0.5", "service_tiers": {"priority": {"input": "0.2", "output": "1"}}}
    assert {urgent.id: own} == export([urgent], {urgent.id: own})


def test_the_build_writes_the_prices_of_every_agents_models(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"openai:gpt-6-luna": OWN}))
    main(str(tmp_path / "prices.json"), str(own))
    prices = json.loads((tmp_path / "prices.json").read_text())

    assert OWN == prices["openai:gpt-6-luna"]
    assert {"anthropic:claude-haiku-5-5", "bedrock:global.amazon.nova-2-lite-v1:0"} <= prices.keys()


def test_the_build_names_every_broken_agent_with_its_line_and_what_to_do(tmp_path: Path) -> None:
    with deployed(tmp_path), pytest.raises(SystemExit) as caught:
        main(str(tmp_path / "prices.json"))
    told = dict(
        line.removeprefix("layers/agents/agents/").split(": ", 1) for line in str(caught.value.code).split("\n")
    )

    wanted = "run `uv add --group agents PACKAGE` with the package that has it, then `make layers`"
    assert told == {
        "_helper.py:1": "ZeroDivisionError: division by zero",
        "ends.py:2": "SystemExit: 1",
        "no_module.py:3": f"No module named 'no_such_package': {wanted}",
        "no_syntax.py:2": "SyntaxError: invalid syntax",
        "nothing.py:1": "the file must define `agent = Agent(name='nothing', ...)`",
        "wrong.py:4": f"Model('first'): write provider:name, where provider is one of {', '.join(PRESETS)}, "
        "or name its endpoint=Endpoint(...)",
    }
    assert not (tmp_path / "prices.json").exists()


def test_what_only_the_export_needs_does_not_stand_in_for_an_agents_requirement(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "only_prices_need_it.py").touch()
    with deployed(tmp_path, {"needy": "import only_prices_need_it\n"}), pytest.raises(SystemExit) as caught:
        main(str(tmp_path / "prices.json"), "", str(library))

    assert "needy.py:1: No module named 'only_prices_need_it'" in str(caught.value.code)
