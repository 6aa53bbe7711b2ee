"""A leg's thread: its dialplan, its queue of commands, the frames (switch_core_session.c, switch_ivr.c)."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple
from uuid import uuid4

from gevent.event import Event

from orchestrator.emulator.causes import cause_name
from orchestrator.emulator.channel import Channel
from orchestrator.emulator.channel_variables import Variables
from orchestrator.emulator.core import FRAME, Core
from orchestrator.emulator.detail_record import closing_variables, rtp_statistics
from orchestrator.emulator.profile import Profile
from orchestrator.emulator.sound import Playing
from orchestrator.logs import get_logger

log = get_logger(__name__)

BREAK_ONE, BREAK_ALL = 1, 2
VARIABLE = re.compile(r"\\?\$\{(\w+)\}")


class Application(NamedTuple):
    """A dialplan application: it runs on the session's thread, and blocks it."""

    run: Callable[[Session, str], None]
    media: bool
    """Pre-answers a call that has no media yet."""


class Session(Channel):
    """Runs one application at a time; what arrives meanwhile is run inside it, as FreeSWITCH's loops do.

    `_run` is its greenlet, where applications block in `wait`; other greenlets only queue commands and `wake`
    it.
    """

    def __init__(self, sessions: Sessions, profile: Profile, variables: Variables, session_id: int) -> None:
        core = sessions.core
        super().__init__(core, profile, variables, session_id)
        self.sessions = sessions
        self.messages: deque[dict[str, str]] = deque()
        self.digits: deque[tuple[str, str]] = deque()  # each with its DTMF-Source
        self.detects_tones = False
        self.breaking = 0
        self.broadcasting = False
        self.stop_broadcast = False
        self.parked = False
        self.controlled = False
        self.last_app = ("", "")
        self.playing: list[Playing] = []
        self.conference_mix: Callable[[], dict[Hashable, Playing]] | None = None
        """The sound from the conference that it is in."""
        self.partner: Session | None = None
        self.eavesdrops: Session | None = None
        self.eavesdroppers: list[Session] = []
        self.script: tuple[tuple[str, str], ...] = ()
        self.transfer: tuple[tuple[str, str], ...] = ()
        """The application to run in place of its bridge; `transfer_now` once that has let go of it."""
        self.transfer_now = Event()
        self.ended = Event()
        self.on_down: list[Callable[[], None]] = []
        self.before_report: list[Callable[[], None]] = []
        """Called by its thread at its end, before the event: recordings are closed."""
        self._attention = Event()
        self._born = core.clock.now()
        self._mute_since = 0.0
        self._mute_seconds = 0.0
        self._depth = 0
        sessions[self.uuid] = self

    # what the thread does

    def start(self, script: tuple[tuple[str, str], ...]) -> None:
        self.script = script
        self.core.spawn(self._run)

    def begin(self) -> None:
        """CS_INIT, with CHANNEL_CREATE, without a thread of its own yet."""
        self.enter("CS_INIT")
        self.fire("CHANNEL_CREATE")
        if not self.inbound:
            self.fire("CHANNEL_ORIGINATE")

    def _run(self) -> None:
        if self.state == "CS_NEW":
            self.begin()
        if self.inbound:
            self.enter("CS_ROUTING")
            self.set("call_uuid", self.uuid)
            self.call_state("RINGING")
        self.follow_script()

    def follow_script(self) -> None:
        """CS_EXECUTE: the extension's applications, then the end of the leg."""
        self.hit_dialplan = True
        self.enter("CS_EXECUTE")
        for app, argument in self.script:
            if self.down:
                break
            self.execute(app, argument)
        self.hangup("NORMAL_CLEARING")
        self.close()

    def receives_media(self, on: bool) -> None:
        """Whether its phone's RTP comes in."""
        now = self.core.clock.now()
        if not on:
            self._mute_since = self._mute_since or now
        elif self._mute_since:
            self._mute_seconds += now - self._mute_since
            self._mute_since = 0.0

    def count_packets(self) -> None:
        """As uuid_set_media_stats."""
        until = self.core.clock.now()
        mute = self._mute_seconds + (until - self._mute_since if self._mute_since else 0.0)
        self.update(rtp_statistics(until - self._born - mute, until - self._born))

    def close(self) -> None:
        """Everything after the last application: report and destroy."""
        self.playing.clear()
        if self.phone:
            self.phone.listen()
        self.state = "CS_HANGUP"
        self.call_state("HANGUP")
        self.profile.times["Hangup"] = self.core.clock.micros()
        self.update(closing_variables(self.profile, self.hangup_cause, *self.last_app))
        for call in self.before_report:
            call()
        self._part()
        if self.media_was_up and self.sip:
            self.count_packets()
        self.state, self.state_number = "CS_REPORTING", 11
        self._report()
        self.fire("CHANNEL_HANGUP_COMPLETE")
        self.state_number = 12
        self.fire("CHANNEL_DESTROY")
        self.sessions.pop(self.uuid, None)
        self.ended.set()

    def close_soon(self) -> None:
        """For a leg without a thread that runs applications: it reports its end by itself."""
        self.core.spawn(self.close)

    def _report(self) -> None:
        """api_reporting_hook, for the one command that the project's dialplan has there."""
        command, _, argument = self.get("api_reporting_hook").partition(" ")
        if command == "global_setvar":
            argument = VARIABLE.sub(lambda found: self.get(found[1]), argument)
            name, _, value = argument.partition("=")
            self.core.globals[name] = value

    @property
    def media_was_up(self) -> bool:
        return self.answered or self.early

    def _part(self) -> None:
        if not self.sip:
            self.set("is_loopback", "1")
        elif not self.hung_up_by_phone:
            way = "send_bye" if self.answered else "send_refuse" if self.inbound else "send_cancel"
            self.set("sip_hangup_disposition", way)
            if self.phone:
                self.phone.left(self.hangup_cause)

    def hangup(self, cause: str) -> None:
        """The leg has ended from this instant; its thread winds up at its next look."""
        if self.down:
            return
        self.hangup_cause = cause
        self.state_number = 10
        if self.partner is not None and not self.partner.down:
            self.partner.set("last_bridge_hangup_cause", cause)
            kind = self.other_leg[0] if self.other_leg else ""
            self.set("last_bridge_role", "originator" if kind == "originatee" else "originatee")
        self.fire("CHANNEL_HANGUP")
        for call in list(self.on_down):
            call()
        self.wake()

    def mark_answered(self) -> None:
        if not (self.down or self.answered):
            super().mark_answered()
            self._execute_on("execute_on_answer")

    def _execute_on(self, prefix: str) -> None:
        """switch_channel_execute_on: every variable whose name begins so."""
        for name, value in list(self.variables.items()):
            if name.startswith(prefix):
                app, _, argument = value.partition(" ")
                self.execute(app, argument)

    # applications

    def execute(self, app: str, argument: str, app_uuid: str = "") -> bool:
        """Run one application to its end. False when it could not be started."""
        if self.down:
            return False
        known = self.sessions.applications.get(app)
        if known is None:
            log.warning("emulator: Invalid Application", uuid=self.uuid, application=app)
            self.hangup("DESTINATION_OUT_OF_ORDER")
            return False
        if known.media and not self.media_up and not self.pre_answer():
            return False
        argument = self.expand(argument)
        self.last_app = (app, argument)
        self.set("current_application_data", argument)
        self.set("current_application", app)
        self.set("current_application_response", None)
        named = [("Application", app), *([("Application-Data", argument)] if argument else [])]
        app_uuid = app_uuid or str(uuid4())
        self.fire("CHANNEL_EXECUTE", [*named, ("Application-UUID", app_uuid)])
        self.breaking = 0
        self.set("current_application_data", argument)
        self.set("current_application", app)
        known.run(self, argument)
        response = self.get("current_application_response") or "_none_"
        ends = [("Application-Response", response), ("Application-UUID", app_uuid)]
        self.fire("CHANNEL_EXECUTE_COMPLETE", [*named, *ends])
        return True

    def expand(self, text: str) -> str:
        """`${name}` becomes the variable, unless that is switched off; `${api(args)}` is noted, never run."""
        if "${" not in text or self.true("app_disable_expand_variables"):
            return text

        def value(match: re.Match[str]) -> str:
            self.core.expanded.append(match[0])
            return self.get(match[1])

        return re.sub(r"\$\{([^}]*)\}", value, text)

    # the queue

    def post(self, message: dict[str, str]) -> None:
        """A `sendmsg` for this leg; keys in lower case."""
        self.messages.append(message)
        self.wake()

    def wake(self) -> None:
        self._attention.set()

    def press(self, digits: str, source: str) -> None:
        self.digits.extend((digit, source) for digit in digits)
        self.wake()

    def run_messages(self) -> None:
        """switch_ivr_parse_all_events: everything queued, until one of them was broken off."""
        if self._depth > 30:  # SWITCH_MAX_STACKS
            return
        self._depth += 1
        while self.messages and not self.down:
            if not self._obey(self.messages.popleft()):
                break
        self._depth -= 1

    def _obey(self, message: dict[str, str]) -> bool:
        command = message.get("call-command", "")
        if command == "hangup":
            self.hangup(cause_name(message.get("hangup-cause", "NORMAL_CLEARING")))
        elif command == "execute" and "execute-app-name" in message:
            self._obey_execute(message)
        return not self.breaking

    def _obey_execute(self, message: dict[str, str]) -> None:
        app = message["execute-app-name"]
        argument = message.get("execute-app-arg", "") or message.get("_body", "")
        loops = int(message.get("loops", "1") or 1)
        self.stop_broadcast = False
        outermost = not self.broadcasting
        self.broadcasting = True
        loop = 0
        while loop < loops or loops < 0:
            began = self.core.clock.now()
            self.set("current_loop", str(loop + 1))
            self.set("total_loops", str(loops))
            done = self.execute(app, argument, message.get("event-uuid", ""))
            loop += 1
            # FreeSWITCH leaves a loop whose round took less than half a second
            if not done or self.down or self.stop_broadcast or self.core.clock.now() - began < 0.5:
                break
        self.set("current_loop", None)
        self.set("total_loops", None)
        if outermost:
            self.broadcasting = False
        if self.stop_broadcast:
            self.broadcasting = False
            self.breaking = BREAK_ONE

    def break_off(self, everything: bool) -> None:
        """`uuid_break <uuid> [all]`: what plays ends; `all` forgets the queue too (mod_commands.c)."""
        if everything:
            self.messages.clear()
        if self.broadcasting:
            self.stop_broadcast = True
            self.breaking = BREAK_ONE
        else:
            self.breaking = BREAK_ALL if everything else BREAK_ONE
        self.wake()

    # waiting

    def wait(self, until: float | None = None) -> None:
        """Until the leg is woken, then to the end of the frame; or until `until` (emulated seconds)."""
        if self.messages and not self.down:
            # a broken application leaves the rest of the queue to the next frame
            self.end_frame()
            return
        limit = None if until is None else max(0.0, self.core.clock.real(until - self.core.clock.now()))
        if limit is not None and limit > 1e9:
            limit = None
        if self._attention.wait(limit):
            self._attention.clear()
            if not self.down:
                self.end_frame()

    def end_frame(self) -> None:
        age = self.core.clock.now() - self._born
        self.core.clock.sleep(FRAME - math.fmod(age, FRAME))

    def next_digit(self) -> str:
        """Take a digit; the DTMF event is sent when somebody takes it, not when it is pressed."""
        digit, source = self.digits.popleft()
        extra = [("DTMF-Digit", digit), ("DTMF-Duration", "2000"), ("DTMF-Source", source)]
        self.fire("DTMF", extra)
        return digit

    # what its phone hears

    def play(self, playing: Playing) -> None:
        self.playing.append(playing)
        if self.phone:
            self.phone.listen()

    def stop_playing(self, playing: Playing) -> None:
        if playing in self.playing:
            self.playing.remove(playing)
        if self.phone:
            self.phone.listen()


class Sessions(dict[str, Session]):
    """All legs of one FreeSWITCH, by their ids, and the applications that they can run."""

    def __init__(self, core: Core, applications: Mapping[str, Application]) -> None:
        super().__init__()
        self.core = core
        self.applications = applications

    def locate(self, uuid: str) -> Session | None:
        """The leg, unless it is hung up: FreeSWITCH does not find such a one either."""
        session = self.get(uuid)
        return session if session is not None and not session.down else None
