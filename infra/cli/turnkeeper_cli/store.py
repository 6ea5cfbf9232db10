"""The table of a deployment: the local stack's, a CloudFormation stack's, or one by name."""

import getpass
import os
import time
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cyclopts import Parameter
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.adapters.secrets import Secrets, variable_of
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Table
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import has_local_stack, local_stack, stack_of, tenant_of

_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})


@Parameter(name="*")
@dataclass(frozen=True)
class Place:
    """Which deployment: the local stack unless one is named."""

    stack_name: str | None = None
    """Look at this CloudFormation stack, with your AWS credentials."""

    stage: str | None = None
    """Look at the stack of this stage, which samconfig.toml names, with your AWS credentials."""

    table: str | None = None
    """Look at this DynamoDB table, with your AWS credentials."""

    tenant: str | None = None
    """Whose data: a service's client id. Default: the stack's first service."""

    def open(self) -> "Store":
        """Find the table, and the tenant."""
        if self.table:
            return Store(DynamoTable(_client("dynamodb"), self.table), self.tenant)
        facts, where = self._stack()
        table = DynamoTable(_client("dynamodb", **where), facts["TableName"])
        return Store(table, self.tenant or facts["ServiceClientId"])

    def callback_key(self) -> str:
        """Read the deployment's key, from which each tenant's callback secret is derived."""
        if self.table:
            raise CliError("the key is the stack's, and not the table's: say --stack-name")
        facts, where = self._stack()
        return str(
            _client("secretsmanager", **where).get_secret_value(SecretId=facts["CallbackKeyArn"])["SecretString"]
        )

    def secret(self, name: str, default: str = "") -> str:
        """Read a secret of the deployment, or its variable of this shell; raises CliError or DependencyError.

        Secrets of the local stack, and of a table by name, are those of the shell.
        """
        secrets, variable = Secrets(os.environ), variable_of(name)
        if not os.environ.get(variable, "").strip():
            if not (self.stack_name or self.stage):
                if default:
                    return default
                raise CliError(f"no key: set {variable}")
            secrets = Secrets(os.environ, f"turnkeeper/{self.stack_name or stack_of(self.stage or '')}/")
        return secrets.secret(name).read()

    def region(self) -> str | None:
        """Return the region of the deployment; None where nobody said which."""
        if self.is_local and has_local_stack():
            return str(local_stack()["region"])
        return boto3.Session().region_name or os.environ.get("AWS_REGION")

    @staticmethod
    def bedrock(region: str | None) -> Any:
        """Make the client of Bedrock's control plane in a region, with your AWS credentials."""
        return _client("bedrock", **({"region_name": region} if region else {}))

    def who(self) -> str:
        """Return who you are, for the versions of the stage: to AWS your identity, on the local stack your user."""
        if self.is_local:
            return getpass.getuser()
        return str(_client("sts").get_caller_identity()["Arn"])

    @staticmethod
    def now() -> float:
        """Return the moment, in seconds since the epoch."""
        return time.time()

    @property
    def is_local(self) -> bool:
        """Whether the local stack is meant."""
        return not (self.stack_name or self.stage or self.table)

    def stage_name(self) -> str:
        """Return the stage whose file is meant; raises CliError where nobody said which."""
        if self.is_local:
            return str(local_stack().get("stage", "local"))
        if not self.stage:
            raise CliError("name the stage, --stage prod, or its file")
        return self.stage

    def local_variables(self) -> dict[str, str]:
        """Return the variables that the local stack has for its stage's file."""
        return dict(local_stack().get("variables", {})) if self.is_local else {}

    def known_tenant(self, tenant: str) -> str:
        """Return a tenant's client id; raises CliError where the stack has no such service."""
        if self.table:
            raise CliError("tenants are the stack's, and not the table's: say --stack-name or --stage")
        facts, where = self._stack()
        try:
            client = _client("cognito-idp", **where).describe_user_pool_client(
                UserPoolId=facts["UserPoolId"], ClientId=tenant
            )["UserPoolClient"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "InvalidParameterException"):
                raise
            client = {}
        if "client_credentials" not in client.get("AllowedOAuthFlows", []):
            raise CliError(f"there is no tenant {tenant!r}: write the client id of a service of this stack")
        return tenant

    def _stack(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the outputs of a stack, and what its clients need."""
        if self.stack_name or self.stage:
            return _outputs(self.stack_name or stack_of(self.stage or "")), {}
        stack = local_stack()
        facts = {
            "TableName": stack["table_name"],
            "ServiceClientId": tenant_of(stack["tokens"]["service"]),
            "CallbackKeyArn": stack.get("callback_key_arn", ""),
            "UserPoolId": stack["user_pool_id"],
        }
        return facts, {
            "endpoint_url": stack["aws_endpoint_url"],
            "region_name": stack["region"],
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }


@dataclass(frozen=True)
class Store:
    """A table, and whose part of it is meant."""

    table: Table
    named_tenant: str | None

    @property
    def tenant(self) -> str:
        """The tenant; raises CliError where nobody said which."""
        if self.named_tenant is None:
            raise CliError("say whose data you mean: --tenant, the client id of a service")
        return self.named_tenant

    @property
    def turns(self) -> TurnStore:
        """The turns of the table."""
        return TurnStore(self.table, time.time)

    @property
    def spend(self) -> SpendStore:
        """The money of the table."""
        return SpendStore(self.table, time.time)

    def whole_turn(self, turn_id: str) -> WholeTurn:
        """Read a turn with everything that happened in it; raises CliError where there is none."""
        whole = self.turns.whole(turn_id)
        if whole is None:
            raise CliError(f"there is no turn {turn_id!r} in this table (turns are kept for 30 days)")
        return whole


def explained(error: Exception) -> str:
    """Say what a failure of AWS means for the person at the terminal."""
    match error:
        case StoreUnavailable():
            why = f" ({error.__cause__})" if error.__cause__ else ""
            return f"the table does not answer{why}: is the stack up (`make up`), are region and credentials right?"
        case ClientError():
            return f"AWS refused: {error}"
        case _:
            return f"AWS cannot be reached: {error} (set AWS_PROFILE or AWS_REGION, or leave --stack-name out)"


AWS_ERRORS = (StoreUnavailable, ClientError, BotoCoreError)


def _client(service: str, **where: str) -> Any:
    return boto3.client(service, config=_CONFIG, **where)  # type: ignore[call-overload]


def _outputs(stack_name: str) -> dict[str, str]:
    found = _client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])}
    if "TableName" not in outputs:
        raise CliError(f"{stack_name} is no Turnkeeper stack: it has no output TableName")
    return outputs
