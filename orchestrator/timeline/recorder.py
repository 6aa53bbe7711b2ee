"""Records what happens: kept in memory for a moment, then written to the store in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import gevent
from gevent.lock import BoundedSemaphore

from orchestrator.clock import now
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.recurring_error import RecurringError
from orchestrator.store.interface import OutboxError, TimelineStore
from orchestrator.timeline import masking
from orchestrator.timeline.bounds import bounded
from orchestrator.timeline.entry import Entry, Level
from orchestrator.timeline.masking import RawFact

log = get_logger(__name__)

WRITE_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 5.0
_SAME_MOMENT: Final = 50_000
"""Microseconds: an event that is no older has the time at which it came in."""
_MAX_UNWRITTEN: Final = 20_000
"""Entries kept in memory while the disk fails, some 500 bytes each."""
_MAX_COUNTED: Final = 50_000
"""Calls and conferences whose entries are counted; of the longest unheard of the count begins anew."""
LAST_KINDS: Final = frozenset({"call.hangup", "conference.end", "media.quality"})
"""Kept also of a call that has all the entries it may have."""
_ENDS: Final = frozenset({"call.hangup", "conference.end"})
"""A call or conference of which one is stored is counted no longer."""
_AFTER_THE_END: Final = frozenset(
    {
        "callback.attempt",
        "callback.failed",
        "conference.leave",
        "document.failed",
        "media.quality",
        "recording.absent",
        "recording.completed",
        "verb.end",
    }
)
"""May come then, a few of each, and begin no new count."""


class TimelineLimits(NamedTuple):
    """Bounds of what is kept."""

    entries: int = 1000
    """Of one call, and of one conference beside its participants' own."""
    document_bytes: int = 16384
    """Of the copy of one fetched document."""
    digits: Literal["masked", "shown", "none"] = "masked"
    """How pressed keys stand in it; none: there is no entry for them."""

    @property
    def show_digits(self) -> bool:
        return self.digits == "shown"


class Subject(NamedTuple):
    """A call, a conference, or a call in a conference."""

    timeline: Timeline
    account: str
    call: str
    conference: str

    def add(
        self,
        kind: str,
        /,
        *,
        level: Level = "info",
        body: bytes = b"",
        at: int = 0,
        more: Mapping[str, RawFact] | None = None,
        **facts: RawFact,
    ) -> None:
        """As Timeline.add."""
        if more:
            facts.update(more)
        timeline, account, call, conference = self
        timeline._buffer.put((at, kind, account, call, conference, level, body, facts, timeline.node))


_Pending = tuple[int, str, str, str, str, Level, bytes, "dict[str, RawFact]", str]
"""An entry's time, kind, account, call, conference, level, body, facts and node."""


class _Buffer:
    """Shared by the views of all nodes."""

    def __init__(self, limits: TimelineLimits, write: Callable[[], None]) -> None:
        self.limits = limits
        self.pending: list[_Pending] = []
        self.flushing = BoundedSemaphore()
        self.counts: dict[str, int] = {}
        """Entries of each call or conference in this run."""
        self.writer: gevent.Greenlet[..., None] | None = None
        self.stopped = False
        self.lost = 0
        self.written = 0
        self._write = write

    def put(self, one: _Pending) -> None:
        """Never blocks: on the path of every join."""
        about = one[3] or one[4]
        count = self.counts.get(about, 0) + 1
        if count > 1 or one[1] not in _AFTER_THE_END:
            self.counts[about] = count
        if count >= self.limits.entries and about:
            kept = self._last(one, count)
            if kept is None:
                return
            one = kept
        moment = now()
        # FreeSWITCH's clock goes in steps: an event would stand before the cause that made it.
        if not 0 < one[0] < moment - _SAME_MOMENT:
            one = (moment, *one[1:])
        self.pending.append(one)
        if self.writer is None and not self.stopped:
            self.writer = gevent.spawn_later(WRITE_SECONDS, self._write)

    def _last(self, one: _Pending, count: int) -> _Pending | None:
        """In place of one that is too much; None: nothing."""
        if count > self.limits.entries:
            return one if one[1] in LAST_KINDS else None
        return (one[0], "timeline.full", *one[2:5], "warning", b"", {"entries": count}, one[8])


