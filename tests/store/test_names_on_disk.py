"""Under which names things are kept: the next version looks for them under the same names.

A name that changes loses what an earlier version has kept. It needs a new SCHEMA_VERSION.
"""

from __future__ import annotations

from orchestrator.calls import stored_call
from orchestrator.conference.live import manager, participant_leg
from orchestrator.from_settings import RECORDING_URL_KEY
from orchestrator.recordings import model


def test_the_kinds_of_stored_state() -> None:
    assert (stored_call.CALL, stored_call.DOCUMENT) == ("call", "document")
    assert (stored_call.WAIT, stored_call.WAIT_DOCUMENT) == ("wait", "wait document")
    assert (manager.ROOM, manager.PARTICIPANT, participant_leg.OUTCOME) == ("room", "participant", "outcome")
    assert (model.CALL_RECORDING, model.CONFERENCE_RECORDING) == ("call recording", "recording")


def test_addresses_of_recordings_that_were_signed_before_are_good() -> None:
    assert RECORDING_URL_KEY == "recording url key"
