"""X-Twilio-Signature, verified as applications do it: by Twilio's own library, on what came over the wire."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from requests.cookies import RequestsCookieJar
from telnyx.lib.webhook_verification import verify_webhook_signature
from twilio.request_validator import RequestValidator

from orchestrator.callbacks.signature import (
    TWILIO_HEADER,
    AccountKeys,
    Signer,
    load_key,
    new_seed,
    public_key,
    twilio_signature,
)
from orchestrator.documents.fetch import Fetcher, Limits
from orchestrator.types import CallbackStyle, Method, Signatures
from tests.callbacks.conftest import Office, make, wait_until
from tests.callbacks.receiver import Receiver, Request, answers

TOKEN = b"0123456789abcdef0123456789abcdef"
VALIDATOR = RequestValidator(TOKEN.decode())
FORMS = {
    "letters and digits": (("Caller", "+14158675309"), ("Digits", "1234")),
    "an empty field": (("Digits", ""), ("FromCity", ""), ("From", "+1")),
    "unicode": (("FriendlyName", "Größe & 会議 🙂"), ("Ö", "ö")),
    "form characters": (("A", "a b+c&d=e%20;/?:@,$'\"<>~*"), ("B", "line\r\nbreak")),
    "a field twice": (("X", "2"), ("X", "1"), ("X", "2")),
    "no field": (),
}
QUERIES = [
    "",
    "?a=1&b=2",
    "?name=J%C3%BCrgen%20M",
    "?flag",
    "?empty=&x=%2F%3F",
    "?token=a+b%2Bc",
    "?a=b=c&&d",
]


def as_seen(request: Request) -> str:
    """The URL as an application behind no proxy puts it together."""
    return f"http://{request.headers['host']}{request.target}"


def is_valid(request: Request) -> bool:
    form = parse_qs(request.body.decode(), keep_blank_values=True)
    fields = {name: values[0] for name, values in form.items()}
    return bool(VALIDATOR.validate(as_seen(request), fields, request.headers[TWILIO_HEADER.lower()]))


def test_it_is_the_signature_of_twilio_s_own_example() -> None:
    fields = (
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    )
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio_signature(b"12345", url, urlencode(fields).encode()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


class Fields(dict[str, list[str]]):
    """As Flask's and Django's forms are read."""

    getlist = dict.__getitem__


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "base", ["https://a.example/x", "http://a.example:8080/x", "https://a.example:8443/"]
)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_twilio_s_library_accepts_it(form: tuple[tuple[str, str], ...], base: str, query: str) -> None:
    body = urlencode(form).encode()
    fields = Fields(parse_qs(body.decode(), keep_blank_values=True))
    assert VALIDATOR.validate(base + query, fields, twilio_signature(TOKEN, base + query, body))
    assert VALIDATOR.validate(base + query, {}, twilio_signature(TOKEN, base + query, None))


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=6))
def test_twilio_s_library_accepts_any_form(pairs: list[tuple[str, str]]) -> None:
    form = [tuple(text.encode("utf-8", "replace").decode() for text in pair) for pair in pairs if pair[0]]
    body = urlencode(form).encode()
    fields = Fields(parse_qs(body.decode(), keep_blank_values=True))
    url = "https://a.example/x?y=1"
    assert VALIDATOR.validate(url, fields, twilio_signature(TOKEN, url, body))


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("http://user:secret@a.example/x", "http://a.example/x"),
        ("http://a.example/x?y=1#part", "http://a.example/x?y=1"),
    ],
)
def test_parts_of_a_url_that_no_server_sees_are_not_signed(asked: str, seen: str) -> None:
    assert VALIDATOR.validate(seen, {}, twilio_signature(TOKEN, asked, None))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_callback_s_signature_holds_on_the_wire(
    office: Office, destination: Receiver, query: str, method: Method
) -> None:
    office.auth_token = TOKEN
    form = FORMS["unicode"] + FORMS["an empty field"] + FORMS["form characters"]
    message = make("room", destination.url() + query, 7, method=method, fields=form)
    office.send(replace(message, signatures="twilio", user_agent="TwilioProxy/1.1"))
    office.wait_results(1)
    (request,) = destination.requests
    assert request.fields["FriendlyName"] == "Größe & 会議 🙂"
    assert is_valid(request)
    assert request.headers["user-agent"] == "TwilioProxy/1.1"
    assert not any(name.startswith("telnyx-") for name in request.headers)


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    fetcher = Fetcher(Limits(timeout=10.0), directory=tmp_path)
    yield fetcher
    fetcher.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_document_s_request_is_signed_and_so_is_the_one_after_a_redirect(
    fetcher: Fetcher, destination: Receiver, query: str, method: str
) -> None:
    moved = f"Location: {destination.url('/next?here=%20x')}\r\n"
    destination.behave(answers(307, headers=moved), "/first")
    signer = Signer(
        CallbackStyle(signatures="both", user_agent="TwilioProxy/1.1"),
        AccountKeys(load_key(new_seed()), TOKEN),
    )
    url, form = destination.url("/first") + query, (*FORMS["unicode"], *FORMS["an empty field"])
    fetcher.fetch(url, method, form, RequestsCookieJar(), signer=signer)
    first, second = destination.requests
    assert (first.path, second.path) == ("/first", "/next")
    for request in destination.requests:
        assert is_valid(request), request.target
        assert request.headers["user-agent"] == "TwilioProxy/1.1"
        assert signer.keys.ed25519 is not None
        verify_webhook_signature(request.body, request.headers, public_key(signer.keys.ed25519))


@pytest.mark.parametrize(
    ("signatures", "telnyx", "twilio"),
    [("telnyx", True, False), ("twilio", False, True), ("both", True, True)],
)
def test_each_is_sent_where_it_is_wanted_and_the_account_has_its_key(
    signatures: Signatures, telnyx: bool, twilio: bool
) -> None:
    style, key = CallbackStyle(signatures=signatures), load_key(new_seed())

    def sent(keys: AccountKeys) -> set[str]:
        return set(Signer(style, keys).headers("http://h/", b"A=1", 0)) - {"User-Agent"}

    ed25519 = {"telnyx-signature-ed25519", "telnyx-timestamp"} if telnyx else set()
    hmac_sha1 = {TWILIO_HEADER} if twilio else set()
    assert sent(AccountKeys(key, TOKEN)) == ed25519 | hmac_sha1
    assert sent(AccountKeys(key)) == ed25519
    assert sent(AccountKeys(auth_token=TOKEN)) == hmac_sha1
    assert sent(AccountKeys()) == set()


def test_the_keys_are_in_no_representation() -> None:
    keys = AccountKeys(load_key(new_seed()), TOKEN)
    assert repr(keys) == "AccountKeys()"
    assert "0123456789" not in repr(Signer(CallbackStyle(), keys))


def test_a_new_token_signs_waiting_callbacks(office: Office, destination: Receiver) -> None:
    office.auth_token = b"old"
    destination.behave(answers(500, 200))
    office.send(replace(make("room", destination.url()), signatures="twilio"))
    wait_until(lambda: bool(destination.requests), "the first attempt")
    office.auth_token = TOKEN
    office.wait_results(1)
    first, second = destination.requests
    assert not is_valid(first)
    assert is_valid(second)


def test_a_message_keeps_how_it_is_signed_over_a_restart_and_a_retry(
    office: Office, destination: Receiver
) -> None:
    office.auth_token = TOKEN
    destination.behave(answers(404, 200))
    office.send(replace(make("room", destination.url()), signatures="twilio", user_agent="TwilioProxy/1.1"))
    office.wait_results(1)
    office.restart()
    (failed,) = office.outbox.finished(failed=True)
    with sqlite3.connect(office.path) as other:
        other.execute("INSERT INTO retries VALUES (?)", (failed.id,))
    office.wait_results(2)
    assert [request.headers["user-agent"] for request in destination.requests] == ["TwilioProxy/1.1"] * 2
    assert all(map(is_valid, destination.requests))
