"""The media of calls: RTP ports and sessions for all that are allowed, the address that phones send to."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from typing import Final, NamedTuple

from orchestrator.config import Settings
from orchestrator.config.service import is_loopback
from orchestrator.doctor.context import DoctorContext
from orchestrator.doctor.result import CheckResult, note, ok, skipped, wrong
from orchestrator.fsconfig import sip_profiles

# Without the settings: switch_rtp.c, START_PORT and END_PORT.
FIRST_PORT, LAST_PORT = 16384, 32768
MEDIA_ADDRESS: Final = "media address"
_FIELD: Final = re.compile(r"^(\S+)[ \t]+(\S*)$", re.MULTILINE)
# Nobody is asked: connecting a UDP socket only chooses the address that packets would leave from (RFC 5737).
_ELSEWHERE: Final = ("192.0.2.1", 9)


def rtp_ports(context: DoctorContext) -> CheckResult:
    """Each leg takes an even port and the odd one behind it (switch_core_port_allocator.c)."""
    params = _params(context)
    first, last = (
        int(params.get(name) or default)
        for name, default in (("rtp-start-port", FIRST_PORT), ("rtp-end-port", LAST_PORT))
    )
    legs, calls = (last - last % 2 - (first + first % 2)) // 2 + 1, context.settings.admission.max_calls
    text = f"the ports {first} to {last} are enough for {legs} legs"
    if legs < calls:
        remedy = (
            f"FS_RTP_PORT_START and FS_RTP_PORT_END {2 * calls} ports apart or more, then start FreeSWITCH "
            f"anew; or admission: {{max_calls: {legs}}}"
        )
        return wrong(
            "RTP ports", f"{text}, and max_calls is {calls}: further calls end as they are answered", remedy
        )
    if legs < 2 * calls and _dials(context.settings):
        remedy = f"{4 * calls} ports are enough if each of {calls} calls dials somebody"
        return note(
            "RTP ports", f"{text}; max_calls is {calls}, and each call that is dialled takes one more", remedy
        )
    return ok("RTP ports", f"{text}, and max_calls is {calls}")


def sessions(context: DoctorContext) -> CheckResult:
    """FreeSWITCH's own limit comes second: it refuses in the middle of a Dial, too."""
    found = re.search(r"(\d+) session\(s\) max", context.api("status"))
    most, calls = int(found[1]) if found else 0, context.settings.admission.max_calls
    if found and most < calls:
        remedy = f"FS_MAX_SESSIONS well above {calls}, or a lower admission: max_calls"
        return wrong("sessions", f"FreeSWITCH takes {most} at most, and max_calls is {calls}", remedy)
    return ok("sessions", f"FreeSWITCH takes {most}, and max_calls is {calls}")


def media_address(context: DoctorContext) -> Iterator[CheckResult]:
    """The address that each SIP profile says phones are to send their sound to."""
    running = sip_profiles.running(context.connection.api)
    profiles = [one.name for one in sip_profiles.used(context.connection.api, context.settings)]
    here = is_loopback(context.node.host) or is_ours(context.node.host)
    for profile in profiles:
        if profile not in running:
            yield skipped(MEDIA_ADDRESS, f"the SIP profile {profile} does not run")
            continue
        fields = dict(reversed(_FIELD.findall(context.api(f"sofia status profile {profile}"))))
        received = fields.get("RTP-IP", "")
        addresses = Addresses(received, fields.get("Ext-RTP-IP") or received)
        yield judged(addresses, others=_others_call(context.settings), here=here)


class Addresses(NamedTuple):
    received: str
    """Where FreeSWITCH receives media."""
    advertised: str
    """Where phones send it."""


def judged(addresses: Addresses, *, others: bool, here: bool) -> CheckResult:
    """`others`: calls come from other machines, or go to them. `here`: FreeSWITCH runs on this machine."""
    shown, received = addresses.advertised, addresses.received
    try:
        address = ipaddress.ip_address(shown)
    except ValueError:
        return skipped(MEDIA_ADDRESS, f"{shown or 'nothing'} is no address that can be judged")
    own = own_address()
    remedy = (
        f"FS_RTP_IP, or behind NAT FS_EXTERNAL_RTP_IP, then start FreeSWITCH anew; this machine has {own}"
    )
    text = f"phones are asked to send their sound to {shown}"
    if address.is_loopback and others:
        return wrong(MEDIA_ADDRESS, f"{text}, which on other machines is themselves: nobody is heard", remedy)
    if address.is_unspecified:
        return wrong(MEDIA_ADDRESS, f"{text}, which is no address", remedy)
    if not here or is_ours(shown):
        place = "" if here else "; FreeSWITCH runs on another machine, so nobody can see here whose it is"
        return ok(MEDIA_ADDRESS, text + place)
    if received != shown and address.is_global and not ipaddress.ip_address(own).is_global:
        text += ", which is not this machine's: right if a router has it and hands the RTP ports on to"
        return note(MEDIA_ADDRESS, f"{text} {received}", "else " + remedy)
    return wrong(MEDIA_ADDRESS, f"{text}, which is not this machine's: nobody is heard", remedy)


def is_ours(address: str) -> bool:
    """Whether this machine has the address."""
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
        return True
    except OSError:
        return False


def own_address() -> str:
    """The address that packets to other machines leave from; loopback where there is no way to them."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_ELSEWHERE)
            return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"


def _dials(settings: Settings) -> bool:
    return bool(settings.trunks or settings.sip.allowed_hosts)


def _others_call(settings: Settings) -> bool:
    callers = (network for networks in settings.callers().values() for network in networks)
    return not all(network.is_loopback for network in callers)


def _params(context: DoctorContext) -> dict[str, str]:
    found = context.located("configuration configuration name switch.conf")
    params = found.iterfind("./settings/param") if found is not None else ()
    return {str(param.get("name")): str(param.get("value")) for param in params}
