"""What Anthropic's Messages API refuses of a conversation: its order, its texts, its tool calls and its thoughts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.local.model_provider.rules.anthropic_models import claude, claude_or_stranger
from infra.local.model_provider.rules.claude import Block, Loop, Turn, may_drop, thinking, turns
from infra.local.model_provider.rules.rule import Rule, Sent
from infra.local.model_provider.rules.shapes import first, is_blank, objects, within
from infra.local.model_provider.signing import account

_DOCS = "https://platform.claude.com/docs/en/"
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_OF_ASSISTANT = ("tool_use", "thinking", "redacted_thinking")
_THOUGHTS = ("thinking", "redacted_thinking")
_UNCHANGED = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must "
    "remain as they were in the original response."
)
_ELSEWHERE = (
    "Invalid `signature` in `thinking` block. The block is bound to a different conversation. Remove the block, or set "
    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
)


def order(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with who speaks when."""
    conversation, model = turns(sent.body), claude(sent.model)
    if not conversation:
        yield "messages: at least one message is required"
        return
    if conversation[0].role != "user":
        yield 'messages: first message must use the "user" role'
    last = conversation[-1]
    if last.role != "assistant":
        return
    thinks = bool(model) and within(sent.body, "thinking", "type") == "enabled"
    if (model and not model.takes_prefill) or thinks or within(sent.body, "output_config", "format"):
        yield ("This model does not support assistant message prefill. The conversation must end with a user message.")
    text = last.blocks[-1].data.get("text") if last.blocks else ""
    if isinstance(text, str) and text != text.rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def texts(sent: Sent) -> Iterator[str]:
    """Yield the texts that are blank, and the messages that hold nothing."""
    messages = objects(sent.body.get("messages"))
    for number, message in enumerate(messages):
        is_last_word = number == len(messages) - 1 and message.get("role") == "assistant"
        if not message.get("content") and not is_last_word:
            exception = "except for the optional final assistant message"
            yield f"messages.{number}: all messages must have non-empty content {exception}"
    yield from _blank("system", objects(sent.body.get("system")))
    for turn in turns(sent.body):
        yield from _blank("messages", [block.data for block in turn.blocks])
        for result in turn.of("tool_result"):
            yield from _blank("messages", objects(result.data.get("content")))


