"""The endpoint that a document or the API names, and its route: a phone number by a trunk, a SIP
address where the settings allow it. Numbers are read here, once, before any rule looks at them."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import NamedTuple

from orchestrator.config.applications import Application
from orchestrator.config.network import parsed_address
from orchestrator.config.settings import Settings
from orchestrator.config.trunks import Called, Trunk
from orchestrator.esl import commands
from orchestrator.numbering.patterns import is_extension
from orchestrator.numbering.phone import NotANumber
from orchestrator.numbering.uri import Address, NotAnAddress, is_address, parse

# A user as RFC 3261 has it, without what is syntax to FreeSWITCH; another one fails there, with a CRIT line.
SIP_URI = re.compile(
    r"(?:[Ss][Ii][Pp][Ss]?:)?(?P<user>(?:[A-Za-z0-9_.!~*()&=+/#-]|%[0-9A-Fa-f]{2})+)"
    r"@(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]{2,45}\])(?P<port>:[0-9]{1,5})?"
    r"(?P<rest>;transport=[A-Za-z]+)?"
)
SIP_PORT = "5060"


class Route(NamedTuple):
    to: str
    """As it is reported: a number in its normal form, or a SIP address as it was written."""
    endpoint: str
    """FreeSWITCH's name of it."""
    trunk: Trunk | None = None
    """None: a SIP address that is no trunk's."""
    called: Called | None = None
    """The form to which that trunk's rules are applied."""


def route_to(settings: Settings, application: Application, to: str) -> Route:
    """To a number or an address. Raises ValueError, which says why there is no way."""
    if is_address(to) and not to.strip().lower().startswith("tel:"):
        return route_to_sip(settings, application, to)
    return route_to_number(settings, application, to)


def route_to_number(settings: Settings, application: Application, text: str) -> Route:
    """By the application's trunk. Raises ValueError."""
    trunk = settings.trunk_for(application)
    if trunk is None:
        raise ValueError("no trunk leads to phone numbers: add one under trunks")
    called = trunk.read(_number_in(text), settings.region_of_calls_by(application, trunk))
    return _checked(Route(called.number, trunk.dial(called), trunk, called))


def route_to_sip(settings: Settings, application: Application, uri: str) -> Route:
    """Raises ValueError for what is no SIP address, or none that may be called."""
    match = SIP_URI.fullmatch(uri.strip())
    if match is None:
        raise ValueError(f"not a SIP address: {uri!r}")
    address = parse(uri)
    if address.host.startswith("["):
        # Raises ValueError, which names it.
        IPv6Address(address.host.strip("[]"))
    if not settings.sip.allows(address.host):
        raise ValueError(f"{address.host} is not among sip: allowed_hosts")
    trunk, user = trunk_at(settings, address), match["user"]
    called = _called_at(trunk, address.user, settings, application) if trunk is not None else None
    if trunk is not None and called is not None:
        user = trunk.sent(called.number)
    where = f"{address.host}{match['port'] or ''}{match['rest'] or ''}"
    return _checked(Route(uri, f"sofia/{settings.sip.profile}/{user}@{where}", trunk, called))


def _called_at(trunk: Trunk, user: str, settings: Settings, application: Application) -> Called | None:
    """A carrier's own address is no way around what may be called through it. None: a user name there.
    Raises NotANumber."""
    try:
        return trunk.read(user, settings.region_of_calls_by(application, trunk))
    except NotANumber:
        # With few digits and a letter it is nothing that a carrier could take for a number.
        if is_extension(user) and re.search(r"[A-Za-z]", user):
            return None
        raise


def trunk_at(settings: Settings, address: Address) -> Trunk | None:
    """The trunk that an address leads to: by the name or the network of its host; of several there, the one
    with its port."""
    host = address.host.strip("[]")
    try:
        ip = parsed_address(host)
    except ValueError:
        ip = None
    there = [
        trunk
        for trunk in settings.trunks.values()
        if host in trunk.hosts or (ip is not None and any(ip in one for one in trunk.networks))
    ]
    port = address.port or SIP_PORT
    return next((trunk for trunk in there if (trunk.port or SIP_PORT) == port), there[0] if there else None)


def trunk_to(settings: Settings, application: Application, to: str) -> Trunk | None:
    """The trunk of a call that is under way: whatever may be called now, it goes on."""
    if not is_address(to):
        return settings.trunk_for(application)
    try:
        return trunk_at(settings, parse(to))
    except NotAnAddress:
        return None


def _number_in(text: str) -> str:
    """Of a tel address its number. Raises NotANumber."""
    if not text.strip().lower().startswith("tel:"):
        return text
    address = parse(text)
    context = address.user_parameters.get("phone-context", "")
    for name in address.user_parameters:
        if name != "phone-context":
            raise NotANumber(f"{text[:64]!r} has {name}=, which cannot be called")
    if context and not context.startswith("+"):
        raise NotANumber(f"{text[:64]!r} is a number of {context} alone")
    return address.user if address.user.startswith("+") else context + address.user


def _checked(route: Route) -> Route:
    commands.dial_string([commands.DialTarget(route.endpoint)])
    return route
