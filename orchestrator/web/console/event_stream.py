"""Server-sent events: every change of a room to every browser that looks at its account.

Changes of one room within a tenth of a second become one. A browser that does not read has a queue that
ends: then it is forgotten, and the browser gets the whole view again once it reads.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

import gevent
from gevent.event import Event
from msgspec import json

from orchestrator.clock import now
from orchestrator.conference.machine.state import Room
from orchestrator.services.nodes import LiveRooms
from orchestrator.store.interface import OutboxError
from orchestrator.verbs.announcements import AnnouncementEnd
from orchestrator.web.console.sessions import Session
from orchestrator.web.console.view import change, is_shown, room_view

# The first change waits a moment for those that come with it, the next ones for their turn.
BATCH_SECONDS = 0.02
PAUSE_SECONDS = 0.1
HEARTBEAT_SECONDS = 10.0
# A browser that takes nothing for so long is gone, whatever its socket says.
STUCK_SECONDS = 60.0
MAX_WAITING_BYTES = 256 * 1024
MAX_WATCHERS = 50
BEAT = b": \n\n"


class TooManyClients(Exception):
    """As many browsers as may be look at this account already."""


def event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json.encode(data))


def _now_ms() -> int:
    return now() // 1000


class StreamClient:
    """One browser."""

    def __init__(self, stream: EventStream, session: Session) -> None:
        self.account_sid = session.account_sid
        self.session = session
        self.closed = False
        self.writing_since = 0.0
        self.greenlet: gevent.Greenlet[..., None] | None = None
        self._stream = stream
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._lost = True
        """It has to be sent the whole view again."""
        self._something = Event()

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    def put(self, message: bytes) -> None:
        if self._lost:
            return
        self._waiting.append(message)
        self._bytes += len(message)
        if self._bytes > MAX_WAITING_BYTES:
            self._forget()
            self._lost = True
        self._something.set()

    def close(self) -> None:
        self.closed = True
        self._something.set()

    def read(self, is_good: Callable[[], bool]) -> Iterator[bytes]:
        """Until it is closed or its session is not good any more."""
        try:
            while not self.closed and is_good():
                self._something.clear()
                self.writing_since = time.monotonic()
                yield self._take() or BEAT
                self.writing_since = 0.0
                if not self._waiting and not self._lost:
                    self._something.wait(HEARTBEAT_SECONDS)
        finally:
            self._stream.leave(self)

    def _take(self) -> bytes:
        if self._lost:
            self._lost = False
            self._forget()
            return event("snapshot", self._stream.snapshot(self.account_sid))
        taken = b"".join(self._waiting)
        self._forget()
        return taken

    def _forget(self) -> None:
        self._waiting.clear()
        self._bytes = 0


class EventStream:
    """Nobody looks: a change costs one look into a dict."""

    def __init__(
        self,
        rooms: LiveRooms,
        problems: Callable[[], Mapping[str, str]],
        failing: Callable[[Sequence[str]], Mapping[str, int]],
    ) -> None:
        """`failing`: how many callbacks of each of these conferences fail. It may raise OutboxError."""
        self._failing = failing
        self._fails: dict[str, dict[str, int]] = {}
        """By account and ConferenceSid, as it was last sent to its browsers."""
        self._rooms = rooms
        self._problems = problems
        self._watchers: dict[str, set[StreamClient]] = {}
        self._known: dict[str, dict[str, Room]] = {}
        """By account and ConferenceSid, as it was last sent to its browsers."""
        self._dirty: dict[str, Room] = {}
        self._ticker: gevent.Greenlet[..., None] | None = None
        self._keepalive: gevent.Greenlet[..., None] | None = None
        self._sent_problems: Mapping[str, str] = {}

    def watch(self, session: Session) -> StreamClient:
        """Raises TooManyClients."""
        account_sid = session.account_sid
        watchers = self._watchers.setdefault(account_sid, set())
        if len(watchers) >= MAX_WATCHERS:
            raise TooManyClients
        watcher = StreamClient(self, session)
        watchers.add(watcher)
        if account_sid not in self._known:
            mine = (room for room in self._rooms if room.account_sid == account_sid)
            self._known[account_sid] = {room.sid: room for room in mine if is_shown(room)}
            self._fails[account_sid] = self._counted(account_sid)
        if self._keepalive is None:
            self._sent_problems = dict(self._problems())
            self._keepalive = gevent.spawn(self._keep)
        return watcher

    def leave(self, watcher: StreamClient) -> None:
        watchers = self._watchers.get(watcher.account_sid, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(watcher.account_sid, None)
            self._known.pop(watcher.account_sid, None)
            self._fails.pop(watcher.account_sid, None)

    def end_sessions(self, is_good: Callable[[Session], bool]) -> list[Session]:
        """Those that are not good any more; which they are."""
        over = [watcher for watcher in self._all() if not is_good(watcher.session)]
        for watcher in over:
            watcher.close()
        return [watcher.session for watcher in over]

    def stop(self) -> None:
        for watcher in self._all():
            watcher.close()
        for greenlet in (self._ticker, self._keepalive):
            if greenlet is not None:
                greenlet.kill(block=False)

    def on_change(self, room: Room) -> None:
        """Never blocks."""
        if room.account_sid in self._known:
            self._dirty[room.sid] = room
            if self._ticker is None:
                self._ticker = gevent.spawn(self._tick)

    def on_announced(self, end: AnnouncementEnd) -> None:
        """Never blocks."""
        if end.account_sid in self._watchers:
            found = {"sid": end.sid, "conference": end.conference_sid, "problem": end.problem}
            self._send(end.account_sid, event("announced", found))

    def snapshot(self, account_sid: str) -> dict[str, object]:
        self._flush()
        return {
            "now": _now_ms(),
            "problems": self._problems(),
            "failing": self._fails.get(account_sid, {}),
            "rooms": [room_view(room) for room in self._known.get(account_sid, {}).values()],
        }

    def _tick(self) -> None:
        try:
            gevent.sleep(BATCH_SECONDS)
            while self._dirty:
                self._flush()
                gevent.sleep(PAUSE_SECONDS)
        finally:
            # However it ended: the next change begins another.
            self._ticker = None

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, {}
        changes: dict[str, list[object]] = {}
        for sid, room in dirty.items():
            known = self._known.get(room.account_sid)
            if known is None:
                continue
            different = change(known.get(sid), room)
            if is_shown(room):
                known[sid] = room
            else:
                known.pop(sid, None)
            if different is not None:
                changes.setdefault(room.account_sid, []).append(different)
        for account_sid, rooms in changes.items():
            self._send(account_sid, event("change", {"now": _now_ms(), "rooms": rooms}))

    def _send(self, account_sid: str, message: bytes) -> None:
        for watcher in self._watchers.get(account_sid, ()):
            watcher.put(message)

    def _all(self) -> list[StreamClient]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]

    def _keep(self) -> None:
        """Checks outside the rooms: whether FreeSWITCH and the browsers are connected."""
        try:
            while self._watchers:
                gevent.sleep(1.0)
                self._send_problems()
                self._send_failing()
                self._drop_stuck()
        finally:
            self._keepalive = None

    def _send_problems(self) -> None:
        problems = dict(self._problems())
        if problems != self._sent_problems:
            self._sent_problems = problems
            for account_sid in list(self._watchers):
                self._send(account_sid, event("problems", problems))

    def _send_failing(self) -> None:
        for account_sid, before in list(self._fails.items()):
            now_failing = self._counted(account_sid)
            changed = {sid: now_failing.get(sid, 0) for sid in {*before, *now_failing}}
            changed = {sid: number for sid, number in changed.items() if before.get(sid, 0) != number}
            if changed:
                self._fails[account_sid] = now_failing
                self._send(account_sid, event("failing", changed))

    def _counted(self, account_sid: str) -> dict[str, int]:
        """Of the conferences that are shown; none where the database fails, which is a problem of its own."""
        try:
            return dict(self._failing(list(self._known.get(account_sid, ()))))
        except OutboxError:
            return {}

    def _drop_stuck(self) -> None:
        for watcher in self._all():
            stuck = watcher.writing_since and time.monotonic() - watcher.writing_since > STUCK_SECONDS
            if stuck and watcher.greenlet is not None:
                watcher.greenlet.kill(block=False)
