"""The architecture: imports point inward, and nothing is read or made when a module is imported."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import turnkeeper
from turnkeeper.authoring.presets import PRESETS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "core" / "turnkeeper"
AGENTS = ROOT / "layers" / "agents" / "agents"
FUNCTIONS = ROOT / "functions"
CLI = ROOT / "infra" / "cli"

LONGEST_MODULE = 300
MOST_ARGUMENTS = 8
"""Of a constructor, `self` aside: dataclasses have none, and may name all that they bundle."""

MAY_IMPORT = {
    "domain": {"domain"},
    "errors": {"domain"},
    "authoring": {"domain", "errors", "authoring"},
    "agent": {"domain", "authoring"},
    "ports": {"domain", "authoring"},
    "outside": {"domain", "agent", "ports"},
    "stores": {"domain", "ports", "errors", "stores"},
    "runtime": {"domain", "ports", "errors", "agent", "stores", "outside", "runtime"},
    "settings": {"domain"},
    "services": {"domain", "errors", "agent", "stores", "outside", "settings", "runtime"},
    "adapters": {"domain", "ports", "errors", "agent", "outside", "settings", "adapters"},
    "bootstrap": {"settings", "services", "runtime.current_stage", "adapters.aws"},
    "api": {"domain", "ports", "errors", "agent", "stores", "runtime", "services", "api"},
    "export_prices": {"domain", "errors", "agent", "adapters"},
    "testing": {
        "domain",
        "ports",
        "errors",
        "agent",
        "settings",
        "outside",
        "services",
        "runtime",
        "adapters.memory",
        "adapters.memory_telemetry",
    },
    "": {"agent", "authoring"},
}
"""What each part may import of ours."""

HEAVY = {"httpx", "genai_prices"}
CLOUD = {"boto3", "botocore", "mypy_boto3_dynamodb", *HEAVY}
DOMAIN_LIBRARIES = {"pydantic", "pydantic_core"}


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def part(path: Path) -> str:
    """The part of the package that a module belongs to: a folder, or a module at the top."""
    place = path.relative_to(PACKAGE)
    name = place.parts[0].removesuffix(".py")
    return "" if name == "__init__" else name


def imported(path: Path, *, at_once: bool = False) -> set[str]:
    """Every module that a file imports: wherever in it, or only `at_once`, as it is imported itself."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            found.add(module)
            if module.startswith("turnkeeper"):
                found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def ours(path: Path) -> set[str]:
    return {name.removeprefix("turnkeeper.") for name in imported(path) if name.startswith("turnkeeper.")}


def theirs(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)} - {"turnkeeper"} - sys.stdlib_module_names


def modules_of_ours() -> dict[str, set[str]]:
    """Each module of the package with the modules of ours that it imports as it is imported itself."""
    names = {path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in modules(PACKAGE)}
    known = {name.removesuffix(".__init__") for name in names.values()}
    graph: dict[str, set[str]] = {}
    for path, name in names.items():
        found = {name.removeprefix("turnkeeper.") for name in imported(path, at_once=True)}
        own = name.removesuffix(".__init__")
        graph[own] = {module for module in found if module in known and module != own}
    return graph


def test_no_import_goes_in_a_circle() -> None:
    TopologicalSorter(modules_of_ours()).prepare()


@pytest.mark.parametrize("path", [*modules(PACKAGE), *modules(CLI)], ids=lambda p: str(p.relative_to(ROOT)))
def test_only_stores_know_the_keys_of_items(path: Path) -> None:
    is_store = path.is_relative_to(PACKAGE / "stores")

    assert is_store or not any(name.startswith("turnkeeper.stores.keys") for name in imported(path))


@pytest.mark.parametrize("path", modules(ROOT / "layers") + modules(ROOT / "infra"), ids=lambda p: p.name)
def test_a_module_is_read_at_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_constructor_takes_few_arguments(path: Path) -> None:
    constructors = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]

    for made in constructors:
        given = made.args.posonlyargs + made.args.args + made.args.kwonlyargs
        assert len(given) - 1 <= MOST_ARGUMENTS, f"line {made.lineno}: use a bundle"


def test_every_part_has_its_place() -> None:
    assert {part(path) for path in modules(PACKAGE)} <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_inward(path: Path) -> None:
    allowed = MAY_IMPORT[part(path)]

    assert set() == {name for name in ours(path) if not any(name == a or name.startswith(f"{a}.") for a in allowed)}


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_adapters_know_the_cloud(path: Path) -> None:
    assert part(path) in {"adapters", "export_prices"} or set() == theirs(path) & CLOUD


