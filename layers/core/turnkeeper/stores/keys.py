"""The keys of the one table: every item's partition and sort key, and its place in the three indexes.

Ids never contain a `#`: the API allows none in ids, and text from elsewhere is hashed.
"""

import hashlib

from turnkeeper.domain.spend import Limit, SpendAlert
from turnkeeper.ports import Key

DUE_SHARDS = 4

TURN = "TURN"
ESCALATION = "ESC"
RESERVATION = "RSV#"
ATTEMPT = "ATT#"
EFFECT = "STEP#"
CALLBACK = "CALLBACK"
FEEDBACK = "FEEDBACK"
MESSAGE = "MSG#"
STAGE_VERSION = "VERSION#"
BREAKER = "BREAKER#"
TASK, SINGLE, SINGLE_TURN = "TASK#", "SINGLE#", "turn_"


def turn(turn_id: str) -> Key:
    """A turn: the idempotency lock, and the parent of everything that happened in the turn."""
    return f"TURN#{turn_id}", TURN


def turn_of(pk: str) -> str:
    """Return the id of the turn that a partition belongs to."""
    return pk.removeprefix("TURN#")


def escalation(turn_id: str) -> Key:
    """A turn's escalation."""
    return f"TURN#{turn_id}", ESCALATION


def reservation(turn_id: str, reservation_id: str) -> Key:
    """Money reserved, spent or voided for one model call of a turn."""
    return f"TURN#{turn_id}", f"{RESERVATION}{reservation_id}"


def attempt(turn_id: str, epoch: int) -> Key:
    """What one run tried, and why it was not good enough."""
    return f"TURN#{turn_id}", f"{ATTEMPT}{epoch:06d}"


def effect(turn_id: str, tool: str, arguments_digest: str) -> Key:
    """A side effect, journalled before it begins."""
    return f"TURN#{turn_id}", f"{EFFECT}{tool}#{arguments_digest}"


def feedback(turn_id: str) -> Key:
    """How a customer rated a turn."""
    return f"TURN#{turn_id}", FEEDBACK


def callback(turn_id: str) -> Key:
    """The message that tells a turn's outcome to the URL it named."""
    return f"TURN#{turn_id}", CALLBACK


def document_part(turn_id: str, name: str, part: int) -> Key:
    """A part of a turn's document that is too large for the turn's own item."""
    return f"DOC#{turn_id}", f"{name}#{part:04d}"


def conversation(tenant: str, conversation_id: str) -> Key:
    """A conversation's head, which says who it belongs to."""
    return f"CONV#{tenant}#{conversation_id}", "HEAD"


def message(tenant: str, conversation_id: str, position: str) -> Key:
    """What one concluded turn added to its conversation."""
    return f"CONV#{tenant}#{conversation_id}", f"{MESSAGE}{position}"


def customer_day(tenant: str, customer: str, day: str) -> Key:
    """What a customer spent on a UTC day."""
    return f"SPEND#{tenant}#{customer}", f"DAY#{day}"


def customer_month(tenant: str, customer: str, month: str) -> Key:
    """What a customer spent in a UTC month."""
    return f"SPEND#{tenant}#{customer}", f"MONTH#{month}"


def task(tenant: str, customer: str, task_id: str) -> Key:
    """What a customer's task spent. A turn that is its own task has another prefix: there are too many to list."""
    return f"SPEND#{tenant}#{customer}", f"{SINGLE if task_id.startswith(SINGLE_TURN) else TASK}{task_id}"


def spend_of(tenant: str, customer: str) -> str:
    """Partition of a customer's spending, on each day, in each month and in each task."""
    return f"SPEND#{tenant}#{customer}"


def tenant_day(tenant: str, day: str, tenant_shard: int) -> Key:
    """One shard of what a tenant spent on a UTC day."""
    return f"SPEND#{tenant}#/{tenant_shard}", f"DAY#{day}"