class Timeline(Part):
    """The timeline of all calls; `of` gives the view of one FreeSWITCH node.

    `add` is called on any greenlet, also the socket's reader's, and neither blocks nor raises; the writing is
    done by a greenlet of its own, twice a second.
    """

    def __init__(self, store: TimelineStore, limits: TimelineLimits | None = None, node: str = "") -> None:
        self.node = node
        self.listeners: list[Callable[[Entry], None]] = []
        """Each called with each entry once it is stored, in order; none may block."""
        self._store = store
        self._buffer = _Buffer(limits or TimelineLimits(), self._write)
        self._write_error = RecurringError(log, "timelines of calls are kept in memory and written later")

    def of(self, node: str) -> Timeline:
        """The same timeline, for what happens on one FreeSWITCH node."""
        view = Timeline.__new__(Timeline)
        view.__dict__ = {**self.__dict__, "node": node}
        return view

    @property
    def limits(self) -> TimelineLimits:
        return self._buffer.limits

    @limits.setter
    def limits(self, limits: TimelineLimits) -> None:
        """For the entries from now on."""
        self._buffer.limits = limits

    @property
    def lost(self) -> int:
        """Entries that neither the disk nor the memory could take."""
        return self._buffer.lost

    @property
    def written(self) -> int:
        """Entries, since the start."""
        return self._buffer.written

    def add(
        self,
        kind: str,
        /,
        *,
        account: str = "",
        call: str = "",
        conference: str = "",
        level: Level = "info",
        body: bytes = b"",
        at: int = 0,
        more: Mapping[str, RawFact] | None = None,
        **facts: RawFact,
    ) -> None:
        """Something that has happened, at `at` (microseconds since the epoch) or now. Facts named as in
        `masking`, and the body, are masked before they are stored. `more`: further facts."""
        if more:
            facts.update(more)
        self._buffer.put((at, kind, account, call, conference, level, body, facts, self.node))

    def about(self, account: str, call: str = "", conference: str = "") -> Subject:
        """For several entries about the same."""
        return Subject(self, account, call, conference)

    def flush(self) -> None:
        """So that a list has it all. Raises OutboxError, and keeps what could not be written."""
        buffer = self._buffer
        if not buffer.pending:
            return
        with buffer.flushing:
            self._flush(buffer)

    def _flush(self, buffer: _Buffer) -> None:
        """One at a time."""
        entries = [_entry(one, buffer.limits) for one in buffer.pending]
        if not entries:
            return
        self._store.add(entries)
        # More may have come meanwhile.
        del buffer.pending[: len(entries)]
        buffer.written += len(entries)
        for entry in entries:
            if entry.kind in _ENDS:
                buffer.counts.pop(entry.call_sid or entry.conference_sid, None)
        while len(buffer.counts) > _MAX_COUNTED:
            del buffer.counts[next(iter(buffer.counts))]
        if self.listeners:
            self._notify(entries)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        buffer = self._buffer
        buffer.stopped = True
        if buffer.writer is not None:
            buffer.writer.kill(block=False)
        try:
            self.flush()
        except OutboxError as error:
            log.error("the end of timelines is lost", entries=len(buffer.pending), problem=str(error))

    def _write(self) -> None:
        buffer = self._buffer
        buffer.writer = None
        try:
            self.flush()
        except OutboxError as error:
            self._write_error.on_error(error)
            beyond = len(buffer.pending) - _MAX_UNWRITTEN
            if beyond > 0:
                del buffer.pending[:beyond]
                buffer.lost += beyond
            buffer.writer = gevent.spawn_later(_AGAIN_SECONDS, self._write)
        else:
            self._write_error.on_success()

    def _notify(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            for listener in tuple(self.listeners):
                try:
                    listener(entry)
                except Exception:
                    log.exception("a listener of the timeline failed")


def _entry(one: _Pending, limits: TimelineLimits) -> Entry:
    at, kind, account, call, conference, level, body, facts, node = one
    kept = bounded(masking.facts(facts, show_digits=limits.show_digits))
    start = masking.document(body, limits.document_bytes) if body else b""
    if start and len(body) > limits.document_bytes:
        kept["cut"] = True
    return Entry(0, at, kind, account, call, conference, level, kept, start, node)
