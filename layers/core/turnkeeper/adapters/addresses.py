"""Finds the address of a host that tools may call, and refuses private, link-local and metadata addresses."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host; raises OSError where there are none."""

_LAST_32_BITS = [ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96")]
"""Where an IPv4 address stands at the end: NAT64, and the old "compatible" addresses."""

_NOT_PUBLIC = [
    # NAT64 of one's own network: where in it the IPv4 address stands is that network's choice (RFC 8215).
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    # What Python takes for global: the old site-local addresses (RFC 3879), and translated IPv4 (RFC 2765).
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("::ffff:0:0:0/96"),
]


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for a host's addresses."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def public_address(host: str, port: int, resolve: Resolve) -> str:
    """Return an address to connect to; raises DependencyError when any address of the host is not public.

    Connect to this address and not to the name: a name may resolve to another address a moment later.
    """
    try:
        found = resolve(host, port)
    except OSError as error:
        raise DependencyError(Failure.CONNECTION, "the name does not resolve", sent=False) from error
    if not found or not all(is_public(address) for address in found):
        raise DependencyError(Failure.BAD_REQUEST, f"{host} has a private address", sent=False)
    return found[0]


def is_public(address: str) -> bool:
    """Whether an address is of the public Internet, also behind the ways to write an IPv4 address as IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in network for network in _NOT_PUBLIC):
            return False
        ip = _hidden(ip) or ip
    return ip.is_global and not ip.is_multicast


def _hidden(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a packet to this one would reach in the end."""
    if any(ip in network for network in _LAST_32_BITS):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
