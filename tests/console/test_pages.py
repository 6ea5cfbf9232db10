import json
import re
from pathlib import Path
from typing import Any

import pytest
from turnkeeper.api.console import FILES, console

from functions.console.app import handler as deployed

ENV = {"CONSOLE_CLIENT_ID": "client", "COGNITO_ENDPOINT": "https://cognito-idp.eu-central-1.amazonaws.com"}
FOLDER = Path(__file__).parents[2] / "layers/core/turnkeeper/console"
NAMES = sorted(FILES)


def get(path: str, headers: dict[str, str] | None = None) -> Any:
    event = {"path": path, "httpMethod": "GET", "headers": headers, "pathParameters": None}
    return console(ENV)(event, None)


def test_console_is_the_page() -> None:
    answer = get("/console")
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["body"].startswith("<!doctype html>")


def test_the_deployed_function_serves_the_page_without_any_setting() -> None:
    assert deployed({"path": "/console"}, None)["statusCode"] == 200


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_the_table_is_served_with_its_type(name: str) -> None:
    answer = get(f"/console/{name}")
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == f"{FILES[name]}; charset=utf-8"
    assert answer["headers"]["X-Content-Type-Options"] == "nosniff"
    assert answer["headers"]["Referrer-Policy"] == "no-referrer"


def test_the_table_has_every_file_of_the_folder_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)


def test_the_policy_allows_this_origin_and_cognito_only() -> None:
    policy = get("/console")["headers"]["Content-Security-Policy"]
    assert policy.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self' https://cognito-idp.eu-central-1.amazonaws.com; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "unsafe" not in policy


def test_an_endpoint_with_a_path_cannot_widen_the_policy() -> None:
    answer = console({"COGNITO_ENDPOINT": "https://idp.example/a; script-src *"})({"path": "/console"}, None)
    assert "script-src *" not in answer["headers"]["Content-Security-Policy"]


def test_config_has_what_sign_in_needs_and_nothing_else() -> None:
    answer = get("/console/config.json")
    assert json.loads(answer["body"]) == {"client_id": "client", "cognito_endpoint": ENV["COGNITO_ENDPOINT"]}
    assert answer["headers"]["Cache-Control"] == "no-store"


def test_an_unchanged_file_is_not_sent_again() -> None:
    etag = get("/console/console.js")["headers"]["ETag"]
    again = get("/console/console.js", {"If-None-Match": etag})
    assert (again["statusCode"], again["body"]) == (304, "")
    assert get("/console/console.js", {"if-none-match": '"other"'})["statusCode"] == 200


def test_a_trailing_slash_leads_to_the_page() -> None:
    answer = get("/console/")
    assert (answer["statusCode"], answer["headers"]["Location"]) == (308, "../console")


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "../api/console.py",
        "..%2fapi%2fconsole.py",
        "....//settings.py",
        "/etc/passwd",
        "//etc/passwd",
        "console.css/",
        "console.css\x00.html",
        "CONSOLE.CSS",
        ".",
        "..",
        "console/console.css",
    ],
)
def test_what_is_not_in_the_table_is_a_problem(name: str) -> None:
    answer = get(f"/console/{name}")
    assert answer["statusCode"] == 404
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(answer["body"])["type"] == "urn:turnkeeper:error:not-found"


@pytest.mark.parametrize("prefix", ["", "/Prod", "/restapis/id/Prod/_user_request_"])
def test_a_path_that_keeps_its_prefix_finds_the_same_files(prefix: str) -> None:
    assert get(f"{prefix}/console/console.css")["statusCode"] == 200
    assert get(f"{prefix}/console")["body"].startswith("<!doctype html>")


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".js")])
def test_no_script_makes_markup_or_code_out_of_text(name: str) -> None:
    source = (FOLDER / name).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source)


def test_the_page_asks_only_for_relative_addresses_of_its_own() -> None:
    page = (FOLDER / "index.html").read_text()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all(a.startswith("#") or a.removeprefix("console/") in FILES for a in addresses)
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]* src=)", page)
    assert not re.search(r"\s(?:on\w+|style)=", page)


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".js")])
def test_every_import_is_in_the_table(name: str) -> None:
    for imported in re.findall(r'from "\./([^"]+)"', (FOLDER / name).read_text()):
        assert imported in FILES
