"""Commands past their time, and a socket whose other end is gone without a word (half-open)."""

from __future__ import annotations

import time
from typing import Final

import gevent

from orchestrator.esl import commands
from orchestrator.esl.errors import Disconnected, SwitchError
from orchestrator.esl.reply import OnReply
from orchestrator.esl.session import BLOCKED_SECONDS, PING, EslSession

_TICK_SECONDS: Final = 0.25


def watch(session: EslSession, ignore: OnReply, probe_after: float, probe_timeout: float) -> None:
    """For as long as the socket lives, on a greenlet of its own. The times are seconds of silence."""
    probe, now = commands.wire(PING), time.monotonic()
    while True:
        before = now
        gevent.sleep(_TICK_SECONDS)
        now = time.monotonic()
        still = now - before - _TICK_SECONDS
        if still > BLOCKED_SECONDS:
            # Nobody's silence or slowness but our own was measured.
            session.extend_deadlines(still)
        overdue = session.expire(now)
        silent = now - session.received_at
        # A long `api` keeps the socket silent, rightly: only a command past its limit counts.
        if overdue > 0 and silent >= probe_timeout:
            session.protocol_errors.half_open += 1
            session.close(Disconnected(f"FreeSWITCH has been silent for {silent:.1f} s"))
            return
        if silent >= probe_after and session.never_polled:
            try:
                session.post(probe, ignore, now + probe_timeout)
            except SwitchError:
                return
