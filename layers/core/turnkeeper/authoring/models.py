"""The models that an agent asks: its chain, and its alternative path."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.authoring.endpoints import Endpoint
from turnkeeper.authoring.errors import is_whole, refuse
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.known_models import KnownModel, Thinks, known_model
from turnkeeper.domain.thinking import ALLOWANCE, EFFORTS, LEAST_BUDGET, UNKNOWN, budget_of

_HOW = f"write provider:name, where provider is one of {', '.join(PRESETS)}, or name its endpoint=Endpoint(...)"
_LEAST_OUTPUT_TOKENS = 16
"""The least that OpenAI's Responses take as a limit."""

_SAMPLING = frozenset({"temperature", "top_p", "topP", "top_k", "topK", "logprobs", "top_logprobs"})
_OPTIONS: Mapping[str, frozenset[str]] = {
    "responses": frozenset(
        {*_SAMPLING, "service_tier", "parallel_tool_calls", "metadata", "safety_identifier", "prompt_cache_options"}
    ),
    "anthropic": frozenset({*_SAMPLING, "stop_sequences", "service_tier", "metadata"}),
    "bedrock": frozenset(
        {*_SAMPLING, "stopSequences", "serviceTier", "guardrailConfig", "performanceConfig", "requestMetadata"}
    ),
}
"""The options of a wire that neither change what Turnkeeper relies on nor what a call costs without being priced."""

