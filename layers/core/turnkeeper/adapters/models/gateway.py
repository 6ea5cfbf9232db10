"""What a LiteLLM proxy is told, and what its answers say of the provider behind it.

Sources: https://docs.litellm.ai/docs/proxy/request_headers, https://docs.litellm.ai/docs/proxy/response_headers,
litellm/router_utils/common_utils.py of 1.108.7.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_SOONER_S = 0.5
"""Seconds before our own limit at which it is to end a call: its answer says more than our time-out."""

_OF_THE_PROVIDER = "llm_provider-"
NAME = "litellm."
"""How the sentence of an error begins that it wraps: the error is then of the provider behind it."""

_MARK = "LiteLLM: model group"
_NOTE = re.compile(
    r"\s*\bLiteLLM: model group '.*?' failed with the error above\b(?:.*?\balso failed: (?P<fallback>.*)|.*)"
)


def ask_once(timeout_s: float) -> dict[str, str]:
    """Return the headers that tell it not to ask again by itself, and how long it may take."""
    return {"x-litellm-num-retries": "0", "x-litellm-timeout": f"{max(timeout_s - _SOONER_S, timeout_s / 2):.1f}"}


def answered_by(model: Any, headers: Mapping[str, str]) -> Any:
    """Return the model that answered: `model`, unless a header says that it was a fallback of the gateway's own."""
    return model if headers.get("x-litellm-attempted-fallbacks", "0") == "0" else f"a fallback of {model}"


def unfolded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an answer with those of the provider behind it under their own names; its own go first."""
    of_provider = {
        name.removeprefix(_OF_THE_PROVIDER): value
        for name, value in headers.items()
        if name.startswith(_OF_THE_PROVIDER)
    }
    return {**of_provider, **headers}


def divided(sentence: str, sent: Iterable[str]) -> tuple[str, str]:
    """Divide a sentence on one line into the provider's, and what the gateway adds of the fallback that it tried.

    `sent` are the texts that were sent: where one of them says the same words, nothing is divided.
    """
    note = _NOTE.search(sentence)
    if note is None or any(_MARK in text for text in sent):
        return sentence, ""
    return sentence[: note.start()], note["fallback"] or ""
