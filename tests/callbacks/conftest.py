from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator.callbacks.delivery import Delivery, OnAttempt
from orchestrator.callbacks.retry import Answer, DeliverySettings
from orchestrator.callbacks.signature import AccountKeys, SigningKey, load_key, new_seed
from orchestrator.store.access.opening import open_store
from orchestrator.store.message import Message, Queued
from orchestrator.types import Method
from tests.callbacks.receiver import Receiver
from tests.lab.postgresql import SHARED

QUICK = DeliverySettings(timeout=0.5, backoff=(0.03, 0.06, 0.12), flush_every=0.005)


def wait_until(condition: Callable[[], bool], what: str, timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        gevent.sleep(0.002)


def make(
    queue: str,
    url: str,
    sequence: int = 0,
    *,
    method: Method = "POST",
    event: str = "participant-join",
    fields: tuple[tuple[str, str], ...] = (),
) -> Message:
    numbered = (*fields, ("SequenceNumber", str(sequence)))
    return Message(queue, url, method, numbered, "account", event, sequence, time.time_ns() // 1000)


def results_into(results: list[tuple[int | None, int, str]]) -> OnAttempt:
    """A listener of Delivery that adds status, attempts and error of each message that is through."""

    def on_attempt(_: Queued, answer: Answer, attempts: int, ms: int, again_in: float | None) -> None:
        if again_in is None:
            results.append((answer.status, attempts, answer.error))

    return on_attempt


class Office:
    """An outbox and its delivery, as the application holds them; `restart` is a new process on its file."""

    def __init__(self, path: Path, settings: DeliverySettings) -> None:
        self.path = path
        self.place = SHARED.server.empty() if SHARED.wanted else path
        self.settings = settings
        self.key: SigningKey | None = load_key(new_seed())
        self.auth_token: bytes | None = None
        self.results: list[tuple[Queued, int | None, int, str]] = []
        self._open()

    def _open(self) -> None:
        self.outbox = open_store(self.place, [])
        self.delivery = Delivery(
            self.outbox,
            lambda _: AccountKeys(self.key, self.auth_token),
            self.settings,
        )
        self.delivery.on_attempt.append(self._on_attempt)
        self.delivery.start()

    def _on_attempt(
        self, message: Queued, answer: Answer, attempts: int, ms: int, again_in: float | None
    ) -> None:
        if again_in is None:
            self.results.append((message, answer.status, attempts, answer.error))

    def send(self, *messages: Message) -> None:
        self.outbox.commit(messages)
        for message in messages:
            self.delivery.wake(message.queue)

    def close(self, timeout: float = 5.0) -> bool:
        finished = self.delivery.stop(timeout)
        self.outbox.close()
        return finished

    def restart(self, timeout: float = 5.0) -> None:
        self.close(timeout)
        self._open()

    def wait_results(self, number: int, timeout: float = 30.0) -> None:
        wait_until(
            lambda: len(self.results) >= number, f"{number} results, there are {self.results}", timeout
        )

    def results_of(self, queue: str) -> list[tuple[int | None, int, str]]:
        return [result[1:] for result in self.results if result[0].queue == queue]


@pytest.fixture
def destination() -> Iterator[Receiver]:
    destination = Receiver()
    yield destination
    destination.stop()


@pytest.fixture
def open_office(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def open_(settings: DeliverySettings = QUICK) -> Office:
        offices.append(Office(tmp_path / f"outbox-{len(offices)}.sqlite", settings))
        return offices[-1]

    yield open_
    for office in offices:
        office.close(timeout=0)


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    return open_office()
