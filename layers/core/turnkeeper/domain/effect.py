"""A side effect of a turn, as the journal keeps it, and what follows when a model asks for one."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class EffectState(StrEnum):
    """STARTED before the call, then DONE with its result, or NOT_DONE where it surely did not happen."""

    STARTED = "STARTED"
    DONE = "DONE"
    NOT_DONE = "NOT_DONE"


@dataclass(frozen=True, slots=True)
class Effect:
    """One call of a tool that changes something. `arguments` and `result` are JSON text, the arguments canonical.

    `epoch` is that of the run that began it, `at` the moment, in seconds since 1970.
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
    """What follows when a model asks for an effect."""

    BEGIN = "begin"
    """Nothing speaks against it."""

    REPEAT = "repeat"
    """It was begun before, its outcome is not known, and its service honours the key: the same call is safe."""

    KNOWN = "known"
    """It was done: its result is the answer, and nothing is called."""

    UNKNOWN_OUTCOME = "outcome_unknown"
    """It was begun before, its outcome is not known, and a repetition might do it twice: a person decides."""

    CONFLICT = "conflicting_effect"
    """An earlier run did something else: two runs must not act on two different answers. A person decides."""


def course_of(wanted: Effect, known: Iterable[Effect], *, honours_keys: bool) -> tuple[Course, Effect | None]:
    """Decide what follows when a run asks for an effect: (the course, the same call where it was asked for before).

    `known` are the turn's effects so far; `honours_keys` says that the service does one key's call once.
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
