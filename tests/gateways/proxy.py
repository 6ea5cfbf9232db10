"""A LiteLLM proxy in a process of its own, which reaches nothing but this machine."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LITELLM = ROOT / ".venv-litellm" / "bin" / "litellm"
KEY = "sk-proxy"
_PATIENCE_S = 120
_NOWHERE = "http://127.0.0.1:9"
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",  # it reads no .env
    "HTTPS_PROXY": _NOWHERE,  # whatever it would fetch, it cannot
    "HTTP_PROXY": _NOWHERE,
    "NO_PROXY": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that runs: its address without a slash at the end, and the file that it logs to."""

    url: str
    log: Path


@contextmanager
def running(config: Mapping[str, Any], folder: Path) -> Iterator[Proxy]:
    """Run a proxy with this configuration while the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file, proxy = folder / "config.yaml", Proxy(f"http://127.0.0.1:{port}", folder / "litellm.log")
    file.write_text(json.dumps(config))  # JSON is YAML
    command = [str(LITELLM), "--config", str(file), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **_ENVIRONMENT}
    with proxy.log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        _wait(proxy, process)
        yield proxy
    finally:
        process.kill()
        process.wait()


def _wait(proxy: Proxy, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(f"{proxy.url}/health/liveliness", timeout=1):  # noqa: S310 - our own address
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"LiteLLM did not start: {proxy.log.read_text()[-2000:]}") from error
            time.sleep(0.1)
