"""The shape of a stage's file: its sections and settings, checked by Pydantic; it becomes `StageSettings`.

Imported only where settings are read: its models cost a cold start some milliseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from turnkeeper.domain.callbacks import CallbackHosts
from turnkeeper.domain.money import MICRO, Price, micro_usd, price_from_json
from turnkeeper.domain.places import is_clear, is_host, is_secret_name, is_url
from turnkeeper.domain.rate_limit import ModelRate, RateLimit
from turnkeeper.domain.spend import Limits
from turnkeeper.domain.stage import EndpointSettings, StageSettings
from turnkeeper.domain.wires import WIRES, wires_of

USUAL = StageSettings()
_EXTRA = "extra_forbidden"
_MOST_MICRO_USD = 999_999 * MICRO


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a stage's file: where, as the names that lead there, and what to write instead."""

    path: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        """The mistake as a person reads it."""
        return f"{'.'.join(self.path)}: {self.message}" if self.path else self.message


class WrongSettings(ValueError):  # noqa: N818 - the name says it
    """Settings are refused; `mistakes` says where and why."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = mistakes


def _usd(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is no amount of dollars")  # noqa: TRY004 - Pydantic turns a ValueError into a mistake
    amount = micro_usd(str(value))
    if amount > _MOST_MICRO_USD:
        raise ValueError("is more than 999999 dollars")
    return amount


def _url(text: str) -> str:
    if not is_url(text):
        raise ValueError("is no base URL: it begins with https://, and has no user, query or fragment")
    return text.rstrip("/")


def _host(text: str) -> str:
    if not is_host(text):
        raise ValueError("is no host: write its name alone, such as hooks.example.com")
    return text.lower()


def _secret(text: str) -> str:
    if not is_secret_name(text):
        raise ValueError("is no name of a secret: write a name, such as orders-key, or ssm:/name")
    return text


def _wire(text: str) -> str:
    if text not in WIRES:
        raise ValueError(f"is no wire: there are {', '.join(WIRES)}")
    return text


def _price(value: Any) -> Price:
    try:
        return price_from_json(value)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError("is no price in dollars per million tokens") from error


def _model(text: str) -> str:
    provider, _, name = text.partition(":")
    if not provider or not name:
        raise ValueError("is no model: write provider:name")
    return text


Usd = Annotated[int, BeforeValidator(_usd)]
Url = Annotated[str, AfterValidator(_url)]
Host = Annotated[str, AfterValidator(_host)]
ModelId = Annotated[str, AfterValidator(_model)]
Amount = Annotated[int, Field(ge=1, le=1_000_000_000)]


def _setting(default: Any, what: str, example: str) -> Any:
    """A setting: its default, what it is, and how it is written."""
    return Field(default, description=what, examples=[example])


class Section(BaseModel):
    """A table of the file; a setting that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


class LimitsSection(Section):
    """What may be spent, in dollars. An agent's own limits, and those of `turnkeeper limits`, go before these."""

    task_usd: Usd = _setting(USUAL.limits.task_micro_usd, "the most that one task may cost", 'task_usd = "0.50"')
    customer_day_usd: Usd = _setting(
        USUAL.limits.customer_day_micro_usd,
        "the most that one customer may cost in a UTC day",
        'customer_day_usd = "5.00"',
    )
    customer_month_usd: Usd | None = _setting(
        None, "the most that one customer may cost in a UTC month; left out: no such limit", 'customer_month_usd = "50"'
    )
    tenant_day_usd: Usd | None = _setting(
        None, "the most that one tenant may cost in a UTC day; left out: no such limit", 'tenant_day_usd = "200"'
    )
    stack_day_usd: Usd | None = _setting(
        None,
        "the most that all tenants together may cost in a UTC day; left out: no such limit",
        'stack_day_usd = "500"',
    )


class TurnsSection(Section):
    """How many turns one customer may send."""

    per_minute: Amount = _setting(USUAL.rate.per_minute, "turns of one customer in a minute", "per_minute = 60")
    burst: Amount = _setting(USUAL.rate.burst, "turns of one customer at once", "burst = 20")


class RateSection(Section):
    """How much of a model, or as `provider:*` of all models of a provider, the whole fleet may use in a minute."""

    requests: Amount | None = _setting(None, "calls in a minute; left out: no limit of ours", "requests = 500")
    tokens: Amount | None = _setting(None, "tokens in a minute; left out: no limit of ours", "tokens = 200000")


class EndpointSection(Section):
    """Where the models of an endpoint are asked in this stage."""

    url: Url | None = _setting(None, "its base URL; left out: as in the code", 'url = "https://openrouter.ai/api/v1"')
    secret: Annotated[str, AfterValidator(_secret)] | None = _setting(
        None, "the name of its secret; left out: as in the code", 'secret = "openai-api-key"'
    )
    wire: Annotated[str, AfterValidator(_wire)] | None = _setting(
        None, "its protocol; left out: as in the code", 'wire = "chat"'
    )


