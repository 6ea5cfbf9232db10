"""The rules by which local services fail, and the paths that control them."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local.faults import Calls, FaultError, Faults, control
from infra.local.http_service import Request

MODES = ("error", "slow")


def faults(*rules: dict[str, Any]) -> Faults:
    made = Faults(MODES)
    made.put(list(rules))
    return made


def test_the_first_rule_that_matches_wins() -> None:
    rules = faults(
        {"model": "claude-*", "mode": "slow"}, {"model": "*", "mode": "error"}, {"model": "*", "mode": "slow"}
    )

    rule = rules.take("gpt-4.1")

    assert rule
    assert rule.mode == "error"


def test_times_count_down_exactly_under_threads() -> None:
    rules = faults({"model": "*", "mode": "error", "times": 50})
    with ThreadPoolExecutor(20) as threads:
        taken = list(threads.map(lambda _: rules.take("m"), range(200)))

    assert len([rule for rule in taken if rule]) == 50
    assert rules.rules() == []


def test_without_times_a_rule_stays() -> None:
    rules = faults({"model": "*", "mode": "error", "times": None})

    assert all(rules.take("m") for _ in range(5))


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "*", "mode": "error"},
        ["error"],
        [{"model": "*"}],
        [{"model": "*", "mode": "explode"}],
        [{"model": 1, "mode": "error"}],
        [{"model": "*", "mode": ["error"]}],
        [{"model": "*", "mode": "error", "times": 0}],
        [{"model": "*", "mode": "error", "times": True}],
        [{"model": "*", "mode": "slow", "seconds": -1}],
        [{"model": "*", "mode": "slow", "often": 1}],
    ],
)
def test_what_is_not_a_rule_is_refused_and_changes_nothing(wrong: Any) -> None:
    rules = faults({"model": "*", "mode": "error"})

    with pytest.raises(FaultError):
        rules.put(wrong)

    assert len(rules.rules()) == 1


def test_control_sets_shows_and_clears() -> None:
    rules, calls = faults(), Calls()

    def ask(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        response = control(Request(method, path, {}, {}, body), rules, calls)
        assert response
        return response.status, json.loads(response.body)

    shown = {"model": "gpt-*", "mode": "slow", "times": 2, "seconds": 3.0}
    assert ask("PUT", "/_faults", b'[{"model": "gpt-*", "mode": "slow", "times": 2}]') == (200, [shown])
    assert ask("PUT", "/_faults", b"not json")[0] == 400
    assert "explode" in ask("PUT", "/_faults", b'[{"model": "*", "mode": "explode"}]')[1]["error"]
    assert ask("GET", "/_faults") == (200, [shown])
    assert ask("DELETE", "/_faults") == (200, [])
    assert control(Request("GET", "/elsewhere", {}, {}, b""), rules, calls) is None
