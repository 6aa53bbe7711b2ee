"""A participant that the API dials: the document that runs on its leg."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from orchestrator.documents.fetch import Fetched


def conference_document(name: str, attributes: Mapping[str, str], time_limit: int) -> Fetched:
    """A Dial to the conference `name`, with the noun's attributes as the API was given them.

    Raises ValueError for control characters, which no XML can hold.
    """
    response = etree.Element("Response")
    dial = etree.SubElement(response, "Dial", timeLimit=str(time_limit))
    conference = etree.SubElement(dial, "Conference", dict(attributes))
    conference.text = name
    return Fetched("", "application/xml", etree.tostring(response))