def _blank(at: str, blocks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        if block.get("type") == "text" and not block.get("text"):
            yield f"{at}: text content blocks must be non-empty"
        elif block.get("type") == "text" and is_blank(block["text"]):
            yield f"{at}: text content blocks must contain non-whitespace text"


def names(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with the names of tools, and the names and ids of their calls."""
    tools = objects(sent.body.get("tools"))
    for number, tool in enumerate(tools):
        if not _matches(_NAME, tool.get("name")):
            yield f"tools.{number}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
        if within(tool, "input_schema", "type") != "object":
            yield f"tools.{number}.custom.input_schema.type: Input should be 'object'"
    if len({str(tool.get("name")) for tool in tools}) < len(tools):
        yield "tools: Tool names must be unique."
    for turn in turns(sent.body):
        for use in turn.of("tool_use"):
            if not _matches(_ID, use.data.get("id")):
                yield f"{use.at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            if not _matches(_NAME, use.data.get("name")):
                yield f"{use.at}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            if not isinstance(use.data.get("input"), Mapping):
                yield f"{use.at}.tool_use.input: Input should be a valid dictionary"


def pairs(sent: Sent) -> Iterator[str]:
    """Yield the calls without results, and the results without calls."""
    conversation, seen = turns(sent.body), set[str]()
    for at, turn in enumerate(conversation):
        following = conversation[at + 1] if at + 1 < len(conversation) else None
        if turn.role == "assistant":
            uses = [str(use.data.get("id")) for use in turn.of("tool_use")]
            if len(set(uses)) < len(uses) or seen & set(uses):
                yield "messages: `tool_use` ids must be unique"
            seen |= set(uses)
            yield from _unanswered(turn, uses, following)
            misplaced = turn.of("tool_result")
            yield from (f"{block.at}: `tool_result` blocks can only be in `user` messages" for block in misplaced)
        else:
            before = conversation[at - 1].of("tool_use") if at else []
            yield from _unexpected(turn, [str(use.data.get("id")) for use in before])
            misplaced = [block for block in turn.blocks if block.kind in _OF_ASSISTANT]
            yield from (f"{b.at}: `{b.kind}` blocks can only be in `assistant` messages" for b in misplaced)


def _unanswered(turn: Turn, uses: list[str], following: Turn | None) -> Iterator[str]:
    """Results count up to the first block that is none."""
    answered: set[str] = set()
    for block in following.blocks if following else ():
        if block.kind != "tool_result":
            break
        answered.add(str(block.data.get("tool_use_id")))
    missing = [use for use in uses if use not in answered]
    if missing:
        yield (
            f"{turn.at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
            "message."
        )


def _unexpected(turn: Turn, uses: list[str]) -> Iterator[str]:
    found: set[str] = set()
    for result in turn.of("tool_result"):
        given = str(result.data.get("tool_use_id"))
        if given not in uses:
            yield (
                f"{result.at}: unexpected `tool_use_id` found in `tool_result` blocks: {given}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message."
            )
        if given in found:
            yield (
                f"{result.at}: each tool_use must have a single result. Found multiple `tool_result` blocks with "
                f"id: {given}"
            )
        found.add(given)


def thoughts(sent: Sent) -> Iterator[str]:
    """Yield the thoughts that are not as the model thought them, or are missing in a tool loop."""
    model = claude(sent.model)
    for turn in turns(sent.body):
        for block in turn.of("thinking"):
            yield from (
                f"{block.at}.thinking.{name}: Field required"
                for name in ("signature", "thinking")
                if not isinstance(block.data.get(name), str)
            )
    loop = _loop(sent)
    if loop.edited:
        yield f"{loop.edited.at}: {_edited(sent, loop.edited)}"
    if loop.robbed and model and thinking(model, sent.body).tokens:
        yield f"{loop.robbed.at}: {_UNCHANGED}"
    if model and thinking(model, sent.body).kind == "enabled":
        yield from _starts_without(sent)


def _edited(sent: Sent, block: Block) -> str:
    last = next((turn for turn in reversed(turns(sent.body)) if turn.role == "assistant"), None)
    return _UNCHANGED if last and block in last.blocks else "Invalid `signature` in `thinking` block"


def _starts_without(sent: Sent) -> Iterator[str]:
    """In the manual mode, the last assistant message of a tool loop starts with a thought."""
    *before, last = turns(sent.body) or [Turn("", "", ())]
    asked = before[-1].blocks[:1] if before and last.of("tool_result") else ()
    for block in asked:
        if block.kind not in _THOUGHTS:
            yield (
                f"{block.at}.type: Expected `thinking` or `redacted_thinking`, but found `{block.kind}`. When "
                "`thinking` is enabled, a final `assistant` message must start with a thinking block."
            )


def misplaced_thoughts(sent: Sent) -> Iterator[str]:
    """Yield the thoughts before which something was changed since."""
    loop = _loop(sent)
    if not (loop.drops_misplaced and may_drop(sent.headers)):
        yield from (f"{block.at}: {_ELSEWHERE}" for block in loop.misplaced)


def _loop(sent: Sent) -> Loop:
    return Loop(claude_or_stranger(sent.model), account(sent.headers), sent.body)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


CONVERSATIONS: tuple[Rule, ...] = (
    Rule(
        19,
        "a conversation that does not begin with the user, or ends with the assistant",
        f"{_DOCS}api/errors#prefill-not-supported",
        True,
        first(order),
    ),
    Rule(20, "a blank text, or an empty message", f"{_DOCS}api/errors", False, first(texts)),
    Rule(
        21,
        "a call without its result at once, a result without its call, a wrong name or id",
        f"{_DOCS}agents-and-tools/tool-use/handle-tool-calls",
        True,
        first(names, pairs),
    ),
    Rule(
        22,
        "thinking of the last assistant message that is edited, moved or left out in a tool loop, or has no signature",
        f"{_DOCS}build-with-claude/thinking-tool-workflows",
        True,
        first(thoughts),
    ),
    Rule(
        23,
        "a change of system, tools or an earlier message before a bound thought",
        f"{_DOCS}build-with-claude/preserved-thinking/prefix-checks",
        True,
        first(misplaced_thoughts),
    ),
)
"""The rules of a conversation, in the order in which they are tried."""
