"""Trunks to carriers: where calls to <Number> go, who pays how much for them, and who may call us."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from orchestrator.config.fields import Name, Secret, Section, fault
from orchestrator.config.network import Cidr
from orchestrator.config.patterns import fits, number_key

# FreeSWITCH splits dial strings at these, and {…} and [...] set variables.
_DIAL_SYNTAX = re.compile(r"[\s,|\[\]{}<>'\"$^;]")
_NUMBER = re.compile(r"[+0-9A-Za-z*#_.~-]{1,64}")
_CALLER_ID = r"^[+0-9A-Za-z*#_.~-]{1,64}$"


def _number_pattern(value: str) -> str:
    if not re.fullmatch(r"\+?[0-9A-Za-z#_.~?*-]{1,64}", value):
        raise fault("this is no number or pattern", "e.g. +13125550001, or +1312*")
    return number_key(value)


NumberPattern = Annotated[str, AfterValidator(_number_pattern)]


class CallerIdRefused(ValueError):
    """A trunk shows no such caller id, and has none of its own."""


class Trunk(Section):
    """A carrier or SIP peer: exactly one of proxy, sofia_gateway and dial_string."""

    name: Name = Field(description="the key of this trunk in the file")
    proxy: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.:\[\]_-]+(;transport=(udp|tcp))?$",
        description="SIP host[:port] of the carrier; `orchestrator render` writes the FreeSWITCH gateway",
    )
    username: str | None = Field(default=None, description="for proxy: whom calls and registration are of")
    password: Secret | None = Field(default=None, description="for proxy: when it asks (digest)")
    realm: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._:-]{1,253}$",
        description="for proxy: its SIP domain; none: the host of proxy",
    )
    register_: bool = Field(
        default=False, alias="register", description="for proxy: register there, so that its calls come here"
    )
    expires_secs: int = Field(default=600, ge=60, le=86400, description="for register: good for so long")
    ping_secs: int | None = Field(
        default=None, ge=5, le=3600, description="for proxy: ask so often whether it is there; none: never"
    )
    sofia_gateway: Name | None = Field(
        default=None, description="name of a gateway that FreeSWITCH already has"
    )
    dial_string: str | None = Field(default=None, description="FreeSWITCH dial string with {number}")
    addresses: tuple[Cidr, ...] = Field(
        default=(), description="where its calls to us come from; a proxy that is an address is one of them"
    )
    caller_id: str | None = Field(
        default=None,
        pattern=_CALLER_ID,
        description="shown where a document gives none, or one that is not among caller_ids",
    )
    caller_ids: tuple[NumberPattern, ...] | None = Field(
        default=None,
        description="numbers or patterns that a document may show; []: caller_id alone; none: any",
    )
    destinations: tuple[NumberPattern, ...] = Field(
        default=("*",), description="numbers or patterns that may be called"
    )
    refused_destinations: tuple[NumberPattern, ...] = Field(
        default=(), description="numbers or patterns that may not, although destinations has them"
    )
    max_calls: int | None = Field(default=None, ge=1, description="outgoing at once; none: no limit")
    calls_per_minute: int | None = Field(default=None, ge=1, description="outgoing, begun; none: no limit")

    @field_validator("dial_string")
    @classmethod
    def _is_a_template(cls, value: str | None) -> str | None:
        if value is not None:
            rest = value.replace("{number}", "", 1)
            if rest == value or _DIAL_SYNTAX.search(rest):
                raise fault(
                    "a dial string has {number} once and no FreeSWITCH syntax",
                    "e.g. sofia/texml/{number}@10.0.0.5:5060",
                )
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Trunk:
        ways = [name for name in ("proxy", "sofia_gateway", "dial_string") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise fault(
                "a trunk needs exactly one of proxy, sofia_gateway and dial_string",
                f"it has {' and '.join(ways) or 'none'}",
            )
        if self.proxy is None and (self.username or self.password or self.realm or self.register_):
            raise fault("username, password, realm and register go with proxy")
        if self.register_ and not (self.username and self.password):
            raise fault("register needs username and password")
        if self.caller_ids == () and self.caller_id is None:
            raise fault("caller_ids is empty and there is no caller_id", "the number to be shown: caller_id")
        return self

    @property
    def networks(self) -> tuple[Cidr, ...]:
        """Where its calls to us come from."""
        own = (self.proxy or "").partition(";")[0]
        host = own[1:].partition("]")[0] if own.startswith("[") else own.partition(":")[0]
        try:
            address = ip_network(ip_address(host))
        except ValueError:
            return self.addresses
        return self.addresses if address in self.addresses else (*self.addresses, address)

    def dial(self, number: str) -> str:
        """The FreeSWITCH dial string for a number; ValueError where the number is none."""
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"not a number that can be dialled: {number!r}")
        if self.dial_string is not None:
            return self.dial_string.replace("{number}", number)
        return f"sofia/gateway/{self.sofia_gateway or self.name}/{number}"

    def allows(self, number: str) -> bool:
        """Whether it may be called."""
        key = number_key(number)
        return _any_fits(self.destinations, key) and not _any_fits(self.refused_destinations, key)

    def shows(self, caller_id: str) -> str:
        """The caller id that a call has which asks for this one. Raises CallerIdRefused."""
        if self.caller_ids is None or _any_fits(self.caller_ids, number_key(caller_id)):
            return caller_id
        if self.caller_id is None:
            raise CallerIdRefused(f"trunk {self.name} does not show the caller id {caller_id!r}: caller_ids")
        return self.caller_id


def _any_fits(patterns: tuple[str, ...], key: str) -> bool:
    return any(fits(pattern, key) for pattern in patterns)


class Sip(Section):
    """Who may call us beside trunks, and which SIP addresses a document may call."""

    networks: dict[Name, tuple[Cidr, ...]] = Field(
        default={"loopback": (ip_network("127.0.0.0/8"),)},
        description="name -> networks that may send calls; everybody else, save trunks, gets SIP 403",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="hosts that <Sip> may call, * and ? allowed; none: such calls fail"
    )
    profile: Name = Field(default="texml", description="FreeSWITCH's SIP profile that makes the calls")

    def allows(self, host: str) -> bool:
        return any(fits(pattern.lower(), host.lower()) for pattern in self.allowed_hosts)
