"""What is deployed again is in force: `live` of every function moves where something changed, and else of none."""

from dataclasses import dataclass

import pytest

from tests.e2e.own_stack import AGENT, OwnStack

pytestmark = pytest.mark.cloud


@dataclass(frozen=True)
class Served:
    """What `live` says: the versions, what a customer may spend in a day, and what they may with the agent."""

    versions: dict[str, str]
    day_usd: str
    agent_day_usd: str

    @classmethod
    def by(cls, stack: OwnStack) -> "Served":
        """Ask the API."""
        spend = "/v1/customers/carla/spend"
        days = [stack.get(path).json()["limit_usd"] for path in (spend, f"{spend}?agent=parcels")]
        return cls(stack.live(), *days)

    def moved_since(self, before: "Served") -> set[int]:
        """By how many versions each function moved."""
        assert self.versions.keys() == before.versions.keys()
        return {int(self.versions[name]) - int(before.versions[name]) for name in self.versions}


@pytest.fixture(scope="module")
def history(own_stack: OwnStack) -> list[Served]:
    """What was served at first, then after another value of a parameter, another agent, and no change."""
    seen = [Served.by(own_stack)]
    own_stack.deploy("CustomerDayLimitUsd=7.00")
    seen.append(Served.by(own_stack))
    file, name = own_stack.project / AGENT, '    name="parcels",\n'
    file.write_text(file.read_text().replace(name, f'{name}    customer_day_limit_usd="3.00",\n'))
    own_stack.deploy()
    seen.append(Served.by(own_stack))
    own_stack.deploy()
    seen.append(Served.by(own_stack))
    return seen


def test_the_first_deployment_serves_the_first_version_of_every_function(history: list[Served]) -> None:
    assert (12, {"1"}) == (len(history[0].versions), set(history[0].versions.values()))
    assert ("5.000000", "5.000000") == (history[0].day_usd, history[0].agent_day_usd)


def test_another_value_of_a_parameter_is_served_by_every_function(history: list[Served]) -> None:
    assert {1} == history[1].moved_since(history[0])
    assert ("7.000000", "7.000000") == (history[1].day_usd, history[1].agent_day_usd)


def test_another_agent_is_served_by_every_function_and_the_parameters_stay(history: list[Served]) -> None:
    assert {1} == history[2].moved_since(history[1])
    assert ("7.000000", "3.000000") == (history[2].day_usd, history[2].agent_day_usd)


def test_where_nothing_changed_nothing_is_published(history: list[Served]) -> None:
    assert history[2] == history[3]
