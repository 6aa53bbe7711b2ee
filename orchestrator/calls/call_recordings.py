"""Recordings of calls that the API begins, pauses and ends, whatever the call does meanwhile (6.5)."""

from __future__ import annotations

from orchestrator.calls.call import Call
from orchestrator.calls.recording import Recording, Turn
from orchestrator.calls.refusal import NotFound, Refused
from orchestrator.calls.services import Services
from orchestrator.calls.tape import Tape
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.legs import Leg
from orchestrator.logs import get_logger

log = get_logger(__name__)

# Of the leg: it reads what the caller says, and writes what the caller hears.
ONE_WAY = {"inbound": "RECORD_READ_ONLY", "outbound": "RECORD_WRITE_ONLY"}
BEEP = "tone_stream://%(200,0,1000)"


class CallRecordings:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: dict[str, Recording] = {}

    def start(self, call: Call, tape: Tape, *, beep: bool = False) -> None:
        """Raises Refused."""
        recording = Recording(call, tape, call.note_tape)
        stereo = str(tape.channels == "dual").lower()
        self._order(commands.setvar(call.leg.uuid, "RECORD_STEREO", stereo))
        one_way = ONE_WAY.get(tape.track)
        if one_way is not None:
            self._order(commands.setvar(call.leg.uuid, one_way, "true"))
        try:
            self._order(self._command(call.leg, "start", recording))
        finally:
            # Later recordings of this leg are not meant.
            if one_way is not None:
                self._services.connection.post(commands.setvar(call.leg.uuid, one_way, ""))
        recording.started()
        self._follow(recording)
        if beep:
            call.leg.start("playback", BEEP)
        log.info("recording begun through the API", call=call.sid, recording=tape.sid)

    def take_up(self, call: Call) -> None:
        """Those that the last run of ours began: FreeSWITCH has gone on with them."""
        for tape in call.kept.tapes:
            recording = Recording(call, tape, call.note_tape)
            if tape.status == "stopped":
                recording.finish_aside()
            else:
                self._follow(recording)

    def change(self, call_sid: str, sid: str, status: Turn) -> None:
        """Raises NotFound, Refused."""
        recording = self._running.get(sid)
        if recording is None or recording.call.sid != call_sid:
            raise NotFound
        if status == recording.tape.status:
            return
        # As at Twilio, silence is written while it is paused.
        action = {"stopped": "stop", "paused": "mask", "in-progress": "unmask"}[status]
        self._order(self._command(recording.call.leg, action, recording))
        if status != "stopped":
            recording.turn(status)
        elif self._running.pop(sid, None) is not None:
            recording.turn(status)
            recording.finish_aside()

    def _follow(self, recording: Recording) -> None:
        self._running[recording.sid] = recording
        recording.call.leg.on_hangup.append(lambda leg: self._hung_up(recording))

    def _hung_up(self, recording: Recording) -> None:
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
