"""A deployment is one release: what is deployed has a digest, and where it is new every function moves, else none."""

import copy
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from samcli.yamlhelper import yaml_dump, yaml_parse  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from infra import release
from tests.template.source import FUNCTIONS, ROOT, TEMPLATE, functions, of_type

VALUES = {"TaskLimitUsd": "0.50", "Release": "unreleased"}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A small build: a layer, a function beside it, and a state machine."""
    template = {
        "Parameters": {"TaskLimitUsd": {"Type": "String", "Default": "0.50"}, "Release": {"Default": "unreleased"}},
        "Resources": {
            "CoreLayer": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "CoreLayer"}},
            "TurnsFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "../functions/turns", "MemorySize": 512},
            },
            "Machine": {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "../machine.json"}},
        },
    }
    made = tmp_path / "build"
    for file, text in {
        "build/template.yaml": yaml_dump(template),
        "build/CoreLayer/python/turnkeeper/__init__.py": "",
        "functions/turns/app.py": "handler = 1",
        "machine.json": "{}",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    return made


def write(path: str, text: str) -> Callable[[Path], None]:
    def change(build: Path) -> None:
        file = build / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return change


def more_memory(build: Path) -> None:
    template = yaml_parse((build / "template.yaml").read_text())
    template["Resources"]["TurnsFunction"]["Properties"]["MemorySize"] = 1024
    (build / "template.yaml").write_text(yaml_dump(template))


CHANGES = {
    "a layer's file": write("CoreLayer/python/turnkeeper/__init__.py", "new = 1"),
    "a file more": write("CoreLayer/python/turnkeeper/more.py", ""),
    "a function's code": write("../functions/turns/app.py", "handler = 2"),
    "the state machine": write("../machine.json", '{"StartAt": "Route"}'),
    "a property of a function": more_memory,
}
SAME = {
    "nothing": lambda _: None,
    "byte code": write("../functions/turns/__pycache__/app.cpython-313.pyc", "x"),
    "the release itself": lambda build: release.write_release(build, VALUES),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_deployed_otherwise_is_another_release(build: Path, change: Callable[[Path], None]) -> None:
    before = release.release_of(build, VALUES)
    change(build)

    assert before != release.release_of(build, VALUES)


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_is_deployed_alike_is_the_same_release(build: Path, change: Callable[[Path], Any]) -> None:
    before = release.release_of(build, VALUES)
    change(build)

    assert before == release.release_of(build, {**VALUES, "Release": "another"})


def test_another_value_of_a_parameter_is_another_release(build: Path) -> None:
    assert release.release_of(build, VALUES) != release.release_of(build, {**VALUES, "TaskLimitUsd": "0.40"})


def test_a_release_is_the_same_wherever_it_was_built(build: Path, tmp_path: Path) -> None:
    elsewhere = build.rename(tmp_path / "other")

    assert release.release_of(elsewhere, VALUES) == release.write_release(elsewhere, {})


def test_the_build_carries_its_release(build: Path) -> None:
    """So that the first deployment of a stack has it, whoever deploys."""
    written = release.write_release(build, {"TaskLimitUsd": "0.40"})

    assert written == release.defaults(build)["Release"] == release.release_of(build, {"TaskLimitUsd": "0.40"})


# --- what SAM makes of it ---------------------------------------------------------------------------------------------


def versions(template: Any, **parameters: str) -> set[str]:
    """The logical ids of the versions that SAM's own transform makes of a template."""
    template = copy.deepcopy(dict(template))
    for resource in template["Resources"].values():
        for name in {"CodeUri", "ContentUri", "DefinitionUri"} & resource["Properties"].keys():
            resource["Properties"][name] = "s3://bucket/" + str(resource["Properties"][name])
    made = transform(template, parameters, SimpleNamespace(load=dict))["Resources"]
    return {name for name, resource in made.items() if resource["Type"] == "AWS::Lambda::Version"}


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


def test_a_new_release_moves_every_function_and_the_same_none() -> None:
    first, again, second = (versions(TEMPLATE, Release=digest) for digest in ("a1", "a1", "b2"))

    assert (len(FUNCTIONS), first) == (len(first), again)
    assert set() == first & second


def test_a_release_goes_before_everything_else() -> None:
    """Which is why its digest is of all that is deployed: by itself, nothing else would move a function."""
    changed = copy.deepcopy(dict(TEMPLATE))
    changed["Globals"]["Function"]["MemorySize"] = 2048
    changed["Resources"]["CoreLayer"]["Properties"]["ContentUri"] = "elsewhere"

    assert versions(TEMPLATE, Release="a1") == versions(changed, Release="a1")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_moves_with_its_release_and_its_layers(name: str) -> None:
    props = functions()[name]

    assert (True, {"Ref": "Release"}) == (props["AutoPublishAliasAllProperties"], props["AutoPublishCodeSha256"])
    assert len(props["Description"]) + 1 + 64 <= 256  # SAM writes the digest there too, so that Lambda sees a change


@pytest.mark.parametrize("name", sorted(of_type("AWS::Serverless::LayerVersion")))
def test_a_layer_moves_the_functions_that_have_it(name: str) -> None:
    assert of_type("AWS::Serverless::LayerVersion")[name]["PublishLambdaVersion"] is True


# --- make deploy ------------------------------------------------------------------------------------------------------


def test_make_deploy_says_what_was_asked() -> None:
    asked = ["STAGE=prod", "PARAMETERS=OnCallEmail=a@example.com ToolsUrl=https://b", "OPTIONS=--no-confirm-changeset"]
    shown = subprocess.run(["make", "-n", "deploy", *asked], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607

    assert (
        "python -m infra.release deploy --stage 'prod' "
        "--parameters 'OnCallEmail=a@example.com ToolsUrl=https://b' --no-confirm-changeset"
    ) in shown.stdout


@pytest.mark.parametrize(
    ("stage", "parameters", "options", "says"),
    [
        ("nowhere", [], [], "samconfig.toml names no stack for the stage 'nowhere'"),
        ("default", ["TaskLimitUSD=1"], [], "the template has no parameter TaskLimitUSD"),
        ("default", ["TaskLimitUsd"], [], "parameters are written Name=value"),
        ("default", [], ["--parameter-overrides", "TaskLimitUsd=1"], "name parameters with --parameters"),
    ],
)
def test_a_deployment_that_cannot_be_says_why(
    build: Path, stage: str, parameters: list[str], options: list[str], says: str
) -> None:
    with pytest.raises(release.ReleaseError, match=says):
        release.deploy(stage, parameters, options, build)
