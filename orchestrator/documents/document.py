"""A fetched answer as a document: XML by its content, audio as Play, text as Say."""

from __future__ import annotations

import html
import re
from email.message import Message

from orchestrator.documents.fetch import Fetched
from orchestrator.esl.commands import one_line
from orchestrator.net.logged_url import shown
from orchestrator.texml import NO_DEFAULTS, Defaults, Document, DocumentError, Play, Say, parse
from orchestrator.texml.encoding import codec_of
from orchestrator.texml.template import values_of

AUDIO_MAGIC = (b"RIFF", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"OggS", b"fLaC")
# The message of an error page is at its beginning.
SEEN_BYTES = 16384
SHOWN = 80
HTML = re.compile(
    r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|h1|pre)\b", re.I | re.S
)
TITLE = re.compile(r"<(?:title|h1)\b[^>]*>(.*?)</(?:title|h1)>", re.I | re.S)
TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<!--.*?-->|<[^>]*>?", re.I | re.S)
XML_MARKS = b" \t\r\n\xef\xbb\xbf\x00\xff\xfe"


def is_audio(fetched: Fetched) -> bool:
    return fetched.content_type.startswith("audio/") or fetched.body.startswith(AUDIO_MAGIC)


def is_xml(fetched: Fetched) -> bool:
    """By its first character: application servers often name no type, or a wrong one."""
    return fetched.body.lstrip(XML_MARKS).startswith(b"<")


def document_of(fetched: Fetched, defaults: Defaults = NO_DEFAULTS, *, templates: bool = True) -> Document:
    """`defaults`: of attributes that it leaves out, where they are not Telnyx's. `templates`: whether what
    stands in `{{ }}` is filled in.

    Raises DocumentError where it is meant to be XML and is none that can be used.
    """
    if is_audio(fetched):
        return Document((Play(url=fetched.url),), ())
    charset = charset_of(fetched.content_type)
    text = fetched.body[:SEEN_BYTES].decode(codec_of(charset) or "utf-8", "replace").strip("\ufeff \t\r\n\0")
    if not is_xml(fetched) and fetched.content_type.startswith("text/plain") and text:
        text = fetched.body.decode(codec_of(charset) or "utf-8", "replace").strip()
        return Document((Say(text=text),), ())
    if problem := no_document(text, fetched):
        raise DocumentError(shown(fetched.url), 0, problem)
    values = values_of(fetched.asked) if templates and fetched.asked is not None else None
    return parse(fetched.body, source=shown(fetched.url), charset=charset, defaults=defaults, values=values)


def no_document(text: str, fetched: Fetched) -> str:
    """A description of an answer that cannot be a document; empty where it may be one."""
    status, kind = fetched.status, fetched.content_type.partition(";")[0].strip()
    if not text:
        return f"the answer is empty (status {status}), not a document; <Response/> is the shortest one"
    if page := page_in(text):
        return f"the answer is an HTML page, not XML (status {status}){page}"
    if text.startswith(("{", "[")):
        return f"the answer is JSON, not XML (status {status})"
    if not text.startswith("<") and not is_xml(fetched):
        begins = one_line(text)[:SHOWN]
        return f"the answer is {kind or 'of no type'}, not XML (status {status}); it begins with: {begins}"
    return ""


def page_in(text: str) -> str:
    """The first words of a web page, to go on with; empty where the text is none."""
    if not HTML.match(text):
        return ""
    title = TITLE.search(text)
    words = " ".join(html.unescape(TAGS.sub(" ", title[1] if title else text)).split())
    return f": {one_line(words)[:SHOWN] or 'without words'}"


def not_audio(fetched: Fetched) -> str:
    """Why an answer that is to be played is no audio, where that is plain to see; else empty."""
    if not fetched.body.strip():
        return f"the answer is empty (status {fetched.status}), not audio"
    if page := page_in(fetched.body[:SEEN_BYTES].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")):
        return f"the answer is an HTML page, not audio (status {fetched.status}){page}"
    return ""


def charset_of(content_type: str) -> str:
    """Of a Content-Type; empty where it names none."""
    header = Message()
    header["Content-Type"] = content_type
    # Some write it in single quotes, which are none of HTTP's.
    return header.get_content_charset("").strip("' ")
