"""template.yaml and the state machine as the tests read them: functions with the globals merged in, tasks, policies."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
Props = Mapping[str, Any]

TEMPLATE: Props = yaml_parse((ROOT / "template.yaml").read_text())
RESOURCES: Props = TEMPLATE["Resources"]
GLOBALS: Props = TEMPLATE["Globals"]["Function"]
MACHINE: Props = json.loads((ROOT / "statemachines" / "escalation.asl.json").read_text())
STATES: Props = MACHINE["States"]
TASKS: Props = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def of_type(kind: str) -> dict[str, Props]:
    """The properties of every resource of a type, by logical id."""
    return {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == kind}


@cache
def functions() -> dict[str, Props]:
    """Every function's properties, with what the globals add."""
    return {name: {**GLOBALS, **props} for name, props in of_type("AWS::Serverless::Function").items()}


FUNCTIONS = sorted(functions())


def environment(function: str) -> set[str]:
    """The names of the variables that a function is given."""
    own = RESOURCES[function]["Properties"].get("Environment", {}).get("Variables", {})
    return set(GLOBALS["Environment"]["Variables"]) | set(own)


def api_events() -> Iterator[tuple[str, Props]]:
    """Every route of the API: the function's logical id, and the event's properties."""
    for name, props in functions().items():
        for event in props.get("Events", {}).values():
            if event["Type"] == "Api":
                yield name, event["Properties"]


def statements(owner: str) -> list[Props]:
    """Every statement that a function's, a state machine's or a managed policy's role gets, but SAM's own templates."""
    properties = RESOURCES[owner]["Properties"]
    documents = [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    for policy in properties.get("Policies", []):
        if "Statement" in policy:
            documents.append(policy)
        elif "Ref" in policy:
            documents.append(RESOURCES[policy["Ref"]]["Properties"]["PolicyDocument"])
    return [statement for document in documents for statement in document["Statement"]]


def many(one_or_many: Any) -> list[Any]:
    """What IAM allows to be written alone, as a list."""
    return one_or_many if isinstance(one_or_many, list) else [one_or_many]


def table_shape() -> Any:
    """What a test's table must be made with to be the template's."""
    wanted = RESOURCES["Table"]["Properties"]
    return {name: wanted[name] for name in _SHAPE}


_SHAPE = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


def references(node: Any) -> set[str]:
    """The logical ids that a part of the template names, by Ref, GetAtt or Sub."""
    found: set[str] = set()
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "Ref":
                found.add(value.partition(".")[0])
            elif key == "Fn::GetAtt":
                found.add(value[0] if isinstance(value, list) else value.partition(".")[0])
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                found |= {part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:]}
            found |= references(value)
    elif isinstance(node, list):
        found |= {name for item in node for name in references(item)}
    return found
