"""AWS's own linters have nothing to say about the template."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.source import ROOT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [["sam", "validate", "--lint"], ["cfn-lint", "template.yaml"]],
    ids=lambda command: command[0],
)
def test_the_template_is_clean(command: list[str]) -> None:
    env = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1"}
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
