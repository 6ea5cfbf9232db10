"""`turnkeeper models`: what is gone, goes, is refused or has no price fails, and says what to write instead."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from turnkeeper.agent import Model
from turnkeeper.domain.model_names import spellings
from turnkeeper.domain.money import price_from_json
from turnkeeper.domain.stage import EndpointSettings, StageSettings
from turnkeeper_cli import models
from turnkeeper_cli.lineup import key_of, known, problems
from turnkeeper_cli.shutdowns import shipped
from turnkeeper_cli.store import Place

from infra.local.http_service import App, Request, Response
from infra.local.model_provider import listing
from tests.cli.conftest import REGION, Run, Stack
from tests.local.chats import serving
from tests.support.agents import deployed

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 12, 1)
PRICE = {"input": "1", "output": "2"}
LIVES = "openai:gpt-5.4-mini"

AGENT = """
from pydantic import BaseModel
from turnkeeper import Agent, Alternative, Endpoint, Model

class Colour(BaseModel):
    colour: str

agent = Agent(
    name="{name}",
    instructions="Say the colour.",
    output=Colour,
    chain=[{chain}],
    alternative=Alternative("Say it simply.", [Model("openai:gpt-5.4-mini")]),
)
"""

Agents = Callable[..., None]


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp()
    monkeypatch.setattr(Place, "now", staticmethod(lambda: moment))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_BEDROCK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def agents(project: Path) -> Iterator[Agents]:
    """Give a way to write the project's one agent, whose chain is written as code."""
    with ExitStack() as stack:

        def write(*chain: str, prices: Mapping[str, Any] | None = None) -> None:
            code = AGENT.format(name="paint", chain=", ".join(chain))
            stack.enter_context(deployed(project / "layers/agents", {"paint": code}))
            if prices is not None:
                (project / "layers/agents/prices.json").write_text(json.dumps(prices))

        yield write


def model(name: str, endpoint: str = "") -> str:
    return f"Model({name!r}{f', endpoint={endpoint}' if endpoint else ''})"


def at(name: str, url: str, wire: str = "openai", more: str = "") -> str:
    return f"Endpoint({name!r}, {wire!r}, {url!r}{more})"


ROUTER = at("openrouter", "https://openrouter.ai/api/v1", more=", prices='openrouter'")
GROQ = at("groq", "https://api.groq.com/openai/v1", more=", prices='groq'")
AZURE = at("azure", "https://mine.openai.azure.com/openai/v1", more=", prices='azure'")


