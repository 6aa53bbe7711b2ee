"""The encoding of an answer: byte-order mark, then the header's charset, then the declaration (RFC 7303).

Symptom: `text/xml; charset=ISO-8859-1` without a declaration, as servlets send it, ended the call at an
umlaut. Cause: the header was not looked at. Fix: documents.charset_of() and texml's encoding.
"""

from __future__ import annotations

import codecs
import re

import pytest

from orchestrator.documents.document import charset_of, document_of, is_audio, not_audio
from orchestrator.documents.fetch import Fetched
from orchestrator.texml import Conference, Dial, DocumentError, Say, parse
from orchestrator.texml.encoding import codec_of

WORDS = {
    "utf-8": "Žluťoučký кон 日本 é",
    "UTF-8": "é",
    "us-ascii": "plain",
    "ISO-8859-1": "é Jürgen",
    "latin1": "é",
    "ISO-8859-2": "Žluťoučký",
    "iso-8859-15": "€",
    "windows-1250": "ž",
    "Windows-1251": "привет",
    "windows-1252": "“é€”",
    "KOI8-R": "привет",
    "Shift_JIS": "日本語",
    "EUC-JP": "日本語",
    "GB2312": "中文",
    "gb18030": "中文",
    "Big5": "中文",
    "euc-kr": "한국",
    "utf-16le": "é",
    "utf-16be": "é",
    "utf-32be": "é",
}


def answer(body: bytes, content_type: str) -> Fetched:
    return Fetched("http://h/voice", content_type, body)


def room(body: bytes, content_type: str) -> str:
    (dial,) = document_of(answer(body, content_type)).verbs
    assert isinstance(dial, Dial)
    assert isinstance(dial.conference, Conference)
    return dial.conference.name


def document(name: str, declaration: str = "") -> str:
    return f"{declaration}<Response><Dial><Conference>{name}</Conference></Dial></Response>"


@pytest.mark.parametrize("charset", WORDS)
@pytest.mark.parametrize("kind", ["text/xml", "application/xml", "text/html", "application/x-texml+xml"])
def test_the_header_s_charset_counts_more_than_the_declaration(charset: str, kind: str) -> None:
    name = WORDS[charset]
    for declaration in ("", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="windows-1253"?>'):
        body = document(name, declaration).encode(charset)
        for written in (f"charset={charset}", f'Charset="{charset}"', f"x=1 ; charset={charset} ;y=2"):
            assert room(body, f"{kind}; {written}") == name


@pytest.mark.parametrize("charset", [one for one in WORDS if not one.startswith("utf-")])
def test_without_one_the_declaration_counts(charset: str) -> None:
    body = document(WORDS[charset], f'<?xml version="1.0" encoding="{charset}"?>').encode(charset)
    for content_type in ("text/xml", "", "text/xml; charset=", "text/xml; charset=''"):
        assert room(body, content_type) == WORDS[charset]


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_a_byte_order_mark_counts_before_both(mark: bytes, codec: str) -> None:
    body = mark + document("é 日", '<?xml version="1.0" encoding="iso-8859-2"?>').encode(codec)
    assert room(body, "text/xml; charset=ISO-8859-1") == "é 日"


def test_a_line_of_text_is_in_the_charset_of_its_header() -> None:
    assert document_of(answer("Grüße".encode("latin-1"), "text/plain; charset=latin1")).verbs == (
        Say(text="Grüße"),
    )
    assert document_of(answer("Grüße".encode(), "text/plain")).verbs == (Say(text="Grüße"),)


@pytest.mark.parametrize("charset", ["x-klingon", "utf-7", "hz", "unicode_escape", "hex", "rot13", "idna"])
def test_a_charset_that_is_not_known_is_named(charset: str) -> None:
    with pytest.raises(DocumentError, match=r"charset .* of its Content-Type is not supported, write UTF-8"):
        document_of(answer(document("a").encode(), f"text/xml; charset={charset}"))


def test_bytes_that_are_not_in_their_charset_are_no_document() -> None:
    with pytest.raises(DocumentError):
        document_of(answer(document("é").encode("latin-1"), "text/xml; charset=utf-8"))
    with pytest.raises(DocumentError, match="cannot be read"):
        document_of(answer(document("é").encode() + b"\x81", "text/xml; charset=shift_jis"))


def test_no_charset_hides_a_doctype() -> None:
    text = "<!DOCTYPE a [<!ENTITY b 'c'>]><Response/>"
    for charset in WORDS:
        with pytest.raises(DocumentError, match="DOCTYPE"):
            parse(text.encode(charset), charset=charset)


@pytest.mark.parametrize(
    "header", ["", "text/xml", ";", "x\ny; charset=a", "a" * 10000, ";charset=;", "text/xml; charset=\xe9"]
)
def test_a_strange_header_names_no_charset(header: str) -> None:
    assert codec_of(charset_of(header)) is None


PAGE = "<!DOCTYPE html><html><head><title>Sign &amp;\n in</title></head><body>Hello</body></html>"


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ("", 204, "the answer is empty (status 204), not audio"),
        (" \n", 200, "the answer is empty (status 200), not audio"),
        (PAGE, 200, "the answer is an HTML page, not audio (status 200): Sign & in"),
        ("\ufeff\n" + PAGE, 200, "the answer is an HTML page, not audio (status 200): Sign & in"),
        ("<html><p>Gone  away</html>", 200, "the answer is an HTML page, not audio (status 200): Gone away"),
        ("<html></html>", 200, "the answer is an HTML page, not audio (status 200): without words"),
        ("RIFF, and so on", 200, ""),
        ("<Response/>", 200, ""),
    ],
)
def test_a_body_that_is_plainly_no_audio_says_so(body: str, status: int, why: str) -> None:
    assert not_audio(Fetched("http://a/", "audio/wav", body.encode(), status=status)) == why


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        ("", "text/xml", "the answer is empty (status 203), not a document; <Response/> is the shortest one"),
        (" \n", "text/plain", "the answer is empty (status 203), not a document; <Response/> is"),
        (PAGE, "text/xml", "the answer is an HTML page, not XML (status 203): Sign & in"),
        ("<?xml version='1.0'?>\n<!-- a -->\n" + PAGE, "text/xml", "the answer is an HTML page, not XML"),
        ('{"a": 1}', "text/xml", "the answer is JSON, not XML (status 203)"),
        ("[1]", "application/json; charset=utf-8", "the answer is JSON, not XML (status 203)"),
        (
            "OK\nthen " + "x" * 99,
            "text/html; charset=utf-8",
            "the answer is text/html, not XML (status 203); it begins with: OK then " + "x" * 72 + "$",
        ),
        ("OK", "", "the answer is of no type, not XML (status 203); it begins with: OK"),
    ],
)
def test_the_error_names_the_kind_of_an_answer_that_is_no_document(body: str, kind: str, why: str) -> None:
    pattern = re.escape(why).replace(r"\$", "$")
    with pytest.raises(DocumentError, match=pattern):
        document_of(Fetched("http://h/voice", kind, body.encode(), status=203))


