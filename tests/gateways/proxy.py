"""A LiteLLM proxy in a process of its own, which reaches nothing but this machine."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.servers import free_port, started

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
    port = free_port()
    file, proxy = folder / "config.yaml", Proxy(f"http://127.0.0.1:{port}", folder / "litellm.log")
    file.write_text(json.dumps(config))  # JSON is YAML
    command = [str(LITELLM), "--config", str(file), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **_ENVIRONMENT}
    with started(command, f"{proxy.url}/health/liveliness", proxy.log, environment, patience_s=_PATIENCE_S):
        yield proxy
