"""The local cloud as its users see it: HTTP, pages, faults; and its table and executions, to look behind."""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
import httpx

T = TypeVar("T")
PATIENCE_S = 60.0


@dataclass
class Cloud:
    """A local cloud that is up, by its stack.json."""

    stack: Mapping[str, Any]
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=40))
    _clients: dict[str, Any] = field(default_factory=dict)

    # --- the API ------------------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        who: str | None = "customer",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        content: str | None = None,
    ) -> httpx.Response:
        """Send one request as somebody, or as nobody."""
        sent = {"Authorization": f"Bearer {self.stack['tokens'][who]}"} if who else {}
        if content is not None:
            body, sent["Content-Type"] = None, "application/json"
        return self.http.request(
            method, self.stack["api_url"] + path, json=body, content=content, headers={**sent, **(headers or {})}
        )

    def send(
        self,
        message: str,
        *,
        agent: str = "booking",
        who: str = "service",
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> httpx.Response:
        """POST a turn; a service names a customer of its own unless told otherwise."""
        if who == "service":
            body.setdefault("customer_id", new_customer())
        sent = {"Idempotency-Key": key or uuid.uuid4().hex, **(headers or {})}
        return self.request(
            "POST", f"/v1/agents/{agent}/turns", who=who, body={"message": message, **body}, headers=sent
        )

    def get(self, path: str, who: str = "service") -> httpx.Response:
        """GET something."""
        return self.request("GET", path, who=who)

    def operator(self, method: str, path: str, body: Any = None, who: str = "operator") -> httpx.Response:
        """Do something as an operator."""
        return self.request(method, path, who=who, body=body)

    def ended(self, turn_id: str) -> dict[str, Any]:
        """Wait until a turn has ended."""

        def look() -> dict[str, Any] | None:
            turn: dict[str, Any] = self.get(f"/v1/turns/{turn_id}").json()
            return turn if turn["status"] in ("completed", "expired", "failed") else None

        return until(look, f"{turn_id} has ended")

    def waiting(self, turn_id: str) -> dict[str, Any]:
        """Wait until a turn waits for a person, and return its escalation."""

        def look() -> dict[str, Any] | None:
            found = self.operator("GET", f"/v1/escalations/{turn_id}")
            return found.json() if found.status_code == 200 else None

        return until(look, f"{turn_id} waits for a person")

    # --- faults and calls ---------------------------------------------------------------------------------------------

    @contextmanager
    def faults(self, *rules: Mapping[str, Any]) -> Iterator[None]:
        """Inject faults into the models, and take them out again."""
        url = f"{self.stack['model_provider_url']}/_faults"
        self.http.put(url, json=list(rules)).raise_for_status()
        try:
            yield
        finally:
            self.http.delete(url).raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        """Return every call that the model provider received since it was asked to forget them."""
        calls: list[dict[str, Any]] = self.http.get(f"{self.stack['model_provider_url']}/_calls").json()
        return calls

    def forget_calls(self) -> None:
        """Empty the provider's list of calls."""
        self.http.delete(f"{self.stack['model_provider_url']}/_calls").raise_for_status()

    def breakers(self) -> dict[str, str]:
        """Return the state of every breaker, by dependency."""
        health = self.operator("GET", "/v1/health").json()
        return {b["dependency"]: b["state"] for b in health["breakers"]}

    def rest(self, dependency: str, seconds: float) -> None:
        """Let an open breaker rest for so long from now on, instead of for what is left."""
        self._move({"pk": {"S": f"BREAKER#{dependency}"}, "sk": {"S": "STATE"}}, {"open_until": seconds})

    def heal(self) -> None:
        """Take every fault out, and forget what the breakers know and what was paged."""
        self.aws("sqs").purge_queue(QueueUrl=self.stack["on_call_inbox_url"])
        self.http.delete(f"{self.stack['model_provider_url']}/_faults")
        self.http.delete(f"{self.stack['tools_url']}/_faults")
        table = self.aws("dynamodb")
        name = self.stack["table_name"]
        for dependency in self.breakers():
            for item in table.query(
                TableName=name,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"BREAKER#{dependency}"}},
            )["Items"]:
                table.delete_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})

    # --- behind the API -----------------------------------------------------------------------------------------------

    def aws(self, service: str) -> Any:
        """Return a boto3 client of the local cloud; making one takes longer than most calls of it."""
        if service not in self._clients:
            self._clients[service] = boto3.client(  # type: ignore[call-overload]
                service,
                endpoint_url=self.stack["aws_endpoint_url"],
                region_name=self.stack["region"],
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._clients[service]

    def pages(self, turn_id: str) -> list[dict[str, Any]]:
        """Wait for pages about a turn; returns those that are there."""
        return until(lambda: self.pages_now(turn_id, wait_s=1), f"a page about {turn_id}")

    def pages_now(self, turn_id: str, *, wait_s: int = 0) -> list[dict[str, Any]]:
        """Empty the inbox, and return the pages in it that are about a turn."""
        sqs, queue = self.aws("sqs"), self.stack["on_call_inbox_url"]
        asked = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait_s}
        found = []
        while messages := sqs.receive_message(**asked).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                envelope = json.loads(message["Body"])
                if turn_id in envelope["Message"] and envelope["Message"].startswith("{"):
                    found.append({"subject": envelope["Subject"], **json.loads(envelope["Message"])})
            asked["WaitTimeSeconds"] = 0
        return found

    def execution(self, turn_id: str, n: int = 1) -> str:
        """Return the ARN of a turn's execution."""
        arn: str = self.stack["state_machine_arn"]
        return f"{arn.replace(':stateMachine:', ':execution:')}:{turn_id}-{n}"

    def execution_status(self, turn_id: str, n: int = 1) -> str:
        """Return the status of a turn's execution."""
        states = self.aws("stepfunctions")
        return str(states.describe_execution(executionArn=self.execution(turn_id, n))["status"])

    def item(self, turn_id: str, sk: str = "TURN") -> dict[str, Any]:
        """Read one of a turn's items, as DynamoDB writes it."""
        key = {"pk": {"S": f"TURN#{turn_id}"}, "sk": {"S": sk}}
        found: dict[str, Any] = self.aws("dynamodb").get_item(TableName=self.stack["table_name"], Key=key)["Item"]
        return found

    def move(self, turn_id: str, sk: str, **moments: float) -> None:
        """Move moments of one of a turn's items to so many seconds from now, instead of waiting for them."""
        self._move({"pk": {"S": f"TURN#{turn_id}"}, "sk": {"S": sk}}, moments)

    def _move(self, key: Mapping[str, Any], moments: Mapping[str, float]) -> None:
        self.aws("dynamodb").update_item(
            TableName=self.stack["table_name"],
            Key=key,
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in moments),
            ExpressionAttributeNames={f"#{name}": name for name in moments},
            ExpressionAttributeValues={f":{name}": {"N": f"{time.time() + s:.6f}"} for name, s in moments.items()},
        )


def until(look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_S) -> T:
    """Look until there is something to see."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s, and still not: {what}"
        time.sleep(0.1)
    return found


def new_customer() -> str:
    """Return a customer that nobody had before."""
    return f"customer-{uuid.uuid4().hex[:12]}"


def code(response: httpx.Response) -> str:
    """Return the code of a problem, which must look like one."""
    assert response.headers["content-type"].startswith("application/problem+json"), response.text
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["detail"]
    return str(problem["type"]).removeprefix("urn:turnkeeper:error:")
