"""The rules of OpenAI's two protocols, and of the servers that speak its chat completions."""

from collections.abc import Iterator

from infra.local.model_provider.rules.compatible import refused_by_server
from infra.local.model_provider.rules.openai_fields import chat_fields, responses_fields
from infra.local.model_provider.rules.openai_history import (
    changed_reasoning,
    chat_pairs,
    lost_phase,
    responses_pairs,
    responses_reasoning,
)
from infra.local.model_provider.rules.openai_requests import (
    Check,
    chat_effort_outside,
    chat_names,
    chat_sampling,
    low_limit,
    number_of_tools,
    old_limit,
    responses_effort_outside,
    responses_names,
    responses_sampling,
    retired,
    tools_while_thinking,
    unsaid_strict,
)
from infra.local.model_provider.rules.rule import Refusal, Rule, Sent
from infra.local.model_provider.rules.servers import SERVERS
from infra.local.model_provider.rules.strict_schema import fault_of

_DEPRECATIONS = "https://developers.openai.com/api/docs/deprecations"
_CHECKLIST = "https://developers.openai.com/api/docs/guides/deployment-checklist"
_SCHEMAS = "https://developers.openai.com/api/docs/guides/structured-outputs"
_REQUEST = "https://platform.openai.com/docs/api-reference/responses/create"
_CONVERSATION = "https://developers.openai.com/api/docs/guides/reasoning"


def _wrong_schemas(sent: Sent) -> Iterator[Refusal]:
    """Rule 8 on both: the schema of the answer, then those of tools, where they are strict."""
    body, takes_any_of = sent.body, sent.server == "xai"
    if sent.server == "openrouter" and not sent.model.startswith("openai/"):
        return
    chat, response = (body.get("response_format") or {}).get("json_schema"), (body.get("text") or {}).get("format")
    for declared, name, param, code in (
        (chat, "response_format", "response_format", None),
        (response, "response_format", "text.format.schema", "invalid_json_schema"),
    ):
        if declared and declared.get("strict"):
            fault = fault_of(declared.get("schema"), takes_root_any_of=takes_any_of)
            if fault:
                yield Refusal(f"Invalid schema for {name} '{declared.get('name')}': {fault}", code=code, param=param)
    for number, tool in enumerate(body.get("tools") or ()):
        function, at = (tool["function"], ".function") if isinstance(tool.get("function"), dict) else (tool, "")
        if function.get("strict"):
            fault = fault_of(function.get("parameters"))
            if fault:
                said = f"Invalid schema for function '{function.get('name')}': {fault}"
                yield Refusal(said, code="invalid_function_parameters", param=f"tools[{number}]{at}.parameters")


def _wrong_schema(sent: Sent) -> Refusal | None:
    return next(_wrong_schemas(sent), None)


def _at_its_server(number: int, check: Check) -> Check:
    """Return a check that only looks at what goes to a server at which the rule holds."""
    return lambda sent: check(sent) if number in SERVERS[sent.server].rules else None


def _nothing(_: Sent) -> None:
    """Refuse nothing: rule 14 shapes the answer."""


def _rule(number: int, says: str, source: str, check: Check, *, is_sure: bool, only_warns: bool = False) -> Rule:
    return Rule(number, says, source, is_sure, _at_its_server(number, check), only_warns)


_COMPATIBLE = Rule(
    30,
    "what this server does not take, though OpenAI does",
    "https://docs.litellm.ai/docs/providers",
    is_sure=False,
    refuses=refused_by_server,
)
_RETIRED = _rule(1, "a model after its shutdown", _DEPRECATIONS, retired, is_sure=True)
_SCHEMA = _rule(8, "a strict schema outside the subset of JSON Schema", _SCHEMAS, _wrong_schema, is_sure=False)
_THINKING_FIRST = _rule(
    14,
    "nothing: thinking is taken from the limit, and too low a limit ends the answer",
    _CONVERSATION,
    _nothing,
    is_sure=True,
)

CHAT: tuple[Rule, ...] = (
    _RETIRED,
    _rule(
        13,
        "a field that chat completions do not know",
        "openai.types.chat.completion_create_params",
        chat_fields,
        is_sure=True,
    ),
    _rule(2, "function tools while the model thinks, from gpt-5.4 on", _CHECKLIST, tools_while_thinking, is_sure=False),
    _rule(
        3,
        "an effort that the model does not have",
        "openai.types.shared.reasoning_effort",
        chat_effort_outside,
        is_sure=False,
    ),
    _rule(4, "sampling fields while the model thinks", _CHECKLIST, chat_sampling, is_sure=True),
    _rule(
        5, "max_tokens for a model that thinks", "openai.types.chat.completion_create_params", old_limit, is_sure=True
    ),
    _rule(
        6,
        "names and ids of another form, or twice",
        "openai.types.shared_params.function_definition",
        chat_names,
        is_sure=False,
    ),
    _rule(
        7,
        "an empty list of tools, or more than 128",
        "openai.types.chat.completion_create_params",
        number_of_tools,
        is_sure=False,
    ),
    _SCHEMA,
    _rule(
        9,
        "calls without results, and results without calls",
        "https://platform.openai.com/docs/guides/function-calling",
        chat_pairs,
        is_sure=True,
    ),
    _THINKING_FIRST,
    _COMPATIBLE,
)
RESPONSES: tuple[Rule, ...] = (
    _RETIRED,
    _rule(
        13,
        "a field that responses do not know",
        "openai.types.responses.response_create_params",
        responses_fields,
        is_sure=True,
    ),
    _rule(
        3,
        "an effort that the model does not have",
        "openai.types.shared.reasoning_effort",
        responses_effort_outside,
        is_sure=False,
    ),
    _rule(4, "sampling fields while the model thinks", _CHECKLIST, responses_sampling, is_sure=True),
    _rule(
        5,
        "a limit below 16 tokens",
        "https://platform.openai.com/docs/api-reference/responses/create",
        low_limit,
        is_sure=False,
    ),
    _rule(
        6,
        "names and ids of another form, or twice",
        "openai.types.responses.response_input_item_param",
        responses_names,
        is_sure=False,
    ),
    _rule(
        7,
        "more than 128 tools, or one that does not say whether it is strict",
        "openai.types.responses.function_tool_param",
        unsaid_strict,
        is_sure=False,
    ),
    _SCHEMA,
    _rule(
        9,
        "calls without outputs, and outputs without calls",
        "https://platform.openai.com/docs/guides/function-calling",
        responses_pairs,
        is_sure=False,
    ),
    _rule(
        11,
        "reasoning that was changed",
        "openai.types.responses.response_reasoning_item",
        changed_reasoning,
        is_sure=False,
    ),
    _rule(
        10,
        "a call without its reasoning, or reasoning without what followed it",
        _CONVERSATION,
        responses_reasoning,
        is_sure=False,
    ),
    _rule(
        12,
        "a message that lost its phase",
        "openai.types.responses.response_output_message",
        lost_phase,
        is_sure=True,
        only_warns=True,
    ),
    _THINKING_FIRST,
)
