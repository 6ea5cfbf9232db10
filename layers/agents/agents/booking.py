"""Finds a hair stylist, dentist or doctor, and books an appointment over as many turns as it takes."""

import datetime as dt
import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, field_validator
from turnkeeper import (
    Agent,
    Alternative,
    AnswerContext,
    Answers,
    Calls,
    Dependency,
    Fixture,
    Model,
    Responds,
    ToolContext,
    ToolError,
    tool,
)

OPENS, CLOSES = dt.time(9), dt.time(19)
appointments = Dependency("appointments")


def _on_the_calendar(date: str) -> str:
    dt.date.fromisoformat(date)
    return date


Date = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_on_the_calendar),
    Field(examples=["2026-12-04"]),
]
Time = Annotated[
    str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), Field(description="24 h.", examples=["14:30"])
]


class Service(StrEnum):
    """What can be booked."""

    HAIR_STYLIST = "hair_stylist"
    DENTIST = "dentist"
    DOCTOR = "doctor"


class Booking(BaseModel):
    """A confirmed appointment, inside opening hours."""

    name: str = Field(min_length=1, description="The stylist, dentist or doctor, exactly as the tool named them.")
    date: dt.date
    time: dt.time = Field(description="24 h, such as 14:30.")
    service_type: Service
    phone: str | None = Field(None, description="The provider's phone number, where it is known.")

    @field_validator("time")
    @classmethod
    def _inside_opening_hours(cls, time: dt.time) -> dt.time:
        if not OPENS <= time < CLOSES:
            raise ValueError(f"appointments begin from {OPENS:%H:%M} to before {CLOSES:%H:%M}")
        return time

    @field_validator("phone")
    @classmethod
    def _has_digits(cls, phone: str | None) -> str | None:
        if phone is not None and len(re.sub(r"\D", "", phone)) < 7:  # noqa: PLR2004 - the shortest phone number
            raise ValueError("a phone number has at least 7 digits; leave it out if you do not know it")
        return phone


@tool(dependency=appointments, timeout_s=4)
def find_provider(
    context: ToolContext,
    service_type: Service,
    city: str,
    speciality: str | None = None,
    unisex: bool | None = None,
    cosmetic: bool | None = None,
) -> Any:
    """Find stylists, dentists or doctors in a city.

    `speciality` is for doctors (General Practitioner, Gynecologist, ...), `unisex` for stylists, `cosmetic` for
    dentists.
    """
    wanted = {"service_type": service_type.value, "city": city, "speciality": speciality}
    flags = {"unisex": unisex, "cosmetic": cosmetic}
    params = {name: value for name, value in wanted.items() if value}
    params |= {name: str(value).lower() for name, value in flags.items() if value is not None}
    response = context.http.get("/providers", params=params)
    if response.status != 200:  # noqa: PLR2004
        raise ToolError("the search is not possible: check the arguments")
    return response.json()


@tool(dependency=appointments, timeout_s=4, side_effect=True, honours_keys=True)
def book_appointment(context: ToolContext, service_type: Service, name: str, date: Date, time: Time) -> Any:
    """Book an appointment with a provider, once the customer has agreed to the provider, the date and the time."""
    if not OPENS <= dt.time.fromisoformat(time) < CLOSES:
        raise ToolError(f"appointments begin from {OPENS:%H:%M} to before {CLOSES:%H:%M}")
    body = {
        "customer_id": context.customer_id,
        "service_type": service_type.value,
        "name": name,
        "date": date,
        "time": time,
    }
    response = context.http.post("/appointments", body=body)
    if response.status in (200, 201):
        return {"status": "booked", **response.json()}
    if response.status == 409:  # noqa: PLR2004
        raise ToolError("unavailable: that time is taken; offer another")
    raise ToolError("the appointment cannot be booked: check the arguments")


def _says_what_was_booked(output: Booking | None, context: AnswerContext) -> None:
    booked = [r.arguments for r in context.tool_results if r.tool == "book_appointment"]
    if output is None:
        if booked:
            raise ValueError("an appointment was booked in this turn: put it into output")
        return
    said = {"name": output.name, "date": f"{output.date}", "time": f"{output.time:%H:%M}"}
    if not any(said.items() <= arguments.items() for arguments in booked):
        raise ValueError("output is for an appointment that book_appointment booked in this turn, and for no other")


_BOOKED = {"name": "Dr. Amara Osei", "date": "2026-12-04", "time": "14:30", "service_type": "dentist"}

FIXTURES = [
    Fixture(
        says="I need a dentist in Palo Alto on 4 December.",
        model=[
            Calls("find_provider", service_type="dentist", city="Palo Alto"),
            Answers("Dr. Amara Osei is in Palo Alto. At which time?"),
        ],
        services={"GET /providers": {"providers": [{"name": "Dr. Amara Osei", "city": "Palo Alto"}]}},
        expect={"status": "completed", "output": None},
        then=Fixture(
            says="At half past two.",
            model=[
                Calls("book_appointment", **_BOOKED),
                Answers("It is booked: Dr. Amara Osei, 4 December, 14:30.", _BOOKED | {"time": "14:30:00"}),
            ],
            services={"POST /appointments": Responds(201, {"appointment_id": "apt-1"})},
            expect={"status": "completed", "output": _BOOKED | {"time": "14:30:00", "phone": None}},
        ),
    ),
    Fixture(
        says="Book Dr. Amara Osei on 4 December at 21:00, please.",
        model=[
            Calls("book_appointment", **_BOOKED | {"time": "21:00"}),
            Answers("Appointments begin from 9:00 to before 19:00. Which time suits you?"),
        ],
        expect={"status": "completed", "output": None},
    ),
    Fixture(
        says="Is it booked?",
        model=[
            Answers("Yes, it is.", _BOOKED | {"time": "14:30:00"}),
            Answers("No, nothing is booked yet. When would you like to come?"),
        ],
        expect={"status": "completed", "output": None},
    ),
]

agent = Agent(
    name="booking",
    instructions="""\
You book appointments with hair stylists, dentists and doctors. Find out what the customer needs and in which city,
search with find_provider, and propose a provider by name. When the customer has agreed to a provider, a date and a
time, call book_appointment, and confirm what was booked. Ask for what is missing, one thing at a time. Opening hours
are 9:00 to 19:00.
"output" is the appointment that was booked in this turn, and null in every other turn.""",
    output=Booking,
    output_required=False,
    check=_says_what_was_booked,
    tools=[find_provider, book_appointment],
    # Two providers, as an outage stops one of them. A low effort is enough to ask for one thing at a time.
    chain=[
        Model("openai:gpt-6-luna", effort="low", max_latency_ms=8_000),
        Model("anthropic:claude-haiku-5-5", effort="low", max_latency_ms=8_000),
    ],
    alternative=Alternative(
        instructions="""\
You book appointments with hair stylists, dentists and doctors. Use find_provider to search and book_appointment to
book what the customer agreed to. Keep it short. "output" is the appointment booked in this turn, else null.""",
        chain=[
            Model("bedrock:global.amazon.nova-2-lite-v1:0", max_latency_ms=10_000),
            Model("anthropic:claude-haiku-5-5", effort="low", max_latency_ms=10_000),
        ],
    ),
    fixtures=FIXTURES,
)
