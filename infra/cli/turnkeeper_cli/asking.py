"""Asks endpoints whether they have a model, and when it ends, over the lists of models that they offer.

Sources: the SDKs `openai` (openai/types/model.py) and `anthropic` (anthropic/types/model_info.py), and Bedrock's
GetFoundationModel and GetInferenceProfile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from turnkeeper.adapters.bodies import AS_IT_IS, read_body
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.models.errors import Asked, failed
from turnkeeper.adapters.models.gone_words import RETIRED, RETIRED_CODES
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.model_names import spellings
from turnkeeper.errors import DependencyError

from turnkeeper_cli.errors import CliError
from turnkeeper_cli.profiles import profile_of
from turnkeeper_cli.show import quoted

_WITHIN_S = 15.0
_TIMEOUT = httpx.Timeout(10, connect=3)
_LONGEST_BODY_BYTES = 16 * 1024 * 1024
_NO_ROUTE = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
_UNREADABLE = (ResponseParserError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What boto3 raises at a body that is not an object: its parser takes it for granted, and documents nothing."""

_ON_DEMAND = "ON_DEMAND"
_MISSING = {"ResourceNotFoundException", "ValidationException"}


class Word(StrEnum):
    """What an endpoint says of a model."""

    HAS = "has it"
    GONE = "gone"
    UNKNOWN = "unknown"
    NEEDS_PROFILE = "no profile"
    SILENT = "no answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says of a model, with its own words in `said`.

    `ends` is the day that it names. `says_lifecycle` tells that it reports how far a model is in its life: then no day
    means that none is announced, and not only that the endpoint says nothing about it.
    """

    word: Word
    said: str = ""
    ends: date | None = None
    says_lifecycle: bool = False


@dataclass(frozen=True)
class Question:
    """A model's own name, and where it is asked: base URL and host, with the endpoint's own headers.

    `key` reads the key, raises where it is missing, and returns nothing where none is needed.
    """

    name: str
    wire: str
    url: str
    host: str
    key: Callable[[], str]
    own_headers: Mapping[str, str] = field(default_factory=dict)

    def headers(self, name: str, before: str = "") -> dict[str, str]:
        """Return the endpoint's headers, with the key in the one of this name, if there is a key."""
        key = self.key()
        return {**self.own_headers, **({name: f"{before}{key}"} if key else {})}


def ask(question: Question, bedrock: Callable[[], Any]) -> Answer:
    """Ask an endpoint about a model; what goes wrong is an answer too. `bedrock` makes the client of the region."""
    wires: Mapping[str, Callable[[], Answer]] = {
        "anthropic": lambda: _anthropic(question),
        "bedrock": lambda: _bedrock(question.name, bedrock()),
    }
    try:
        return call_within(_WITHIN_S, wires.get(question.wire, lambda: _openai(question)))
    except (CliError, DependencyError, TimeoutError) as error:
        return Answer(Word.SILENT, quoted(getattr(error, "detail", "") or str(error)))
    except (httpx.HTTPError, httpx.InvalidURL, BotoCoreError, ClientError) as error:
        return Answer(Word.SILENT, quoted(f"{type(error).__name__}: {error}"))
    except _UNREADABLE as error:
        return Answer(Word.SILENT, f"its answer cannot be read ({type(error).__name__})")


def _openai(question: Question) -> Answer:
    """Read one model, or the list of all where an endpoint has no route for one."""
    name = question.name
    is_azure = question.host == "azure"
    headers = question.headers("api-key" if is_azure else "Authorization", "" if is_azure else "Bearer ")
    status, body = _get(f"{question.url}/models/{quote(name, safe='')}", headers)
    if status == HTTPStatus.OK and body.get("id"):
        return _model(name, body)
    if is_azure and status == HTTPStatus.NOT_FOUND:
        return Answer(Word.SILENT, "Azure lists models, and not deployments: see its portal")
    refused = _refused(status, body, name)
    if refused.word is Word.SILENT and status in _NO_ROUTE:
        listed, found = _get(f"{question.url}/models", headers)
        models = found.get("data")
        if listed == HTTPStatus.OK and isinstance(models, list):
            ids = {str(m["id"]).removeprefix("models/"): m for m in models if isinstance(m, dict) and m.get("id")}
            return _model(name, ids[name]) if name in ids else Answer(Word.UNKNOWN, "its list of models lacks it")
    return refused


def _model(name: str, model: Mapping[str, Any]) -> Answer:
    """Read a model of an OpenAI-like list; Azure says when it ends under `deprecation`, in seconds since the epoch."""
    deprecation = model.get("deprecation")
    azure = deprecation.get("inference") if isinstance(deprecation, dict) else None
    ends = _day(model.get("shutdown_date")) or _day(azure)
    given = str(model["id"])
    said = "" if set(spellings(given)) & set(spellings(name)) else f"it answers as {quoted(given)}"
    return Answer(Word.HAS, said, ends, says_lifecycle="shutdown_date" in model or azure is not None)


