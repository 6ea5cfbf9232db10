"""Shares the time that is left of a run between the models of a chain."""

from collections.abc import Sequence


def call_limit(own: float, rest: Sequence[float], left: float) -> float:
    """Return how many seconds a call may take: the model's own limit, if the rest of the chain then has enough time.

    `own` is the model's limit, `rest` are the limits of the models after it, `left` is the seconds until the deadline.
    If they do not all fit, each is shortened in proportion: even a first model that hangs leaves time for the second.
    """
    if left <= 0:
        return 0.0
    wanted = own + sum(rest)
    return own if wanted <= left else left * own / wanted
