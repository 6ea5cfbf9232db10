"""The models that agents ask, with all that is known of each: where, at which price, until when, and what instead."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from turnkeeper.agent import Agent, Endpoint, Model
from turnkeeper.domain.money import Price, price_from_json
from turnkeeper.domain.stage import StageSettings
from turnkeeper.export_prices import export

from turnkeeper_cli.asking import Answer, Word
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.profiles import AREAS, aws_region, family_of, profile_of, profiled
from turnkeeper_cli.project import root
from turnkeeper_cli.shutdowns import Shutdown, Shutdowns, host_of

_PRICES = "layers/agents/prices.json"
_OPENAI_REGION = re.compile(r"([a-z]{2})\.api\.openai\.com")
_VENDOR = re.compile(r"(?:.*/)?(?:(?:anthropic|openai)\.)?")
_DOTTED = re.compile(r"-(\d+)-(\d+)$")


@dataclass(frozen=True, slots=True)
class Use:
    """One place of a model: an agent's `chain`, or its `alternative`."""

    agent: str
    path: str
    model: Model


@dataclass(frozen=True)
class Known:
    """What is known of a model. `url` is empty where nobody says it, `runs_in` where its host does not.

    `region` is that of AWS where it is asked, or else of the deployment. `unpriced` says what to do where there is no
    price. `stays_until` is a promise of its host, and no shutdown date.
    """

    model: Model
    endpoint: Endpoint
    host: str
    url: str
    runs_in: str
    price: Price | None
    unpriced: str
    listed: Shutdown | None
    stays_until: date | None
    region: str | None
    answer: Answer | None = None

    @property
    def end(self) -> Shutdown | None:
        """The end that counts: what its endpoint says goes before the list, and the host's list before the maker's."""
        answer, listed = self.answer, self.listed
        if answer and answer.ends:
            return Shutdown(answer.ends, listed.use if listed else "", self.host, "its endpoint")
        if answer and answer.says_lifecycle and listed and listed.by != self.host:
            return None
        return listed

    @property
    def instead(self) -> str:
        """The id to write instead, where one is known; at a gateway, whose names are its own, what it is like."""
        use, name = self.listed.use if self.listed else "", self.model.name
        if not use or profile_of(name) == "us-gov":  # nobody says which newer ones GovCloud has
            return ""
        if self.endpoint.wire == "bedrock":
            maker = self.listed.by if self.listed else ""
            vendor = f"{maker}." if maker in ("anthropic", "openai") else ""
            return f"{self.endpoint.name}:{profiled(vendor + use, profile_of(name), self.region)}"
        if self.is_dated_by_host and self.host != "bedrock":
            return f"{self.endpoint.name}:{use}"
        around = _VENDOR.match(name)
        dotted = _DOTTED.sub(r"-\1.\2", use) if "." in name.rpartition("/")[2] else use
        return f"{self.endpoint.name}:{around[0] if around else ''}{_VENDOR.sub('', dotted)}"

    @property
    def is_at_aws(self) -> bool:
        """Whether it is asked at AWS itself, and not at what stands in for it."""
        return bool(aws_region(self.url))

    @property
    def is_dated_by_host(self) -> bool:
        """Whether the list has the date of who serves it, and not only its maker's."""
        return self.listed is not None and self.listed.by == self.host

    @property
    def key(self) -> tuple[str, str]:
        """What tells models apart: an id may be asked at different places by different agents."""
        return key_of(self.model)


def key_of(model: Model) -> tuple[str, str]:
    """Return what tells models apart: the id, and where it is asked."""
    return model.id, repr(model.asked_at)


def uses_of(agents: Mapping[str, Agent[Any]]) -> list[Use]:
    """List every place of a model, in the order in which each agent asks them."""
    paths = {name: (("chain", agent.chain), ("alternative", agent.alternative.chain)) for name, agent in agents.items()}
    return [Use(name, path, model) for name, chains in paths.items() for path, chain in chains for model in chain]


def known(
    models: Iterable[Model], settings: StageSettings, shutdowns: Shutdowns, region: str | None
) -> dict[tuple[str, str], Known]:
    """Say what is known of each model, by its key, without asking anybody.

    `region` is that of the deployment, where it is known.
    """
    own = _own_prices()
    different = {key_of(model): model for model in models}
    return {key: _known(model, settings, shutdowns, region, own) for key, model in different.items()}


