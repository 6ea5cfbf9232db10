"""How Claude answers, the same on Anthropic's API and on Bedrock: what it thinks, how it signs that, what it caches."""

from dataclasses import replace

from infra.local.model_provider.chat import Asked, Completion
from infra.local.model_provider.prompt_cache import Caching
from infra.local.model_provider.rules.anthropic_models import claude_or_stranger
from infra.local.model_provider.rules.claude import Loop, cached_for_s, is_shown, mark, prompt, thinking
from infra.local.model_provider.rules.rule import Sent
from infra.local.model_provider.signing import Thought, account, sign


def thoughtful(asked: Asked, sent: Sent) -> Asked:
    """Return what is asked with how a Claude thinks of it, what its thought is bound to, and how it caches it."""
    model, whose = claude_or_stranger(sent.model), account(sent.headers)
    segments, ends = prompt(sent.body)
    return replace(
        asked,
        size=max(asked.size, sum(map(len, segments))),
        thinking=thinking(model, sent.body).tokens,
        account=whose,
        bound_to=Loop(model, whose, sent.body).bound_to,
        shows_thinking=is_shown(model, sent.body),
        prompt=segments,
        caching=Caching(f"{whose} {model.name}", model.least_cached_tokens, cached_for_s(sent.body), ends),
    )


def thought(asked: Asked, completion: Completion, model: str) -> tuple[str, str]:
    """Return a thought as it is sent: its text, which may be hidden, and its signature."""
    text = completion.thought if asked.shows_thinking else ""
    return text, Thought(model, asked.account, text, asked.bound_to).sealed()


def call_id(given: str, model: str, *, after_thought: bool, prefix: str = "toolu") -> str:
    """Return the id of a call: it shows whether the model thought before, so that a thought left out is noticed."""
    nonce = given[-12:]
    return f"{prefix}_{nonce}{mark(nonce, model) if after_thought else sign(nonce)[:12]}"
