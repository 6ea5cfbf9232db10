"""What can go wrong while a person is waited for, and before: the turn ends all the same, and its customer is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from infra.local.config import PROCESSES
from tests.e2e.cloud import Cloud, code, new_customer, until

pytestmark = pytest.mark.cloud

EVERYTHING = {"model": "*", "mode": "error", "times": None}
NOBODY_PUBLISHES = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "sns:Publish", "Resource": "*"}],
}


def waits(cloud: Cloud, message: str = "Help!") -> str:
    """Send a turn that no model can answer, and return its id once somebody was paged about it."""
    with cloud.faults(EVERYTHING):
        turn_id = str(cloud.send(message).json()["turn_id"])
        cloud.pages(turn_id)
    return turn_id


def test_a_turn_that_nobody_answers_expires_and_its_customer_is_told(cloud: Cloud) -> None:
    turn_id = waits(cloud)
    cloud.move(turn_id, "TURN", answer_by=0)
    cloud.move(turn_id, "ESC", answer_by=0, due_at=0)
    turn = cloud.ended(turn_id)
    until(lambda: cloud.execution_status(turn_id) == "FAILED", "the execution has ended as expired")
    states = cloud.aws("stepfunctions")

    assert ("expired", None) == (turn["status"], turn["output"])
    assert "nobody could answer" in turn["reply"]
    assert "Turnkeeper.Expired" == states.describe_execution(executionArn=cloud.execution(turn_id))["error"]
    assert "expired" == cloud.operator("GET", f"/v1/escalations/{turn_id}").json()["status"]
    assert 409 == cloud.operator("POST", f"/v1/escalations/{turn_id}/claim", {}).status_code


def test_an_answer_that_comes_too_late_is_refused_and_kept(cloud: Cloud) -> None:
    turn_id = waits(cloud)
    path = f"/v1/escalations/{turn_id}"
    version = cloud.operator("POST", f"{path}/claim", {}).json()["version"]
    cloud.move(turn_id, "TURN", answer_by=0)
    cloud.move(turn_id, "ESC", answer_by=0)
    late = cloud.operator("POST", f"{path}/answer", {"version": version, "reply": "Come in at nine."})
    kept = cloud.operator("GET", path).json()

    assert (410, "answer-too-late") == (late.status_code, code(late))
    assert ("Come in at nine.", "expired") == (kept["draft"]["reply"], kept["status"])
    assert "expired" == cloud.ended(turn_id)["status"]


def test_models_that_recover_answer_the_next_turns_and_a_person_the_one_that_waits(cloud: Cloud) -> None:
    """The faults are over and nothing is restarted: the breakers' probes are sent by the turns that come."""
    customer = new_customer()
    with cloud.faults(EVERYTHING):
        first = cloud.send("I need a dentist in Wexley.", customer_id=customer).json()
        cloud.waiting(first["turn_id"])
    following = {"customer_id": customer, "conversation_id": first["conversation_id"]}

    def answered() -> str | None:
        sent = cloud.send("I need a dentist in Wexley.", **following)
        return str(sent.json()["reply"]) if sent.status_code == 200 else None

    said = until(answered, "a model answers again")
    version = cloud.operator("POST", f"/v1/escalations/{first['turn_id']}/claim", {}).json()["version"]
    answer = {"version": version, "reply": "I see to it."}
    cloud.operator("POST", f"/v1/escalations/{first['turn_id']}/answer", answer)
    turn = cloud.get(f"/v1/turns/{first['turn_id']}").json()

    assert "Wexley" in said
    assert ("completed", "human", "I see to it.") == (turn["status"], turn["tier"], turn["reply"])


def test_a_page_that_cannot_be_published_is_published_once_it_can(cloud: Cloud) -> None:
    """The functions lose their permission to publish; the turn waits, the console shows it, and the page comes late."""
    with publishing_denied(cloud), cloud.faults(EVERYTHING):
        turn_id = cloud.send("Help!").json()["turn_id"]
        cloud.waiting(turn_id)
        until(lambda: int(cloud.item(turn_id, "ESC")["pages"]["N"]) > 0, "a page was tried")
        tried = cloud.item(turn_id, "ESC")
        unread = cloud.pages_now(turn_id)
        shown = cloud.operator("GET", f"/v1/escalations/{turn_id}").json()
    cloud.move(turn_id, "ESC", due_at=0)  # instead of waiting until it is repeated
    page = cloud.pages(turn_id)[0]
    version = cloud.operator("POST", f"/v1/escalations/{turn_id}/claim", {}).json()["version"]
    cloud.operator("POST", f"/v1/escalations/{turn_id}/answer", {"version": version, "reply": "Here I am."})

    assert ([], 0) == (unread, int(tried.get("paged", {"N": 0})["N"]))
    assert ("open", "Help!") == (shown["status"], shown["message"])
    assert page["dedup_key"].startswith(f"{turn_id}#")
    assert ("completed", "human") == (cloud.ended(turn_id)["status"], cloud.ended(turn_id)["tier"])


def test_a_function_that_is_killed_in_the_middle_of_a_tier_is_followed_by_the_next(cloud: Cloud) -> None:
    """Its process dies while a model hangs; the task is tried again, and a person ends the turn."""
    cloud.forget_calls()
    with cloud.faults({"model": "*", "mode": "hang", "times": None}):
        turn_id = cloud.send("Help!", headers={"Prefer": "respond-async"}).json()["turn_id"]
        until(cloud.calls, "a model hangs")
        killed = kill_workers("FirstAttempt")
    with cloud.faults(EVERYTHING):
        cloud.move(turn_id, "TURN", lease_until=0)  # the holder is dead: nobody is to wait for what it had left
        cloud.pages(turn_id)
        escalation = cloud.waiting(turn_id)
    version = cloud.operator("POST", f"/v1/escalations/{turn_id}/claim", {}).json()["version"]
    cloud.operator("POST", f"/v1/escalations/{turn_id}/answer", {"version": version, "reply": "Here I am."})

    assert killed
    assert {"corrected_retry", "alternative_path"} <= {a["tier"] for a in escalation["attempts"]}
    assert ("completed", "human") == (cloud.ended(turn_id)["status"], cloud.ended(turn_id)["tier"])


@contextmanager
def publishing_denied(cloud: Cloud) -> Iterator[None]:
    """Take the permission to publish from every function, and give it back."""
    functions, iam = cloud.aws("lambda").list_functions(MaxItems=50)["Functions"], cloud.aws("iam")
    roles = {f["Role"].rpartition("/")[2] for f in functions}
    for role in roles:
        iam.put_role_policy(RoleName=role, PolicyName="silent", PolicyDocument=json.dumps(NOBODY_PUBLISHES))
    try:
        yield
    finally:
        for role in roles:
            iam.delete_role_policy(RoleName=role, PolicyName="silent")


def kill_workers(function: str) -> list[int]:
    """Kill the emulator's processes that run a function, and return their ids."""
    emulator = psutil.Process(int((PROCESSES / "cloud").read_text().split()[0]))
    found = [p for p in emulator.children(recursive=True) if f"-{function}Function-" in " ".join(p.cmdline())]
    for process in found:
        process.kill()
    return [process.pid for process in found]
