"""A chain over four endpoints answers while any one of them is left."""

import pytest

from tests.local.chains.chain import Double, Script, desk
from tests.local.chains.conftest import Deploy
from tests.local.chains.lineup import check, model

CHAINS = {
    "clouds": ("openai:gpt-6-luna", "groq:openai/gpt-oss-120b", "gemini:gemini-3-flash", "openrouter:openai/gpt-6-sol"),
    "wires": (
        "azure:gpt-6.1-terra",
        "anthropic:claude-haiku-5-5",
        "bedrock:global.amazon.nova-2-lite-v1:0",
        "mistral:mistral-large-latest",
    ),
}
MODES = ("error", "model_gone", "error_in_200", "garbage", "no_credit")
CASES = [(chain, survivor, mode) for chain, names in CHAINS.items() for survivor in names for mode in MODES]
CASES.append(("clouds", CHAINS["clouds"][-1], "hang"))  # each hung call takes its time
LIMIT_MS = 550
"""A little more than the least time that is worth a call."""


@pytest.mark.parametrize(("chain", "survivor", "mode"), CASES)
def test_three_of_four_fail(chain: str, survivor: str, mode: str, double: Double, deploy: Deploy) -> None:
    double.reset(Script([[("find", {"query": "maps"})]]))
    changes = {"max_latency_ms": LIMIT_MS} if mode == "hang" else {}
    world = deploy(desk(*(model(name, **changes) for name in CHAINS[chain])))
    names = [name.partition(":")[2] for name in CHAINS[chain] if name != survivor]
    double.plays(*({"model": name, "mode": mode} for name in names))

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", "first_attempt", survivor) == (turn["status"], turn["tier"], turn["model"])
