"""The tools' service as one function of requests."""

from pathlib import Path
from typing import Any

from infra.local import sgd
from infra.local.faults import BODIES, DELIVERIES, RETRY_AFTER_S, STATUSES, Calls, Faults, control, delivered
from infra.local.http_service import App, Request, Response
from infra.local.tools_service.appointments import Appointments
from infra.local.tools_service.directory import SERVICE_TYPES, Directory, taken
from infra.local.tools_service.shop import Shop

MODES = frozenset({*STATUSES, *DELIVERIES, *BODIES})


def app(data: Path | None = None) -> App:
    """Make the service; `data` is the annotated data set, where it is not at its usual place."""
    return ToolsService(sgd.load(data))


class ToolsService:
    """Answers requests; the paths beginning with `/_` control it."""

    def __init__(self, dialogues: list[sgd.Dialogue]) -> None:
        self._directory, self._taken = Directory.load(dialogues), taken(dialogues)
        self._faults, self._calls = Faults(MODES), Calls()
        self._forget()

    def __call__(self, request: Request) -> Response:
        """Answer one request; a fault that loses the answer loses it after the work is done."""
        if request.path.startswith("/_"):
            return self._control(request)
        rule = self._faults.take(request.path)
        self._calls.add(request.path, rule.mode if rule else "ok", method=request.method)
        if rule and rule.mode in STATUSES:
            headers = {"Retry-After": str(RETRY_AFTER_S)} if rule.mode == "rate_limit" else {}
            return Response.of_json(STATUSES[rule.mode], {"error": rule.mode}, headers)
        return delivered(Response.of_json(*self._answer(request)), rule)

    def _control(self, request: Request) -> Response:
        if (request.method, request.path) == ("DELETE", "/_state"):
            self._forget()
            return Response.of_json(200, {})
        return control(request, self._faults, self._calls) or Response.of_json(*_unknown(request))

    def _forget(self) -> None:
        self._appointments, self._shop = Appointments(self._directory, self._taken), Shop()

    def _answer(self, request: Request) -> tuple[int, Any]:
        customer_id = request.query.get("customer_id")
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["providers"]:
                return self._providers(request)
            case "GET", ["appointments"]:
                return 200, self._appointments.of(customer_id)
            case "GET", ["orders", order_id]:
                return self._shop.order(order_id, customer_id or "")
            case "GET", ["refunds"]:
                return 200, self._shop.refunds()
            case "POST", ["appointments" | "refunds"]:
                return self._create(request)
        return _unknown(request)

    def _providers(self, request: Request) -> tuple[int, Any]:
        if request.query.get("service_type") not in SERVICE_TYPES or not request.query.get("city"):
            return 400, {"error": f"service_type is one of {', '.join(sorted(SERVICE_TYPES))}, and city is needed"}
        return 200, {"providers": self._directory.search(request.query)}

    def _create(self, request: Request) -> tuple[int, Any]:
        try:
            body = request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return 400, {"error": "send a JSON object"}
        create = self._appointments.book if request.path == "/appointments" else self._shop.refund
        return create(request.headers.get("idempotency-key", ""), body)


def _unknown(request: Request) -> tuple[int, Any]:
    return 404, {"error": f"there is no {request.method} {request.path}"}
