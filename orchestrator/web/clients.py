"""Where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from flask import Request


def client_address(asked: Request, proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address of the connection; of one by a proxy of ours, the last in X-Forwarded-For that is none."""
    address = asked.remote_addr or ""
    hops = [hop.strip() for hop in asked.headers.get("X-Forwarded-For", "").split(",")]
    while hops and _is_in(address, proxies):
        before = hops.pop()
        if _parsed(before) is None:
            break
        address = before
    return address


def _is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    ip = _parsed(address)
    return ip is not None and any(ip in network for network in networks)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
