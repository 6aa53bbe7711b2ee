"""A conference: its members, its floor, its sounds, its end (mod_conference.c, conference_member.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from gevent.event import Event

from orchestrator.emulator.conference_playback import Player
from orchestrator.emulator.conference_profile import ACTION_ORIGINS, EVENT_WORDS, ConferenceProfile
from orchestrator.emulator.core import FRAME, Core
from orchestrator.emulator.events import MAINTENANCE, Headers
from orchestrator.emulator.heard_audio import Playing
from orchestrator.emulator.sound import SoundNotFound, open_sound

if TYPE_CHECKING:
    from orchestrator.emulator.member import Member
    from orchestrator.emulator.recording import Recording


class Conference:
    """Exists from its first member to its last, then sends conference-destroy.

    Members' sessions and API commands call it; its own greenlet plays and measures, and is woken by `wake`.
    """

    def __init__(self, core: Core, name: str, profile_name: str, profile: ConferenceProfile) -> None:
        self.core = core
        self.name = name
        self.profile_name = profile_name
        self.profile = profile
        self.uuid = str(uuid4())
        self.variables: dict[str, str] = {}
        self.members: list[Member] = []  # the newest first, as FreeSWITCH keeps them
        self.recordings: list[Recording] = []
        self.floor_holder: Member | None = None
        self.max_members = profile.max_members
        self.moh_sound = profile.moh_sound
        self.auto_record = ""
        self.record_filename = ""
        self.record_count = 0
        self.locked = False
        self.wait_mod = False
        self.enforce_min = False
        self.destruct = False
        self.running = True
        self.readers = 0  # legs and recordings that hold the conference's read lock
        self.run_time = int(core.clock.now())
        self.files = Player(core, self._file_started, self._file_done)
        self.moh = Player(core, self._moh_started, self._moh_done)
        self._attention = Event()
        self._born = core.clock.now()
        core.conferences[name] = self
        self.fire("conference-create")
        core.spawn(self._run)

    @property
    def count(self) -> int:
        return len(self.members)

    # events

    def data(self) -> Headers:
        return [
            ("Conference-Name", self.name),
            ("Conference-Domain", "cluecon.com"),
            ("Conference-Size", str(self.count)),
            ("Conference-Ghosts", "0"),
            ("Conference-Profile-Name", self.profile_name),
            ("Conference-Unique-ID", self.uuid),
            *self.variables.items(),
        ]

    def fire(self, action: str, extra: Headers | None = None) -> None:
        """An event of the conference as a whole: Action and what belongs to it come last."""
        self.emit(action, lambda: [*self.data(), ("Action", action), *(extra or [])])

    def emit(self, action: str, headers: Callable[[], Headers]) -> None:
        if EVENT_WORDS.get(action, action) not in self.profile.suppress:
            self.core.bus.fire("CUSTOM", headers, ACTION_ORIGINS[action], subclass=MAINTENANCE)

    # its own thread

    def wake(self) -> None:
        self._attention.set()

    def _end_frame(self) -> None:
        age = (self.core.clock.now() - self._born) % FRAME
        self.core.clock.sleep(FRAME - age)

    def _run(self) -> None:
        while not self.destruct:
            self._attention.wait()
            self._attention.clear()
            self._end_frame()
            self._give_floor()
            self._music()
            self._auto_record()
        self._destroy()

    def _give_floor(self) -> None:
        for member in self.members:
            if not member.running or self.destruct:
                continue
            holder = self.floor_holder
            if holder is None or (member is not holder and member.audible and not holder.audible):
                self.set_floor(member)

    def set_floor(self, member: Member | None) -> None:
        if self.floor_holder is member:
            return
        old, self.floor_holder = self.floor_holder, member
        # a holder that has left the list already is reported as none
        old_id = str(old.id) if old is not None and old in self.members else "none"

        def headers() -> Headers:
            participant_leg = member.member_data() if member else []
            new_id = str(member.id) if member else "none"
            return [
                *self.data(),
                ("Action", "floor-change"),
                ("Old-ID", old_id),
                *participant_leg,
                ("New-ID", new_id),
            ]

        self.emit("floor-change", headers)

    def _music(self) -> None:
        lone = self.count == 1 and not any(member.nomoh for member in self.members)
        if self.moh_sound and (lone or self.wait_mod) and self.files.current is None:
            if self.moh.current is None:
                try:
                    self.moh.queue(self.moh_sound, open_sound(self.moh_sound))
                except SoundNotFound:
                    self.moh_sound = ""
        elif self.moh.current is not None and self.moh.current.name == self.moh_sound:
            self.moh.stop()

    def _auto_record(self) -> None:
        if self.auto_record and self.count and not self.recordings:
            from orchestrator.emulator.recording import Recording

            path, self.auto_record = self.auto_record, ""
            self.record_filename = path
            Recording(self, path)
            for member in self.members:
                member.session.set("conference_recording", path)

    def _destroy(self) -> None:
        if self.core.conferences.get(self.name) is self:
            del self.core.conferences[self.name]
        self.core.ending.append(self)
        self.files.close()
        self.moh.close()
        for member in self.members:
            if not member.session.false("hangup_after_conference"):
                member.session.hangup("NORMAL_CLEARING")
            member.stop()
        self.running = False
        for recording in list(self.recordings):
            recording.stop()
        while self.readers:
            self._attention.wait()
            self._attention.clear()
        self.core.ending.remove(self)
        self.fire("conference-destroy")

    # members

    def find(self, which: str) -> Member | None:
        """By number, or `last`."""
        if which == "last":
            latest = max(self.members, key=lambda member: member.id, default=None)
            recorder = max((recording.id for recording in self.recordings), default=0)
            # a recording is a member too, though one to which nothing can be done
            return latest if latest is not None and latest.id > recorder else None
        return next((member for member in self.members if str(member.id) == which), None)

    def release(self) -> None:
        """A leg or recording lets go of the conference."""
        self.readers -= 1
        self.wake()

    # sounds

    def play(self, name: str, *, asynchronous: bool = False) -> bool:
        """For all; false when there is no such sound (the event that says so is sent).

        An asynchronous one replaces the one before it, and sounds beside the others.
        """
        try:
            sound = open_sound(name)
        except SoundNotFound:
            error = ("Error", "File could not be played")
            self.fire("play-file", [("File", name), ("Async", "true" if asynchronous else "false"), error])
            return False
        if asynchronous:
            self.moh.stop()
        (self.moh if asynchronous else self.files).queue(name, sound)
        return True

    def _file_started(self, playing: Playing) -> None:
        for member in self.members:
            if member.can_hear and member.session.phone:
                member.session.phone.hears(playing.name, playing.sound)
        self.listen()
        self.wake()

    def _file_done(self, playing: Playing, seconds: float) -> None:
        for recording in self.recordings:
            recording.add_sound(playing)
        self.listen()
        self.fire_done("play-file-done", playing, seconds)
        self.wake()

    _moh_started = _file_started

    def _moh_done(self, playing: Playing, seconds: float) -> None:
        for recording in self.recordings:
            recording.add_sound(playing)
        self.listen()
        self.fire_done("play-file-done", playing, seconds, asynchronous=True)

    def fire_done(
        self,
        action: str,
        playing: Playing,
        seconds: float,
        member: Member | None = None,
        *,
        asynchronous: bool = False,
    ) -> None:
        rate = self.profile.rate
        lengths = [
            ("seconds", str(int(seconds))),
            ("milliseconds", str(int(seconds * 1000))),
            ("samples", str(int(seconds * rate))),
        ]
        tail = [("File", playing.name), *([("Async", "true")] if asynchronous else [])]
        self.emit(
            action,
            lambda: [
                *self.data(),
                *lengths,
                ("Action", action),
                *(member.member_data() if member else []),
                *tail,
            ],
        )

    def voice_changed(self) -> None:
        """Somebody started or stopped being heard: recordings note it, the floor may move."""
        for recording in self.recordings:
            recording.note_voices()
        self.listen()
        self.wake()

    def listen(self) -> None:
        """The sound at the members has changed."""
        for member in self.members:
            member.listen()

    def __repr__(self) -> str:
        return f"Conference({self.name}, {self.count} members)"
