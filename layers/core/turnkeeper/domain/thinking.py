"""How much a model thinks before it answers, and the tokens that are set aside for it.

Thinking is written inside the limit of an answer and billed as output by every provider, also where its text is not
shown. Sources: https://developers.openai.com/api/docs/guides/reasoning and
https://platform.claude.com/docs/en/build-with-claude/effort.
"""

from collections.abc import Mapping

ALLOWANCE: Mapping[str, int] = {
    "none": 0,
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 65_536,
}
"""The efforts, and the tokens that a call may think at each, beside what its answer may have."""

EFFORTS = tuple(ALLOWANCE)
"""The efforts, from the least to the most."""

UNKNOWN = "low"
"""The effort that a model of which nothing is known is given room for."""

LEAST_BUDGET = 1_024
"""The least tokens that Claude takes as a budget of thinking."""

_FOR_THE_ANSWER = 4


def budget_of(most_output_tokens: int) -> int:
    """Return the most of a limit that thinking may have: a quarter is left for the answer."""
    return most_output_tokens - most_output_tokens // _FOR_THE_ANSWER
