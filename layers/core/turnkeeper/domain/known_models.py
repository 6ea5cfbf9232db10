"""What is known of models: how they think, and what they can.

A `gpt-` or `claude-` that is not listed is taken to be like its provider's newest. Sources: the pages of models of each
provider (https://developers.openai.com/api/docs/models, https://platform.claude.com/docs/en/about-claude/models and
https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html) and the types of their SDKs.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from turnkeeper.domain.model_names import spellings
from turnkeeper.domain.thinking import EFFORTS


class Thinks(StrEnum):
    """How a model is told how much to think."""

    BY_EFFORT = "effort"
    ADAPTIVELY = "adaptive"
    IN_A_BUDGET = "budget"
    AS_NOVA = "nova"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What a family of models can. `efforts` are those that it takes; `effort` is its own where nothing is said.

    `off` is the type of thinking by which Claude leaves it off. `samples` where a temperature can be set, while it does
    not think. `most_output_tokens` bounds an answer with its
    thinking. `takes_schema_on_bedrock` where Converse has structured output for it, `caches_on_bedrock` where it takes
    cache points there.
    """

    thinks: Thinks
    efforts: tuple[str, ...] = ()
    effort: str = "none"
    off: str = "disabled"
    samples: bool = True
    most_output_tokens: int = 128_000
    takes_schema_on_bedrock: bool = False
    caches_on_bedrock: bool = False


def _efforts(least: str, most: str, *, none: bool = False) -> tuple[str, ...]:
    """Return the efforts from one to another, and `none` before them where it may be left off."""
    found = EFFORTS[EFFORTS.index(least) : EFFORTS.index(most) + 1]
    return ("none", *found) if none else found


_ALL = _efforts("low", "max")
_OR_NONE = _efforts("low", "max", none=True)
_IN_A_BUDGET = _efforts("low", "high", none=True)


def _claude(*efforts: str, effort: str, off: str = "disabled") -> KnownModel:
    return KnownModel(Thinks.ADAPTIVELY, efforts, effort, off, samples=False, caches_on_bedrock=True)


def _older_claude(
    thinks: Thinks, efforts: tuple[str, ...], *, most: int, schema: bool, samples: bool = True
) -> KnownModel:
    return KnownModel(
        thinks,
        efforts,
        samples=samples,
        most_output_tokens=most,
        takes_schema_on_bedrock=schema,
        caches_on_bedrock=True,
    )


_UNKNOWN_GPT = KnownModel(Thinks.BY_EFFORT, EFFORTS, "medium")
_FAMILIES: tuple[tuple[str, KnownModel], ...] = (
    (r"gpt-6(\.2)?-astra|gpt-6\.[12]-sol", KnownModel(Thinks.BY_EFFORT, _ALL, "medium")),
    (r"gpt-5\.5", KnownModel(Thinks.BY_EFFORT, _efforts("low", "xhigh", none=True), "medium")),
    (r"gpt-5\.6|gpt-6", KnownModel(Thinks.BY_EFFORT, _OR_NONE, "medium")),
    (r"gpt-5\.[234]", KnownModel(Thinks.BY_EFFORT, _efforts("low", "xhigh", none=True))),
    (r"gpt-5\.1", KnownModel(Thinks.BY_EFFORT, _efforts("low", "high", none=True))),
    (r"gpt-5(?![.\d])", KnownModel(Thinks.BY_EFFORT, _efforts("minimal", "high"), "medium", samples=False)),
    (r"gpt-oss", KnownModel(Thinks.BY_EFFORT, _efforts("low", "high"), "medium", most_output_tokens=32_768)),
    (r"o\d", KnownModel(Thinks.BY_EFFORT, _efforts("low", "high"), "medium", most_output_tokens=100_000)),
    (r"gpt-[34]|chatgpt-4", KnownModel(Thinks.NEVER, most_output_tokens=16_384)),
    (r"gpt-", _UNKNOWN_GPT),
    (r"claude-haiku-5", _claude(*_OR_NONE, effort="medium")),
    (r"claude-sonnet-5-5", _claude(*_OR_NONE, effort="high", off="between_tools")),
    (r"claude-opus-5-5", _claude(*_ALL, effort="medium")),
    (r"claude-(fable|mythos)", _claude(*_ALL, effort="high")),
    (r"claude-(sonnet|opus)-5", _claude(*_OR_NONE, effort="high")),
    (r"claude-\w+-4-6", _older_claude(Thinks.ADAPTIVELY, (*_IN_A_BUDGET, "max"), most=64_000, schema=True)),
    (r"claude-\w+-4-[78]", _older_claude(Thinks.ADAPTIVELY, _OR_NONE, most=64_000, schema=False, samples=False)),
    (r"claude-\w+-4-5", _older_claude(Thinks.IN_A_BUDGET, _IN_A_BUDGET, most=64_000, schema=True)),
    (r"claude-\w+-4|claude-3-7", _older_claude(Thinks.IN_A_BUDGET, _IN_A_BUDGET, most=32_000, schema=False)),
    (r"claude-[23]", KnownModel(Thinks.NEVER, most_output_tokens=4_096)),
    (r"claude-", _claude(*_ALL, effort="high")),
    (
        r"nova-2",
        KnownModel(
            # At high it takes no limit of its answer, so that no one could say what it costs.
            Thinks.AS_NOVA,
            _efforts("low", "medium", none=True),
            most_output_tokens=64_000,
            caches_on_bedrock=True,
        ),
    ),
    (r"gemini-2\.5", KnownModel(Thinks.BY_EFFORT, _efforts("low", "high", none=True), "medium")),
    (r"gemini-", KnownModel(Thinks.BY_EFFORT, _efforts("minimal", "high"), "high", most_output_tokens=65_536)),
    (r"grok-", KnownModel(Thinks.BY_EFFORT, _efforts("low", "high"), "medium")),
    (r"(?:qwen|qwq|kimi|glm|magistral|minimax)", KnownModel(Thinks.BY_EFFORT, EFFORTS, "medium")),
    (r"deepseek-", KnownModel(Thinks.BY_EFFORT, EFFORTS, "medium", most_output_tokens=64_000)),
    (r"nova-", KnownModel(Thinks.NEVER, most_output_tokens=5_000, caches_on_bedrock=True)),
)


@lru_cache(maxsize=256)
def known_model(name: str) -> KnownModel | None:
    """Return what is known of a model by its host's name for it; None where nothing is.

    Dated snapshots (`gpt-5.4-mini-2026-03-17`), Bedrock's ids (`eu.anthropic.claude-haiku-5-5`), tuned models and
    gateways' names (`openai/gpt-6-luna`) belong to their family.
    """
    names = tuple(spellings(name))
    return next((known for pattern, known in _FAMILIES if any(re.match(pattern, each) for each in names)), None)
