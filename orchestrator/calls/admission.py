"""Admits calls or refuses them before anything is done for them; measures the delay of this process."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import gevent

from orchestrator.calls.overload import CallLimiter, EventLag, LimitHit
from orchestrator.clock import now as wall_clock
from orchestrator.config.service import Admission as Limits
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.events import Event
from orchestrator.esl.leg import Leg
from orchestrator.esl.legs import Legs
from orchestrator.histogram import DELAYS, Histogram
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger

log = get_logger(__name__)

# mod_sofia.c, hangup_cause_to_sip(): SIP 503.
REFUSED = "SWITCH_CONGESTION"
SAMPLE_SECONDS = 0.25


class AdmissionControl(Part):
    """One node's."""

    def __init__(self, node: str, limits: Limits, legs: Legs) -> None:
        self.limiter = CallLimiter(limits)
        self.event_delay = Histogram(*DELAYS)
        """Seconds from when FreeSWITCH made one of the events that `on_event` hears until it is handled."""
        self._node = node
        self._legs = legs
        self._lag = EventLag()
        self._lag_seconds = 0.0
        self._sampler: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._sampler = gevent.spawn(self._sample)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        if self._sampler is not None:
            self._sampler.kill(block=False)

    def compare(self, ask: Callable[[str], str]) -> None:
        """Warn where FreeSWITCH's own limit is no higher than ours: even a call that we refuse is one of its
        sessions. `ask` runs an API command."""
        try:
            answer = ask("fsctl max_sessions")
        except SwitchError as error:
            log.debug("FreeSWITCH does not report its limit", node=self._node, problem=str(error))
            return
        found = re.search(r"\d+", answer)
        most = self.limiter.limits.max_calls
        if found and int(found[0]) <= most:
            log.warning(
                "FreeSWITCH refuses calls before admission.max_calls does: raise its max-sessions",
                node=self._node,
                max_sessions=int(found[0]),
                max_calls=most,
            )

    def on_event(self, event: Event) -> None:
        """A leg is parked, answered or hung up; before that is handled. All events come in one order: the age
        of these is the age of all."""
        self._lag_seconds = self._lag.lag(event.timestamp, wall_clock())
        self.event_delay.observe(self._lag_seconds)
        if event.name != "CHANNEL_PARK":
            self.limiter.left_setup(event.uuid)

    def limit_hit(self, leg: Leg) -> LimitHit | None:
        """The limit that a new call hits; None admits it. Asked while the CHANNEL_PARK of `leg` is handled. A
        refused call gets SIP 503."""
        now = time.monotonic()
        self.limiter.note_delay(self._lag_seconds, now)
        hit = self.limiter.admit(leg.uuid, now, len(self._legs) - 1)
        if hit is None:
            return None
        leg.hangup(REFUSED)
        # If that command is lost, the dialplan's own time limit refuses the call in the same way.
        self._legs.lost(leg.uuid, REFUSED)
        self._report(now)
        return hit

    def _sample(self) -> None:
        while True:
            before = time.monotonic()
            gevent.sleep(SAMPLE_SECONDS)
            now = time.monotonic()
            self.limiter.note_delay(now - before - SAMPLE_SECONDS, now)
            self._report(now)

    def _report(self, now: float) -> None:
        rejections = self.limiter.report(now)
        if rejections is None:
            return
        limiter = self.limiter
        log.warning(
            "calls were refused with SIP 503" if rejections.seconds else "calls are refused with SIP 503",
            node=self._node,
            refused=rejections.refused,
            accepted=rejections.accepted,
            seconds=round(rejections.seconds, 1),
            **rejections.by_limit,
            live=len(self._legs),
            in_setup=limiter.in_setup(now),
            delay_ms=round(limiter.delay(now) * 1000),
        )
