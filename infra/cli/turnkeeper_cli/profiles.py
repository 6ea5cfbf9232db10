"""Ids of models at Bedrock: the inference profile that each names or needs, and where it may run."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

AREAS = {
    "global": "global",
    "us": "US",
    "us-gov": "US-Gov",
    "eu": "EU",
    "apac": "APAC",
    "jp": "Japan",
    "au": "Aus.",
    "ca": "Canada",
    "ae": "UAE",
    "in": "India",
}
"""Where models run, as short as a table wants it: by inference profile, or by the region in a URL of OpenAI."""

_AWS = re.compile(r"bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com")
_PROFILE = re.compile(r"(?P<where>global|apac|[a-z]{2}(?:-gov)?)\.(?=[a-z0-9-]+\.)")

_NEAR = (
    ("us-gov-", "us-gov"),
    ("us-", "us"),
    ("eu-", "eu"),
    ("ap-northeast-", "jp"),
    ("ap-southeast-2", "au"),
    ("ap-southeast-4", "au"),
    ("ap-", "apac"),
)
"""The profiles of regions, by how their names begin."""


@dataclass(frozen=True, slots=True)
class Family:
    """Models at Bedrock whose bare id is refused, but in some regions, with the profiles that they have."""

    ids: re.Pattern[str]
    profiles: tuple[str, ...]
    bare_in: tuple[str, ...] = ()


_FAMILIES = (
    Family(re.compile(r"anthropic\.claude-[a-z]+-4\b"), ("global", "us", "eu")),
    Family(re.compile(r"anthropic\.claude-(?!v?[123]\b|instant)"), ("global", "us", "eu", "jp", "au")),
    Family(re.compile(r"amazon\.nova-2-"), ("global", "us", "eu", "jp")),
    Family(re.compile(r"amazon\.nova-premier-"), ("us",)),
    Family(re.compile(r"amazon\.nova-(micro|lite|pro)-"), ("us", "eu", "apac"), bare_in=("us-east-1",)),
    Family(re.compile(r"openai\.gpt-\d"), ("global", "us")),
)


def profile_of(name: str) -> str:
    """Return the inference profile that an id names, such as eu; nothing for a bare id."""
    found = _PROFILE.match(name.rpartition("/")[2])
    return found["where"] if found else ""


def aws_region(url: str) -> str:
    """Return the region of a URL of Bedrock itself; nothing for what stands in for it."""
    found = _AWS.search(urlsplit(url).hostname or "")
    return found[1] if found else ""


def family_of(name: str) -> Family | None:
    """Return the family of a bare id that needs a profile, or None."""
    return next((family for family in _FAMILIES if family.ids.match(name)), None)


def profiled(name: str, profile: str, region: str | None) -> str:
    """Put a profile before a model's name: the same one, or that of the region, or the widest one that it has."""
    known = family_of(name)
    profiles = known.profiles if known else ()
    near = next((near for begins, near in _NEAR if (region or "").startswith(begins)), "")
    chosen = next((one for one in (profile, near, *profiles) if one in profiles), "")
    return f"{chosen}.{name}" if chosen else name
