"""What Anthropic's API takes of each Claude model, transcribed from its documentation.

Sources: https://platform.claude.com/docs/en/about-claude/models/overview,
https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting (thinking, effort),
https://platform.claude.com/docs/en/build-with-claude/prompt-caching (least tokens),
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking (what blocks are bound to),
anthropic/resources/messages/messages.py (retirements).
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

_K = 1_000
_THREE = ("low", "medium", "high")
_ALL = (*_THREE, "xhigh", "max")
_UP_TO_HIGH = frozenset(_THREE)
_ANY = frozenset(_ALL)


@dataclass(frozen=True, slots=True)
class Claude:
    """One model, as its API knows it.

    `thinking` has the types that it takes, each with the efforts that go with it; `by_default` is the type that
    counts where a request names none. `version` is the generation, such as (5, 5).
    """

    name: str
    version: tuple[int, int]
    thinking: Mapping[str, frozenset[str]]
    by_default: str
    efforts: tuple[str, ...]
    default_effort: str
    most_output_tokens: int
    least_cached_tokens: int
    takes_forced_tool: bool = True
    is_bound_to_prefix: bool = False
    is_bound_to_account: bool = False
    also_reads: frozenset[str] = frozenset()
    """Other models whose thinking this one may read."""

    @property
    def takes_sampling(self) -> bool:
        """Whether temperature, top_p and top_k may differ from their defaults."""
        return self.version < (4, 7)

    @property
    def takes_prefill(self) -> bool:
        """Whether the last message may be the assistant's."""
        return self.version < (4, 6)

    @property
    def shows_thinking(self) -> bool:
        """Whether thinking has its text where a request does not ask for it with `display`."""
        return self.version < (4, 7)


_ALWAYS: Mapping[str, frozenset[str]] = {"adaptive": _ANY}
_MAY_STOP: Mapping[str, frozenset[str]] = {"adaptive": _ANY, "disabled": _ANY}
_MAY_STOP_UP_TO_HIGH: Mapping[str, frozenset[str]] = {"adaptive": _ANY, "disabled": _UP_TO_HIGH}
_MANUAL: Mapping[str, frozenset[str]] = {"enabled": _ANY, "disabled": _ANY}

_FABLE = Claude(
    "claude-fable-5",
    (5, 0),
    _ALWAYS,
    "adaptive",
    _ALL,
    "high",
    128 * _K,
    512,
    takes_forced_tool=False,
    also_reads=frozenset({"claude-haiku-5-5"}),
)
_FABLE_5_1 = replace(
    _FABLE,
    name="claude-fable-5-1",
    version=(5, 1),
    is_bound_to_prefix=True,
    also_reads=frozenset({"claude-haiku-5-5", "claude-opus-5", "claude-opus-5-5"}),
)
_OPUS_5_5 = replace(
    _FABLE_5_1, name="claude-opus-5-5", version=(5, 5), default_effort="medium", also_reads=_FABLE.also_reads
)
_OPUS_5 = replace(_FABLE, name="claude-opus-5", thinking=_MAY_STOP_UP_TO_HIGH, takes_forced_tool=True)
_OPUS_4_8 = replace(
    _OPUS_5,
    name="claude-opus-4-8",
    version=(4, 8),
    thinking=_MAY_STOP,
    by_default="disabled",
    least_cached_tokens=1_024,
)
_OPUS_4_6 = replace(
    _OPUS_4_8,
    name="claude-opus-4-6",
    version=(4, 6),
    thinking={**_MAY_STOP, "enabled": _ANY},
    efforts=(*_THREE, "max"),
    least_cached_tokens=4_096,
)
_OPUS_4_5 = replace(
    _OPUS_4_6,
    name="claude-opus-4-5",
    version=(4, 5),
    thinking=_MANUAL,
    efforts=_THREE,
    most_output_tokens=64 * _K,
)

_STRANGER = replace(_FABLE, version=(0, 0), by_default="disabled", default_effort="medium", least_cached_tokens=1_024)

_MODELS: Mapping[str, Claude] = {
    model.name: model
    for model in (
        _FABLE,
        replace(_FABLE, name="claude-mythos-5"),
        _FABLE_5_1,
        replace(_FABLE_5_1, name="claude-fable-5-2", version=(5, 2)),
        replace(_FABLE_5_1, name="claude-mythos-5-1", is_bound_to_prefix=False),
        replace(_FABLE_5_1, name="claude-mythos-5-2", version=(5, 2), is_bound_to_prefix=False),
        _OPUS_5_5,
        replace(
            _OPUS_5_5,
            name="claude-sonnet-5-5",
            thinking={"adaptive": _ANY, "between_tools": _UP_TO_HIGH},
            default_effort="high",
            is_bound_to_account=True,
        ),
        replace(
            _OPUS_5_5,
            name="claude-haiku-5-5",
            thinking=_MAY_STOP_UP_TO_HIGH,
            takes_forced_tool=True,
            is_bound_to_account=True,
            also_reads=frozenset(),
        ),
        _OPUS_5,
        replace(_OPUS_5, name="claude-sonnet-5", thinking=_MAY_STOP, least_cached_tokens=1_024),
        _OPUS_4_8,
        replace(_OPUS_4_8, name="claude-opus-4-7", version=(4, 7), least_cached_tokens=2_048),
        _OPUS_4_6,
        replace(_OPUS_4_6, name="claude-sonnet-4-6", most_output_tokens=64 * _K, least_cached_tokens=1_024),
        _OPUS_4_5,
        replace(_OPUS_4_5, name="claude-sonnet-4-5", efforts=(), least_cached_tokens=1_024),
        replace(_OPUS_4_5, name="claude-haiku-4-5", efforts=()),
    )
}

_RETIRED: Mapping[str, dt.date] = {
    "claude-1": dt.date(2024, 11, 6),
    "claude-instant-1": dt.date(2024, 11, 6),
    "claude-2": dt.date(2025, 7, 21),
    "claude-3-sonnet": dt.date(2025, 7, 21),
    "claude-3-opus": dt.date(2026, 1, 5),
    "claude-3-7-sonnet": dt.date(2026, 2, 19),
    "claude-3-5-haiku": dt.date(2026, 2, 19),
    "claude-opus-4-0": dt.date(2026, 6, 15),
    "claude-opus-4": dt.date(2026, 6, 15),
    "claude-sonnet-4-0": dt.date(2026, 6, 15),
    "claude-sonnet-4": dt.date(2026, 6, 15),
    "claude-mythos-preview": dt.date(2026, 6, 30),
    "claude-sonnet-4-5": dt.date(2026, 11, 30),
}
_DATED = re.compile(r"(?P<family>[a-z0-9-]+?)(?:[-@]\d{8}|-latest|\.\d[\d.]*)?(?:-\d+k)?")


def claude_or_stranger(name: str) -> Claude:
    """Return what is known of a model; of an unknown one, that it thinks only when it is asked to."""
    return claude(name) or replace(_STRANGER, name=name)


def claude(name: str) -> Claude | None:
    """Return what is known of a model by its name, dated or not; None for any other name."""
    return _MODELS.get(_family(name))


def retired_on(name: str) -> dt.date | None:
    """Return the day on which a model is or was retired; None where none is announced."""
    return _RETIRED.get(_family(name))


def _family(name: str) -> str:
    match = _DATED.fullmatch(name)
    return match["family"] if match else name
