"""Nothing secret is in a timeline, whatever part of the program adds an entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.timeline import masking
from orchestrator.timeline.bounds import MAX_ITEMS, MAX_TEXT, bounded

SECRET = "s3cr3t-value"

URLS = [
    f"https://user:{SECRET}@example.com/voice",
    f"https://{SECRET}@example.com/voice",
    f"https://example.com/voice?token={SECRET}",
    f"https://example.com/voice?a=1&access_token={SECRET}&b=2",
    f"https://example.com/voice?api-key={SECRET}",
    f"https://example.com/voice?X-Amz-Signature={SECRET}",
    f"https://example.com/voice?sig={SECRET}#part",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_loses_its_password_and_the_secrets_of_its_query(url: str) -> None:
    shown = masking.url(url)
    assert SECRET not in shown
    assert "example.com/voice" in shown


@pytest.mark.parametrize("url", URLS)
def test_so_does_a_url_in_a_document_or_an_answer(url: str) -> None:
    text = url.replace("&", "&amp;")
    document = f"<Response><Play>{text}</Play><Redirect>{text}</Redirect></Response>"
    assert SECRET not in masking.text(document)
    assert SECRET.encode() not in masking.document(document.encode(), 10_000)


def test_passwords_in_attributes_are_starred_and_the_rest_stays() -> None:
    document = f'<Response><Dial><Sip username="u" password="{SECRET}">sip:a@b</Sip></Dial></Response>'
    assert masking.text(document) == document.replace(SECRET, "***")


def test_a_document_is_cut_so_that_half_a_password_is_not_left() -> None:
    document = f"<Response><Play>https://user:{SECRET}@example.com/</Play></Response>".encode()
    for most in range(len(document)):
        kept = masking.document(document, most)
        assert len(kept) <= most
        assert SECRET[:4].encode() not in kept


FIELDS = (
    ("From", "+13125550001"),
    ("Digits", "1234#"),
    ("SpeechResult", "my pin is one two"),
    ("SipHeader_X-Auth-Token", SECRET),
    ("SipHeader_Proxy-Authorization", SECRET),
    ("password", SECRET),
    ("RecordingUrl", f"https://example.com/r?signature={SECRET}"),
)


def test_fields_of_a_request_lose_keys_pressed_and_secrets() -> None:
    assert masking.fields(FIELDS, show_digits=False) == [
        "From=+13125550001",
        "Digits=*****",
        "SpeechResult=***",
        "SipHeader_X-Auth-Token=***",
        "SipHeader_Proxy-Authorization=***",
        "password=***",
        "RecordingUrl=https://example.com/r?signature=***",
    ]
    assert "Digits=1234#" in masking.fields(FIELDS, show_digits=True)


def test_each_fact_that_can_hold_a_url_is_masked_by_its_name() -> None:
    address = f"https://user:{SECRET}@example.com/"
    given = dict.fromkeys(("url", "problem", "error", "answer", "outcome", "decided", "subject"), address)
    shown = masking.facts({**given, "digits": "12", "fields": (("a", address),), "ms": 3}, show_digits=False)
    assert SECRET not in str(shown)
    assert (shown["digits"], shown["ms"]) == ("**", 3)


@given(st.dictionaries(st.text(max_size=8), st.text() | st.lists(st.text()) | st.integers(), max_size=8))
def test_facts_are_bounded_and_short_ones_stay(facts: dict[str, str | int | list[str]]) -> None:
    assert bounded(dict(facts)) == facts or len(str(facts)) > MAX_TEXT


def test_long_facts_are_cut() -> None:
    cut = bounded({"url": "x" * 100_000, "fields": ["y" * 5000] * 1000, "ms": 4})
    assert len(str(cut["url"])) <= MAX_TEXT + 1
    fields = cut["fields"]
    assert isinstance(fields, list)
    assert len(fields) == MAX_ITEMS
    assert len(str(cut)) < 20_000
    assert cut["ms"] == 4
