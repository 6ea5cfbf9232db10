"""Endpoints: where models are asked, in which wire, with which secret, and what they cannot do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from turnkeeper.authoring.errors import refuse
from turnkeeper.domain.places import is_secret_name, is_url
from turnkeeper.domain.wires import WIRES, wires_of

if TYPE_CHECKING:
    from turnkeeper.domain.stage import StageSettings

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OLDER_NAMES = {"openai": "chat"}
_LIMITS = ("max_tokens", "max_completion_tokens")
_SCHEMAS = ("strict", "plain", "none")
_EFFORTS = ("reasoning_effort", "reasoning", "")
_PASSED_BACK = ("reasoning_content", "reasoning_details", "reasoning", "extra_content")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where models are asked, such as `Endpoint("groq", wire="chat", url="https://api.groq.com/openai/v1")`.

    `name` begins the ids of its models. `wire` is the protocol: responses, chat, anthropic or bedrock (`openai` is the
    older name of chat). `url` is the base URL, which a stage may replace; empty: the stage's. `secret` is the name of
    the secret that holds its key, by default `<name>-api-key`; with `keyless` it needs none. `prices` is its id in
    genai-prices; without one, the owner prices its models. `headers` are sent with every request; they hold no secret.
    `retries_inside` for a gateway that asks again by itself: it is told not to, and how long it may take.
    `renames_models` where an answer names another model than was asked, as with Azure's deployments.

    The rest is for chat completions, where servers differ. `answer_limit` is the field that limits an answer. `schemas`
    says how a server takes the schema of an answer: `strict`, `plain` (without the word), or `none`: then it is written
    into the instructions, as it is where `tools_with_schema` is false and there are tools. `effort` is the field that
    says how much to think, or empty. `passes_back` are the fields of an answer, or of its tool calls, that have to be
    sent back.
    """

    name: str
    wire: str
    url: str = ""
    secret: str = ""
    prices: str = ""
    keyless: bool = False
    headers: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    answer_limit: str = "max_tokens"
    schemas: str = "strict"
    tools_with_schema: bool = True
    effort: str = "reasoning_effort"
    passes_back: tuple[str, ...] = ()
    retries_inside: bool = False
    renames_models: bool = False

    def __post_init__(self) -> None:
        wire = _OLDER_NAMES.get(self.wire, self.wire)
        object.__setattr__(self, "wire", "responses" if wire == "chat" and _is_openais(self.url) else wire)
        if isinstance(self.headers, Mapping):
            object.__setattr__(self, "headers", tuple(self.headers.items()))
        object.__setattr__(self, "passes_back", tuple(self.passes_back))
        is_named = isinstance(self.name, str) and _NAME.fullmatch(self.name)
        refuse(
            f"Endpoint({self.name!r})",
            [
                (not is_named, "a name is lower-case letters, digits, _ and -, such as groq"),
                (self.wire not in WIRES, f"wire is one of {', '.join(WIRES)}"),
                (
                    self.wire not in wires_of(self.name),
                    f"{self.name} is a provider's own endpoint: take another name",
                ),
                (self.url != "" and not is_url(self.url), "url is a base URL, such as https://api.groq.com/openai/v1"),
                (
                    self.secret != "" and not is_secret_name(self.secret),
                    "secret is a name, such as groq-api-key, or ssm:/any/name",
                ),
                (not isinstance(self.prices, str), "prices is an id of genai-prices, such as groq"),
                (not _are_headers(self.headers), 'headers are text by name, such as {"x-portkey-provider": "openai"}'),
                (self.answer_limit not in _LIMITS, f"answer_limit is one of {', '.join(_LIMITS)}"),
                (self.schemas not in _SCHEMAS, f"schemas is one of {', '.join(_SCHEMAS)}"),
                (self.effort not in _EFFORTS, "effort is reasoning_effort, reasoning or empty"),
                (
                    not set(self.passes_back) <= set(_PASSED_BACK),
                    f"passes_back holds some of {', '.join(_PASSED_BACK)}",
                ),
            ],
        )

    def in_stage(self, settings: "StageSettings") -> "Endpoint":
        """Return it as a stage has it, with the URL, the secret and the wire that the stage gives it."""
        here = settings.endpoints.get(self.name)
        if here is None:
            return self
        return replace(self, url=here.url or self.url, secret=here.secret or self.secret, wire=here.wire or self.wire)

    @property
    def key_secret(self) -> str:
        """The name of the secret that holds its key; empty where it needs none."""
        return self.secret or ("" if self.keyless else f"{self.name}-api-key")


def _is_openais(url: str) -> bool:
    """Whether a URL is OpenAI's own, such as https://eu.api.openai.com/v1: there only Responses takes everything."""
    return f".{urlsplit(url).hostname}".endswith(".api.openai.com") if isinstance(url, str) else False


def _are_headers(headers: Any) -> bool:
    return isinstance(headers, tuple) and all(
        isinstance(pair, tuple)
        and len(pair) == 2  # noqa: PLR2004 - a name and a value
        and all(isinstance(part, str) for part in pair)
        and _HEADER.fullmatch(pair[0])
        and pair[1].isascii()
        and pair[1].isprintable()
        for pair in headers
    )
