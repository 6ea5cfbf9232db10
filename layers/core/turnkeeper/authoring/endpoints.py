"""Endpoints: where models are asked, in which wire, and with which secret."""

import re
from dataclasses import dataclass

from turnkeeper.authoring.errors import refuse
from turnkeeper.domain.places import is_secret_name, is_url
from turnkeeper.domain.providers import PROVIDERS

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where models are asked, such as `Endpoint("groq", wire="openai", url="https://api.groq.com/openai/v1")`.

    `name` begins the ids of its models. `wire` is the protocol: openai, anthropic or bedrock. `url` is the base URL,
    which a stage may replace; empty: the provider's own, or the stage's. `secret` is the name of the secret that holds
    its key, by default `<name>-api-key`. `prices` is its id in genai-prices; without one, the owner prices its models.
    """

    name: str
    wire: str
    url: str = ""
    secret: str = ""
    prices: str = ""

    def __post_init__(self) -> None:
        is_named = isinstance(self.name, str) and _NAME.fullmatch(self.name)
        is_taken = self.name in PROVIDERS and self.wire != self.name
        refuse(
            f"Endpoint({self.name!r})",
            [
                (not is_named, "a name is lower-case letters, digits, _ and -, such as groq"),
                (self.wire not in PROVIDERS, f"wire is one of {', '.join(PROVIDERS)}"),
                (is_taken, f"{self.name} is a provider's own endpoint: take another name"),
                (self.url != "" and not is_url(self.url), "url is a base URL, such as https://api.groq.com/openai/v1"),
                (
                    self.secret != "" and not is_secret_name(self.secret),
                    "secret is a name, such as groq-api-key, or ssm:/any/name",
                ),
                (not isinstance(self.prices, str), "prices is an id of genai-prices, such as groq"),
            ],
        )

    @property
    def key_secret(self) -> str:
        """The name of the secret that holds its key."""
        return self.secret or f"{self.name}-api-key"