def found(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    """What the JSON says, by the model's id."""
    return {one["model"]: one for one in json.loads(run("models", "--json", *arguments).out)["models"]}


def test_a_model_that_goes_within_the_days_fails_with_its_day_and_what_to_write(agents: Agents, run: Run) -> None:
    agents(model("openai:gpt-4.1-mini"))
    result = run("models")

    assert 1 == result.code
    assert "✗ openai:gpt-4.1-mini ends on 2027-01-14, in 44 days. Write openai:gpt-6-luna (https://" in result.out


@pytest.mark.parametrize(("days", "code"), [("44", 1), ("43", 0), ("0", 0)])
def test_a_model_must_last_the_days_that_are_asked_for(agents: Agents, run: Run, days: str, code: int) -> None:
    agents(model("openai:gpt-4.1-mini"))

    assert code == run("models", "--days", days).code


@pytest.mark.parametrize(
    ("name", "endpoint", "instead"),
    [
        ("openai:gpt-4.1-nano", "", "openai:gpt-6-luna"),
        ("openai:GPT-4.1-Mini", "", "openai:gpt-6-luna"),
        ("openai:gpt-4.1-mini-2025-04-14", "", "openai:gpt-6-luna"),
        ("openai:gpt-4o-2024-05-13", "", "openai:gpt-6-luna"),
        ("openai:gpt-5-2025-08-07", "", "openai:gpt-6.1-sol"),
        ("openai:ft:gpt-4.1-mini-2025-04-14:acme::abc", "", "openai:gpt-6-luna"),
        ("anthropic:claude-sonnet-4-5-20250929", "", "anthropic:claude-sonnet-5-5"),
        ("anthropic:claude-3-5-haiku-latest", "", "anthropic:claude-haiku-5-5"),
        ("anthropic:claude-opus-4-0", "", "anthropic:claude-opus-5-5"),
        (
            "bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "",
            "bedrock:us.anthropic.claude-sonnet-5-5",
        ),
        (
            "bedrock:global.anthropic.claude-sonnet-4-20250514-v1:0",
            "",
            "bedrock:global.anthropic.claude-sonnet-5-5",
        ),
        ("bedrock:apac.anthropic.claude-sonnet-4-20250514-v1:0", "", "bedrock:global.anthropic.claude-sonnet-5-5"),
        (
            "bedrock:arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "",
            "bedrock:eu.anthropic.claude-sonnet-5-5",
        ),
        ("bedrock:us.amazon.nova-premier-v1:0", "", "bedrock:us.amazon.nova-2-lite-v1:0"),
        ("openrouter:anthropic/claude-sonnet-4.5", ROUTER, "openrouter:anthropic/claude-sonnet-5.5"),
        ("openrouter:openai/gpt-4.1-mini", ROUTER, "openrouter:openai/gpt-6-luna"),
        ("openrouter:openai/gpt-4o-mini:free", ROUTER, "openrouter:openai/gpt-6-luna"),
        ("groq:llama-3.3-70b-versatile", GROQ, "groq:openai/gpt-oss-120b"),
        ("azure:gpt-4.1-nano", AZURE, "azure:gpt-6-luna"),
    ],
)
def test_a_model_that_goes_is_known_by_every_name_that_it_has(
    agents: Agents, run: Run, name: str, endpoint: str, instead: str
) -> None:
    agents(model(name, endpoint), prices={name: PRICE})
    one = found(run)[name]

    assert 1 == run("models").code
    assert instead == one["instead"]
    assert 1 == len(one["problems"]), one["problems"]


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("openai:gpt-6-luna", ""),
        ("openai:gpt-5.4-mini-2026-03-17", ""),
        ("anthropic:claude-haiku-4-5-20251001", ""),
        ("anthropic:claude-opus-4-8", ""),
        ("bedrock:eu.anthropic.claude-haiku-4-5-20251001-v1:0", ""),
        ("bedrock:us.openai.gpt-6.1-sol", ""),
        ("bedrock:openai.gpt-oss-120b-1:0", ""),
        ("openrouter:meta-llama/llama-3.3-70b-instruct", ROUTER),
        ("openrouter:qwen/qwen3-32b", ROUTER),
    ],
)
def test_a_model_that_lives_passes(agents: Agents, run: Run, name: str, endpoint: str) -> None:
    agents(model(name, endpoint), prices={name: PRICE})
    result = run("models")

    assert (0, "") == (result.code, result.err)
    assert "✓ No model is known to end within 60 days, and each has a price." in result.out


def test_a_date_of_a_model_s_maker_is_said_to_be_that(agents: Agents, run: Run) -> None:
    agents(model("bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0"))

    assert "ended on 2026-11-30, yesterday, by anthropic's own date: bedrock may have another." in run("models").out


