"""Builds the project, and deploys it as one release: `python -m infra.release build|deploy` (make build, make deploy).

SAM publishes a version of a function only when its own code changes. When a layer or the value of a parameter changes,
`live` would keep serving the old code and the old limits. That is why everything that is deployed goes into a digest,
the parameter `Release`: when it changes, all functions get a new version.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]
from samcli.lib.config.samconfig import SamConfig  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_dump, yaml_parse  # type: ignore[import-untyped]
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.errors import StoreUnavailable
from turnkeeper.stores.stage import StageStore
from turnkeeper_cli import stage_file
from turnkeeper_cli.config import apply_to
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.stage_file import StageFile

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".aws-sam" / "build"
RELEASE = "Release"

_SHOWN = 12

_CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
"""Where a resource says which files are deployed with it."""


class ReleaseError(Exception):
    """What was asked cannot be done; the message is the one line to show."""


def release_of(build: Path, values: Mapping[str, str]) -> str:
    """Return the digest (hexadecimal) of a build that is deployed with these values of the template's parameters.

    It covers the built template, every file that is deployed with it (layers, functions, the state machine) and the
    values, but not byte code, times, or the folder of the build.
    """
    template = _template(build)
    template["Parameters"].pop(RELEASE)
    found = hashlib.sha256()
    for resource in template["Resources"].values():
        attribute = _CODE.get(resource["Type"], "")
        code = resource["Properties"].pop(attribute, None)
        if isinstance(code, str):
            for name, content in _files((build / code).resolve()):
                found.update(json.dumps([name, hashlib.sha256(content).hexdigest()]).encode())
    given = {name: value for name, value in values.items() if name != RELEASE}
    found.update(json.dumps([template, given], sort_keys=True, default=str).encode())
    return found.hexdigest()


def write_release(build: Path, values: Mapping[str, str]) -> str:
    """Write a build's digest into its template, as the default of `Release`; returns it."""
    template, release = _template(build), release_of(build, {**defaults(build), **values})
    template["Parameters"][RELEASE]["Default"] = release
    (build / "template.yaml").write_text(yaml_dump(template))
    return release


def defaults(build: Path) -> dict[str, str]:
    """Return the values that the template's parameters have by themselves."""
    return {name: str(parameter["Default"]) for name, parameter in _template(build)["Parameters"].items()}


def deployed(stack: str, session: boto3.Session) -> dict[str, str]:
    """Return the parameters of a stack as it is deployed: a deployment keeps those that it does not name."""
    return {p["ParameterKey"]: p.get("ParameterValue", "") for p in _stack(stack, session).get("Parameters", [])}


def build(into: Path = BUILD) -> str:
    """Run `sam build`, and write the release of a deployment that names no parameter; returns it."""
    sam("build", "--build-dir", str(into))
    return write_release(into, {})


def deploy(stage: str, parameters: Sequence[str], options: Sequence[str], from_build: Path = BUILD) -> str:
    """Run `sam deploy` for a stage of samconfig.toml, and return the release.

    `parameters` (`Name=value`) take precedence over those of the stage, and those over what the stack has already.
    """
    settings = SamConfig(str(ROOT)).get_all(["deploy"], "parameters", stage)
    place = {**settings, **_place(options)}
    if not place.get("stack_name"):
        raise ReleaseError(f"samconfig.toml names no stack for the stage {stage!r}")
    wanted = _stage_settings(stage)
    session = boto3.Session(profile_name=place.get("profile"), region_name=place.get("region"))
    given = _read([settings.get("parameter_overrides"), *parameters])
    known = defaults(from_build)
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        hint = "limits, URLs, hosts and rates are in the stage's file (docs/settings.md)"
        raise ReleaseError(f"the template has no parameter {', '.join(unknown)}; {hint}")
    kept = {name: value for name, value in deployed(place["stack_name"], session).items() if name in known}
    given[RELEASE] = write_release(from_build, {**kept, **given})
    # What a template of before had is in the file now: no function may begin without it.
    is_first = _has_no_settings(place["stack_name"], session)
    if wanted and is_first:
        print(_apply_stage(wanted, place["stack_name"], session))
    overrides = from_build / "parameters.yaml"
    overrides.write_text(json.dumps(given, indent=2) + "\n")  # which is YAML too
    sam(
        "deploy",
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", stage),
        *("--template-file", str(from_build / "template.yaml")),
        *("--parameter-overrides", f"file://{overrides}", "--no-fail-on-empty-changeset", *options),
    )
    if wanted and not is_first:
        print(_apply_stage(wanted, place["stack_name"], session))
    elif not wanted:
        print(f"{stage_file.path_of(stage)} does not exist: the stage keeps the settings that it has.")
    return given[RELEASE]


