"""docs/reference.md lists what the code has: every name of a list, with what the code says of it, and nothing else."""

import re
from pathlib import Path

import pytest
from cyclopts import App
from turnkeeper.api import identity
from turnkeeper.api.problems import TABLE
from turnkeeper.domain.attempt import Outcome
from turnkeeper.domain.breaker import State
from turnkeeper.domain.callbacks import CallbackState
from turnkeeper.domain.effect import EffectState
from turnkeeper.domain.escalation import EscalationState, Listed
from turnkeeper.domain.reasons import ONLY_A_PERSON, Reason
from turnkeeper.domain.reservation import ReservationState
from turnkeeper.domain.telemetry import LOG_FIELDS, Action, Metric
from turnkeeper.domain.tier import CONCLUDE, FUNCTIONS, STATES, Tier
from turnkeeper.domain.turn import Status, TurnState
from turnkeeper.errors import TurnkeeperError
from turnkeeper_cli.app import app

from tests.template.source import RESOURCES, TASKS
from tests.template.test_state_machine import function_of, placeholder

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/core/turnkeeper"
PAGE = ROOT / "docs/reference.md"


def table(heading: str) -> dict[str, list[str]]:
    """The one table under a heading: the first cell of each row, and the cells after it; without backticks."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line[:1] == "|"][2:]
    rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]
    named = {cells[0]: cells[1:] for cells in rows}
    assert lines, heading
    assert len(named) == len(rows), f"{heading}: a name stands twice"
    return named


def modules_that_name(kind: str) -> dict[str, set[str]]:
    """The modules that name each member of an enumeration, such as `Metric.Faults`, but the one that has it."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for name in re.findall(rf"\b{kind}\.(\w+)", path.read_text()):
            if path != PACKAGE / "domain/telemetry.py":
                found.setdefault(name, set()).add(str(path.relative_to(PACKAGE)))
    return found


def errors(kind: type[TurnkeeperError]) -> list[type[TurnkeeperError]]:
    return [kind, *(e for sub in kind.__subclasses__() for e in errors(sub))]


def test_the_metrics_are_the_codes() -> None:
    by = modules_that_name("Metric")

    assert {
        m.name: [m.unit.value, ", ".join(m.dimensions), m.meaning, ", ".join(sorted(by[m.name]))] for m in Metric
    } == table("Metrics")


def test_the_actions_are_the_codes() -> None:
    by = modules_that_name("Action")
    told = {name: cells[-1] for name, cells in table("Actions").items()}

    assert {action.value: ", ".join(sorted(by[action.name])) for action in Action} == told


def test_the_log_fields_are_the_codes() -> None:
    assert {name: [meaning] for name, meaning in LOG_FIELDS.items()} == table("Log fields")


def test_the_reasons_are_the_codes() -> None:
    told = {code: [meaning, after == "a person"] for code, (meaning, after) in table("Reasons").items()}

    assert {reason.value: [reason.meaning, reason in ONLY_A_PERSON] for reason in Reason} == told


def test_the_error_codes_and_their_statuses_are_the_codes() -> None:
    assert {code: str(status) for code, (status, _) in TABLE.items()} == {
        code: cells[0] for code, cells in table("Error codes").items() if cells[0]
    }


def test_every_error_type_is_listed_under_its_code() -> None:
    assert identity.Forbidden in errors(TurnkeeperError)
    by_code: dict[str, list[str]] = {}
    for error in errors(TurnkeeperError):
        if error.__module__.startswith("turnkeeper."):
            by_code.setdefault(error.code, []).append(error.__name__)
    told = {code: cells[1] for code, cells in table("Error codes").items()}

    assert set(by_code) <= set(told)
    assert {code: ", ".join(sorted(by_code.get(code, []))) for code in told} == told


def commands(group: App, above: str = "") -> list[str]:
    """Every command of a group, in the groups below it too."""
    found = []
    for name in group:
        if not name.startswith("-"):
            below = group[name]
            inner = [] if below.default_command else commands(below, f"{above}{name} ")
            found += inner or [f"{above}{name}"]
    return found


def test_the_commands_are_the_codes() -> None:
    assert sorted(commands(app)) == sorted(table("Commands"))


@pytest.mark.parametrize(
    ("heading", "states"),
    [
        ("States of a turn", TurnState),
        ("Statuses of a turn", Status),
        ("States of an escalation", EscalationState),
        ("Outcomes of an attempt", Outcome),
        ("States of a reservation", ReservationState),
        ("States of an effect", EffectState),
        ("States of a breaker", State),
        ("States of a callback", CallbackState),
    ],
)
def test_the_states_are_the_codes(heading: str, states: type[TurnState]) -> None:
    assert [state.value for state in states] == list(table(heading))


def test_how_escalations_are_listed_is_the_codes() -> None:
    told = [cells[0] for cells in table("States of an escalation").values()]

    assert [listed.value for listed in Listed] == [name for name in told if name]


def test_the_tiers_are_called_in_every_place_as_the_table_says() -> None:
    expected = {}
    for tier in Tier:
        state = STATES[tier]
        logical_id = function_of(state)
        assert f"functions/{FUNCTIONS[tier]}" == RESOURCES[logical_id]["Properties"]["CodeUri"]
        expected[tier.value] = [tier.name, state, f"functions/{FUNCTIONS[tier]}", logical_id, placeholder(state)]

    assert expected == table("Tiers")


def test_the_tasks_that_are_no_tier_are_named_below_the_tiers() -> None:
    section = PAGE.read_text().partition("\n## Tiers\n")[2].partition("\n## ")[0]

    assert CONCLUDE in TASKS
    assert all(f"`{task}`" in section for task in TASKS)


def test_the_glossary_defines_each_word_once_in_the_order_of_the_alphabet() -> None:
    words = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)[1:]

    assert sorted(set(words)) == words
    assert 50 < len(words)
