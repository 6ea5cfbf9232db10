"""The tools' service: directory, appointments, orders and refunds, and how it fails."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from infra.local import sgd
from infra.local.http_service import App
from infra.local.tools_service.app import ToolsService
from infra.local.tools_service.directory import SERVICE_TYPES, Directory, taken
from tests.local.chats import send

SLOT = {
    "customer_id": "ann",
    "service_type": "dentist",
    "name": "Oakhaven Smiles",
    "date": "2026-12-04",
    "time": "10:00",
}
REFUND = {"customer_id": "ann", "order_id": "A-1001", "amount_usd": 42.50}


def book(tools: App, key: str, **changes: Any) -> tuple[int, Any]:
    return send(tools, "POST", "/appointments", {**SLOT, **changes}, key=key)


def refund(tools: App, key: str, **changes: Any) -> tuple[int, Any]:
    return send(tools, "POST", "/refunds", {**REFUND, **changes}, key=key)


def names(tools: App, **query: str) -> list[str]:
    status, found = send(tools, "GET", "/providers", **query)
    assert status == 200
    return [provider["name"] for provider in found["providers"]]


def test_providers_are_found_by_what_is_asked(tools: App) -> None:
    assert names(tools, service_type="dentist", city="oakhaven") == ["Oakhaven Smiles", "Dr. Hugo Sterling"]
    assert names(tools, service_type="dentist", city="Oakhaven", cosmetic="true") == ["Oakhaven Smiles"]
    assert names(tools, service_type="hair_stylist", city="Fernhill", unisex="true") == ["Fern & Feather"]
    assert names(tools, service_type="doctor", city="Wexley", speciality="Dermatologist") == ["Dr. Emeka Rowan"]
    assert names(tools, service_type="doctor", city="Nowhere") == []
    assert send(tools, "GET", "/providers", service_type="plumber", city="Wexley")[0] == 400


def test_at_most_ten_providers_are_returned() -> None:
    many = [{"service_type": "dentist", "name": f"D{n}", "city": "X"} for n in range(12)]

    assert len(Directory(many).search({"service_type": "dentist", "city": "X"})) == 10


def test_a_repeated_key_repeats_the_answer_and_no_other_body(tools: App) -> None:
    created, first = book(tools, "k1")
    repeated, again = book(tools, "k1")
    other, _ = book(tools, "k1", time="11:00")

    assert (created, repeated, other) == (201, 200, 422)
    assert first == again
    assert first["phone"].startswith("212-555-")
    assert send(tools, "GET", "/appointments", customer_id="ann")[1] == [first]
    assert send(tools, "GET", "/appointments", customer_id="bob")[1] == []


def test_of_twenty_at_once_one_gets_the_slot(tools: App) -> None:
    with ThreadPoolExecutor(20) as threads:
        other_keys = list(threads.map(lambda n: book(tools, f"k{n}", customer_id=f"c{n}")[0], range(20)))
        same_key = list(threads.map(lambda _: book(tools, "same", time="12:00")[0], range(20)))

    assert sorted(other_keys) == [201, *[409] * 19]
    assert sorted(same_key) == [*[200] * 19, 201]
    assert len(send(tools, "GET", "/appointments")[1]) == 2


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"name": "Nobody"}, 404), ({"service_type": "doctor"}, 404), ({"date": "soon"}, 400), ({"customer_id": ""}, 400)],
)
def test_what_cannot_be_booked_is_refused(changes: dict[str, Any], status: int, tools: App) -> None:
    assert book(tools, "k", **changes)[0] == status
    assert book(tools, "k")[0] == 201


def test_a_booking_needs_a_key_and_an_object(tools: App) -> None:
    assert send(tools, "POST", "/appointments", SLOT)[0] == 400
    assert send(tools, "POST", "/appointments", [1], key="k")[0] == 400


def test_an_order_is_shown_to_its_customer_only(tools: App) -> None:
    status, order = send(tools, "GET", "/orders/A-1001", customer_id="ann")

    assert (status, order["total_usd"], order["refunded"]) == (200, 42.5, False)
    assert order["items"]
    assert send(tools, "GET", "/orders/B-2001", customer_id="ann")[0] == 404
    assert send(tools, "GET", "/orders/A-9", customer_id="ann")[0] == 404


def test_a_refund_is_made_once(tools: App) -> None:
    created, made = refund(tools, "k1")
    repeated, again = refund(tools, "k1")

    assert (created, repeated, made) == (201, 200, again)
    assert made["refund_id"]
    assert refund(tools, "k2")[0] == 409
    assert send(tools, "GET", "/refunds")[1] == [made]
    assert send(tools, "GET", "/orders/A-1001", customer_id="ann")[1]["refunded"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"order_id": "A-9"}, 404),
        ({"order_id": "B-2001"}, 404),
        ({"amount_usd": "42.51"}, 422),
        ({"amount_usd": 0}, 422),
        ({"amount_usd": "NaN"}, 400),
        ({"amount_usd": None}, 400),
    ],
)
def test_what_cannot_be_refunded_is_refused(changes: dict[str, Any], status: int, tools: App) -> None:
    assert refund(tools, "k", **changes)[0] == status
    assert send(tools, "GET", "/refunds")[1] == []


def test_everything_made_can_be_forgotten(tools: App) -> None:
    book(tools, "k1")
    refund(tools, "k2")

    assert send(tools, "DELETE", "/_state")[0] == 200

    assert book(tools, "k3")[0] == 201
    assert send(tools, "GET", "/refunds")[1] == []


def test_an_error_does_nothing_and_a_lost_answer_loses_only_the_answer(
    tools: App, tools_url: str, http: httpx.Client
) -> None:
    def post(*faults: str) -> httpx.Response:
        http.put(f"{tools_url}/_faults", json=[{"model": "/app*", "mode": mode, "times": 1} for mode in faults])
        return http.post(f"{tools_url}/appointments", json=SLOT, headers={"Idempotency-Key": "k"})

    def made() -> int:
        return len(send(tools, "GET", "/appointments")[1])

    assert post("unavailable").status_code == 503
    assert made() == 0
    with pytest.raises(httpx.TransportError):
        post("reset")
    assert made() == 1
    assert post().status_code == 200
    posts = [call["mode"] for call in http.get(f"{tools_url}/_calls").json() if call["method"] == "POST"]
    assert posts == ["unavailable", "reset", "ok"]


def test_model_only_modes_are_refused(tools: App) -> None:
    assert send(tools, "PUT", "/_faults", [{"model": "*", "mode": "low_confidence"}])[0] == 400


def test_the_service_says_what_it_does_not_know(tools: App) -> None:
    assert send(tools, "GET", "/elsewhere")[0] == 404
    assert send(tools, "GET", "/_elsewhere")[0] == 404


def test_providers_of_the_data_set_are_known_beside_its_own(dialogues: list[sgd.Dialogue]) -> None:
    service = ToolsService(dialogues)

    for dialogue in dialogues:
        if dialogue.booking:
            assert Directory.load([dialogue]).find(dialogue.service_type, sgd.name_in(dialogue.booking))
    assert names(service, service_type="dentist", city="Gilroy")
    assert names(service, service_type="dentist", city="Oakhaven")


def test_slots_that_the_data_set_refused_are_taken(dialogues: list[sgd.Dialogue]) -> None:
    service, refused = ToolsService(dialogues), min(taken(dialogues))
    known = {d.service_type: d for d in dialogues}
    tries = [
        book(service, kind, service_type=kind, name=refused[0], date=refused[1], time=refused[2]) for kind in known
    ]

    assert known.keys() == SERVICE_TYPES
    assert sorted(status for status, _ in tries) == [404, 404, 409], json.dumps(tries)
