from __future__ import annotations

import time
from collections.abc import Callable

import gevent
import pytest

from orchestrator.esl import poll_keepalive
from orchestrator.esl.poll_keepalive import PollKeepalive


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(poll_keepalive, "AWAKE_SECONDS", 0.2)
    return []


def made(polls: list[float], looked_at: Callable[[], float] = lambda: 0.0) -> PollKeepalive:
    return PollKeepalive(lambda: polls.append(time.monotonic()), looked_at)


def test_freeswitch_is_polled_while_calls_come_and_go_and_no_longer(polls: list[float]) -> None:
    keepalive = made(polls)
    gevent.sleep(0.05)
    assert not polls, "nobody has come"
    keepalive.keep_awake()
    gevent.sleep(0.15)
    assert len(polls) >= 3
    gevent.sleep(0.2)
    asleep = len(polls)
    gevent.sleep(0.1)
    assert len(polls) == asleep
    keepalive.stop()


def test_freeswitch_is_not_polled_where_it_has_just_looked(polls: list[float]) -> None:
    """Each command and each event shows that it has: an empty line would only cost both sides CPU."""
    keepalive = made(polls, looked_at=time.monotonic)
    keepalive.keep_awake()
    gevent.sleep(0.15)
    assert not polls
    keepalive.stop()


def test_nothing_is_sent_after_the_end_of_the_socket(polls: list[float]) -> None:
    keepalive = made(polls)
    keepalive.keep_awake()
    keepalive.stop()
    keepalive.keep_awake()
    gevent.sleep(0.05)
    assert not polls
