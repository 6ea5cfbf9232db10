"""How a turn looks to a client, whatever its state."""

import json
from collections.abc import Mapping
from typing import Any

from turnkeeper.domain.money import format_usd
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Status, Turn


def turn_view(
    turn: Turn,
    *,
    status: Status,
    cost_micro_usd: int,
    latency_ms: int,
    tier: Tier | None = None,
    reply: str | None = None,
    output: Mapping[str, Any] | None = None,
    confidence: float | None = None,
    model: str | None = None,
    degraded: bool = False,
    usage: Mapping[str, int] | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Return the turn as the API shows it; `reason` says why it left the fast path, or how it failed."""
    return {
        "turn_id": turn.turn_id,
        "status": status.value,
        "reply": reply,
        "output": output,
        "confidence": confidence,
        "tier": tier.value if tier else None,
        "model": model,
        "degraded": degraded,
        "cost_usd": format_usd(cost_micro_usd),
        "usage": usage or {"input_tokens": 0, "output_tokens": 0},
        "latency_ms": latency_ms,
        "reason": reason,
        "agent": turn.agent,
        "conversation_id": turn.conversation,
        "task_id": turn.task,
        "customer_id": turn.customer,
    }


def json_text(data: Any) -> str:
    """Write JSON as every answer and document is written."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
