"""Trunks to carriers: where calls to <Number> go, who pays how much for them, and who may call us."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, field_validator, model_validator

from orchestrator.config.fields import Name, Region, Secret, Section, setting_error
from orchestrator.config.network import Cidr
from orchestrator.config.patterns import fits
from orchestrator.numbering.caller_id import caller_id_of
from orchestrator.numbering.patterns import NotAPattern, is_extension, is_phone_pattern, outbound_pattern
from orchestrator.numbering.phone import NotANumber, folded, is_e164, normal

# FreeSWITCH splits dial strings at these, and {…} and [...] set variables.
_DIAL_SYNTAX = re.compile(r"[\s,|\[\]{}<>'\"$^;]")


def _number_pattern(value: str) -> str:
    try:
        return outbound_pattern(value)
    except NotAPattern as error:
        raise setting_error(str(error), error.remedy) from None


def _caller_id(value: str) -> str:
    remedy = "a number with its country's code, as +13125550001, or a name"
    try:
        caller_id = caller_id_of(value, "")
    except NotANumber as error:
        raise setting_error(str(error), remedy) from None
    if not is_e164(caller_id) and not is_extension(caller_id):
        raise setting_error(f"{value} lacks its + and the code of its country", remedy)
    return caller_id


NumberPattern = Annotated[str, AfterValidator(_number_pattern)]
CallerId = Annotated[str, AfterValidator(_caller_id)]


class Called(NamedTuple):
    """The called party, in the form that a trunk's rules are applied to. Made by Trunk.read alone."""

    number: str
    """`+13125550100`, or an extension or name as it was written."""
    is_phone: bool


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
    username: str | None = Field(default=None, description="for proxy: user of calls and of the registration")
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
    caller_id: CallerId | None = Field(
        default=None,
        description="shown where a document gives none, or one that is not among caller_ids",
    )
    caller_ids: tuple[NumberPattern, ...] | None = Field(
        default=None,
        description="numbers or patterns that a document may show; []: caller_id alone; none: any",
    )
    destinations: tuple[NumberPattern, ...] = Field(
        default=("*",),
        description="phone numbers or patterns that may be called (+1312*), and extensions or names that are "
        "dialled as they are written (1???, reception); *: every phone number",
    )
    refused_destinations: tuple[NumberPattern, ...] = Field(
        default=(), description="numbers or patterns that may not, although destinations has them"
    )
    number_format: Literal["e164", "digits"] = Field(
        default="e164", description="how phone numbers are sent to it: +13125550100, or digits without the +"
    )
    default_region: Region | None = Field(
        default=None,
        description="country of numbers without + that come from it, and of those called through it where "
        "the application has none; none: the file's default_region",
    )
    trusted: bool = Field(
        default=False,
        description="in one trust domain with us (RFC 3325): its P-Asserted-Identity or Remote-Party-ID says "
        "who calls, and a number that is withheld is sent to it",
    )
    identity_header: Literal["pai", "rpid"] = Field(
        default="pai",
        description="for trusted: how a number that is withheld is sent to it; pai: P-Asserted-Identity, "
        "rpid: Remote-Party-ID",
    )
    inband_digits: bool = Field(
        default=False,
        description="digits are tones in what is heard of it, in calls that come from it or are dialled "
        "through it; those that come as telephone-event or SIP INFO besides count once",
    )
    media: Literal["through", "direct"] = Field(
        default="through",
        description="of calls that come from it and are in a room of another FreeSWITCH node before anything "
        "has answered them: through the node that they came to, or direct, between the carrier and the "
        "room's node, which has to be reached as the other one is",
    )
    max_calls: int | None = Field(default=None, ge=1, description="outgoing at once; none: no limit")
    calls_per_minute: int | None = Field(default=None, ge=1, description="outgoing, begun; none: no limit")

    @field_validator("dial_string")
    @classmethod
    def _is_a_template(cls, value: str | None) -> str | None:
        if value is not None:
            rest = value.replace("{number}", "", 1)
            if rest == value or _DIAL_SYNTAX.search(rest):
                raise setting_error(
                    "a dial string has {number} once and no FreeSWITCH syntax",
                    "e.g. sofia/texml/{number}@10.0.0.5:5060",
                )
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Trunk:
        ways = [name for name in ("proxy", "sofia_gateway", "dial_string") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise setting_error(
                "a trunk needs exactly one of proxy, sofia_gateway and dial_string",
                f"it has {' and '.join(ways) or 'none'}",
            )
        if self.proxy is None and (self.username or self.password or self.realm or self.register_):
            raise setting_error("username, password, realm and register go with proxy")
        if self.register_ and not (self.username and self.password):
            raise setting_error("register needs username and password")
        if self.caller_ids == () and self.caller_id is None:
            raise setting_error(
                "caller_ids is empty and there is no caller_id", "the number to be shown: caller_id"
            )
        if self.media == "direct" and self.inband_digits:
            raise setting_error(
                "inband_digits needs the sound, which media: direct leads past the node", "one of the two"
            )
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts of SIP addresses that lead to it, besides its networks."""
        written = (self.proxy or "").partition(";")[0], self.realm or ""
        return frozenset({_host(one) for one in written} | {self._dialled_host}) - {""}

    @property
    def domain(self) -> str:
        """The host of identities that are asserted to it; empty: unknown, a gateway of FreeSWITCH's own."""
        return self.realm or _host((self.proxy or "").partition(";")[0]) or self._dialled_host

    @property
    def port(self) -> str:
        """Of SIP; empty: not said, which is 5060."""
        written = self.proxy or (self.dial_string or "").rpartition("@")[2]
        found = re.search(r"(?:^[^:\[\]]*|\]):([0-9]+)$", written.partition(";")[0])
        return found[1] if found else ""

    @property
    def _dialled_host(self) -> str:
        return _host((self.dial_string or "").rpartition("@")[2].partition(";")[0])

    @property
    def networks(self) -> tuple[Cidr, ...]:
        """Where its calls to us come from."""
        host = _host((self.proxy or "").partition(";")[0])
        try:
            address = ip_network(ip_address(host))
        except ValueError:
            return self.addresses
        return self.addresses if address in self.addresses else (*self.addresses, address)

    def read(self, text: str, region: str) -> Called:
        """The called party, however the text spells it. Raises NotANumber."""
        plain = folded(text)
        if is_extension(plain) and _fits_an_extension(self.destinations, plain):
            return Called(plain, is_phone=False)
        try:
            return Called(normal(text, region), is_phone=True)
        except NotANumber as error:
            if not is_extension(plain):
                raise
            remedy = f"an extension or a name has to be among the destinations of trunk {self.name}"
            raise NotANumber(f"{error}; {remedy}") from None

    def dial(self, called: Called) -> str:
        """The FreeSWITCH dial string."""
        number = self.sent(called.number)
        if self.dial_string is not None:
            return self.dial_string.replace("{number}", number)
        return f"sofia/gateway/{self.sofia_gateway or self.name}/{number}"

    def sent(self, number: str) -> str:
        """A number as this trunk wants it."""
        return number.removeprefix("+") if self.number_format == "digits" and is_e164(number) else number

    def allows(self, called: Called) -> bool:
        """Whether it may be called."""
        fitting = _fits_a_phone if called.is_phone else _fits_an_extension
        return fitting(self.destinations, called.number) and not fitting(
            self.refused_destinations, called.number
        )

    def shows(self, caller_id: str) -> str:
        """The caller id that a call has which asks for this one, in its normal form. Raises
        CallerIdRefused."""
        if self.caller_ids is None or any(fits(pattern, caller_id) for pattern in self.caller_ids):
            return caller_id
        if self.caller_id is None:
            raise CallerIdRefused(f"trunk {self.name} does not show the caller id {caller_id!r}: caller_ids")
        return self.caller_id


def _host(written: str) -> str:
    """Of `host`, `host:port` or `[address]:port`."""
    host = written[1:].partition("]")[0] if written.startswith("[") else written.partition(":")[0]
    return host.lower().rstrip(".")


def _comparable(host: str) -> str:
    """A name in small letters without its last dot; an IPv6 address in its short form, without brackets."""
    name = host.lower().rstrip(".")
    try:
        return str(ip_address(name.strip("[]")))
    except ValueError:
        return name


def _fits_a_phone(patterns: tuple[str, ...], number: str) -> bool:
    return any(is_phone_pattern(pattern) and fits(pattern, number) for pattern in patterns)


def _fits_an_extension(patterns: tuple[str, ...], text: str) -> bool:
    return any(not is_phone_pattern(pattern) and fits(pattern, text) for pattern in patterns)


class Sip(Section):
    """Allowed callers beside trunks, and the SIP addresses that a document may call."""

    networks: dict[Name, tuple[Cidr, ...]] = Field(
        default={"loopback": (ip_network("127.0.0.0/8"),)},
        description="name -> networks that may send calls; everybody else, save trunks, gets SIP 403",
    )
    trusted_networks: tuple[Name, ...] = Field(
        default=(),
        description="those of networks whose P-Asserted-Identity or Remote-Party-ID says who calls; of the "
        "others From does",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="hosts that <Sip> may call, * and ? allowed; none: such calls fail"
    )
    profile: Name = Field(default="texml", description="FreeSWITCH's SIP profile that makes the calls")

    @model_validator(mode="after")
    def _networks_are_there(self) -> Sip:
        for name in self.trusted_networks:
            if name not in self.networks:
                raise setting_error(f"there is no network {name}", "trusted_networks has names of networks")
        return self

    def allows(self, host: str) -> bool:
        own = _comparable(host)
        return any(fits(_comparable(pattern), own) for pattern in self.allowed_hosts)
