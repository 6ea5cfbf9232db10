"""The subset of JSON Schema that Anthropic compiles for structured outputs and strict tools.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs; anthropic/lib/_parse/_transform.py.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.model_provider.rules.rule import Sent
from infra.local.model_provider.rules.shapes import objects, within

_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_NOTES = frozenset({"title", "description", "default", "$defs", "definitions"})
_ANYWHERE = _NOTES | {"type", "enum", "const", "anyOf", "allOf", "$ref"}
_BY_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems"}),
    "string": frozenset({"format", "pattern"}),
}
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_COMPLEX = re.compile(r"\\(?P<escaped>.)|(?P<looks>\(\?(?:[=!]|<[=!]))", re.DOTALL)
_NOT_PLAIN = frozenset("123456789bB")
_MOST_STRICT_TOOLS, _MOST_OPTIONAL, _MOST_UNIONS = 20, 24, 16


def refused_schemas(sent: Sent) -> Iterator[str]:
    """Yield what is wrong with a request's schemas."""
    strict = {
        f"tools.{number}.custom.input_schema": tool.get("input_schema")
        for number, tool in enumerate(objects(sent.body.get("tools")))
        if tool.get("strict")
    }
    if len(strict) > _MOST_STRICT_TOOLS:
        yield f"Too many strict tools: {len(strict)} > {_MOST_STRICT_TOOLS}"
    form = within(sent.body, "output_config", "format")
    declared = {} if form is None else {"output_config.format.schema": within(form, "schema")}
    if form is not None and within(form, "type") != "json_schema":
        yield "output_config.format: Input should be of type 'json_schema'"
    for at, schema in {**declared, **strict}.items():
        yield from (f"{at}: {why}" for why in refused(schema))
    yield from _too_complex([*declared.values(), *strict.values()])
    for number, tool in enumerate(objects(sent.body.get("tools"))):
        if any(within(tool, "input_schema", name) is not None for name in ("oneOf", "allOf", "anyOf")):
            at = f"tools.{number}.custom.input_schema"
            yield f"{at}: input_schema does not support oneOf, allOf, or anyOf at the top level"


def refused(schema: Any) -> Iterator[str]:
    """Yield what is wrong with one schema."""
    if not isinstance(schema, Mapping):
        yield "Input should be a valid dictionary"
        return
    for node in _nodes(schema):
        yield from _refused_node(node, schema)
    if _is_recursive(schema):
        yield "Recursive schemas are not supported"


def _refused_node(node: Any, root: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(node, Mapping):
        yield f"A schema must be an object, not {node!r}"
        return
    kinds = _kinds(node)
    allowed = _ANYWHERE.union(*(_BY_TYPE.get(kind, frozenset()) for kind in kinds))
    unknown = sorted(node.keys() - allowed)
    if unknown:
        yield f"For '{' | '.join(kinds) or 'schema'}' type, properties {', '.join(unknown)} are not supported"
    yield from (f"Type {kind!r} is not supported" for kind in kinds if kind not in _TYPES)
    if not node.keys() & {"type", "anyOf", "allOf", "enum", "const", "$ref"}:
        yield "Schema must have a 'type', 'anyOf', 'allOf', '$ref', 'enum' or 'const'"
    yield from _refused_container(kinds, node)
    yield from _refused_values(node)
    if "$ref" in node:
        yield from _refused_reference(node, root)
    if any(isinstance(part, Mapping) and "$ref" in part for part in _list(node.get("allOf"))):
        yield "allOf with $ref is not supported"


def _refused_container(kinds: list[str], node: Mapping[str, Any]) -> Iterator[str]:
    if "object" in kinds and node.get("additionalProperties") is not False:
        yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
    if "array" in kinds and node.get("minItems", 0) not in (0, 1):
        yield "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    if "array" in kinds and "items" not in node:
        yield "For 'array' type, 'items' is required"


def _refused_values(node: Mapping[str, Any]) -> Iterator[str]:
    if "format" in node and node["format"] not in _FORMATS:
        yield f"String format {node['format']!r} is not supported"
    if _is_complex(str(node.get("pattern", ""))):
        yield f"Pattern {node['pattern']!r} uses look-around, a back-reference or a word boundary"
    if any(isinstance(value, (list, dict)) for value in (*_list(node.get("enum")), node.get("const"))):
        yield "Enum and const values must be strings, numbers, booleans or null"


def _is_complex(pattern: str) -> bool:
    """Say whether a pattern looks around, back, or for a boundary; an escaped backslash does none of it."""
    return any(found["looks"] or found["escaped"] in _NOT_PLAIN for found in _COMPLEX.finditer(pattern))


def _refused_reference(node: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    if _target(node["$ref"], root) is None:
        yield f"$ref {node['$ref']!r} does not point into the schema"
    beside = sorted(node.keys() - _NOTES - {"$ref"})
    if beside:
        yield f"$ref cannot have {', '.join(beside)} beside it"


def _too_complex(schemas: list[Any]) -> Iterator[str]:
    nodes = [node for schema in schemas for node in _nodes(schema) if isinstance(node, Mapping)]
    optional = sum(len(_properties(node).keys() - set(map(str, _list(node.get("required"))))) for node in nodes)
    unions = sum(1 for node in nodes if "anyOf" in node or isinstance(node.get("type"), list))
    if optional > _MOST_OPTIONAL:
        yield f"Schema is too complex: {optional} optional parameters in a request, at most {_MOST_OPTIONAL}"
    if unions > _MOST_UNIONS:
        yield f"Schema is too complex: {unions} parameters with union types in a request, at most {_MOST_UNIONS}"


def _nodes(schema: Any) -> Iterator[Any]:
    """Yield a schema and all schemas within it; references are not followed."""
    yield schema
    if not isinstance(schema, Mapping):
        return
    for name in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for part in _list(schema.get(name)):
            yield from _nodes(part)
    for name in ("properties", "$defs", "definitions", "patternProperties"):
        if isinstance(schema.get(name), Mapping):
            for part in schema[name].values():
                yield from _nodes(part)
    if "items" in schema:
        yield from _nodes(schema["items"])


def _is_recursive(root: Mapping[str, Any]) -> bool:
    """Say whether a definition leads back to itself."""

    def leads_back(node: Any, path: tuple[int, ...]) -> bool:
        for part in _nodes(_without_definitions(node)):
            target = _target(part["$ref"], root) if isinstance(part, Mapping) and "$ref" in part else None
            if target is not None and (id(target) in path or leads_back(target, (*path, id(target)))):
                return True
        return False

    return leads_back(root, (id(root),))


def _without_definitions(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    return {name: part for name, part in node.items() if name not in ("$defs", "definitions")}


def _target(reference: Any, root: Mapping[str, Any]) -> Any:
    """Return what a local reference points to; None where it points nowhere, or out of the schema."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    names = [name.replace("~1", "/").replace("~0", "~") for name in reference[1:].split("/")[1:]]
    return within(root, *names)


def _kinds(node: Mapping[str, Any]) -> list[str]:
    kind = node.get("type", [])
    return [str(one) for one in kind] if isinstance(kind, list) else [str(kind)]


def _properties(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found = node.get("properties")
    return found if isinstance(found, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
