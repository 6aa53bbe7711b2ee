"""The added parts: files of our own, and a marked block in two files that are there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from lxml import etree

from orchestrator.config import Settings
from orchestrator.config.freeswitch import Node
from orchestrator.config.patterns import is_pattern
from orchestrator.fsconfig.base_files import base_file
from orchestrator.fsconfig.browser_profile import browser_profile
from orchestrator.fsconfig.conference_profiles import NO_KEYS, conference_conf
from orchestrator.fsconfig.existing.layout import (
    BROWSER_PROFILE,
    CONFERENCE,
    CONTEXTS,
    DIALPLAN,
    GATEWAYS_FILE,
    MODULES,
    RELAY_PROFILE,
    SIP_PROFILE,
    bare,
    includes,
    read,
)
from orchestrator.fsconfig.modules import MODULES as ALL_MODULES
from orchestrator.fsconfig.relay_profile import relay_networks, relay_profile
from orchestrator.fsconfig.render import GATEWAYS, document, escaped, gateways_file
from orchestrator.numbering.phone import dialled_as

# No double hyphen: it may not stand in a comment.
BEGIN: Final = "<!-- texml begin: written by `orchestrator render`, which also takes it away -->"
END: Final = "<!-- texml end -->"
NOBODY: Final = "255.255.255.255/32"
# The vanilla SIP profiles have 5060 and 5080.
_SIP_PORT: Final = "5070"
_VARIABLE: Final = re.compile(r"\$\$\{(\w+)\}")
_SETTING: Final = re.compile(r'cmd="(?:env-)?set" data="(\w+)=([^"]*)"')
# The characters of a called number: it becomes an argument of `transfer`, which splits at blanks.
_CHARACTER: Final = r"[\w.+*#-]"


class Block(NamedTuple):
    """Lines before the end of an element of a file that is there."""

    tag: str
    lines: tuple[str, ...]


def added_files(settings: Settings, node: Node, directory: Path) -> dict[str, str]:
    """Path below the directory -> content."""
    files = {
        DIALPLAN: _own_variables(_dialplan()),
        SIP_PROFILE: _own_variables(_sip_profile(settings)),
    }
    files[GATEWAYS_FILE] = gateways_file(settings)
    for name, text in (
        (BROWSER_PROFILE, _browser_profile(settings, node)),
        (RELAY_PROFILE, _relay_profile(settings, node)),
    ):
        if "<profile" in text:
            files[name] = _own_variables(text)
    if settings.numbers:
        for context in CONTEXTS:
            if _takes_in(directory, context):
                files[f"dialplan/{context}/00_texml.xml"] = _routes(settings)
    return files


def blocks(settings: Settings, directory: Path) -> dict[str, tuple[Block, ...]]:
    """Path below the directory -> what goes into that file."""
    loaded = re.findall(r'<load\s+module="(\w+)"', bare(without_blocks(read(directory / MODULES))))
    wanted = [module.name for module in ALL_MODULES if module.wanted(settings)]
    loads = tuple(f'    <load module="{name}"/>' for name in wanted if name not in loaded)
    root = conference_conf(settings.profiles)
    return {
        CONFERENCE: (_children(root, "caller-controls", NO_KEYS), _children(root, "profiles")),
        MODULES: (Block("modules", loads),),
    }


def with_blocks(text: str, found: Iterable[Block]) -> str:
    """The text with these blocks in place of earlier ones of ours; one without lines is left out."""
    text = without_blocks(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    for block in found:
        if block.lines:
            place = text.rfind("\n", 0, bare(text).index(f"</{block.tag}>")) + 1
            lines = "".join(line + newline for line in (BEGIN, *block.lines, END))
            text = text[:place] + lines + text[place:]
    return text


def without_blocks(text: str) -> str:
    return re.sub(re.escape(BEGIN) + r"\r?\n.*?" + re.escape(END) + r"\r?\n", "", text, flags=re.DOTALL)


def _children(root: etree._Element, tag: str, leave_out: str = "") -> Block:
    """The children of an element, but for one that every FreeSWITCH knows by its name."""
    parent = root.find(tag)
    assert parent is not None
    children = [child for child in parent if child.get("name") != leave_out]
    for child in children:
        etree.indent(child, level=2)
    text = "\n".join(f"    {etree.tostring(child, encoding='unicode').strip()}" for child in children)
    return Block(tag, tuple(escaped(text).splitlines()))


def _dialplan() -> str:
    """Without the second look at addresses: the owner's own profiles send calls into it, too."""
    return re.sub(
        r"\s*<!-- The profile's access list once more.*?</extension>",
        "",
        base_file("dialplan/texml.xml"),
        count=1,
        flags=re.DOTALL,
    )


