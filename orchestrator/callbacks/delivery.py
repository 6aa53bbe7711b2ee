"""Delivery of what the outbox holds: in order within a queue, side by side across queues.

A queue is idle (nothing waits), in its receiver's line (its first message waits for a worker), in flight, or
backing off (a heap entry). There are as many workers as there is to send, and a few more that rest.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from itertools import count

import gevent
from gevent.event import Event
from gevent.pool import Group

from orchestrator.callbacks.bounds import Bounds
from orchestrator.callbacks.counters import Reason, Tally
from orchestrator.callbacks.destinations import Receiver, Receivers
from orchestrator.callbacks.retry import Answer, DeliverySettings
from orchestrator.callbacks.sender import Keys, Sender
from orchestrator.clock import now
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import Log, get_logger
from orchestrator.net.connector import Dialler
from orchestrator.net.logged_url import for_log
from orchestrator.net.urls import Unrequestable, target
from orchestrator.recurring_error import Trouble
from orchestrator.store.interface import CallbackStore
from orchestrator.store.message import Message, Queued
from orchestrator.store.retention import forget_history
from orchestrator.store.sqlite import OutboxError

__all__ = ["Delivery", "DeliverySettings", "OnResult"]

log = get_logger(__name__)

OnResult = Callable[[Queued, int | None, int, str], None]
"""(message, HTTP status of the last attempt if it was answered, attempts, error: empty if delivered).

