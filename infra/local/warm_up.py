"""Calls every function once, so that nobody waits for its code to load, and says which functions cannot answer."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.config import LocalCloudError

ROUTES = {
    "Turns": ("/v1/turns/none", "service"),
    "Operators": ("/v1/health", "operator"),
    "Contract": ("/v1/openapi.json", ""),
    "Console": ("/console", ""),
}
"""For each function of the API a path to GET, and whose token to send."""

_TASK = {"turn_id": "none", "n": 1, "task_token": "none"}
_RECORD = {"messageId": "none", "eventSource": "aws:sqs", "body": '{"turn_id": "none"}'}
EVENTS: dict[str, Any] = {
    **dict.fromkeys(
        ("Route", "FirstAttempt", "RetryWithCorrection", "AlternativePath", "HandOffToHuman", "Conclude"), _TASK
    ),
    "Reconcile": {},
    "DeliverCallbacks": {"Records": [_RECORD]},
}
"""For each other function an event that changes nothing: there is no such turn."""

REFUSALS = {"Conclude": "none-1"}
"""What a function raises for its event, where that is its answer: a turn that does not exist has not ended."""

_SECONDS = 60


def warm_up(stack: Mapping[str, Any]) -> None:
    """Call every function once. Raises LocalCloudError, with a line for each function that cannot answer."""
    client = boto3.client("lambda", config=Config(read_timeout=_SECONDS))
    found = [f["FunctionName"] for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]]

    def call(function: str) -> str:
        (name,) = [name for name in found if f"-{function}Function-" in name]
        if function in EVENTS:
            try:
                answer = client.invoke(FunctionName=f"{name}:live", Payload=json.dumps(EVENTS[function]))
            except (BotoCoreError, ClientError) as error:
                return str(error)
            return fault_of_invocation(function, answer.get("FunctionError", ""), answer["Payload"].read().decode())
        path, role = ROUTES[function]
        fault = fault_of_answer(*_get(stack["api_url"] + path, stack["tokens"][role] if role else ""))
        return fault and (fault_in_log(_log(client, name)) or fault)

    with ThreadPoolExecutor(2) as pool:
        names = [*ROUTES, *EVENTS]
        told = zip(names, pool.map(call, names), strict=True)
    faults = [f"{name}Function cannot answer: {fault}" for name, fault in told if fault]
    if faults:
        raise LocalCloudError("\n".join(faults))


def fault_of_invocation(function: str, error: str, payload: str) -> str:
    """Return why an invocation failed, in one line; empty where it did not. `error` is its `FunctionError`."""
    if not error:
        return ""
    told = _fault_in(payload) or error
    return "" if function in REFUSALS and told.endswith(REFUSALS[function]) else told


def fault_of_answer(status: int, body: str) -> str:
    """Return why an answer of the API is no answer, in one line; empty where it is one. The status 0 is none at all."""
    if 0 < status < 500:  # noqa: PLR2004 - what is refused is answered
        return ""
    return " ".join(filter(None, [str(status) if status else "", _fault_in(body) or body]))


def fault_in_log(lines: Iterable[str]) -> str:
    """Return the last error that a function's log tells of, in one line; empty where it tells of none."""
    errors = [one for line in lines for one in [_read(line)] if one.get("level") == "ERROR"]
    if not errors:
        return ""
    last = errors[-1]
    return str(last.get("exception") or last.get("message", "")).strip().rpartition("\n")[2]


def _fault_in(payload: str) -> str:
    """Read what the runtime, the gateway or our API wrote about a fault."""
    told = _read(payload)
    if "message" in told:  # the gateway's, around what the runtime wrote
        return _fault_in(str(told["message"])) or str(told["message"])
    kind, text = told.get("errorType") or told.get("title"), told.get("errorMessage") or told.get("detail")
    return ": ".join(" ".join(str(part).split()) for part in (kind, text) if part)


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _get(url: str, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_SECONDS) as answer:  # noqa: S310
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


def _log(client: Any, name: str) -> list[str]:
    try:
        group = client.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
        events = boto3.client("logs").filter_log_events(logGroupName=group)["events"]
    except (BotoCoreError, ClientError, KeyError):
        return []  # then what the API answered must do
    return [line for event in events for line in event["message"].splitlines()]
