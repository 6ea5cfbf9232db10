"""What Bedrock knows of each model: its ids, its regions, and what it takes.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html,
https://docs.aws.amazon.com/nova/latest/nova2-userguide/reasoning-capabilities.html.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.model_provider.rules.anthropic_models import Claude, claude

_ID = re.compile(
    r"(?:arn:aws[a-z-]*:bedrock:[^/]*/)?(?:(?P<profile>global|us-gov|us|eu|apac|jp|au|in)\.)?"
    r"(?P<base>(?P<vendor>[a-z0-9]+)\.[a-z0-9.-]+?)(?:-v\d)?(?::\d+)?"
)
_REGIONS: Mapping[str, str] = {
    "global": r"(?!us-gov|cn)[a-z-]+\d",
    "us": r"(?:us-(?:east|west)|ca-(?:central|west))-\d",
    "us-gov": r"us-gov-[a-z]+-\d",
    "eu": r"eu-[a-z]+-\d",
    "apac": r"ap-[a-z]+-\d",
    "jp": r"ap-northeast-[13]",
    "au": r"ap-southeast-[24]",
    "in": r"ap-south-\d",
}
"""The regions in which each profile can be called."""

_ANYWHERE = r".*"
_NOWHERE = r"(?!)"


@dataclass(frozen=True, slots=True)
class BedrockModel:
    """One model: `profiles` are the prefixes of its inference profiles, `bare_in` the regions that take its bare id.

    `thinks` is how it is asked to think: claude, nova, gpt-oss, openai, or not at all.
    """

    profiles: tuple[str, ...] = ()
    bare_in: str = _NOWHERE
    thinks: str = ""
    takes_schema: bool = False
    most_output_tokens: int = 128_000
    least_cached_tokens: int | None = None
    ended: str = ""
    """Empty, or `over` at the end of its life, or `legacy` where only who used it lately may go on."""

    @property
    def caches(self) -> bool:
        """Whether it has a prompt cache."""
        return self.thinks == "claude" or self.least_cached_tokens is not None


_NOVA = BedrockModel(
    ("us", "eu", "apac"), r"us-east-1|us-gov-west-1", most_output_tokens=10_000, least_cached_tokens=1_000
)
_NOVA_2 = BedrockModel(
    ("us", "eu", "jp", "global"), thinks="nova", most_output_tokens=65_535, least_cached_tokens=1_000
)
_CLAUDE = BedrockModel(("global", "us", "eu", "jp", "au"), thinks="claude")
_CLAUDE_WITH_SCHEMA = BedrockModel(("global", "us", "eu", "jp", "au"), thinks="claude", takes_schema=True)
_OPENAI = BedrockModel(("global", "us", "in"), thinks="openai")
_OPEN_WEIGHT = BedrockModel((), _ANYWHERE, thinks="gpt-oss", takes_schema=True)
_OVER = BedrockModel(tuple(_REGIONS), _ANYWHERE, ended="over")
_LEGACY = BedrockModel(tuple(_REGIONS), _ANYWHERE, ended="legacy")

_MODELS: tuple[tuple[str, BedrockModel], ...] = (
    (r"amazon\.nova-(?:micro|lite|pro)", _NOVA),
    (r"amazon\.nova-premier", _LEGACY),
    (r"amazon\.nova-2-lite", _NOVA_2),
    (r"anthropic\.claude-(?:haiku|sonnet|opus)-5-5", _CLAUDE),
    (r"anthropic\.claude-(?:fable|mythos)-5(?:-[12])?", _CLAUDE),
    (r"anthropic\.claude-(?:sonnet|opus)-5", _CLAUDE),
    (r"anthropic\.claude-opus-4-[78]", _CLAUDE),
    (r"anthropic\.claude-(?:sonnet|opus)-4-6", _CLAUDE_WITH_SCHEMA),
    (r"anthropic\.claude-opus-4-5-20251101", _CLAUDE_WITH_SCHEMA),
    (r"anthropic\.claude-sonnet-4-5-20250929", _CLAUDE_WITH_SCHEMA),
    (r"anthropic\.claude-haiku-4-5-20251001", BedrockModel(("global", "us", "eu"), thinks="claude", takes_schema=True)),
    (r"anthropic\.claude-(?:sonnet|opus)-4-2025\d{4}", _LEGACY),
    (r"anthropic\.claude-3-haiku-20240307", _LEGACY),
    (r"anthropic\.claude(?:-(?:instant|3)[a-z0-9.-]*)?", _OVER),
    (r"openai\.gpt-oss-(?:20b|120b)-1", _OPEN_WEIGHT),
    (r"openai\.gpt-(?:6-(?:luna|sol|astra)|6\.1-(?:sol|terra)|5\.6-(?:luna|sol|terra))", _OPENAI),
)
_VENDORS = ("amazon", "anthropic", "openai")
"""The vendors of which every text model is known here; any other vendor's id is taken as it is."""


@dataclass(frozen=True, slots=True)
class Named:
    """What an id says: `model` is None where nothing is known of it, `is_unknown` where there is no such model."""

    base: str
    profile: str | None
    model: BedrockModel | None
    is_unknown: bool

    @property
    def claude(self) -> Claude | None:
        """What is known of it at Anthropic, where it is a Claude."""
        return claude(self.base.removeprefix("anthropic.")) if self.base.startswith("anthropic.") else None

    def is_in(self, region: str) -> bool:
        """Say whether the id's profile can be called in a region; an empty region is one that is not known."""
        if self.profile is None or not region:
            return True
        has_profile = self.model is None or self.profile in self.model.profiles
        return has_profile and re.fullmatch(_REGIONS[self.profile], region) is not None

    def needs_profile(self, region: str) -> bool:
        """Say whether the bare id is not enough in a region."""
        if self.profile is not None or self.model is None:
            return False
        return self.model.bare_in == _NOWHERE if not region else re.fullmatch(self.model.bare_in, region) is None


def named(model_id: str) -> Named:
    """Return what is known of a model by its id."""
    match = _ID.fullmatch(model_id)
    if not match:
        return Named(model_id, None, None, is_unknown=not model_id.startswith("arn:"))
    base = match["base"]
    model = next((model for pattern, model in _MODELS if re.fullmatch(pattern, base)), None)
    return Named(base, match["profile"], model, is_unknown=model is None and match["vendor"] in _VENDORS)