def test_a_host_s_own_date_goes_before_that_of_the_maker(agents: Agents, run: Run) -> None:
    name = "bedrock:us.anthropic.claude-opus-4-1-20250805-v1:0"
    agents(model(name), model("anthropic:claude-opus-4-1"))
    known = found(run)

    assert ("2027-01-08", "bedrock") == (known[name]["ends"], known[name]["ends_by"])
    assert ("2026-08-05", "anthropic") == tuple(known["anthropic:claude-opus-4-1"][key] for key in ("ends", "ends_by"))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("amazon.nova-2-lite-v1:0", "global.amazon.nova-2-lite-v1:0 (there are global, us, eu, jp)"),
        ("amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0 (there are us, eu, apac)"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("anthropic.claude-haiku-5-5", "global.anthropic.claude-haiku-5-5 (there are"),
        ("openai.gpt-6-luna", "global.openai.gpt-6-luna (there are global, us)"),
    ],
)
def test_a_bare_id_of_bedrock_that_needs_a_profile_fails(agents: Agents, run: Run, name: str, write: str) -> None:
    agents(model(f"bedrock:{name}"), prices={f"bedrock:{name}": PRICE})
    result = run("models")

    assert 1 == result.code
    assert f"✗ bedrock:{name} needs an inference profile. Write bedrock:{write}" in result.out


def test_a_model_without_a_price_fails_until_its_owner_prices_it(agents: Agents, run: Run) -> None:
    agents(model("openai:new-1"))
    assert 1 == run("models").code
    assert "✗ openai:new-1 has no price: write it into layers/agents/prices.json" in run("models").out
    agents(model("openai:new-1"), prices={"openai:new-1": PRICE})

    assert 0 == run("models").code


@pytest.mark.parametrize("text", ["{", "[]"])
def test_prices_that_cannot_be_read_are_one_line(agents: Agents, run: Run, project: Path, text: str) -> None:
    agents(model(LIVES))
    (project / "layers/agents/prices.json").write_text(text)
    result = run("models")

    assert (1, "") == (result.code, result.out)
    assert 1 == len(result.err.splitlines())


def test_the_json_has_all_that_is_known(agents: Agents, run: Run) -> None:
    agents(model("openai:gpt-4.1-mini"))
    whole = json.loads(run("models", "--json").out)

    assert (False, "2026-12-01", 60, None) == tuple(whole[key] for key in ("ok", "today", "days", "stage"))
    assert ["chain", "alternative"] == [one["path"] for one in whole["models"]]
    assert {
        "agent": "paint",
        "path": "chain",
        "model": "openai:gpt-4.1-mini",
        "endpoint": "openai",
        "url": "https://api.openai.com/v1",
        "host": "openai",
        "runs_in": None,
        "ends": "2027-01-14",
        "days_left": 44,
        "ends_by": "openai",
        "source": shipped().pages["openai"],
        "not_before": None,
        "instead": "openai:gpt-6-luna",
        "asked": None,
    }.items() <= whole["models"][0].items()
    assert ("0.4", "1.6") == tuple(whole["models"][0]["usd_per_million_tokens"][key] for key in ("input", "output"))


def test_a_price_that_rises_with_the_prompt_is_shown_as_such(agents: Agents, run: Run) -> None:
    agents(model("openai:gpt-6-luna"))

    assert "0.10+ / 0.50+" in run("models").out
    assert [{"start": 272_000, "price": "0.2"}] == (
        found(run)["openai:gpt-6-luna"]["usd_per_million_tokens"]["input"]["tiers"]
    )


def test_what_a_host_promised_is_no_end(agents: Agents, run: Run) -> None:
    agents(model("anthropic:claude-sonnet-5-5"))
    one = found(run)["anthropic:claude-sonnet-5-5"]

    assert (None, "2027-09-28") == (one["ends"], one["not_before"])
    assert "≥ 2027-09-28" in run("models").out


def test_one_agent_s_models_can_be_listed(stack: Stack, run: Run) -> None:
    assert "there is no agent 'piant'; there are: paint" in run("models", "--agent", "piant").err
    assert {"openai:first", "anthropic:second", "openai:third"} == found(run, "--agent", "paint").keys()


@pytest.mark.parametrize("days", ["-1", "many", "99999999"])
def test_days_that_are_none_are_misuse(agents: Agents, run: Run, days: str) -> None:
    agents(model(LIVES))

    assert 2 == run("models", "--days", days).code


