"""`sam local` runs functions in Lambda's own image, with the project's events; skipped where no Docker answers."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.config import REGION
from infra.release import sam_environment

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
ACCOUNT = {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""The account of the local cloud, which sam local hands on."""

IMAGE = f"public.ecr.aws/lambda/python:3.13-{MACHINE}"


def docker(*arguments: str) -> bool:
    """Whether a command of Docker's succeeds."""
    if not shutil.which("docker"):
        return False
    done = subprocess.run(["docker", *arguments], capture_output=True, check=False, timeout=600)  # noqa: S607
    return done.returncode == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project, for this machine's architecture, and build it as its users do."""
    if not docker("info"):
        pytest.skip("no Docker daemon answers")
    if not docker("image", "inspect", IMAGE) and not docker("pull", IMAGE):
        pytest.skip(f"there is no image {IMAGE}, and none can be pulled")
    project = tmp_path_factory.mktemp("project")
    for name in ("events", "functions", "layers", "statemachines"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "samconfig.toml", project)
    (project / "template.yaml").write_text((ROOT / "template.yaml").read_text().replace("arm64", MACHINE))
    sam(project, "build", LAMBDA_PLATFORM=f"{platform.machine()}-manylinux_2_28")
    return project


def sam(project: Path, *arguments: str, **env: str) -> str:
    command = [str(Path(sys.executable).parent / "sam"), *arguments]
    done = subprocess.run(
        command,
        cwd=project,
        env={**sam_environment(), **ACCOUNT, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert 0 == done.returncode, done.stderr[-2_000:]
    return done.stdout


def invoke(project: Path, function: str, event: str) -> dict[str, object]:
    host = ["--add-host", "host.docker.internal:host-gateway"] if sys.platform == "linux" else []
    arguments = [function, "--event", f"events/{event}.json", "--skip-pull-image", *host]
    answer: dict[str, object] = json.loads(sam(project, "local", "invoke", *arguments).strip().splitlines()[-1])
    return answer


def test_a_function_that_asks_nobody_answers(project: Path) -> None:
    assert 200 == invoke(project, "ContractFunction", "contract")["statusCode"]


@pytest.mark.skipif(
    sys.platform == "linux" and not os.environ.get("TURNKEEPER_BIND"),
    reason="containers do not reach the loopback address: TURNKEEPER_BIND=0.0.0.0",
)
def test_a_turn_is_answered_by_the_models_of_the_local_cloud(project: Path) -> None:
    answer = invoke(project, "TurnsFunction", "turns")

    assert (200, "completed") == (answer["statusCode"], json.loads(str(answer["body"]))["status"])