def _stage_settings(stage: str) -> StageFile | None:
    """Read a stage's file before anything is deployed; raises ReleaseError, which names the line."""
    path = stage_file.path_of(stage)
    if not (ROOT / path).exists():
        return None
    try:
        return stage_file.read(ROOT / path)
    except CliError as error:
        raise ReleaseError(f"nothing was deployed:\n{error}") from error


def _has_no_settings(stack: str, session: boto3.Session) -> bool:
    """Whether a stack is there, and nothing was ever applied to it."""
    table = _outputs(stack, session).get("TableName")
    return bool(table) and not StageStore(DynamoTable(session.client("dynamodb"), str(table))).base().version


def _outputs(stack: str, session: boto3.Session) -> dict[str, str]:
    """Return the outputs of a stack; none where it does not exist."""
    return {output["OutputKey"]: output["OutputValue"] for output in _stack(stack, session).get("Outputs", [])}


def _stack(stack: str, session: boto3.Session) -> Mapping[str, Any]:
    """Return what CloudFormation says of a stack; nothing where it does not exist."""
    try:
        return session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise


def _apply_stage(wanted: StageFile, stack: str, session: boto3.Session) -> str:
    """Put the stage's settings in force, in the stack that was deployed; returns what to say."""
    table = _outputs(stack, session)["TableName"]
    by = session.client("sts").get_caller_identity()["Arn"]
    try:
        store = StageStore(DynamoTable(session.client("dynamodb"), table))
        return apply_to(store, wanted, by=by, at=time.time())
    except (CliError, StoreUnavailable) as error:
        raise ReleaseError(f"the stage's settings are not in force: {error}") from error


def sam(*arguments: str) -> None:
    """Run the SAM CLI, as this terminal's own."""
    command = Path(sys.executable).parent / "sam"
    done = subprocess.run([command, *arguments], cwd=ROOT, env=sam_environment(), check=False)
    if done.returncode:
        raise ReleaseError(f"sam {arguments[0]} failed")


def sam_environment() -> dict[str, str]:
    """Return this process's environment for the SAM CLI; in it `layers/Makefile` finds uv, as `UV`."""
    return {"UV": str(ROOT / "infra" / "uv"), **os.environ, "SAM_CLI_TELEMETRY": "0"}


def _template(build: Path) -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((build / "template.yaml").read_text())
    return template


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    if root.is_file():
        yield root.name, root.read_bytes()
    for file in sorted(root.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(root).as_posix(), file.read_bytes()


def _read(overrides: Sequence[Any]) -> dict[str, str]:
    """Read parameters as SAM does: `Name=value Name=value`, a list of those, a table, or file://."""
    try:
        read: dict[str, str] = CfnParameterOverridesType().convert([o for o in overrides if o], None, None)
    except Exception as error:
        raise ReleaseError(f"parameters are written Name=value: {error}") from error
    return read


def _place(options: Sequence[str]) -> dict[str, str]:
    """Read from options of `sam deploy` where it deploys to."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--stack-name", "--region", "--profile", "--parameter-overrides"):
        parser.add_argument(name)
    found = {name: value for name, value in vars(parser.parse_known_args(options)[0]).items() if value}
    if "parameter_overrides" in found:
        raise ReleaseError("name parameters with --parameters: the release is a digest of their values")
    return found


def main(arguments: Sequence[str]) -> int:
    """Do what is asked; one clear line and a 1 where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m infra.release", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build for AWS")
    deploying = commands.add_parser("deploy", help="build, and deploy as one release", allow_abbrev=False)
    deploying.add_argument("--stage", default="default", help="an environment of samconfig.toml")
    deploying.add_argument("--parameters", default="", help="'Name=value Name=value': before those of samconfig.toml")
    asked, options = parser.parse_known_args(arguments)
    try:
        release = build()
        if asked.command == "build":
            print(f"\nRelease {release[:_SHOWN]} is built. `make deploy` deploys it.")
        else:
            release = deploy(asked.stage, [asked.parameters], options)
            print(f"\nRelease {release[:_SHOWN]} is deployed: every function serves it.")
    except (ReleaseError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"turnkeeper: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
