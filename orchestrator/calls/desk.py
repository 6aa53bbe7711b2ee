"""What both halves of the REST API's facade stand on."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.calls.announcing import Announcer
from orchestrator.calls.call import Call
from orchestrator.calls.call_recordings import CallRecordings
from orchestrator.calls.outbound import Outbound
from orchestrator.calls.refusal import Refused
from orchestrator.calls.services import Services
from orchestrator.config.applications import Application


class Desk:
    """Every method may raise OutboxError."""

    def __init__(self, services: Services, start: Callable[[Call], None]) -> None:
        """`start` takes a call that was dialled and answered into the house."""
        self._services = services
        self._start = start
        self._rooms = services.rooms
        self._records = services.records
        self._book = services.book
        self._announcer = Announcer(services)
        self._outbound = Outbound(services, start)
        self.ringing = self._outbound.ringing
        self.ring_on = self._outbound.take_up
        self.call_recordings = CallRecordings(services)

    def application(self, account_sid: str, connection_id: str) -> Application:
        """Of this account: the one asked for, or its only one. Raises Refused."""
        own = [one for one in self._services.settings.applications.values() if one.account == account_sid]
        found = [one for one in own if connection_id in (one.connection_id, one.name)]
        if found or (not connection_id and len(own) == 1):
            return (found or own)[0]
        detail = (
            f"There is no application {connection_id}." if connection_id else "Can't be blank: ApplicationSid"
        )
        raise Refused("10004", "Missing required parameter", detail, "/ApplicationSid")
