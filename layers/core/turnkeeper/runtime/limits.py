"""The spending limits of an agent: those that its definition names, and the stage's for the rest."""

from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.money import micro_usd
from turnkeeper.domain.spend import Limits, Override


def limits_of(agent: Agent[Any], defaults: Limits) -> Limits:
    """Return the limits of an agent, before any limits that an owner set are applied."""
    return defaults.overridden(own_limits(agent))


def own_limits(agent: Agent[Any]) -> Override:
    """Return the limits that an agent's definition names."""
    return Override(
        micro_usd(agent.task_limit_usd) if agent.task_limit_usd else None,
        micro_usd(agent.customer_day_limit_usd) if agent.customer_day_limit_usd else None,
    )
