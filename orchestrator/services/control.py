"""What the REST API asks of calls and rooms: each question with the account that asks.

What is another account's is not there (`NotFound`); what cannot be done is `Refused`, in Telnyx's words.
"""

from __future__ import annotations

from orchestrator.services.calls import CallChanges, CallControl
from orchestrator.services.conferences import Changes, Guest, RoomControl
from orchestrator.services.recordings import RecordingControl

__all__ = ["CallChanges", "Changes", "Control", "Guest"]


class Control(RoomControl, CallControl, RecordingControl):
    """Every method may raise OutboxError."""
