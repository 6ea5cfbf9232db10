"""`turnkeeper callback-secret`: what a tenant's receiver needs to check that a message is ours."""

from collections.abc import Iterator

import pytest
from turnkeeper.domain.callbacks import shown_secret, tenant_secret

from infra.local.http_service import Request, Response
from tests.cli.conftest import Run, Stack
from tests.local.chats import serving

KEY = "the deployment's key"
CLIENTS = {"acme": ["client_credentials"], "other": ["client_credentials"], "console": ["code"]}


def aws(request: Request) -> Response:
    """Answer as Cognito and Secrets Manager do."""
    match request.headers["x-amz-target"].partition(".")[2]:
        case "DescribeUserPoolClient" if (client := request.json()["ClientId"]) in CLIENTS:
            found = {"ClientId": client, "AllowedOAuthFlows": CLIENTS[client]}
            return Response.of_json(200, {"UserPoolClient": found})
        case "DescribeUserPoolClient":
            return Response.of_json(400, {"__type": "ResourceNotFoundException", "message": "no such client"})
        case "GetSecretValue":
            return Response.of_json(200, {"SecretString": KEY})
    return Response.of_json(500, {})


@pytest.fixture
def tenants(stack: Stack) -> Iterator[None]:
    """Let the stack have the clients, and a key."""
    with serving(aws) as url:
        stack.write_stack_file("http://127.0.0.1:1", callback_key_arn="arn", aws_endpoint_url=url)
        yield


@pytest.mark.usefixtures("tenants")
def test_it_is_the_secret_that_signs_this_tenants_messages(run: Run) -> None:
    acme, other = run("callback-secret", "acme"), run("callback-secret", "other")

    assert (0, f"{shown_secret(tenant_secret(KEY, 'acme'))}\n") == (acme.code, acme.out)
    assert acme.out != other.out


@pytest.mark.usefixtures("tenants")
@pytest.mark.parametrize("nobody", ["nope", "console"])
def test_whoever_is_no_tenant_has_no_secret(run: Run, nobody: str) -> None:
    result = run("callback-secret", nobody)

    assert (1, "") == (result.code, result.out)
    assert f"there is no tenant '{nobody}'" in result.err


def test_a_table_alone_has_no_key(run: Run) -> None:
    result = run("callback-secret", "acme", "--table", "turnkeeper")

    assert 1 == result.code
    assert "--stack-name" in result.err
