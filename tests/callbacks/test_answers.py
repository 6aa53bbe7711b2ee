"""The meaning of an answer to a callback: delivered, tried again and when, or failed for good."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from orchestrator.callbacks.counters import DeliveryCounters
from orchestrator.callbacks.retry import Answer, asked_pause, judge

NOW = 1_700_000_000.0
DATE = datetime.fromtimestamp(NOW, timezone.utc)


def verdict_of(status: int) -> str:
    if 200 <= status < 300:
        return "delivered"
    return "retry" if status >= 500 or status in (408, 429) else "final"


def test_each_status_is_judged() -> None:
    for status in range(100, 600):
        verdict = verdict_of(status)
        error = "" if verdict == "delivered" else f"answered {status}"
        if status == 405:
            error += " to GET: the method beside its URL says how it is requested"
        assert judge(status, method="GET") == Answer(verdict, status, error)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("9" * 20, 999_999_999.0),
        (format_datetime(DATE + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(DATE + timedelta(seconds=90)).replace("+0000", "-0000"), 90.0),
        ((DATE + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S"), 90.0),
        (format_datetime((DATE + timedelta(seconds=90)).astimezone(timezone(timedelta(hours=2)))), 90.0),
        (format_datetime(DATE - timedelta(seconds=90), usegmt=True), 0.0),
        *((text, 0.0) for text in ("", "-7", "7.5", "soon", "\u0667", "Wed, 99 Nov 2026", "9" * 5 + "x")),
    ],
)
def test_a_receiver_s_wish_is_a_number_or_a_date(header: str, seconds: float) -> None:
    assert asked_pause(header, NOW) == seconds
    assert judge(503, header, NOW).retry_after == seconds
    assert judge(200, header, NOW).retry_after == judge(400, header, NOW).retry_after == 0.0


def test_counters_begin_with_nothing_and_count_what_is_delivered_with_its_delay() -> None:
    counters = DeliveryCounters()
    assert (counters.delivered, counters.failed_attempts, counters.retried) == (0, 0, 0)
    assert counters.failed == dict.fromkeys(
        ("refused", "unanswered", "unrequestable", "too old", "too many"), 0
    )
    for milliseconds in (40, 1960):
        counters.on_delivered(milliseconds)
    assert (counters.delivered, counters.delay.count, counters.delay.sum) == (2, 2, 2.0)
    assert DeliveryCounters().failed is not counters.failed
