"""What a stage stops, how it orders chains, and how its versions follow one another."""

import pytest
from turnkeeper import Model
from turnkeeper.domain.stage import Stage, StageSettings, StageVersion, Stop, Stoppable, Target

EVERYTHING = Target(Stoppable.EVERYTHING)
CHAIN = [Model("openai:a"), Model("openai:b"), Model("openai:c")]


def stopping(*targets: Target) -> Stage:
    return Stage(stops=tuple(Stop(target, "olga", 1.0) for target in targets))


def ids(chain: list[Model]) -> list[str]:
    return [model.name for model in chain]


@pytest.mark.parametrize(
    ("target", "refused"),
    [
        (EVERYTHING, True),
        (Target(Stoppable.TENANT, "acme"), True),
        (Target(Stoppable.TENANT, "beta"), False),
        (Target(Stoppable.AGENT, "paint"), True),
        (Target(Stoppable.AGENT, "carla"), False),
        (Target(Stoppable.CUSTOMER, "carla", "acme"), True),
        (Target(Stoppable.CUSTOMER, "carla", "beta"), False),
        (Target(Stoppable.MODEL, "openai:a"), False),
        (Target(Stoppable.TOOL, "paint"), False),
    ],
)
def test_a_stop_refuses_the_turns_that_it_is_about(target: Target, refused: bool) -> None:
    found = stopping(target).stop_of("acme", "carla", "paint")

    assert (target if refused else None) == (found.target if found else None)


def test_a_stopped_model_leaves_its_chains() -> None:
    assert ["a", "c"] == ids(stopping(Target(Stoppable.MODEL, "openai:b")).chain("paint", CHAIN))


def test_the_models_that_a_stage_names_first_come_first_and_the_others_keep_their_order() -> None:
    stage = Stage(StageSettings(first={"paint": ["openai:c", "openai:x"]}))

    assert (["c", "a", "b"], ["a", "b", "c"]) == (ids(stage.chain("paint", CHAIN)), ids(stage.chain("other", CHAIN)))


def test_a_tool_is_stopped_by_its_name() -> None:
    stage = stopping(Target(Stoppable.TOOL, "book"))

    assert (True, False) == (stage.stops_tool("book"), stage.stops_tool("look"))


def test_other_settings_make_the_next_version_and_leave_what_is_stopped() -> None:
    stopped = StageVersion().stopping(EVERYTHING, reason="wrong answers", by="olga", at=5.0)
    found = stopped.with_settings('{"a": 1}', ["a: 2 -> 1"], by="otto", at=6.0)

    assert (1, 2, "otto", ("a: 2 -> 1",)) == (stopped.version, found.version, found.by, found.changes)
    assert found.stops == stopped.stops == (Stop(EVERYTHING, "olga", 5.0, "wrong answers"),)


def test_to_stop_twice_or_resume_what_runs_changes_nothing() -> None:
    stopped = StageVersion().stopping(EVERYTHING, reason="", by="olga", at=5.0)

    assert stopped == stopped.stopping(EVERYTHING, reason="again", by="otto", at=6.0)
    assert StageVersion() == StageVersion().resuming(EVERYTHING, by="otto", at=6.0)


def test_what_is_resumed_is_stopped_no_longer() -> None:
    stopped = StageVersion().stopping(EVERYTHING, reason="", by="olga", at=5.0)
    resumed = stopped.resuming(EVERYTHING, by="otto", at=6.0)

    assert ((), 2, "otto", ("resume everything",)) == (resumed.stops, resumed.version, resumed.by, resumed.changes)
