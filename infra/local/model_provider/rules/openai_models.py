"""What OpenAI's API knows of each of its models: efforts, what they take, and until when they live.

Sources: `openai.types.shared.chat_model`, https://developers.openai.com/api/docs/deprecations and
https://developers.openai.com/api/docs/guides/deployment-checklist. Where sources disagree, the stricter one is played.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class When(StrEnum):
    """When a model takes something."""

    ALWAYS = "always"
    WITHOUT_THINKING = "while its effort is none"
    NEVER = "never"


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""`openai.types.shared.reasoning_effort`."""


@dataclass(frozen=True, slots=True)
class OpenAIModel:
    """One model. Without `efforts` it does not think, and takes no effort.

    `effort` is its effort where a request names none; `chat_tools` and `sampling` say when it takes function tools on
    chat completions, and temperature, top_p or logprobs. `has_cache_options` is whether prompt caching can be asked
    for, and writes to the cache are billed.
    """

    efforts: tuple[str, ...] = ()
    effort: str = "none"
    chat_tools: When = When.ALWAYS
    sampling: When = When.ALWAYS
    takes_max_tokens: bool = True
    has_cache_options: bool = False


_WITHOUT = OpenAIModel()
_UNKNOWN = OpenAIModel(EFFORTS)
_O = OpenAIModel(("low", "medium", "high"), "medium", sampling=When.NEVER, takes_max_tokens=False)
_GPT_5 = replace(_O, efforts=("minimal", "low", "medium", "high"))
_GPT_5_1 = OpenAIModel(("none", "low", "medium", "high"), sampling=When.WITHOUT_THINKING, takes_max_tokens=False)
_GPT_5_2 = replace(_GPT_5_1, efforts=("none", "low", "medium", "high", "xhigh"))
_GPT_5_4 = replace(_GPT_5_2, chat_tools=When.WITHOUT_THINKING)
_GPT_5_5 = replace(_GPT_5_4, effort="medium")
_GPT_5_6 = replace(_GPT_5_5, efforts=("none", "low", "medium", "high", "xhigh", "max"), has_cache_options=True)
_ALWAYS_THINKS = replace(
    _GPT_5_6,
    efforts=("low", "medium", "high", "xhigh", "max"),
    chat_tools=When.NEVER,
    sampling=When.NEVER,
)

MODELS: Mapping[str, OpenAIModel] = {
    "gpt-6.2-sol": _ALWAYS_THINKS,
    "gpt-6.2-astra": _ALWAYS_THINKS,
    "gpt-6.1-sol": _ALWAYS_THINKS,
    "gpt-6.1-terra": replace(_GPT_5_6, chat_tools=When.NEVER),
    "gpt-6-astra": _ALWAYS_THINKS,
}
"""The models that differ from the others of their version."""

_BY_VERSION = (
    ((5, 6), _GPT_5_6),
    ((5, 5), _GPT_5_5),
    ((5, 4), _GPT_5_4),
    ((5, 2), _GPT_5_2),
    ((5, 1), _GPT_5_1),
    ((5, 0), _GPT_5),
    ((0, 0), _WITHOUT),
)
"""From which version on models are as their versions' are."""

# fmt: off
_SHUTDOWNS: Mapping[str, tuple[str, ...]] = {
    "2024-09-13": ("gpt-3.5-turbo-16k", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613"),
    "2024-12-06": ("gpt-4-vision-preview",),
    "2025-06-06": ("gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32k-0613"),
    "2025-07-28": ("o1-preview",),
    "2025-10-10": ("gpt-4o-audio-preview-2024-10-01",),
    "2025-10-27": ("o1-mini",),
    "2026-02-12": ("codex-mini-latest",),
    "2026-02-17": ("chatgpt-4o-latest",),
    "2026-03-26": ("gpt-4-0125-preview", "gpt-4-turbo-preview", "gpt-4-0314"),
    "2026-05-07": ("gpt-4o-audio-preview", "gpt-4o-mini-audio-preview"),
    "2026-07-23": (
        "gpt-5.1-codex", "gpt-5.1-chat-latest", "gpt-5-chat-latest", "gpt-4o-search-preview",
        "gpt-4o-mini-search-preview",
    ),
    "2026-08-10": ("gpt-5.3-chat-latest", "gpt-5.2-chat-latest"),
    "2026-09-28": ("gpt-3.5-turbo-1106",),
    "2026-10-23": (
        "gpt-4.1-nano", "o4-mini", "o3-mini", "o1", "gpt-4o-2024-05-13", "gpt-4-turbo", "gpt-4-1106-preview", "gpt-4",
        "gpt-4-0613", "gpt-3.5-turbo", "gpt-3.5-turbo-0125",
    ),
    "2026-12-11": ("gpt-5", "gpt-5-mini", "gpt-5-nano", "o3"),
    "2027-01-14": ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini"),
    "2027-01-20": ("gpt-audio-mini",),
    "2027-04-01": ("gpt-5.1", "gpt-5.4-nano"),
}
# fmt: on
_RETIRES = {name: dt.date.fromisoformat(day) for day, names in _SHUTDOWNS.items() for name in names}
_AZURE_RETIRES = {"gpt-4.1-nano": dt.date(2026, 10, 14)}
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def model(name: str) -> OpenAIModel:
    """Return what is known of a model, a snapshot of one, or one of a gateway (`openai/gpt-6-luna`).

    One that is not named here is taken for one of its version, and for one that takes anything if it has none.
    """
    name = _SNAPSHOT.sub("", name.removeprefix("openai/"))
    if name in MODELS:
        return MODELS[name]
    if "chat-latest" in name:
        return replace(_WITHOUT, sampling=When.NEVER)
    if version := re.match(r"gpt-(\d)(?:\.(\d+))?(?!\d)", name):
        found = (int(version[1]), int(version[2] or 0))
        return next(model for least, model in _BY_VERSION if found >= least)
    return _O if re.match(r"o\d", name) else _UNKNOWN


def retires(name: str, server: str) -> dt.date | None:
    """Return the first day on which a model, or a snapshot of one, does not answer; None where none is announced."""
    own = _AZURE_RETIRES.get(name) if server == "azure" else None
    return own or _RETIRES.get(name) or _RETIRES.get(_SNAPSHOT.sub("", name))
