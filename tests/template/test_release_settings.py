"""`make deploy` puts the stage's file in force: at the right moment, and only a right one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from samcli.yamlhelper import yaml_dump  # type: ignore[import-untyped]
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.stores.stage import StageStore

from infra import release
from tests.contract.conftest import TABLE_NAME, dynamo_client, moto_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["dynamo_client", "moto_client"]


@dataclass
class Account:
    """An account with the stack, or without it; `seen` is which version was in force at each `sam deploy`."""

    table: "DynamoDBClient"
    file: Path
    has_stack: bool = True
    seen: list[int] = field(default_factory=list)

    @property
    def version(self) -> int:
        """The version that is in force."""
        return StageStore(DynamoTable(self.table, TABLE_NAME)).current().version

    def client(self, service: str) -> Any:
        """Give a client, as a session does."""
        return self.table if service == "dynamodb" else self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        """Answer as CloudFormation does."""
        outputs = [{"OutputKey": "TableName", "OutputValue": TABLE_NAME}] if self.has_stack else []
        return {"Stacks": [{"Outputs": outputs}]}

    def get_caller_identity(self) -> dict[str, str]:
        """Answer as STS does."""
        return {"Arn": "arn:aws:iam::1:user/olga"}

    def deploy(self) -> None:
        """Deploy from a small build."""
        build = self.file.parent / "build"
        build.mkdir(exist_ok=True)
        (build / "template.yaml").write_text(yaml_dump({"Parameters": {"Release": {"Default": "x"}}, "Resources": {}}))
        release.deploy("default", [], [], build)


@pytest.fixture
def account(dynamo_client: "DynamoDBClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Give an account, and a stage's file."""
    made = Account(dynamo_client, tmp_path / "default.toml")
    made.file.write_text("[turns]\nburst = 3\n")

    def sam(*_: str) -> None:
        made.seen.append(made.version)
        made.has_stack = True

    monkeypatch.setattr(release, "sam", sam)
    monkeypatch.setattr("boto3.Session", lambda **_: made)
    monkeypatch.setattr("turnkeeper_cli.stage_file.path_of", lambda stage: made.file)
    return made


def test_a_stack_that_never_had_settings_has_them_before_its_functions_move(account: Account) -> None:
    account.deploy()

    assert ([1], 1) == (account.seen, account.version)


def test_a_new_stack_has_them_as_soon_as_it_is_there(account: Account) -> None:
    account.has_stack = False
    account.deploy()

    assert ([0], 1) == (account.seen, account.version)


def test_later_settings_follow_the_code_that_knows_them(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account.deploy()
    account.file.write_text("[turns]\nburst = 4\n")
    account.deploy()
    account.deploy()

    assert ([1, 1, 2], 2) == (account.seen, account.version)
    assert "turns.burst: 3 -> 4" in capsys.readouterr().out


def test_a_wrong_file_deploys_nothing(account: Account) -> None:
    account.file.write_text("[turns]\nburst = 0\n")
    with pytest.raises(release.ReleaseError, match=r"nothing was deployed:\n.*default.toml:2: turns.burst: "):
        account.deploy()

    assert ([], 0) == (account.seen, account.version)


def test_a_stage_without_a_file_keeps_what_it_has(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account.deploy()
    account.file.unlink()
    account.deploy()

    assert ([1, 1], 1) == (account.seen, account.version)
    assert "does not exist: the stage keeps the settings that it has" in capsys.readouterr().out
