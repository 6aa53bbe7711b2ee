"""What was fetched, as a document: XML by its content, audio as Play, text as Say (telnyx-texml 4.3)."""

from __future__ import annotations

from orchestrator.calls.fetch import Fetched, shown
from orchestrator.texml import Document, Play, Say, parse

AUDIO_MAGIC = (b"RIFF", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"OggS", b"fLaC")
XML_MARKS = b" \t\r\n\xef\xbb\xbf\x00\xff\xfe"


def is_audio(fetched: Fetched) -> bool:
    return fetched.content_type.startswith("audio/") or fetched.body.startswith(AUDIO_MAGIC)


def is_xml(fetched: Fetched) -> bool:
    """By its first character: application servers often name no type, or a wrong one."""
    return fetched.body.lstrip(XML_MARKS).startswith(b"<")


def document_of(fetched: Fetched) -> Document:
    """Raises DocumentError where it is meant to be XML and is none that can be used."""
    if is_audio(fetched):
        return Document((Play(url=fetched.url),), ())
    text = fetched.body.decode("utf-8", "replace").strip()
    if text and not is_xml(fetched) and fetched.content_type.startswith("text/plain"):
        return Document((Say(text=text),), ())
    return parse(fetched.body, source=shown(fetched.url))
