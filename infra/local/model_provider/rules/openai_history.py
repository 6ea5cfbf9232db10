"""Rules of OpenAI that look at what came before: calls and their outputs, reasoning and what followed it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.local.model_provider.item_ids import has_reasoning, item_id, response_of
from infra.local.model_provider.rules.openai_prompts import items
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.signing import Thought

Item = Mapping[str, Any]


def responses_pairs(sent: Sent) -> Refusal | None:
    """Rule 9 on responses."""
    given = items(sent.body)
    outputs = Counter(item["call_id"] for item in given if item["type"] == "function_call_output")
    called: set[str] = set()
    for item in given:
        if item["type"] == "function_call":
            called.add(item["call_id"])
            if not outputs[item["call_id"]]:
                return Refusal(f"No tool output found for function call {item['call_id']}.", param="input")
        if item["type"] == "function_call_output" and item["call_id"] not in called:
            return Refusal(
                f"No tool call found for function call output with call_id {item['call_id']}.", param="input"
            )
    twice = next((call_id for call_id, number in outputs.items() if number > 1), None)
    return Refusal(f"Duplicate function call output for call_id {twice}.", param="input") if twice else None


def chat_pairs(sent: Sent) -> Refusal | None:
    """Rule 9 on chat completions."""
    return next(_wrong_pairs(sent.body.get("messages") or ()), None)


def _wrong_pairs(messages: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    waiting: list[str] = []
    for number, message in enumerate(messages):
        param = f"messages.[{number}].role"
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in waiting:
                said = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                yield Refusal(f"Invalid parameter: {said}", param=param)
            else:
                waiting.remove(message["tool_call_id"])
            continue
        yield from _unanswered(waiting, param)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    yield from _unanswered(waiting, f"messages.[{len(messages)}].role")


def _unanswered(waiting: Sequence[str], param: str) -> Iterator[Refusal]:
    if waiting:
        yield Refusal(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            param=param,
        )


def responses_reasoning(sent: Sent) -> Refusal | None:
    """Rule 10."""
    return next(_parted(items(sent.body), is_stored=sent.body.get("store") is not False), None)


def _parted(given: Sequence[Item], *, is_stored: bool) -> Iterator[Refusal]:
    thought: set[str] = set()
    for number, item in enumerate(given):
        if item["type"] == "reasoning":
            name, response = _name(item), _response(item)
            thought.add(response)
            if not item.get("encrypted_content") and not is_stored:
                said = f"Item with id '{name}' not found. Items are not persisted when `store` is set to false. "
                yield Refusal(
                    f"{said}Try again with `store` set to true, or remove this item from your input.",
                    404,
                    None,
                    "input",
                )
            if not _follows(given[number + 1] if number + 1 < len(given) else None, response):
                said = f"Item '{name}' of type 'reasoning' was provided without its required following item."
                yield Refusal(said, param="input")
        elif item["type"] in ("message", "function_call"):
            response = response_of(str(item.get("id") or ""))
            if has_reasoning(response) and response not in thought:
                said = (
                    f"Item '{item['id']}' of type '{item['type']}' was provided without its required 'reasoning' item"
                )
                yield Refusal(f"{said}: '{item_id('rs', response)}'.", param="input")


def _follows(item: Item | None, response: str) -> bool:
    """Say whether an item may follow reasoning: something of the assistant, and of the same answer if its id tells."""
    if item is None:
        return False
    if item["type"] == "reasoning" or (item["type"] == "message" and item.get("role") != "assistant"):
        return item["type"] == "reasoning" and _response(item) == response
    if item["type"] not in ("message", "function_call"):
        return False
    own = response_of(str(item.get("id") or ""))
    return not own or not response or own == response


def _name(item: Item) -> str:
    return str(item.get("id") or item_id("rs", _response(item)))


def _response(item: Item) -> str:
    thought = Thought.opened(item.get("encrypted_content"))
    return thought.response if thought else response_of(str(item.get("id") or ""))


def changed_reasoning(sent: Sent) -> Refusal | None:
    """Rule 11: what is not as it was made here cannot be read. What is of another model is not shown to the model."""
    for item in items(sent.body):
        sealed = item.get("encrypted_content") if item["type"] == "reasoning" else None
        if sealed and Thought.opened(sealed) is None:
            said = f"The encrypted content for item {_name(item)} could not be verified. "
            return Refusal(
                f"{said}Reason: Encrypted content could not be decrypted or parsed.", code="invalid_encrypted_content"
            )
    return None


def lost_phase(sent: Sent) -> Refusal | None:
    """Rule 12: an answer's message that comes back without its phase."""
    for number, item in enumerate(items(sent.body)):
        if item["type"] == "message" and str(item.get("id") or "").startswith("msg_") and not item.get("phase"):
            return Refusal(f"input[{number}] lost its phase", param=f"input[{number}].phase")
    return None
