from __future__ import annotations

import base64
import gc
import logging
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import gevent
import pytest
from telnyx.lib.webhook_verification import verify_webhook_signature

from orchestrator.callbacks import signature
from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.retry import Answer, DeliverySettings
from orchestrator.callbacks.sender import Sender
from orchestrator.callbacks.signature import AccountKeys, load_key, new_seed, public_key
from orchestrator.store.outbox import Outbox
from tests.callbacks.conftest import QUICK, Office, make, results_into, wait_until
from tests.callbacks.receiver import Behaviour, Receiver, Request, answers, drips, hangs, resets
from tests.lab.cost import Turns


def test_the_defaults_are_telnyx_s() -> None:
    settings = DeliverySettings(jitter=0)
    assert (settings.timeout, settings.attempts) == (5.0, 3)
    assert [settings.pause(attempts) for attempts in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 4.0]


def test_a_callback_is_a_form_with_telnyx_s_headers(office: Office, destination: Receiver) -> None:
    office.send(
        make("room", destination.url(), 7, fields=(("From", "+35319605860"), ("FriendlyName", "Room 1234")))
    )
    office.wait_results(1)
    (request,) = destination.requests
    assert request.method == "POST"
    assert request.body == b"From=%2B35319605860&FriendlyName=Room+1234&SequenceNumber=7"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["user-agent"] == "telnyx-webhooks"
    assert office.results_of("room") == [(200, 1, "")]


def test_the_signature_covers_the_exact_bytes_on_the_wire(office: Office, destination: Receiver) -> None:
    office.send(make("room", destination.url(), fields=(("FriendlyName", "Größe & 会議 ~*+"),)))
    office.wait_results(1)
    (request,) = destination.requests
    assert office.key is not None
    verify_webhook_signature(request.body, request.headers, public_key(office.key))
    assert request.fields["FriendlyName"] == "Größe & 会議 ~*+"


def test_the_stored_body_is_the_one_that_is_sent(office: Office, destination: Receiver) -> None:
    office.send(make("room", destination.url(), fields=(("FriendlyName", "a=b&c"),)))
    office.wait_results(1)
    office.outbox.flush()
    assert [reported.body for reported in office.outbox.finished()] == [destination.requests[0].body]


def test_each_attempt_is_signed_afresh(open_office: Callable[..., Office], destination: Receiver) -> None:
    office = open_office(replace(QUICK, backoff=(1.1,), jitter=0))
    destination.behave(answers(500, 200))
    office.send(make("room", destination.url()))
    office.wait_results(1)
    first, second = destination.requests
    assert office.key is not None
    for request in (first, second):
        verify_webhook_signature(request.body, request.headers, public_key(office.key))
    assert int(second.headers["telnyx-timestamp"]) > int(first.headers["telnyx-timestamp"])
    assert first.body == second.body


def takes(seconds: float) -> Behaviour:
    """Answers 200 after so long."""

    def behave(request: Request, client: socket.socket) -> bool:
        gevent.sleep(seconds)
        return answers(200)(request, client)

    return behave


