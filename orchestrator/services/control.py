"""What the REST API asks of calls and rooms: each question with the account that asks.

What is another account's is not there (`NotFound`); what cannot be done is `Refused`, in Telnyx's words.
"""

from __future__ import annotations

from orchestrator.services.calls import CallService, CallUpdate
from orchestrator.services.conferences import ConferenceService, ParticipantToDial, ParticipantUpdate
from orchestrator.services.recordings import RecordingService

__all__ = ["ApiServices", "CallUpdate", "ParticipantToDial", "ParticipantUpdate"]


class ApiServices(ConferenceService, CallService, RecordingService):
    """Every method may raise OutboxError."""
