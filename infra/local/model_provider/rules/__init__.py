"""What the real providers refuse, as one table of rules for each wire."""

from collections.abc import Mapping
from typing import Any

from infra.local.model_provider.rules import openai
from infra.local.model_provider.rules.anthropic import ANTHROPIC
from infra.local.model_provider.rules.bedrock import BEDROCK
from infra.local.model_provider.rules.rule import Refusal, Rule, Sent

RULES: Mapping[str, tuple[Rule, ...]] = {
    "responses": openai.RESPONSES,
    "chat": openai.CHAT,
    "anthropic": ANTHROPIC,
    "bedrock": BEDROCK,
}
"""The rules of each wire, in the order in which they are tried."""


def refusal(wire: str, sent: Sent) -> tuple[Rule, Refusal] | None:
    """Return the first rule that refuses a request, and its words; None where the provider takes it."""
    found = ((rule, rule.refuses(sent)) for rule in RULES[wire] if not rule.only_warns)
    return next(((rule, why) for rule, why in found if why), None)


def listed() -> list[dict[str, Any]]:
    """Return every rule as JSON data: where it is not sure, the strictest that a source says is played."""
    return [
        {"wire": wire, **rule.shown(), "source": rule.source, "is_sure": rule.is_sure}
        for wire, rules in RULES.items()
        for rule in rules
    ]


def warnings(wire: str, sent: Sent) -> list[Rule]:
    """Return the rules whose matter a provider takes, though it does harm."""
    return [rule for rule in RULES[wire] if rule.only_warns and rule.refuses(sent)]
