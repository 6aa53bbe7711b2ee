"""A conference: its members, its floor, its sounds, its end (mod_conference.c, conference_member.c)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial

from gevent.event import Event

from orchestrator.emulator.conference_event import ConferenceEvents
from orchestrator.emulator.conference_playback import Player
from orchestrator.emulator.conference_profile import ConferenceProfile
from orchestrator.emulator.core import FRAME, Core
from orchestrator.emulator.events import Headers
from orchestrator.emulator.member import Member
from orchestrator.emulator.recording import Recording
from orchestrator.emulator.session import Session
from orchestrator.emulator.sound import Playing, SoundNotFound, open_sound, voice_of


class Conference(ConferenceEvents):
    """Exists from its first member to its last, then sends conference-destroy.

    Members' sessions and API commands call it; its own greenlet plays and measures, and is woken by `wake`.
    """

    def __init__(self, conferences: Conferences, name: str, profile_name: str) -> None:
        core, profile = conferences.core, conferences.profiles.get(profile_name, ConferenceProfile())
        super().__init__(core, name, profile_name, profile)
        self.conferences = conferences
        self.members: list[Member] = []  # the newest first, as FreeSWITCH keeps them
        self.recordings: list[Recording] = []
        self.floor_holder: Member | None = None
        self.max_members = profile.max_members
        self.moh_sound = profile.moh_sound
        self.auto_record = ""
        self.record_filename = ""
        self.locked = False
        self.wait_mod = False
        self.enforce_min = False
        self.destruct = False
        self.running = True
        self.readers = 0  # legs and recordings that hold the conference's read lock
        self.run_time = int(core.clock.now())
        self.files = Player(core, self._sound_started, self._file_done)
        self.moh = Player(core, self._sound_started, self._moh_done)
        self._attention = Event()
        self._born = core.clock.now()
        conferences[name] = self
        self.fire("conference-create")
        core.spawn(self._run)

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
        if old is not None:
            old.has_floor = False
        if member is not None:
            member.has_floor = True
        # a holder that has left the list already is reported as none
        old_id = str(old.id) if old is not None and old in self.members else "none"

        def headers() -> Headers:
            holder = member.member_data() if member else []
            new_id = str(member.id) if member else "none"
            return [
                *self.data(),
                ("Action", "floor-change"),
                ("Old-ID", old_id),
                *holder,
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
            path, self.auto_record = self.auto_record, ""
            self.record(path)
            for member in self.members:
                member.session.set("conference_recording", path)

    def _destroy(self) -> None:
        if self.conferences.get(self.name) is self:
            del self.conferences[self.name]
        self.conferences.ending.append(self)
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
        self.conferences.ending.remove(self)
        self.fire("conference-destroy")

    # members

    def new_member(self, session: Session, flags: set[str]) -> Member:
        return Member(self, session, flags, self.voice_changed)

    def add(self, member: Member) -> None:
        self.members.insert(0, member)
        self.count += 1
        member.session.conference_mix = partial(self.heard_by, member)

    def remove(self, member: Member) -> None:
        self.members.remove(member)
        member.session.conference_mix = None
        if self.floor_holder is member:
            # the count is taken down after the floor: the event still counts the member that leaves
            self._drop_floor()
        self.count -= 1

    def _drop_floor(self) -> None:
        if self.floor_holder is not None:
            self.floor_holder.has_floor = False
        self.floor_holder = None
        changed = [("Action", "floor-change"), ("Old-ID", "none"), ("New-ID", "none")]
        self.emit("floor-change", lambda: [*self.data(), *changed])

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

    # recordings

    def record(self, path: str) -> None:
        self.record_filename = path
        self.readers += 1
        players = (self.files, self.moh)
        self.recordings.append(Recording(self, path, players, self._voices, self._recording_ended))

    def _voices(self) -> dict[int, float]:
        """The tones in the mix, by the member that speaks."""
        return {member.id: member.voice for member in self.members if member.voice is not None}

    def _recording_ended(self, recording: Recording) -> None:
        self.recordings.remove(recording)
        self.release()

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

    def _sound_started(self) -> None:
        self.listen()
        self.wake()

    def _file_done(self, playing: Playing, seconds: float) -> None:
        for recording in self.recordings:
            recording.add_sound(playing)
        self.listen()
        self.fire_done("play-file-done", playing, seconds)
        self.wake()

    def _moh_done(self, playing: Playing, seconds: float) -> None:
        for recording in self.recordings:
            recording.add_sound(playing)
        self.listen()
        self.fire_done("play-file-done", playing, seconds, asynchronous=True)

    def voice_changed(self) -> None:
        """Somebody started or stopped being heard: recordings note it, the floor may move."""
        for recording in self.recordings:
            recording.note_voices()
            if not self.count:
                recording.stop()
        self.listen()
        self.wake()

    def heard_by(self, member: Member) -> dict[Hashable, Playing]:
        """The sound to this member: the mix without itself, and its own files."""
        if not member.running or not member.in_mix or not member.can_hear:
            return {}
        found: dict[Hashable, Playing] = {}
        for player in (member.files, self.files, self.moh):
            if player.current is not None:
                found[id(player.current)] = player.current
        for other in self.members:
            if other is not member and other.voice is not None and member.hears_member(other):
                found[other.id, other.voice] = voice_of(other.voice, self.core.clock)
        return found

    def listen(self) -> None:
        """The sound at the members has changed."""
        for member in self.members:
            member.listen()

    def __repr__(self) -> str:
        return f"Conference({self.name}, {self.count} members)"


class Conferences(dict[str, Conference]):
    """All of one FreeSWITCH, by their names, and its conference profiles."""

    def __init__(self, core: Core, profiles: Mapping[str, ConferenceProfile]) -> None:
        super().__init__()
        self.core = core
        self.profiles = profiles
        self.ending: list[Conference] = []
        """Those that are no longer found, and have not ended yet."""

    def find(self, name: str) -> Conference | None:
        """The conference of that name, unless it is ending."""
        conference = self.get(name)
        return conference if conference is not None and not conference.destruct else None
