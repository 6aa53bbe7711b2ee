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


SECRETS = (
    *("password", "passwd", "passphrase", "pass", "pwd", "pin", "pincode", "secret", "token", "key", "code"),
    *("api_key", "api-key", "apikey", "sig", "signature", "auth", "authorization", "credential", "otp"),
    *("credentials", "access_token", "access-token", "auth_token", "auth-token", "session", "jwt"),
)
OPEN = ("room", "author", "keyboard", "tokens", "passenger", "mykey", "pinned", "signal", "zip", "a")
NAMES = [
    *((name, True) for name in SECRETS),
    *((name.upper(), True) for name in SECRETS),
    *((f"x-{name}", True) for name in SECRETS),
    *((f"my_{name}", True) for name in SECRETS),
    *((name, False) for name in OPEN),
]


@pytest.mark.parametrize(("name", "is_secret"), NAMES)
def test_a_value_is_secret_by_its_name_wherever_it_stands(name: str, is_secret: bool) -> None:
    shown = "***" if is_secret else "1234"
    assert masking.url(f"https://h/v?a=1&{name}=1234&b=2#c") == f"https://h/v?a=1&{name}={shown}&b=2#c"
    assert masking.url(f"https://h/v?{name}=1234") == f"https://h/v?{name}={shown}"
    assert masking.fields(((name, "1234"),), show_digits=True) == [f"{name}={shown}"]
    for quote in ("'", '"'):
        written = f"<Sip a='b' {name} = {quote}1234{quote}/>"
        assert masking.text(written) == written.replace("1234", shown)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *((f"X-{word}", True) for word in ("Auth", "Token", "Secret", "Password", "Cookie", "Key")),
        *((f"X-My{word}", True) for word in ("Auth", "Token", "Secret", "Password", "Cookie", "Key")),
        *((name, True) for name in ("P-Asserted-Identity", "identity", "X-Pin", "Proxy-Authorization")),
        *((name, False) for name in ("X-Room", "User-to-User", "Diversion", "Keyboard", "X-Author")),
    ],
)
def test_a_header_of_the_invite_is_secret_by_the_last_word_of_its_name(name: str, is_secret: bool) -> None:
    shown = masking.fields(((f"SipHeader_{name}", "1234"),), show_digits=True)
    assert shown == [f"SipHeader_{name}={'***' if is_secret else '1234'}"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://h/voice", "https://h/voice"),
        ("https://user:pw@h:8080/voice?a=1#b", "https://h:8080/voice?a=1#b"),
        ("https://us@er:p@w@h/voice", "https://h/voice"),
        ("https://h/a@b?to=c@d", "https://h/a@b?to=c@d"),
        ("sip:anna@h", "sip:anna@h"),
        ("https://[::1/voice?token=1", "unreadable"),
        ("", ""),
    ],
)
def test_the_rest_of_a_url_stays_as_it_is(written: str, shown: str) -> None:
    assert masking.url(written) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+13125550001", "+131******01"),
        ("+12345678", "+123***78"),
        ("12345678", "********"),
        ("anna", "****"),
        ("", ""),
    ],
)
def test_a_number_that_is_another_account_s_shows_its_beginning_and_end(number: str, shown: str) -> None:
    assert masking.number(number) == shown


def test_a_fact_that_says_nothing_is_left_out_and_each_that_says_something_stays() -> None:
    given = {"a": None, "b": "", "c": 0, "d": False, "e": 0.0, "f": [], "g": "x", "h": ()}
    assert masking.facts(given, show_digits=False) == {
        "c": 0,
        "d": False,
        "e": 0.0,
        "f": [],
        "g": "x",
        "h": [],
    }


FIELDS = (
    ("From", "+13125550001"),
    ("Digits", "1234#"),
    ("FinishedOnKey", "#"),
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
        "FinishedOnKey=*",
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


@pytest.mark.parametrize("size", [999, 1000, 1001])
def test_a_text_has_a_thousand_characters_and_then_an_ellipsis(size: int) -> None:
    text = "x" * size
    assert bounded({"url": text}) == {"url": text if size <= 1000 else f"{text[:1000]}…"}
    assert bounded({"fields": [text, "y" * 1000]})["fields"] == [bounded({"url": text})["url"], "y" * 1000]


def test_a_list_has_sixty_items() -> None:
    items = [f"{number:020}" for number in range(61)]
    assert bounded({"fields": items}) == {"fields": items[:60]}
    assert bounded({"fields": items[:50]}) == {"fields": items[:50]}


@pytest.mark.parametrize(("facts", "most"), [(6, 1000), (7, 100)])
def test_facts_that_are_too_much_together_are_cut_shorter(facts: int, most: int) -> None:
    given = {f"fact{number}": "x" * 1000 for number in range(facts)}
    assert bounded(given) == {name: text if most == 1000 else "x" * 100 + "…" for name, text in given.items()}


def test_long_facts_are_cut() -> None:
    cut = bounded({"url": "x" * 100_000, "fields": ["y" * 5000] * 1000, "ms": 4})
    assert len(str(cut["url"])) <= MAX_TEXT + 1
    fields = cut["fields"]
    assert isinstance(fields, list)
    assert len(fields) == MAX_ITEMS
    assert len(str(cut)) < 20_000
    assert cut["ms"] == 4
