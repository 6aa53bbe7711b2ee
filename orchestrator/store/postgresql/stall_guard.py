"""A process that stood still asks the database whether it still has its nodes, before anything else runs.

Stopped, swapped out, on a paused machine: meanwhile another orchestrator may have taken the nodes over. A
greenlet that woke up first would send callbacks of a past that others have continued.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

import gevent
import psycopg
from gevent import monkey
from psycopg import pq
from psycopg.conninfo import make_conninfo

from orchestrator.logs import get_logger
from orchestrator.store.postgresql.lease import OWNED

STILL_SECONDS: Final = 0.7
"""Longer than the pause between two beats of the lease, each of which is a turn of the hub."""
ASK_SECONDS: Final = 2.0
LOST_EXIT_CODE: Final = 3
# The whole process waits for the answer: gevent's would let others run.
_poll = monkey.get_original("select", "poll")
_POLLIN: Final = 1

log = get_logger(__name__)


class NoAnswer(Exception):
    """The server cannot be asked."""


def end_process(problem: str) -> None:
    """At once: nothing that is under way may go on."""
    log.critical("no longer the owner: this process ends at once", problem=problem)
    os._exit(LOST_EXIT_CODE)


class StallGuard:
    """Called in each turn of the hub, before the greenlets that it wakes."""

    def __init__(
        self, url: str, process: str, nodes: int, on_lost: Callable[[str], None] = end_process
    ) -> None:
        """`nodes`: how many this process has."""
        self._conninfo = make_conninfo(url, application_name=f"{process} guard", connect_timeout=2).encode()
        self._process = process.encode()
        self._nodes = nodes
        self._on_lost = on_lost
        self._connection: pq.abc.PGconn | None = None
        self._at = time.monotonic()
        self._watcher = gevent.get_hub().loop.check(ref=False)
        self._watcher.start(self._on_turn)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._disconnect()

    def connect(self) -> None:
        """Ahead of the first question, which is quicker then."""
        if self._connection is None:
            connection = pq.PGconn.connect(self._conninfo)
            if connection.status != pq.ConnStatus.OK:
                raise NoAnswer(connection.error_message.decode(errors="replace").strip())
            self._connection = connection

    def _on_turn(self) -> None:
        before, self._at = self._at, time.monotonic()
        if self._at - before > STILL_SECONDS:
            self._ask(self._at - before)
            self._at = time.monotonic()

    def _ask(self, seconds: float) -> None:
        problem: Exception = NoAnswer()
        # A connection that the new owner has ended is found broken by the first question.
        for _ in range(2):
            try:
                found = self._owned()
            except (NoAnswer, psycopg.Error) as error:
                problem = error
                self._disconnect()
                continue
            if found < self._nodes:
                text = f"it stood still for {seconds:.1f} s, and another orchestrator has its nodes"
                self._on_lost(text)
            return
        # Without the server nothing can be taken over either.
        log.warning("stood still, and cannot ask whose the nodes are", problem=str(problem))

    def _owned(self) -> int:
        self.connect()
        connection = self._connection
        assert connection is not None
        connection.send_query_params(OWNED, [self._process])
        poll, until = _poll(), time.monotonic() + ASK_SECONDS
        poll.register(connection.socket, _POLLIN)
        while connection.is_busy():
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise NoAnswer(f"no answer within {ASK_SECONDS:g} s")
            connection.consume_input()
        found = -1
        while (result := connection.get_result()) is not None:
            if result.status != pq.ExecStatus.TUPLES_OK:
                raise NoAnswer(result.error_message.decode(errors="replace").strip())
            found = int(result.get_value(0, 0) or b"-1")
        return found

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.finish()
