"""An agent is imported when it is needed, and one that cannot be says where its fault is, every time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from turnkeeper.adapters import agents
from turnkeeper.errors import BrokenAgent, NotFound

from tests.support.agents import BROKEN, GOOD, deployed, fault


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Path]:
    """A package with one good agent and every kind of broken one."""
    with deployed(tmp_path) as written:
        yield written


@pytest.mark.usefixtures("package")
def test_every_agent_is_listed_and_what_begins_with_an_underscore_is_none() -> None:
    assert sorted([*BROKEN, "good"]) == agents.agent_names()


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_agent_names_its_fault_the_first_time_and_the_next(name: str) -> None:
    for _ in range(2):
        with pytest.raises(BrokenAgent) as caught:
            agents.agent(name)
        assert (name, fault(name)) == (caught.value.agent, caught.value.fault)


@pytest.mark.usefixtures("package")
def test_a_good_agent_among_broken_ones_is_loaded() -> None:
    for name in BROKEN:
        with pytest.raises(BrokenAgent):
            agents.agent(name)

    assert "good" == agents.agent("good").name


def test_a_fault_that_has_gone_is_forgotten(package: Path) -> None:
    (package / "good.py").write_text("import no_such_package\n")
    with pytest.raises(BrokenAgent):
        agents.agent("good")
    (package / "good.py").write_text(GOOD)

    assert "good" == agents.agent("good").name


@pytest.mark.usefixtures("package")
def test_an_agent_that_is_not_there_is_not_broken() -> None:
    with pytest.raises(NotFound, match="there is no agent 'nobody'"):
        agents.agent("nobody")


def test_an_interrupt_from_the_keyboard_is_no_fault_of_the_agent(package: Path) -> None:
    (package / "good.py").write_text("raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        agents.agent("good")
