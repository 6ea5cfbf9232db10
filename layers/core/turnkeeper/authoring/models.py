"""The models that an agent asks: its chain, and its alternative path."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnkeeper.authoring.errors import is_whole, refuse
from turnkeeper.domain.providers import PROVIDERS


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a chain, such as `Model("openai:gpt-5.4-mini", max_latency_ms=6000)`.

    `id` is provider:name, with the provider's own name of the model. `max_latency_ms` is the hard total of one call, in
    milliseconds (default 8000).
    """

    id: str
    max_latency_ms: int = 8_000

    def __post_init__(self) -> None:
        provider, _, name = self.id.partition(":") if isinstance(self.id, str) else ("", "", "")
        known = provider in PROVIDERS and name
        refuse(
            f"Model({self.id!r})",
            [
                (not known, f"write provider:name, where provider is one of {', '.join(PROVIDERS)}"),
                (not is_whole(self.max_latency_ms, 1), "max_latency_ms is a whole number of milliseconds above 0"),
            ],
        )

    @property
    def provider(self) -> str:
        """The provider's name, which stands before the colon."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """The provider's own name for the model."""
        return self.id.partition(":")[2]

    @property
    def max_latency_s(self) -> float:
        """The hard total of one call, in seconds."""
        return self.max_latency_ms / 1000


@dataclass(frozen=True, slots=True)
class Alternative:
    """The alternative path (tier 2): simpler instructions, and other models."""

    instructions: str
    chain: Sequence[Model]