CHARSETS = [
    *("utf-8", "us-ascii", "utf-16", "utf-32", "koi8-r", "koi8-u", "macintosh", "tis-620", "latin1"),
    *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),
    *(f"windows-{page}" for page in range(1250, 1259)),
    *(f"ibm{page}" for page in (437, 850, 852, 866)),
    *("cp874", "shift_jis", "cp932", "euc-jp", "euc-kr", "cp949", "johab"),
    *("gb2312", "gbk", "gb18030", "big5", "big5-hkscs"),
]


@pytest.mark.parametrize("charset", CHARSETS)
def test_charsets_of_the_web_are_known_by_their_names(charset: str) -> None:
    codec = codec_of(charset)
    assert codec is not None
    name = "Anna 1234"
    # Without a mark UTF-16 and UTF-32 are big-endian.
    written = {"utf-16": "utf-16-be", "utf-32": "utf-32-be"}.get(codec, codec)
    assert room(document(name).encode(written), f"text/xml; charset={charset}") == name
    assert codec_of(charset.upper()) == codec


@pytest.mark.parametrize("charset", ["x-sjis", "x", "us-ascii", "latin-x"])
def test_a_charset_is_named_in_full(charset: str) -> None:
    for header in (f"text/xml; charset={charset}", f"text/xml; charset='{charset}'"):
        assert charset_of(header) == charset


@pytest.mark.parametrize(
    ("content_type", "body", "audio"),
    [
        ("audio/wav", b"anything", True),
        ("audio/mpeg", b"", True),
        *(
            ("application/octet-stream", magic + b"...", True)
            for magic in (b"RIFF", b"ID3", b"OggS", b"fLaC")
        ),
        *(("text/xml", magic + b"\0", True) for magic in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
        ("text/xml", b"<Response/>", False),
        ("", b"", False),
        ("application/octet-stream", b"\xff\xfe<", False),
    ],
)
def test_audio_in_place_of_a_document_is_known_by_its_type_or_its_beginning(
    content_type: str, body: bytes, audio: bool
) -> None:
    assert is_audio(Fetched("http://a/", content_type, body)) is audio
