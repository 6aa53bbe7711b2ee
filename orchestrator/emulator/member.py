"""A leg's membership in a conference: its flags, whether it talks, what it hears (conference_loop.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.emulator.conference_event import ConferenceEvents
from orchestrator.emulator.conference_playback import Player
from orchestrator.emulator.core import FRAME
from orchestrator.emulator.events import Headers
from orchestrator.emulator.session import Session
from orchestrator.emulator.sound import Playing

if TYPE_CHECKING:
    from orchestrator.emulator.core import Task

HANGOVER = 40 * FRAME  # seconds of silence after which somebody has stopped talking
ENERGY = 949  # what a sounding phone scores


class Member:
    """`flags` are conference_member_flags: mute, deaf, moderator, endconf, nomoh, mute-detect …

    Called by its session's greenlet, its conference's, and API commands; nothing here waits.
    """

    def __init__(
        self,
        conference: ConferenceEvents,
        session: Session,
        flags: set[str],
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called when its voice begins or ends, or it may be heard again or no longer."""
        self.conference = conference
        self.session = session
        self._changed = changed
        self.id = int(session.get("conference_member_id", "0"))
        self.can_hear = "deaf" not in flags
        self.can_speak = "mute" not in flags
        self.mute_detect = "mute-detect" in flags
        self.moderator = "moderator" in flags
        self.endconf = "endconf" in flags
        self.nomoh = "nomoh" in flags
        self.dist_dtmf = "dist-dtmf" in flags
        self.hold = False
        self.talking = False
        self.running = True
        self.kicked = False
        self.in_mix = False
        self.has_floor = False
        self.relations: dict[int, tuple[bool, bool]] = {}  # id -> may speak to it, may hear it
        self.join_time = int(session.core.clock.now())
        self.last_talking = 0
        self.talk_began = 0.0
        self.energy = conference.profile.energy_level
        self.files = Player(session.core, self.listen, self._file_done)
        self._talk: Task | None = None

    # events

    def member_data(self) -> Headers:
        """conference_member_add_event_data after the conference's own headers."""
        return [
            ("Floor", _bool(self.has_floor)),
            *self.session.basic_data(),
            ("Video", "false"),
            ("Hear", _bool(self.can_hear)),
            ("See", "true"),
            ("Speak", _bool(self.can_speak)),
            ("Talking", _bool(self.talking)),
            ("Mute-Detect", _bool(self.mute_detect)),
            ("Hold", _bool(self.hold)),
            ("Member-ID", str(self.id)),
            ("Member-Type", "moderator" if self.moderator else "member"),
            ("Member-Ghost", "false"),
            ("Energy-Level", str(self.energy)),
            ("Current-Energy", str(ENERGY if self.audible else 0)),
        ]

    def fire(self, action: str, extra: Headers | None = None, before: Headers | None = None) -> None:
        self.conference.emit(
            action,
            lambda: [
                *self.conference.data(),
                *self.member_data(),
                *(before or []),
                ("Action", action),
                *(extra or []),
            ],
        )

    # speaking

    @property
    def voice(self) -> float | None:
        """The tone its phone sends into the mix."""
        phone = self.session.phone
        if phone is None or not self.can_speak or self.hold or not self.running or self.session.playing:
            return None
        return phone.speaking

    @property
    def audible(self) -> bool:
        return self.voice is not None

    def join_mix(self) -> None:
        self.in_mix = True
        if phone := self.session.phone:
            phone.on_voice = self.voice_changed
        self.voice_changed()

    def leave_mix(self) -> None:
        self.in_mix = False
        self.has_floor = False
        if phone := self.session.phone:
            phone.on_voice = None
        self._forget_talk()
        self.files.close()
        self._changed()

    def stop(self) -> None:
        """It leaves at its next frame."""
        self.running = False
        self.session.wake()

    def _forget_talk(self) -> None:
        if self._talk is not None:
            self._talk.kill(block=False)
            self._talk = None

    def voice_changed(self) -> None:
        """Its phone spoke up or fell silent, or it was muted, held …"""
        if not self.in_mix:
            return
        self._forget_talk()
        if not self.can_speak or self.hold:
            self.talking = False
        elif self.audible and not self.talking:
            self._talk = self.session.core.later(2 * FRAME, self._start_talking)
        elif self.talking and not self.audible:
            self._talk = self.session.core.later(HANGOVER, self._stop_talking)
        self._changed()

    def _start_talking(self) -> None:
        self._talk = None
        if self.running and self.audible:
            self.talking = True
            self.last_talking = int(self.session.core.clock.now())
            self.talk_began = self.session.core.clock.now()
            self.fire("start-talking")

    def _stop_talking(self) -> None:
        self._talk = None
        if not self.running:
            return
        self.talking = False
        self.last_talking = int(self.session.core.clock.now())
        packets = max(41, int((self.session.core.clock.now() - self.talk_began) / FRAME))
        gates = packets - 40
        percent = 100 * gates / packets
        self.fire(
            "stop-talking",
            before=[
                ("talking-gate-hits", str(gates)),
                ("talking-total-packets", str(packets)),
                ("talking-duration-ms", str(packets * 20)),
                ("talking-average-energy", f"{ENERGY:f}"),
                ("talking-delta-average", f"{1:f}"),
                ("talking-hit-on-percent", f"{percent:f}"),
                ("talking-non-hit-ratio", f"{4000 / gates:f}"),
                ("talking-hit-off-percent", f"{100 - percent:f}"),
                ("talking-hit-off-differential", f"{2 * percent - 100:f}"),
            ],
        )

    # hearing

    def hears_member(self, other: Member) -> bool:
        if not self.can_hear:
            return False
        may_speak = all(self._relation(other, number)[0] for number in (self.id, 0))
        may_hear = all(self._relation(self, number)[1] for number in (other.id, 0))
        return may_speak and may_hear

    @staticmethod
    def _relation(member: Member, number: int) -> tuple[bool, bool]:
        return member.relations.get(number, (True, True))

    def listen(self) -> None:
        if self.session.phone:
            self.session.phone.listen()

    # its own sounds

    def _file_done(self, playing: Playing, seconds: float) -> None:
        self.listen()
        self.conference.fire_done("play-file-member-done", playing, seconds, member=self.member_data)


def _bool(value: bool) -> str:
    return "true" if value else "false"
