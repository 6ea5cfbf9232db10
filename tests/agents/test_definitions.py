"""A wrong definition fails when its module is imported, with a message that says what to write."""

# mypy: disable-error-code="arg-type,call-overload,call-arg,misc,list-item,no-untyped-def"

import copy
import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel
from turnkeeper import (
    Agent,
    AgentError,
    Alternative,
    Answers,
    ApiKeyHeader,
    Basic,
    Bearer,
    Calls,
    ClosingTexts,
    Dependency,
    Endpoint,
    Fails,
    Fixture,
    Model,
    OAuth,
    SigV4,
    ToolContext,
    tool,
)
from turnkeeper.testing import play

GROQ = Endpoint("groq", wire="openai")


class Colour(BaseModel):
    colour: str


class Unspeakable(BaseModel):
    how: Callable[[], int]


@tool
def look(context: ToolContext) -> str:
    """Look."""
    return "red"


def agent(**changes: Any) -> Agent[Any]:
    right = {
        "name": "paint",
        "instructions": "Say the colour.",
        "output": Colour,
        "chain": [Model("openai:first")],
        "alternative": Alternative("Say it simply.", [Model("openai:second")]),
    }
    return Agent(**{**right, **changes})


def uses(name: str, url: str) -> Any:
    def call(context: ToolContext) -> None:
        """Call it."""

    call.__name__ = f"call_{url[-1]}"
    return tool(dependency=Dependency(name, url))(call)


AGENTS = [
    ({"name": "Paint!"}, "agent 'Paint!': a name is lower-case letters, digits and _"),
    ({"name": 7}, "agent 7: a name is lower-case letters"),
    ({"instructions": "  "}, "agent 'paint': write instructions"),
    ({"output": dict}, "output is a Pydantic model: the class itself"),
    ({"output": Colour(colour="red")}, "output is a Pydantic model: the class itself"),
    ({"output": Unspeakable}, "output has no JSON Schema"),
    ({"chain": []}, "chain needs at least one Model"),
    ({"chain": Model("openai:first")}, "chain is a list such as [Model('openai:gpt-6-luna')]"),
    ({"chain": ["openai:first"]}, "chain is a list such as [Model('openai:gpt-6-luna')]"),
    ({"alternative": [Model("openai:second")]}, "write alternative=Alternative('...', [Model(...)])"),
    ({"alternative": Alternative("Say it.", [])}, "alternative.chain needs at least one Model"),
    ({"alternative": Alternative("Say it.", ["openai:x"])}, "alternative.chain is a list such as"),
    ({"alternative": Alternative(" ", [Model("openai:x")])}, "write the alternative's instructions"),
    ({"tools": [print]}, "tools is a list of functions decorated with @tool"),
    ({"tools": look}, "tools is a list of functions decorated with @tool"),
    ({"tools": [look, look]}, "two tools have the same name"),
    (
        {"tools": [uses("shop", "https://shop.example/a"), uses("shop", "https://shop.example/b")]},
        "two dependencies have the same name, but differ",
    ),
    ({"check": "strict"}, "check is a function of (output, context)"),
    ({"check": lambda output: None}, "check is a function of (output, context)"),
    ({"score": lambda output, context, more: 1.0}, "score is a function of (output, context)"),
    ({"alternative": Alternative(None, [Model("openai:x")])}, "write the alternative's instructions"),
    ({"score": 0.9}, "score is a function of (output, context)"),
    ({"accept_at": 1.2}, "write 0 <= alternative_at <= accept_at <= 1"),
    ({"alternative_at": 0.9}, "write 0 <= alternative_at <= accept_at <= 1"),
    ({"accept_at": "0.9"}, "write 0 <= alternative_at <= accept_at <= 1"),
    ({"max_steps": 0}, "max_steps is a whole number, at least 1"),
    ({"max_steps": None}, "max_steps is a whole number, at least 1"),
    ({"max_steps": 2.5}, "max_steps is a whole number, at least 1"),
    ({"max_steps": True}, "max_steps is a whole number, at least 1"),
    ({"max_output_tokens": 0}, "max_output_tokens is a whole number, at least 1"),
    ({"history_tokens": -1}, "history_tokens is a whole number, at least 0"),
    ({"cache_seconds": "60"}, "cache_seconds is a whole number, at least 0"),
    ({"escalation_contact": None}, "escalation_contact is text"),
    ({"closing_texts": None}, "closing_texts is ClosingTexts(expired='...'), each text"),
    ({"closing_texts": ClosingTexts(stopped="")}, "closing_texts is ClosingTexts(expired='...'), each text"),
    ({"task_limit_usd": "$1"}, "task_limit_usd is written like '0.50'"),
    ({"task_limit_usd": 0.5}, "task_limit_usd is written like '0.50'"),
    ({"customer_day_limit_usd": "-1"}, "customer_day_limit_usd is written like '5.00'"),
    ({"fixtures": ["Which colour?"]}, "fixtures is a list such as [Fixture(says='...', model=[...])]"),
]


