"""Types reach the API's door: mypy finds a call that is misspelt behind `services_of`."""

from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
HEAD = """\
from aws_lambda_powertools.event_handler.api_gateway import Router
from turnkeeper.api.app import services_of

made = services_of(Router())  # type: ignore[no-untyped-call]
"""


def errors(tmp_path: Path, *lines: str) -> list[str]:
    """What mypy finds wrong, with the project's own settings, in lines that use `made`."""
    file = tmp_path / "handler.py"
    file.write_text(HEAD + "\n".join(lines) + "\n")
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    out, err, _ = api.run([*settings, "--no-error-summary", str(file)])
    assert not err
    return [line for line in out.splitlines() if "handler.py" in line]


MISSPELT = [
    "made.operators.clam(None, '')",
    "made.lookups.turn('t').wat",
    "made.turns.opne(None)",
    "made.telemetry.cuont(None)",
    "made.settings.on_cal",
]


def test_mypy_finds_each_misspelt_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    found = errors(tmp_path, *MISSPELT)

    first = len(HEAD.splitlines()) + 1
    assert set(range(first, first + len(MISSPELT))) == {
        int(line.split(":")[1]) for line in found if "attr-defined" in line
    }


def test_mypy_has_nothing_to_say_of_right_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert [] == errors(tmp_path, "made.lookups.turn('t').view", "made.settings.on_call")