def test_urls_and_prices_are_those_of_the_stage(stack: Stack, run: Run) -> None:
    file = stack.folder / "infra/stages/local.toml"
    file.parent.mkdir(parents=True)
    prices = "\n".join(
        f'"{name}" = {{ input = "1", output = "2" }}' for name in ("openai:first", "anthropic:second", "openai:third")
    )
    file.write_text(f'[endpoints.openai]\nurl = "https://eu.api.openai.com/v1"\n[prices]\n{prices}\n')
    assert 1 == run("models").code
    run("config", "apply")
    result = run("models")
    one = found(run)["openai:first"]

    assert 0 == result.code
    assert result.out.startswith("Stage local, version 1. List of ")
    assert ("https://eu.api.openai.com/v1", "EU", {"input": "1", "output": "2"}) == (
        one["url"],
        one["runs_in"],
        one["usd_per_million_tokens"],
    )


def test_an_endpoint_that_nobody_gave_a_url_fails_at_a_stage_only(stack: Stack, agents: Agents, run: Run) -> None:
    name = "mine:big"
    agents(model(name, "Endpoint('mine', 'openai')"), prices={name: PRICE})
    assert "has no URL to be asked at: write url= in its Endpoint, or [endpoints.mine]" in run("models").out
    (stack.folder / ".local/stack.json").unlink()

    assert 0 == run("models").code
    assert "not known: the stage says it" in run("models").out


def test_a_local_stack_that_does_not_answer_does_not_keep_the_project_from_being_checked(
    agents: Agents, run: Run, project: Path
) -> None:
    agents(model("openai:gpt-4.1-mini"))
    tokens = {"service": "a.eyJjbGllbnRfaWQiOiAieCJ9.c", "customer": "x"}
    place = {"api_url": "http://x", "aws_endpoint_url": "http://127.0.0.1:1", "region": REGION}
    (project / ".local/stack.json").write_text(
        json.dumps({**place, "table_name": "t", "user_pool_id": "p", "tokens": tokens})
    )
    result = run("models")

    assert (1, "") == (result.code, result.err)
    assert result.out.startswith("No stage: ")


def test_the_examples_pass(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(models, "has_local_stack", lambda: False)
    result = run("models")

    assert 0 == result.code, result.out


def test_an_old_list_says_so(agents: Agents, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    agents(model(LIVES))
    assert "days old" not in run("models").out
    monkeypatch.setattr(Place, "now", staticmethod(lambda: datetime(2027, 6, 1, tzinfo=UTC).timestamp()))

    assert "The list is 187 days old" in run("models").out


def test_a_name_is_tried_as_it_is_before_anything_is_taken_off() -> None:
    assert ["gpt-4o-2024-05-13", "gpt-4o"] == list(dict.fromkeys(spellings("gpt-4o-2024-05-13")))
    assert "claude-sonnet-4-5" in list(spellings("us.anthropic.claude-sonnet-4-5-20250929-v1:0"))
    assert "claude-sonnet-4" not in list(spellings("claude-sonnet-4-5"))


@pytest.fixture
def provider() -> Iterator[str]:
    """Serve the list of the local provider, and nothing else."""
    with serving(lambda request: listing.answer(request) or Response.of_json(404, {})) as url:
        yield url


def asked(run: Run, name: str) -> tuple[int, str, str | None]:
    """Ask; the exit code, and the endpoint's word and the day of one model."""
    result = run("models", "--ask", "--json")
    one = next(o for o in json.loads(result.out)["models"] if o["model"] == name)
    return result.code, one["asked"]["word"], one["ends"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-5.4-mini", (0, "has it", None)),
        ("gpt-4.1-mini", (1, "has it", "2027-01-14")),
        ("gpt-4.1-nano", (1, "gone", "2026-10-23")),
        ("gpt-7-typo", (1, "unknown", None)),
        ("a/b?c#d", (1, "unknown", None)),
    ],
)
def test_an_openai_like_endpoint_is_asked(
    agents: Agents, run: Run, provider: str, name: str, expected: tuple[int, str, str | None]
) -> None:
    agents(model(f"mine:{name}", at("mine", f"{provider}/v1")), prices={f"mine:{name}": PRICE})

    assert expected == asked(run, f"mine:{name}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-haiku-5-5", (0, "has it", None)),
        ("claude-haiku-4-5", (0, "has it", None)),
        ("claude-sonnet-4-5", (1, "gone", "2026-11-30")),
        ("claude-haiku-5-6", (1, "unknown", None)),
    ],
)
def test_anthropic_is_asked(
    agents: Agents, run: Run, provider: str, name: str, expected: tuple[int, str, str | None]
) -> None:
    agents(model(f"mine:{name}", at("mine", provider, "anthropic")), prices={f"mine:{name}": PRICE})

    assert expected == asked(run, f"mine:{name}")


