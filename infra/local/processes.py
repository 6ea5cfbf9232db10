"""The background processes of the local cloud: stopping them leaves nothing behind."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

import psutil

from infra.local.config import LOGS, PROCESSES, ROOT, LocalCloudError

_GRACE_S = 5.0


def start(name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Start a process in the background; its output goes to .local/log/<name>.log."""
    LOGS.mkdir(parents=True, exist_ok=True)
    PROCESSES.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{name}.log").open("wb") as log:
        try:
            process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise LocalCloudError(f"{argv[0]} is missing: run `make setup`") from error
    (PROCESSES / name).write_text(f"{process.pid} {psutil.Process(process.pid).create_time()}")


def running(name: str) -> bool:
    """Whether a process that was started under this name still runs."""
    return _process(name) is not None


def stop_all() -> list[str]:
    """Stop every process, with what it started; returns their names."""
    names = sorted(p.name for p in PROCESSES.glob("*")) if PROCESSES.exists() else []
    found = {name: process for name in names if (process := _process(name)) is not None}
    family = [member for process in found.values() for member in [*process.children(recursive=True), process]]
    for member in family:
        _end(member, kill=False)
    _, alive = psutil.wait_procs(family, timeout=_GRACE_S)
    for member in alive:
        _end(member, kill=True)
    for name in names:
        (PROCESSES / name).unlink(missing_ok=True)
    return list(found)


def wait_until(ready: Callable[[], bool], what: str, *, name: str, seconds: float = 30) -> None:
    """Wait until something is ready; raises LocalCloudError when its process died, or when it takes too long."""
    end = time.monotonic() + seconds
    while not ready():
        if not running(name):
            raise LocalCloudError(f"{what} did not start: see .local/log/{name}.log")
        if time.monotonic() > end:
            raise LocalCloudError(f"{what} was not ready within {seconds:.0f} s: see .local/log/{name}.log")
        time.sleep(0.05)


def is_busy(port: int) -> bool:
    """Whether something listens on a local port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(process: psutil.Process, *, kill: bool) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        if kill:
            process.kill()
        else:
            process.terminate()


def _process(name: str) -> psutil.Process | None:
    """Return the process of a name: that very one, not another that got its number later."""
    file = PROCESSES / name
    if not file.exists():
        return None
    pid, _, born = file.read_text().partition(" ")
    try:
        process = psutil.Process(int(pid))
        lives = f"{process.create_time()}" == born and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return None
    return process if lives else None