def test_a_request_that_waited_long_for_the_one_before_it_is_signed_again(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    """A queue's next request is made while the one before it is under way."""
    office = open_office(replace(QUICK, timeout=5))
    destination.behave(takes(2.1))
    office.send(make("room", destination.url(), 0), make("room", destination.url(), 1))
    office.wait_results(2)
    first, second = (int(request.headers["telnyx-timestamp"]) for request in destination.requests)
    assert second - first >= 2


def test_a_key_that_was_changed_meanwhile_signs_the_next(office: Office, destination: Receiver) -> None:
    destination.behave(takes(0.1))
    office.send(make("room", destination.url(), 0), make("room", destination.url(), 1))
    wait_until(lambda: len(destination.requests) == 1, "the first is under way")
    gevent.sleep(0.02)
    office.key = load_key(new_seed())
    office.wait_results(2)
    request = destination.requests[1]
    verify_webhook_signature(request.body, request.headers, public_key(office.key))


def test_a_message_that_fails_while_the_one_before_it_is_under_way_is_not_sent(
    office: Office, destination: Receiver
) -> None:
    destination.behave(takes(0.1))
    office.send(*(make("room", destination.url(), number) for number in range(3)))
    wait_until(lambda: len(destination.requests) == 1, "the first is under way")
    gevent.sleep(0.02)
    _, second, _ = (queued.id for queued in office.outbox.waiting(queue="room"))
    assert office.outbox.fail("room", second, "not any more")
    office.wait_results(2)
    assert [request.sequence for request in destination.requests] == [0, 2]


def test_a_queue_s_next_request_is_ready_when_the_answer_comes(
    office: Office, destination: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed: list[int] = []
    monkeypatch.setattr(signature, "sign", lambda key, body, at: signed.append(at) or {})
    destination.behave(takes(0.2))
    office.send(*(make("room", destination.url(), number) for number in range(2)))
    wait_until(lambda: len(destination.requests) == 1, "the first is under way")
    gevent.sleep(0.05)
    assert len(signed) == 2
    office.wait_results(2)
    assert len(signed) == 2


def test_a_receiver_that_answers_at_once_leaves_turns_for_others(
    office: Office, destination: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Symptom: a greenlet whose socket always has something ready never comes to the hub. Nothing else ran
    until a room's callbacks were all delivered."""
    monkeypatch.setattr(Sender, "send", lambda *_: Answer("delivered", 200))
    office.send(*(make("room", destination.url(), number) for number in range(5000)))
    turns = Turns(0)
    turns.wait_while(lambda: len(office.results) < 5000)
    assert len(turns.seconds) > 3


@pytest.mark.parametrize("faulty", [1, 2, 3])
def test_a_fault_of_ours_is_a_failed_attempt_like_any_other(
    tmp_path: Path, destination: Receiver, faulty: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It costs that attempt alone: the next is made after the usual pause, and the last one ends it."""
    asked: list[str] = []
    results: list[tuple[int | None, int, str]] = []

    def keys(account_sid: str) -> AccountKeys | None:
        asked.append(account_sid)
        if len(asked) <= faulty:
            raise KeyError("no such key")
        return None

    outbox = Outbox(tmp_path / "outbox.sqlite")
    delivery = Delivery(outbox, keys, QUICK)
    delivery.on_attempt.append(results_into(results))
    delivery.start()
    outbox.commit([make("room", destination.url())])
    delivery.wake("room")
    wait_until(lambda: bool(results), "a result")
    failed = delivery.counters.failed_attempts
    delivery.stop()
    outbox.close()
    over = (None, 3, "KeyError: 'no such key'") if faulty == 3 else (200, faulty + 1, "")
    assert (results, failed) == ([over], faulty)
    assert asked == ["account"] * min(faulty + 1, 3)
    assert sum("attempt failed" in line for line in caplog.messages) == faulty


def test_an_account_without_a_key_gets_unsigned_callbacks(office: Office, destination: Receiver) -> None:
    office.key = None
    office.send(make("room", destination.url()))
    office.wait_results(1)
    assert not any(name.startswith("telnyx-") for name in destination.requests[0].headers)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/c", "/c?Name=a+b&SequenceNumber=0"),
        ("/c?token=1%202", "/c?token=1%202&Name=a+b&SequenceNumber=0"),
        ("/c?token=1#fragment", "/c?token=1&Name=a+b&SequenceNumber=0"),
        ("", "/?Name=a+b&SequenceNumber=0"),
    ],
)
def test_a_get_carries_the_fields_in_its_query_and_signs_an_empty_body(
    office: Office, destination: Receiver, path: str, target: str
) -> None:
    office.send(make("room", destination.url(path), method="GET", fields=(("Name", "a b"),)))
    office.wait_results(1)
    (request,) = destination.requests
    assert (request.method, request.target, request.body) == ("GET", target, b"")
    assert office.key is not None
    verify_webhook_signature(b"", request.headers, public_key(office.key))


def test_user_and_password_in_the_url_become_basic_authorization(
    office: Office, destination: Receiver
) -> None:
    office.send(make("room", f"http://me:s3cret@127.0.0.1:{destination.port}/callbacks"))
    office.wait_results(1)
    credentials = base64.b64encode(b"me:s3cret").decode()
    assert destination.requests[0].headers["authorization"] == f"Basic {credentials}"


ANSWERS = [
    # status          requests  delivered
    (200, 1, True),
    (201, 1, True),
    (204, 1, True),
    (301, 1, False),
    (302, 1, False),
    (307, 1, False),
    (400, 1, False),
    (401, 1, False),
    (404, 1, False),
    (408, 3, False),
    (410, 1, False),
    (429, 3, False),
    (500, 3, False),
    (503, 3, False),
]


@pytest.mark.parametrize(("status", "requests", "delivered"), ANSWERS)
def test_only_time_outs_rate_limits_and_server_errors_are_tried_again(
    office: Office, destination: Receiver, status: int, requests: int, delivered: bool
) -> None:
    destination.behave(answers(status, headers=f"Location: {destination.url('/elsewhere')}\r\n"))
    office.send(make("room", destination.url()))
    office.wait_results(1)
    office.outbox.flush()
    assert [request.path for request in destination.requests] == ["/callbacks"] * requests
    (reported,) = office.outbox.finished()
    assert (reported.delivered, reported.status, reported.attempts) == (delivered, status, requests)
    assert bool(reported.error) is not delivered


def test_after_two_failures_the_third_attempt_may_deliver(office: Office, destination: Receiver) -> None:
    destination.behave(answers(500, 503, 200))
    office.send(make("room", destination.url()))
    office.wait_results(1)
    assert office.results_of("room") == [(200, 3, "")]


def test_the_pauses_between_attempts_grow(open_office: Callable[..., Office], destination: Receiver) -> None:
    office = open_office(replace(QUICK, backoff=(0.1, 0.2), jitter=0.1))
    destination.behave(answers(500))
    office.send(make("room", destination.url()))
    office.wait_results(1)
    first, second, third = (request.at for request in destination.requests)
    assert second - first >= 0.09
    assert third - second >= 0.18


def test_a_queue_is_sent_in_order_although_its_head_is_retried(office: Office, destination: Receiver) -> None:
    destination.behave(answers(500, 200, 500, 503, 200, 200, 500, 200))
    office.send(*(make("room", destination.url(), number) for number in range(10)))
    office.wait_results(10)
    assert [request.sequence for request in destination.requests] == [
        0,
        0,
        1,
        1,
        1,
        2,
        3,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
    ]


def test_a_failed_message_lets_the_next_go(office: Office, destination: Receiver) -> None:
    destination.behave(answers(410, 200))
    office.send(*(make("room", destination.url(), number) for number in range(3)))
    office.wait_results(3)
    assert [status for status, _, _ in office.results_of("room")] == [410, 200, 200]
    office.outbox.flush()
    assert [reported.sequence for reported in office.outbox.finished(failed=True)] == [0]


def test_callbacks_that_come_while_a_queue_is_being_sent_are_sent_too(
    office: Office, destination: Receiver
) -> None:
    for number in range(50):
        office.send(make("room", destination.url(), number))
        gevent.sleep(0)
    office.wait_results(50)
    assert [request.sequence for request in destination.requests] == list(range(50))


def test_a_queue_may_have_messages_for_several_receivers_and_keeps_its_order(office: Office) -> None:
    one, other = Receiver(), Receiver()
    try:
        one.behave(answers(500, 200))
        office.send(*(make("room", (one, other)[number % 2].url(), number) for number in range(6)))
        office.wait_results(6)
        order = sorted(one.requests + other.requests, key=lambda request: request.at)
        assert [request.sequence for request in order] == [0, 0, 1, 2, 3, 4, 5]
    finally:
        one.stop()
        other.stop()


def test_a_slow_receiver_delays_nobody_else(open_office: Callable[..., Office]) -> None:
    office = open_office(replace(QUICK, timeout=60.0, concurrency=8, per_host=4))
    slow, fast = Receiver(), Receiver()
    try:
        # It has answered before, so it may have all of its share.
        office.send(*(make(f"slow-{number}", slow.url()) for number in range(20)))
        office.wait_results(20)
        slow.behave(hangs)
        office.send(*(make(f"slow-{number}", slow.url()) for number in range(200)))
        wait_until(lambda: len(slow.requests) == 24, "the slow receiver's share of workers is taken")
        office.send(*(make(f"fast-{number}", fast.url(), n) for number in range(20) for n in range(5)))
        wait_until(lambda: len(fast.requests) == 100, "the fast receiver has got everything")
        # No more: nothing has waited for the time limit of the first four.
        assert len(slow.requests) == 24
    finally:
        slow.stop()
        fast.stop()


def test_a_slow_queue_delays_no_other_queue_of_the_same_receiver(
    office: Office, destination: Receiver
) -> None:
    destination.behave(hangs, "/slow")
    office.send(make("slow", destination.url("/slow")), make("fast", destination.url("/fast")))
    wait_until(lambda: len(destination.on("/fast")) == 1, "the fast one is delivered")
    assert not office.results_of("slow")


def test_a_receiver_that_never_answers_has_failed_after_its_attempts(
    office: Office, destination: Receiver
) -> None:
    destination.behave(hangs)
    begin = time.monotonic()
    office.send(make("room", destination.url()))
    office.wait_results(1)
    assert office.results_of("room") == [(None, 3, "no answer within 0.5 s")]
    assert time.monotonic() - begin >= 1.5


def test_a_dripping_header_is_cut_off_by_the_time_limit_of_the_whole_attempt(
    office: Office, destination: Receiver
) -> None:
    destination.behave(drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", every=0.05))
    office.send(make("room", destination.url()))
    office.wait_results(1)
    assert office.results_of("room") == [(None, 3, "no answer within 0.5 s")]


def test_a_dripping_body_costs_the_time_limit_but_not_the_answer(
    office: Office, destination: Receiver
) -> None:
    destination.behave(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", every=0.05))
    begin = time.monotonic()
    office.send(make("room", destination.url()))
    office.wait_results(1)
    assert office.results_of("room") == [(200, 1, "")]
    # The whole body takes an hour and a half.
    assert time.monotonic() - begin > 0.4


def test_an_endless_body_is_not_read(open_office: Callable[..., Office], destination: Receiver) -> None:
    office = open_office(replace(QUICK, timeout=20))
    sent = 0

    def endless(request: Request, client: socket.socket) -> bool:
        nonlocal sent
        client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        with suppress(OSError):
            while True:
                client.sendall(b"x" * 65536)
                sent += 65536
        return False

    destination.behave(endless)
    office.send(make("room", destination.url(), 0), make("room", destination.url(), 1))
    office.wait_results(2, timeout=10)
    assert office.results_of("room") == [(200, 1, "")] * 2
    assert sent < 20_000_000, "more than a socket's buffers hold"
    assert destination.connections == 2


def test_a_connection_is_kept_for_the_next_message(office: Office, destination: Receiver) -> None:
    destination.behave(answers(200, body=b"thank you" * 100))
    office.send(*(make("room", destination.url(), number) for number in range(10)))
    office.wait_results(10)
    assert destination.connections == 1


def test_a_connection_closed_while_it_was_kept_costs_no_attempt(
    office: Office, destination: Receiver
) -> None:
    for number in range(3):
        destination.behave(lambda request, client: answers(200)(request, client) and False)
        office.send(make("room", destination.url(), number))
        office.wait_results(number + 1)
        gevent.sleep(0.01)
    assert office.results_of("room") == [(200, 1, "")] * 3


def test_a_receiver_that_closes_every_connection_without_saying_so_costs_no_attempt(
    office: Office, destination: Receiver
) -> None:
    # Symptom: half of all callbacks to such a receiver came a second late.
    # Cause: it closed the kept connection just when the next message was written to it.
    # Fix: such a message is sent again at once, on a new connection.
    def answer_and_close_late(request: object, client: socket.socket) -> bool:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        client.recv(1)
        return False

    destination.behave(answer_and_close_late)
    office.send(*(make("room", destination.url(), number) for number in range(20)))
    office.wait_results(20)
    assert office.results_of("room") == [(200, 1, "")] * 20
    assert [request.sequence for request in destination.requests] == list(range(20))


def test_a_reset_connection_is_tried_again(office: Office, destination: Receiver) -> None:
    behaviours = [resets, resets, answers(200)]
    destination.behave(lambda request, client: behaviours[len(destination.requests) - 1](request, client))
    office.send(make("room", destination.url()))
    office.wait_results(1)
    assert office.results_of("room") == [(200, 3, "")]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with the openssl command")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    make_it = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(make_it, check=True, capture_output=True)
    return cert, key


def test_https_is_checked_against_the_given_authorities(
    open_office: Callable[..., Office], certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    destination = Receiver(tls)
    try:
        trusting = open_office(replace(QUICK, timeout=5, verify=str(cert)))
        trusting.send(*(make("room", destination.url(), number) for number in range(3)))
        trusting.wait_results(3)
        assert trusting.results_of("room") == [(200, 1, "")] * 3
        assert destination.connections == 1
        wary = open_office(replace(QUICK, timeout=5))
        wary.send(make("room", destination.url()))
        wary.wait_results(1)
        ((status, attempts, error),) = wary.results_of("room")
        assert (status, attempts) == (None, 3)
        assert "certificate" in error.lower()
    finally:
        destination.stop()


def test_a_receiver_that_is_not_there_is_tried_again(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    office.send(make("room", f"http://127.0.0.1:{port}/"))
    office.wait_results(1)
    ((status, attempts, error),) = office.results_of("room")
    assert (status, attempts) == (None, 3)
    assert "refused" in error


def test_an_answer_that_is_not_http_is_tried_again(office: Office, destination: Receiver) -> None:
    def answer_as_sip(request: object, client: socket.socket) -> bool:
        client.sendall(b"SIP/2.0 200 OK\r\n\r\n")
        return True

    destination.behave(answer_as_sip)
    office.send(make("room", destination.url()))
    office.wait_results(1)
    ((status, attempts, error),) = office.results_of("room")
    assert (status, attempts) == (None, 3)
    assert "SIP/2.0" in error


@pytest.mark.parametrize(
    "url",
    [
        "",
        "callbacks",
        "/callbacks",
        "example.com/x",
        "ftp://h/x",
        "mailto:a@b",
        "http://",
        "http://h:99999/",
        "http://[::1/",
    ],
)
def test_a_url_that_cannot_be_requested_fails_at_once(
    office: Office, destination: Receiver, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "orchestrator.callbacks"):
        office.send(make("room", url), make("room", destination.url(), 1))
        office.wait_results(2)
    (status, attempts, error), after = office.results_of("room")
    assert (status, attempts, after) == (None, 1, (200, 1, ""))
    assert "cannot be requested" in error
    assert "queue=room" in caplog.text


def test_the_log_shows_neither_password_nor_query(
    office: Office, destination: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    destination.behave(answers(404))
    with caplog.at_level(logging.INFO, "orchestrator.callbacks"):
        office.send(make("room", f"http://me:s3cret@127.0.0.1:{destination.port}/x?token=h1dden"))
        office.wait_results(1)
    assert f"http://127.0.0.1:{destination.port}/x" in caplog.text
    assert "s3cret" not in caplog.text
    assert "h1dden" not in caplog.text


def test_thousands_of_waiting_queues_are_not_thousands_of_greenlets(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    def greenlets() -> int:
        gc.collect()
        return sum(isinstance(each, gevent.Greenlet) and not each.dead for each in gc.get_objects())

    office = open_office(replace(QUICK, timeout=30, concurrency=20, per_host=10, backoff=(30.0,)))
    before = greenlets()
    destination.behave(answers(500), "/failing")
    destination.behave(hangs, "/hanging")
    office.send(*(make(f"failing-{number}", destination.url("/failing")) for number in range(500)))
    wait_until(lambda: office.delivery.backing_off == 500, "all of these queues are backing off")
    office.send(*(make(f"hanging-{number}", destination.url("/hanging")) for number in range(5000)))
    wait_until(lambda: len(destination.on("/hanging")) == 10, "the host's share is being sent")
    assert office.delivery.sending == 10
    # The receiver of this test takes one for each connection, too.
    assert greenlets() - before <= 40


def test_a_single_worker_is_hired_again_in_the_very_turn_in_which_it_ended(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    # Symptom: with all workers just ended, a new message was left lying until the next wake-up.
    # Cause: ended greenlets counted as workers until the hub's next turn. Fix: workers count themselves.
    office = open_office(replace(QUICK, concurrency=1))
    reported = iter(range(1, 50))

    def send_another(*_: object) -> None:
        number = next(reported, None)
        if number is not None:
            # Runs as soon as this worker has ended, before the hub lets anybody know.
            gevent.get_hub().loop.run_callback(office.send, make(f"room-{number}", destination.url(), number))

    office.delivery.on_attempt.append(send_another)
    office.send(make("room-0", destination.url(), 0))
    wait_until(lambda: len(destination.requests) == 50, "all are delivered")


def test_a_long_queue_that_cannot_be_requested_lets_others_run(office: Office) -> None:
    office.send(*(make("room", "mailto:nobody", number) for number in range(2000)))
    turns = Turns(0)
    turns.wait_while(lambda: len(office.results) < 2000)
    assert turns.longest < 0.5


def test_after_a_restart_everything_that_waits_is_resumed_in_order(
    office: Office, destination: Receiver
) -> None:
    office.delivery.stop()
    for number in range(5):
        office.send(make("one", destination.url(), number), make("other", destination.url("/other"), number))
    assert not destination.requests
    office.restart()
    office.wait_results(10)
    assert [request.sequence for request in destination.on("/callbacks")] == [0, 1, 2, 3, 4]
    assert [request.sequence for request in destination.on("/other")] == [0, 1, 2, 3, 4]


def test_attempts_made_before_a_restart_count(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, backoff=(0.5,)))
    destination.behave(answers(500))
    office.send(make("room", destination.url()))
    wait_until(lambda: office.delivery.backing_off == 1, "the first attempt has failed")
    office.restart()
    office.wait_results(1)
    assert office.results_of("room") == [(500, 3, "answered 500")]
    assert len(destination.requests) == 3
    # The pause before the second attempt was not forgotten either.
    assert destination.requests[1].at - destination.requests[0].at >= 0.45


def test_stopping_finishes_requests_in_flight_and_leaves_the_rest(
    office: Office, destination: Receiver
) -> None:
    def answer_late(request: object, client: socket.socket) -> bool:
        gevent.sleep(0.2)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    destination.behave(answer_late)
    office.send(*(make("room", destination.url(), number) for number in range(3)))
    wait_until(lambda: len(destination.requests) == 1, "the first is in flight")
    office.delivery.stop(5)
    assert office.results_of("room") == [(200, 1, "")]
    assert [message.sequence for message in office.outbox.waiting()] == [1, 2]


def test_stopping_cuts_off_requests_that_take_too_long_and_sends_them_again(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, timeout=30))
    destination.behave(hangs)
    office.send(make("room", destination.url(), 4))
    wait_until(lambda: len(destination.requests) == 1, "it is in flight")
    begin = time.monotonic()
    office.delivery.stop(0.1)
    assert time.monotonic() - begin < 15, "it has half a minute"
    assert not office.results_of("room")
    destination.behave(answers(200))
    office.restart()
    office.wait_results(1)
    first, second = destination.requests
    assert first.body == second.body


def test_an_idle_delivery_has_no_workers_and_nothing_due(office: Office, destination: Receiver) -> None:
    office.send(*(make(f"room-{number}", destination.url()) for number in range(10)))
    office.wait_results(10)
    wait_until(lambda: office.delivery.sending == 0, "the workers have gone")
    assert office.delivery.backing_off == 0
    assert office.outbox.counts().pending == 0


def test_a_listener_that_fails_stops_nothing(office: Office, destination: Receiver) -> None:
    seen: list[int] = []

    def fail(message: object, answer: object, attempts: int, ms: int, again_in: object) -> None:
        seen.append(attempts)
        raise RuntimeError("metrics are down")

    office.delivery.on_attempt.insert(0, fail)
    office.send(make("room", destination.url(), 0), make("room", destination.url(), 1))
    wait_until(lambda: seen == [1, 1], "both are delivered")


def test_the_environment_s_proxies_do_not_see_callbacks(
    office: Office, destination: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    office.send(make("room", destination.url()))
    office.wait_results(1)
    assert office.results_of("room") == [(200, 1, "")]


def test_a_queue_whose_first_message_has_failed_meanwhile_goes_to_the_receiver_of_the_next(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    """It stands in the line of a receiver that has nothing to do with it any more."""
    office = open_office(replace(QUICK, timeout=0.3, backoff=(60.0,)))
    other = Receiver()
    destination.behave(hangs)
    try:
        office.send(make("first", destination.url()))
        wait_until(lambda: len(destination.requests) == 1, "the receiver has all that it may have")
        office.send(make("moves", destination.url(), 0), make("moves", other.url(), 1))
        (head, _) = office.outbox.waiting(queue="moves")
        assert office.outbox.fail("moves", head.id, "too many")
        wait_until(lambda: len(other.requests) == 1, "the next is delivered")
        assert len(destination.requests) == 1
    finally:
        other.stop()
