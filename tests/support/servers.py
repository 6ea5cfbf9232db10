"""Runs another program that serves HTTP, for as long as tests need it."""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_LAST = 2_000
"""Characters of the log that are shown when it does not start."""


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def started(
    command: Sequence[str], healthy: str, log: Path, environment: Mapping[str, str], *, patience_s: float
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command from the moment when the URL `healthy` answers to the end of the block.

    Raises RuntimeError, with the end of its log, if it ends before or is not there in `patience_s`.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=log.parent, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        _wait(process, healthy, log, time.monotonic() + patience_s)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", healthy: str, log: Path, end: float) -> None:
    while True:
        try:
            with urllib.request.urlopen(healthy, timeout=1):  # noqa: S310 - our own address
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{healthy} did not answer: {log.read_text()[-_LAST:]}") from error
            time.sleep(0.05)
