"""The FreeSWITCH files that follow from the settings; they go beside those of base_files.py."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from orchestrator.config import Settings
from orchestrator.config.freeswitch import Node
from orchestrator.config.trunks import Trunk
from orchestrator.fsconfig.base_files import START, base_files
from orchestrator.fsconfig.browser_profile import BROWSER_PROFILE_FILE, browser_profile
from orchestrator.fsconfig.conference_profiles import conference_conf
from orchestrator.fsconfig.relay_profile import (
    RELAY_NODES_FILE,
    RELAY_PROFILE_FILE,
    relay_nodes,
    relay_profile,
)

MADE_BY = "<!-- Written by `orchestrator render`: change the settings, not this file. -->\n"

GATEWAYS = "sip_profiles/trunks/gateways.xml"
CALLERS = "sip_profiles/trunks/callers.xml"
# dialplan/texml.xml.
CONTEXT = "texml"


def render(settings: Settings, node: Node | None = None) -> dict[str, str]:
    """File name below a node's configuration -> its content; `node` None: of the only one, or the first. The
    gateways' file holds passwords."""
    node = node or settings.freeswitch.nodes[0]
    return {
        "configuration/conference.conf.xml": document(conference_conf(settings.profiles)),
        GATEWAYS: gateways_file(settings),
        CALLERS: document(_callers(settings)),
        BROWSER_PROFILE_FILE: MADE_BY + browser_profile(settings, node),
        RELAY_PROFILE_FILE: MADE_BY + relay_profile(settings, node),
        RELAY_NODES_FILE: document(relay_nodes(settings, node)),
    }


def gateways_file(settings: Settings) -> str:
    """The gateways for FreeSWITCH's configuration, with their passwords."""
    # One file for all, and always there: a gateway that is no longer in the settings goes, and FreeSWITCH
    # calls a directory without files an error.
    gateways = etree.Element("include")
    for trunk in settings.trunks.values():
        if trunk.proxy is not None:
            gateways.append(_gateway(trunk))
    return document(gateways)


def write(files: dict[str, str], directory: Path) -> list[Path]:
    """Write rendered files below a directory, each whole or not at all. Raises OSError."""
    written = []
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # FreeSWITCH may read the directory at any moment (reloadxml), and a gateway's file holds a password.
        draft = path.with_name(f".{path.name}.new")
        draft.touch(mode=0o640)
        draft.write_text(content, encoding="utf-8")
        draft.replace(path)
        written.append(path)
    return written


def write_whole(settings: Settings, node: Node, directory: Path) -> list[Path]:
    """Make a directory that is there for it alone the whole configuration of a node: START is written last,
    and files that this version does not have are deleted. Raises OSError."""
    files = base_files() | render(settings, node)
    files[START] = files.pop(START)
    written = write(files, directory)
    for path in directory.rglob("*"):
        if path.is_file() and path not in written:
            path.unlink()
    return written


def _gateway(trunk: Trunk) -> etree._Element:
    element = etree.Element("gateway", name=trunk.name)
    assert trunk.proxy is not None
    _, _, transport = trunk.proxy.partition(";transport=")
    parameters = {
        "proxy": trunk.proxy,
        "realm": trunk.realm or "",
        # Sofia refuses a gateway without these two, also where it never logs in.
        "username": trunk.username or "not-used",
        "password": trunk.password.get_secret_value() if trunk.password else "not-used",
        "register": "true" if trunk.register_ else "false",
        "register-transport": transport if trunk.register_ else "",
        "expire-seconds": str(trunk.expires_secs) if trunk.register_ else "",
        "ping": str(trunk.ping_secs or ""),
        "from-domain": trunk.realm or "",
        "caller-id-in-from": "true",
        # Its calls come to the address that was registered, and say in To which number was called.
        "extension": "auto_to_user" if trunk.register_ else "",
        # Otherwise they run in a context `default`, past ours.
        "context": CONTEXT,
    }
    for name, value in parameters.items():
        if value:
            etree.SubElement(element, "param", name=name, value=value)
    return element


def _callers(settings: Settings) -> etree._Element:
    """Nodes of the access list: whose calls are taken."""
    element = etree.Element("include")
    for who, networks in settings.callers().items():
        element.append(etree.Comment(f" {who} "))
        for network in networks:
            etree.SubElement(element, "node", type="allow", cidr=str(network))
    return element


def document(element: etree._Element) -> str:
    """The element as a file of FreeSWITCH's configuration."""
    etree.indent(element)
    return MADE_BY + escaped(etree.tostring(element, encoding="unicode")) + "\n"


def escaped(xml: str) -> str:
    """FreeSWITCH fills in `$${…}` while it reads a file, before it is XML; ours is none of that."""
    return xml.replace("$${", "&#36;&#36;{")