@pytest.mark.parametrize("path", modules(PACKAGE / "domain"), ids=lambda p: p.name)
def test_the_domain_is_pure(path: Path) -> None:
    assert theirs(path) <= DOMAIN_LIBRARIES
    assert set() == imported(path) & {"os", "time", "random", "logging", "socket", "uuid"}


@pytest.mark.parametrize("path", [*modules(PACKAGE), *modules(AGENTS)], ids=lambda p: p.name)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    reads = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]

    assert len(reads) == (1 if path == PACKAGE / "bootstrap.py" else 0)


@pytest.mark.parametrize("path", modules(FUNCTIONS), ids=lambda p: p.parent.name)
def test_a_function_is_one_thin_file(path: Path) -> None:
    assert "app.py" == path.name
    assert len(path.read_text().splitlines()) <= 30
    assert {name.partition(".")[0] for name in ours(path)} <= {"api", "bootstrap", "domain"}
    assert set() == theirs(path)


def required_by_agents() -> set[str]:
    """The modules of the packages that `layers/agents/requirements.txt` names."""
    named = set(re.findall(r"^([a-z0-9-]+)==", (AGENTS.parent / "requirements.txt").read_text(), re.MULTILINE))
    found = packages_distributions().items() if named else ()
    return {module for module, packages in found if named & {re.sub(r"[-_.]+", "-", p).lower() for p in packages}}


@pytest.mark.parametrize("path", modules(AGENTS), ids=lambda p: p.name)
def test_an_agent_needs_the_package_pydantic_and_what_agents_require_only(path: Path) -> None:
    assert theirs(path) <= {"pydantic", *required_by_agents()}
    assert ours(path) <= set(turnkeeper.__all__)


def modules_after(statement: str) -> set[str]:
    """Every module that a new interpreter has loaded after a statement; its environment names no more than a region."""
    code = f"import sys; {statement}; print(*sys.modules)"
    environment = {"PYTHONPATH": f"{ROOT}:{PACKAGE.parent}:{AGENTS.parent}", "AWS_DEFAULT_REGION": "eu-central-1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def loaded(module: str) -> set[str]:
    """The packages that a new interpreter has loaded after importing a module."""
    return {name.partition(".")[0] for name in modules_after(f"import {module}")}


TASKS = ("first_attempt", "retry_with_correction", "alternative_path", "route", "conclude", "reconcile")


@pytest.mark.parametrize("function", TASKS)
def test_a_task_of_the_state_machine_loads_nothing_of_the_cloud_before_it_is_called(function: str) -> None:
    assert set() == loaded(f"functions.{function}.app") & CLOUD


@pytest.mark.parametrize("module", ["turnkeeper.api.turns", "turnkeeper.api.operators"])
def test_a_handler_loads_nothing_heavy_before_it_is_called(module: str) -> None:
    assert set() == loaded(module) & HEAVY  # Powertools' idempotency imports boto3 by itself


@pytest.mark.parametrize("module", ["turnkeeper.domain.money", "turnkeeper.domain.answers", "turnkeeper.ports"])
def test_the_domain_loads_nothing_of_the_cloud(module: str) -> None:
    assert set() == loaded(module) & (CLOUD | {"aws_lambda_powertools"})


def test_what_agents_import_loads_nothing_of_the_cloud() -> None:
    assert set() == loaded("turnkeeper") & (CLOUD | {"aws_lambda_powertools"})


@pytest.mark.parametrize("module", ["turnkeeper", *(f"agents.{path.stem}" for path in modules(AGENTS))])
def test_an_agents_definition_loads_no_adapter(module: str) -> None:
    assert set() == {name for name in modules_after(f"import {module}") if name.startswith("turnkeeper.adapters")}


@pytest.mark.parametrize("provider", PRESETS)
def test_a_providers_client_loads_no_library_but_that_of_its_wire(provider: str) -> None:
    made = f"model_client(replace(PRESETS[{provider!r}], url='https://models.example'), Secrets({{}}))"
    imports = (
        "from dataclasses import replace\nfrom turnkeeper.authoring.presets import PRESETS\n"
        "from turnkeeper.adapters.secrets import Secrets"
    )
    after = modules_after(f"{imports}\nfrom turnkeeper.adapters.models import model_client\n{made}")

    assert ({"boto3"} if provider == "bedrock" else {"httpx"}) == after & {"boto3", "httpx"}


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_command_line_stays_out_of_the_layers(path: Path) -> None:
    assert set() == theirs(path) & {"turnkeeper_cli", "cyclopts", "rich"}
