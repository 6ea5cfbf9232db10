"""What Anthropic's Messages API refuses. Source of the words: https://platform.claude.com/docs/en/api/errors."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.model_provider.rules.anthropic_conversations import CONVERSATIONS
from infra.local.model_provider.rules.anthropic_models import Claude, claude, retired_on
from infra.local.model_provider.rules.anthropic_schemas import refused_schemas
from infra.local.model_provider.rules.claude import FORCED, may_drop, thinking, turns
from infra.local.model_provider.rules.rule import Refusal, Rule, Sent
from infra.local.model_provider.rules.shapes import first, objects, within

_DOCS = "https://platform.claude.com/docs/en/"
_VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
_NO_SAMPLING = "2026-10-21"
_SAMPLING: Mapping[str, tuple[Any, ...]] = {"temperature": (None, 1), "top_p": (None, 1), "top_k": (None,)}
"""Each field of sampling, and the values that change nothing."""

_THINKING_FIELDS: Mapping[str, frozenset[str]] = {
    "adaptive": frozenset({"type", "display", "block_binding"}),
    "enabled": frozenset({"type", "display", "budget_tokens", "block_binding"}),
    "between_tools": frozenset({"type"}),
    "disabled": frozenset({"type"}),
}
_LEAST_BUDGET = 1024
_MOST_BREAKPOINTS = 4


def _retired(sent: Sent) -> Refusal | None:
    gone = retired_on(sent.model)
    return Refusal(f"model: {sent.model}", 404, "not_found_error") if gone and gone <= sent.today else None


def _headers(sent: Sent) -> Iterator[str]:
    version = sent.headers.get("anthropic-version")
    if version is None:
        yield "anthropic-version: header is required"
    elif version not in _VERSIONS:
        yield f'anthropic-version: "{version}" is not a valid version'


def sampling(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with temperature, top_p and top_k."""
    model, body = claude(sent.model), sent.body
    given = [name for name in _SAMPLING if name in body]
    if sent.headers.get("anthropic-version") == _NO_SAMPLING:
        yield from (f"{name}: Extra inputs are not permitted" for name in given)
    changed = [name for name in given if body[name] not in _SAMPLING[name]]
    if model and not model.takes_sampling:
        yield from (f"`{name}` is not supported on this model." for name in changed)
    if within(body, "thinking", "type") == "enabled":
        yield from (f"`{name}` may not be set when thinking is enabled." for name in changed if name != "top_p")
    if model and model.version >= (4, 5) and body.get("temperature") is not None and body.get("top_p") is not None:
        yield "`temperature` and `top_p` cannot both be specified for this model. Please use only one."


def thinking_types(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with how the model shall think."""
    model, wanted = claude(sent.model), sent.body.get("thinking")
    effort = within(sent.body, "output_config", "effort")
    if isinstance(wanted, Mapping):
        kind = str(wanted.get("type"))
        if kind not in _THINKING_FIELDS:
            kinds = ", ".join(map(repr, _THINKING_FIELDS))
            yield f"thinking: Input tag {kind!r} found using 'type' does not match any of the expected tags: {kinds}"
            return
        if model and kind not in model.thinking:
            yield f'"thinking.type.{kind}" is not supported for this model. Use one of: {", ".join(model.thinking)}.'
        allowed = _THINKING_FIELDS[kind] - (set() if may_drop(sent.headers) else {"block_binding"})
        yield from (
            f"thinking.{kind}.{name}: Extra inputs are not permitted" for name in sorted(wanted.keys() - allowed)
        )
        if "display" in wanted and wanted["display"] not in (None, "summarized", "omitted"):
            yield f"thinking.{kind}.display: Input should be 'summarized' or 'omitted'"
    elif wanted is not None:
        yield "thinking: Input should be a valid dictionary"
    if effort is not None and model:
        yield from _efforts(model, sent, effort)


def _efforts(model: Claude, sent: Sent, effort: Any) -> Iterator[str]:
    if not model.efforts:
        yield "This model does not support the effort parameter."
    elif effort not in model.efforts:
        yield f"output_config.effort: Input should be {', '.join(map(repr, model.efforts))}"
    kind = thinking(model, {**sent.body, "tool_choice": None}).kind
    if kind in model.thinking and effort in model.efforts and effort not in model.thinking[kind]:
        yield f'"thinking.type.{kind}" is not supported at effort {effort!r} on this model.'


def budgets(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with the limits of thinking and answer."""
    most, model = sent.body.get("max_tokens"), claude(sent.model)
    if within(sent.body, "thinking", "type") == "enabled":
        budget = within(sent.body, "thinking", "budget_tokens")
        if not isinstance(budget, int) or isinstance(budget, bool):
            yield "thinking.enabled.budget_tokens: Field required"
        elif budget < _LEAST_BUDGET:
            yield f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}"
        elif isinstance(most, int) and budget >= most:
            yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if model and isinstance(most, int) and most > model.most_output_tokens:
        limit = f"{most} > {model.most_output_tokens}"
        yield f"max_tokens: {limit}, which is the maximum allowed number of output tokens for {sent.model}"


