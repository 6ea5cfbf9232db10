"""What the servers that speak OpenAI's chat completions differ in, one row each.

Sources stand beside the rules that use a row (`compatible.py`); where nothing sure is known, the stricter is played.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from infra.local.model_provider.rules.openai_models import EFFORTS, model

# fmt: off
CHAT_FIELDS = frozenset({
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
    "max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream",
    "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
    "web_search_options",
})
# fmt: on
"""`openai.types.chat.completion_create_params`."""

# fmt: off
_GEMINI_FIELDS = frozenset({
    "extra_body", "frequency_penalty", "logprobs", "max_completion_tokens", "max_tokens", "messages", "model", "n",
    "parallel_tool_calls", "presence_penalty", "reasoning_effort", "response_format", "seed", "stop", "stream",
    "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
})
# fmt: on
_BOTH_LIMITS = ("max_tokens", "max_completion_tokens")
_COMMON = frozenset({6, 7, 9})
_STRICT = _COMMON | {8}


@dataclass(frozen=True, slots=True)
class Thinking:
    """How the models that match a glob think: the efforts they take, and the one they have without being asked."""

    models: str
    efforts: tuple[str, ...]
    effort: str


@dataclass(frozen=True, slots=True)
class Server:
    """One server.

    `path` is what its paths begin with; `rules` which of OpenAI's own rules hold there; `thinking` None where its
    models are OpenAI's. `limits` are its names for the limit of an answer, `knows` the fields of a request that it
    takes (None: it ignores others). `schema_beside_tools` are the models that take both in one request. `thought` is
    the field in which it returns what a model thought. `finish` are its words where they are not OpenAI's.
    """

    name: str
    path: str
    rules: frozenset[int] = _COMMON
    thinking: tuple[Thinking, ...] | None = ()
    limits: tuple[str, ...] = ("max_tokens",)
    knows: frozenset[str] | None = None
    has_schema: bool = True
    schema_beside_tools: tuple[str, ...] = ("*",)
    most_tools: int = 128
    needs_key: bool = True
    thought: str = ""
    finish: Mapping[str, str] = field(default_factory=dict)
    call_id_length: int | None = None

    def efforts(self, name: str) -> tuple[tuple[str, ...], str]:
        """Return the efforts that a model takes, and the one that it has without being asked."""
        if self.thinking is None:
            known = model(name)
            return known.efforts, known.effort
        found = next((t for t in self.thinking if fnmatchcase(name, t.models)), None)
        return (found.efforts, found.effort) if found else (EFFORTS, "none")


_OPENAI = frozenset(range(1, 15))
_GROQ_THINKS = (
    Thinking("*gpt-oss*", ("low", "medium", "high"), "medium"),
    Thinking("*qwen3*", ("none", "default"), "default"),
)
_ROWS = (
    Server("openai", "(?:/v1|/openai/v1)?", _OPENAI, None, _BOTH_LIMITS, CHAT_FIELDS),
    Server("azure", "/azure/openai/v1", _OPENAI, None, _BOTH_LIMITS, CHAT_FIELDS),
    Server(
        "gemini",
        "/gemini/v1beta/openai",
        _STRICT | {13},
        (Thinking("*", ("none", "minimal", "low", "medium", "high"), "medium"),),
        knows=_GEMINI_FIELDS,
        schema_beside_tools=("gemini-[3-9]*", "gemini-[1-9][0-9]*"),
        thought="extra_content",
        finish={"tools": "stop", "filter": "SAFETY"},
    ),
    Server(
        "groq",
        "/groq/openai/v1",
        _STRICT,
        _GROQ_THINKS,
        _BOTH_LIMITS,
        schema_beside_tools=(),
        thought="reasoning",
    ),
    Server("mistral", "/mistral/v1", _STRICT, call_id_length=9),
    Server(
        "deepseek",
        "/deepseek",
        _COMMON,
        (Thinking("*", EFFORTS, "medium"),),
        has_schema=False,
        thought="reasoning_content",
    ),
    Server(
        "xai",
        "/xai/v1",
        _STRICT,
        (Thinking("grok-4.5*", ("low", "medium", "high"), "low"),),
        _BOTH_LIMITS,
        most_tools=350,
    ),
    Server("openrouter", "/openrouter/api/v1", _STRICT, None, thought="reasoning_details"),
    Server("together", "/together/v1", _STRICT, finish={"stop": "eos"}),
    Server("vllm", "/vllm/v1", _COMMON, (), _BOTH_LIMITS, needs_key=False, thought="reasoning_content"),
    Server("ollama", "/ollama/v1", _COMMON, needs_key=False, thought="reasoning"),
    Server("litellm", "/litellm/v1", _STRICT | {1, 3, 4}, None, _BOTH_LIMITS),
    Server("portkey", "/portkey/v1", _OPENAI, None, _BOTH_LIMITS, CHAT_FIELDS),
)
SERVERS: Mapping[str, Server] = {row.name: row for row in _ROWS}
"""Every server, by its name."""
