"""What Bedrock's Converse refuses of a conversation: its order, its texts and its tool calls."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from infra.local.model_provider.rules.rule import Sent
from infra.local.model_provider.rules.shapes import is_blank, objects, within


def contents(sent: Sent) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return the path and the blocks of each message."""
    messages = objects(sent.body.get("messages"))
    return [(f"messages.{number}", objects(message.get("content"))) for number, message in enumerate(messages)]


def texts(sent: Sent) -> Iterator[str]:
    """Yield the texts that are blank, the messages that hold nothing, and the documents that are no objects."""
    for at, blocks in contents(sent):
        if not blocks:
            yield (
                f"The content field in the Message object at {at} is empty. Add a ContentBlock object to the content "
                "field and try again."
            )
        for number, block in enumerate(blocks):
            where = f"{at}.content.{number}"
            if "text" in block and is_blank(block["text"]):
                yield (
                    f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and "
                    "try again."
                )
            documents = [("toolUse.input", within(block, "toolUse", "input"))]
            results = objects(within(block, "toolResult", "content"))
            documents += [(f"toolResult.content.{n}.json", part.get("json", {})) for n, part in enumerate(results)]
            for name, value in documents:
                if value is not None and not isinstance(value, Mapping):
                    yield (
                        f"The format of the value at {where}.{name} is invalid. Provide a json object for the field "
                        "and try again."
                    )


def order(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with who speaks when."""
    roles = [message.get("role") for message in objects(sent.body.get("messages"))]
    if roles[:1] != ["user"]:
        yield (
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    if any(role == "system" for role in roles):
        yield "The role system is not supported in messages by this model."
    if any(one == other for one, other in pairwise(roles)):
        yield (
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
            "between user and assistant roles and try again."
        )


def calls(sent: Sent) -> Iterator[str]:
    """Yield the calls without results, the results without calls, and tools that are not offered."""
    offered = objects(within(sent.body, "toolConfig", "tools"))
    before: list[str] = []
    for at, blocks in contents(sent):
        used = [within(block, "toolUse", "toolUseId") for block in blocks if "toolUse" in block]
        results = [within(block, "toolResult", "toolUseId") for block in blocks if "toolResult" in block]
        if (used or results) and not offered:
            yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        missing = [str(use) for use in before if use not in results]
        if missing:
            yield f"Expected toolResult blocks at {at}.content for the following Ids: {', '.join(missing)}"
        if len(results) > len(before) or set(results) - set(before) or len(set(results)) < len(results):
            yield (
                f"The number of toolResult blocks at {at}.content exceeds the number of toolUse blocks of previous "
                "turn."
            )
        if len(set(used)) < len(used):
            yield f"The toolUse blocks at {at}.content contain duplicate Ids: {', '.join(map(str, used))}"
        before = used
    if before:
        yield f"Expected toolResult blocks for the following Ids: {', '.join(map(str, before))}"
    names = [within(tool, "toolSpec", "name") for tool in offered if "toolSpec" in tool]
    if len(set(names)) < len(names):
        yield "The toolConfig field contains tools with the same name."
