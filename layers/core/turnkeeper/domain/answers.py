"""Reads a model's answer: either it is valid JSON that fits the agent's schema, or the errors in it are listed.

An output is written by the names under which models write it (aliases). It is *shown* with its computed fields, and
*stored* without them, so that what is stored reads back as the same output.
"""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from turnkeeper.domain.finite import not_finite
from turnkeeper.domain.text import line

MAX_ERRORS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A valid answer. `confidence` is 0 to 1; `output` is the validated model, or None where the agent allows that."""

    reply: str
    confidence: float
    output: BaseModel | None

    def output_json(self) -> dict[str, Any] | None:
        """The output as JSON data, as it is shown."""
        return shown(self.output) if self.output is not None else None

    def to_json(self) -> str:
        """The whole answer as JSON text; `read_answer` reads it back."""
        output = stored(self.output) if self.output is not None else None
        return json.dumps({"reply": self.reply, "confidence": self.confidence, "output": output}, ensure_ascii=False)


def read_answer(text: str, model: type[BaseModel]) -> Answer | list[str]:
    """Validate an answer's text strictly: return the answer, or what is wrong with it. Nothing is ever repaired."""
    parsed: Any = read_output(text, model)
    return parsed if isinstance(parsed, list) else Answer(parsed.reply, parsed.confidence, parsed.output)


def read_output(text: str, model: type[BaseModel]) -> BaseModel | list[str]:
    """Validate JSON text strictly, every number finite: return the model, or what is wrong with it.

    It is also written once: whatever its computed fields and serializers raise is raised here, and not when the turn
    has been answered.
    """
    try:
        parsed = model.model_validate_json(text, strict=True)
    except ValidationError as error:
        return error_lines(error)
    return (not_finite(parsed) or not_finite(shown(parsed)))[:MAX_ERRORS] or parsed


def shown(output: BaseModel) -> dict[str, Any]:
    """Return an output as JSON data, computed fields included."""
    return output.model_dump(mode="json", by_alias=True)


def stored(output: BaseModel) -> dict[str, Any]:
    """Return an output as JSON data that reads back as the same output."""
    return output.model_dump(mode="json", by_alias=True, exclude_computed_fields=True)


def error_lines(error: ValidationError) -> list[str]:
    """Describe each error on a line of its own, with its place first. The invalid value itself is left out."""
    return [_line(dict(e)) for e in error.errors(include_url=False, include_context=False)[:MAX_ERRORS]]


def _line(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return line(f"{where}: {error['msg']}" if where else str(error["msg"]))


CORRECTION = "Your last answer was not valid"
"""How a re-ask begins."""


def correction(errors: list[str]) -> str:
    """Word the one re-ask: what was wrong, and what to send."""
    listed = "\n".join(f"- {error}" for error in errors)
    return f"{CORRECTION}:\n{listed}\nAnswer again with one JSON object of the schema you were given, and nothing else."
