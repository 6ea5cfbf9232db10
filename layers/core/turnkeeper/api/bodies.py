"""What clients send: the request bodies, as Pydantic models for validation and OpenAPI."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from turnkeeper.domain.text import not_blank

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@+=-]{1,128}$")]
"""An id that a client chose: letters, digits and . _ : @ + = -"""

Pair = Annotated[str, StringConstraints(min_length=1, max_length=256)]


Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=16_000),
    AfterValidator(not_blank),
    Field(json_schema_extra={"pattern": r"\S"}),
]
"""What somebody says. OpenAPI names the pattern; the validator also refuses what else cannot be seen."""


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TurnBody(Body):
    """A turn's request."""

    message: Annotated[Text, Field(description="What the customer says.", examples=["I need a haircut in Palo Alto."])]
    conversation_id: Annotated[Id | None, Field(description="Issued by an earlier turn; absent: a new one.")] = None
    task_id: Annotated[Id | None, Field(description="A unit of work with a spending limit of its own.")] = None
    customer_id: Annotated[Id | None, Field(description="For services, which must send it.")] = None
    intent: Annotated[Id | None, Field(description="For your logs and metrics.")] = None
    metadata: Annotated[dict[Pair, Pair] | None, Field(max_length=20)] = None
    callback_url: Annotated[str | None, Field(max_length=2_048, description="Where to POST a later outcome.")] = None


class FeedbackBody(Body):
    """A customer's rating of a turn."""

    score: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str | None, Field(max_length=2_000)] = None


class ClaimBody(Body):
    """A claim has no fields."""


class ReleaseBody(Body):
    """Releases the claim that has this version."""

    version: Annotated[int, Field(ge=1)]


class AnswerBody(Body):
    """A person's answer; `version` is that of their claim."""

    version: Annotated[int, Field(ge=1)]
    reply: Text
    output: Annotated[dict[str, Any] | None, Field(description="Held to the agent's output schema.")] = None
