"""`turnkeeper callback-secret`: what a tenant's receiver needs to check that a message is ours."""

import boto3
from turnkeeper.domain.callbacks import shown_secret, tenant_secret

from tests.cli.conftest import REGION, Run, Stack

KEY = "the deployment's key"


def test_it_is_the_secret_that_signs_this_tenants_messages(stack: Stack, run: Run) -> None:
    secrets = boto3.client("secretsmanager", region_name=REGION)
    arn = secrets.create_secret(Name="callbacks", SecretString=KEY)["ARN"]
    stack.write_stack_file("http://127.0.0.1:1", callback_key_arn=arn, aws_endpoint_url=secrets.meta.endpoint_url)

    acme, other = run("callback-secret", "acme"), run("callback-secret", "other")

    assert (0, f"{shown_secret(tenant_secret(KEY, 'acme'))}\n") == (acme.code, acme.out)
    assert acme.out != other.out


def test_a_table_alone_has_no_key(run: Run) -> None:
    result = run("callback-secret", "acme", "--table", "turnkeeper")

    assert 1 == result.code
    assert "--stack-name" in result.err
