"""What `make run` shows: a conversation, an outage survived, and a turn that a person answers."""

import datetime as dt
import json
import secrets
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import httpx

from infra.local.config import LocalCloudError
from infra.local.terminal import paint, say

_WIDTH = 96
_PATIENCE_S = 60.0

_ANSWER = "This is Sam from the desk. I have called them for you: you can come on Monday at 9:30."


def run(stack: dict[str, Any]) -> None:
    """Show the main job on a local cloud that is up."""
    show = Show(stack)
    began = time.monotonic()
    try:
        show.conversation()
        show.outage()
        show.person()
    except httpx.HTTPError as error:
        raise LocalCloudError(f"the local cloud did not answer ({error}): see .local/log") from error
    took = time.monotonic() - began
    say(f"\n{paint('That was the main job', 'bold')}, shown in {took:.0f} s. The local cloud stays up.\n")
    _go_on(stack)


class Show:
    """The three scenes, for one customer."""

    def __init__(self, stack: dict[str, Any]) -> None:
        self._stack = stack
        self._http = httpx.Client(timeout=40)
        self._sqs = boto3.client(
            "sqs",
            endpoint_url=stack["aws_endpoint_url"],
            region_name=stack["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
        )
        self._conversation: str | None = None
        # A customer of this run only, so that every run begins with a fresh daily limit.
        self._customer = f"demo-{uuid.uuid4().hex[:8]}"

    def conversation(self) -> None:
        """An appointment is booked over three turns."""
        _title("1", "A conversation: the agent finds a dentist, and books once the customer agrees")
        self._ask("I need a dentist in Wexley.")
        self._ask("That sounds good.")
        turn = self._ask(f"On {_free_slot()}, please.")
        say(_indent(paint("The last turn, as the API answered it:", "dim")))
        say(_indent(json.dumps(turn, indent=2)))

    def outage(self) -> None:
        """The first provider answers 503: the next model answers, and the breaker opens."""
        _title("2", "An outage: every OpenAI model answers 503")
        with self._faults([{"model": "gpt-*", "mode": "unavailable", "times": None}]):
            self._conversation = None
            self._ask("I am looking for a hair stylist in Port Ellery.")
            # A breaker opens when half of the calls of two minutes failed, and this provider has just answered some.
            _until("the breaker opens", lambda: self._turn("What is their phone number?") and self._open_breaker())
            name = paint("breaker", "bold")
            say(_indent(f"{name}   {self._open_breaker()} is open: it is left alone until it has rested.\n"))
            self._ask("And where is it?")

    def person(self) -> None:
        """No model answers; somebody on call is paged, claims, and answers."""
        _title("3", "Nobody but a person can help: every model of every provider answers 500")
        with self._faults([{"model": "*", "mode": "error", "times": None}]):
            self._conversation = None
            turn = self._ask("My tooth hurts and I am travelling on Friday. Can you help me?")
            page = _until("the page arrives", lambda: self._page(turn["turn_id"]))
        say(_indent(f"{paint('page', 'bold')}  {page['subject']}"))
        say(_indent(f"      tried {len(page['tried'])} calls, cost so far ${page['cost_usd']}, {page['link']}"))
        claim = self._operator("POST", f"/v1/escalations/{turn['turn_id']}/claim", {})
        say(_indent(f"{paint('claim', 'bold')} version {claim['version']}, until {claim['claim_until']}"))
        answer = {"version": claim["version"], "reply": _ANSWER}
        self._operator("POST", f"/v1/escalations/{turn['turn_id']}/answer", answer)
        say(_indent(f"{paint('GET', 'bold')}   /v1/turns/{turn['turn_id']}"))
        self._show(200, self._get(f"/v1/turns/{turn['turn_id']}"))

    # --- what the scenes do -------------------------------------------------------------------------------------------

    def _ask(self, message: str) -> dict[str, Any]:
        say(_indent(f"{paint('customer', 'cyan')}  {message}"))
        status, turn = self._turn(message)
        self._show(status, turn)
        return turn

    def _turn(self, message: str) -> tuple[int, dict[str, Any]]:
        body = {"message": message, "customer_id": self._customer}
        if self._conversation:
            body["conversation_id"] = self._conversation
        headers = {**self._bearer("service"), "Idempotency-Key": uuid.uuid4().hex}
        answer = self._http.post(f"{self._stack['api_url']}/v1/agents/booking/turns", json=body, headers=headers)
        turn: dict[str, Any] = answer.json()
        if answer.status_code not in (200, 202):
            raise LocalCloudError(f"the turn was refused: {answer.status_code} {answer.text}")
        self._conversation = turn["conversation_id"]
        return answer.status_code, turn

    def _show(self, status: int, turn: dict[str, Any]) -> None:
        said = turn["reply"] or f"({turn['status']}: {turn['reason']}; the outcome will be at Location)"
        first, *rest = textwrap.wrap(said, _WIDTH - 14)
        who = "person" if turn["tier"] == "human" else "agent"
        say(_indent(f"{paint(f'{who:<8}', 'green')}  {first}"))
        for line in rest:
            say(_indent(f"          {line}"))
        tier, model = turn["tier"] or "-", turn["model"] or "-"
        facts = f"{status}  tier {tier:<13}  model {model:<28}  cost ${turn['cost_usd']}  {turn['latency_ms']:>6} ms"
        say(_indent(f"          {paint(facts, 'dim')}\n"))

    def _open_breaker(self) -> str | None:
        breakers = self._operator("GET", "/v1/health")["breakers"]
        return next((b["dependency"] for b in breakers if b["state"] == "open"), None)

    def _page(self, turn_id: str) -> dict[str, Any] | None:
        sqs, queue = self._sqs, self._stack["on_call_inbox_url"]
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        ):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            envelope = json.loads(message["Body"])
            if turn_id in envelope["Message"]:
                return {"subject": envelope["Subject"], **json.loads(envelope["Message"])}
        return None

    def _operator(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = self._stack["api_url"] + path
        answer = self._http.request(method, url, json=body, headers=self._bearer("operator"))
        answer.raise_for_status()
        data: dict[str, Any] = answer.json()
        return data

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._http.get(self._stack["api_url"] + path, headers=self._bearer("service"))
        answer.raise_for_status()
        data: dict[str, Any] = answer.json()
        return data

    def _bearer(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._stack['tokens'][who]}"}

    @contextmanager
    def _faults(self, rules: list[dict[str, Any]]) -> Iterator[None]:
        url = f"{self._stack['model_provider_url']}/_faults"
        self._http.put(url, json=rules).raise_for_status()
        try:
            yield
        finally:
            self._http.delete(url).raise_for_status()


def _free_slot() -> str:
    """Pick a time in the next weeks that no other run is likely to have booked."""
    day = dt.datetime.now(dt.UTC) + dt.timedelta(days=3 + secrets.randbelow(25))
    hour = 9 + secrets.randbelow(10)
    return f"{day:%B} {day.day} at {hour}:{secrets.choice(('00', '30'))}"


def _until(what: str, look: Callable[[], Any]) -> Any:
    end = time.monotonic() + _PATIENCE_S
    while not (found := look()):
        if time.monotonic() > end:
            raise LocalCloudError(f"waited {_PATIENCE_S:.0f} s, and still not: {what}; see .local/log")
        time.sleep(0.2)
    return found


def _title(number: str, text: str) -> None:
    say(f"\n{paint(number, 'bold', 'blue')}  {paint(text, 'bold')}\n")


def _indent(text: str) -> str:
    return textwrap.indent(text, "   ")


def _go_on(stack: dict[str, Any]) -> None:
    rows = {
        "API": f"{stack['api_url']}/v1",
        "Contract": f"{stack['api_url']}/v1/openapi.json",
        "Console": f"{stack['console_url']}   (operator / {stack['console_password']})",
        "Faults": f"{stack['model_provider_url']}/_faults   (PUT, DELETE), {stack['model_provider_url']}/_calls",
        "AWS": f"{stack['aws_endpoint_url']}   (AWS_ENDPOINT_URL, any key)",
        "Tokens": ".local/stack.json   (customer, service, operator, ...; good for 24 h)",
    }
    say(paint("Go on", "bold"))
    for name, value in rows.items():
        say(f"   {name:<9} {value}")
    token = '$(python3 -c \'import json; print(json.load(open(".local/stack.json"))["tokens"]["{}"])\')'  # noqa: S105
    say(f"\n   API={stack['api_url']}")
    say(f'   curl -s $API/v1/agents/booking/turns -H "Authorization: Bearer {token.replace("{}", "customer")}" \\')
    say("     -H 'Idempotency-Key: my-first-turn' -d '{\"message\": \"I need a haircut in San Jose.\"}'")
    say(f'   curl -s $API/v1/escalations -H "Authorization: Bearer {token.replace("{}", "operator")}"')
    say(f"\n   {paint('make down', 'bold')} stops everything.")
