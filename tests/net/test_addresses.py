"""Which addresses may be dialled, in every way to write them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.net.addresses import AddressPolicy

OPEN = AddressPolicy()
CLOSED = AddressPolicy(private=False)

NEVER = {
    "169.254.169.254": "metadata",
    "169.254.170.2": "metadata",
    "100.100.100.200": "metadata",
    "168.63.129.16": "metadata",
    "192.0.0.192": "metadata",
    "fd00:ec2::254": "metadata",
    "fd00:ec2::23": "metadata",
    "fd20:ce::254": "metadata",
    "fd00:42::42": "metadata",
    "169.254.0.1": "link-local",
    "fe80::1": "link-local",
    "fe80::1%1": "link-local",
    "febf::1": "link-local",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "224.0.0.1": "multicast",
    "ff02::1": "multicast",
    "255.255.255.255": "broadcast",
    "240.0.0.1": "reserved",
}
PRIVATE = [
    *("127.0.0.1", "127.255.0.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("198.18.0.1", "192.0.2.1", "::1", "fc00::1", "fd12:3456::1", "fec0::1", "2001:db8::1"),
]
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860:4860::8888", "2606:4700::1111"]


def spellings(address: str) -> list[str]:
    """The ways in which IPv6 says an IPv4 address."""
    number = int(IPv4Address(address))
    return [
        str(IPv6Address(each))
        for each in (
            0xFFFF << 32 | number,
            0xFFFF << 48 | number,
            number,
            0x64FF9B << 96 | number,
            0x2002 << 112 | number << 80 | 1,
        )
    ]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_dialled(address: str) -> None:
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    for policy in (OPEN, CLOSED, AddressPolicy(private=False, allow=everything)):
        assert NEVER[address] in policy.refusal(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_dialled_unless_they_are_refused(address: str) -> None:
    assert not OPEN.refusal(address)
    assert "network.private_addresses" in CLOSED.refusal(address)
    assert not AddressPolicy(private=False, allow=(ip_network(address),)).refusal(address)


@pytest.mark.parametrize(
    "address",
    [
        *("10.255.0.1", "172.16.0.1", "192.168.255.1", "127.0.0.1", "100.127.0.1", "198.19.0.1"),
        *("192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
        *("::1", "fc00::1", "fdff::1", "fec0::1", "64:ff9b:1::808:808"),
    ],
)
def test_private_addresses_are_the_same_with_every_release_of_python(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (IPv4Address, IPv6Address):
        monkeypatch.setattr(kind, "is_global", True)
    assert "network.private_addresses" in CLOSED.refusal(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_dialled_unless_they_are_denied(address: str) -> None:
    assert not OPEN.refusal(address)
    assert not CLOSED.refusal(address)
    assert "network.deny" in AddressPolicy(deny=(ip_network(address),)).refusal(address)


def test_a_denied_address_is_not_allowed_by_anything_else() -> None:
    policy = AddressPolicy(
        private=False, allow=(ip_network("10.0.0.0/8"),), deny=(ip_network("10.1.0.0/16"),)
    )
    assert not policy.refusal("10.2.0.1")
    assert "10.1.0.0/16 of network.deny" in policy.refusal("10.1.0.1")


@pytest.mark.parametrize("policy", [OPEN, CLOSED], ids=["private allowed", "private refused"])
@given(
    number=st.one_of(
        st.integers(0, 2**32 - 1), st.sampled_from([int(IPv4Address(a)) for a in NEVER if ":" not in a])
    )
)
def test_an_ipv4_address_is_judged_alike_however_ipv6_writes_it(policy: AddressPolicy, number: int) -> None:
    address = str(IPv4Address(number))
    for spelling in spellings(address):
        if spelling not in ("::", "::1"):
            assert policy.refusal(spelling) == policy.refusal(address), spelling


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b:1::a9fe:a9fe",  # NAT64 of one's own
        "2001:0:808:808:0:0:5601:5601",  # Teredo, the client's address inverted
        "2001:0:a9fe:a9fe::1",  # Teredo's server
        "2a00:1:2:3:0:5efe:a9fe:a9fe",  # ISATAP
    ],
)
def test_an_address_that_leads_to_a_metadata_service_is_refused(address: str) -> None:
    assert "no setting allows" in OPEN.refusal(address)