def _anthropic(question: Question) -> Answer:
    headers = {**question.headers("x-api-key"), "anthropic-version": "2023-06-01"}
    status, body = _get(f"{question.url}/v1/models/{quote(question.name, safe='')}", headers)
    if status != HTTPStatus.OK or not body.get("id"):
        return _refused(status, body, question.name)
    lifecycle = body.get("lifecycle")
    said = ", ".join(part for part in (str(lifecycle or ""), *_abilities(body)) if part)
    word = Word.GONE if lifecycle == "retired" else Word.HAS
    return Answer(word, quoted(said) if said else "", _day(body.get("retires_at")), says_lifecycle=bool(lifecycle))


def _abilities(model: Mapping[str, Any]) -> list[str]:
    """Say which effort and thinking a model takes, and whether it is held to a schema."""
    found = model.get("capabilities")
    abilities = found if isinstance(found, dict) else {}
    thinking = _supported(_part(abilities, "thinking").get("types"))
    effort = _supported(abilities.get("effort"))
    said = [f"thinking {' '.join(thinking)}"] if thinking else []
    said += [f"effort {' '.join(effort)}"] if effort else []
    return said + (["no schemas"] if _part(abilities, "structured_outputs").get("supported") is False else [])


def _supported(choices: Any) -> list[str]:
    if not isinstance(choices, dict):
        return []
    return [name for name, choice in choices.items() if isinstance(choice, dict) and choice.get("supported") is True]


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _bedrock(name: str, client: Any) -> Answer:
    """Ask the control plane of a region: for the profile, where the id names one, and for the model itself."""
    region = client.meta.region_name
    if not profile_of(name) and ":inference-profile/" not in name and "-inference-profile/" not in name:
        return _foundation(name, client, region)
    try:
        models = client.get_inference_profile(inferenceProfileIdentifier=name).get("models") or [{}]
    except ClientError as error:
        return _missing(error, f"{region} has no such inference profile")
    answer = _foundation(str(models[0].get("modelArn", "")).rpartition("/")[2], client, region)
    # A profile may run a model in other regions only: then no date is known, and the model is there all the same.
    is_here = answer.word in (Word.HAS, Word.NEEDS_PROFILE)
    return replace(answer, word=Word.HAS) if is_here else Answer(Word.HAS, f"{region} has the profile")


def _foundation(name: str, client: Any, region: str) -> Answer:
    if name.startswith("arn:") and ":foundation-model/" not in name:
        return Answer(Word.SILENT, "an id of your own account: its region's console says what it runs")
    try:
        model = client.get_foundation_model(modelIdentifier=name)["modelDetails"]
    except ClientError as error:
        return _missing(error, f"{region} has no such model")
    lifecycle = model.get("modelLifecycle") or {}
    status, ends = str(lifecycle.get("status", "")), _day(lifecycle.get("endOfLifeTime"))
    said = f"{status} in {region}" if status else ""
    kinds = model.get("inferenceTypesSupported")
    word = Word.NEEDS_PROFILE if kinds and _ON_DEMAND not in kinds else Word.HAS
    return Answer(word, said, ends, says_lifecycle=bool(status))


def _missing(error: ClientError, said: str) -> Answer:
    if error.response["Error"].get("Code") not in _MISSING:
        raise error
    return Answer(Word.UNKNOWN, said)


def _refused(status: int, body: Mapping[str, Any], name: str) -> Answer:
    """Say what an error means, as calls of models read it: that there is no such model, or that nothing is known."""
    error = body.get("error")
    fields = error if isinstance(error, dict) else {"message": error or body.get("message") or ""}
    message = str(fields.get("message") or "")
    said = quoted(f"{status}: {message}" if message else str(status))
    if status == HTTPStatus.GONE:
        return Answer(Word.GONE, said)
    if failed(status, body, asked=Asked(name)).failure is not Failure.MODEL_GONE:
        return Answer(Word.SILENT, said)
    codes = {str(fields.get("code")), str(fields.get("type"))}
    return Answer(Word.GONE if codes & RETIRED_CODES or RETIRED.search(message) else Word.UNKNOWN, said)


def _get(url: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Return the status of a GET, and the JSON object that comes back; nothing of a body that is none."""
    with (
        httpx.Client(timeout=_TIMEOUT) as client,
        client.stream("GET", url, headers={**headers, **AS_IT_IS}) as answer,
    ):
        content = read_body(answer, _LONGEST_BODY_BYTES, by="the endpoint", too_long="its answer is too long")
        status = answer.status_code
    try:
        body = httpx.Response(status, content=content).json()
    except (ValueError, RecursionError):
        body = {}
    return status, body if isinstance(body, dict) else {}


def _day(value: Any) -> date | None:
    """Read a day: a date, a moment (both as text), seconds since the epoch, or what boto3 made of one."""
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC).date()
        if isinstance(value, str):
            return datetime.fromisoformat(value).date()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC).date()
    except (ValueError, OverflowError, OSError):
        pass
    return None
