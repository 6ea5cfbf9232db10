"""What Bedrock's Converse refuses.

Source of the words: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html, and
errors that users of the service reported.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from infra.local.model_provider.rules import anthropic, anthropic_conversations
from infra.local.model_provider.rules.anthropic_schemas import refused_schemas
from infra.local.model_provider.rules.bedrock_conversations import calls, contents, order, texts
from infra.local.model_provider.rules.bedrock_models import Named, named
from infra.local.model_provider.rules.bedrock_shapes import misshapen
from infra.local.model_provider.rules.converse import as_messages, schema_in
from infra.local.model_provider.rules.rule import Refusal, Rule, Sent
from infra.local.model_provider.rules.shapes import first, objects, within

_DOCS = "https://docs.aws.amazon.com/bedrock/latest/"
_REGION = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/bedrock/")
_EXTRA: Mapping[str, frozenset[str]] = {
    "claude": frozenset({"thinking", "output_config", "top_k", "stop_sequences", "anthropic_beta"}),
    "nova": frozenset({"inferenceConfig", "reasoningConfig"}),
    "gpt-oss": frozenset({"reasoning_effort"}),
    "openai": frozenset({"reasoning"}),
    "": frozenset({"inferenceConfig"}),
}
"""What `additionalModelRequestFields` may carry."""

_EFFORTS = ("low", "medium", "high")
_EFFORT_AT: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "gpt-oss": (("reasoning_effort",), _EFFORTS),
    "openai": (("reasoning", "effort"), ("none", *_EFFORTS, "xhigh", "max")),
}
"""Where a family has its effort, and which it takes."""

_OVER = "This model version has reached the end of its life. Please refer to the AWS documentation for more details."
_LEGACY = (
    "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the "
    "last 30 days. Please upgrade to an active model on Amazon Bedrock"
)
_UNKNOWN = "The provided model identifier is invalid."


def region_of(sent: Sent) -> str:
    """Return the region that a request was signed for; empty where it was not signed."""
    match = _REGION.search(sent.headers.get("authorization", ""))
    return match["region"] if match else ""


def no_model(model_id: str, mode: str) -> Refusal:
    """Return the answer for a model that cannot be called: mode is over, legacy, unknown or needs_profile."""
    gone = {"over": _OVER, "legacy": _LEGACY}
    if mode in gone:
        return Refusal(gone[mode], 404, "ResourceNotFoundException")
    if mode == "unknown":
        return Refusal(_UNKNOWN)
    return Refusal(
        f"Invocation of model ID {model_id} with on-demand throughput isn\u2019t supported. Retry your request with "
        "the ID or ARN of an inference profile that contains this model."
    )


def _model(sent: Sent) -> Refusal | None:
    found, region = named(sent.model), region_of(sent)
    if found.is_unknown or not found.is_in(region):
        return no_model(sent.model, "unknown")
    if found.model and found.model.ended:
        return no_model(sent.model, found.model.ended)
    return no_model(sent.model, "needs_profile") if found.needs_profile(region) else None


def _uncached(sent: Sent) -> Refusal | None:
    model, parts = named(sent.model).model, [block for _, blocks in contents(sent) for block in blocks]
    parts += [*objects(sent.body.get("system")), *objects(within(sent.body, "toolConfig", "tools"))]
    if not model or model.caches or not any("cachePoint" in part for part in parts):
        return None
    said = "You invoked an unsupported model or your request did not allow prompt caching."
    return Refusal(said, 403, "AccessDeniedException")


def _shape(sent: Sent) -> Iterator[str]:
    yield from misshapen(sent.body, sent.model)


def _limits(sent: Sent) -> Iterator[str]:
    model, most = named(sent.model).model, within(sent.body, "inferenceConfig", "maxTokens")
    if model and model.thinks != "claude" and isinstance(most, int) and most > model.most_output_tokens:
        yield (
            f"The maximum tokens you requested exceeds the model limit of {model.most_output_tokens}. Try again with a "
            f"maximum tokens value that is lower than {model.most_output_tokens}."
        )


def _structured(sent: Sent) -> Iterator[str]:
    found = named(sent.model)
    form, strict = within(sent.body, "outputConfig", "textFormat"), _strict_tools(sent)
    if found.model and not found.model.takes_schema:
        if form is not None:
            yield "outputConfig.textFormat: structured output is not supported by this model."
        if strict:
            yield f"toolConfig.tools: strict is not supported by this model: {', '.join(strict)}."
    if form is not None and not isinstance(schema_in(form), Mapping):
        yield "outputConfig.textFormat.structure.jsonSchema.schema: expected the text of a JSON object."
    if found.model and found.model.thinks != "claude" and within(sent.body, "outputConfig", "effort") is not None:
        yield "outputConfig.effort: effort is not supported by this model."


def _strict_tools(sent: Sent) -> list[str]:
    specs = [within(tool, "toolSpec") or {} for tool in objects(within(sent.body, "toolConfig", "tools"))]
    return [str(spec.get("name")) for spec in specs if spec.get("strict")]


def _reasoning(sent: Sent) -> Iterator[str]:
    found = named(sent.model)
    if found.model is None:
        return
    extra = within(sent.body, "additionalModelRequestFields")
    unknown = sorted(extra.keys() - _EXTRA[found.model.thinks]) if isinstance(extra, Mapping) else []
    for name in unknown:
        yield (
            f"Malformed input request: extraneous key [{name}] is not permitted, please reformat your input and try "
            "again."
        )
    if not found.model.thinks:
        thoughts = [at for at, blocks in contents(sent) for block in blocks if "reasoningContent" in block]
        yield from (f"{at}.content: reasoningContent is not supported by this model." for at in thoughts)
    yield from _nova(sent, within(extra, "reasoningConfig"))
    at, efforts = _EFFORT_AT.get(found.model.thinks, ((), ()))
    effort = within(extra, *at) if at else None
    if effort is not None and effort not in efforts:
        yield f"{'.'.join(at)}: {effort!r} is not one of {', '.join(efforts)}."


def _nova(sent: Sent, config: Any) -> Iterator[str]:
    if config is None:
        return
    kind, effort = within(config, "type"), within(config, "maxReasoningEffort")
    if kind not in ("enabled", "disabled"):
        yield "reasoningConfig.type must be enabled or disabled."
    if kind == "enabled" and effort not in _EFFORTS:
        yield "reasoningConfig.maxReasoningEffort must be low, medium or high when reasoning is enabled."
    if kind == "disabled" and effort is not None:
        yield "reasoningConfig.maxReasoningEffort must not be set when reasoning is disabled."
    given = [
        name for name in ("temperature", "topP", "maxTokens") if within(sent.body, "inferenceConfig", name) is not None
    ]
    if kind == "enabled" and effort == "high" and given:
        yield f"{', '.join(given)} must not be set when maxReasoningEffort is high."


def _forced(sent: Sent) -> Iterator[str]:
    """A Claude of today may be made to call a tool only while it does not think."""
    found = named(sent.model).claude
    choice = within(sent.body, "toolConfig", "toolChoice") or {}
    kind = within(sent.body, "additionalModelRequestFields", "thinking", "type") or (found and found.by_default)
    if found and kind != "disabled" and choice.keys() & {"any", "tool"}:
        yield "Thinking may not be enabled when tool_choice forces tool use."


def _by_claude(*checks: Callable[[Sent], Iterable[str]]) -> Callable[[Sent], Iterator[str]]:
    """Let Anthropic's checks look at a request to a Claude, as Bedrock hands it on."""

    def check(sent: Sent) -> Iterator[str]:
        found: Named = named(sent.model)
        if found.claude:
            messages = as_messages(sent, found.claude.name)
            wrong = (message for one in checks for message in one(messages))
            yield from (f"The model returned the following errors: {message}" for message in wrong)

    return check