def test_anthropic_says_what_a_model_takes(agents: Agents, run: Run, provider: str) -> None:
    name = "mine:claude-haiku-5-5"
    agents(model(name, at("mine", provider, "anthropic")), prices={name: PRICE})

    said = "“active, thinking adaptive disabled, effort low medium high xhigh max”"
    assert f"{name}, asked: has it: {said}" in run("models", "--ask").out


def test_nobody_is_asked_unless_one_says_so(agents: Agents, run: Run, provider: str) -> None:
    agents(model("mine:gpt-7-typo", at("mine", f"{provider}/v1")), prices={"mine:gpt-7-typo": PRICE})

    assert 0 == run("models").code


def answers(*given: Response) -> App:
    """Give these answers in turn, the last one again and again."""
    left = list(given)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


NOT_FOUND = Response.of_json(404, {"detail": "Not Found"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([Response(200, b"<html>")], (0, "no answer", None)),
        ([Response.of_json(200, [])], (0, "no answer", None)),
        ([Response(200, b"[" * 100_000)], (0, "no answer", None)),
        ([Response.of_json(500, {"error": "down"})], (0, "no answer", None)),
        ([Response.of_json(401, {"error": {"message": "wrong key"}})], (0, "no answer", None)),
        ([Response(302, b"", {"Location": "http://127.0.0.1:1/"})], (0, "no answer", None)),
        ([NOT_FOUND], (0, "no answer", None)),
        ([NOT_FOUND, Response.of_json(200, {"data": [{"id": "big"}]})], (0, "has it", None)),
        ([NOT_FOUND, Response.of_json(200, {"data": [{"id": "models/big"}, 3, {}]})], (0, "has it", None)),
        ([NOT_FOUND, Response.of_json(200, {"data": [{"id": "small"}]})], (1, "unknown", None)),
        ([NOT_FOUND, Response.of_json(200, {"data": None})], (0, "no answer", None)),
        ([Response.of_json(400, {"error": {"code": "model_decommissioned"}})], (1, "gone", None)),
        ([Response.of_json(410, {})], (1, "gone", None)),
        ([Response.of_json(404, {"error": {"message": "The model `big` has been retired."}})], (1, "gone", None)),
        ([Response.of_json(404, {"error": 'model "big" not found, try pulling it first'})], (1, "unknown", None)),
        ([Response.of_json(200, {"id": "big", "shutdown_date": "2026-12-05"})], (1, "has it", "2026-12-05")),
        ([Response.of_json(200, {"id": "big", "shutdown_date": "soon"})], (0, "has it", None)),
        ([Response.of_json(200, {"id": "big", "shutdown_date": 1e30})], (0, "has it", None)),
    ],
)
def test_what_an_endpoint_answers_is_told_and_never_a_crash(
    agents: Agents, run: Run, given: list[Response], expected: tuple[int, str, str | None]
) -> None:
    with serving(answers(*given)) as url:
        agents(model("mine:big", at("mine", f"{url}/v1")), prices={"mine:big": PRICE})

        assert expected == asked(run, "mine:big")


