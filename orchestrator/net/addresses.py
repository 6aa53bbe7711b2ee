"""Which addresses may be dialled. Pure: text in, a reason out.

Ours, because libraries against request forgery resolve a name themselves, and with threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# No application has such an address; a cloud's metadata service, with its keys, does.
_NEVER = {
    "an unspecified address": ("0.0.0.0/8", "::/128"),
    "a cloud's metadata service": (
        "169.254.169.254/32",
        "169.254.170.2/32",  # Amazon ECS
        "100.100.100.200/32",  # Alibaba
        "192.0.0.192/32",  # Oracle
        "168.63.129.16/32",  # Azure
        "fd00:ec2::254/128",  # Amazon
        "fd00:ec2::23/128",
        "fd20:ce::254/128",  # Google
        "fd00:42::42/128",  # Scaleway
    ),
    "a link-local address": ("169.254.0.0/16", "fe80::/10"),
    "a multicast address": ("224.0.0.0/4", "ff00::/8"),
    "a broadcast or reserved address": ("240.0.0.0/4",),
}
_REFUSED = [(ip_network(text), what) for what, networks in _NEVER.items() for text in networks]

# RFC 6598, 2544, 6890, 5737, 4193, 3879, 8215 beside the well-known ones; is_global knows more of them, and
# which ones depends on Python's release.
_PRIVATE = [
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "198.18.0.0/15"),
        *("192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
        *("::1/128", "fc00::/7", "fec0::/10", "64:ff9b:1::/48"),
    )
]

# IPv6 addresses that are a way to write an IPv4 one: how far its 32 bits are from the right.
_WRITTEN_IN = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated, RFC 2765
    (IPv6Network("::/96"), 0),  # compatible, RFC 4291
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
# Addresses of their own that also lead to an IPv4 one, or through one.
_LEADS_TO = (
    (IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of one's own, RFC 8215
    (IPv6Network("2001::/32"), 64),  # Teredo's server, RFC 4380
)
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, in the upper half of the interface's part
_IPV4 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The settings for connections to other machines' addresses."""

    private: bool = True
    """Whether loopback and private networks may be dialled."""
    allow: tuple[Network, ...] = ()
    """Private networks that may be dialled although `private` is false."""
    deny: tuple[Network, ...] = ()
    """Networks that may not be dialled, whatever else is said."""

    def refusal(self, address: str) -> str:
        """Why it may not be dialled, and the setting that decides it; empty where it may."""
        return next((why for each in _meanings(ip_address(address)) if (why := self._judge(each))), "")

    def _judge(self, address: Address) -> str:
        for network, what in _REFUSED:
            if address in network:
                return f"{what}, which no setting allows"
        for network in self.deny:
            if address in network:
                return f"in {network} of network.deny"
        if self.private or not _is_private(address) or any(address in network for network in self.allow):
            return ""
        return "a private address, which network.private_addresses refuses and network.allow could allow"


def _is_private(address: Address) -> bool:
    return not address.is_global or any(address in network for network in _PRIVATE)


def _meanings(address: Address) -> Iterator[Address]:
    """The addresses to be judged for this one: a packet ends at an IPv4 address however that is written."""
    if isinstance(address, IPv4Address) or address in (IPv6Address("::"), IPv6Address("::1")):
        yield address
        return
    # Without its scope: networks have none.
    number = int(address)
    bare = IPv6Address(number)
    for network, shift in _WRITTEN_IN:
        if bare in network:
            yield IPv4Address(number >> shift & _IPV4)
            return
    yield bare
    for network, shift in _LEADS_TO:
        if bare in network:
            yield IPv4Address(number >> shift & _IPV4)
    if bare in _TEREDO:
        yield IPv4Address(number & _IPV4 ^ _IPV4)
    if number >> 32 & _IPV4 in _ISATAP:
        yield IPv4Address(number & _IPV4)
