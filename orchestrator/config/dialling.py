"""Where outbound calls go: gateways for <Number>, allowed hosts for <Sip>."""

from __future__ import annotations

import re

from pydantic import Field, field_validator, model_validator

from orchestrator.config.fields import Name, Secret, Section, fault
from orchestrator.config.patterns import fits

# FreeSWITCH splits dial strings at these, and {…} and [...] set variables.
_DIAL_SYNTAX = re.compile(r"[\s,|\[\]{}<>'\"$^;]")
_NUMBER = re.compile(r"[+0-9A-Za-z*#_.~-]{1,64}")


class Gateway(Section):
    """A way out for phone numbers: exactly one of proxy, sofia_gateway and dial_string."""

    name: Name = Field(description="the key of this gateway in the file")
    proxy: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.:\[\]_-]+(;transport=(udp|tcp|tls))?$",
        description="SIP host[:port] of the carrier; `orchestrator render` writes the FreeSWITCH gateway",
    )
    username: str | None = Field(default=None, description="for proxy")
    password: Secret | None = Field(default=None, description="for proxy")
    register_: bool = Field(default=False, alias="register", description="for proxy: register there")
    sofia_gateway: Name | None = Field(
        default=None, description="name of a gateway that FreeSWITCH already has"
    )
    dial_string: str | None = Field(default=None, description="FreeSWITCH dial string with {number}")
    caller_id: str | None = Field(
        default=None,
        pattern=r"^[+0-9A-Za-z*#_.~-]{1,64}$",
        description="caller id where a document gives none",
    )

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
    def _one_way(self) -> Gateway:
        ways = [name for name in ("proxy", "sofia_gateway", "dial_string") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise fault(
                "a gateway needs exactly one of proxy, sofia_gateway and dial_string",
                f"it has {' and '.join(ways) or 'none'}",
            )
        if self.proxy is None and (self.username or self.password or self.register_):
            raise fault("username, password and register go with proxy")
        if self.register_ and not (self.username and self.password):
            raise fault("register needs username and password")
        return self

    def dial(self, number: str) -> str:
        """The FreeSWITCH dial string for a number; ValueError where the number is none."""
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"not a number that can be dialled: {number!r}")
        if self.dial_string is not None:
            return self.dial_string.replace("{number}", number)
        return f"sofia/gateway/{self.sofia_gateway or self.name}/{number}"


class Sip(Section):
    """Which SIP addresses a document may call."""

    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="hosts, * and ? allowed; none: <Sip> calls fail"
    )
    profile: Name = Field(default="texml", description="FreeSWITCH's SIP profile that makes the calls")

    def allows(self, host: str) -> bool:
        return any(fits(pattern.lower(), host.lower()) for pattern in self.allowed_hosts)