def test_a_right_definition_is_accepted() -> None:
    assert "paint" == agent(tools=[look], task_limit_usd="0.10").name


@pytest.mark.parametrize(("wrong", "message"), AGENTS, ids=lambda x: x if isinstance(x, str) else "")
def test_an_agent_says_what_to_write(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=re.escape(message)):
        agent(**wrong)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("output", "agent 'paint': output is a Pydantic model"),
        ("alternative", "agent 'paint': write alternative=Alternative('...', [Model(...)])"),
        ("chain", "agent 'paint': chain is a list such as"),
        ("name", "agent None: a name is lower-case letters"),
    ],
)
def test_an_agent_says_what_is_missing(missing: str, message: str) -> None:
    given = {part.name: getattr(agent(), part.name) for part in dataclasses.fields(Agent)}
    del given[missing]
    with pytest.raises(AgentError, match=re.escape(message)):
        Agent(**given)


@pytest.mark.parametrize(
    "url",
    [
        "shop.example",
        "ftp://shop.example",
        "https://",
        "https://:443",
        "https://shop.example:0",
        "https://shop.example:x",
        "https://carla:hunter2@shop.example",
        "https://shop.example?key=1",
        "https://shop.example?",
        "https://shop.example#top",
        "https://shop.example/a b",
        "https://shop.example\\@evil.example",
        "https://shöp.example",
        "https://[::1",
    ],
)
def test_a_url_that_is_no_base_of_paths_is_refused(url: str) -> None:
    with pytest.raises(AgentError, match="url is an https or http URL with no user and no query"):
        Dependency("shop", url)
    with pytest.raises(AgentError, match="token_url is a URL"):
        OAuth(url, "shop-client")


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8080", "https://[::1]:8443/v1/", "https://shop.example/a-b/v1"])
def test_a_dependency_may_leave_its_url_to_the_stage(url: str) -> None:
    assert url == Dependency("shop", url, auth=SigV4("execute-api"), per_minute=600).url


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_a_fixture_answers_whatever_a_tool_may_send(method: str) -> None:
    @tool(dependency=Dependency("shop", auth=Bearer("shop-key"), per_minute=1))
    def ask(context: ToolContext) -> Any:
        """Ask."""
        answer = context.http.request(method, "/cases/1")
        return [answer.status, answer.text, dict(answer.headers)]

    model = [Calls("ask"), Answers("It is red.", {"colour": "red"})]
    fixture = Fixture(says="x", model=model, services={f"{method} /cases/1": "ok"}, expect={"status": "completed"})

    assert "completed" == play(agent(tools=[ask]), fixture)[0]["status"]


