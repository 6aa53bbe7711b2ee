"""Delivery of what the outbox holds: in order within a queue, side by side across queues.

A queue is idle (nothing waits), ready (its first message waits for a worker), being sent, or backing off (a
heap entry). Workers exist only while there is something to send. A receiver that is slow holds back its own
queues: each host has its own line of messages and may occupy only some of the workers.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections import deque
from collections.abc import Callable
from itertools import count

import gevent
from gevent.event import Event
from gevent.pool import Group

from orchestrator.callbacks.outbox import Outbox, OutboxError, Queued
from orchestrator.callbacks.policy import Answer, DeliverySettings
from orchestrator.callbacks.sender import Keys, Sender, Unrequestable, for_log, target
from orchestrator.net.connections import Adapter
from orchestrator.net.dial import Dialler

__all__ = ["Delivery", "DeliverySettings", "OnResult"]

log = logging.getLogger(__name__)

OnResult = Callable[[Queued, int | None, int, str], None]
"""(message, HTTP status of the last attempt if it was answered, attempts, error: empty if delivered)."""

_OUTBOX_RETRY_SECONDS = 1.0
_UPKEEP_SECONDS = 5.0
_PRUNE_BATCH = 200
_NOWHERE = ""
"""The host of messages whose URL cannot be requested."""


class _Host:
    """The line of messages for one host, and its kept connections."""

    __slots__ = ("adapter", "in_turn", "line", "name", "sending", "used_at")

    def __init__(self, name: str, connections: int, dialler: Dialler) -> None:
        self.name = name
        self.adapter = Adapter(dialler, pool_connections=1, pool_maxsize=connections)
        self.line: deque[Queued] = deque()
        self.sending = 0
        self.in_turn = False
        self.used_at = time.monotonic()


class Delivery:
    """Tells what the outbox holds. `poke` a queue after each commit of messages to it."""

    def __init__(
        self,
        outbox: Outbox,
        keys: Keys,
        settings: DeliverySettings | None = None,
        *,
        on_result: OnResult | None = None,
        dialler: Dialler | None = None,
    ) -> None:
        self._outbox = outbox
        self._settings = settings = settings or DeliverySettings()
        self._sender = Sender(keys, settings)
        self._on_result = on_result
        self._dialler = dialler or Dialler()
        self._running = False
        self._busy: set[str] = set()
        """Queues that are ready, being sent or backing off."""
        self._hosts: dict[str, _Host] = {}
        self._turn: deque[_Host] = deque()
        """Hosts that have a message and may send it."""
        self._workers = Group()
        self._working = 0
        """Workers that have not ended; a Group counts ended ones until the hub's next turn."""
        self._hiring = False
        self._resting: list[tuple[float, int, str]] = []
        """Heap of (due, tie-breaker, queue)."""
        self._tie = count()
        self._alarm = Event()
        self._unwritten = Event()
        self._helpers: list[gevent.Greenlet[..., None]] = []

    @property
    def sending(self) -> int:
        """Workers at this moment."""
        return self._working

    @property
    def backing_off(self) -> int:
        return len(self._resting)

    def start(self) -> None:
        """Take up everything that waits. A message that was backing off goes on doing so."""
        self._running = True
        self._helpers = [
            gevent.spawn(self._wake_rested),
            gevent.spawn(self._write_behind),
            gevent.spawn(self._upkeep),
            gevent.spawn(self._take_up, self._outbox.queues()),
        ]

    def stop(self, timeout: float = 10.0) -> bool:
        """Finish what is in flight within `timeout` seconds and leave the rest in the outbox.

        False if something had to be cut off; it is told again after the next start.
        """
        self._running = False
        self._workers.join(timeout)
        finished = not self._workers
        self._workers.kill()
        gevent.killall(self._helpers)
        for host in self._hosts.values():
            host.adapter.close()
        self._busy.clear()
        self._hosts.clear()
        self._turn.clear()
        self._resting.clear()
        self._hiring = False
        self._working = 0
        self._flush()
        return finished

    def poke(self, queue: str) -> None:
        """Something may wait in `queue`. Returns at once and never raises; before `start` it does nothing."""
        if self._running and queue not in self._busy:
            self._busy.add(queue)
            self._line_up(queue)
            self._hire()

    # --- from the outbox into the lines ---

    def _take_up(self, queues: list[str]) -> None:
        for number, queue in enumerate(queues):
            if queue not in self._busy:
                self._busy.add(queue)
                self._line_up(queue, rest=True)
                self._hire()
            if number % 100 == 99:
                gevent.sleep(0)

    def _line_up(self, queue: str, *, rest: bool = False) -> None:
        """Put the queue's next message into its host's line, or the queue to rest if there is none."""
        try:
            message = self._outbox.next(queue)
        except OutboxError as error:
            log.critical("queue=%s cannot be read: %s", queue, error)
            self._rest(queue, _OUTBOX_RETRY_SECONDS)
            return
        if message is None:
            self._busy.discard(queue)
            return
        left = message.next_at / 1e6 - time.time()
        if rest and left > 0:
            # The wall clock may have been set since: never longer than a backoff can be.
            self._rest(queue, min(left, self._settings.longest_pause))
            return
        host = self._host(message.url)
        host.line.append(message)
        self._offer(host)

    def _host(self, url: str) -> _Host:
        try:
            name = target(url).origin
        except Unrequestable:
            name = _NOWHERE
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(name, self._settings.per_host, self._dialler)
        return host

    def _rest(self, queue: str, seconds: float) -> None:
        entry = (time.monotonic() + seconds, next(self._tie), queue)
        heapq.heappush(self._resting, entry)
        if self._resting[0] is entry:
            self._alarm.set()

    def _wake_rested(self) -> None:
        while True:
            left = self._resting[0][0] - time.monotonic() if self._resting else None
            if left is None or left > 0:
                self._alarm.wait(left)
                self._alarm.clear()
                continue
            _, _, queue = heapq.heappop(self._resting)
            self._line_up(queue)
            self._hire()

    # --- workers ---

    def _offer(self, host: _Host) -> None:
        if host.line and not host.in_turn and host.sending < self._settings.per_host:
            host.in_turn = True
            self._turn.append(host)

    def _hire(self) -> None:
        """One more worker if there is work for it. Each calls the next, so that one call here is enough."""
        if self._turn and not self._hiring and self._working < self._settings.concurrency:
            self._hiring = True
            self._working += 1
            self._workers.spawn(self._work)

    def _work(self) -> None:
        self._hiring = False
        try:
            while self._running and self._turn:
                self._work_once()
        finally:
            self._working -= 1

    def _work_once(self) -> None:
        host = self._turn.popleft()
        host.in_turn = False
        message = host.line.popleft()
        host.sending += 1
        self._offer(host)
        self._hire()
        try:
            answer = self._sender.send(message, host.adapter)
            if host.name == _NOWHERE:
                gevent.sleep(0)  # nothing was waited for, and a long queue of these must not hold up the hub
        finally:
            host.sending -= 1
            host.used_at = time.monotonic()
        try:
            self._settle(message, answer)
        except Exception:
            # A fault of ours must not leave a queue without anybody who looks after it.
            log.exception("queue=%s event=%s result lost", message.queue, message.event)
            self._rest(message.queue, _OUTBOX_RETRY_SECONDS)
        self._offer(host)

    def _settle(self, message: Queued, answer: Answer) -> None:
        attempts = message.attempts + 1
        if answer.verdict == "retry" and attempts < self._settings.attempts:
            seconds = self._settings.pause(attempts)
            log.info(
                "queue=%s event=%s sequence=%d attempt=%d url=%s error=%r again_in=%.2f",
                *(message.queue, message.event, message.sequence, attempts),
                *(for_log(message.url), answer.error, seconds),
            )
            self._outbox.postpone(message, attempts, int((time.time() + seconds) * 1e6))
            self._unwritten.set()
            self._rest(message.queue, seconds)
            return
        delivered = answer.verdict == "delivered"
        if not delivered:
            log.warning(
                "queue=%s event=%s sequence=%d attempts=%d url=%s error=%r given up",
                *(message.queue, message.event, message.sequence, attempts),
                *(for_log(message.url), answer.error),
            )
        self._outbox.finish(
            message, delivered=delivered, attempts=attempts, status=answer.status, error=answer.error
        )
        self._unwritten.set()
        self._report(message, answer, attempts)
        if self._running:
            self._line_up(message.queue)

    def _report(self, message: Queued, answer: Answer, attempts: int) -> None:
        if self._on_result is None:
            return
        try:
            self._on_result(message, answer.status, attempts, answer.error)
        except Exception:
            log.exception("queue=%s event=%s on_result failed", message.queue, message.event)

    # --- the outbox's upkeep ---

    def _write_behind(self) -> None:
        while True:
            self._unwritten.wait()
            gevent.sleep(self._settings.flush_every)
            self._unwritten.clear()
            if not self._flush():
                self._unwritten.set()
                gevent.sleep(_OUTBOX_RETRY_SECONDS)

    def _flush(self) -> bool:
        try:
            self._outbox.flush()
        except OutboxError as error:
            log.critical("what was told cannot be written down and would be told again: %s", error)
            return False
        return True

    def _upkeep(self) -> None:
        while True:
            gevent.sleep(_UPKEEP_SECONDS)
            now = time.monotonic()
            for host in list(self._hosts.values()):
                unused = not host.line and not host.sending
                if unused and now - host.used_at > self._settings.keep_alive:
                    host.adapter.close()
                    del self._hosts[host.name]
            try:
                before = int((time.time() - self._settings.retention) * 1e6)
                while self._outbox.prune(before, _PRUNE_BATCH) == _PRUNE_BATCH:
                    gevent.sleep(0.01)
            except OutboxError as error:
                log.warning("old callbacks cannot be pruned: %s", error)
