"""A real LiteLLM proxy between the product and its providers: what it passes on, and what we make of its answers."""

from typing import Any

import pytest
from agents.triage import agent as triage
from turnkeeper import Alternative, Model
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest
from turnkeeper.domain.failures import CONSEQUENCES, Billed, Failure
from turnkeeper.errors import DependencyError

from infra.local.faults import STATUSES
from infra.local.model_provider.modes import MODES
from infra.local.tools_service.app import ToolsService
from tests.gateways.places import Places
from tests.local.chats import Conversation
from tests.support.world import World, paint

pytestmark = pytest.mark.gateway

Json = dict[str, Any]
WAYS = [
    ("chat", "chat"),
    ("chat", "custom"),
    ("chat", "azure"),
    ("chat", "claude"),
    ("responses", "chat"),
    ("responses", "luna"),
    ("anthropic", "claude"),
]
"""A wire between us and the proxy, and a model behind it."""

PAUSE = {"Retry-After": "7"}
AZURE_FILTER = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry."
)


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error", **more: Any) -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}


BUSY = openai("Rate limit reached for gpt-5.4-mini.", "rate_limit_exceeded", "requests")
OVERLOADED = openai("The engine is currently overloaded.", None, "server_error")


def failure(places: Places, model: str, wire: str = "chat", **more: Any) -> DependencyError:
    with pytest.raises(DependencyError) as caught:
        places.ask(model, wire, **more)
    return caught.value


# --- what is passed on ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wire", "model"), WAYS)
def test_a_conversation_calls_tools_over_several_steps(places: Places, wire: str, model: str) -> None:
    chat = Conversation(places.client(wire), ToolsService([]), name=model)
    chat.say("I need a dentist in Wexley on Friday at 2 pm")
    booked = chat.say("Yes please, thank you")

    assert booked.output
    assert ["find_provider", "find_provider", "book_appointment"] == [call.name for call in chat.called]
    assert ["ok"] * 5 == [call["mode"] for call in places.calls()]


@pytest.mark.parametrize(("wire", "model"), WAYS)
def test_an_answer_has_the_schema_that_was_asked_for(places: Places, wire: str, model: str) -> None:
    answer = Conversation(places.client(wire), ToolsService([]), triage, model).say("I was charged twice for A-1001")

    assert answer.output_json()
    assert [("ok", None)] == [(call["mode"], call.get("refused")) for call in places.calls()]


def test_fixed_headers_of_an_endpoint_reach_it(places: Places) -> None:
    places.says(429, BUSY)
    request = ModelRequest("scripted", "", (), 100)
    with pytest.raises(DependencyError):
        places.client(headers={"x-portkey-provider": "openai"}).complete(request, timeout_s=5)

    assert "openai" == places.scripted.requests[-1].headers["x-portkey-provider"]


# --- every way to fail ------------------------------------------------------------------------------------------------

FAILS: dict[str, Failure] = {
    "error": Failure.SERVER_ERROR,
    "unavailable": Failure.SERVER_ERROR,
    "rate_limit": Failure.RATE_LIMITED,
    "no_credit": Failure.NO_CREDIT,
    "bad_key": Failure.BAD_KEY,
    "bad_request": Failure.BAD_REQUEST,
    "model_gone": Failure.MODEL_GONE,
    "hang": Failure.TIMEOUT,
    "drip": Failure.TIMEOUT,
    "slow": Failure.TIMEOUT,
    "reset": Failure.CONNECTION,
    "garbage": Failure.GARBAGE,
    "empty": Failure.EMPTY,
    "error_in_200": Failure.RATE_LIMITED,
}
ENDS: dict[str, Finish] = {
    "prose": Finish.STOP,
    "invalid": Finish.STOP,
    "blank": Finish.STOP,
    "low_confidence": Finish.STOP,
    "no_usage": Finish.STOP,
    "absurd_usage": Finish.STOP,
    "other_model": Finish.STOP,
    "truncated": Finish.LENGTH,
    "refusal": Finish.REFUSAL,
    "filter": Finish.CONTENT_FILTER,
}
OTHERWISE: dict[tuple[str, str, str], Failure | Finish] = {
    ("chat", "claude", "refusal"): Finish.CONTENT_FILTER,
    ("chat", "claude", "no_usage"): Failure.CONNECTION,
    ("anthropic", "claude", "filter"): Finish.REFUSAL,
}
"""What a wire and a model make of a mode where it is not the usual."""