def test_an_agent_can_be_copied_and_changed() -> None:
    careful = dataclasses.replace(copy.deepcopy(agent()), max_steps=2)

    assert ("paint", 2) == (careful.name, careful.max_steps)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Model(7), "Model(7): write provider:name"),
        (lambda: Model("openai:x", max_latency_ms="5000"), "max_latency_ms is a whole number of milliseconds above 0"),
        (lambda: Dependency(None), "Dependency(None): a name is lower-case letters"),
        (lambda: Dependency("shop", None), "url is an https or http URL with no user and no query"),
        (lambda: tool("book"), "tool 'book': write @tool, or @tool(side_effect=True), above a function"),
        (lambda: tool(look), "above a function"),
        (lambda: Fixture(says="x", model=Answers("x")), "write what the model answers, such as model=[Answers("),
        (lambda: Fixture(says="x", model=["x"]), "write what the model answers, such as model=[Answers("),
        (lambda: Fixture(says=7, model=[Answers("x")]), "write what the customer says"),
        (lambda: Fixture(says="x", model=[Answers("x")], then=Answers("x")), "then is the conversation's next turn"),
        (lambda: Model("gpt-5"), "Model('gpt-5'): write provider:name, where provider is one of openai, anthropic"),
        (lambda: Model("acme:gpt"), "write provider:name"),
        (lambda: Model("openai:"), "write provider:name"),
        (lambda: Model("openai:x", max_latency_ms=0), "max_latency_ms is a whole number of milliseconds above 0"),
        (lambda: Model("openai:x", endpoint=GROQ), "its id begins with the name of its endpoint, such as groq:"),
        (lambda: Model("groq:x", endpoint="groq"), "or name its endpoint=Endpoint(...)"),
        (lambda: Endpoint("Groq", "openai"), "a name is lower-case letters"),
        (lambda: Endpoint("groq", "grok"), "wire is one of responses, chat, anthropic, bedrock"),
        (lambda: Endpoint("openai", "anthropic"), "openai is a provider's own endpoint: take another name"),
        (lambda: Endpoint("groq", "openai", url="groq.example"), "url is a base URL"),
        (lambda: Endpoint("groq", "openai", secret="two words"), "secret is a name, such as groq-api-key"),
        (lambda: Endpoint("groq", "openai", prices=3), "prices is an id of genai-prices"),
        (
            lambda: agent(
                chain=[Model("groq:x", endpoint=GROQ), Model("groq:y", endpoint=Endpoint("groq", "anthropic"))]
            ),
            "two endpoints have the same name, but differ",
        ),
        (lambda: Dependency("The Shop"), "a name is lower-case letters, digits, _ and -"),
        (lambda: Dependency("shop", auth="shop-key"), "auth is one such as Bearer('orders-key')"),
        (lambda: Dependency("shop", per_minute=0), "per_minute is a whole number of requests above 0"),
        (lambda: Dependency("shop", per_minute=True), "per_minute is a whole number of requests above 0"),
        (lambda: Bearer(""), "Bearer: secret is a secret's name, such as orders-key"),
        (lambda: Bearer("my key"), "Bearer: secret is a secret's name, such as orders-key"),
        (lambda: Bearer("ssm:shop"), "Bearer: secret is a secret's name, such as orders-key"),
        (
            lambda: Bearer("arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop"),
            "Bearer: secret is a secret's name, such as orders-key, or ssm:/name",
        ),
        (
            lambda: Endpoint("groq", "openai", "https://groq.example", "arn:aws:ssm:eu-central-1:123456789012:x"),
            "secret is a name, such as groq-api-key, or ssm:/any/name",
        ),
        (lambda: Basic(None), "Basic: secret is a secret's name"),
        (lambda: ApiKeyHeader("X Key", "k"), "ApiKeyHeader: header is the name of a header"),
        (lambda: ApiKeyHeader("Host", "k"), "ApiKeyHeader: header is the name of a header"),
        (lambda: ApiKeyHeader("idempotency-key", "k"), "ApiKeyHeader: header is the name of a header"),
        (lambda: ApiKeyHeader("Accept-Encoding", "k"), "ApiKeyHeader: header is the name of a header"),
        (lambda: ApiKeyHeader("X-Key", ""), "ApiKeyHeader: secret is a secret's name"),
        (lambda: OAuth("login.example", "k"), "OAuth: token_url is a URL, such as https://login.example"),
        (lambda: OAuth("https://login.example", ""), "OAuth: secret is a secret's name"),
        (lambda: OAuth("https://login.example", "k", scope=["a"]), "OAuth: scope is text"),
        (lambda: SigV4(""), "SigV4: service is AWS's name of the service"),
        (lambda: SigV4("execute-api", region="Europe"), "SigV4: region is a region, such as eu-central-1"),
        (lambda: SigV4("execute-api", secret="a b"), "SigV4: secret is a secret's name"),
        (lambda: Fails("badly"), "Fails('badly'): write one of timeout, connection"),
        (lambda: Fixture(says="", model=[Answers("x")]), "write what the customer says"),
        (lambda: Fixture(says="x", model=[]), "write what the model answers"),
        (lambda: Fixture(says="x", model=[Answers("x")], expect={}), "write what to expect"),
        (lambda: Fixture(says="x", model=[Answers("x")], expect={"state": 1}), "expect may have status, tier"),
        (lambda: Fixture(says="x", model=[Answers("x")], services={"TRACE /a": 1}), "services are written 'GET /path'"),
        (lambda: Fixture(says="x", model=[Answers("x")], services={"/a": 1}), "services are written 'GET /path'"),
    ],
)
def test_its_parts_say_what_to_write(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(AgentError, match=re.escape(message)):
        make()


def _undocumented(context: ToolContext) -> None: ...


async def _later(context: ToolContext) -> None:
    """Do it later."""


def _alone() -> None:
    """Know nothing."""


def _untold(context, city: str) -> None:  # noqa: ANN001
    """Look."""


def _untyped(context: ToolContext, city) -> None:  # noqa: ANN001
    """Look."""


def _any_number(context: ToolContext, *cities: str) -> None:
    """Look."""


def _unknown_type(context: ToolContext, city: "City") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Look."""


def _no_schema(context: ToolContext, how: Callable[[], int]) -> None:
    """Look."""


def _named(name: str) -> Callable[..., Any]:
    def function(context: ToolContext) -> None:
        """Look."""

    function.__name__ = name
    return function


def _taken(context: ToolContext, model_dump: str) -> None:
    """Look."""


def _blank(context: ToolContext) -> None:
    """ """  # noqa: D419


def _foreign(context: ToolContext, straße: str) -> None:  # noqa: PLC2401
    """Look."""


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (_undocumented, {}, "tool _undocumented: write a docstring: from it the model knows"),
        (_blank, {}, "tool _blank: write a docstring"),
        (_foreign, {}, "tool _foreign: name `straße` with at most 64 letters, digits and _, all ASCII"),
        (_later, {}, "tool _later: write a plain def, not async def"),
        (_alone, {}, "tool _alone: its first parameter must be `context: ToolContext`"),
        (_untold, {}, "tool _untold: its first parameter must be `context: ToolContext`"),
        (_untyped, {}, "tool _untyped: give the parameter `city` a type"),
        (_any_number, {}, "tool _any_number: name each parameter; `*cities: str` has no schema"),
        (_unknown_type, {}, "tool _unknown_type: name 'City' is not defined: import the type"),
        (_no_schema, {}, "tool _no_schema: a parameter's type has no JSON Schema"),
        (_taken, {}, "tool _taken: give the parameter `model_dump` another name"),
        (look.function, {"dependency": "orders"}, "tool look: write dependency=Dependency('orders', url="),
        (look.function, {"timeout_s": "4"}, "tool look: timeout_s is a number of seconds above 0"),
        (look.function, {"retries": 1.5}, "tool look: retries is how many more calls to make: 0, 1, 2"),
        (look.function, {"retries": 1, "side_effect": True}, "tool look: retries are for tools that change nothing"),
        (_named("l" * 65), {}, "its name is at most 64 letters, digits and _, all of them ASCII"),
        (_named("buche_tür"), {}, "its name is at most 64 letters, digits and _, all of them ASCII"),
        (lambda context: 1, {}, "its name is at most 64 letters"),
        (look.function, {"timeout_s": 0}, "tool look: timeout_s is a number of seconds above 0"),
        (look.function, {"honours_keys": True}, "tool look: honours_keys is for side effects: add side_effect=True"),
    ],
)
def test_a_tool_says_what_to_write(function: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=re.escape(message)):
        tool(**options)(function)
