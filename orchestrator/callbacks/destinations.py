"""Whose turn it is to be sent something: one line of queues for each receiver, a host and port.

A receiver that hangs must hold up its own queues and nobody else's. Three rules see to it: it may have only
so many attempts under way; these get fewer while it does not answer; and all receivers that are slow, or of
which nothing is known yet, share half of all attempts, so that a thousand dead ones leave the other half.
"""

from __future__ import annotations

import time
from collections import deque

from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.net.connections import Adapter
from orchestrator.net.connector import Dialler

_FORGET_SLOW_SECONDS = 600.0
"""What is known of a receiver outlives its connections, else a dead one would be new after each pause."""


class Receiver:
    """One host and port: what waits for it, its kept connections, and how it has behaved."""

    __slots__ = ("adapter", "allowed", "in_turn", "line", "name", "prompt", "sending", "used_at")

    def __init__(self, name: str, allowed: int, adapter: Adapter) -> None:
        self.name = name
        self.adapter = adapter
        self.line: deque[str] = deque()
        """Queues whose first message is for this receiver."""
        self.sending = 0
        self.allowed = allowed
        self.prompt = False
        """Its last answer came soon."""
        self.in_turn = False
        self.used_at = time.monotonic()


class Receivers:
    def __init__(self, settings: DeliverySettings, dialler: Dialler) -> None:
        self._dialler = dialler
        self._settings = settings
        self._most = min(settings.per_host, settings.concurrency)
        self._least = max(1, self._most // 8)
        self._slow_share = max(1, settings.concurrency // 2)
        self._slow_sending = 0
        self._by_name: dict[str, Receiver] = {}
        self._prompt: deque[Receiver] = deque()
        self._slow: deque[Receiver] = deque()
        """Receivers that have something in line and may send it."""
        self._slow_before = False

    def __len__(self) -> int:
        return len(self._by_name)

    def named(self, name: str) -> Receiver:
        receiver = self._by_name.get(name)
        if receiver is None:
            adapter = Adapter(self._dialler, pool_connections=1, pool_maxsize=self._most)
            receiver = self._by_name[name] = Receiver(name, self._least, adapter)
        return receiver

    def line_up(self, receiver: Receiver, queue: str) -> None:
        receiver.line.append(queue)
        self._offer(receiver)

    @property
    def waiting(self) -> bool:
        """Whether `take` would give something."""
        return bool(self._prompt) or (bool(self._slow) and self._slow_sending < self._slow_share)

    def take(self) -> tuple[Receiver, str] | None:
        """The next queue to send from, counted as under way until `done`."""
        slow = bool(self._slow) and self._slow_sending < self._slow_share
        if not slow and not self._prompt:
            return None
        # By turns: neither kind waits for the other to have nothing left.
        self._slow_before = slow and not (self._prompt and self._slow_before)
        receiver = (self._slow if self._slow_before else self._prompt).popleft()
        receiver.in_turn = False
        receiver.sending += 1
        self._slow_sending += not receiver.prompt
        queue = receiver.line.popleft()
        self._offer(receiver)
        return receiver, queue

    def done(self, receiver: Receiver, seconds: float | None) -> None:
        """An attempt is over: `seconds` until it was answered, whatever the answer; None if it was not."""
        receiver.sending -= 1
        self._slow_sending -= not receiver.prompt
        receiver.used_at = time.monotonic()
        if seconds is None:
            receiver.allowed = max(self._least, receiver.allowed // 2)
        else:
            receiver.allowed = min(self._most, receiver.allowed * 2)
        self._judge(receiver, prompt=seconds is not None and seconds < self._settings.slow_after)
        self._offer(receiver)

    def untouched(self, receiver: Receiver) -> None:
        """Nothing was sent after all; says nothing about the receiver."""
        receiver.sending -= 1
        self._slow_sending -= not receiver.prompt
        self._offer(receiver)

    def tidy(self) -> None:
        """Close connections that were not used for a while, and forget who is not needed any more."""
        now = time.monotonic()
        for receiver in list(self._by_name.values()):
            unused = 0.0 if receiver.line or receiver.sending else now - receiver.used_at
            if unused > self._settings.keep_alive:
                receiver.adapter.close()
                if receiver.prompt or unused > _FORGET_SLOW_SECONDS:
                    del self._by_name[receiver.name]

    def clear(self) -> None:
        for receiver in self._by_name.values():
            receiver.adapter.close()
        self._by_name.clear()
        self._prompt.clear()
        self._slow.clear()
        self._slow_sending = 0

    def _judge(self, receiver: Receiver, *, prompt: bool) -> None:
        if prompt == receiver.prompt:
            return
        self._slow_sending += -receiver.sending if prompt else receiver.sending
        receiver.prompt = prompt
        if receiver.in_turn:
            (self._slow if prompt else self._prompt).remove(receiver)
            (self._prompt if prompt else self._slow).append(receiver)

    def _offer(self, receiver: Receiver) -> None:
        if receiver.line and not receiver.in_turn and receiver.sending < receiver.allowed:
            receiver.in_turn = True
            (self._prompt if receiver.prompt else self._slow).append(receiver)
