"""Brings the local cloud up, and takes it down."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import boto3

from infra.local import config, deploy, people, processes
from infra.local.config import (
    LOCAL,
    REGION,
    ROOT,
    STACK_FILE,
    LocalCloudError,
    Ports,
    aws_environment,
    bind_host,
    read_stack,
)
from infra.local.terminal import paint, say, step
from infra.local.warm_up import warm_up

_MINISTACK = ROOT / ".venv-ministack" / "bin" / "ministack"
_CLOUD, _MODELS, _TOOLS, _RECONCILER = "cloud", "model-provider", "tools-service", "reconciler"


def is_up() -> bool:
    """Whether the local cloud runs, and was brought up completely."""
    return STACK_FILE.exists() and all(processes.running(name) for name in (_CLOUD, _MODELS, _TOOLS, _RECONCILER))


def up() -> dict[str, Any]:
    """Bring everything up and return stack.json. Raises LocalCloudError, and leaves nothing behind then."""
    if is_up():
        stack = read_stack()
        say(f"The local cloud is up already: {stack['api_url']} (`make down` stops it).")
        return stack
    processes.stop_all()
    STACK_FILE.unlink(missing_ok=True)
    ports = Ports.from_env()
    _check(ports)
    say(paint("Bringing the local cloud up", "bold"))
    try:
        return _bring_up(ports)
    except BaseException:
        processes.stop_all()
        raise


def down() -> None:
    """Stop everything. State is in memory, so it is gone."""
    stopped = processes.stop_all()
    STACK_FILE.unlink(missing_ok=True)
    say("The local cloud is down." if stopped else "The local cloud was not up.")


def _check(ports: Ports) -> None:
    wanted = {
        "TURNKEEPER_PORT": ports.cloud,
        "TURNKEEPER_MODELS_PORT": ports.models,
        "TURNKEEPER_TOOLS_PORT": ports.tools,
    }
    for variable, port in wanted.items():
        if processes.is_busy(port):
            raise LocalCloudError(f"port {port} is busy: free it, or choose another, as in `{variable}=24566 make up`")
    if not shutil.which("make"):
        raise LocalCloudError("make is missing: install it, then run this again")
    if subprocess.run([ROOT / "infra" / "uv", "--version"], capture_output=True, check=False).returncode:
        raise LocalCloudError("uv is missing: run `make setup`")
    if not _MINISTACK.exists():
        raise LocalCloudError("the emulator is missing: run `make setup`")


def _bring_up(ports: Ports) -> dict[str, Any]:
    os.environ.update(aws_environment(ports))
    with step("start the services"):
        _start_services(ports)
    with step("sam build"):
        deploy.build()
        settings = deploy.stage_settings(ports)
    with step("sam deploy, with IAM enforced"):
        outputs = deploy.deploy(ports, settings)
        deploy.put_gateway_responses()
    with step("the stage's settings"):
        deploy.apply_stage(settings, outputs["TableName"])
    with step("people, tokens and inboxes"):
        stack = _describe(ports, outputs)
    with step("warm the functions up"):
        warm_up(stack)
        processes.start(_RECONCILER, [sys.executable, "-m", "infra.local.reconciler", outputs["ReconcileFunctionName"]])
    LOCAL.mkdir(exist_ok=True)
    unfinished = STACK_FILE.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(stack, indent=2) + "\n")
    unfinished.replace(STACK_FILE)
    return stack


def _start_services(ports: Ports) -> None:
    emulator = {
        "GATEWAY_PORT": str(ports.cloud),
        "BIND_HOST": bind_host(),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true",
    }
    # The emulator hands its environment on to the functions, and variables for our own tools must not reach them.
    for name in ("AWS_ENDPOINT_URL", "PYTHONPATH", "VIRTUAL_ENV"):
        os.environ.pop(name, None)
    processes.start(_CLOUD, [str(_MINISTACK)], emulator)
    for name, module, port in (
        (_MODELS, "infra.local.model_provider", ports.models),
        (_TOOLS, "infra.local.tools_service", ports.tools),
    ):
        processes.start(name, [sys.executable, "-m", module, "--port", str(port), "--host", bind_host()])
    processes.wait_until(lambda: _answers(f"{ports.cloud_url}/_ministack/health"), "the emulated AWS", name=_CLOUD)
    processes.wait_until(lambda: _answers(f"{ports.models_url}/_calls"), "the model provider", name=_MODELS)
    processes.wait_until(lambda: _answers(f"{ports.tools_url}/_calls"), "the tools' service", name=_TOOLS)
    os.environ.update(aws_environment(ports))


def _describe(ports: Ports, outputs: dict[str, str]) -> dict[str, Any]:
    tokens = people.make_tokens(
        outputs["UserPoolId"], outputs["ServiceClientId"], outputs["ConsoleClientId"], ports.cloud_url
    )
    return {
        "api_url": ports.api_url,
        "console_url": f"{ports.api_url}/console",
        "aws_endpoint_url": ports.cloud_url,
        "region": REGION,
        "table_name": outputs["TableName"],
        "state_machine_arn": outputs["StateMachineArn"],
        "on_call_topic_arn": outputs["OnCallTopicArn"],
        "on_call_inbox_url": _inbox("on-call-inbox", outputs["OnCallTopicArn"]),
        "owner_topic_arn": outputs["OwnerTopicArn"],
        "owner_inbox_url": _inbox("owner-inbox", outputs["OwnerTopicArn"]),
        "model_provider_url": ports.models_url,
        "tools_url": ports.tools_url,
        "reconcile_function": outputs["ReconcileFunctionName"],
        "console_password": people.CONSOLE_PASSWORD,
        "tenant": outputs["ServiceClientId"],
        "callback_key_arn": outputs["CallbackKeyArn"],
        "user_pool_id": outputs["UserPoolId"],
        "stage": config.stage(),
        "variables": config.variables(ports),
        "tokens": tokens,
    }


def _inbox(name: str, topic: str) -> str:
    """Subscribe a queue to a topic, so that what was published can be read."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
