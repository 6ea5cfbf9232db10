"""The other pages say what is so: their tables are held to the code, the template and each other."""

import json
import re
import shlex
from pathlib import Path

import pytest
from turnkeeper.domain.callbacks import DELAYS_S
from turnkeeper.domain.failures import CONSEQUENCES, STATUSES, Billed, Consequence, Failure
from turnkeeper.domain.telemetry import Metric

from infra.local.model_provider.modes import MODES
from tests.support.contract import DOCUMENT
from tests.template.source import RESOURCES, TEMPLATE, api_events
from tests.unit.domain.test_notice import NOTICE

ROOT = Path(__file__).parents[2]
ENDINGS = (
    "Seconds",
    "Usd",
    "Email",
    "Url",
    "Arn",
    "Id",
    "Days",
    "Limit",
    "Limits",
    "Minute",
    "Burst",
    "Hosts",
    "Prices",
)
"""How parameters and outputs end."""

STATUS = r"\b[2-5]\d\d\b"
HEADERS = {"Location", "Retry-After", "Idempotency-Replayed"}

_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*(ROOT / name for name in _TOP), *sorted((ROOT / "docs").rglob("*.md"))]


def rows(page: str, first: str) -> list[list[str]]:
    """The rows of a page's tables whose first cell looks like `first`, as cells without backticks."""
    text = (ROOT / page).read_text()
    found = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    return [cells for cells in found if re.fullmatch(first, cells[0])]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_call_of_make_names_what_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in re.findall(r"^\$ (?:.*&& )?(make .*)$", page.read_text(), re.MULTILINE):
        for word in shlex.split(command, comments=True)[1:]:
            target, _, value = word.partition("=")
            assert re.search(rf"^{target}:" if "=" not in word else rf"\$\({target}\)", makefile, re.MULTILINE), command
            if target == "PARAMETERS":
                assert {pair.partition("=")[0] for pair in value.split()} <= TEMPLATE["Parameters"].keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def words(row: Consequence) -> list[str]:
    flags = (row.retry, row.next_model, row.counts, row.alert_owner)
    return [*("yes" if flag else "no" for flag in flags), "maybe" if row.billed is Billed.MAYBE else "no"]


def test_the_table_of_failures_is_the_codes() -> None:
    told = {
        cells[0].strip("`"): [cells[2], cells[3], cells[4], cells[5], cells[6]]
        for cells in rows("docs/failures.md", "`[a-z_]+`")
    }

    assert {failure.value: words(CONSEQUENCES[failure]) for failure in Failure} == told


def test_the_statuses_in_the_table_of_failures_are_the_codes() -> None:
    told = {
        (int(status), Failure(cells[0].strip("`")))
        for cells in rows("docs/failures.md", "`[a-z_]+`")
        for status in re.findall(r"\b[45]\d\d\b", cells[1])
    }

    assert set(STATUSES.items()) == told


def test_the_table_of_routes_is_the_templates() -> None:
    told = {
        route
        for cells in rows("docs/api.md", "`(GET|POST) .*")
        for route in re.findall(r"((?:GET|POST) [^\s?`]+)", cells[0])
    }
    wired = {f"{event['Method']} {event['Path']}" for _, event in api_events()}

    assert wired - {"GET /console/{proxy+}"} == told


def test_the_statuses_and_headers_of_each_route_are_the_contracts() -> None:
    contract = {
        f"{method.upper()} {path}": operation["responses"]
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }
    everywhere = set.intersection(*(set(responses) for responses in contract.values()))
    told, (anywhere,) = {}, re.findall(r"may also answer ([^.]+)\.", (ROOT / "docs/api.md").read_text())
    for cells in rows("docs/api.md", "`(GET|POST) .*"):
        (route, *others) = re.findall(r"(?:GET|POST) [^\s?`]+", cells[0])
        if not others:
            told[route] = (set(re.findall(STATUS, cells[2])), set(re.findall(r"`([A-Z][\w-]+)`", cells[2])) & HEADERS)

    assert everywhere == set(re.findall(STATUS, anywhere))
    assert told == {
        route: (set(responses) - everywhere, {h for s in responses if s < "4" for h in responses[s].get("headers", {})})
        for route, responses in contract.items()
    }


def test_the_table_of_modes_is_the_providers() -> None:
    told = {
        mode for cells in rows("docs/architecture.md", "(`[a-z_0-9]+` ?)+") for mode in re.findall(r"`(\w+)`", cells[0])
    }

    assert set(MODES) == told


def test_every_alarm_names_a_section_of_the_runbook() -> None:
    alarms = {
        name: r["Properties"]["AlarmDescription"]
        for name, r in RESOURCES.items()
        if r["Type"] == "AWS::CloudWatch::Alarm"
    }
    sections = set(re.findall(r"^## (.+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE))
    named = {name: re.search(r"Runbook - (.+)\.$", text) for name, text in alarms.items()}

    assert alarms
    assert {name for name, match in named.items() if not match or match[1] not in sections} == set()


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "README.md" or p.parent == ROOT], ids=lambda p: p.name)
def test_parameters_outputs_and_metrics_that_a_page_names_exist(page: Path) -> None:
    substitutions = RESOURCES["EscalationStateMachine"]["Properties"]["DefinitionSubstitutions"]
    known = {*TEMPLATE["Parameters"], *TEMPLATE["Outputs"], *RESOURCES, *substitutions, *Metric.__members__}
    named = set(re.findall(r"`((?:[A-Z][a-z]+){2,})(?:=[^`]*)?`", page.read_text()))

    assert {name for name in named if name.endswith(ENDINGS)} - known == set()


def test_the_notice_is_shown_as_it_comes() -> None:
    page = (ROOT / "docs/operators.md").read_text()
    text, _, told = re.findall(r"```(?:text|json)\n(.*?)```", page, re.DOTALL)
    shown, sent = json.loads(told), json.loads(NOTICE.json())
    label = re.compile(r"^[A-Z][a-z ]+:", re.MULTILINE)

    assert (list(sent), list(sent["tried"][0])) == (list(shown), list(shown["tried"][0]))
    assert label.findall(NOTICE.text()) == label.findall(text)


@pytest.mark.parametrize("page", ["docs/runbook.md", "docs/decisions/0008-callbacks.md"])
def test_the_pages_count_the_tries_of_a_callback_and_the_hours_that_they_take(page: str) -> None:
    told = re.findall(r"(\d+) tries over (\d+) hours", (ROOT / page).read_text())

    assert [(str(1 + len(DELAYS_S)), str(round(sum(DELAYS_S) / 3_600)))] == told


def test_the_api_page_names_the_waits_between_the_tries_of_a_callback() -> None:
    (told,) = re.findall(r"sent again after ([^.]+?),\s+and\s+then", (ROOT / "docs/api.md").read_text())
    seconds = {"s": 1, "min": 60, "h": 3_600}

    assert list(DELAYS_S) == [int(n) * seconds[unit] for n, unit in re.findall(r"(\d+) (s|min|h)\b", told)]


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs/decisions"

    assert {p.name for p in folder.glob("0*.md")} == set(
        re.findall(r"\((0[^)]+\.md)\)", (folder / "README.md").read_text())
    )
