"""The spending limits that hold with an agent: its own where its definition names them, else the deployment's."""

from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.money import micro_usd
from turnkeeper.domain.spend import Limits, Override


def limits_of(agent: Agent[Any], defaults: Limits) -> Limits:
    """Return the limits of an agent, before what an owner set for it or for a customer."""
    own = Override(
        micro_usd(agent.task_limit_usd) if agent.task_limit_usd else None,
        micro_usd(agent.customer_day_limit_usd) if agent.customer_day_limit_usd else None,
    )
    return defaults.overridden(own)