def tenant_day_alert(tenant: str, day: str) -> Key:
    """The marker that the owner was alerted about a tenant's day, one for all its shards."""
    return f"SPEND#{tenant}#/alert", f"DAY#{day}"


def stack_day(day: str, stack_shard: int) -> Key:
    """One shard of what all tenants spent on a UTC day."""
    return f"SPEND#/{stack_shard}", f"DAY#{day}"


def stack_day_alert(day: str) -> Key:
    """The marker that the owner was alerted about the stack's day, one for all its shards."""
    return "SPEND#/alert", f"DAY#{day}"


def alert(of: SpendAlert) -> Key:
    """The item that says whether the owner was alerted about a limit: its counter, or the marker for all its shards."""
    match of.limit:
        case Limit.TASK:
            return task(of.tenant, of.customer, of.name)
        case Limit.CUSTOMER_DAY:
            return customer_day(of.tenant, of.customer, of.name)
        case Limit.CUSTOMER_MONTH:
            return customer_month(of.tenant, of.customer, of.name)
        case Limit.TENANT_DAY:
            return tenant_day_alert(of.tenant, of.name)
        case Limit.STACK_DAY:
            return stack_day_alert(of.name)


def rate(tenant: str, customer: str) -> Key:
    """A customer's rate limit."""
    return f"RATE#{tenant}#{customer}", "RATE"


def model_rate(name: str) -> Key:
    """The rate limit of a model, or of a provider's models together."""
    return f"RATE#{name}", "MODEL"


def tool_rate(dependency: str) -> Key:
    """The rate limit of a service of tools."""
    return f"RATE#tool:{dependency}", "TOOL"


def customer_limits(tenant: str, customer: str) -> Key:
    """Limits an owner set for one customer."""
    return f"LIMIT#{tenant}", f"CUSTOMER#{customer}"


def agent_limits(tenant: str, agent: str) -> Key:
    """Limits an owner set for one agent."""
    return f"LIMIT#{tenant}", f"AGENT#{agent}"


def stage() -> Key:
    """The stage's settings and what is stopped in it, as they are now."""
    return "STAGE", "CURRENT"


def stage_version(version: int) -> Key:
    """One version of the stage, kept for ever."""
    return "STAGE", f"{STAGE_VERSION}{version:08d}"


def breaker(dependency: str) -> Key:
    """A dependency's breaker."""
    return f"{BREAKER}{dependency}", "STATE"


def dependency_of(pk: str) -> str | None:
    """Return the dependency that a partition is about, if it is one of a breaker."""
    return pk.removeprefix(BREAKER) if pk.startswith(BREAKER) else None


def breaker_window(dependency: str, generation: int, minute: int) -> Key:
    """A dependency's calls and failures in one minute of one generation of its breaker."""
    return f"{BREAKER}{dependency}", f"WINDOW#{generation}#{minute}"


def cached_answer(tenant: str, customer: str, agent: str, version: str, request: str) -> Key:
    """The last good answer of one agent version to one request of one customer."""
    return f"CACHE#{tenant}#{customer}", f"{agent}#{version}#{request}"


def due(turn_id: str) -> str:
    """Partition of the `due` index: work to look at from `due_at` on."""
    return f"DUE#{int(hashlib.sha256(turn_id.encode()).hexdigest(), 16) % DUE_SHARDS}"


def due_partitions() -> list[str]:
    """Every partition of the `due` index."""
    return [f"DUE#{shard}" for shard in range(DUE_SHARDS)]


def escalations(tenant: str, status: str) -> str:
    """Partition of the `esc` index: a tenant's escalations of one status, oldest first."""
    return f"ESC#{tenant}#{status}"


def owner_limits(tenant: str) -> str:
    """Partition of all the limits that an owner set for a tenant's customers and agents."""
    return f"LIMIT#{tenant}"


def owned_by(tenant: str, customer: str) -> str:
    """Partition of the `customer` index: everything kept about one customer."""
    return f"CUST#{tenant}#{customer}"
