"""Bytes in UTF-8 -> a tree, without a DTD, entities, the network or a way to fill the memory."""

from collections.abc import Iterable
from itertools import islice
from typing import Protocol, cast
from xml.parsers import expat

from lxml import etree

from orchestrator.texml import limits
from orchestrator.texml.document import DocumentError


class _Entry(Protocol):
    line: int
    domain: int
    message: str


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        # Leaves libxml2 its own limits: 256 levels, bounded names.
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


_STRICT = _parser(recover=False)


def to_tree(data: bytes, source: str) -> tuple[etree._Element, list[tuple[int, str]]]:
    """The root, and the namespace errors (line, message). DocumentError if the document is not well-formed.

    TeXML knows no namespaces: an `<amazon:effect>` in a Say needs no declaration of its prefix.
    """
    # libxml2 takes a NUL for the end and would not see what follows.
    if (nul := data.find(b"\0")) >= 0:
        raise DocumentError(source, data.count(b"\n", 0, nul) + 1, "has a NUL")
    if _has_doctype(data):
        raise DocumentError(source, 1, "has a DOCTYPE; DTDs and entities are not read")
    try:
        return etree.fromstring(data, _STRICT), []
    except etree.XMLSyntaxError as error:
        code = getattr(error, "code", None)  # which the stubs do not know
        if code != etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE or not _is_well_formed(data):
            raise DocumentError(source, error.lineno or 0, error.msg or "is not well-formed") from error
        first = (error.lineno or 0, error.msg or "")
    # The log of a parser that has read before may hold what other documents were blamed for.
    parser = _parser(recover=True)
    root = etree.fromstring(data, parser)
    log = cast("Iterable[_Entry]", parser.error_log)
    found = [(entry.line, entry.message) for entry in log if entry.domain == etree.ErrorDomains.NAMESPACE]
    return root, found or [first]


def _is_well_formed(data: bytes) -> bool:
    """Whether it is XML, namespaces aside: expat does not look at them. There is no DOCTYPE in it."""
    try:
        expat.ParserCreate().Parse(data, True)
    except expat.ExpatError:
        return False
    return True


def _has_doctype(data: bytes) -> bool:
    """Whether a DOCTYPE stands where one can: before the root, among comments and processing instructions."""
    if b"<!DOCTYPE" not in data:
        return False
    at = data.find(b"<")
    while at >= 0:
        if data.startswith(b"<!--", at):
            at = data.find(b"-->", at + 4)
        elif data.startswith(b"<?", at):
            at = data.find(b"?>", at + 2)
        else:
            return data.startswith(b"<!DOCTYPE", at)
        at = data.find(b"<", at) if at >= 0 else at
    return False


def line_of(element: etree._Element) -> int:
    """The line in which the element's start tag ends; 0 if unknown."""
    return cast("int | None", element.sourceline) or 0


def bare_name(element: etree._Element) -> str:
    """The element's name without a default namespace; a prefix stays, so that it is nobody's name."""
    name = str(element.tag).rpartition("}")[2]
    return f"{element.prefix}:{name}" if element.prefix else name


def own_text(element: etree._Element) -> str:
    """The text of an element without that of its children."""
    if not len(element):
        return element.text or ""
    return "".join([element.text or "", *(child.tail or "" for child in element)])


def speech(element: etree._Element) -> str:
    """The words of SSML. Paragraphs, sentences and breaks part words also where no space is written."""
    if not len(element):
        return element.text or ""
    for part in islice(element.iter("p", "s", "break"), limits.MAX_ELEMENTS):
        part.text = f" {part.text or ''}"
        part.tail = f" {part.tail or ''}"
    return "".join(str(piece) for piece in element.itertext())
