"""A verb of a parsed document, written again: its twin in another document, for another FreeSWITCH node.

Every attribute that has an effect is written, also one that has its default: defaults depend on the
application.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from orchestrator.texml.dial import Conference, Dial
from orchestrator.texml.schema import Attribute, Element, schema_of

_CONFERENCE, _DIAL = schema_of(Conference), schema_of(Dial)


def written_conference(noun: Conference, *, time_limit: int, hangup_on_star: bool) -> bytes:
    """A document with a Dial of `time_limit` seconds to the same conference, and nothing after it."""
    response = etree.Element("Response")
    dial = etree.SubElement(response, "Dial")
    limits = Dial(time_limit=time_limit, hangup_on_star=hangup_on_star)
    for name in ("timeLimit", "hangupOnStar"):
        dial.set(name, _text(getattr(limits, _DIAL.attributes[name].field)))
    conference = etree.SubElement(dial, "Conference", dict(_attributes(noun, _CONFERENCE.attributes)))
    conference.text = noun.name
    return etree.tostring(response, encoding="utf-8")


def _attributes(element: Element, declared: dict[str, Attribute]) -> Iterator[tuple[str, str]]:
    for name, attribute in declared.items():
        value = getattr(element, attribute.field)
        if value is not None and not attribute.ignored:
            yield name, _text(value)


def _text(value: object) -> str:
    """As a document has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return str(value)