BEDROCK: tuple[Rule, ...] = (
    Rule(
        28,
        "an id that is unknown or not in the region, that needs an inference profile, or whose model is retired",
        f"{_DOCS}userguide/model-lifecycle.html",
        True,
        _model,
    ),
    Rule(
        26,
        "a pattern or a length of the service model, a blank text, calls and results that do not match, no toolConfig",
        f"{_DOCS}APIReference/API_runtime_Converse.html",
        True,
        first(
            _shape,
            texts,
            order,
            calls,
            _limits,
            _by_claude(
                anthropic_conversations.order,
                anthropic_conversations.texts,
                anthropic_conversations.pairs,
                anthropic.breakpoints,
            ),
        ),
    ),
    Rule(
        26,
        "a cache point for a model that has no prompt cache",
        f"{_DOCS}userguide/prompt-caching.html",
        False,
        _uncached,
    ),
    Rule(
        27,
        "outputConfig or strict for a model without structured output, or a schema outside the subset",
        f"{_DOCS}userguide/structured-output.html",
        False,
        first(_structured, _by_claude(refused_schemas)),
    ),
    Rule(
        29,
        "reasoning that is edited or has no signature, and fields that do not go with a model's reasoning",
        f"{_DOCS}userguide/claude-messages-thinking-block-binding.html",
        False,
        first(
            _reasoning,
            _forced,
            _by_claude(
                anthropic.sampling,
                anthropic.thinking_types,
                anthropic.budgets,
                anthropic.forced_tools,
                anthropic_conversations.thoughts,
                anthropic_conversations.misplaced_thoughts,
            ),
        ),
    ),
)
"""The rules of Bedrock's wire, in the order in which they are tried."""
