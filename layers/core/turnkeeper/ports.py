"""What the core asks of the outside: a table, models, tools' HTTP, a notifier, a workflow, telemetry, and a clock.

Adapters implement these protocols; nothing here knows how.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from turnkeeper.authoring.tools import Dependency, ToolHttp
from turnkeeper.domain.chat import ModelReply, ModelRequest
from turnkeeper.domain.telemetry import Action, Metric

Json = dict[str, Any]


# --- models -----------------------------------------------------------------------------------------------------------


class ModelClient(Protocol):
    """One provider's API. `complete` returns within `timeout_s` seconds or raises `errors.DependencyError`."""

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once; `timeout_s` is a hard total."""


# --- the table --------------------------------------------------------------------------------------------------------

Key = tuple[str, str]
"""A partition key and a sort key."""

Item = dict[str, Any]
"""An item's attributes, `pk` and `sk` included. Numbers are int, or float for what is not money."""


@dataclass(frozen=True, slots=True)
class Cond:
    """A condition on one item: a leaf (`op`, `name`, `value`) or a combination (`all`, `any`) of others."""

    op: Literal["eq", "lt", "le", "gt", "ge", "in", "exists", "absent", "all", "any"]
    name: str = ""
    value: Any = None
    parts: tuple["Cond", ...] = ()

    def __and__(self, other: "Cond") -> "Cond":
        return Cond("all", parts=(self, other))

    def __or__(self, other: "Cond") -> "Cond":
        return Cond("any", parts=(self, other))


@dataclass(frozen=True, slots=True)
class Attr:
    """Builds conditions on the attribute `name`: `Attr("st").eq("RUN") & Attr("epoch").eq(3)`."""

    name: str

    def eq(self, value: Any) -> Cond:
        """Equal, and present."""
        return Cond("eq", self.name, value)

    def lt(self, value: Any) -> Cond:
        """Less than, and present."""
        return Cond("lt", self.name, value)

    def le(self, value: Any) -> Cond:
        """Less or equal, and present."""
        return Cond("le", self.name, value)

    def gt(self, value: Any) -> Cond:
        """Greater than, and present."""
        return Cond("gt", self.name, value)

    def ge(self, value: Any) -> Cond:
        """Greater or equal, and present."""
        return Cond("ge", self.name, value)

    def is_in(self, *values: Any) -> Cond:
        """One of the values, and present."""
        return Cond("in", self.name, values)

    def exists(self) -> Cond:
        """Present."""
        return Cond("exists", self.name)

    def absent(self) -> Cond:
        """Not present."""
        return Cond("absent", self.name)


@dataclass(frozen=True, slots=True)
class Update:
    """Change one item, made if it is not there: set, set where absent, add to numbers (absent is 0), remove."""

    key: Key
    set: Mapping[str, Any] = field(default_factory=dict)
    default: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    when: Cond | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Write one whole item."""

    key: Key
    item: Mapping[str, Any]
    when: Cond | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one item, in a transaction: only its token tells our own first try from what another made since."""

    key: Key
    when: Cond | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Hold one item to a condition, in a transaction."""

    key: Key
    when: Cond


Write = Update | Put
Op = Write | Delete | Check


class Refused(Exception):  # noqa: N818 - a refused condition is an answer, not a fault
    """A condition did not hold; `olds[i]` is the item that operation i met (None: none, or its condition held)."""

    def __init__(self, failed: Sequence[int], olds: Sequence[Item | None]) -> None:
        super().__init__(f"conditions refused: {list(failed)}")
        self.failed = tuple(failed)
        self.olds = tuple(olds)


class Table(Protocol):
    """One table of items with conditional writes, transactions and two sparse indexes.

    Every write is idempotent under a lost acknowledgement: a retry of our own committed write is a success.
    Raises `errors.StoreUnavailable` when the outcome is surely "not written" or unknown after the retries were used up,
    `errors.StoreContended` when a transaction lost to others throughout.
    """

    def get(self, key: Key) -> Item | None:
        """Read one item, strongly."""

    def batch_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read many items, strongly, in one call; what is not there is left out."""

    def query(
        self, pk: str, *, prefix: str = "", newest_first: bool = False, limit: int | None = None, after: str = ""
    ) -> list[Item]:
        """Read the items of a partition in order of `sk`, strongly; `after` is an exclusive start `sk`."""

    def query_index(
        self, index: str, pk: str, *, upto: Any = None, limit: int = 100, after: Json | None = None
    ) -> tuple[list[Item], Json | None]:
        """Read an index (`due`, `esc`, `customer`) eventually, by its sort key; a cursor comes where there is more."""

    def write(self, op: Write) -> Item:
        """Write one item; returns it as it is afterwards. Raises `Refused`."""

    def transact(self, ops: Sequence[Op], *, on_conflict: Callable[[], None] | None = None) -> None:
        """Write all or nothing. Raises `Refused`. `on_conflict` runs before each retry, and may raise to give up."""


