"""What was fetched, as a document: XML by its content, audio as Play, text as Say (telnyx-texml 4.3)."""

from __future__ import annotations

from email.message import Message

from orchestrator.calls.fetch import Fetched, shown
from orchestrator.texml import NO_DEFAULTS, Defaults, Document, Play, Say, parse
from orchestrator.texml.encoding import codec_of

AUDIO_MAGIC = (b"RIFF", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"OggS", b"fLaC")
XML_MARKS = b" \t\r\n\xef\xbb\xbf\x00\xff\xfe"


def is_audio(fetched: Fetched) -> bool:
    return fetched.content_type.startswith("audio/") or fetched.body.startswith(AUDIO_MAGIC)


def is_xml(fetched: Fetched) -> bool:
    """By its first character: application servers often name no type, or a wrong one."""
    return fetched.body.lstrip(XML_MARKS).startswith(b"<")


def document_of(fetched: Fetched, defaults: Defaults = NO_DEFAULTS) -> Document:
    """`defaults`: of attributes that it leaves out, where they are not Telnyx's.

    Raises DocumentError where it is meant to be XML and is none that can be used.
    """
    if is_audio(fetched):
        return Document((Play(url=fetched.url),), ())
    charset = charset_of(fetched.content_type)
    if not is_xml(fetched) and fetched.content_type.startswith("text/plain"):
        text = fetched.body.decode(codec_of(charset) or "utf-8", "replace").strip()
        if text:
            return Document((Say(text=text),), ())
    return parse(fetched.body, source=shown(fetched.url), charset=charset, defaults=defaults)


def charset_of(content_type: str) -> str:
    """Of a Content-Type; empty where it names none."""
    header = Message()
    header["Content-Type"] = content_type
    # Some write it in single quotes, which are none of HTTP's.
    return header.get_content_charset("").strip("' ")
