"""How Claude reads a request and thinks, the same on Anthropic's API and on Bedrock.

Everything here works on the body of a Messages request; Bedrock's wire translates a Converse request into one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra.local.model_provider.chat import thinking_tokens
from infra.local.model_provider.rules.anthropic_models import Claude
from infra.local.model_provider.rules.shapes import objects
from infra.local.model_provider.signing import Thought, digest, sign

FORCED = ("any", "tool")
"""The types of `tool_choice` that make the model call a tool."""

_DROPS = "thinking-binding-controls-2026-08-01"
_THOUGHTFUL = re.compile(r"tool(?:u|use)_(?P<nonce>[0-9a-f]{12})(?P<mark>[0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of content: `at` is its path in the request, as error messages write it."""

    at: str
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its type, such as text or tool_use."""
        return str(self.data.get("type"))


@dataclass(frozen=True, slots=True)
class Turn:
    """Messages of one role in a row, which the API reads as one; `at` is the path of the last."""

    role: str
    at: str
    blocks: tuple[Block, ...]

    def of(self, kind: str) -> list[Block]:
        """Return its blocks of a type."""
        return [block for block in self.blocks if block.kind == kind]


def turns(body: Mapping[str, Any]) -> list[Turn]:
    """Return the conversation as the API reads it."""
    found: list[Turn] = []
    for number, message in enumerate(objects(body.get("messages"))):
        at, role = f"messages.{number}", str(message.get("role"))
        blocks = tuple(_blocks(message.get("content"), f"{at}.content"))
        if found and found[-1].role == role:
            blocks = (*found.pop().blocks, *blocks)
        found.append(Turn(role, at, blocks))
    return found


def _blocks(content: Any, at: str) -> Iterator[Block]:
    for number, block in enumerate(_listed(content)):
        yield Block(f"{at}.{number}", block)


def _listed(content: Any) -> list[Mapping[str, Any]]:
    """Return content as blocks: a string stands for one of text, if it is not empty."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return objects(content)


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model thinks in one request."""

    kind: str
    effort: str
    budget: int | None = None
    is_in_loop: bool = False
    """Whether the request brings results of tools."""

    @property
    def tokens(self) -> int:
        """How many tokens the model thinks before it answers."""
        if self.kind == "adaptive":
            return thinking_tokens(self.effort)
        if self.kind == "between_tools":
            return thinking_tokens("minimal") if self.is_in_loop else 0
        return min(self.budget or 0, thinking_tokens("high"))


def thinking(model: Claude, body: Mapping[str, Any]) -> Thinking:
    """Return how a model thinks: a tool that it must call leaves it no thinking."""
    wanted, output = _object(body.get("thinking")), _object(body.get("output_config"))
    effort = output.get("effort")
    kind, budget = wanted.get("type") or model.by_default, wanted.get("budget_tokens")
    if _object(body.get("tool_choice")).get("type") in FORCED:
        kind = "disabled"
    last = turns(body)[-1:]
    return Thinking(
        str(kind),
        effort if effort in model.efforts else model.default_effort,
        budget if isinstance(budget, int) and kind == "enabled" else None,
        bool(last and last[0].of("tool_result")),
    )


def is_shown(model: Claude, body: Mapping[str, Any]) -> bool:
    """Say whether thinking comes with its text: newer models leave it empty unless they are asked."""
    wanted = _object(body.get("thinking"))
    shown = {"summarized": True, "omitted": False}
    return wanted.get("type") == "between_tools" or shown.get(wanted.get("display") or "", model.shows_thinking)


def prompt(body: Mapping[str, Any]) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """Return what the model reads, in the order of its cache, and the numbers of the segments that end in a breakpoint.

    Thinking is left out: it cannot be a breakpoint. Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching.
    """
    form = _object(body.get("output_config")).get("format")
    parts = [*_head(body), *(block.data for turn in turns(body) for block in turn.blocks if not _is_thought(block))]
    ends = [number for number, part in enumerate(parts) if isinstance(part.get("cache_control"), Mapping)]
    if body.get("cache_control") and parts:
        ends.append(len(parts) - 1)
    hidden = [_bytes(form)] if form else []
    return (*hidden, *map(_bytes, parts)), tuple(end + len(hidden) for end in sorted(set(ends)))


def cached_for_s(body: Mapping[str, Any]) -> int:
    """Return for how many seconds the longest prefix is kept: those before it are kept as long, or longer."""
    parts = [*_head(body), *(block.data for turn in turns(body) for block in turn.blocks), body]
    lives = [part["cache_control"].get("ttl") for part in parts if isinstance(part.get("cache_control"), Mapping)]
    return 3600 if lives[-1:] == ["1h"] else 300


@dataclass(frozen=True)
class Loop:
    """The thoughts in a request, looked at with the eyes of the model that reads them."""

    model: Claude
    account: str
    body: Mapping[str, Any]

    @cached_property
    def bound_to(self) -> str:
        """What the model's next thought is bound to: all before it, and the thought before it."""
        *_, last = self._bindings()
        return last[1]

    @cached_property
    def misplaced(self) -> list[Block]:
        """Thoughts that the model may read, but that were thought after something else than stands there now."""
        if not self.model.is_bound_to_prefix:
            return []
        return [block for block, bound_to in self._bindings() if block and not _is_bound(_opened(block), bound_to)]

    @property
    def drops_misplaced(self) -> bool:
        """Whether the request asks to drop misplaced thoughts, and has no objection to being answered."""
        binding = _object(_object(self.body.get("thinking")).get("block_binding"))
        return binding.get("prefix_mismatch_behavior") == "drop_block"

    @property
    def edited(self) -> Block | None:
        """The first thought that is not as the model thought it."""
        thoughts = (block for turn in turns(self.body) for block in turn.of("thinking"))
        return next((block for block in thoughts if not _is_whole(block)), None)

    @property
    def robbed(self) -> Block | None:
        """A call in the last assistant message that this model made after a thought which is not there."""
        last = next((turn for turn in reversed(turns(self.body)) if turn.role == "assistant"), None)
        has_thought = False
        for block in last.blocks if last else ():
            has_thought = has_thought or _is_thought(block)
            if block.kind == "tool_use" and not has_thought and _is_thoughtful(block.data.get("id"), self.model.name):
                return block
        return None

    def _bindings(self) -> Iterator[tuple[Block | None, str]]:
        """Yield each thought that the model may read with what it is bound to, and at last None for the next one."""
        seen, before = [*map(_bytes, _head(self.body))], ""
        for turn in turns(self.body):
            for block in turn.blocks:
                if not _is_thought(block):
                    seen.append(turn.role.encode() + _bytes(block.data))
                elif self._may_read(block):
                    yield block, f"{digest(seen)}/{before}"
                    before = str(block.data["signature"])[-16:]
        yield None, f"{digest(seen)}/{before}"

    def _may_read(self, block: Block) -> bool:
        thought = _opened(block)
        if thought is None or (self.model.is_bound_to_account and thought.account != self.account):
            return False
        return thought.model in {self.model.name, *self.model.also_reads}


