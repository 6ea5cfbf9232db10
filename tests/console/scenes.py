"""Worlds for the console to show: escalations that look like those of a bad night."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents.booking import agent as booking
from turnkeeper.domain.chat import Finish, ModelReply, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import DependencyError

from tests.console.server import LiveClock, pooled
from tests.support.world import World, customer, service


def _times_out(*_: Any, **__: Any) -> None:
    raise DependencyError(Failure.TIMEOUT)


hasty = replace(
    booking, tools=[replace(tool, function=_times_out, honours_keys=False, dependency=None) for tool in booking.tools]
)
"""The booking agent, with tools that time out and cannot be asked again."""

PRICES = {model.id: {"input": "1", "output": "4"} for model in booking.models}
HAIRCUT = {"name": "Hana Kim", "date": "2026-12-04", "time": "14:30:00", "service_type": "hair_stylist", "phone": None}


def says(reply: str, confidence: float, output: Mapping[str, Any] | None = None) -> ModelReply:
    """A model's answer."""
    text = json.dumps({"reply": reply, "confidence": confidence, "output": output})
    return ModelReply(text, (), Finish.STOP, Usage(1_240, 85))


def fails(failure: Failure) -> DependencyError:
    """A model that fails."""
    return DependencyError(failure)


def bookings(**env: str) -> World:
    """A world with the booking agent, whose clock goes by itself."""
    return World(hasty, clock=LiveClock(), prices=PRICES, env={"BREAKER_FAILURE_THRESHOLD": "3", **env})


def person(who: str | Mapping[str, str]) -> Mapping[str, str]:
    """Claims of a customer in the pool, by name; other claims as they are."""
    return pooled(customer(who)) if isinstance(who, str) else who


WORDS = "Hana Kim has time on Friday, 4 December, at 14:30."


def unsure(
    world: World, message: str, who: str | Mapping[str, str] = "carla", *, words: str = WORDS, **body: Any
) -> str:
    """An escalation in which every tier failed, the last one with some words: returns its id."""
    script = world.models.script
    script["gpt-6-luna"] = [fails(Failure.TIMEOUT)]
    script["claude-haiku-5-5"] = [
        says("I think Hana Kim could do it on Friday?", 0.4),
        says("Maybe Friday.", 0.55),
        says(words, 0.62),
    ]
    script["global.amazon.nova-2-lite-v1:0"] = [fails(Failure.RATE_LIMITED)]
    turn: str = world.send(message, who=person(who), **body).json["turn_id"]
    for tier in (Tier.CORRECTED_RETRY, Tier.ALTERNATIVE_PATH):
        world.services.tiers.attempt(turn, 1, tier, 28.0)
    world.escalate(turn)
    return turn


def unreachable(world: World, message: str, who: str = "carla") -> str:
    """An escalation for which no model could be reached."""
    world.models.script = {model.id.partition(":")[2]: [fails(Failure.SERVER_ERROR)] for model in booking.models}
    turn: str = world.send(message, who=person(who)).json["turn_id"]
    world.escalate(turn)
    return turn


def half_done(world: World, message: str, who: str = "walter") -> str:
    """An escalation whose tool may have acted, or not."""
    wish = {"service_type": "dentist", "name": "Dr. Amira Osei", "date": "2026-12-01", "time": "09:15"}
    call = ToolCall("call_1", "book_appointment", json.dumps(wish))
    world.models.script["gpt-6-luna"] = [ModelReply("", (call,), Finish.TOOL_CALLS, Usage(980, 40))]
    turn: str = world.send(message, who=person(who)).json["turn_id"]
    world.escalate(turn)
    return turn


def completed(world: World, message: str, reply: str, who: str = "carla", **body: Any) -> Any:
    """A turn that a model answered."""
    world.models.script["gpt-6-luna"] = [says(reply, 0.97)]
    return world.send(message, who=person(who), **body).json


def night(world: World) -> list[str]:
    """Several escalations of different ages; the first is the oldest."""
    first = completed(world, "Hi! I need a haircut in Palo Alto.", "Gladly. Which day suits you?")
    turns = [
        half_done(world, "Tuesday 9:15 with Dr. Osei is perfect, please book it."),
        unsure(
            world,
            "Friday after two would be great. My daughter (4) comes along: can one person do both of us, one after the "
            "other? And please not the salon on Ramona Street.",
            conversation_id=first["conversation_id"],
            metadata={"channel": "app", "locale": "en-US"},
        ),
    ]
    world.clock.now += 47 * 60
    turns.append(
        unsure(world, "¿Hay un médico que hable español cerca de Oakland?", service(), customer_id="m.castillo")
    )
    world.clock.now += 11 * 60
    turns.append(unsure(world, "Do you know a unisex salon that is open on Sunday?", "yuki"))
    world.clock.now += 90
    return turns
