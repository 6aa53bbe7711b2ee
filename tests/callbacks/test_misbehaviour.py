"""Receivers that misbehave, on real sockets: each harms its own callbacks at most."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from email.utils import formatdate

import gevent
import pytest

from orchestrator.callbacks.retry import DeliverySettings, asked_pause
from orchestrator.store.access import outbox_admin
from tests.callbacks.conftest import QUICK, Office, make, wait_until
from tests.callbacks.receiver import Behaviour, Receiver, Request, answers, hangs


def slow(seconds: float) -> Behaviour:
    def behave(request: Request, client: socket.socket) -> bool:
        gevent.sleep(seconds)
        return answers(200)(request, client)

    return behave


def garbage(data: bytes) -> Behaviour:
    def behave(request: Request, client: socket.socket) -> bool:
        client.sendall(data)
        return False

    return behave


def endless(head: bytes) -> Behaviour:
    def behave(request: Request, client: socket.socket) -> bool:
        client.sendall(head)
        while True:
            client.sendall(b"x" * 65536)

    return behave


NOISE = random.Random(4).randbytes(20_000)
OK = b"HTTP/1.1 200 OK\r\n"
# what the receiver does                                              delivered, requests
MISBEHAVIOUR: dict[str, tuple[Behaviour, bool, int]] = {
    "answers slowly": (slow(0.3), True, 1),
    "answers too slowly": (slow(2), False, 3),
    "never answers": (hangs, False, 3),
    "answers noise": (garbage(NOISE), False, 3),
    "answers nothing and closes": (garbage(b""), False, 3),
    "answers half a status line": (garbage(b"HTTP/1.1 2"), False, 3),
    "answers a status that is no number": (garbage(b"HTTP/1.1 OK fine\r\n\r\n"), False, 3),
    "answers a status beyond all": (garbage(b"HTTP/1.1 99999 Much\r\n\r\n"), False, 3),
    "answers as in 1991": (garbage(b"<html>fine</html>"), False, 3),
    "answers a header without end": (endless(OK + b"X: "), False, 3),
    "answers a hundred thousand headers": (garbage(OK + b"X: y\r\n" * 100_000), False, 3),
    "answers a length that is no number": (garbage(OK + b"Content-Length: much\r\n\r\nx"), True, 1),
    "answers a negative length": (garbage(OK + b"Content-Length: -1\r\n\r\nx"), True, 1),
    "answers a shorter body than it said": (garbage(OK + b"Content-Length: 10\r\n\r\nx"), True, 1),
    "answers a chunked body of noise": (garbage(OK + b"Transfer-Encoding: chunked\r\n\r\n" + NOISE), True, 1),
    "answers a body without end": (endless(OK + b"\r\n"), True, 1),
    "answers a chunk without end": (endless(OK + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"), True, 1),
    "answers gzip that is none": (
        garbage(OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz"),
        True,
        1,
    ),
    "redirects to itself": (answers(302, headers="Location: /\r\n"), False, 1),
    "redirects for ever": (answers(308, headers="Location: /\r\n"), False, 1),
    "redirects nowhere": (answers(301), False, 1),
    "is gone": (answers(410), False, 1),
    "is broken": (answers(500), False, 3),
    "closes each connection": (lambda *given: answers(200)(*given) and False, True, 1),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_a_misbehaving_receiver_costs_its_own_callback_at_most(
    office: Office, destination: Receiver, name: str
) -> None:
    behaviour, delivered, requests = MISBEHAVIOUR[name]
    other = Receiver()
    try:
        destination.behave(behaviour)
        office.send(make("room", destination.url()))
        office.send(*(make("other", other.url(), number) for number in range(20)))
        wait_until(lambda: len(other.requests) == 20, "the other has got everything")
        wait_until(lambda: bool(office.results_of("room")), "it is over")
        ((_, attempts, error),) = office.results_of("room")
        assert (not error, attempts, len(destination.requests)) == (delivered, requests, requests)
        destination.behave(answers(200))
        office.send(make("room", destination.url(), 1))
        wait_until(lambda: len(office.results_of("room")) == 2, "the next gets through")
        assert office.results_of("room")[1] == (200, 1, "")
    finally:
        other.stop()


def test_a_reset_in_the_middle_of_the_request_is_tried_again(office: Office) -> None:
    """The receiver has read a part of it, and resets while the rest is on its way."""
    read = []

    def accept(listener: socket.socket) -> None:
        while True:
            client, _ = listener.accept()
            read.append(len(client.recv(10_000)))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = gevent.spawn(accept, listener)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        office.send(make("room", url, fields=(("FriendlyName", "x" * 5_000_000),)))
        office.wait_results(1)
        server.kill()
    ((status, attempts, error),) = office.results_of("room")
    assert (status, attempts, len(read)) == (None, 3, 3)
    assert error


# --- Retry-After ---

NOON = 1_700_000_000.0
ASKED = [
    ("", 0),
    ("7", 7),
    (" 7 ", 7),
    ("0", 0),
    ("-7", 0),
    ("1.5", 0),
    ("9" * 400, 999_999_999),
    (formatdate(NOON + 30, usegmt=True), 30),
    (formatdate(NOON - 30, usegmt=True), 0),
    ("Tue, 14 Nov 2023 22:13:50 -0000", 30),
    ("Tue, 14 Nov 99999 22:13:50 GMT", 0),
    ("tomorrow", 0),
    ("²", 0),
]


@pytest.mark.parametrize(("header", "seconds"), ASKED)
def test_retry_after_is_a_number_of_seconds_or_a_date(header: str, seconds: float) -> None:
    assert asked_pause(header, NOON) == seconds


def test_the_pause_that_a_receiver_asks_for_is_bounded() -> None:
    settings = DeliverySettings(jitter=0, max_retry_after=60)
    assert settings.pause(1, 30) == 30
    assert settings.pause(1, 999_999) == 60
    assert settings.pause(1, 0.5) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_callback_waits_as_long_as_its_receiver_asks_and_other_rooms_do_not(
    open_office: Callable[..., Office], destination: Receiver, status: int, form: str
) -> None:
    office = open_office(replace(QUICK, jitter=0, max_retry_after=2.5))

    def later() -> str:
        return "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)

    statuses = iter([status, 200, 200])
    destination.behave(
        lambda request, client: answers(next(statuses), headers=f"Retry-After: {later()}\r\n")(
            request, client
        )
    )
    destination.behave(answers(200), "/other")
    office.send(make("room", destination.url(), 0), make("room", destination.url(), 1))
    wait_until(lambda: office.delivery.backing_off == 1, "it waits")
    office.send(make("other", destination.url("/other"), 0))
    wait_until(lambda: len(destination.on("/other")) == 1, "the other room's is delivered")
    office.wait_results(3)
    first, second, third = destination.on("/callbacks")
    assert (first.sequence, second.sequence, third.sequence) == (0, 0, 1)
    # A date has whole seconds, so that what is left of it may be up to one less.
    assert second.at - first.at >= 0.9


# --- for a long time ---


def test_an_hour_of_500_loses_nothing_with_enough_attempts(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    """An hour here is 1.2 s; the pauses are as much shorter."""
    office = open_office(replace(QUICK, attempts=20, backoff=(0.02, 0.05, 0.1, 0.2)))
    over = time.monotonic() + 1.2
    destination.behave(
        lambda request, client: answers(500 if time.monotonic() < over else 200)(request, client)
    )
    for number in range(10):
        office.send(*(make(f"room-{room}", destination.url(f"/{room}"), number) for room in range(5)))
        gevent.sleep(0.05)
    office.wait_results(50)
    assert all(status == 200 for _, status, _, _ in office.results)
    for room in range(5):
        reported = [request.sequence for request in destination.on(f"/{room}") if request.at >= over]
        assert reported == list(range(10))


def test_callbacks_that_an_hour_of_500_made_fail_are_delivered_in_order_once_a_retry_is_requested(
    office: Office, destination: Receiver
) -> None:
    destination.behave(answers(500))
    office.send(*(make("room", destination.url(), number) for number in range(5)))
    office.wait_results(5)
    office.outbox.flush()
    destination.behave(answers(200))
    destination.requests.clear()
    outbox_admin.request_retry(office.path, None)
    wait_until(lambda: len(destination.requests) == 5, "all are delivered")
    assert [request.sequence for request in destination.requests] == list(range(5))
    counters = office.delivery.counters
    # The last answer is counted a moment after it was given.
    wait_until(lambda: counters.delivered == 5, "all count as delivered")
    assert (counters.failed_attempts, counters.failed["refused"]) == (15, 5)


# --- many ---


@pytest.fixture
def silent() -> Iterator[Callable[[int], list[str]]]:
    """URLs of so many receivers that accept connections, as the kernel does, and do nothing more."""
    with ExitStack() as listening:

        def open_(number: int) -> list[str]:
            sockets = [
                listening.enter_context(closing(socket.create_server(("127.0.0.1", 0), backlog=128)))
                for _ in range(number)
            ]
            return [f"http://127.0.0.1:{each.getsockname()[1]}/" for each in sockets]

        yield open_


def delays(office: Office, destination: Receiver, rooms: int) -> list[float]:
    """Seconds from the commit to the arrival, of one callback after the other in so many rooms."""
    made = {}
    for number in range(rooms):
        made[number] = time.monotonic()
        office.send(make(f"fast-{number}", destination.url(), number))
        gevent.sleep(0.01)
    wait_until(lambda: len(destination.requests) == rooms, "the others are delivered", timeout=60)
    return sorted(request.at - made[request.sequence] for request in destination.requests)


# The median, as a machine that is busy with something else delays a few.
NORMAL = 0.5


def test_a_thousand_queues_at_a_receiver_that_hangs_delay_no_other_room(
    open_office: Callable[..., Office], destination: Receiver, silent: Callable[[int], list[str]]
) -> None:
    office = open_office(DeliverySettings(backoff=(0.1,)))
    (dead,) = silent(1)
    office.send(*(make(f"dead-{number}", dead) for number in range(1000)))
    wait_until(lambda: office.delivery.sending > 0, "they are being sent")
    found = delays(office, destination, 100)
    assert found[50] < NORMAL
    assert office.delivery.sending <= DeliverySettings().per_host + 1


def test_hundreds_of_receivers_that_hang_leave_senders_to_one_that_answers(
    open_office: Callable[..., Office], destination: Receiver, silent: Callable[[int], list[str]]
) -> None:
    office = open_office(replace(QUICK, timeout=30, concurrency=64, per_host=32))
    office.send(make("fast", destination.url(), 0))
    office.wait_results(1)
    destination.requests.clear()
    dead = silent(200)
    office.send(*(make(f"dead-{n}-{m}", url) for n, url in enumerate(dead) for m in range(5)))
    wait_until(lambda: office.delivery.sending == 32, "half of the senders are with the dead")
    found = delays(office, destination, 100)
    assert found[50] < NORMAL
    office.wait_results(101)


def test_a_new_receiver_is_not_locked_out_by_the_dead_for_longer_than_they_time_out(
    open_office: Callable[..., Office], destination: Receiver, silent: Callable[[int], list[str]]
) -> None:
    office = open_office(replace(QUICK, timeout=0.5, concurrency=16, backoff=(5.0,)))
    office.send(*(make(f"dead-{number}", url) for number, url in enumerate(silent(40))))
    gevent.sleep(0)
    office.send(make("new", destination.url()))
    # Eight senders for forty dead ones that came before.
    wait_until(lambda: len(destination.requests) == 1, "the new one is delivered", timeout=15)


def test_a_receiver_that_comes_back_gets_its_share_back(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, timeout=0.3, concurrency=64, per_host=16, attempts=20))
    destination.behave(hangs)
    office.send(*(make(f"room-{number}", destination.url(), number) for number in range(100)))
    wait_until(lambda: len(destination.requests) >= 4, "it hangs")
    assert office.delivery.sending == 2
    destination.behave(slow(0.05))
    wait_until(lambda: office.delivery.sending >= 14, "it is trusted again")
    wait_until(lambda: len(office.results) == 100, "all are delivered", timeout=30)
