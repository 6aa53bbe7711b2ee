"""Whose turn it is to be sent something: one line of queues for each receiver, a host and port.

A receiver that hangs must hold up its own queues and nobody else's. Three rules see to it: it may have only
so many attempts under way; these get fewer while it does not answer; and all receivers that are slow, or of
which nothing is known yet, share half of all attempts, so that a thousand dead ones leave the other half.
"""

from __future__ import annotations

import time
from collections import deque

from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.net.connector import Connector
from orchestrator.net.http import HttpClient

_FORGET_SLOW_SECONDS = 600.0
"""The statistics of a receiver outlive its connections, else a dead one would be new after each pause."""


class Destination:
    """One host and port: what waits for it, its kept connections, and how it has behaved."""

    __slots__ = ("allowed", "client", "fast", "in_turn", "name", "queued", "sending", "used_at")

    def __init__(self, name: str, allowed: int, client: HttpClient) -> None:
        self.name = name
        self.client = client
        self.queued: deque[str] = deque()
        """Queues whose first message is for this receiver."""
        self.sending = 0
        self.allowed = allowed
        self.fast = False
        """Its last answer came soon."""
        self.in_turn = False
        self.used_at = time.monotonic()


class Destinations:
    def __init__(self, settings: DeliverySettings, connector: Connector) -> None:
        self._connector = connector
        self._settings = settings
        self._most = min(settings.per_host, settings.concurrency)
        self._least = max(1, self._most // 8)
        self._slow_share = max(1, settings.concurrency // 2)
        self._slow_sending = 0
        self._by_name: dict[str, Destination] = {}
        self._fast: deque[Destination] = deque()
        self._slow: deque[Destination] = deque()
        """Receivers that have something in line and may send it."""
        self._slow_before = False

    def __len__(self) -> int:
        return len(self._by_name)

    def named(self, name: str) -> Destination:
        destination = self._by_name.get(name)
        if destination is None:
            client = HttpClient(self._connector, places=1, per_place=self._most)
            destination = self._by_name[name] = Destination(name, self._least, client)
        return destination

    def enqueue(self, destination: Destination, queue: str) -> None:
        destination.queued.append(queue)
        self._offer(destination)

    @property
    def waiting(self) -> bool:
        """Whether `take` would give something."""
        return bool(self._fast) or (bool(self._slow) and self._slow_sending < self._slow_share)

    def take(self) -> tuple[Destination, str] | None:
        """The next queue to send from, counted as under way until `done`."""
        slow = bool(self._slow) and self._slow_sending < self._slow_share
        if not slow and not self._fast:
            return None
        # By turns: neither kind waits for the other to have nothing left.
        self._slow_before = slow and not (self._fast and self._slow_before)
        destination = (self._slow if self._slow_before else self._fast).popleft()
        destination.in_turn = False
        destination.sending += 1
        self._slow_sending += not destination.fast
        queue = destination.queued.popleft()
        self._offer(destination)
        return destination, queue

    def done(self, destination: Destination, seconds: float | None) -> None:
        """An attempt has ended: `seconds` until it was answered, whatever the answer; None if it was not."""
        destination.sending -= 1
        self._slow_sending -= not destination.fast
        destination.used_at = time.monotonic()
        if seconds is None:
            destination.allowed = max(self._least, destination.allowed // 2)
        else:
            destination.allowed = min(self._most, destination.allowed * 2)
        self._judge(destination, fast=seconds is not None and seconds < self._settings.slow_after)
        self._offer(destination)

    def untouched(self, destination: Destination) -> None:
        """Nothing was sent after all; says nothing about the receiver."""
        destination.sending -= 1
        self._slow_sending -= not destination.fast
        self._offer(destination)

    def tidy(self) -> None:
        """Close connections that were not used for a while, and forget who is not needed any more."""
        now = time.monotonic()
        for destination in list(self._by_name.values()):
            unused = 0.0 if destination.queued or destination.sending else now - destination.used_at
            if unused > self._settings.keep_alive:
                destination.client.close()
                if destination.fast or unused > _FORGET_SLOW_SECONDS:
                    del self._by_name[destination.name]

    def clear(self) -> None:
        for destination in self._by_name.values():
            destination.client.close()
        self._by_name.clear()
        self._fast.clear()
        self._slow.clear()
        self._slow_sending = 0

    def _judge(self, destination: Destination, *, fast: bool) -> None:
        if fast == destination.fast:
            return
        self._slow_sending += -destination.sending if fast else destination.sending
        destination.fast = fast
        if destination.in_turn:
            (self._slow if fast else self._fast).remove(destination)
            (self._fast if fast else self._slow).append(destination)

    def _offer(self, destination: Destination) -> None:
        if destination.queued and not destination.in_turn and destination.sending < destination.allowed:
            destination.in_turn = True
            (self._fast if destination.fast else self._slow).append(destination)
