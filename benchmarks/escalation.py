"""Measures escalations on the local cloud: seconds from a failing turn to its notice, and the transitions they cost."""

import json
import time
from statistics import median
from typing import Any

from benchmarks.report import say, table
from infra.local.config import STACK_FILE
from tests.e2e.cloud import Cloud, until

REPEATS = 8
CHAIN = ("gpt-6-luna", "claude-haiku-*")
"""The models of the booking agent's first chain."""

WAYS: dict[str, list[dict[str, Any]]] = {
    "tier 1 answers": [{"model": model, "mode": "rate_limit", "times": 1} for model in CHAIN],
    "tier 2 answers": [{"model": model, "mode": "error", "times": None} for model in CHAIN],
    "a person answers: no model works": [{"model": "*", "mode": "error", "times": None}],
    "a person answers: low confidence": [{"model": "*", "mode": "low_confidence", "times": None}],
    "a person answers: re-asked, still invalid": [{"model": "*", "mode": "invalid", "times": None}],
}


def transitions(cloud: Cloud, turn_id: str) -> int:
    """Count what Step Functions bills for: the start of an execution, and every state that was entered."""
    history = cloud.aws("stepfunctions").get_execution_history(executionArn=cloud.execution(turn_id), maxResults=1000)
    return sum(e["type"] == "ExecutionStarted" or e["type"].endswith("StateEntered") for e in history["events"])


def published_at(cloud: Cloud, turn_id: str) -> float:
    """Wait for a turn's page; returns when the topic handed it to the inbox, in seconds since the epoch."""
    sqs, queue = cloud.aws("sqs"), cloud.stack["on_call_inbox_url"]

    def look() -> float | None:
        asked = {
            "QueueUrl": queue,
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": 1,
            "AttributeNames": ["SentTimestamp"],
        }
        for message in sqs.receive_message(**asked).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            if turn_id in message["Body"]:
                return int(message["Attributes"]["SentTimestamp"]) / 1_000
        return None

    return until(look, f"a page about {turn_id}")


def escalate(cloud: Cloud, faults: list[dict[str, Any]], *, person: bool) -> tuple[float, int]:
    """Let one turn fail: (seconds until its notice, or its answer; transitions)."""
    cloud.heal()
    with cloud.faults(*faults):
        began = time.time()
        turn_id = cloud.send("I need a dentist in Palo Alto.").json()["turn_id"]
        if person:
            took = published_at(cloud, turn_id) - began
            version = cloud.operator("POST", f"/v1/escalations/{turn_id}/claim", {}).json()["version"]
            cloud.operator("POST", f"/v1/escalations/{turn_id}/answer", {"version": version, "reply": "We call you."})
        else:
            cloud.ended(turn_id)
            took = time.time() - began
    states, execution = cloud.aws("stepfunctions"), cloud.execution(turn_id)
    until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING", "the execution has ended")
    return took, transitions(cloud, turn_id)


def run() -> None:
    """Print the table."""
    if not STACK_FILE.exists():
        say("\nEscalations were not measured: the local cloud is not up (`make up`).")
        return
    cloud = Cloud(json.loads(STACK_FILE.read_text()))
    rows: list[list[object]] = []
    with cloud.http:
        for name, faults in WAYS.items():
            found = [escalate(cloud, faults, person=name.startswith("a person")) for _ in range(REPEATS)]
            seconds = [f[0] for f in found]
            counts = sorted({f[1] for f in found})
            rows.append([name, f"{median(seconds):.2f}", f"{max(seconds):.2f}", "/".join(map(str, counts))])
        cloud.heal()
    table(
        f"Escalations of the booking agent on the local cloud ({REPEATS} each)",
        ["what happens", "median s", "longest s", "transitions"],
        rows,
        note="Seconds from sending the turn to its notice on the on-call topic, or to its answer, with models that "
        "fail at once: what the pathway itself takes. Transitions hold anywhere.",
    )
