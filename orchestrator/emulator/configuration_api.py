"""Commands about FreeSWITCH's SIP profiles and its configuration (mod_sofia.c, mod_commands.c)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from orchestrator.emulator.core import Core

SIP_PLACE = "127.0.0.1:5060"
LINE = "=" * 97


def sofia(core: Core, argument: str) -> str:
    """One SIP profile, and no gateway."""
    name = core.sip_profile
    match argument.split():
        case ["status"]:
            row = f"{name:>25}\tprofile\t  {f'sip:mod_sofia@{SIP_PLACE}':>40}\tRUNNING (0)\n"
            rows = row if core.sip_running else ""
            head = f"{'Name':>25}\t   Type\t  {'Data':>40}\tState\n"
            count = int(core.sip_running)
            many = "" if count == 1 else "s"
            return f"{head}{LINE}\n{rows}{LINE}\n{count} profile{many} 0 aliases\n"
        case ["status", "profile", profile] if profile == name and core.sip_running:
            bound, shown = core.media_addresses
            host = SIP_PLACE.partition(":")[0]
            fields = {"Name": name, "Context": core.context, "RTP-IP": bound, "Ext-RTP-IP": shown}
            fields |= {"SIP-IP": host, "Ext-SIP-IP": host, "URL": f"sip:mod_sofia@{SIP_PLACE}"}
            return LINE + "\n" + "".join(f"{field:<17}\t{value}\n" for field, value in fields.items()) + "\n"
        case ["status", "profile", _]:
            return "Invalid Profile!\n"
        case ["profile", profile, "start" | "stop" as order] if profile == name:
            core.sip_running = order == "start"
            return f"{name} started successfully\n" if core.sip_running else f"stopping: {name}"
        case ["profile", _, "rescan"]:
            return "+OK scan complete\n"
        case ["profile", _, "killgw", _]:
            return "-ERR no such gateway.\n"
    return "-ERR Unknown command!\n"


def xml_locate(core: Core, argument: str) -> str:
    """`<section> <tag> <attribute> <value>`, of those that there are here."""
    words = argument.split()
    if words == ["dialplan", "context", "name", core.context] and core.dialplan:
        actions = "".join(
            f"<action application={quoteattr(app)} data={quoteattr(data)}/>" for app, data in core.dialplan
        )
        inside = f"<extension><condition>{actions}</condition></extension>"
        return f'<context name="{core.context}">{inside}</context>'
    if words == ["configuration", "configuration", "name", "conference.conf"] and core.conference_conf:
        return core.conference_conf
    if words == ["configuration", "configuration", "name", "sofia.conf"]:
        address, _, port = SIP_PLACE.partition(":")
        values = {"sip-ip": address, "sip-port": port, "context": core.context}
        profile = f'<profile name="{core.sip_profile}"><settings>{_params(values)}</settings></profile>'
        return f'<configuration name="sofia.conf"><profiles>{profile}</profiles></configuration>'
    if words == ["configuration", "configuration", "name", "switch.conf"]:
        first, last = core.rtp_ports
        limits = {"max-sessions": core.max_sessions, "rtp-start-port": first, "rtp-end-port": last}
        return f'<configuration name="switch.conf"><settings>{_params(limits)}</settings></configuration>'
    return "-ERR can't find xml\n"


def _params(values: Mapping[str, object]) -> str:
    return "".join(f'<param name="{name}" value="{value}"/>' for name, value in values.items())
