"""A conference's recording: two events and a real WAV file of who sounded when (conference_record.c)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import gevent

from orchestrator.emulator.conference_event import ConferenceEvents
from orchestrator.emulator.conference_playback import Player
from orchestrator.emulator.core import FRAME
from orchestrator.emulator.sound import Playing, Score, write_wav

# 64 KiB at 8 kHz.
BLOCK_SECONDS = 4.0
HEADER_BYTES = 44


class Recording:
    """Is in the conference like a member without a channel: it takes a member number too."""

    def __init__(
        self,
        conference: ConferenceEvents,
        path: str,
        players: Iterable[Player],
        voices: Callable[[], Mapping[int, float]],
        ended: Callable[[Recording], None],
    ) -> None:
        """`voices` are the tones in the mix, by the member that speaks. `ended` is called once the file is
        closed, or could not be opened."""
        self.conference = conference
        self.players = players
        self.voices = voices
        self.ended = ended
        self.open = True
        self.path = path
        self.core = conference.core
        self.id = self.core.next_member_id()
        self.join_time = int(self.core.clock.now())
        self.paused = False
        self.stopping = False
        self.score = Score()
        self._began = 0.0
        self._pause_began: float | None = None
        self._paused_for = 0.0
        self._voices: dict[int, tuple[float, float]] = {}  # member -> (hz, since which second of the file)
        conference.record_count += 1
        self.core.later(FRAME, self._open)

    def _open(self) -> None:
        try:
            write_wav(Path(self.path), self.score.render(0), self.conference.profile.rate)
        except OSError:
            error = ("Error", "File could not be opened for recording")
            self.conference.fire("start-recording", [("Path", self.path), error])
            # conference_record_thread_run goes to its end from here, and that sends stop-recording
            self._fire_stop(0)
            self._leave()
            return
        self._began = self.core.clock.now()
        self.conference.fire("start-recording", [("Path", self.path)])
        self.note_voices()
        self.core.later(BLOCK_SECONDS, self._grow)
        if self.stopping:
            self.core.later(FRAME, self._close)

    def _grow(self) -> None:
        """FreeSWITCH writes block by block: a file that stands still is one that nobody writes any more."""
        if not self.open:
            return
        if not self.paused:
            # A file whose name was taken away grows where nobody sees it.
            with contextlib.suppress(FileNotFoundError):
                os.truncate(self.path, HEADER_BYTES + 2 * int(self.seconds * self.conference.profile.rate))
        self.core.later(BLOCK_SECONDS, self._grow)

    @property
    def seconds(self) -> float:
        """Length of the file so far."""
        now = self.core.clock.now() if self._pause_began is None else self._pause_began
        return max(0.0, now - self._began - self._paused_for)

    def note_voices(self) -> None:
        if not self._began:
            return
        position = self.seconds
        speaking = {} if self.paused else self.voices()
        for member, (hz, since) in list(self._voices.items()):
            if speaking.get(member) != hz:
                self.score.add(since, position, hz)
                del self._voices[member]
        for member, voice in speaking.items():
            if member not in self._voices:
                self._voices[member] = (voice, position)

    def add_sound(self, playing: Playing) -> None:
        """A sound that was played to all ends now."""
        if self._began and not self.paused:
            end = self.seconds
            began = end - (self.core.clock.now() - playing.began)
            self.score.add_sound(playing.sound, began, max(0.0, began), end)

    def pause(self) -> None:
        if not self.paused:
            self.paused = True
            self.note_voices()
            self._pause_began = self.core.clock.now()

    def resume(self) -> None:
        if self.paused and self._pause_began is not None:
            self._paused_for += self.core.clock.now() - self._pause_began
            self._pause_began = None
            self.paused = False
            self.note_voices()

    def stop(self) -> None:
        """Ends at the next frame; before it has begun: as soon as it has."""
        if self.stopping:
            return
        self.stopping = True
        if self._began:
            self.core.later(FRAME, self._close)

    def _close(self) -> None:
        position = self.seconds
        for hz, since in self._voices.values():
            self.score.add(since, position, hz)
        self._voices.clear()
        for player in self.players:
            if player.current is not None:
                self.add_sound(player.current)
        rate = self.conference.profile.rate
        samples = int(position * 50) * rate // 50
        # Hours of sound take seconds; the other greenlets of the process run meanwhile.
        gevent.get_hub().threadpool.apply(self._write, (samples, rate))
        self._fire_stop(samples, Path(self.path).stat().st_size)
        self._leave()

    def _write(self, samples: int, rate: int) -> None:
        write_wav(Path(self.path), self.score.render(samples / rate, rate), rate)

    def _fire_stop(self, samples: int, size: int | None = None) -> None:
        rate = self.conference.profile.rate
        self.conference.record_count -= 1
        facts = [
            ("Path", self.path),
            ("Other-Recordings", "true" if self.conference.record_count else "false"),
            ("Samples-Out", str(samples)),
            ("Samplerate", str(rate)),
            ("Milliseconds-Elapsed", str(samples * 1000 // rate)),
        ]
        if size is not None:
            facts.append(("Record-File-Size", str(size)))
        self.conference.fire("stop-recording", facts)

    def _leave(self) -> None:
        self.open = False
        self.ended(self)
