"""Whether one more call may come in. Pure: times come from outside, in seconds of any steady clock.

A call that comes while there is too much to do would join late or run into a time limit, and would make
all others late too. So it is refused at once, with a SIP status that lets its carrier try elsewhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from orchestrator.config.service import Admission as Limits

# A call that is not answered after so long waits for its application or for somebody else's phone, which
# costs nothing here.
SETUP_SECONDS = 3.0
# So many may always be in setup, however high the delay: a pause of this machine alone refuses nobody.
ALWAYS = 10
HALF_LIFE_SECONDS = 1.0
MOST_SECONDS = 10.0
QUIET_SECONDS = 5.0
REPORT_SECONDS = 60.0
CLOCK_SECONDS = 60.0


class LimitHit(Enum):
    """Why a call is refused: the setting that said so."""

    CALLS = "max_calls"
    IN_SETUP = "max_in_setup"
    DELAY = "max_delay_ms"


@dataclass(frozen=True)
class RejectionBurst:
    """Rejections since it began, or since its last summary."""

    refused: int
    accepted: int
    by_limit: dict[str, int]
    seconds: float
    ended: bool


class CallLimiter:
    """Counts calls in setup and measures the delay of this process; decides by both."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.accepted = 0
        """Calls, since the start."""
        self.refused: Counter[LimitHit] = Counter()
        """Calls, since the start."""
        self._in_setup: dict[str, float] = {}
        self._delay = 0.0
        self._delay_at = 0.0
        self._reported = self._counts()
        self._reported_at: float | None = None
        self._refused_at = 0.0

    def admit(self, uuid: str, now: float, live: int) -> LimitHit | None:
        """None admits it; else the limit that was hit. `live`: how many legs there are besides this one."""
        full = self._limit_hit(now, live)
        if full is None:
            self.accepted += 1
            self._in_setup[uuid] = now
        else:
            self.refused[full] += 1
            self._refused_at = now
        return full

    def _limit_hit(self, now: float, live: int) -> LimitHit | None:
        limits = self.limits
        if live >= limits.max_calls:
            return LimitHit.CALLS
        in_setup = self.in_setup(now)
        if in_setup >= limits.max_in_setup:
            return LimitHit.IN_SETUP
        if in_setup >= self.allowed(now):
            return LimitHit.DELAY
        return None

    def allowed(self, now: float) -> int:
        """How many may be in setup: the higher the delay, the fewer, in proportion."""
        late, most = self.delay(now) / (self.limits.max_delay_ms / 1000), self.limits.max_in_setup
        return most if late <= 1 else max(min(ALWAYS, most), int(most / late))

    def in_setup(self, now: float) -> int:
        """Accepted calls that are not answered yet."""
        # The oldest come first: as many steps as there is something to forget.
        while self._in_setup:
            uuid = next(iter(self._in_setup))
            if now - self._in_setup[uuid] < SETUP_SECONDS:
                break
            del self._in_setup[uuid]
        return len(self._in_setup)

    def left_setup(self, uuid: str) -> None:
        """It is answered, or gone."""
        self._in_setup.pop(uuid, None)

    def note_delay(self, seconds: float, now: float) -> None:
        """Something was done `seconds` after it was due."""
        # A machine that slept for an hour must not refuse calls for the next minute.
        seconds = min(seconds, MOST_SECONDS)
        self._delay, self._delay_at = max(seconds, self.delay(now)), now

    def delay(self, now: float) -> float:
        """How late things were lately: the longest, halved with every second since."""
        return float(self._delay * 0.5 ** ((now - self._delay_at) / HALF_LIFE_SECONDS))

    def report(self, now: float) -> RejectionBurst | None:
        """The log lines: at a burst's first refusal, every minute of it, and when it has ended for
        some seconds."""
        accepted, refused = self._counts()
        before_in, before = self._reported
        if self._reported_at is None:
            if refused == before:
                self._reported = accepted, refused
                return None
            self._reported_at = now
            return RejectionBurst(
                refused.total() - before.total(), 0, _names(refused - before), 0.0, ended=False
            )
        over = now - self._refused_at >= QUIET_SECONDS
        seconds = now - self._reported_at
        if not over and seconds < REPORT_SECONDS:
            return None
        self._reported = accepted, refused
        self._reported_at = None if over else now
        new = refused - before
        return RejectionBurst(new.total(), accepted - before_in, _names(new), seconds, over)

    def _counts(self) -> tuple[int, Counter[LimitHit]]:
        return self.accepted, self.refused.copy()


def _names(counts: Counter[LimitHit]) -> dict[str, int]:
    return {full.value: count for full, count in counts.items()}


class EventLag:
    """How old events are when they are handled, in spite of two clocks that need not agree.

    The youngest of the last minutes shows the clocks' difference; they are taken to agree at first.
    Times in microseconds since the epoch, as each side has it.
    """

    def __init__(self) -> None:
        self._before = self._youngest = 0
        self._since: int | None = None

    def lag(self, made: int, now: int) -> float:
        """Seconds."""
        if not made:
            return 0.0
        apart = now - made
        if self._since is None:
            self._since = now
        elif now - self._since >= CLOCK_SECONDS * 1_000_000:
            self._before, self._youngest, self._since = self._youngest, apart, now
        if apart < self._youngest:
            self._youngest = apart
        return (apart - min(self._before, self._youngest)) / 1_000_000
