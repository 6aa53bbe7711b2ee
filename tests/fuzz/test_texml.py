"""Documents and what is asked for them: a Document or a DocumentError, and requests with data as data."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import quoteattr

from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.calls.context import CallContext
from orchestrator.documents.document import document_of
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.request_parameters import caller_of, origin_of, sip_header_fields, standard_fields
from orchestrator.net.urls import Unrequestable, target, with_fields
from orchestrator.routing import identities
from orchestrator.store.message import Message
from orchestrator.texml import Document, DocumentError, parse
from orchestrator.texml.limits import MAX_SPOKEN, MAX_WARNINGS
from orchestrator.types import CallbackStyle
from tests.attacks.payloads import payloads
from tests.fuzz.profile import FUZZ

SECONDS = 5.0
SEEDS = [
    b"<Response><Say voice='x'>a<break/>b</Say><Dial><Conference>R</Conference></Dial></Response>",
    b"<?xml version='1.0' encoding='utf-16'?><Response><Play>x</Play></Response>",
    "<Response><Gather><Say>\u20ac</Say></Gather></Response>".encode("utf-16"),
    b"<Response xmlns='urn:x' xmlns:a='b'><a:Say/><Say>&lt;&#x2028;&amp;</Say><![CDATA[x]]></Response>",
    b"<!DOCTYPE r [<!ENTITY a 'b'>]><Response>&a;</Response>",
    b"<!-- <!DOCTYPE --><?x <!DOCTYPE ?><Response><Redirect>?a=b&amp;c</Redirect></Response>",
]
# Pieces that damage a document in more interesting ways than a stray byte.
PIECES = st.sampled_from(
    b"< > & ]]> <![CDATA[ <!-- --> <? &#0; &#xd800; &lt; &x; ' \" % \0 \xff \xef\xbb\xbf \xfe\xff "
    b"\xed\xa0\x80 \x85 <Say> </Say> <Dial> <Conference> <a:b> encoding='x' <!DOCTYPE a='b' xmlns='x'".split(
        b" "
    )
)
EDITS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 12), st.one_of(PIECES, st.binary(max_size=4))), max_size=8
)
PAYLOADS = list(payloads(Path("/tmp/mark")).values())
TEXT = st.one_of(st.text(), st.sampled_from(PAYLOADS))
SURROGATES = st.text(st.characters(), max_size=20)


def check(data: bytes, read: object = parse) -> Document | None:
    began = time.monotonic()
    try:
        document: Document = read(data)  # type: ignore[operator]
    except DocumentError:
        return None
    finally:
        assert time.monotonic() - began < SECONDS
    assert len(document.warnings) <= MAX_WARNINGS
    for verb in document.verbs:
        assert len(getattr(verb, "text", "")) <= MAX_SPOKEN
    return document


@FUZZ
@given(st.sampled_from(SEEDS), EDITS, st.booleans())
def test_a_damaged_document_is_a_document_or_a_document_error(
    seed: bytes, edits: list[tuple[int, int, bytes]], twice: bool
) -> None:
    for at, removed, piece in edits:
        at %= len(seed) + 1
        seed = seed[:at] + piece * (1 + twice) + seed[at + removed :]
    check(seed)


@FUZZ
@given(
    st.binary(max_size=300),
    st.sampled_from(["", "text/plain", "text/xml", "audio/x", "text/plain\n;x", "\0"]),
)
@example(b"\xff\xfb", "")
@example(b"\x00\x00<", "text/plain")
def test_any_fetched_body_is_a_document_or_a_document_error(body: bytes, kind: str) -> None:
    check(body, lambda data: document_of(Fetched("http://h/", kind, data)))


def test_a_body_that_expands_fast_is_parsed_in_time() -> None:
    for data in (
        b"<Response>" + b"<Say>" * 200_000,
        b"<Response>" + b"<a:b>" * 100_000 + b"</Response>",
        b"<Response " + b" ".join(b"a%d='x'" % n for n in range(60_000)) + b"/>",
        b"<Response><Say>" + b"&#xa0;" * 150_000 + b"</Say></Response>",
        b"<Response><Say>" + b"<p>" * 200 + b"</p>" * 200 + b"</Say></Response>",
        b"<!--" * 250_000,
        b"<?a?>" * 200_000,
        b"<Response><Dial>" + b"<Sip>sip:a@b</Sip>" * 40_000 + b"</Dial></Response>",
    ):
        check(data)


@FUZZ
@given(TEXT, TEXT)
def test_a_text_is_the_same_text_after_the_parser_or_warned_about(name: str, label: str) -> None:
    written = f"<Response><Dial><Conference participantLabel={quoteattr(label)}>{quoteattr(name)[1:-1]}</Conference></Dial></Response>"  # noqa: E501
    document = check(written.encode("utf-8", "replace"))
    if document is None or not document.verbs:
        return
    (dial,) = document.verbs
    for room in dial.nouns:  # type: ignore[union-attr]
        assert room.name == name.strip() or document.warnings  # type: ignore[union-attr]


HEADERS = st.dictionaries(
    st.one_of(
        st.sampled_from(
            [
                "Caller-Caller-ID-Number",
                "Caller-Destination-Number",
                "variable_sip_from_uri",
                "variable_sip_to_uri",
                "variable_sip_full_from",
                "variable_sip_full_to",
                "variable_sip_req_user",
                "variable_sip_P-Asserted-Identity",
                "variable_sip_Remote-Party-ID",
                "variable_sip_Privacy",
            ]
        ),
        st.text(max_size=8).map(lambda name: f"variable_sip_h_{name}"),
        st.text(max_size=8),
    ),
    st.one_of(TEXT, SURROGATES),
    max_size=8,
)


STYLES = (
    CallbackStyle(twilio_extras=False),
    CallbackStyle(),
    CallbackStyle(request_fields="twilio"),
)


@FUZZ
@given(HEADERS, st.sampled_from(STYLES), st.booleans())
def test_any_text_of_a_caller_arrives_as_one_value_of_one_field(
    headers: dict[str, str], style: CallbackStyle, trusted: bool
) -> None:
    identity = identities.caller(headers, "US", trusted=trusted)
    caller = caller_of("v3:x", "uuid", "1", headers, "US", identity, style.request_fields)
    origin = origin_of(headers, "US", identity)
    sip_headers = sip_header_fields(headers)
    fields = standard_fields(caller, "account", "ringing", "inbound", sip_headers, style, origin)
    names = [name for name, _ in fields]
    assert len(set(names)) == len(names)
    assert fields[len(fields) - len(sip_headers) :] == sip_headers
    assert all(name.startswith("SipHeader_") for name, _ in sip_headers)
    message = Message("q", "http://h/", "POST", fields, "account", "e", 0, 0)
    body = message.body()
    assert not set(body) & set(b"\r\n\0 ")
    delivered = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    clean = [
        (n.encode("utf-8", "replace").decode(), v.encode("utf-8", "replace").decode()) for n, v in fields
    ]
    assert delivered == clean


@FUZZ
@given(TEXT, st.lists(st.tuples(st.text(max_size=8), TEXT), max_size=4))
def test_fields_in_an_address_stay_fields(path: str, fields: list[tuple[str, str]]) -> None:
    try:
        url = with_fields(f"http://h/x?keep=1#{path}", urlencode(fields))
    except ValueError:
        # A surrogate, which the fetcher takes for a failed request.
        return
    assert url.startswith("http://h/x?keep=1")
    query = urlsplit(url).query
    assert parse_qsl(query, keep_blank_values=True) == [("keep", "1"), *fields]


@FUZZ
@given(
    st.sampled_from(["http://h/a/b?c", "https://u:p@h:1/", "", "file:///etc/"]), st.one_of(TEXT, SURROGATES)
)
@example("http://h/", "http://[")
@example("http://h/", "//a\u2100b")
def test_any_text_resolves_and_only_http_is_ever_spoken(base: str, text: str) -> None:
    url = CallContext.resolve(base, text)
    try:
        prepared = target(url)
    except Unrequestable:
        return
    assert prepared.url.startswith(("http://", "https://"))
    assert prepared.url.isascii()
    assert not set(prepared.url + prepared.origin) & set("\r\n\0 ")