def test_what_an_endpoint_says_moves_no_cursor(agents: Agents, run: Run) -> None:
    with serving(
        answers(Response.of_json(404, {"error": {"code": "model_not_found", "message": "\x1b[2Jgone"}}))
    ) as url:
        agents(model("mine:big", at("mine", f"{url}/v1")), prices={"mine:big": PRICE})
        result = run("models", "--ask")

    assert "\x1b" not in result.out
    assert "404: �[2Jgone" in result.out


def test_an_endpoint_that_cannot_be_reached_is_told(agents: Agents, run: Run) -> None:
    agents(model("mine:big", at("mine", "http://127.0.0.1:1/v1")), prices={"mine:big": PRICE})

    assert (0, "no answer", None) == asked(run, "mine:big")


def test_a_key_that_is_missing_is_named_and_none_goes_in_the_clear(
    agents: Agents, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents(model("mine:big", at("mine", "http://models.example/v1")), prices={"mine:big": PRICE})
    out = run("models", "--ask").out

    assert "mine:big, asked: no answer: “a key goes over https only" in out
    assert f"{LIVES}, asked: no answer: “no key: set OPENAI_API_KEY”" in out


def test_an_endpoint_without_a_key_is_asked_with_its_own_headers(agents: Agents, run: Run) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response.of_json(200, {"id": "big"})

    with serving(answer) as url:
        traits = 'keyless=True, headers={"x-portkey-provider": "groq"}'
        place = f'Endpoint("mine", "chat", "{url}/v1", {traits})'
        agents(f'Model("mine:big", endpoint={place})', prices={"mine:big": PRICE})

        assert 0 == asked(run, "mine:big")[0]
    assert ["groq"] == [request.headers.get("x-portkey-provider") for request in seen]
    assert [] == [request for request in seen if "authorization" in request.headers]


def test_the_wire_is_the_one_of_the_stage(agents: Agents) -> None:
    agents('Model("groq:big")', prices={"groq:big": PRICE})
    stage = StageSettings(endpoints={"groq": EndpointSettings(url="https://gw.example", wire="anthropic")})
    found = known([Model("groq:big")], stage, shipped(), None)

    assert ["anthropic"] == [one.endpoint.wire for one in found.values()]


def control_plane(models: Mapping[str, Any], profiles: Mapping[str, Any]) -> App:
    """Answer as Bedrock's control plane does: GetFoundationModel and GetInferenceProfile."""

    def answer(request: Request) -> Response:
        kind, _, name = unquote(request.path).lstrip("/").partition("/")
        known = {"foundation-models": models, "inference-profiles": profiles}[kind].get(name)
        if isinstance(known, dict):
            return Response.of_json(200, known)
        error = known or "ResourceNotFoundException"
        status = 403 if error == "AccessDeniedException" else 404
        return Response.of_json(status, {"message": "no"}, {"x-amzn-ErrorType": error})

    return answer


def foundation(status: str = "ACTIVE", kinds: tuple[str, ...] = ("ON_DEMAND",), **lifecycle: Any) -> dict[str, Any]:
    details = {"modelArn": "arn:x", "modelId": "x", "inferenceTypesSupported": list(kinds)}
    return {"modelDetails": {**details, "modelLifecycle": {"status": status, **lifecycle}}}


def profile(name: str) -> dict[str, Any]:
    arn = f"arn:aws:bedrock:{REGION}::foundation-model/{name}"
    return {"inferenceProfileId": "x", "models": [{"modelArn": arn}]}


CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.mark.parametrize(
    ("name", "models", "profiles", "expected"),
    [
        ("amazon.titan-x-v1:0", {"amazon.titan-x-v1:0": foundation()}, {}, (0, "has it", None)),
        ("amazon.titan-x-v1:0", {}, {}, (1, "unknown", None)),
        ("amazon.titan-x-v1:0", {"amazon.titan-x-v1:0": "ValidationException"}, {}, (1, "unknown", None)),
        ("amazon.titan-x-v1:0", {"amazon.titan-x-v1:0": "AccessDeniedException"}, {}, (0, "no answer", None)),
        (
            "amazon.titan-x-v1:0",
            {"amazon.titan-x-v1:0": foundation("LEGACY", endOfLifeTime="2026-12-20T00:00:00Z")},
            {},
            (1, "has it", "2026-12-20"),
        ),
        (
            "amazon.titan-x-v1:0",
            {"amazon.titan-x-v1:0": foundation(kinds=("PROVISIONED",))},
            {},
            (1, "no profile", None),
        ),
        ("amazon.nova-lite-v1:0", {"amazon.nova-lite-v1:0": foundation()}, {}, (0, "has it", None)),
        (
            f"eu.{CLAUDE}",
            {CLAUDE: foundation(kinds=("INFERENCE_PROFILE",))},
            {f"eu.{CLAUDE}": profile(CLAUDE)},
            (0, "has it", None),
        ),
        (f"eu.{CLAUDE}", {}, {f"eu.{CLAUDE}": profile(CLAUDE)}, (1, "has it", "2026-11-30")),
        (f"us.{CLAUDE}", {CLAUDE: foundation()}, {}, (1, "unknown", "2026-11-30")),
        (
            f"eu.{CLAUDE}",
            {CLAUDE: foundation("LEGACY", endOfLifeTime="2028-01-01T00:00:00Z")},
            {f"eu.{CLAUDE}": profile(CLAUDE)},
            (0, "has it", "2028-01-01"),
        ),
    ],
)
def test_bedrock_is_asked_in_its_region(
    agents: Agents,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    models: dict[str, Any],
    profiles: dict[str, Any],
    expected: tuple[int, str, str | None],
) -> None:
    with serving(control_plane(models, profiles)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", url)
        agents(model(f"bedrock:{name}"), prices={f"bedrock:{name}": PRICE})

        assert expected == asked(run, f"bedrock:{name}")


@pytest.mark.parametrize(
    ("region", "name", "instead"),
    [
        ("us-east-1", "amazon.nova-lite-v1:0", None),
        ("eu-west-1", "amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"),
        ("ap-northeast-1", "amazon.nova-2-lite-v1:0", "jp.amazon.nova-2-lite-v1:0"),
        (
            "ap-northeast-1",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        ("ap-south-1", "anthropic.claude-haiku-5-5", "global.anthropic.claude-haiku-5-5"),
        ("us-east-1", "amazon.nova-2-lite-v1:0", "us.amazon.nova-2-lite-v1:0"),
    ],
)
def test_the_region_of_the_stack_decides_which_profile_is_written(
    agents: Agents, region: str, name: str, instead: str | None
) -> None:
    agents()
    one = Model(f"bedrock:{name}")
    found = known([one], StageSettings(prices={one.id: price_from_json(PRICE)}), shipped(), region)[key_of(one)]
    said = problems(found, today=TODAY, days=60, has_stage=True)

    assert bool(instead) == bool(said)
    assert all(f"needs an inference profile in {region}. Write bedrock:{instead} " in line for line in said)
    assert f"https://bedrock-runtime.{region}.amazonaws.com" == found.url


@pytest.mark.parametrize("body", [b"[]", b"<html>", b"null", b'"x"', b'{"modelDetails": []}', b"{}", b"[" * 100_000])
@pytest.mark.parametrize("name", ["amazon.titan-x-v1:0", f"eu.{CLAUDE}"])
def test_what_bedrock_answers_is_never_a_crash(
    agents: Agents, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, body: bytes
) -> None:
    with serving(answers(Response(200, body, {"Content-Type": "application/json"}))) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", url)
        agents(model(f"bedrock:{name}"), prices={f"bedrock:{name}": PRICE})
        result = run("models", "--ask")

    assert "" == result.err
    assert f"bedrock:{name}" in result.out
