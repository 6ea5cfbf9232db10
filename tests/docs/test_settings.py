"""docs/settings.md lists every setting there is, with the default and the meaning that the code gives it."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from turnkeeper import Dependency, Endpoint, Model
from turnkeeper.adapters import secrets, sender, tool_http
from turnkeeper.adapters.models import http
from turnkeeper.authoring.auth import Auth
from turnkeeper.domain import stage_file
from turnkeeper.domain.money import MICRO
from turnkeeper.domain.stage import IN_FORCE_S, MAX_AGE_S, Stoppable
from turnkeeper.domain.stage_file import Section, StageFile, settings_from_json
from turnkeeper.runtime import attempt
from turnkeeper.runtime.tool_calls import MOST_CHARACTERS

from tests.template.source import TEMPLATE

PAGE = (Path(__file__).parents[2] / "docs/settings.md").read_text()


def rows(heading: str, first: str) -> dict[str, list[str]]:
    """The table under a heading whose first column is called `first`: its cells by their first one, as they stand."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = section.partition(f"\n| {first} |")[2].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: _until_text(lines)]]
    assert cells, heading
    return {row[0].strip("`"): row[1:] for row in cells}


def _until_text(lines: list[str]) -> int:
    return next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))


def settings(section: type[Section], prefix: str = "") -> dict[str, tuple[str, str]]:
    """Every setting of the file by its dotted name, with its default and what it is."""
    found: dict[str, tuple[str, str]] = {}
    for name, field in section.model_fields.items():
        own = _own_section(field.annotation)
        if isinstance(field.annotation, type) and own:
            found |= settings(own, f"{prefix}{name}.")
        elif own:
            found |= settings(own, f"{prefix}{name}.*.")
        else:
            found[prefix + name] = (_shown(name, field.default), str(field.description))
    return found


def _own_section(annotation: Any) -> type[Section] | None:
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), None)


def _shown(name: str, default: Any) -> str:
    if default in (None, (), {}):
        return "none"
    return f"`{default / 1_000_000:.2f}`" if name.endswith("_usd") else f"`{default}`"


def test_every_setting_of_the_stages_file_has_its_default_and_its_meaning() -> None:
    told = {name: (cells[0], cells[1]) for name, cells in rows("The stage's file", "setting").items()}

    assert settings(StageFile) == told


def test_what_happens_at_each_limit_is_told() -> None:
    assert [] == [name for name, cells in rows("The stage's file", "setting").items() if not cells[2]]


def test_the_example_is_a_right_file() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

    found = settings_from_json(json.dumps(tomllib.loads(example.replace("${REGION}", "eu"))))

    assert (250_000, "https://orders.eu.example.com") == (found.limits.task_micro_usd, found.dependency_urls["orders"])


def test_everything_that_can_be_stopped_is_named() -> None:
    table = rows("What is stopped", "stopped")

    assert {what.value for what in Stoppable} == set(re.findall(r"\w+", " ".join(table)))


def test_the_times_are_the_codes() -> None:
    assert f"In force within {IN_FORCE_S} s." in PAGE
    assert f"at most every {MAX_AGE_S} s" in PAGE


@pytest.mark.parametrize("kind", [Endpoint, Dependency, Model])
def test_what_agents_say_in_code_is_listed(kind: type) -> None:
    told = rows("Endpoints, dependencies and their secrets", "setting")
    own = {name.partition(".")[2] for name in told if name.startswith(f"{kind.__name__}.")}

    assert {field.name for field in fields(kind)} == own
    for field in fields(kind):
        told_default = told[f"{kind.__name__}.{field.name}"][0]
        if isinstance(field.default, int):
            assert f"`{field.default}`" == told_default


def test_every_auth_is_shown_with_what_it_takes() -> None:
    wanted = {f"{kind.__name__}({', '.join(field.name for field in fields(kind))})" for kind in get_args(Auth)}

    assert wanted == set(rows("Endpoints, dependencies and their secrets", "auth"))


def test_the_bounds_are_the_codes() -> None:
    told = {int(cells[0].split()[0]) for cells in rows("Bounds that nobody sets", "what").values()}
    codes = (
        attempt._MOST_CALLS,
        tool_http._MOST_REQUESTS,
        sender._MAX_BYTES,
        MOST_CHARACTERS,
        http._LONGEST_BODY_BYTES,
    )
    others = (secrets._MAX_AGE_S, MAX_AGE_S, stage_file._MOST_MICRO_USD // MICRO)

    assert {*codes, *others} == told


def test_every_parameter_of_the_template_is_listed_as_it_is() -> None:
    wanted = {
        name: [
            f"`{found['Default']}`" if str(found["Default"]) else "none",
            _may_be(found),
            str(found["Description"]),
        ]
        for name, found in TEMPLATE["Parameters"].items()
    }

    assert wanted == rows("Parameters of the template", "parameter")


def _may_be(parameter: dict[str, Any]) -> str:
    least, most = parameter.get("MinValue"), parameter.get("MaxValue")
    if "AllowedValues" in parameter:
        return ", ".join(f"`{value}`" for value in parameter["AllowedValues"])
    if least is None:
        return "text"
    return f"from {least}" if most is None else f"{least} to {most}"
