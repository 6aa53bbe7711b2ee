"""Digits that a phone sends in more than one way at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

# DTMF-Source (switch_types.h) of telephone-event, SIP INFO and tones. The others are no key of a phone's.
WAYS: Final = frozenset({"RTP", "ENDPOINT", "INBAND_AUDIO"})
SAME_PRESS_USECS: Final = 1_000_000
"""Between the reports of one press: a tone goes through the jitter buffer, an INFO through the proxies."""


@dataclass(slots=True)
class _Press:
    digit: str
    at: int
    ways: set[str] = field(default_factory=set)


class Presses:
    """The presses of one leg. FreeSWITCH reports each press once for each way in which it came."""

    def __init__(self) -> None:
        self._recent: deque[_Press] = deque()

    def is_new(self, digit: str, way: str, at: int) -> bool:
        """Whether this is no second report of a press. `way`: its DTMF-Source; `at` in microseconds."""
        if way not in WAYS:
            return True
        while self._recent and at - self._recent[0].at > SAME_PRESS_USECS:
            self._recent.popleft()
        for press in self._recent:
            if press.digit == digit and way not in press.ways:
                press.ways.add(way)
                return False
        self._recent.append(_Press(digit, at, {way}))
        return True
