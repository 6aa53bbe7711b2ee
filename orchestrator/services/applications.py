"""The application that a request is about."""

from __future__ import annotations

from orchestrator.config.applications import Application
from orchestrator.config.settings import Settings
from orchestrator.rejection import ServiceError


def application_of(settings: Settings, account_sid: str, connection_id: str) -> Application:
    """Of this account: the one asked for, or its only one. Raises ServiceError."""
    own = [one for one in settings.applications.values() if one.account == account_sid]
    found = [one for one in own if connection_id in (one.connection_id, one.name)]
    if found or (not connection_id and len(own) == 1):
        return (found or own)[0]
    detail = (
        f"There is no application {connection_id}." if connection_id else "Can't be blank: ApplicationSid"
    )
    raise ServiceError("10004", "Missing required parameter", detail, "/ApplicationSid")
