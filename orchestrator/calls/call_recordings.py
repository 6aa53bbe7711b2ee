"""Recordings of calls that the API begins, pauses and ends, whatever the call does meanwhile (6.5)."""

from __future__ import annotations

from orchestrator.calls.call import Call
from orchestrator.calls.clock import now
from orchestrator.calls.recording import Recording, Source
from orchestrator.calls.refusal import NotFound, Refused
from orchestrator.calls.services import Services
from orchestrator.calls.sids import new_sid
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.legs import Leg
from orchestrator.logs import get_logger
from orchestrator.texml import Dial

log = get_logger(__name__)

BEEP = "tone_stream://%(200,0,1000)"


class CallRecordings:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: dict[str, Recording] = {}
        self._paused: set[str] = set()

    def start(self, call: Call, terms: Dial, source: Source, *, beep: bool = False) -> str:
        """The recording's sid. `terms` has the recording attributes of a Dial. Raises Refused."""
        recording = Recording(call, new_sid(), terms, source)
        stereo = str(terms.recording_channels == "dual").lower()
        self._order(commands.setvar(call.leg.uuid, "RECORD_STEREO", stereo))
        self._order(self._command(call.leg, "start", recording))
        recording.started()
        self._running[recording.sid] = recording
        call.leg.on_hangup.append(lambda leg: self._hung_up(recording))
        if beep:
            call.leg.start("playback", BEEP)
        log.info("recording begun through the API", call=call.sid, recording=recording.sid)
        return recording.sid

    def change(self, call_sid: str, sid: str, status: str) -> str:
        """`in-progress`, `paused` or `stopped`; what it is then. Raises NotFound, Refused."""
        recording = self._running.get(sid)
        if recording is None or recording.call.sid != call_sid:
            raise NotFound
        leg = recording.call.leg
        if status == "stopped":
            del self._running[sid]
            self._paused.discard(sid)
            self._order(self._command(leg, "stop", recording))
            recording.finish_aside()
        elif (status == "paused") is not (sid in self._paused):
            # As at Twilio, silence is written meanwhile.
            self._order(self._command(leg, "mask" if status == "paused" else "unmask", recording))
            (self._paused.add if status == "paused" else self._paused.discard)(sid)
            recording.write_down("paused" if status == "paused" else "in-progress", now())
        return status

    def _hung_up(self, recording: Recording) -> None:
        self._paused.discard(recording.sid)
        if self._running.pop(recording.sid, None) is not None:
            recording.end_with_the_leg(lambda: None)

    def _command(self, leg: Leg, action: str, recording: Recording) -> str:
        return commands.api("uuid_record", leg.uuid, action, str(recording.path_there))

    def _order(self, command: str) -> None:
        try:
            self._services.connection.send(command).raise_for_error()
        except SwitchError as error:
            detail = f"FreeSWITCH did not do it: {error}"
            raise Refused("90018", "Call cannot be recorded", detail) from None
