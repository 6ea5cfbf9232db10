"""Reads the bodies of HTTP answers within a limit. None is unpacked: a few bytes could unpack to gigabytes."""

from typing import TYPE_CHECKING

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

if TYPE_CHECKING:
    import httpx

AS_IT_IS = {"Accept-Encoding": "identity"}
"""The header that asks for a body that is not packed."""


def packed_as(answer: "httpx.Response") -> str:
    """Return how a body is packed, such as gzip; empty where it is not."""
    encoding = str(answer.headers.get("content-encoding", "")).strip().lower()
    return "" if encoding == "identity" else encoding


def read_body(answer: "httpx.Response", most_bytes: int, *, by: str, too_long: str) -> bytes:
    """Read a body, of which at most `most_bytes` are kept in memory; `by` says who answered.

    Raises DependencyError(GARBAGE) if it is packed, or longer: with the text `too_long`.
    """
    if packed_as(answer):
        detail = f"{by} answered with a Content-Encoding: it must heed Accept-Encoding: identity"
        raise DependencyError(Failure.GARBAGE, detail)
    body = bytearray()
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > most_bytes:
            raise DependencyError(Failure.GARBAGE, too_long)
    return bytes(body)