def _known(
    model: Model, settings: StageSettings, shutdowns: Shutdowns, region: str | None, own: Mapping[str, Any]
) -> Known:
    endpoint = model.asked_at.in_stage(settings)
    url = (endpoint.url or _own_url(endpoint, region)).rstrip("/")
    region = aws_region(url) or region
    host = host_of(endpoint, url)
    price, unpriced = settings.prices.get(model.id), ""
    if price is None:
        try:
            price = price_from_json(export([model], own)[model.id])
        except LookupError as error:
            unpriced = str(error.args[0])
    return Known(
        model=model,
        endpoint=endpoint,
        host=host,
        url=url,
        runs_in=_runs_in(model.name, host, url, region),
        price=price,
        unpriced=unpriced,
        listed=shutdowns.of(host, model.name),
        stays_until=shutdowns.stays_until(host, model.name),
        region=region,
    )


def problems(found: Known, *, today: date, days: int, has_stage: bool) -> list[str]:
    """Say what is wrong with a model, each as a sentence with what to do; nothing where all is well.

    `days` is how long it must last. Without a stage nobody can say that an endpoint has no URL.
    """
    said = _of_its_answer(found) or _of_its_end(found, today, days)
    said += [*_of_its_profile(found), *([found.unpriced] if found.unpriced else [])]
    if has_stage and not found.url and found.endpoint.wire != "bedrock":
        where = f'url= in its Endpoint, or [endpoints.{found.endpoint.name}] url = "..." in the stage\'s file'
        said.append(f"{found.model.id} has no URL to be asked at: write {where}")
    return said


def _of_its_end(found: Known, today: date, days: int) -> list[str]:
    end = found.end
    if end is None or (end.ends - today).days > days:
        return []
    left = (end.ends - today).days
    when = "ended" if left < 0 else "ends"
    far = f"{-left} days ago" if left < 0 else f"in {left} days"
    much = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(left, far)
    whose = f", by {end.by}'s own date: {found.host} may have another" if end.by != found.host else ""
    said = f"{found.model.id} {when} on {end.ends}, {much}{whose}{_instead(found)}"
    return [f"{said} ({end.source})"]


def _of_its_answer(found: Known) -> list[str]:
    answer = found.answer
    if answer is None or answer.word not in (Word.GONE, Word.UNKNOWN):
        return []
    what = "is gone" if answer.word is Word.GONE else "is unknown"
    said = f": {answer.said}" if answer.said else ""
    return [f"{found.model.id} {what} at {found.url or found.endpoint.name}{said}{_instead(found)}"]


def _of_its_profile(found: Known) -> list[str]:
    """Refuse a bare id of Bedrock: by its region's own word, or else by what is known of the models' vendors."""
    name, answer = found.model.name, found.answer
    if found.endpoint.wire != "bedrock" or (answer and answer.word in (Word.HAS, Word.GONE, Word.UNKNOWN)):
        return []
    family = family_of(name)
    is_refused = bool(answer and answer.word is Word.NEEDS_PROFILE)
    if not is_refused and (family is None or found.region in family.bare_in):
        return []
    profiles = family.profiles if family else ()
    where = f" in {found.region}" if found.region else ""
    there = f" (there are {', '.join(profiles)})" if len(profiles) > 1 else ""
    profile = f"{found.endpoint.name}:{profiled(name, '', found.region)}" if profiles else "the id of its profile"
    return [f"{found.model.id} needs an inference profile{where}. Write {profile}{there}"]


def _instead(found: Known) -> str:
    if not found.instead:
        return ""
    is_exact = found.is_dated_by_host or found.endpoint.wire == "bedrock"
    return f". Write {found.instead}" if is_exact else f". Write a newer one, such as {found.instead}"


def _own_url(endpoint: Endpoint, region: str | None) -> str:
    if endpoint.wire == "bedrock":
        return f"https://bedrock-runtime.{region}.amazonaws.com" if region else ""
    return endpoint.url


def _runs_in(name: str, host: str, url: str, region: str | None) -> str:
    if host == "bedrock":
        return AREAS.get(profile_of(name), profile_of(name)) or region or "region"
    at = _OPENAI_REGION.fullmatch(urlsplit(url).hostname or "")
    return AREAS.get(at[1], at[1]) if at else ""


def _own_prices() -> dict[str, Any]:
    path = root() / _PRICES
    try:
        own = json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise CliError(f"{_PRICES} is not JSON: {error}") from error
    if not isinstance(own, dict):
        raise CliError(f"{_PRICES} is no object of prices")
    return own