SHORT = ("hang", "drip", "slow")


def test_every_mode_is_tried_here() -> None:
    assert {*FAILS, *ENDS} == MODES


@pytest.mark.parametrize("mode", [*FAILS, *ENDS])
@pytest.mark.parametrize(("wire", "model"), [("chat", "chat"), ("chat", "claude"), *WAYS[-2:]])
def test_a_mode_is_understood_and_the_provider_is_asked_once(places: Places, wire: str, model: str, mode: str) -> None:
    places.plays(mode)
    try:
        came: Failure | Finish = places.ask(model, wire, timeout_s=2 if mode in SHORT else 5).finish
    except DependencyError as error:
        came = error.failure

    expected = OTHERWISE.get((wire, model, mode)) or FAILS.get(mode) or ENDS[mode]
    assert expected is came
    assert [mode] == [call["mode"] for call in places.calls()]


@pytest.mark.parametrize("mode", [*STATUSES, "model_gone"])
def test_the_double_words_an_error_as_the_proxy_does(places: Places, mode: str) -> None:
    places.plays(mode)
    asked = {"model": "chat", "messages": [{"role": "user", "content": "Hello?"}]}
    headers = {"Authorization": "Bearer sk-proxy", "x-litellm-num-retries": "0"}
    real, played = (
        places.http.post(f"{url}/v1/chat/completions", headers=headers, json={**asked, "model": model})
        for url, model in ((places.proxy.url, "chat"), (f"{places.double}/litellm", "gpt-5.4-mini"))
    )

    def told(answer: Any) -> tuple[Any, ...]:
        error = answer.json()["error"]
        return answer.status_code, error["message"].partition("\n\n")[0], error["type"], error["code"]

    assert told(real) == told(played)
    assert real.headers.get("llm_provider-retry-after") == played.headers.get("llm_provider-retry-after")


# --- filters ----------------------------------------------------------------------------------------------------------

FILTERS = [
    openai(AZURE_FILTER, "content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}),
    openai("Your request was rejected as a result of our safety system.", "content_policy_violation"),
    openai("Invalid prompt: your prompt was flagged as potentially violating our usage policy.", "invalid_prompt"),
]


def turn_of(places: Places, *chain: str) -> World:
    """A deployment whose models are asked at the proxy, by their names there."""

    def asked(request: ModelRequest) -> ModelReply:
        return places.client().complete(request, timeout_s=5)

    models = [Model(f"litellm:{name}", max_latency_ms=5_000) for name in chain]
    price = {"input": "1", "output": "4"}
    world = World(
        paint(chain=models, alternative=Alternative("Say it simply.", models)),
        prices={model.id: price for model in models},
    )
    world.models.script = {name: [asked] for name in chain}
    return world


@pytest.mark.parametrize("body", FILTERS)
@pytest.mark.parametrize("model", ["scripted", "scripted-azure", "scripted-claude"])
def test_what_a_filter_refuses_goes_to_a_person_and_no_other_model_is_asked(
    places: Places, model: str, body: Json
) -> None:
    places.says(400, body)
    world = turn_of(places, model, "second")

    assert "waiting" == world.play(world.send().json["turn_id"])
    assert [] == places.calls()
    assert 1 == len(places.scripted.requests)


# --- time and rates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(429, BUSY, Failure.RATE_LIMITED), (503, OVERLOADED, Failure.SERVER_ERROR)],
)
@pytest.mark.parametrize(
    ("wire", "model", "pause"),
    [
        ("chat", "scripted", 7),
        ("chat", "scripted-azure", 7),
        ("chat", "scripted-claude", 7),
        ("responses", "scripted", 7),
        ("anthropic", "scripted-claude", None),  # it leaves the header out on this route
    ],
)
def test_a_provider_that_asks_for_a_pause_is_not_waited_for(
    places: Places, wire: str, model: str, pause: float | None, status: int, body: Json, expected: Failure
) -> None:
    places.says(status, body, PAUSE)
    error = failure(places, model, wire)

    assert (expected, pause) == (error.failure, error.retry_after_s)
    assert Billed.NO is CONSEQUENCES[expected].billed
    assert 1 == len(places.scripted.requests)


