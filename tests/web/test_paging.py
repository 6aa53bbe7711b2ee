"""Pages, filters by time, answers and shapes of the API: each rule of them by a table."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from orchestrator.rejection import NotFound, ServiceError
from orchestrator.store.outbox import Outbox
from orchestrator.store.records import Span
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.web.api import idempotency
from orchestrator.web.api.errors import (
    ApiError,
    Fault,
    bad_request,
    invalid,
    not_allowed,
    not_found,
    refused,
    telnyx_body,
    twilio_body,
    unauthorised,
)
from orchestrator.web.api.idempotency import Idempotency
from orchestrator.web.api.paging import Page, operators, page_body, page_of, slice_of, spans_of, token_of
from orchestrator.web.api.parameter_types import (
    InvalidValue,
    digits,
    document,
    headers,
    label,
    text,
    url,
    whole,
)
from orchestrator.web.api.response_schema import ApiBase, formatted, iso8601, one_of, rfc2822

SECOND, DAY = 1_000_000, 86_400_000_000
NOON = 1_684_756_800 * SECOND  # 2023-05-22T12:00:00Z
MIDNIGHT = NOON - DAY // 2


@given(st.integers(0, 10**17), st.text("abc -v3:", min_size=1, max_size=20))
def test_a_token_is_read_as_it_was_made(at: int, sid: str) -> None:
    page = page_of({"Page": 3, "PageSize": 7, "PageToken": token_of(at, sid)})
    assert page == Page(3, 7, (at, sid))
    assert page.offset == 0


@pytest.mark.parametrize("token", ["x", "MTIz", "eCB5", "MTIzIA", "MTIzNDU2Nzg5MDEyMzQ1Njc4OSB4", "é"])
def test_a_text_that_is_no_token_is_named(token: str) -> None:
    with pytest.raises(ApiError) as caught:
        page_of({"PageToken": token})
    assert (caught.value.status, caught.value.faults[0].pointer) == (422, "/PageToken")


def test_without_anything_it_is_the_first_page_of_twenty() -> None:
    assert page_of({}) == Page(0, 20, None)
    assert page_of({"PageToken": ""}).after is None
    assert Page(3, 7, None).offset == 21


@pytest.mark.parametrize(
    ("count", "shown", "more"), [(0, 0, False), (3, 3, False), (4, 3, True), (5, 3, True)]
)
def test_one_entry_too_many_says_that_there_is_more(count: int, shown: int, more: bool) -> None:
    found, has_more = slice_of(Page(0, 3, None), range(count))
    assert (len(found), has_more) == (shown, more)


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("token", [None, "", "next"])
@pytest.mark.parametrize("own", ["", "before"])
def test_the_links_of_a_page(number: int, token: str | None, own: str) -> None:
    query = {"Status": "completed", "Page": str(number), "PageSize": "5"} | (
        {"PageToken": own} if own else {}
    )
    body = page_body(Page(number, 5, None), "/path.json", query, [1, 2], token)
    assert (body["page"], body["page_size"], body["start"], body["end"]) == (
        number,
        5,
        5 * number,
        5 * number + 1,
    )

    def link(name: str) -> dict[str, str] | None:
        found = body[name]
        if found is None:
            return None
        assert urlsplit(str(found)).path == "/path.json"
        return dict(parse_qsl(urlsplit(str(found)).query))

    same = {"Status": "completed", "PageSize": "5"}
    assert link("uri") == same | {"Page": str(number)} | ({"PageToken": own} if own else {})
    assert link("first_page_uri") == same | {"Page": "0"}
    following = same | {"Page": str(number + 1)} | ({"PageToken": token} if token else {})
    assert link("next_page_uri") == (None if token is None else following)
    before = number > 0 and not own
    assert link("previous_page_uri") == (same | {"Page": str(number - 1)} if before else None)


def test_an_empty_page_ends_where_it_starts() -> None:
    body = page_body(Page(2, 5, None), "/path", {}, [], None)
    assert (body["start"], body["end"]) == (10, 10)


WRITTEN = {
    ("DateCreated", "2023-05-22"): Span(MIDNIGHT, MIDNIGHT + DAY),
    ("DateCreated", ">=2023-05-22"): Span(MIDNIGHT, None),
    ("DateCreated", "<= 2023-05-22 "): Span(None, MIDNIGHT + DAY),
    ("DateCreated", ">2023-05-22"): Span(MIDNIGHT, None),
    ("DateCreated", "<2023-05-22"): Span(None, MIDNIGHT + DAY),
    ("DateCreated>", "2023-05-22"): Span(MIDNIGHT, None),
    ("DateCreated<", "2023-05-22"): Span(None, MIDNIGHT + DAY),
    ("DateCreated>=", "2023-05-22"): Span(MIDNIGHT, None),
    ("DateCreated<=", "2023-05-22"): Span(None, MIDNIGHT + DAY),
    ("DateCreated_gt", "2023-05-22"): Span(MIDNIGHT, None),
    ("DateCreated_lt", "2023-05-22"): Span(None, MIDNIGHT + DAY),
    ("DateCreated", "2023-05-22T12:00:00Z"): Span(NOON, NOON + SECOND),
    ("DateCreated", "2023-05-22T12:00:00"): Span(NOON, NOON + SECOND),
    ("DateCreated", "2023-05-22T14:00:00+02:00"): Span(NOON, NOON + SECOND),
}


@pytest.mark.parametrize("written", WRITTEN, ids=["".join(pair) for pair in WRITTEN])
def test_a_filter_by_time_is_read_in_every_spelling(written: tuple[str, str]) -> None:
    name, value = written
    assert spans_of("DateCreated", {name: value}) == [WRITTEN[written]]
    assert name in operators("DateCreated")


def test_both_bounds_count_and_an_empty_one_is_none() -> None:
    query = {"DateCreated>": "2023-05-22", "DateCreated<": "2023-05-23", "DateCreated": "", "EndTime": "x"}
    assert spans_of("DateCreated", query) == [Span(MIDNIGHT, None), Span(None, MIDNIGHT + 2 * DAY)]


@pytest.mark.parametrize("value", ["yesterday", "2023-13-01", "20230522T", "99999-01-01", ">", "2023-05-22x"])
def test_a_text_that_is_no_time_is_named(value: str) -> None:
    with pytest.raises(ApiError) as caught:
        spans_of("EndTime", {"EndTime>": value})
    assert (caught.value.status, caught.value.faults[0].pointer) == (422, "/EndTime>")


@pytest.mark.parametrize(
    ("error", "status", "code", "twilio_status", "twilio_code"),
    [
        (not_found(), 404, "10005", 404, 20404),
        (unauthorised(), 401, "10009", 401, 20003),
        (not_allowed("PUT"), 405, "10030", 405, 20004),
        (bad_request("10015", "Bad Request", "x"), 400, "10015", 400, 20001),
        (bad_request("10007", "Unexpected error", "x", 500), 500, "10007", 500, 20500),
        (invalid(Fault("10016", "No number", "x", "/To")), 422, "10016", 400, 21211),
        (invalid(Fault("10016", "No number", "x", "/From")), 422, "10016", 400, 21212),
        (invalid(Fault("10016", "No number", "x", "/CallerId")), 422, "10016", 400, 21212),
        (invalid(Fault("10015", "Bad", "x", "/To")), 422, "10015", 400, 20001),
        (ApiError(429, Fault("10011", "Too many", "x")), 429, "10011", 429, 20429),
        (refused(NotFound()), 404, "10005", 404, 20404),
        (refused(ServiceError("90018", "Ended", "x")), 422, "90018", 400, 20001),
        (refused(ServiceError("10007", "No", "x", status=503)), 503, "10007", 503, 20001),
    ],
)
def test_each_refusal_in_both_vendors_words(
    error: ApiError, status: int, code: str, twilio_status: int, twilio_code: int
) -> None:
    assert error.status == status
    (entry,) = telnyx_body(error)["errors"]  # type: ignore[misc]
    assert entry["code"] == code
    pointer = error.faults[0].pointer
    assert entry.get("source") == ({"pointer": pointer} if pointer else None)
    body = twilio_body(error)
    assert (body["status"], body["code"]) == (twilio_status, twilio_code)
    detail = error.faults[0].detail
    assert body["message"] == (f"{pointer[1:]}: {detail}" if pointer else detail)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+13125550100", "(312) 555-0100"),
        ("13125550100", "(312) 555-0100"),
        ("+1312555010", "+1312555010"),
        ("+10125550100", "+10125550100"),
        ("+443125550100", "+443125550100"),
        ("alice", "alice"),
    ],
)
def test_a_north_american_number_is_formatted(number: str, shown: str) -> None:
    assert formatted(number) == shown


def test_times_are_written_as_the_vendors_do() -> None:
    at = NOON + 999_999
    assert (rfc2822(at), iso8601(at)) == ("Mon, 22 May 2023 12:00:00 +0000", "2023-05-22T12:00:00Z")
    assert (rfc2822(0), iso8601(0)) == (None, None)


def test_an_address_is_of_its_vendor_and_account() -> None:
    telnyx, twilio = ApiBase("telnyx", "a"), ApiBase("twilio", "a")
    assert telnyx.uri("Calls", "v3:x/y") == "/v2/texml/Accounts/a/Calls/v3:x%2Fy.json"
    assert twilio.uri("Calls", suffix="") == "/2010-04-01/Accounts/a/Calls"
    assert (telnyx.api_version, twilio.api_version) == ("v2/texml", "2010-04-01")
    assert one_of("a", None) == {"type": ["string", "null"], "enum": ["a", None]}
    assert one_of("a") == {"type": "string", "enum": ["a"]}


FITS = [
    (text(3, 1), "abc", "abc"),
    (text(3), "", ""),
    (text(), True, "true"),
    (text(), 1.5, "1.5"),
    (document(4), "a\nb", "a\nb"),
    (whole(2, 5), "2", 2),
    (whole(2, 5), 5, 5),
    (whole(-5, 5), " -3 ", -3),
    (digits(3), "1W#", "1w#"),
    (label(), "one", "one"),
    (url(), "HTTP://example.com", "HTTP://example.com"),
    (url(), "http://e.com/" + "x" * 1987, "http://e.com/" + "x" * 1987),
    (headers(2), '[{"name": "X-A", "value": "b"}]', (("X-A", "b"),)),
    (headers(2), [{"name": "X-A", "value": 5}] * 2, (("X-A", "5"),) * 2),
]
UNFIT = [
    (text(3, 1), "abcd", "10033"),
    (text(3, 1), "", "10004"),
    (text(), ["a"], "10026"),
    (text(), "a\nb", "10015"),
    (text(), "a\x7fb", "10015"),
    (text(), "a\x9fb", "10015"),
    (text(), "a\u2028b", "10015"),
    (text(), "\ud800", "10015"),
    (document(4), "abcde", "10033"),
    (document(4), " ", "10033"),
    (whole(2, 5), "1", "10033"),
    (whole(2, 5), "6", "10033"),
    (whole(2, 5), True, "10026"),
    (whole(2, 5), "3.0", "10026"),
    (whole(2, 5), "", "10026"),
    (whole(2, 5), "0000000000000000003", "10026"),
    (digits(3), "1234", "90014"),
    (digits(3), "", "90014"),
    (digits(3), "1x", "90014"),
    (label(), "", "16023"),
    (url(), "http://e.com/" + "x" * 1988, "10003"),
    (url(), "ftp://example.com", "10003"),
    (url(), "http://", "10003"),
    (url(), "http://example.com:0/", "10003"),
    (url(), "http://example.com:x/", "10003"),
    (url(), "http://exa mple.com/", "10003"),
    (url(needed=True), "", "10003"),
    (headers(2), "no JSON", "10026"),
    (headers(2), "{}", "10026"),
    (headers(2), [{"name": "X-A", "value": "b"}] * 3, "10026"),
    (headers(2), [{"name": "X-A"}], "10026"),
    (headers(2), ["X-A"], "10026"),
]


@pytest.mark.parametrize(("kind", "given", "value"), FITS)
def test_a_valid_value_is_converted(kind, given: object, value: object) -> None:  # type: ignore[no-untyped-def]
    assert kind.convert(given) == value


@pytest.mark.parametrize(("kind", "given", "code"), UNFIT)
def test_an_invalid_value_is_refused_with_the_reason(kind, given: object, code: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidValue) as caught:
        kind.convert(given)
    assert caught.value.code == code
    assert not caught.value.unsupported
    assert caught.value.fault("Name").pointer == "/Name"


class Asked:
    """Requests to one `Idempotency`, whose disk is a real one."""

    def __init__(self, path: Path) -> None:
        self.outbox = Outbox(path)
        self.start()

    def start(self) -> None:
        """Remembers nothing but what is on disk."""
        self.once = Idempotency(self.outbox.records, WriteBehindBuffer(self.outbox, lambda messages: None))

    def comes(self, body: bytes = b"x", account: str = "a", path: str = "/p", **given: str) -> bytes | None:
        """The earlier answer; else it is answered with its own body now."""
        asked = Headers({name.replace("_", "-"): value for name, value in given.items()})
        request = self.once.asked(account, asked, path, body)
        before = self.once.answered(request)
        if before is None:
            self.once.remember(request, 200, body)
            return None
        assert before.status == 200
        return before.body


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "orchestrator.sqlite")


@pytest.mark.parametrize("header", idempotency.KEY_HEADERS)
def test_a_key_gets_its_answer_again_also_after_a_restart(asked: Asked, header: str) -> None:
    key = {header.replace("-", "_"): "k" * 255}
    assert asked.comes(**key) is None
    assert asked.comes(**key) == b"x"
    asked.start()
    assert asked.comes(**key) == b"x"
    assert asked.comes(account="b", **key) is None
    for other in ({"body": b"y"}, {"path": "/q"}):
        with pytest.raises(ApiError) as caught:
            asked.comes(**other, **key)  # type: ignore[arg-type]
        assert caught.value.status == 422
    with pytest.raises(ApiError):
        asked.comes(**{header.replace("-", "_"): "k" * 256})
    asked.outbox.close()


def test_a_second_try_without_a_key_is_known_by_its_body(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("orchestrator.web.api.idempotency.time.monotonic", lambda: now)
    monkeypatch.setattr("orchestrator.web.api.idempotency.MAX_REMEMBERED", 2)
    again = {"x_stainless_retry_count": "1"}
    assert asked.comes(**again) is None
    assert asked.comes(**again) == b"x"
    for first in ({}, {"x_stainless_retry_count": "0"}, {"x_stainless_retry_count": " "}):
        assert asked.comes(**first) is None
    assert asked.comes(account="b", **again) is None
    assert asked.comes(path="/q", **again) is None
    # The two newest are known.
    assert asked.comes(**again) is None
    now += idempotency.RETRY_SECONDS - 1
    assert asked.comes(**again) == b"x"
    now += 1
    assert asked.comes(**again) is None
    asked.outbox.close()


def test_two_requests_of_one_key_at_once_are_carried_out_once(asked: Asked) -> None:
    # With a store over a network a look-up lets others run: both found nothing, and both dialled.
    carried_out = list[bytes]()

    def comes() -> None:
        request = asked.once.asked("a", Headers({"Idempotency-Key": "k"}), "/p", b"x")
        with asked.once.alone(request):
            before = asked.once.answered(request)
            gevent.sleep(0.01)
            if before is None:
                carried_out.append(b"x")
                asked.once.remember(request, 200, b"x")

    gevent.joinall([gevent.spawn(comes) for _ in range(5)], raise_error=True)
    assert carried_out == [b"x"]
    asked.outbox.close()
