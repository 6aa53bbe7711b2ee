"""A document as it came -> its bytes in UTF-8, as the XML parser shall read them.

The parser is told that everything is UTF-8, so that what was searched for a DTD is what gets parsed.
"""

import codecs
import re

# The longer marks first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,80}\sencoding\s{0,8}=\s{0,8}[\"']([A-Za-z0-9._-]{1,40})[\"']")
# A declaration that reads as ASCII cannot be true about UTF-16; .NET's StringWriter writes it above UTF-8.
_SAME_AS_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "utf-16"})
_SINGLE_BYTE = frozenset({"iso-8859-1", "latin1", "iso-8859-15", "windows-1252", "cp1252"})


def to_utf8(document: bytes | str) -> bytes:
    """The document in UTF-8 without a byte-order mark. ValueError, in words, if its encoding is not known."""
    if isinstance(document, str):
        return document.removeprefix("\ufeff").encode()
    for mark, codec in _MARKS:
        if document.startswith(mark):
            if codec == "utf-8":
                return document[len(mark) :]
            return document.decode(codec).removeprefix("\ufeff").encode()
    declared = _DECLARED.match(document)
    if declared is None:
        return document
    name = declared[1].decode().lower()
    if name in _SAME_AS_UTF8:
        return document
    if name in _SINGLE_BYTE:
        return document.decode(name).encode()
    raise ValueError(f"the encoding {name} is not supported, write UTF-8")
