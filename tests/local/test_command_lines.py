"""The services as processes: they answer, and end when they are told to."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("service", ["model_provider", "tools_service"])
def test_a_service_answers_and_ends_on_sigterm(service: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", f"infra.local.{service}", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert str(port) in process.stdout.readline()

        answer = httpx.get(f"http://127.0.0.1:{port}/_calls", trust_env=False)
        process.send_signal(signal.SIGTERM)

        assert answer.json() == []
        assert process.wait(timeout=5) == 0
        assert process.stderr.read() == ""
