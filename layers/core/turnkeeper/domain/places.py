"""What a base URL, a host and the name of a secret look like, in agents and in a stage's file."""

import re
from collections.abc import Container
from typing import Any
from urllib.parse import urlsplit

_SECRET = re.compile(r"ssm:/[A-Za-z0-9_./-]+|[A-Za-z0-9/_+=.@-]+")
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def is_url(value: Any) -> bool:
    """Whether a value is an http or https URL with a host, and with no user, query or fragment."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or set(" \\") & set(value):
        return False
    try:
        parts = urlsplit(value)
        has_host = (is_host(parts.hostname) or parts.netloc.startswith("[")) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and has_host and not set("?#") & set(value) and "@" not in parts.netloc


def is_clear(url: str, private_hosts: Container[str]) -> bool:
    """Whether what is sent to a URL goes in the clear over a network that is not the owner's: http, to other hosts."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in private_hosts


def is_host(value: Any) -> bool:
    """Whether a value is the name of a host or its IPv4 address, with no port."""
    return isinstance(value, str) and _HOST.fullmatch(value) is not None


def is_secret_name(value: Any) -> bool:
    """Whether a value names a secret: a name of its own, or `ssm:/name`. An ARN does not: no right admits it."""
    return isinstance(value, str) and _SECRET.fullmatch(value) is not None
