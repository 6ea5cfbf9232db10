"""Shares what is left of a run's deadline between the models of a chain."""

from collections.abc import Sequence


def call_limit(own: float, rest: Sequence[float], left: float) -> float:
    """Return the seconds a call may take: its own limit, unless the rest of the chain needs the time.

    `rest` are the own limits of the models after it, `left` the seconds until the deadline. When not everyone can
    have its own limit, all are shortened in proportion, so a hung first model still leaves time for the second.
    """
    if left <= 0:
        return 0.0
    wanted = own + sum(rest)
    return own if wanted <= left else left * own / wanted
