"""One recording of a call: the orders to its leg, and what the leg says of it.

It is begun and ended by applications that the leg runs itself, in its own queue. `uuid_record start` runs in
the event socket's thread instead: where the leg hangs up at that moment, FreeSWITCH attaches the recording to
a leg that has let go of all its recordings already, and neither the leg nor the recording's thread ever ends
(switch_core_media_bug.c, switch_core_media_bug_add; signalwire/freeswitch#1673).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import gevent
from gevent.event import Event as Flag

from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import LegGone, SwitchError, Unreachable
from orchestrator.esl.events import Event
from orchestrator.esl.execution import Execution
from orchestrator.esl.leg import Leg
from orchestrator.esl.legs import Legs
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.model import RecordedCall, RecordingState
from orchestrator.recordings.pauses import PauseBehavior
from orchestrator.recordings.recording import Recording, RecordingContext
from orchestrator.types import Fields

# From CHANNEL_HANGUP until FreeSWITCH has closed the file and let go of the leg.
CLOSING_SECONDS = 10.0
# uuid_record's words for each way to pause.
PAUSE: Final[dict[PauseBehavior, str]] = {"silence": "mask", "skip": "pause"}
RESUME: Final[dict[PauseBehavior, str]] = {"silence": "unmask", "skip": "resume"}
LEG_IS_GONE = ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")


@dataclass(frozen=True)
class CallRecorder:
    """The parts that recordings of calls use, and the open recordings."""

    connection: Connection
    legs: Legs
    context: RecordingContext
    open: dict[str, CallRecording] = field(default_factory=dict)
    """By sid: those that are neither completed nor absent yet."""

    @property
    def files(self) -> RecordingFiles:
        return self.context.files


class CallRecording(Recording):
    """One recording of one call. A verb, or the API's request through `on_demand`, begins and ends it on its
    own greenlet; events come on the socket's reader, which must not block.
    """

    def __init__(self, recorder: CallRecorder, call: RecordedCall, state: RecordingState) -> None:
        """From here on it is among `recorder.open`, until it has ended."""
        super().__init__(recorder.context, call, state, self._forget_leg)
        self.failed = False
        """FreeSWITCH never will write it."""
        self._recorder = recorder
        self._leg_over = Flag()
        self._unanswered = False
        self._end_pending = False
        if not state.ended:
            recorder.open[state.sid] = self
            # From the start: one read of the socket can bring the hangup and the leg's end.
            recorder.legs.watch(call.leg, self._on_event)

    @property
    def freeswitch_path(self) -> Path:
        """As FreeSWITCH sees it; always WAV, for mod_shout may be missing."""
        return self._recorder.files.freeswitch_directory(self._recorder.files.path(self.sid))

    def fields(self) -> Fields:
        """For a verb's action."""
        if not self.seconds:
            return ()
        return (
            ("RecordingDuration", str(round(self.seconds))),
            ("RecordingSid", self.sid),
            ("RecordingUrl", self.url),
        )

    # The beginning

    def start(self, leg: Leg, *, refusable: bool = False) -> None:
        """On the leg itself, in its turn; `keep` it before. `begun` and `failed` have the result.

        `refusable`: the request waits for the result, and then calls `accept` or `forget`.
        """
        state = self.state
        self._unanswered = refusable
        leg.set(
            RECORD_STEREO=str(state.channels == "dual").lower(),
            RECORD_BRIDGE_REQ=str(state.from_answer).lower(),
            # Of the leg: it reads what the caller says, and writes what the caller hears.
            RECORD_READ_ONLY=str(state.track == "inbound").lower(),
            RECORD_WRITE_ONLY=str(state.track == "outbound").lower(),
        )
        path = str(self.freeswitch_path)
        running = leg.start("record_session", f"{path} +{state.longest}" if state.longest else path)
        gevent.spawn(self._follow_start, running)

    def _follow_start(self, running: Execution) -> None:
        """RECORD_START comes before the application is through; without it there is no file."""
        try:
            running.wait(None)
        except Unreachable:
            # Perhaps it was begun: that is looked up when FreeSWITCH is back.
            return
        except LegGone:
            # The leg's end is on its way; or the leg was gone before it was watched.
            self._leg_over.wait(CLOSING_SECONDS)
        except SwitchError as error:
            self.log.error("not recorded", problem=str(error))
        if self.begun.is_set() and not self.failed:
            return
        self.failed = True
        self.begun.set()
        self.end()

    def accept(self) -> None:
        """Listed and fetched from now on, whether it has begun or not; and it comes to an end."""
        self._unanswered, self._listed = False, True
        self._commit()
        if self._end_pending:
            self.end()

    # In between

    def pause(self, behavior: PauseBehavior) -> None:
        """Raises SwitchError where FreeSWITCH does not do it.

        From outside of the leg: it sets a flag of the recording, in memory that lives as long as the leg,
        and waits for nothing that the leg does (switch_ivr_async.c, switch_ivr_record_session_mask).
        """
        before = self.state.paused_by if self.state.status == "paused" else None
        if before == behavior:
            return
        self._order(PAUSE[behavior])
        if before is not None:
            # After the other: nothing of the pause gets into the recording in between.
            self._order(RESUME[before])
        self.change(status="paused", paused_by=behavior)

    def resume(self) -> None:
        """Raises SwitchError where FreeSWITCH does not do it."""
        self._order(RESUME[self.state.paused_by])
        self.change(status="in-progress")

    def _order(self, action: str) -> None:
        command = commands.api("uuid_record", self.call.leg, action, str(self.freeswitch_path))
        self._recorder.connection.send(command).raise_for_error()

    def stop(self) -> None:
        """Ordered; FreeSWITCH closes the file in a moment. Does not block."""
        if self.ending or self.state.status == "stopped":
            return
        self.change(status="stopped")
        self.order_stop()

    def order_stop(self) -> None:
        leg = self._recorder.legs.get(self.call.leg)
        if leg is None or leg.gone:
            # Its end is the recording's.
            return
        if self.state.source == "RecordVerb":
            leg.break_()
        else:
            gevent.spawn(self._follow_stop, leg.start("stop_record_session", str(self.freeswitch_path)))

    def _follow_stop(self, running: Execution) -> None:
        try:
            running.wait(None)
        except SwitchError:
            # The leg's end is the recording's; or it is looked up when FreeSWITCH is back.
            return
        self.end()

    # The end

    def end(self) -> None:
        if self._unanswered:
            self._end_pending = True
        else:
            super().end()

    def _on_event(self, event: Event) -> None:
        match event.name:
            case "RECORD_START" if self._is_mine(event):
                if self.state.from_answer:
                    self.begun.set()
                else:
                    self.started(event.timestamp)
            case "RECORD_STOP" if self._is_mine(event):
                self.end()
            case name if name in LEG_IS_GONE:
                self._leg_over.set()
                self.failed = self.failed or not self.begun.is_set()
                self.begun.set()
                self.end()

    def _is_mine(self, event: Event) -> bool:
        return event.header("Record-File-Path") == str(self.freeswitch_path)

    def _forget_leg(self) -> None:
        self._recorder.open.pop(self.sid, None)
        self._recorder.legs.unwatch(self.call.leg, self._on_event)
