"""The last resort of an attempt that reached no model: the answer it gave before to the very same request."""

from turnkeeper.domain.answers import Answer, read_answer
from turnkeeper.errors import StoreUnavailable
from turnkeeper.runtime.attempt import Given, Outcome, Verdict
from turnkeeper.runtime.run import Run
from turnkeeper.stores.cache import AnswerCache, request_digest


def cached(cache: AnswerCache, run: Run, verdict: Verdict) -> Given | None:
    """Return a cached answer, where the agent allows one and no model could be reached; never after a refusal."""
    if not run.agent.cache_seconds or verdict.outcome is not Outcome.UNAVAILABLE or verdict.refused or run.steps:
        return None
    try:
        item = cache.find(run.turn, request_digest(run.turn.message, run.history))
    except StoreUnavailable:
        return None
    if not item:
        return None
    answer = read_answer(item["answer"], run.agent.answer_model)
    return Given(answer, item["model"], degraded=True) if isinstance(answer, Answer) else None
