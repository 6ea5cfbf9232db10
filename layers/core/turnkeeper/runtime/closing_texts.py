"""The texts in which an agent tells customers that nobody answered; the usual texts if the agent cannot be loaded."""

from turnkeeper.domain.closing import ClosingTexts
from turnkeeper.domain.turn import Turn
from turnkeeper.outside import Outside


def closing_texts(outside: Outside, turn: Turn) -> ClosingTexts:
    """Return the texts of a turn's agent. Its turns must end even if the agent was removed, or fails to load."""
    try:
        return outside.agents(turn.agent).closing_texts
    except Exception as error:  # noqa: BLE001 - whatever an agent's module raises
        outside.telemetry.warning(
            "the agent's closing texts were not found", agent=turn.agent, error=type(error).__name__
        )
        return ClosingTexts()