class DependencySection(Section):
    """Where a service of tools is in this stage."""

    url: Url | None = _setting(None, "its base URL; left out: as in the code", 'url = "https://orders.example.com"')


class AgentSection(Section):
    """How this stage asks an agent's models."""

    first: tuple[ModelId, ...] = _setting(
        (), "models of its chains that are asked before the others, in this order", 'first = ["anthropic:claude-x"]'
    )


class HostsSection(Section):
    """Which hosts may be called."""

    private: tuple[Host, ...] = _setting(
        (), "hosts that may have private addresses; others are refused", 'private = ["orders.internal"]'
    )
    callbacks: dict[str, tuple[Host, ...]] = _setting(
        {},
        "by tenant, or * for all: the hosts that a callback_url may name",
        'callbacks = { "*" = ["hooks.example.com"] }',
    )


class StageFile(Section):
    """The whole file."""

    limits: LimitsSection = LimitsSection()
    turns: TurnsSection = TurnsSection()
    prices: dict[ModelId, Annotated[Price, BeforeValidator(_price)]] = _setting(
        {},
        "your own prices, by model, in dollars per million tokens",
        '"openai:x" = { input = "0.40", output = "1.60" }',
    )
    rates: dict[ModelId, RateSection] = _setting({}, "limits by model", '[rates."openai:*"]')
    endpoints: dict[str, EndpointSection] = _setting({}, "endpoints by name", "[endpoints.openai]")
    dependencies: dict[str, DependencySection] = _setting({}, "dependencies by name", "[dependencies.orders]")
    agents: dict[str, AgentSection] = _setting({}, "agents by name", "[agents.booking]")
    hosts: HostsSection = HostsSection()


def settings_from_json(text: str) -> StageSettings:
    """Read settings out of the JSON text of a file's data; raises WrongSettings."""
    try:
        file = StageFile.model_validate_json(text)
    except ValidationError as error:
        raise WrongSettings([_mistake(dict(e)) for e in error.errors()]) from error
    mistakes = [
        Mistake(("rates", name), "give requests, tokens or both")
        for name, rate in file.rates.items()
        if rate.requests is None and rate.tokens is None
    ]
    mistakes += [
        Mistake(("endpoints", name, "url"), "is not https: a key goes over http only to a host under hosts.private")
        for name, endpoint in file.endpoints.items()
        if is_clear(endpoint.url or "", file.hosts.private)
    ]
    mistakes += [
        Mistake(("endpoints", name, "wire"), f"of {name} is {' or '.join(wires_of(name))}")
        for name, endpoint in file.endpoints.items()
        if endpoint.wire and endpoint.wire not in wires_of(name)
    ]
    if mistakes:
        raise WrongSettings(mistakes)
    return StageSettings(
        limits=Limits(
            task_micro_usd=file.limits.task_usd,
            customer_day_micro_usd=file.limits.customer_day_usd,
            customer_month_micro_usd=file.limits.customer_month_usd,
            tenant_day_micro_usd=file.limits.tenant_day_usd,
            stack_day_micro_usd=file.limits.stack_day_usd,
        ),
        rate=RateLimit(file.turns.per_minute, file.turns.burst),
        model_rates={name: ModelRate(rate.requests, rate.tokens) for name, rate in file.rates.items()},
        prices=dict(file.prices),
        endpoints={
            name: EndpointSettings(e.url or "", e.secret or "", e.wire or "") for name, e in file.endpoints.items()
        },
        dependency_urls={name: d.url for name, d in file.dependencies.items() if d.url},
        callback_hosts=CallbackHosts(
            tuple((tenant, host) for tenant, hosts in file.hosts.callbacks.items() for host in hosts),
            file.hosts.private,
        ),
        private_hosts=file.hosts.private,
        first={name: agent.first for name, agent in file.agents.items()},
    )


def _mistake(error: Mapping[str, Any]) -> Mistake:
    path = tuple(str(part) for part in error["loc"] if part != "[key]")
    section, field = _at(path)
    if error["type"] == _EXTRA:
        return Mistake(path, f"there is no such setting; there are: {', '.join(section.model_fields)}")
    if "recursion limit" in str(error["msg"]):
        return Mistake(path, "is nested too deeply")
    said = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ").replace("an object", "a table")
    example = field.examples[0] if field is not None and field.examples else ""
    return Mistake(path, f"{said}; write it like {example}" if example else said)


def _at(path: Sequence[str]) -> tuple[type[Section], Any]:
    """Return the section that a path leads into, and the last setting on it that is described."""
    section: type[Section] = StageFile
    found = None
    for name in path:
        known = section.model_fields.get(name)
        if known is None:
            continue
        found = known
        inner = _section_in(known.annotation)
        section = inner or section
    return section, found


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _section_in(part)
        if found:
            return found
    return None