def may_drop(headers: Mapping[str, str]) -> bool:
    """Say whether a request may choose what becomes of misplaced thoughts."""
    return _DROPS in headers.get("anthropic-beta", "")


def mark(nonce: str, model: str) -> str:
    """Return what the id of a call ends in where the model thought before it called."""
    return sign(nonce, model)[:12]


def _is_thoughtful(given: Any, model: str) -> bool:
    match = _THOUGHTFUL.fullmatch(given) if isinstance(given, str) else None
    return match is not None and match["mark"] == mark(match["nonce"], model)


def _is_thought(block: Block) -> bool:
    return block.kind in ("thinking", "redacted_thinking")


def _opened(block: Block) -> Thought | None:
    return Thought.opened(block.data.get("signature"))


def _is_whole(block: Block) -> bool:
    thought = _opened(block)
    return thought is not None and thought.text == block.data.get("thinking")


def _is_bound(thought: Thought | None, bound_to: str) -> bool:
    """Compare all before a thought; the thought before it counts only where there still is one."""
    was, now = (thought.prefix if thought else "").partition("/"), bound_to.partition("/")
    return was[0] == now[0] and now[2] in ("", was[2])


def _head(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*objects(body.get("tools")), *_listed(body.get("system") or [])]


def _bytes(part: Mapping[str, Any]) -> bytes:
    """Return a part as one text, the same however it was written; a breakpoint is no part of it."""
    plain = {name: value for name, value in part.items() if name != "cache_control"}
    if isinstance(plain.get("content"), str):
        plain["content"] = _listed(plain["content"])
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