_NOT_OF_CHAT = frozenset(
    {
        *("model", "models", "messages", "tools", "tool_choice", "response_format", "functions", "function_call"),
        *("max_tokens", "max_completion_tokens", "reasoning_effort", "reasoning", "store", "stream", "n", "plugins"),
        *("web_search_options", "modalities", "audio", "extra_headers", "extra_body", "mcp_servers", "cache_control"),
        *("fallbacks", "prediction"),
    }
)
"""What servers of chat completions know and an agent cannot set; of the rest, each server knows its own."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a chain, such as `Model("openai:gpt-6-luna", effort="low", max_latency_ms=6000)`.

    `id` is provider:name, with the provider's own name of the model. `max_latency_ms` is the hard total of one call, in
    milliseconds (default 8000). Where it is asked at no endpoint of `authoring/presets.py`, `endpoint` says where, and
    the id begins with the endpoint's name.

    `effort` is how much it thinks: none, minimal, low, medium, high, xhigh or max, as far as the model takes it; left
    out, as much as it does by itself. `max_output_tokens` bounds one call, its thinking included; left out, it is the
    agent's own bound of an answer and an allowance for the thinking. An answer that is cut off is asked for once more
    with four times the bound. `options` are further fields of the wire, such as `{"service_tier": "flex"}`. `like` says
    which model it is where its name does not, as with a deployment of Azure: `Model("azure:chat", like="gpt-6-luna")`.
    """

    id: str
    max_latency_ms: int = 8_000
    endpoint: Endpoint | None = None
    effort: str | None = None
    max_output_tokens: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    like: str = ""

    def __post_init__(self) -> None:
        begins, _, name = self.id.partition(":") if isinstance(self.id, str) else ("", "", "")
        own = self.endpoint.name if isinstance(self.endpoint, Endpoint) else begins
        is_known = begins in PRESETS if self.endpoint is None else isinstance(self.endpoint, Endpoint)
        limit = self.max_output_tokens
        refuse(
            f"Model({self.id!r})",
            [
                (not (is_known and name), _HOW),
                (begins != own, "its id begins with the name of its endpoint, such as groq:openai/gpt-oss-120b"),
                (not is_whole(self.max_latency_ms, 1), "max_latency_ms is a whole number of milliseconds above 0"),
                (
                    limit is not None and not is_whole(limit, _LEAST_OUTPUT_TOKENS),
                    f"max_output_tokens is a whole number, at least {_LEAST_OUTPUT_TOKENS}",
                ),
            ],
        )
        refuse(f"Model({self.id!r})", [*self._wrong_effort(), *self._wrong_options()])

    def _wrong_effort(self) -> list[tuple[bool, str]]:
        efforts, known, limit = self._efforts(), self.known, self.max_output_tokens or 0
        most = known.most_output_tokens if known else limit
        in_a_budget = known is not None and known.thinks is Thinks.IN_A_BUDGET and self.effort not in (None, "none")
        return [
            (not isinstance(self.like, str), "like is a model's own name, such as gpt-6-luna"),
            (
                self.effort is not None and not efforts,
                f"{self.name} cannot be told how much to think: leave effort out",
            ),
            (
                self.effort is not None and bool(efforts) and self.effort not in efforts,
                f"effort of {self.name} is one of {', '.join(efforts)}",
            ),
            (limit > most, f"max_output_tokens of {self.name} is at most {most}"),
            (
                in_a_budget and 0 < budget_of(limit) < LEAST_BUDGET,
                f"max_output_tokens of {self.name} leaves no room to think: write more, or effort='none'",
            ),
        ]

    def _efforts(self) -> tuple[str, ...]:
        if self.asked_at.wire == "chat" and not self.asked_at.effort:
            return ()
        return self.known.efforts if self.known else EFFORTS

    def _wrong_options(self) -> list[tuple[bool, str]]:
        if not isinstance(self.options, Mapping) or not _is_json(self.options):
            return [(True, 'options are JSON by name, such as {"service_tier": "flex"}')]
        taken, wire = self.options.keys(), self.asked_at.wire
        wrong = taken - _OPTIONS[wire] if wire in _OPTIONS else taken & _NOT_OF_CHAT
        samples = self.known is None or (self.known.samples and (self.effort or self.known.effort) == "none")
        return [
            (bool(wrong), f"options cannot set {', '.join(sorted(wrong))}"),
            (
                bool(_SAMPLING & taken) and not samples,
                f"{self.name} takes no temperature and the like while it thinks: leave it out",
            ),
            (self.service_tier == "auto", "service_tier auto may cost anything: name the tier"),
        ]

    @property
    def asked_at(self) -> Endpoint:
        """The endpoint where it is asked: by default the one that its id begins with."""
        return self.endpoint or PRESETS[self.id.partition(":")[0]]

    @property
    def name(self) -> str:
        """The provider's own name for the model."""
        return self.id.partition(":")[2]

    @property
    def service_tier(self) -> str:
        """The service tier that it is asked in; empty for the usual one."""
        tier = self.options.get("service_tier", self.options.get("serviceTier", ""))
        return str(tier.get("type", "") if isinstance(tier, Mapping) else tier)

    @property
    def known(self) -> KnownModel | None:
        """What is known of it; None where nothing is."""
        return known_model(self.known_as)

    @property
    def known_as(self) -> str:
        """The name by which it is known and priced."""
        return self.like or self.name

    @property
    def settings(self) -> str:
        """What may change its answers, as text: it stays as it is when a setting is added that nobody uses."""
        extras = {"effort": self.effort, "max_output_tokens": self.max_output_tokens, "options": dict(self.options)}
        set_here = {name: value for name, value in {**extras, "like": self.like}.items() if value}
        return f"{self.id}/{self.max_latency_ms}" + (json.dumps(set_here, sort_keys=True) if set_here else "")

    @property
    def max_latency_s(self) -> float:
        """The hard total of one call, in seconds."""
        return self.max_latency_ms / 1000

    def output_tokens(self, answer_tokens: int, *, times: int = 1) -> int:
        """Return the bound of one call whose answer may have so many tokens, `times` larger, with its thinking."""
        known = self.known
        effort = self.effort or (known.effort if known else UNKNOWN)
        wanted = (self.max_output_tokens or answer_tokens + ALLOWANCE[effort]) * times
        return max(_LEAST_OUTPUT_TOKENS, min(wanted, known.most_output_tokens) if known else wanted)


def _is_json(value: Any) -> bool:
    try:
        return bool(json.dumps(dict(value), allow_nan=False)) and all(isinstance(name, str) for name in value)
    except (TypeError, ValueError, RecursionError):
        return False


@dataclass(frozen=True, slots=True)
class Alternative:
    """The alternative path (tier 2): simpler instructions, and other models."""

    instructions: str
    chain: Sequence[Model]