# --- tools ------------------------------------------------------------------------------------------------------------


class CallHttp(ToolHttp, Protocol):
    """The HTTP of one tool call, which knows whether it may have changed something, and was answered."""

    @property
    def posted(self) -> bool:
        """Whether a POST of this call may have reached the service."""

    @property
    def answered(self) -> bool:
        """Whether the service has answered something in this call."""


class ToolTransport(Protocol):
    """Makes the HTTP client of one tool call, and bounds its time."""

    def http(self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str) -> CallHttp:
        """Return a client for the dependency's own host only."""

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Run a call, or raise DependencyError(TIMEOUT) after `seconds`, whatever it waits for."""


# --- telemetry --------------------------------------------------------------------------------------------------------


class Telemetry(Protocol):
    """Takes notice of what happens; never raises. No line holds a message, a prompt, an argument, a token or a key."""

    def action(self, action: Action, **fields: Any) -> None:
        """Log one agent action as a structured line; the fields are those of `domain.telemetry.LOG_FIELDS`."""

    def count(self, metric: Metric, value: float = 1, **dimensions: str) -> None:
        """Add a value to a metric, in the metric's unit."""

    def warning(self, message: str, **fields: Any) -> None:
        """Log something that an owner should look at."""

    def fault(self, message: str, error: Exception) -> None:
        """Log and count a fault of ours, with where it happened."""

    def flush(self) -> None:
        """Write out what was counted in this invocation."""


# --- the rest ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """A message to a topic: plain text for people, `data` (JSON text) for machines, `attributes` to filter by.

    `sms` is one line for a phone; where there is none, the subject is sent.
    """

    subject: str
    text: str
    data: str
    attributes: Mapping[str, str]
    sms: str = ""


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """How many of a topic's subscriptions receive what is published, and how many do not, as nobody confirmed them."""

    confirmed: int = 0
    unconfirmed: int = 0


class Notifier(Protocol):
    """Publishes to topics."""

    def publish(self, topic: str, message: Published) -> str:
        """Publish one message; returns its id. Raises `errors.DependencyError`."""

    def subscriptions(self, topic: str) -> Subscriptions:
        """Count a topic's subscriptions. Raises `errors.DependencyError`."""


class Queue(Protocol):
    """A queue of small messages. Raises `errors.DependencyError`."""

    def send(self, message: Json) -> None:
        """Put a message into the queue."""


class CallbackSender(Protocol):
    """Sends signed messages to receivers. Raises `errors.DependencyError`."""

    def send(self, url: str, *, tenant: str, message_id: str, timestamp: int, body: str, timeout_s: float) -> int:
        """POST one message; returns the receiver's HTTP status."""


class Workflow(Protocol):
    """The escalation state machine. Raises `errors.WorkflowUnavailable`."""

    def start(self, name: str, payload: Json) -> bool:
        """Make sure that an execution of that name runs; False when it ran and is closed."""

    def task_succeeded(self, token: str, payload: Json) -> None:
        """End a waiting task; one that no longer waits is success."""


Clock = Callable[[], float]
"""Seconds since the epoch."""
