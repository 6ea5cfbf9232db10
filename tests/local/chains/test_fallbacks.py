"""A fallback in the middle of a tool loop, from any model to any other: nothing is refused, no tool called twice."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations

import pytest
from turnkeeper import Model

from tests.local.chains.chain import MADE, PATHS, Double, Json, Rewrite, Script, desk
from tests.local.chains.conftest import Deploy
from tests.local.chains.lineup import FAILS, MODELS, check, model

LOOP = Script(
    [
        [("find", {"query": "maps"}), ("find", {"query": "atlases"})],
        [("note_down", {"text": "A visitor asks for maps."})],
        [("find", {"query": "globes"})],
    ],
    beside="\n",
)
"""Two parallel calls, then one, then another; a blank text stands beside each."""

SHORT = Script([LOOP.steps[0], LOOP.steps[2]], LOOP.beside)
ONCE = {"find maps": 1, "find atlases": 1, "note A visitor asks for maps.": 1, "find globes": 1}
PAIRS = list(permutations(MODELS, 2))
NAMES = list(MODELS)
NEXT = {name: NAMES[(at + 5) % len(NAMES)] for at, name in enumerate(NAMES)}
"""For each model another one, mostly of another wire."""


SAID_BY = [
    "openai:gpt-6-luna",
    "gemini:gemini-3-flash",
    "deepseek:deepseek-chat",
    "vllm:qwen3-32b",
    "anthropic:claude-haiku-5-5",
    "bedrock:global.amazon.nova-2-lite-v1:0",
]
"""A model of each wire, and of servers that differ in what they want back."""


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=map(" to ".join, PAIRS))
def test_the_second_model_goes_on_where_the_first_stopped(
    first: str, second: str, double: Double, deploy: Deploy
) -> None:
    double.reset(SHORT)
    world = deploy(desk(model(first), model(second)))
    double.after[model(first).name] = (1, [FAILS])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", "first_attempt", second) == (turn["status"], turn["tier"], turn["model"]), turn
    assert {"find maps": 1, "find atlases": 1, "find globes": 1} == MADE.calls
    assert [model(first).name] * 2 + [model(second).name] * 2 == [e.model for e in double.exchanges]


OVER_CHAT = {"azure": "chat"}
VARIANTS = {
    "a Sonnet that thinks": (Model("anthropic:claude-sonnet-5-5", effort="low"), dict[str, str]()),
    "Azure over chat completions": (Model("azure:gpt-5.4-mini", effort="none"), OVER_CHAT),
}


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("other", SAID_BY)
def test_so_does_a_model_that_is_asked_in_another_way(
    other: str, variant: str, is_first: bool, double: Double, deploy: Deploy, url: str
) -> None:
    double.reset(SHORT)
    own, wires = VARIANTS[variant]
    first, second = (own, model(other)) if is_first else (model(other), own)
    stage = {f"endpoints.{name}": {"url": url + PATHS[name], "wire": wire} for name, wire in wires.items()}
    world = deploy(desk(first, second), **stage)
    double.after[first.name] = (1, [FAILS])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", second.id) == (turn["status"], turn["model"])
    assert {"find maps": 1, "find atlases": 1, "find globes": 1} == MADE.calls


@pytest.mark.parametrize("first", MODELS)
def test_a_chain_of_three_makes_one_step_each(first: str, double: Double, deploy: Deploy) -> None:
    double.reset(LOOP)
    second, third = NEXT[first], NEXT[NEXT[first]]
    world = deploy(desk(*map(model, (first, second, third))))
    double.after = {model(name).name: (1, [FAILS]) for name in (first, second)}

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", third, ONCE) == (turn["status"], turn["model"], MADE.calls)


@pytest.mark.parametrize("first", MODELS)
def test_the_next_tier_begins_with_the_first_model_again(first: str, double: Double, deploy: Deploy) -> None:
    double.reset(LOOP)
    second = NEXT[first]
    world = deploy(desk(model(first), model(second)))
    double.after = {model(first).name: (1, [FAILS]), model(second).name: (1, [FAILS])}

    sent = world.send("Where are your maps?")
    world.later(60)
    world.play(sent.json["turn_id"])

    turn = world.get(f"/v1/turns/{sent.json['turn_id']}").json
    check(double)
    assert ("completed", "corrected_retry", first) == (turn["status"], turn["tier"], turn["model"])
    assert 1 == MADE.calls["note A visitor asks for maps."]


# --- what models get wrong --------------------------------------------------------------------------------------------

Call = tuple[str, str, str]
"""Id, name, arguments."""


def _calls(wire: str, answer: Json) -> Iterator[tuple[Json, str, Json]]:
    """Yield each call of an answer: what holds its id, under which name, and what holds its name and arguments."""
    match wire:
        case "responses":
            yield from ((item, "call_id", item) for item in answer["output"] if item["type"] == "function_call")
        case "chat":
            message = answer["choices"][0]["message"]
            yield from ((call, "id", call["function"]) for call in message.get("tool_calls") or ())
        case "anthropic":
            yield from ((block, "id", block) for block in answer["content"] if block["type"] == "tool_use")
        case "bedrock":
            uses = [b["toolUse"] for b in answer["output"]["message"]["content"] if "toolUse" in b]
            yield from ((use, "toolUseId", use) for use in uses)


def changing(change: Callable[[Call], Call]) -> Rewrite:
    """Return what changes every call of an answer; arguments that are no object are left to the wires of texts."""

    def rewrite(wire: str, answer: Json) -> Json:
        for holder, id_name, function in _calls(wire, answer):
            arguments = function["arguments"] if "arguments" in function else json.dumps(function["input"])
            holder[id_name], function["name"], arguments = change((holder[id_name], function["name"], arguments))
            if "arguments" in function:
                function["arguments"] = arguments
        return answer

    return rewrite


WRONG: dict[str, Callable[[Call], Call]] = {
    "a name with a space": lambda call: (call[0], "functions.find now", call[2]),
    "an unknown name": lambda call: (call[0], "look_up", call[2]),
    "a long name": lambda call: (call[0], "find" * 30, call[2]),
    "an empty name": lambda call: (call[0], "", call[2]),
    "an id with a colon": lambda call: ("functions.find:0", call[1], call[2]),
    "a long id": lambda call: ("c" * 70, call[1], call[2]),
    "an empty id": lambda call: ("", call[1], call[2]),
    "one id for all": lambda call: ("call_1", call[1], call[2]),
    "an id like ours": lambda call: ("call00002", call[1], call[2]),
    "arguments that are a list": lambda call: (call[0], call[1], "[1]"),
    "arguments that are no JSON": lambda call: (call[0], call[1], '{"query": '),
    "arguments with NaN": lambda call: (call[0], call[1], '{"query": NaN}'),
    "no arguments": lambda call: (call[0], call[1], ""),
    "half a character": lambda call: (call[0], call[1], '{"query": "\\ud800"}'),
    "a NUL": lambda call: (call[0], call[1], '{"query": "\\u0000"}'),
    "a key of half a character": lambda call: (call[0], call[1], '{"query": "a", "\\udc00": 1}'),
    "deep arguments": lambda call: (call[0], call[1], '{"query": ' + "[" * 200 + "]" * 200 + "}"),
    "very deep arguments": lambda call: (call[0], call[1], '{"query": ' + '{"a":' * 900 + "1" + "}" * 901),
    "a huge number": lambda call: (call[0], call[1], '{"query": 123456789012345678901234567890123456789012}'),
    "a key twice": lambda call: (call[0], call[1], '{"query": "a", "query": "b"}'),
    "other arguments": lambda call: (call[0], call[1], '{"query": {"a": 1}}'),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("first", SAID_BY)
def test_a_wrong_call_is_sent_on_right(first: str, wrong: str, double: Double, deploy: Deploy) -> None:
    double.reset(LOOP)
    second = NEXT[first]
    world = deploy(desk(model(first), model(second), max_steps=12))
    double.rewrite = changing(WRONG[wrong])
    double.after[model(first).name] = (2, [FAILS])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", second) == (turn["status"], turn["model"]), turn
    assert 0 == sum(count > 1 for what, count in MADE.calls.items() if what.startswith("note"))


@pytest.mark.parametrize("beside", ["Let me see.", " ", "\u200b", "\u0000", "Half a \ud83d", "\ud83d"])
@pytest.mark.parametrize("first", SAID_BY)
def test_text_beside_a_call_is_sent_on_right(first: str, beside: str, double: Double, deploy: Deploy) -> None:
    double.reset(replace(LOOP, beside="BESIDE"))
    second = NEXT[first]
    world = deploy(desk(model(first), model(second)))
    double.rewrite = lambda _, answer: json.loads(json.dumps(answer).replace("BESIDE", json.dumps(beside)[1:-1]))
    double.after[model(first).name] = (2, [FAILS])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", second, ONCE) == (turn["status"], turn["model"], MADE.calls), turn


@pytest.mark.parametrize("first", SAID_BY)
def test_more_calls_at_once_than_are_made_are_all_answered(first: str, double: Double, deploy: Deploy) -> None:
    double.reset(Script([[("find", {"query": f"shelf {number}"}) for number in range(12)], *LOOP.steps[1:]]))
    second = NEXT[first]
    world = deploy(desk(model(first), model(second), max_steps=30))
    double.after[model(first).name] = (1, [FAILS])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", second) == (turn["status"], turn["model"])
    assert 8 == sum(what.startswith("find shelf") for what in MADE.calls)


@pytest.mark.parametrize("first", MODELS)
def test_a_call_where_there_are_no_tools_is_no_answer(first: str, double: Double, deploy: Deploy) -> None:
    double.reset(LOOP)
    second = NEXT[first]
    world = deploy(desk(model(first), model(second), tools=[]))
    double.after[model(first).name] = (1, [FAILS])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("awaiting_human", {}) == (turn["status"], MADE.calls)
    assert [model(first).name] * 2 + [model(second).name] == [e.model for e in double.exchanges][:3]


ASKED_AGAIN = {
    "truncated": [{"mode": "truncated", "times": 1}],
    "invalid": [{"mode": "invalid", "times": 1}],
    "blank": [{"mode": "blank", "times": 1}],
    "prose, then a fallback": [{"mode": "prose", "times": 1}, FAILS],
    "refused, and the next may answer": [{"mode": "refusal", "times": 1}],
    "truncated, then a fallback": [{"mode": "truncated", "times": 1}, FAILS],
}


@pytest.mark.parametrize("case", ASKED_AGAIN)
@pytest.mark.parametrize("first", [*SAID_BY, "anthropic:claude-haiku-4-5"])
def test_what_follows_an_odd_answer_is_taken(first: str, case: str, double: Double, deploy: Deploy) -> None:
    double.reset(LOOP)
    second = NEXT[first]
    world = deploy(desk(model(first), model(second), answer_after_refusal=True))
    double.after[model(first).name] = (3, ASKED_AGAIN[case])

    turn = world.says("Where are your maps?")

    check(double)
    answers = second if "next" in case or "fallback" in case else first
    assert ("completed", "first_attempt", answers) == (turn["status"], turn["tier"], turn["model"]), turn
    assert ONCE == MADE.calls


def test_the_same_model_with_another_effort_goes_on(double: Double, deploy: Deploy) -> None:
    double.reset(LOOP)
    calm, keen = (model("anthropic:claude-sonnet-5-5", effort=effort) for effort in ("none", "low"))
    world = deploy(desk(calm, keen))
    double.after[calm.name] = (1, [{"mode": "bad_request", "times": 1}])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", ONCE) == (turn["status"], MADE.calls)
