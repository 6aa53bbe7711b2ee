"""Ownership of one FreeSWITCH, kept by a heartbeat for as long as the event socket lives."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

from orchestrator.esl.errors import SwitchError
from orchestrator.esl.lease import Lease
from orchestrator.esl.ownership import BEAT_SECONDS, LEASE_SECONDS, NotOwner, Ownership
from orchestrator.esl.session import EslSession
from orchestrator.logs import get_logger

BEAT_TIMEOUT_SECONDS = 8.0
"""With BEAT_SECONDS, no more than a silent FreeSWITCH is given anyway."""


class Heartbeat:
    """The claim to FreeSWITCH, one event socket after the other. Times are monotonic seconds."""

    def __init__(
        self,
        ownership: Ownership,
        node: str,
        api: Callable[[str, float], str],
        on_another_socket: Callable[[Callable[[EslSession], None]], None],
    ) -> None:
        """`on_another_socket` opens one, puts a question on it and closes it."""
        self._ownership = ownership
        self._api = api
        self._on_another_socket = on_another_socket
        self._log = get_logger(__name__).bind(node=node)

    def lease(self) -> Lease:
        """For a new socket."""
        return Lease(self._renew)

    def claim(self, session: EslSession) -> None:
        """While the socket opens. Raises NotOwner, SwitchError."""
        claimed_at = time.monotonic()
        self._ownership.claim(session.ask)
        session.lease.until = claimed_at + LEASE_SECONDS

    def run(self, session: EslSession) -> None:
        """For as long as this socket lives, which ends when another becomes the owner; on a greenlet of its
        own."""
        while True:
            gevent.sleep(BEAT_SECONDS)
            asked_at = time.monotonic()
            try:
                self._ownership.beat(lambda command: self._api(command, BEAT_TIMEOUT_SECONDS))
            except NotOwner as error:
                session.close(error)
                return
            except SwitchError as error:
                self._log.warning("no heartbeat", problem=str(error))
            else:
                session.lease.until = asked_at + LEASE_SECONDS

    def _renew(self) -> float:
        """Ask, on another socket, whether we still own FreeSWITCH: on this one what came meanwhile comes
        first. Until when that counts. Raises SwitchError."""
        asked_at = time.monotonic()
        self._log.warning("no heartbeat: asking who owns FreeSWITCH", seconds=LEASE_SECONDS)
        self._on_another_socket(lambda session: self._ownership.verify(session.ask))
        return asked_at + LEASE_SECONDS
