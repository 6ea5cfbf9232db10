"""A model's own name, whatever its host calls it."""

import re
from collections.abc import Iterator

_AROUND = (
    r"^.*/",  # a path: OpenRouter's and Groq's vendor, LiteLLM's provider, an ARN
    r"^ft:",  # a model that was tuned at OpenAI, which begins with the one that it was made of
    r":.*$",  # a version at Bedrock, a variant at OpenRouter, an owner
    r"@.*$",  # a snapshot at Vertex
    r"^(?:[a-z-]+\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|mistral|openai|qwen|xai)\.",
    r"-v\d+$",
    r"-latest$",
    r"-(?:\d{4}-\d\d-\d\d|\d{8}|\d{4}|\d{3})$",  # a snapshot's date or number
)
"""What hosts write around a model's own name, in the order in which it is taken off."""

_CLAUDE = re.compile(r"^claude-[a-z0-9.-]+$")
_SNAPSHOT = re.compile(r"[-@](\d{4}-?\d{2}-?\d{2}|\d{4}|\d{3})(?=$|-v\d|:)")
_VARIANT = re.compile(r":([a-z]+)$")


def spellings(name: str) -> Iterator[str]:
    """Yield a model's name, then what is left of it as each addition of its host is taken off, down to its family."""
    name = name.lower()
    yield name
    for around in _AROUND:
        name = re.sub(around, "", name)
        yield name
        if _CLAUDE.match(name):
            yield name.replace(".", "-")


def family(name: str) -> str:
    """Return a model's name without its vendor, its region, and the snapshot or version that a host adds."""
    *_, last = spellings(name.strip())
    return last


def is_same_model(asked: str, answered: str) -> bool:
    """Whether two names mean one model: a vendor before it, or a snapshot of one of the two, makes no other.

    Two different snapshots are two models, and so are a variant such as `:free` and the model without it.
    """
    if family(asked) != family(answered) or _found(_VARIANT, asked) != _found(_VARIANT, answered):
        return False
    snapshots = {re.sub(r"\D", "", snapshot) for name in (asked, answered) if (snapshot := _found(_SNAPSHOT, name))}
    return len(snapshots) < 2  # noqa: PLR2004 - a snapshot of each


def _found(pattern: re.Pattern[str], name: str) -> str:
    found = pattern.search(name.lower())
    return found[1] if found else ""
