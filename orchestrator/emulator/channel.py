"""A channel: one leg's state, variables and profile, and the events about them (switch_channel.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from orchestrator.emulator.channel_variables import (
    Variables,
    ack_variables,
    agreed_variables,
    media_variables,
    rtp_variables,
)
from orchestrator.emulator.core import Core
from orchestrator.emulator.endpoint import Phone
from orchestrator.emulator.events import ARRAY, Headers, Origin
from orchestrator.emulator.profile import Profile

ORIGINS = {
    "CHANNEL_CREATE": Origin("switch_core_state_machine.c", "switch_core_session_run", 626),
    "CHANNEL_PARK": Origin("switch_ivr.c", "switch_ivr_park", 1002),
    "CHANNEL_UNPARK": Origin("switch_ivr.c", "switch_ivr_park", 1205),
    "CHANNEL_ANSWER": Origin("switch_channel.c", "switch_channel_perform_mark_answered", 3846),
    "CHANNEL_PROGRESS": Origin("switch_channel.c", "switch_channel_perform_mark_ring_ready_value", 3505),
    "CHANNEL_PROGRESS_MEDIA": Origin("switch_channel.c", "switch_channel_perform_mark_pre_answered", 3560),
    "CHANNEL_EXECUTE": Origin("switch_core_session.c", "switch_core_session_exec", 2931),
    "CHANNEL_EXECUTE_COMPLETE": Origin("switch_core_session.c", "switch_core_session_exec", 2967),
    "CHANNEL_HANGUP": Origin("switch_channel.c", "switch_channel_perform_hangup", 3445),
    "CHANNEL_HANGUP_COMPLETE": Origin(
        "switch_core_state_machine.c", "switch_core_session_reporting_state", 943
    ),
    "CHANNEL_DESTROY": Origin("switch_core_session.c", "switch_core_session_perform_destroy", 1584),
    "CHANNEL_ORIGINATE": Origin("switch_core_state_machine.c", "switch_core_session_run", 632),
    "CHANNEL_OUTGOING": Origin("switch_core_session.c", "switch_core_session_outgoing_channel", 768),
    "CHANNEL_BRIDGE": Origin("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1689),
    "CHANNEL_UNBRIDGE": Origin("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1879),
    "CHANNEL_STATE": Origin("switch_channel.c", "switch_channel_perform_set_running_state", 2371),
    "CHANNEL_CALLSTATE": Origin("switch_channel.c", "switch_channel_perform_set_callstate", 293),
    "CHANNEL_DATA": Origin("mod_commands.c", "uuid_dump_function", 6468),
    "DTMF": Origin("switch_channel.c", "switch_channel_dequeue_dtmf", 677),
    "PLAYBACK_START": Origin("switch_ivr_play_say.c", "switch_ivr_play_file", 1607),
    "PLAYBACK_STOP": Origin("switch_ivr_play_say.c", "switch_ivr_play_file", 2018),
    "RECORD_START": Origin("switch_ivr_play_say.c", "switch_ivr_record_file", 715),
    "RECORD_STOP": Origin("switch_ivr_play_say.c", "switch_ivr_record_file", 1010),
}

_STATES = {
    "CS_NEW": 0, "CS_INIT": 2, "CS_ROUTING": 3, "CS_EXECUTE": 4, "CS_SOFT_EXECUTE": 4, "CS_PARK": 6,
    "CS_CONSUME_MEDIA": 7, "CS_EXCHANGE_MEDIA": 5, "CS_HANGUP": 10, "CS_REPORTING": 11, "CS_DESTROY": 12,
}  # fmt: skip

PCMU = ("PCMU", "8000", "64000")
L16 = ("L16", "8000", "128000")


class Channel:
    """State and events of one leg. Times in µs of the emulated clock.

    Used on its session's greenlet, and by commands on a socket's; changing state does not yield.
    """

    # switch_channel_event_set_extended_data: every other event carries no variables
    WITH_VARIABLES: ClassVar[frozenset[str]] = frozenset(ORIGINS) - {
        "DTMF",
        "CHANNEL_STATE",
        "CHANNEL_CALLSTATE",
        "CHANNEL_OUTGOING",
    }

    def __init__(self, core: Core, profile: Profile, variables: Variables, session_id: int) -> None:
        self.core = core
        self.profile = profile
        self.variables = variables
        self.session_id = session_id
        self.uuid = profile.uuid
        self.phone: Phone | None = None
        self.state = "CS_NEW"
        self.state_number = 0
        self.callstate = "DOWN"
        self.answered = False
        self.early = False
        self.hangup_cause = ""
        self.hit_dialplan = profile.direction == "inbound"
        self.read_codec: tuple[str, str, str] | None = PCMU if profile.direction == "inbound" else None
        self.write_codec = self.read_codec
        self.other_leg: tuple[str, Profile] | None = None  # ("originator" or "originatee", its profile)
        self.hung_up_by_phone = False
        self.sip = True
        self.on_answering: Callable[[], object] | None = None  # before its event
        self.on_answer: Callable[[], object] | None = None  # after

    @property
    def down(self) -> bool:
        return bool(self.hangup_cause)

    @property
    def inbound(self) -> bool:
        return self.profile.direction == "inbound"

    @property
    def media_up(self) -> bool:
        return (self.early or self.answered) and not self.down

    def set(self, name: str, value: str | None) -> None:
        """A set variable moves to the end of the list, an empty value removes it, as in switch_event.c."""
        self.variables.pop(name, None)
        if value:
            self.variables[name] = value

    def push(self, name: str, value: str) -> None:
        """Add to a variable that may hold several values: JSON shows those as a list."""
        if earlier := self.variables.get(name):
            value = f"{ARRAY}{earlier.removeprefix(ARRAY)}|:{value}"
        self.set(name, value)

    def update(self, values: Variables) -> None:
        for name, value in values.items():
            self.set(name, value)

    def get(self, name: str, default: str = "") -> str:
        return self.variables.get(name, default)

    def true(self, name: str) -> bool:
        return self.get(name).lower() in {"yes", "on", "true", "t", "enabled", "active", "allow", "1"}

    def false(self, name: str) -> bool:
        return self.get(name).lower() in {"no", "off", "false", "f", "disabled", "inactive", "disallow", "0"}

    def enter(self, state: str) -> None:
        self.state = state
        if not self.down:
            self.state_number = _STATES[state]

    @property
    def answer_state(self) -> str:
        if self.down:
            return "hangup"
        return "answered" if self.answered else "early" if self.early else "ringing"

    def basic_data(self) -> Headers:
        headers: Headers = [
            ("Channel-State", self.state),
            ("Channel-Call-State", self.callstate),
            ("Channel-State-Number", str(self.state_number)),
            ("Channel-Name", self.profile.channel_name),
            ("Unique-ID", self.uuid),
            ("Call-Direction", self.profile.direction),
            ("Presence-Call-Direction", self.profile.direction),
            ("Channel-HIT-Dialplan", "true" if self.hit_dialplan else "false"),
            ("Channel-Call-UUID", self.variables.get("call_uuid", self.uuid)),
            ("Answer-State", self.answer_state),
        ]
        if self.hangup_cause:
            headers.append(("Hangup-Cause", self.hangup_cause))
        for side, codec in (("Read", self.read_codec), ("Write", self.write_codec)):
            if codec:
                name, rate, bits = codec
                headers += [
                    (f"Channel-{side}-Codec-Name", name),
                    (f"Channel-{side}-Codec-Rate", rate),
                    (f"Channel-{side}-Codec-Bit-Rate", bits),
                ]
        headers += self.profile.headers()
        if self.other_leg:
            kind, profile = self.other_leg
            other = profile.headers("Other-Leg")
            headers += [
                ("Other-Type", kind),
                *(pair for pair in other if pair[0] != "Other-Leg-Profile-Index"),
            ]
        return headers

    def all_data(self) -> Headers:
        return self.basic_data() + [(f"variable_{name}", value) for name, value in self.variables.items()]

    def fire(self, event: str, extra: Headers | None = None, first: Headers | None = None) -> None:
        data = self.all_data if event in self.WITH_VARIABLES else self.basic_data
        # switch_core_session_reporting_state puts the cause before everything else
        if event == "CHANNEL_HANGUP_COMPLETE":
            first = [("Hangup-Cause", self.hangup_cause)]
        self.core.bus.fire(event, lambda: (first or []) + data() + (extra or []), ORIGINS[event])

    def call_state(self, name: str) -> None:
        self.callstate = name

    def ring_ready(self) -> None:
        """180: an inbound leg sends it to its caller, an outbound one got it from the phone."""
        if self.down or self.early or self.answered or "Progress" in self.profile.times:
            return
        self.profile.times["Progress"] = self.core.clock.micros()
        self.fire("CHANNEL_PROGRESS")
        self.call_state("RINGING")
        if self.inbound and self.phone:
            self.phone.on_status(180)

    def pre_answer(self) -> bool:
        """183 with media; false when the leg is gone."""
        if self.down:
            return False
        if not self.media_up:
            if self.inbound and self.sip:
                self.update(media_variables(self.variables, self.session_id))
            self.early = True
            self.set("endpoint_disposition", "EARLY MEDIA")
            self.profile.times["Progress-Media"] = self.core.clock.micros()
            self.fire("CHANNEL_PROGRESS_MEDIA")
            self.call_state("EARLY")
            if self.inbound and self.phone:
                self.phone.on_status(183)
        return True

    def answer(self) -> bool:
        """200 to an inbound caller; false when the leg is gone."""
        if self.down:
            return False
        if self.answered or not self.inbound:
            return True
        if self.early:
            self.set("rtp_local_sdp_str", self.get("rtp_local_sdp_str"))
        elif self.sip:
            self.update(media_variables(self.variables, self.session_id))
        self.mark_answered()
        if not self.sip:
            return True
        if self.phone:
            self.phone.on_status(200)
        self.core.later(0.004, self._acknowledged)
        self.core.later(0.03, self._first_packet)
        return True

    def mark_answered(self) -> None:
        if self.down or self.answered:
            return
        if self.on_answering:
            self.on_answering()
        self.profile.times["Answered"] = self.core.clock.micros()
        self.answered = True
        self.fire("CHANNEL_ANSWER")
        self.set("endpoint_disposition", "ANSWER")
        self.call_state("ACTIVE")
        if self.on_answer:
            self.on_answer()

    def _acknowledged(self) -> None:
        if not self.down:
            self.update(ack_variables(self.variables))

    def _first_packet(self) -> None:
        if not self.down:
            self.update(rtp_variables(self.variables))

    def agree(self) -> None:
        """The called phone took a codec."""
        if not self.inbound and self.read_codec is None:
            self.read_codec = self.write_codec = PCMU
            self.update(agreed_variables(self.variables, self.session_id))

    def use_read_codec(self, codec: tuple[str, str, str]) -> None:
        self.read_codec = codec
        self.update({"read_codec": codec[0], "read_rate": codec[1]})
