"""FreeSWITCH's SIP profile for calls between nodes: there only where the settings have several."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Final

from lxml import etree

from orchestrator.config import Settings
from orchestrator.config.freeswitch import Node

RELAY_PROFILE_FILE: Final = "sip_profiles/relay.xml"
_RTP: Final = '<param name="rtp-ip" value="RELAY_HOST"/>'
_RTP_OF_CARRIERS: Final = (
    '<param name="rtp-ip" value="$${rtp_ip}"/>\n    <param name="ext-rtp-ip" value="$${external_rtp_ip}"/>'
)
RELAY_NODES_FILE: Final = "sip_profiles/trunks/nodes.xml"


def relay_profile(settings: Settings, node: Node) -> str:
    """The profile of a node in an `include`, which is empty where it is the only one.

    Its `$${…}` are for FreeSWITCH to fill in.
    """
    if len(settings.freeswitch.nodes) == 1 or node.relay is None:
        return "<include/>\n"
    text = (resources.files("orchestrator.fsconfig") / "relay_profile.xml").read_text("utf-8")
    if any(trunk.media == "direct" for trunk in settings.trunks.values()):
        # A carrier's media come to the addresses of the profile that its calls come to.
        text = text.replace(_RTP, _RTP_OF_CARRIERS)
    text = text.replace("RELAY_HOST", node.relay.host).replace("RELAY_PORT", str(node.relay.port))
    return f"<include>\n{text}</include>\n"


def relay_nodes(settings: Settings, node: Node) -> etree._Element:
    """Nodes of the access list `nodes`: the addresses that the others' calls come from."""
    element = etree.Element("include")
    for network in relay_networks(settings, node):
        etree.SubElement(element, "node", type="allow", cidr=network)
    return element


def relay_networks(settings: Settings, node: Node) -> Iterator[str]:
    """The addresses of the other nodes, as networks."""
    for other in settings.freeswitch.nodes:
        if other is not node and other.relay is not None:
            address = other.relay.host
            yield f"{address}/{128 if ':' in address else 32}"
