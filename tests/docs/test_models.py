"""The models that are shipped and taught can be called: none is gone, goes soon, or is refused by its region."""

import datetime as dt
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from anthropic.resources.messages.messages import DEPRECATED_MODELS
from openai.types.shared import chat_model

ROOT = Path(__file__).parents[2]
CODE = ("layers/agents", "layers/core", "infra", "functions", "benchmarks", "events")
SHIPPED = (*CODE, "docs", "README.md", "template.yaml")
TEXT = {".py", ".md", ".txt", ".js", ".json", ".yaml", ".toml"}

UNTIL = dt.date(2027, 1, 31)
"""Nobody should have to change a model that they were taught within two months."""

_MODEL = re.compile(
    r"(?<![\w.-])"
    r"(?:gpt-\d[\w.-]*\w|claude-[\w.-]*\w|(?:[a-z-]+\.)?(?:amazon|anthropic|openai|meta)\.[a-z][\w.-]*:\d+)"
)
_PROFILE = re.compile(r"(?:global|us|us-gov|eu|apac|jp|au)\.")


def shutdowns() -> dict[str, dt.date]:
    """When the official SDKs say that models are shut down."""
    said = " ".join(inspect.getsource(chat_model).split())
    openai = {
        name: dt.date.fromisoformat(day)
        for names, day in re.findall(r'- ((?:"[^"]+",? ?)+): Announced shutdown date: (\d{4}-\d\d-\d\d)', said)
        for name in re.findall(r'"([^"]+)"', names)
    }
    anthropic = {
        name: dt.datetime.strptime(re.sub(r"(\d)(st|nd|rd|th)", r"\1", day), "%B %d, %Y").replace(tzinfo=dt.UTC).date()
        for name, day in DEPRECATED_MODELS.items()
    }
    return openai | anthropic


def named(text: str) -> Iterator[str]:
    """The models that a text names."""
    yield from _MODEL.findall(text)


def shipped() -> dict[str, set[str]]:
    """Every model that a file names, by its path."""
    roots = [ROOT / name for name in SHIPPED]
    files = [f for root in roots for f in ([root] if root.is_file() else root.rglob("*")) if f.suffix in TEXT]
    return {str(f.relative_to(ROOT)): set(named(f.read_text())) for f in files}


def test_the_dates_are_read() -> None:
    known = shutdowns()

    assert dt.date(2026, 10, 23) == known["gpt-4.1-nano"]
    assert dt.date(2027, 1, 14) == known["gpt-4.1-mini"]
    assert dt.date(2026, 11, 30) == known["claude-sonnet-4-5"]


def test_the_models_are_found() -> None:
    text = '`"openai:gpt-4.1-mini"`, claude-haiku-4-5, bedrock:amazon.nova-lite-v1:0 and eu.amazon.nova-2-lite-v1:0.'
    models = ["gpt-4.1-mini", "claude-haiku-4-5", "amazon.nova-lite-v1:0", "eu.amazon.nova-2-lite-v1:0"]

    assert models == list(named(text))
    assert {"gpt-5.4-mini", "claude-haiku-4-5"} <= shipped()["layers/agents/agents/booking.py"]


def test_nothing_that_is_shipped_or_taught_uses_a_model_that_is_gone_or_goes_soon() -> None:
    going = {name for name, day in shutdowns().items() if day <= UNTIL}

    assert {} == {file: models & going for file, models in shipped().items() if models & going}


def test_nothing_that_is_shipped_or_taught_names_a_model_of_bedrock_without_its_inference_profile() -> None:
    """Outside a region or two, a bare id is refused: `on-demand throughput isn't supported`."""
    bare = {
        file: found
        for file, models in shipped().items()
        if (found := {model for model in models if ":" in model and not _PROFILE.match(model)})
    }

    assert {} == bare


@pytest.mark.parametrize("model", ["gpt-5.4-mini", "claude-haiku-4-5", "global.amazon.nova-2-lite-v1:0"])
def test_the_examples_use_what_today_s_wires_carry(model: str) -> None:
    assert any(model in models for file, models in shipped().items() if file.startswith("layers/agents"))
