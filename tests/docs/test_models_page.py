"""docs/models.md: every snippet of it runs, and does what the page says."""

import json
import re
import shlex
import tomllib

import pytest
from agents.booking import agent as booking
from turnkeeper import Model
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.money import price_from_json
from turnkeeper.domain.places import is_clear
from turnkeeper.domain.stage import StageSettings
from turnkeeper.domain.stage_file import settings_from_json
from turnkeeper.export_prices import export
from turnkeeper_cli import models as cli_models
from turnkeeper_cli.app import app, main

from tests.docs.snippets import ROOT, Snippet, commands, run, snippets

PAGE = ROOT / "docs/models.md"
TEXT = PAGE.read_text()
FILES = snippets(PAGE, "toml")


def read(snippet: Snippet) -> StageSettings:
    return settings_from_json(json.dumps(tomllib.loads(snippet.text)))


def test_the_python_runs_from_top_to_bottom() -> None:
    names = run(snippets(PAGE, "python"))
    models = [*names["chain"], *names["alternative"], *names["mixed"], *names["others"], names["deployed"]]

    assert {"openai", "groq", "gemini", "bedrock"} == {model.asked_at.name for model in names["mixed"]}
    assert {model.id for model in models} == export(models, {}).keys()


@pytest.mark.parametrize("code", re.findall(r"`(Model\(\"[^.`][^`]*\))`", TEXT))
def test_the_models_in_the_text_can_be_written_so(code: str) -> None:
    assert isinstance(eval(code, {"Model": Model}), Model)  # noqa: S307 - the page's own


@pytest.mark.parametrize("snippet", FILES, ids=str)
def test_each_stages_file_is_a_right_one(snippet: Snippet) -> None:
    settings = read(snippet)

    assert settings.endpoints.keys() <= PRESETS.keys()
    assert not any(is_clear(here.url or "", settings.private_hosts) for here in settings.endpoints.values())


def test_the_models_that_a_stage_asks_first_are_ones_that_the_agent_asks() -> None:
    named = [name for file in map(read, FILES) for name in file.first.get("booking", ())]

    assert named
    assert set(named) <= {model.id for model in booking.chain}


def test_a_price_of_ones_own_lets_a_service_tier_be_asked_for() -> None:
    urgent = run(snippets(PAGE, "python"))["urgent"]
    own = json.loads(snippets(PAGE, "json")[1].text)

    assert own == export([urgent], own)
    assert price_from_json(own[urgent.id]).served(urgent.service_tier)
    with pytest.raises(LookupError, match="has no price in its service tier"):
        export([urgent], {})


def test_a_price_of_nothing_is_the_owners_word() -> None:
    own = json.loads(snippets(PAGE, "json")[0].text)
    models = [Model(name) for name in own]

    assert own == export(models, own)
    with pytest.raises(LookupError, match="has no price"):
        export(models, {})


@pytest.mark.parametrize("command", commands(PAGE))
def test_the_commands_are_ones_that_turnkeeper_knows(command: str) -> None:
    assert ["uv", "run", "turnkeeper"] == shlex.split(command)[:3]
    assert app.parse_args(shlex.split(command)[3:], print_error=False, exit_on_error=False)


def test_the_examples_pass_the_check_that_the_page_tells_ci_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(cli_models, "has_local_stack", lambda: False)

    assert 0 == main(shlex.split(commands(PAGE)[0])[3:])


def test_nothing_on_the_page_is_left_out() -> None:
    assert {"python", "toml", "json", "console"} == set(re.findall(r"^```(\w+)$", TEXT, re.MULTILINE))
