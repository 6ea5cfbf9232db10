"""A side effect of a turn, as the journal keeps it, and the decision when a model asks for one."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class EffectState(StrEnum):
    """STARTED before the call, then DONE with its result, or NOT_DONE if it surely did not happen."""

    STARTED = "STARTED"
    DONE = "DONE"
    NOT_DONE = "NOT_DONE"


@dataclass(frozen=True, slots=True)
class Effect:
    """One call of a tool that changes something. `arguments` (in canonical form) and `result` are JSON text.

    `epoch` is the number of the run that began the effect; `at` is when, in seconds since 1970.
    """

    tool: str
    arguments_digest: str
    arguments: str
    state: EffectState
    epoch: int
    result: str = ""
    at: float = 0.0

    @property
    def may_have_happened(self) -> bool:
        """Whether it was done, or begun without a known outcome."""
        return self.state is not EffectState.NOT_DONE

    @property
    def is_done(self) -> bool:
        """Whether it surely happened."""
        return self.state is EffectState.DONE

    def is_same_call(self, other: "Effect") -> bool:
        """Whether both are the same tool with the same arguments."""
        return (self.tool, self.arguments_digest) == (other.tool, other.arguments_digest)


class Course(StrEnum):
    """What is done when a model asks for an effect."""

    BEGIN = "begin"
    """Call the tool: the effect is new."""

    REPEAT = "repeat"
    """Call the tool again: the effect was begun with an unknown outcome, and its service does one key's call once."""

    KNOWN = "known"
    """Call nothing: the effect was done, and its result is known."""

    UNKNOWN_OUTCOME = "outcome_unknown"
    """Ask a person: the effect was begun with an unknown outcome, and calling the tool again might do it twice."""

    CONFLICT = "conflicting_effect"
    """Ask a person: an earlier run did something else, and two runs must not act on two different answers."""


def course_of(wanted: Effect, known: Iterable[Effect], *, honours_keys: bool) -> tuple[Course, Effect | None]:
    """Decide what to do when a run asks for an effect: return the course, and the earlier effect of the same call.

    `known` are the turn's effects so far; `honours_keys` says that the service does one key's call only once.
    """
    before = list(known)
    same = next((effect for effect in before if effect.is_same_call(wanted)), None)
    if same and same.is_done:
        return Course.KNOWN, same
    begun = same is not None and same.state is EffectState.STARTED
    if begun and not honours_keys:
        return Course.UNKNOWN_OUTCOME, same
    if any(_conflicts(effect, wanted) for effect in before):
        return Course.CONFLICT, same
    return (Course.REPEAT if begun else Course.BEGIN), same


def _conflicts(effect: Effect, wanted: Effect) -> bool:
    is_other = effect.arguments_digest != wanted.arguments_digest
    return is_other and effect.epoch != wanted.epoch and effect.may_have_happened