def test_without_being_told_it_asks_again_until_our_limit_is_over(places: Places) -> None:
    places.says(500, OVERLOADED)
    request = ModelRequest("scripted", "", (), 100)
    with pytest.raises(DependencyError):
        places.client(retries_inside=False).complete(request, timeout_s=1.5)

    assert 1 < len(places.scripted.requests)


def test_a_model_that_rests_is_limited_for_as_long_as_it_rests(places: Places) -> None:
    places.says(401, openai("Incorrect API key provided.", "invalid_api_key"))
    failure(places, "resting")
    error = failure(places, "resting")

    assert (Failure.RATE_LIMITED, 5) == (error.failure, error.retry_after_s)
    assert 1 == len(places.scripted.requests)


# --- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "is_billed"), [("garbage", True), ("reset", True), ("error", False)])
def test_an_answer_that_was_lost_behind_it_is_counted_and_an_error_is_not(
    places: Places, mode: str, is_billed: bool
) -> None:
    places.plays(mode)
    world = turn_of(places, "chat")
    world.send()

    assert is_billed is (world.spent().posted_micro_usd > 0)
    assert 0 == world.spent().pending_micro_usd


def test_the_proxys_own_fallback_is_counted_at_the_estimate_and_the_owner_is_warned(places: Places) -> None:
    places.says(500, OVERLOADED)
    world = turn_of(places, "falling")
    world.send()

    assert ["gpt-5.4-nano"] == [call["model"] for call in places.calls()]
    (warning,) = [words for words, _ in world.telemetry.warnings]
    assert warning.endswith("gpt-5.4-nano answered in the place of falling, and has no price: the estimate is counted")
    assert world.spent().posted_micro_usd == world.spent().committed_micro_usd > 0


# --- what is wrong with the request -----------------------------------------------------------------------------------


def test_a_prompt_that_is_too_long_is_a_bad_request(places: Places) -> None:
    too_long = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    places.says(400, openai(too_long, "context_length_exceeded"))

    assert Failure.BAD_REQUEST is failure(places, "scripted").failure


def test_a_model_that_the_proxy_does_not_have_is_gone(places: Places) -> None:
    assert Failure.MODEL_GONE is failure(places, "nobody").failure


def test_an_address_that_the_provider_does_not_have_says_nothing_of_the_model(places: Places) -> None:
    places.says(404, {"detail": "Not Found"})

    assert Failure.BAD_REQUEST is failure(places, "scripted").failure


@pytest.mark.parametrize(
    ("status", "expected"), [(403, Failure.BAD_KEY), (413, Failure.BAD_REQUEST), (502, Failure.CONNECTION)]
)
def test_a_status_without_a_name_there_is_what_it_is(places: Places, status: int, expected: Failure) -> None:
    places.says(status, "<html>no</html>")

    assert expected is failure(places, "scripted").failure


def test_a_key_that_it_does_not_know_is_a_bad_key(places: Places) -> None:
    with pytest.raises(DependencyError) as caught:
        places.client(key="sk-other").complete(ModelRequest("chat", "", (), 100), timeout_s=5)

    assert Failure.BAD_KEY is caught.value.failure
