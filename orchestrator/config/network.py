"""Which addresses the URLs of documents may lead to."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from orchestrator.config.fields import Section, setting_error


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError as error:
        raise setting_error(
            f"this is no network: {error}", "e.g. 10.1.0.0/16, or 10.1.2.3 for one address"
        ) from None


@lru_cache(maxsize=4096)
def parsed_address(text: str) -> IPv4Address | IPv6Address:
    """As ipaddress.ip_address, which is slow: a call asks six times for its caller's. Raises ValueError."""
    return ip_address(text)


Cidr = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class Network(Section):
    """For documents, audio and callbacks alike; each address is checked, also after a redirect.

    Link-local addresses, where clouds keep their machines' keys, are never dialled.
    """

    private_addresses: Literal["allow", "refuse"] = Field(
        default="allow", description="loopback and private networks: where one's own applications live"
    )
    allow: tuple[Cidr, ...] = Field(default=(), description="private networks that are not refused")
    deny: tuple[Cidr, ...] = Field(default=(), description="networks that are refused, whatever else is said")
