"""A document as it came -> its bytes in UTF-8, as the XML parser shall read them.

The parser reads everything as UTF-8, so that it parses the very text that was searched for a DTD.
"""

import codecs
import re

# Of an unknown charset's name.
_SHOWN = 40
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
_SAME_AS_UTF8 = frozenset({"utf-8", "us-ascii", "ascii", "utf-16"})
# Python's names of what may be decoded. Not among them: what is no text, or hides ASCII in ASCII (UTF-7, HZ).
_KNOWN = frozenset(
    ["utf-8", "utf-8-sig", "ascii", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
    + [f"iso8859-{part}" for part in range(1, 17)]
    + [f"cp{page}" for page in (437, 850, 852, 866, 874, *range(1250, 1259))]
    + ["koi8-r", "koi8-u", "mac-roman", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "johab"]
    + ["gb2312", "gbk", "gb18030", "big5", "big5hkscs", "tis-620"]
)


def to_utf8(document: bytes | str, charset: str = "") -> bytes:
    """The document in UTF-8 without a byte-order mark. ValueError, in words, if its encoding is not known.

    Where several are named, in the order of RFC 7303: the byte-order mark, the `charset` of the Content-Type,
    the document's own declaration.
    """
    if isinstance(document, str):
        return document.removeprefix("\ufeff").encode()
    for mark, codec in _MARKS:
        if document.startswith(mark):
            if codec == "utf-8":
                return document[len(mark) :]
            return document.decode(codec).removeprefix("\ufeff").encode()
    if charset:
        return _recoded(document, charset, "the charset {} of its Content-Type")
    declared = _DECLARED.match(document)
    if declared is None:
        return document
    name = declared[1].decode().lower()
    return document if name in _SAME_AS_UTF8 else _recoded(document, name, "the encoding {}")


def _recoded(document: bytes, name: str, what: str) -> bytes:
    codec = codec_of(name)
    if codec is None:
        raise ValueError(f"{what.format(name[:_SHOWN])} is not supported, write UTF-8")
    if codec in ("utf-8", "ascii"):
        # Whether it is, the XML parser says, with the line.
        return document
    # Without a mark UTF-16 and UTF-32 are big-endian (RFC 2781).
    codec = {"utf-16": "utf-16-be", "utf-32": "utf-32-be"}.get(codec, codec)
    return document.decode(codec).removeprefix("\ufeff").encode()


def codec_of(charset: str) -> str | None:
    """Python's name of a charset; None if it is not known."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return name if name in _KNOWN else None
