"""How a Claude is told how much to think, over Anthropic's own API and over Bedrock.

Source: https://platform.claude.com/docs/en/build-with-claude/effort, and /extended-thinking for the older ones.
"""

from typing import Any

from turnkeeper.domain.chat import ModelRequest
from turnkeeper.domain.known_models import Thinks, known_model
from turnkeeper.domain.thinking import ALLOWANCE, LEAST_BUDGET, budget_of

_BETWEEN_TOOLS = "between_tools"
_THOUGHTS = ("thinking", "redacted_thinking", "reasoningContent", "redactedContent")
"""What an answer begins with if its model thought first: types of Anthropic's blocks, and keys of Bedrock's."""


def thinking(request: ModelRequest) -> dict[str, Any]:
    """Return the fields of a request that set the effort; none where nothing is said, or the model does not think.

    Anthropic's older models think within a budget, which has to be below the limit of the answer.
    """
    known, effort = known_model(request.known_as), request.effort
    if not effort or (known and known.thinks is Thinks.NEVER):
        return {}
    if known and known.thinks is Thinks.IN_A_BUDGET:
        budget = min(ALLOWANCE[effort], budget_of(request.max_output_tokens))
        is_off = budget < LEAST_BUDGET or _goes_on_for_another(request)
        return {} if is_off else {"thinking": {"type": "enabled", "budget_tokens": budget}}
    if effort != "none":
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    off = known.off if known else "disabled"
    # A model that cannot leave it off thinks least between its calls, and at the lowest effort.
    least = {"output_config": {"effort": "low"}} if off == _BETWEEN_TOOLS else {}
    return {"thinking": {"type": off}, **least}


def _goes_on_for_another(request: ModelRequest) -> bool:
    """Whether the loop of tools that a model goes on with began without a thought of its own: it may add none then."""
    if request.messages[-1].role != "tool":
        return False
    said = next(message for message in reversed(request.messages) if message.role == "assistant")
    first = said.native.content[0] if said.native and said.native.content else {}
    return first.get("type") not in _THOUGHTS and first.keys().isdisjoint(_THOUGHTS)