def _sip_profile(settings: Settings) -> str:
    """Ours on a port of its own. Its access lists are addresses, as acl.conf.xml is the owner's."""
    text = base_file("sip_profiles/texml.xml")
    callers = ",".join(str(network) for networks in settings.callers().values() for network in networks)
    text = text.replace('value="callers"', f'value="{callers or NOBODY}"')
    text = text.replace('value="nobody"', f'value="{NOBODY}"')
    text = text.replace(f'data="{GATEWAYS.removeprefix("sip_profiles/")}"', 'data="texml/gateways.xml"')
    return f"<include>\n{text}</include>\n"


def _browser_profile(settings: Settings, node: Node) -> str:
    """On loopback: the owner's event socket may listen anywhere, and acl.conf.xml is the owner's."""
    text = browser_profile(settings, node).replace("$${event_socket_ip}", "127.0.0.1")
    return text.replace('value="event_socket"', 'value="127.0.0.0/8"').replace('"nobody"', f'"{NOBODY}"')


def _relay_profile(settings: Settings, node: Node) -> str:
    """Its access list is the other nodes' addresses."""
    others = ",".join(relay_networks(settings, node))
    text = relay_profile(settings, node).replace('value="nodes"', f'value="{others}"')
    return text.replace('"nobody"', f'"{NOBODY}"')


def _own_variables(text: str) -> str:
    """`$${name}` -> `$${texml_name}`, with its default and environment before it: the owner's vars.xml has
    variables of the same names."""
    lines = "".join(f"  {line}\n" for line in _definitions(text))
    text = _VARIABLE.sub(r"$${texml_\1}", text)
    made_by = "  <!-- Written by `orchestrator render`: change the settings, not this file. -->\n"
    return text.replace("<include>\n", f"<include>\n{made_by}{lines}", 1)


def _definitions(text: str) -> Iterator[str]:
    lines = [
        (found[1], found[2], line.strip())
        for line in base_file("vars.xml").splitlines()
        if (found := _SETTING.search(line))
    ]
    needed = set(_VARIABLE.findall(text))
    while (
        more := {name for var, value, _ in lines if var in needed for name in _VARIABLE.findall(value)}
        - needed
    ):
        needed |= more
    for name, _, line in lines:
        if name in needed:
            line = _VARIABLE.sub(r"$${texml_\1}", line).replace(f'data="{name}=', f'data="texml_{name}=')
            yield line.replace("texml_sip_port=5060", f"texml_sip_port={_SIP_PORT}")


def _takes_in(directory: Path, context: str) -> bool:
    path = directory / "dialplan" / f"{context}.xml"
    return path.is_file() and includes(read(path), rf"{context}/\*\.xml")


def _routes(settings: Settings) -> str:
    """The settings' numbers, and only those, go from the owner's contexts to ours."""
    region = settings.default_region
    spelt = {one for key in settings.numbers for one in dialled_as(key, region)}
    numbers = "|".join(sorted(_expression(one) for one in spelt))
    root = etree.Element("include")
    extension = etree.SubElement(root, "extension", name="texml")
    condition = etree.SubElement(
        extension, "condition", field="destination_number", expression=f"^({numbers})(?:;.*)?$"
    )
    etree.SubElement(condition, "action", application="transfer", data="$1 XML texml")
    return document(root)


def _expression(number: str) -> str:
    if not is_pattern(number):
        text = re.escape(number)
    else:
        wild = {"*": f"{_CHARACTER}*", "?": _CHARACTER}
        text = "".join(wild.get(character) or re.escape(character) for character in number)
    # The plus of a number does not count (orchestrator.numbering.patterns.inbound_key).
    return rf"\+?{text}" if re.fullmatch(r"[0-9*?]+", number) else text