Not for what was given up while others were being told: too old, too many.
"""

_OUTBOX_RETRY_SECONDS = 1.0
_REQUEUE_BATCH = 200
_SWEEP_SECONDS, _FORGET_SECONDS = 5, 60
_RESTING_WORKERS = 8
"""A new one costs some pages of memory, taken and given back."""
_NOWHERE = ""
"""The host of messages whose URL cannot be requested."""


class Delivery(Part):
    """Tells what the outbox holds. `poke` a queue after each commit of messages to it."""

    def __init__(
        self,
        outbox: CallbackStore,
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
        self._running = False
        self._busy: set[str] = set()
        """Queues that are in line, in flight or backing off."""
        self._in_flight: set[str] = set()
        self._receivers = Receivers(settings, dialler or Dialler())
        self.tally = Tally()
        self._bounds = Bounds(outbox, settings, self.tally)
        self._workers = Group()
        self._working = 0
        """Workers that neither rest nor have ended; a Group counts ended ones until the hub's next turn."""
        self._resting_workers: list[Event] = []
        self._hiring = False
        self._resting: list[tuple[float, int, str]] = []
        """Heap of (due, tie-breaker, queue)."""
        self._tie = count()
        self._alarm = Event()
        self._unwritten = Event()
        self._write_trouble = Trouble(log, "what was told cannot be written down and would be told again")
        self._upkeep_trouble = Trouble(log, "old callbacks are neither given up nor forgotten")
        self._asked_for_retries = False
        self._helpers: list[gevent.Greenlet[..., None]] = []

    @property
    def sending(self) -> int:
        """Workers at this moment."""
        return self._working

    @property
    def lined_up(self) -> int:
        """Queues that are in line, in flight or backing off."""
        return len(self._busy)

    @property
    def backing_off(self) -> int:
        return len(self._resting)

    def start(self) -> None:
        """Take up everything that waits. A message that was backing off goes on doing so."""
        self._running = True
        self._shed()
        self._helpers = [
            gevent.spawn(self._wake_rested),
            gevent.spawn(self._write_behind),
            gevent.spawn(self._upkeep),
            gevent.spawn(self._take_up, self._outbox.queues()),
        ]

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Finish what is in flight within `timeout` seconds and leave the rest in the outbox; what had to be
        cut off is told again after the next start."""
        self._running = False
        while self._resting_workers:
            self._wake_worker()
        self._workers.join(timeout)
        self._workers.kill()
        gevent.killall(self._helpers)
        self._receivers.clear()
        self._busy.clear()
        self._in_flight.clear()
        self._resting.clear()
        self._hiring = False
        self._working = 0
        self._flush()

    def on_committed(self, messages: Iterable[Message]) -> None:
        """These are in the outbox now."""
        for queue in {message.queue for message in messages}:
            self.poke(queue)

    def poke(self, queue: str) -> None:
        """Something may wait in `queue`. Returns at once and never raises; before `start` it does nothing."""
        if not self._running:
            return
        self._shed()
        if queue not in self._busy:
            self._busy.add(queue)
            self._line_up(queue)
            self._hire()

    # --- from the outbox into the lines ---

    def _shed(self) -> None:
        if self._bounds.shed(self._in_flight):
            self._unwritten.set()

    def _take_up(self, queues: list[str]) -> None:
        for number, queue in enumerate(queues):
            if queue not in self._busy:
                self._busy.add(queue)
                self._line_up(queue, rest=True)
                self._hire()
            if number % 100 == 99:
                gevent.sleep(0)

    def _line_up(self, queue: str, *, rest: bool = False) -> None:
        """Put the queue into the line of its next message's receiver; with `rest` only when that is due."""
        message = self._next(queue)
        if message is None:
            return
        left = message.next_at / 1e6 - time.time()
        if rest and left > 0:
            # The wall clock may have been set since: never longer than a backoff can be.
            self._rest(queue, min(left, self._settings.longest_pause))
            return
        self._receivers.line_up(self._receiver(message.url), queue)

    def _next(self, queue: str) -> Queued | None:
        """The queue's next message; without one the queue is idle, or rests if that cannot be known."""
        try:
            message = self._outbox.next(queue)
        except OutboxError as error:
            log.critical("callbacks cannot be read", queue=queue, problem=str(error))
            self._rest(queue, _OUTBOX_RETRY_SECONDS)
            return None
        if message is None:
            self._busy.discard(queue)
        return message

    def _receiver(self, url: str) -> Receiver:
        try:
            return self._receivers.named(target(url).origin)
        except Unrequestable:
            return self._receivers.named(_NOWHERE)

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

    def _hire(self) -> None:
        """One more worker if there is work for it. Each calls the next, so that one call here is enough."""
        if self._receivers.waiting and not self._hiring and self._working < self._settings.concurrency:
            self._hiring = True
            if self._resting_workers:
                self._wake_worker()
            else:
                self._working += 1
                self._workers.spawn(self._work)

    def _wake_worker(self) -> None:
        self._working += 1
        self._resting_workers.pop().set()

    def _work(self) -> None:
        while True:
            self._hiring = False
            try:
                while self._running and (taken := self._receivers.take()):
                    self._hire()
                    self._work_once(*taken)
            finally:
                self._working -= 1
            if not self._running or len(self._resting_workers) == _RESTING_WORKERS:
                return
            woken = Event()
            self._resting_workers.append(woken)
            woken.wait()

    def _work_once(self, receiver: Receiver, queue: str) -> None:
        message = self._next(queue)
        # The head may have changed since the queue was put into line.
        elsewhere = message is None or self._receiver(message.url) is not receiver
        if message is None or elsewhere or self._bounds.is_too_old(message.waits_since):
            self._receivers.untouched(receiver)
            if elsewhere and message is not None:
                self._line_up(queue)
            elif message is not None:
                self._give_up_old(message)
                gevent.sleep(0)  # a long queue of these must not hold up the hub
            return
        begin = time.monotonic()
        seconds: float | None = None
        self._in_flight.add(queue)
        try:
            answer = self._sender.send(message, receiver.adapter)
            if receiver.name == _NOWHERE:
                gevent.sleep(0)
            if answer.status is not None or receiver.name == _NOWHERE:
                seconds = time.monotonic() - begin
        finally:
            self._in_flight.discard(queue)
            self._receivers.done(receiver, seconds)
        try:
            self._settle(message, answer)
        except Exception:
            # A fault of ours must not leave a queue without anybody who looks after it.
            log.exception("result lost", queue=message.queue, callback=message.event)
            self._rest(message.queue, _OUTBOX_RETRY_SECONDS)

    def _give_up_old(self, message: Queued) -> None:
        self._outbox.give_up(message.queue, message.id, self._bounds.too_old)
        self._bounds.count_too_old()
        self._unwritten.set()
        self._line_up(message.queue, rest=True)

    def _settle(self, message: Queued, answer: Answer) -> None:
        attempts = message.attempts + 1
        if answer.verdict != "delivered":
            self.tally.failed_attempts += 1
        if answer.verdict == "retry" and attempts < self._settings.attempts:
            seconds = self._settings.pause(attempts, answer.retry_after)
            self._log(message, answer, attempts).info("attempt failed", again_in=round(seconds, 2))
            self._outbox.postpone(message, attempts, int((time.time() + seconds) * 1e6))
            self._unwritten.set()
            self._rest(message.queue, seconds)
            return
        delivered = answer.verdict == "delivered"
        if delivered:
            self.tally.on_delivered(max(0, (now() - message.waits_since) // 1000))
        else:
            self.tally.given_up[_reason(message, answer)] += 1
            self._log(message, answer, attempts).warning("given up")
        self._outbox.finish(
            message, delivered=delivered, attempts=attempts, status=answer.status, error=answer.error
        )
        self._unwritten.set()
        self._report(message, answer, attempts)
        if self._running:
            self._line_up(message.queue, rest=True)

    def _log(self, message: Queued, answer: Answer, attempts: int) -> Log:
        what = {"queue": message.queue, "callback": message.event, "sequence": message.sequence}
        return log.bind(**what, attempts=attempts, url=for_log(message.url), problem=answer.error)

    def _report(self, message: Queued, answer: Answer, attempts: int) -> None:
        if self._on_result is None:
            return
        try:
            self._on_result(message, answer.status, attempts, answer.error)
        except Exception:
            log.exception("on_result failed", queue=message.queue, callback=message.event)

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
            self._write_trouble.met(error)
            return False
        self._write_trouble.over()
        return True

    def _upkeep(self) -> None:
        for second in count():
            try:
                self._take_up_again()
                if second % _SWEEP_SECONDS == 0:
                    self._receivers.tidy()
                    if self._bounds.sweep(self._in_flight):
                        self._unwritten.set()
                if second % _FORGET_SECONDS == 0:
                    forget_history(self._outbox, self._settings.retention)
                self._upkeep_trouble.over()
            except OutboxError as error:
                self._upkeep_trouble.met(error)
            gevent.sleep(1.0)

    def _take_up_again(self) -> None:
        """What was given up and is asked for again, as far as there is room for it."""
        if self._outbox.changed_by_others():
            self._asked_for_retries = True
        while self._asked_for_retries:
            room = self._settings.max_waiting - self._outbox.depth
            if room <= 0:
                return
            asked, queues = self._outbox.requeue(min(room, _REQUEUE_BATCH), self._in_flight)
            self._asked_for_retries = asked > 0
            self.tally.retried += len(queues)
            for queue in dict.fromkeys(queues):
                self.poke(queue)
            gevent.sleep(0.01)


def _reason(message: Queued, answer: Answer) -> Reason:
    if answer.status is not None:
        return "refused"
    return "unrequestable" if answer.verdict == "final" else "unanswered"
