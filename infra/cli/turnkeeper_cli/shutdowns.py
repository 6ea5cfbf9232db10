"""The dated list of models that are gone or go: what it says of a model, whatever its host calls it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from turnkeeper.agent import Endpoint
from turnkeeper.domain.model_names import spellings

_MAKERS = ("openai", "anthropic", "google", "x-ai")
"""Hosts whose models other hosts offer too, under a name that contains the maker's own."""

_DOMAINS: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai.com",),
    "azure": ("azure.com", "azure.us", "azure.cn"),
    "anthropic": ("anthropic.com",),
    "google": ("googleapis.com",),
    "groq": ("groq.com",),
    "x-ai": ("x.ai",),
}
_BEDROCK = re.compile(r"bedrock[a-z-]*\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")


@dataclass(frozen=True, slots=True)
class Shutdown:
    """When a model ends, and what to write instead (or nothing), as `by` announced it for its own host at `source`."""

    ends: date
    use: str
    by: str
    source: str


@dataclass(frozen=True)
class Shutdowns:
    """The list as of a day: by host, and by a model's name there. `not_before` has days until which models surely stay.

    `pages` are the hosts' own lists, where it ends.
    """

    as_of: date
    pages: Mapping[str, str]
    by_host: Mapping[str, Mapping[str, Shutdown]]
    not_before: Mapping[str, Mapping[str, date]]

    def of(self, host: str, name: str) -> Shutdown | None:
        """Return when a model ends at a host; where only its maker's date is known, that one, `by` its maker."""
        for place in (host, *_MAKERS):
            for spelling in spellings(name):
                if found := self.by_host.get(place, {}).get(spelling):
                    return found
        return None

    def stays_until(self, host: str, name: str) -> date | None:
        """Return the day before which a host promised not to end a model, where none ends it yet."""
        promised = self.not_before.get(host, {})
        return next((promised[spelling] for spelling in spellings(name) if spelling in promised), None)


@cache
def shipped() -> Shutdowns:
    """Read the list that ships with this release."""
    data = tomllib.loads(files(__package__).joinpath("shutdowns.toml").read_text())
    pages = data["pages"]
    by_host = {
        host: {
            name: Shutdown(group["ends"], group.get("use", ""), host, group.get("source", page))
            for group in data.get(host, ())
            for name in group["models"]
        }
        for host, page in pages.items()
    }
    return Shutdowns(data["as_of"], pages, by_host, data["not_before"])


def host_of(endpoint: Endpoint, url: str) -> str:
    """Return who serves an endpoint's models: a host of the list, or the endpoint's own name."""
    asked = urlsplit(url).hostname or ""
    if endpoint.wire == "bedrock" or _BEDROCK.fullmatch(asked):
        return "bedrock"
    for host, domains in _DOMAINS.items():
        if any(asked == domain or asked.endswith(f".{domain}") for domain in domains):
            return host
    return endpoint.prices if endpoint.prices in _DOMAINS else endpoint.name
