"""Settings and template agree: what the code reads is set, what is set is read, and every parameter is somebody's."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aws_lambda_powertools.shared import constants as powertools
from turnkeeper.adapters.agents import agent, agent_names
from turnkeeper.adapters.callbacks import callback_key
from turnkeeper.adapters.models import model_client
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.settings import Settings

from tests.template.source import FUNCTIONS, GLOBALS, RESOURCES, ROOT, TEMPLATE, environment, of_type, references

GIVEN = set().union(*map(environment, FUNCTIONS))
OTHERS = {
    "AWS_ENDPOINT_URL",  # boto3
    powertools.SERVICE_NAME_ENV,
    powertools.METRICS_NAMESPACE_ENV,
    powertools.POWERTOOLS_LOG_LEVEL_ENV,
    "LOG_LEVEL",  # Powertools too
}
"""Variables that libraries read."""

PARAMETERS = TEMPLATE["Parameters"]


class Watched(Mapping[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked = set[str]()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return {"TABLE_NAME": "table"}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def keys(read: set[str]) -> set[str]:
    """The variables that hold a key itself, for people who try an agent without AWS; never set in a function."""
    return {name for name in read if name.endswith("_KEY")}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What Settings, the clients of the agents' models and the callbacks read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    watched = Watched()
    Settings.from_env(watched)
    secrets = Secrets(watched)
    for model in (model for name in agent_names() for model in agent(name).models):
        model_client(model.asked_at, secrets)
    callback_key(secrets, watched)
    return watched.asked


def test_what_is_read_is_set(read: set[str]) -> None:
    assert read - keys(read) <= GIVEN


def test_what_is_set_is_read(read: set[str]) -> None:
    """What one module alone reads, at its own time, is looked for in the code's text."""
    code = "".join(p.read_text() for folder in ("functions", "layers") for p in (ROOT / folder).rglob("*.py"))

    assert {name for name in GIVEN - read - OTHERS if f'"{name}"' not in code} == set()


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_every_parameter_is_used(name: str) -> None:
    used = {key: value for key, value in TEMPLATE.items() if key not in {"Parameters", "Metadata"}}

    assert name in references(used) | references(TEMPLATE["Conditions"])


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_every_parameter_has_a_default(name: str) -> None:
    """`sam deploy` asks an owner for nothing that they need not decide."""
    assert "Default" in PARAMETERS[name]


def test_an_owner_is_asked_few_questions() -> None:
    assert len(PARAMETERS) <= 25


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_environment_of_a_function_is_small_however_many_tenants_there_are(name: str) -> None:
    """AWS allows 4 KB. What grows with tenants and services is in the stage's item."""
    own = RESOURCES[name]["Properties"].get("Environment", {}).get("Variables", {})
    given = {**GLOBALS["Environment"]["Variables"], **own}
    size = sum(len(variable) + longest(value) for variable, value in given.items())

    assert size < 2_000


def longest(value: Any) -> int:
    """How long a variable's value may become: a parameter's default, or a name, a URL or an ARN of AWS."""
    if isinstance(value, dict) and value.get("Ref") in PARAMETERS:
        return max(len(str(PARAMETERS[value["Ref"]]["Default"])), 20)
    return len(value) if isinstance(value, str) else 130


def test_every_parameter_is_shown_in_a_group() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]

    assert sorted(PARAMETERS) == sorted(shown)


def test_no_key_is_in_the_environment(read: set[str]) -> None:
    assert {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CALLBACK_KEY"} <= keys(read)
    assert set() == keys(read) & GIVEN


def test_the_table_is_safe_from_mistakes() -> None:
    table = of_type("AWS::DynamoDB::Table")["Table"]

    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert ("ttl", True) == (
        table["TimeToLiveSpecification"]["AttributeName"],
        table["TimeToLiveSpecification"]["Enabled"],
    )
    assert "Retain" == TEMPLATE["Resources"]["Table"]["DeletionPolicy"]
    assert "PAY_PER_REQUEST" == table["BillingMode"]
