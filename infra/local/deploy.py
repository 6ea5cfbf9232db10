"""Builds the project with the SAM CLI and deploys its real template to the local cloud."""

import os
import platform
import re
import subprocess
import sys
import time
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.stores.stage import StageStore
from turnkeeper_cli import stage_file
from turnkeeper_cli.config import apply_to
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import project_agents
from turnkeeper_cli.stage_file import StageFile

from infra import release
from infra.local.config import (
    API_ID,
    BUILD,
    LOGS,
    ROOT,
    SSM,
    STACK_NAME,
    LocalCloudError,
    Ports,
    aws_environment,
    parameters,
    secrets,
    stage,
    variables,
)

_MAKES_OWN = re.compile(r"make(\[\d+\])?: ")
"""How a line of make's own begins: it says which rule failed, and not why."""


_LOOK_EVERY_S = "0.5"
"""Seconds between two looks of SAM at its deployment; it takes 5, as AWS needs minutes."""


def build() -> None:
    """Run `sam build`, for this machine's own Python, in which the local cloud runs the functions."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = {"LAMBDA_PYTHON": version, "LAMBDA_PLATFORM": f"{platform.machine()}-manylinux_2_28"}
    _sam("build", "build", "--cached", "--parallel", "--build-dir", str(BUILD), env=target)


def deploy(ports: Ports, settings: StageFile, name: str = STACK_NAME) -> dict[str, str]:
    """Store the secrets, run `sam deploy` as one release, and return the outputs; `name` is also the API's id."""
    put_secrets(ports, settings, name)
    values = parameters(ports)
    values[release.RELEASE] = release.write_release(BUILD, values)
    overrides = [f"{name}={value}" for name, value in values.items()]
    _sam(
        "deploy",
        *("deploy", "--template-file", str(BUILD / "template.yaml"), "--stack-name", name, "--resolve-s3"),
        *(
            "--capabilities",
            "CAPABILITY_IAM",
            "--no-confirm-changeset",
            "--no-progressbar",
            "--no-fail-on-empty-changeset",
        ),
        *("--tags", f"ms-custom-id={name}", "--parameter-overrides", *overrides),
        env={**aws_environment(ports), "SAM_CLI_POLL_DELAY": _LOOK_EVERY_S},
    )
    stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {o["OutputKey"]: o["OutputValue"] for o in stacks[0]["Outputs"]}


def stage_settings(ports: Ports) -> StageFile:
    """Read the file of the local stage; raises LocalCloudError, which names the line."""
    try:
        return stage_file.read(ROOT / stage_file.path_of(stage()), {**os.environ, **variables(ports)})
    except CliError as error:
        raise LocalCloudError(str(error)) from error


def apply_stage(settings: StageFile, table_name: str) -> None:
    """Put the stage's settings in force. Raises LocalCloudError where somebody else changed them at the same time."""
    try:
        apply_to(StageStore(DynamoTable(boto3.client("dynamodb"), table_name)), settings, by="make up", at=time.time())
    except CliError as error:
        raise LocalCloudError(str(error)) from error


def put_secrets(ports: Ports, settings: StageFile, stack: str) -> None:
    """Store a stack's secrets where its functions look for them."""
    manager, ssm = boto3.client("secretsmanager"), boto3.client("ssm")
    for place, value in secrets(project_agents().values(), settings.settings, ports, stack).items():
        if place.startswith(SSM):
            name = place.removeprefix(SSM)
            ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
            continue
        try:
            manager.create_secret(Name=place, SecretString=value)
        except manager.exceptions.ResourceExistsException:
            manager.put_secret_value(SecretId=place, SecretString=value)


def put_gateway_responses() -> None:
    """Give the API the gateway responses of the template: the emulator does not import them with the API's body."""
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    responses = template["Resources"]["Api"]["Properties"]["GatewayResponses"]
    client = boto3.client("apigateway")
    for kind, response in responses.items():
        headers = response.get("ResponseParameters", {}).get("Headers", {})
        status = {"statusCode": str(response["StatusCode"])} if "StatusCode" in response else {}
        client.put_gateway_response(
            restApiId=API_ID,
            responseType=kind,
            responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()},
            responseTemplates=response["ResponseTemplates"],
            **status,
        )
    client.create_deployment(restApiId=API_ID, stageName="prod")


def fault_in(log: str) -> str:
    """Return why SAM failed, by its log: what a layer's build wrote to stderr, or else the last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    told = "\n".join(lines).rpartition("Make Failed: ")[2] if "Make Failed: " in log else ""
    own = [line for line in told.splitlines() if not _MAKES_OWN.match(line)]
    return "\n".join(own or lines[-1:])


def _sam(name: str, *arguments: str, env: dict[str, str]) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"sam-{name}.log"
    sam = os.path.join(os.path.dirname(sys.executable), "sam")  # noqa: PTH118, PTH120 - beside this very interpreter
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                [sam, *arguments],
                cwd=ROOT,
                env={**release.sam_environment(), **env},
                stdout=output,
                stderr=output,
                check=False,
            )
        except FileNotFoundError as error:
            raise LocalCloudError("the SAM CLI is missing: run `make setup`") from error
    if done.returncode:
        fault = fault_in(log.read_text(errors="replace"))
        raise LocalCloudError(f"sam {name} failed, see .local/log/sam-{name}.log:\n{fault}")


__all__ = ["apply_stage", "build", "deploy", "fault_in", "put_gateway_responses", "put_secrets", "stage_settings"]
