"""Every function: its own role, a version behind an alias, a timeout, a log that is kept for a while, and one file."""

import pytest

from tests.template.source import FUNCTIONS, RESOURCES, ROOT, TEMPLATE, functions, of_type

EACH = pytest.mark.parametrize("name", FUNCTIONS)


@EACH
def test_a_function_has_a_role_of_its_own(name: str) -> None:
    assert "Role" not in functions()[name]


@EACH
def test_a_function_is_deployed_behind_an_alias(name: str) -> None:
    assert "live" == functions()[name]["AutoPublishAlias"]


@EACH
def test_a_function_has_a_short_timeout(name: str) -> None:
    assert 0 < functions()[name]["Timeout"] <= 60


@EACH
def test_a_function_logs_where_logs_expire(name: str) -> None:
    group = functions()[name]["LoggingConfig"]["LogGroup"]["Ref"]

    assert {"Ref": "LogRetentionDays"} == of_type("AWS::Logs::LogGroup")[group]["RetentionInDays"]


@EACH
def test_a_function_is_tagged(name: str) -> None:
    assert {"application": "turnkeeper"} == functions()[name]["Tags"]


@EACH
def test_a_function_says_what_it_is_for(name: str) -> None:
    assert functions()[name]["Description"].endswith(".")


@EACH
def test_a_function_is_its_one_file(name: str) -> None:
    files = [p.name for p in (ROOT / functions()[name]["CodeUri"]).iterdir() if p.name != "__pycache__"]

    assert (["app.py"], "app.handler", True) == (
        files,
        functions()[name]["Handler"],
        RESOURCES[name]["Metadata"]["SkipBuild"],
    )


def test_every_folder_is_a_function() -> None:
    folders = {f"functions/{p.parent.name}" for p in (ROOT / "functions").glob("*/app.py")}

    assert folders == {props["CodeUri"] for props in functions().values()}


@pytest.mark.parametrize("name", sorted(of_type("AWS::Logs::LogGroup")))
def test_every_log_expires(name: str) -> None:
    assert "RetentionInDays" in of_type("AWS::Logs::LogGroup")[name]


@pytest.mark.parametrize("name", sorted(of_type("AWS::Serverless::LayerVersion")))
def test_a_layer_is_built_for_the_functions(name: str) -> None:
    layer, function = of_type("AWS::Serverless::LayerVersion")[name], functions()["TurnsFunction"]

    assert ([function["Runtime"]], function["Architectures"]) == (
        layer["CompatibleRuntimes"],
        layer["CompatibleArchitectures"],
    )


def test_a_run_ends_before_its_function() -> None:
    """A run's deadline leaves its function time to write how it ended."""
    longest = TEMPLATE["Parameters"]["RunDeadlineSeconds"]["MaxValue"]

    assert longest <= functions()["TurnsFunction"]["Timeout"] - 2
