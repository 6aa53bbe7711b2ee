"""What both halves of the REST API's facade stand on."""

from __future__ import annotations

from orchestrator.calls.context import CallContext
from orchestrator.calls.outbound import Outbound
from orchestrator.calls.registry import CallRegistry
from orchestrator.config.applications import Application
from orchestrator.lifecycle import Part
from orchestrator.recordings.on_demand import CallRecordings
from orchestrator.rejection import ServiceError
from orchestrator.verbs.announcements import AnnouncementPlayer


class ApiService(Part):
    """Every method may raise OutboxError."""

    def __init__(
        self,
        services: CallContext,
        calls: CallRegistry,
        outbound: Outbound,
        announcement_player: AnnouncementPlayer,
        call_recordings: CallRecordings,
    ) -> None:
        self._services = services
        self._calls = calls
        self._rooms = services.rooms
        self._records = services.records
        self._call_records = services.call_records
        self._announcement_player = announcement_player
        self._outbound = outbound
        self.call_recordings = call_recordings

    def application(self, account_sid: str, connection_id: str) -> Application:
        """Of this account: the one asked for, or its only one. Raises ServiceError."""
        own = [one for one in self._services.settings.applications.values() if one.account == account_sid]
        found = [one for one in own if connection_id in (one.connection_id, one.name)]
        if found or (not connection_id and len(own) == 1):
            return (found or own)[0]
        detail = (
            f"There is no application {connection_id}." if connection_id else "Can't be blank: ApplicationSid"
        )
        raise ServiceError("10004", "Missing required parameter", detail, "/ApplicationSid")
