"""What the agent `booking` promises, beyond its fixtures."""

import pytest
from agents.booking import agent
from turnkeeper import Answers, Calls, Responds
from turnkeeper.testing import Stage

APPOINTMENT = {"service_type": "dentist", "name": "Dr. Amara Osei", "date": "2026-12-04", "time": "14:30"}


@pytest.mark.parametrize(
    "wrong",
    [{"time": time} for time in ("24:00", "25:99", "14:60", "9:00", "\uff11\uff14:\uff13\uff10", "14:30\n", "21:00")]
    + [{"date": date} for date in ("2026-02-30", "2026-13-01", "\uff12026-12-04", "4 December")],
)
def test_a_mistyped_date_or_time_is_told_to_the_model_and_pages_nobody(wrong: dict[str, str]) -> None:
    stage = Stage(agent)
    stage.script([Calls("book_appointment", **APPOINTMENT | wrong), Answers("Which time suits you?")])
    turn = stage.send("Book Dr. Amara Osei, please.")

    assert ("first_attempt", None, []) == (turn["tier"], turn["output"], stage.requests)


def test_a_time_inside_opening_hours_is_booked() -> None:
    stage = Stage(agent)
    booked = {name: APPOINTMENT[name] for name in ("name", "date", "service_type")} | {"time": "14:30:00"}
    stage.script(
        [Calls("book_appointment", **APPOINTMENT), Answers("It is booked.", booked)],
        {"POST /appointments": Responds(201, {"appointment_id": "apt-1"})},
    )

    assert "completed" == stage.send("Book Dr. Amara Osei, please.")["status"]
