"""Calls that never became one, for an operator: counted all, and the last of each kind kept.

A scanner may send hundreds a second: of one address and one reason there is an entry at most every half a
minute, which says how many it stands for, and so many a minute altogether.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.counters import CallCounters
from orchestrator.sids import call_sid_of, has_call_sid
from orchestrator.timeline.recorder import Timeline

AGAIN_SECONDS = 30.0
MINUTE_SECONDS = 60.0
MAX_A_MINUTE = 120
MAX_ADDRESSES = 1000
"""Remembered: of more, the longest unheard of is forgotten."""
# sofia.c, before there is a channel: the profile's apply-inbound-acl.
_REJECTED_BY_ACL = re.compile(r'IP (\S{2,64}) Rejected by acl "([^"]{0,64})"')


@dataclass
class _Seen:
    entry_at: float
    since: int = 0
    """Rejections since that entry."""


class RejectedCalls:
    """Never blocks: called on the socket's reader."""

    def __init__(
        self, timeline: Timeline, counters: CallCounters, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeline = timeline
        self._counters = counters
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str], _Seen] = OrderedDict()
        self._minute_began = 0.0
        self._this_minute = 0

    def add(
        self,
        leg: str,
        header: Callable[[str], str],
        reason: str,
        sip: str,
        *,
        account: str = "",
        **facts: str,
    ) -> None:
        """A leg that never became a call, or that nobody could hear. `header` finds one of its own, or "".
        `account`: of one that has a timeline of its own, which says it already."""
        self._add(
            leg,
            account,
            reason,
            {
                "sip": sip,
                "address": header("Caller-Network-Addr"),
                "caller": header("Caller-Caller-ID-Number"),
                "number": header("Caller-Destination-Number"),
                **facts,
            },
        )

    def on_log(self, line: str) -> None:
        """A warning in FreeSWITCH's log: it has no event for a call that its SIP profile refuses."""
        found = _REJECTED_BY_ACL.search(line)
        if found is not None:
            self._add("", "", "address", {"sip": "403", "address": found[1], "acl": found[2]})

    def _add(self, leg: str, account: str, reason: str, facts: dict[str, str]) -> None:
        self._counters.on_call_ended("rejected", reason)
        times = self._times(reason, facts["address"])
        if times:
            sid = call_sid_of(leg) if leg and has_call_sid(leg) else ""
            self._timeline.add(
                "call.rejected",
                account=account,
                call="" if account else sid,
                page=sid if account else "",
                level="warning",
                reason=reason,
                times=times,
                more=facts,
            )

    def _times(self, reason: str, address: str) -> int:
        """How many rejections an entry now stands for; 0: there is none."""
        now, key = self._clock(), (reason, address)
        if now - self._minute_began >= MINUTE_SECONDS:
            self._minute_began, self._this_minute = now, 0
        seen = self._seen.get(key)
        if (seen is not None and now - seen.entry_at < AGAIN_SECONDS) or self._this_minute >= MAX_A_MINUTE:
            self._seen.setdefault(key, _Seen(now)).since += 1
            return 0
        self._this_minute += 1
        self._seen[key] = _Seen(now)
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_ADDRESSES:
            self._seen.popitem(last=False)
        return 1 + (seen.since if seen is not None else 0)
