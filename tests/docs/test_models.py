"""The models that are shipped and taught can be called: none is gone, goes soon, or is refused by its region."""

import datetime as dt
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from anthropic.resources.messages.messages import DEPRECATED_MODELS
from openai.types.shared import chat_model
from turnkeeper.agent import Endpoint, Model
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.export_prices import price_of
from turnkeeper_cli.shutdowns import Shutdown, Shutdowns, host_of
from turnkeeper_cli.shutdowns import shipped as shipped_list

ROOT = Path(__file__).parents[2]
CODE = ("layers/agents", "layers/core", "infra", "functions", "benchmarks", "events")
SHIPPED = (*CODE, "docs", "README.md", "template.yaml")
ABOUT_OLD_MODELS = {"infra/cli/turnkeeper_cli/shutdowns.toml", "infra/local/model_provider/listing.py"}
"""Files that list what goes, so that it is known."""

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


REFUSES = ROOT / "infra/local/model_provider/rules"
"""Here retired models are named to be refused."""


def named(text: str) -> Iterator[str]:
    """The models that a text names."""
    yield from _MODEL.findall(text)


def shipped() -> dict[str, set[str]]:
    """Every model that a file names, by its path."""
    roots = [ROOT / name for name in SHIPPED]
    files = [f for root in roots for f in ([root] if root.is_file() else root.rglob("*")) if f.suffix in TEXT]
    read = {str(f.relative_to(ROOT)): set(named(f.read_text())) for f in files if REFUSES not in f.parents}
    return {file: models for file, models in read.items() if file not in ABOUT_OLD_MODELS}


def test_the_dates_are_read() -> None:
    known = shutdowns()

    assert dt.date(2026, 10, 23) == known["gpt-4.1-nano"]
    assert dt.date(2027, 1, 14) == known["gpt-4.1-mini"]
    assert dt.date(2026, 11, 30) == known["claude-sonnet-4-5"]


def test_the_models_are_found() -> None:
    text = '`"openai:gpt-4.1-mini"`, claude-haiku-4-5, bedrock:amazon.nova-lite-v1:0 and eu.amazon.nova-2-lite-v1:0.'
    models = ["gpt-4.1-mini", "claude-haiku-4-5", "amazon.nova-lite-v1:0", "eu.amazon.nova-2-lite-v1:0"]

    assert models == list(named(text))
    assert {"gpt-6-luna", "claude-haiku-5-5"} <= shipped()["layers/agents/agents/booking.py"]


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


@pytest.mark.parametrize("model", ["gpt-6-luna", "claude-haiku-5-5", "global.amazon.nova-2-lite-v1:0"])
def test_the_examples_use_what_today_s_wires_carry(model: str) -> None:
    assert any(model in models for file, models in shipped().items() if file.startswith("layers/agents"))


SDK = {"gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "chatgpt": "openai", "codex": "openai"}


def host(name: str) -> str:
    return SDK.get(name.partition("-")[0], "anthropic")


def hosted(name: str, at: str) -> Model:
    """A model as it is asked at a host of the list."""
    wires = {"anthropic": "anthropic", "bedrock": "bedrock"}
    if at in ("openai", *wires):
        return Model(f"{at}:{name}")
    return Model(f"{at}:{name}", endpoint=Endpoint(at, "chat", "https://models.example/v1", prices=at))


def entries(shutdowns: Shutdowns) -> list[tuple[str, str, Shutdown]]:
    return [(at, name, one) for at, models in shutdowns.by_host.items() for name, one in models.items()]


@pytest.mark.parametrize("name", sorted(shutdowns()))
def test_the_shipped_list_has_the_dates_of_the_sdks(name: str) -> None:
    found = shipped_list().of(host(name), name)

    assert found, f"the SDK knows when {name} ends: write it into shutdowns.toml"
    assert (shutdowns()[name], host(name)) == (found.ends, found.by)


@pytest.mark.parametrize(
    "entry", sorted({(at, one.use) for at, _, one in entries(shipped_list()) if one.use}), ids=": ".join
)
def test_what_the_list_says_to_write_instead_lives_and_has_a_price(entry: tuple[str, str]) -> None:
    at, use = entry
    name = f"us.{use}" if at == "bedrock" else use

    assert shipped_list().of(at, name) is None
    assert price_of(hosted(name, at))


def test_each_entry_of_the_list_says_where_it_is_known_from() -> None:
    assert all(one.source.startswith("https://") for _, _, one in entries(shipped_list()))
    assert [] == [name for _, name, one in entries(shipped_list()) if one.ends < dt.date(2023, 1, 1)]


def test_nothing_that_is_shipped_or_taught_ends_soon_by_the_shipped_list() -> None:
    """It knows more than the SDKs: other hosts, and ids with a profile or a snapshot."""
    going = {
        file: soon
        for file, models in shipped().items()
        if (soon := {model for model in models if (end := end_of(model)) and end <= UNTIL})
    }

    assert {} == going


def at_endpoints() -> dict[str, set[str]]:
    """Every model that a page names with its endpoint, such as `groq:openai/gpt-oss-120b`, by the page's path."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    names = "|".join(PRESETS)
    return {str(p.relative_to(ROOT)): set(re.findall(rf"\b(?:{names}):[\w][^\s`\"*,]*", p.read_text())) for p in pages}


def test_no_model_that_a_page_names_with_its_endpoint_ends_soon() -> None:
    """Other servers set dates of their own, and name models in ways of their own."""
    found = [(page, Model(name)) for page, names in at_endpoints().items() for name in names]
    ends = [(page, m.id, shipped_list().of(host_of(m.asked_at, m.asked_at.url), m.name)) for page, m in found]

    assert ("docs/models.md", "groq:openai/gpt-oss-120b", None) in ends
    assert [] == [(page, name) for page, name, end in ends if end and end.ends <= UNTIL]


def end_of(model: str) -> dt.date | None:
    found = shipped_list().of("bedrock" if ":" in model else host(model), model)
    return found.ends if found else None
