"""Delivery of what the outbox holds: in order within a queue, side by side across queues.

A queue is idle (nothing waits), in its receiver's line (its first message waits for a worker), in flight, or
backing off (a heap entry). There are as many workers as there is to send, and a few more that rest.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count

import gevent
from gevent.event import Event
from gevent.pool import Group

from orchestrator.callbacks.bounds import QueueLimits
from orchestrator.callbacks.counters import DeliveryCounters, Reason
from orchestrator.callbacks.destinations import Destination, Destinations
from orchestrator.callbacks.prepared_messages import PreparedMessages
from orchestrator.callbacks.retry import Answer, DeliverySettings
from orchestrator.callbacks.sender import Keys, Prepared, Sender
from orchestrator.clock import now
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import Log, get_logger
from orchestrator.net.connector import Connector
from orchestrator.net.hub_turn import yield_after_long_turn
from orchestrator.net.logged_url import for_log
from orchestrator.net.urls import Unrequestable, target
from orchestrator.recurring_error import RecurringError
from orchestrator.store.interface import CallbackStore, OutboxError
from orchestrator.store.message import FinishedMessage, Message, Queued

log = get_logger(__name__)

OnAttempt = Callable[[Queued, Answer, int, int, float | None], None]
"""(message, its answer, number of the attempt, milliseconds, seconds until the next: None after the last)."""
OnDropped = Callable[[FinishedMessage], None]
"""(message, which has failed without another attempt)."""

_OUTBOX_RETRY_SECONDS = 1.0
_REQUEUE_BATCH = 200
_SWEEP_SECONDS = 5
_IDLE_WORKERS = 8
"""A new one costs some pages of memory, taken and given back."""
_NOWHERE = ""
"""The host of messages whose URL cannot be requested."""


class Delivery(Part):
    """Delivers the messages of the outbox.

    `on_committed` is called by the write-behind buffer after a commit, on any greenlet, and does not yield.
    Workers, a greenlet each, block while they send; a queue is with one worker at a time.
    """

    def __init__(
        self,
        outbox: CallbackStore,
        keys: Keys,
        settings: DeliverySettings | None = None,
        *,
        connector: Connector | None = None,
    ) -> None:
        self._outbox = outbox
        self._settings = settings = settings or DeliverySettings()
        self._sender = Sender(keys, settings)
        self.on_attempt: list[OnAttempt] = []
        """Each called once the outbox knows of the attempt, on a worker's greenlet."""
        self.on_dropped: list[OnDropped] = []
        """Each called once the outbox knows, on the greenlet that writes it; none may block."""
        self._running = False
        self._busy: set[str] = set()
        """Queues that are in line, in flight or backing off."""
        self._in_flight: set[str] = set()
        self._messages = PreparedMessages(outbox, self._sender)
        self._destinations = Destinations(settings, connector or Connector())
        self.counters = DeliveryCounters()
        self._limits = QueueLimits(outbox, settings, self.counters)
        self._workers = Group()
        self._working = 0
        """Workers that neither rest nor have ended; a Group counts ended ones until the hub's next turn."""
        self._idle_workers: list[Event] = []
        self._starting_worker = False
        self._backed_off: list[tuple[float, int, str]] = []
        """Heap of (due, tie-breaker, queue)."""
        self._tie = count()
        self._backoff_due = Event()
        self._unwritten = Event()
        self._write_error = RecurringError(
            log, "deliveries cannot be stored and would be repeated after a restart"
        )
        self._upkeep_error = RecurringError(log, "old callbacks do not fail in time")
        self._asked_for_retries = True
        self._helpers: list[gevent.Greenlet[..., None]] = []

    @property
    def sending(self) -> int:
        """Workers at this moment."""
        return self._working

    @property
    def busy_queues(self) -> int:
        """Queues that are in line, in flight or backing off."""
        return len(self._busy)

    @property
    def backing_off(self) -> int:
        return len(self._backed_off)

    def start(self) -> None:
        """Resume everything that waits. A message that was backing off goes on doing so."""
        self._running = True
        self._drop_oldest()
        self._helpers = [
            gevent.spawn(self._wake_backed_off),
            gevent.spawn(self._write_behind),
            gevent.spawn(self._upkeep),
            gevent.spawn(self._load_queues, self._outbox.queues()),
        ]

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Finish what is in flight within `timeout` seconds and leave the rest in the outbox; what had to be
        cut off is sent again after the next start."""
        self._running = False
        while self._idle_workers:
            self._wake_worker()
        self._workers.join(timeout)
        self._workers.kill()
        gevent.killall(self._helpers)
        self._destinations.clear()
        self._busy.clear()
        self._in_flight.clear()
        self._messages.clear()
        self._backed_off.clear()
        self._starting_worker = False
        self._working = 0
        self._flush()

    def on_committed(self, messages: Iterable[Message]) -> None:
        """These are in the outbox now."""
        for queue in {message.queue for message in messages}:
            self.wake(queue)

    def wake(self, queue: str) -> None:
        """Something may wait in `queue`. Returns at once and never raises; before `start` it does nothing."""
        if not self._running:
            return
        self._drop_oldest()
        if queue not in self._busy:
            self._busy.add(queue)
            self._enqueue(queue)
            self._start_worker()

    def on_replay_requested(self) -> None:
        """Finished messages are to be delivered again, as the outbox says: begun within a second."""
        self._asked_for_retries = True

    # --- from the outbox into the lines ---

    def _drop_oldest(self) -> None:
        if self._limits.drop_oldest(self._in_flight):
            self._unwritten.set()

    def _load_queues(self, queues: list[str]) -> None:
        for number, queue in enumerate(queues):
            if queue not in self._busy:
                self._busy.add(queue)
                self._enqueue(queue, rest=True)
                self._start_worker()
            if number % 100 == 99:
                gevent.sleep(0)

    def _enqueue(self, queue: str, *, rest: bool = False) -> None:
        """Put the queue into the line of its next message's receiver; with `rest` only when that is due."""
        head = self._next(queue)
        if head is None:
            return
        message = head.message
        left = message.next_at / 1e6 - time.time()
        if rest and left > 0:
            # The wall clock may have been set since: never longer than a backoff can be.
            self._back_off(queue, min(left, self._settings.longest_pause))
            return
        self._messages.keep(queue, head)
        self._destinations.enqueue(self._destination(message.url), queue)

    def _next(self, queue: str) -> Prepared | None:
        """The queue's next message; without one the queue is idle, or rests if that cannot be known."""
        try:
            head = self._messages.next(queue)
        except OutboxError as error:
            log.critical("callbacks cannot be read", queue=queue, problem=str(error))
            self._back_off(queue, _OUTBOX_RETRY_SECONDS)
            return None
        if head is None:
            self._busy.discard(queue)
        return head

    def _destination(self, url: str) -> Destination:
        try:
            return self._destinations.named(target(url).origin)
        except Unrequestable:
            return self._destinations.named(_NOWHERE)

    def _back_off(self, queue: str, seconds: float) -> None:
        entry = (time.monotonic() + seconds, next(self._tie), queue)
        heapq.heappush(self._backed_off, entry)
        if self._backed_off[0] is entry:
            self._backoff_due.set()

    def _wake_backed_off(self) -> None:
        while True:
            left = self._backed_off[0][0] - time.monotonic() if self._backed_off else None
            if left is None or left > 0:
                self._backoff_due.wait(left)
                self._backoff_due.clear()
                continue
            _, _, queue = heapq.heappop(self._backed_off)
            self._enqueue(queue)
            self._start_worker()

    # --- workers ---

    def _start_worker(self) -> None:
        """One more worker if there is work for it. Each calls the next, so that one call here is enough."""
        if (
            self._destinations.waiting
            and not self._starting_worker
            and self._working < self._settings.concurrency
        ):
            self._starting_worker = True
            if self._idle_workers:
                self._wake_worker()
            else:
                self._working += 1
                self._workers.spawn(self._work)

    def _wake_worker(self) -> None:
        self._working += 1
        self._idle_workers.pop().set()

    def _work(self) -> None:
        while True:
            self._starting_worker = False
            try:
                while self._running and (taken := self._destinations.take()):
                    self._start_worker()
                    self._work_once(*taken)
                    yield_after_long_turn()
            finally:
                self._working -= 1
            if not self._running or len(self._idle_workers) == _IDLE_WORKERS:
                return
            woken = Event()
            self._idle_workers.append(woken)
            woken.wait()

    def _work_once(self, destination: Destination, queue: str) -> None:
        # The head may have changed since the queue was put into line.
        head = self._messages.take(queue) or self._next(queue)
        message = head.message if head is not None else None
        elsewhere = message is None or self._destination(message.url) is not destination
        if head is None or message is None or elsewhere or self._limits.is_too_old(message.waits_since):
            self._destinations.untouched(destination)
            if elsewhere and message is not None:
                self._enqueue(queue)
            elif message is not None:
                self._fail_old(message)
                gevent.sleep(0)  # a long queue of these must not hold up the hub
            return
        begin = time.monotonic()
        seconds: float | None = None
        self._in_flight.add(queue)
        try:
            answer = self._sender.send(
                head, destination.client, partial(self._messages.prepare_second, queue)
            )
            if destination.name == _NOWHERE:
                gevent.sleep(0)
            if answer.status is not None or destination.name == _NOWHERE:
                seconds = time.monotonic() - begin
        finally:
            self._in_flight.discard(queue)
            self._destinations.done(destination, seconds)
        try:
            self._settle(message, answer, round((time.monotonic() - begin) * 1000))
        except Exception:
            # A fault of ours must not leave a queue without anybody who looks after it.
            log.exception("result lost", queue=message.queue, callback=message.event)
            self._back_off(message.queue, _OUTBOX_RETRY_SECONDS)

    def _fail_old(self, message: Queued) -> None:
        self._limits.fail_old(message.queue, message.id)
        self._unwritten.set()
        self._enqueue(message.queue, rest=True)

    def _settle(self, message: Queued, answer: Answer, ms: int) -> None:
        attempts = message.attempts + 1
        if answer.verdict != "delivered":
            self.counters.failed_attempts += 1
        if answer.verdict == "retry" and attempts < self._settings.attempts:
            seconds = self._settings.pause(attempts, answer.retry_after)
            self._log(message, answer, attempts).info("attempt failed", again_in=round(seconds, 2))
            self._outbox.postpone(message, attempts, int((time.time() + seconds) * 1e6))
            self._unwritten.set()
            self._notify(message, answer, attempts, ms, seconds)
            self._back_off(message.queue, seconds)
            return
        delivered = answer.verdict == "delivered"
        if delivered:
            self.counters.on_delivered(max(0, (now() - message.waits_since) // 1000))
        else:
            self.counters.failed[_reason(message, answer)] += 1
            self._log(message, answer, attempts).warning("callback failed")
        self._outbox.finish(
            message, delivered=delivered, attempts=attempts, status=answer.status, error=answer.error
        )
        self._unwritten.set()
        self._notify(message, answer, attempts, ms, None)
        if self._running:
            self._enqueue(message.queue, rest=True)

    def _log(self, message: Queued, answer: Answer, attempts: int) -> Log:
        what = {"queue": message.queue, "callback": message.event, "sequence": message.sequence}
        return log.bind(**what, attempts=attempts, url=for_log(message.url), problem=answer.error)

    def _notify(self, message: Queued, answer: Answer, attempts: int, ms: int, seconds: float | None) -> None:
        for listener in self.on_attempt:
            try:
                listener(message, answer, attempts, ms, seconds)
            except Exception:
                log.exception("a listener failed", queue=message.queue, callback=message.event)

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
            dropped = self._limits.take_dropped()
        except OutboxError as error:
            self._write_error.on_error(error)
            return False
        self._write_error.on_success()
        for message in dropped:
            for listener in self.on_dropped:
                listener(message)
        return True

    def _upkeep(self) -> None:
        for second in count():
            try:
                self._requeue()
                if second % _SWEEP_SECONDS == 0:
                    self._destinations.tidy()
                    if self._limits.sweep(self._in_flight):
                        self._unwritten.set()
                self._upkeep_error.on_success()
            except OutboxError as error:
                self._upkeep_error.on_error(error)
            gevent.sleep(1.0)

    def _requeue(self) -> None:
        """Messages that failed and are to be retried, as far as there is room for them."""
        if self._outbox.retries_asked():
            self._asked_for_retries = True
        while self._asked_for_retries:
            room = self._settings.max_waiting - self._outbox.depth
            if room <= 0:
                return
            asked, queues = self._outbox.requeue(min(room, _REQUEUE_BATCH), self._in_flight)
            self._asked_for_retries = asked > 0
            self.counters.retried += len(queues)
            for queue in dict.fromkeys(queues):
                self._messages.forget(queue)  # it may be the same message again, with all its attempts
                self.wake(queue)
            gevent.sleep(0.01)


def _reason(message: Queued, answer: Answer) -> Reason:
    if answer.status is not None:
        return "refused"
    return "unrequestable" if answer.verdict == "final" else "unanswered"
