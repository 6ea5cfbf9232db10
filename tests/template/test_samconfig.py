"""`sam build && sam deploy --guided` and `sam local` find what they need in samconfig.toml."""

import tomllib

import pytest

from tests.template.source import ROOT, of_type

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]


def test_a_deployment_asks_before_it_changes_anything() -> None:
    assert CONFIG["deploy"]["parameters"]["confirm_changeset"]


def test_a_deployment_may_make_roles_without_names_of_their_own() -> None:
    """CAPABILITY_IAM is enough as long as no role and no policy is named."""
    named = {n for n, p in of_type("AWS::IAM::ManagedPolicy").items() if "ManagedPolicyName" in p}
    named |= {n for n, p in of_type("AWS::IAM::Role").items() if "RoleName" in p}

    assert ("CAPABILITY_IAM", set()) == (CONFIG["deploy"]["parameters"]["capabilities"], named)


@pytest.mark.parametrize("command", ["local_invoke", "local_start_api"])
def test_sam_local_has_its_variables(command: str) -> None:
    assert (ROOT / CONFIG[command]["parameters"]["env_vars"]).exists()
