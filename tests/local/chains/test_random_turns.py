"""Turns in which everything goes wrong by chance: chains, steps, texts, calls and failures; a seed decides them all."""

import json
from random import Random
from typing import Any

import pytest
from turnkeeper import Agent

from infra.local.model_provider.modes import MODES
from tests.local.chains.chain import MADE, Double, Json, Script, Step, desk
from tests.local.chains.conftest import Deploy
from tests.local.chains.lineup import MODELS, check, model
from tests.local.chains.test_fallbacks import WRONG, changing

SEEDS = range(40)
FAILURES = sorted(MODES - {"hang", "drip", "slow", "other_model", "filter", "refusal"})
"""All that are quick, and after which the turn goes on with the same thoughts."""

TEXTS = ["", "Let me see.", " ", "\n\n", "\u200b", "\x00", "Half a \ud83d", "word " * 60]


def steps(random: Random) -> list[Step]:
    """One to three steps, each of one to three calls; no two calls are alike."""
    found: list[Step] = []
    for at in range(random.randint(1, 3)):
        words = [f"{at}-{number}" for number in range(random.randint(1, 3))]
        found.append(
            [random.choice([("find", {"query": word}), ("note_down", {"text": f"seen {word}"})]) for word in words]
        )
    return found


def misbehave(double: Double, random: Random, agent: Agent[Any]) -> None:
    """Let each model fail after a while, and any answer have an odd text and wrong calls."""
    for one in agent.chain:
        modes = [{"mode": random.choice(FAILURES), "times": random.randint(1, 2)} for _ in range(random.randint(1, 3))]
        double.after[one.name] = (random.randint(1, 3), modes)

    def rewrite(wire: str, answer: Json) -> Json:
        said = json.dumps(answer).replace("BESIDE", json.dumps(random.choice(TEXTS))[1:-1])
        changed: Json = json.loads(said)
        is_wrong = random.random() < 0.5 and not changed.get("error")
        return changing(random.choice(list(WRONG.values())))(wire, changed) if is_wrong else changed

    double.rewrite = rewrite


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_refused_and_nothing_done_twice(seed: int, double: Double, deploy: Deploy) -> None:
    random = Random(seed)
    double.reset(Script(steps(random), beside="BESIDE"))
    chain = map(model, random.sample(list(MODELS), random.randint(2, 4)))
    agent = desk(*chain, max_steps=20, answer_after_refusal=random.random() < 0.3)
    world = deploy(agent)
    misbehave(double, random, agent)

    turn = world.says("Where are your maps?")

    check(double)
    assert turn["status"] in ("completed", "awaiting_human")
    assert set() == {what for what, count in MADE.calls.items() if what.startswith("note seen") and count > 1}
    assert [] == [warning for warning, _ in world.telemetry.warnings if "client failed" in warning]
