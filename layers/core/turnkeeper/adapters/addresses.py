"""Finds the address of a host that tools may call, and refuses private, link-local and metadata addresses."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host; raises OSError where there are none."""

_LAST_32_BITS = [ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96")]
"""Networks whose addresses end in an IPv4 address: NAT64, and the deprecated "IPv4-compatible" addresses."""

_NOT_PUBLIC = [
    # NAT64 of a local network, which chooses by itself where the IPv4 address stands in it (RFC 8215).
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    # Python calls these global: the deprecated site-local addresses (RFC 3879), and translated IPv4 (RFC 2765).
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("::ffff:0:0:0/96"),
]


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for a host's addresses."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def public_address(host: str, port: int, resolve: Resolve) -> str:
    """Return an address of a host; raises DependencyError when it has none, or when any of them is not public.

    Connect to this address and not to the name: the name may resolve to another address a moment later.
    """
    try:
        found = resolve(host, port)
    except OSError as error:
        raise DependencyError(Failure.CONNECTION, "the name does not resolve", sent=False) from error
    if not found or not all(is_public(address) for address in found):
        raise DependencyError(Failure.BAD_REQUEST, f"{host} has a private address", sent=False)
    return found[0]


def is_public(address: str) -> bool:
    """Whether an address is on the public Internet; an IPv4 address inside an IPv6 one is judged as what it is."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in network for network in _NOT_PUBLIC):
            return False
        ip = _hidden(ip) or ip
    return ip.is_global and not ip.is_multicast


def _hidden(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address inside an IPv6 address, which a packet would reach in the end, or None."""
    if any(ip in network for network in _LAST_32_BITS):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