def forced_tools(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with a tool that the model must call."""
    model, choice = claude(sent.model), sent.body.get("tool_choice")
    kind = within(choice, "type")
    if choice is not None and kind not in (*FORCED, "auto", "none"):
        yield f"tool_choice: Input tag {kind!r} found using 'type' does not match any of the expected tags"
    if choice is not None and not sent.body.get("tools"):
        yield "tool_choice may only be specified while providing tools."
    if kind in FORCED and model and not model.takes_forced_tool:
        yield f'tool_choice: "{kind}" forces tool use, which is not supported on this model.'
    if kind in FORCED and within(sent.body, "thinking", "type") == "enabled":
        yield "Thinking may not be enabled when tool_choice forces tool use."
    names = [tool.get("name") for tool in objects(sent.body.get("tools"))]
    if kind == "tool" and within(choice, "name") not in names:
        yield f"Tool {within(choice, 'name')!r} not found in provided tools"


def breakpoints(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with the points up to which the prompt shall be cached."""
    found = list(_controls(sent.body))
    if len(found) > _MOST_BREAKPOINTS:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {len(found)}."
    has_short = False
    for at, block, control in found:
        if within(control, "type") != "ephemeral" or within(control, "ttl") not in (None, "5m", "1h"):
            yield f"{at}.cache_control: Input should be of type 'ephemeral', with a ttl of '5m' or '1h'"
        if block.get("type") in ("thinking", "redacted_thinking"):
            yield f"{at}.{block['type']}.cache_control: Extra inputs are not permitted"
        if block.get("type") == "text" and not block.get("text"):
            yield f"{at}.text: cache_control cannot be set for empty text blocks"
        is_short = within(control, "ttl") != "1h"
        if has_short and not is_short:
            yield f"{at}.cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' one"
        has_short = has_short or is_short


def _controls(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    parts = [
        *((f"tools.{number}", tool) for number, tool in enumerate(objects(body.get("tools")))),
        *((f"system.{number}", block) for number, block in enumerate(objects(body.get("system")))),
        *((block.at, block.data) for turn in turns(body) for block in turn.blocks),
        ("request", body),
    ]
    yield from ((at, part, part["cache_control"]) for at, part in parts if part.get("cache_control") is not None)


ANTHROPIC: tuple[Rule, ...] = (
    Rule(1, "a model that is retired", "anthropic/resources/messages/messages.py", True, _retired),
    Rule(
        15,
        "no version header, or a field of sampling that the version or the model does not take",
        f"{_DOCS}api/versioning",
        True,
        first(_headers, sampling),
    ),
    Rule(
        16,
        "a type of thinking, or an effort, that the model does not take",
        f"{_DOCS}build-with-claude/thinking-troubleshooting",
        True,
        first(thinking_types),
    ),
    Rule(
        17,
        "a budget of thinking below 1,024 or not below max_tokens, or max_tokens above the model's most",
        f"{_DOCS}build-with-claude/extended-thinking",
        True,
        first(budgets),
    ),
    Rule(
        18,
        "a forced tool where the model thinks and cannot stop",
        f"{_DOCS}models/sonnet-5-5/whats-new-sonnet-5-5",
        True,
        first(forced_tools),
    ),
    *CONVERSATIONS,
    Rule(
        24,
        "a schema outside the subset of structured outputs, or too complex a one",
        f"{_DOCS}build-with-claude/structured-outputs",
        True,
        first(refused_schemas),
    ),
    Rule(
        25,
        "more than four breakpoints, or one on thinking or on an empty text",
        f"{_DOCS}build-with-claude/prompt-caching",
        True,
        first(breakpoints),
    ),
)
"""The rules of Anthropic's wire, in the order in which they are tried."""
