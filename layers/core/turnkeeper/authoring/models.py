"""The models that an agent asks: its chain, and its alternative path."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnkeeper.authoring.endpoints import Endpoint
from turnkeeper.authoring.errors import is_whole, refuse
from turnkeeper.domain.providers import PROVIDERS

_HOW = f"write provider:name, where provider is one of {', '.join(PROVIDERS)}, or name its endpoint=Endpoint(...)"


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a chain, such as `Model("openai:gpt-5.4-mini", max_latency_ms=6000)`.

    `id` is provider:name, with the provider's own name of the model. `max_latency_ms` is the hard total of one call, in
    milliseconds (default 8000). Where it is not asked at a provider's own endpoint, `endpoint` says where, and the id
    begins with the endpoint's name: `Model("groq:llama-3.3-70b", endpoint=groq)`.
    """

    id: str
    max_latency_ms: int = 8_000
    endpoint: Endpoint | None = None

    def __post_init__(self) -> None:
        begins, _, name = self.id.partition(":") if isinstance(self.id, str) else ("", "", "")
        own = self.endpoint.name if isinstance(self.endpoint, Endpoint) else begins
        is_known = begins in PROVIDERS if self.endpoint is None else isinstance(self.endpoint, Endpoint)
        refuse(
            f"Model({self.id!r})",
            [
                (not (is_known and name), _HOW),
                (begins != own, "its id begins with the name of its endpoint, such as groq:llama-3.3-70b"),
                (not is_whole(self.max_latency_ms, 1), "max_latency_ms is a whole number of milliseconds above 0"),
            ],
        )

    @property
    def asked_at(self) -> Endpoint:
        """The endpoint where it is asked: by default its provider's own."""
        provider = self.id.partition(":")[0]
        return self.endpoint or Endpoint(provider, provider)

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
