import pytest
from turnkeeper.domain.effect import Course, Effect, EffectState, course_of


def effect(arguments: str, state: EffectState = EffectState.STARTED, epoch: int = 2) -> Effect:
    return Effect("refund", f"digest of {arguments}", arguments, state, epoch)


WANTED = effect("{}")


@pytest.mark.parametrize(
    ("known", "honours_keys", "course"),
    [
        ([], False, Course.BEGIN),
        ([effect("{}", EffectState.DONE, 1)], False, Course.KNOWN),
        ([effect("{}", EffectState.STARTED, 1)], False, Course.UNKNOWN_OUTCOME),
        ([effect("{}", EffectState.STARTED, 1)], True, Course.REPEAT),
        ([effect("{}", EffectState.NOT_DONE, 1)], False, Course.BEGIN),
        ([effect("other", EffectState.DONE, 1)], True, Course.CONFLICT),
        ([effect("other", EffectState.STARTED, 1)], True, Course.CONFLICT),
        ([effect("other", EffectState.NOT_DONE, 1)], True, Course.BEGIN),
        ([effect("other", EffectState.DONE, 2)], True, Course.BEGIN),
    ],
)
def test_what_follows_when_a_run_asks_for_an_effect(known: list[Effect], honours_keys: bool, course: Course) -> None:
    assert course is course_of(WANTED, known, honours_keys=honours_keys)[0]


def test_the_same_call_is_found_again_with_its_result() -> None:
    done = Effect("refund", WANTED.arguments_digest, "{}", EffectState.DONE, 1, result='{"id":1}')

    assert (Course.KNOWN, done) == course_of(WANTED, [done], honours_keys=False)
