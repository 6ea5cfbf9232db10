"""Which addresses tools may call: those of the public Internet, however they are written."""

from collections.abc import Sequence

import pytest
from turnkeeper.adapters.addresses import is_public, public_address, resolve
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - it is not bound
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # carriers' NAT
    "169.254.169.254",  # the metadata of EC2
    "169.254.170.2",  # the credentials of ECS
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",  # the metadata of EC2
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",  # NAT64
    "64:ff9b:1::a9fe:a9fe",
    "::ffff:0:169.254.169.254",  # translated
    "::ffff:0:5db8:d822",
    "fec0::1",  # site-local
    "feff::1",
    "2002:a9fe:a9fe::1",  # 6to4
    "2001:0:0:0:0:0:5601:5601",  # Teredo
]

NUMBERS = ["2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "2852039166", "0xa9fea9fe", "0"]
"""127.0.0.1, 169.254.169.254 and 0.0.0.0, as a resolver reads them."""


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_link_local_and_metadata_addresses_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", NUMBERS)
def test_numbers_that_resolve_to_a_private_address_are_refused(host: str) -> None:
    with pytest.raises(DependencyError, match="private address"):
        public_address(host, 80, resolve)


@pytest.mark.parametrize("addresses", [("93.184.216.34", "10.0.0.1"), ("::ffff:10.0.0.1",), ()])
def test_one_private_address_is_enough_to_refuse_a_host(addresses: Sequence[str]) -> None:
    with pytest.raises(DependencyError) as refused:
        public_address("shop.example", 443, lambda host, port: addresses)

    assert (Failure.BAD_REQUEST, False) == (refused.value.failure, refused.value.sent)


def test_the_address_to_connect_to_is_the_one_that_was_checked() -> None:
    assert "93.184.216.34" == public_address("shop.example", 443, lambda host, port: ["93.184.216.34", "1.1.1.1"])


def test_a_name_that_does_not_resolve_reached_nobody() -> None:
    def none(host: str, port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(DependencyError) as refused:
        public_address("shop.example", 443, none)

    assert (Failure.CONNECTION, False) == (refused.value.failure, refused.value.sent)
