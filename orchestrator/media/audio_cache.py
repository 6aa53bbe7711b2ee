"""Audio files that FreeSWITCH can play: each kept once, by its content, under a name that we made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from weakref import WeakValueDictionary

import gevent
from gevent.lock import BoundedSemaphore

from orchestrator.logs import get_logger
from orchestrator.media import generated_audio
from orchestrator.media.audio import AudioError, convert, in_thread, seconds_of, write_wav

log = get_logger(__name__)

# Each keeps a processor busy, which calls need more.
CONVERSIONS_AT_ONCE = 2
HASHED_BYTES = 1 << 20


@dataclass(frozen=True)
class AudioFile:
    """Hold it as long as it plays: the file of a sound that somebody holds is not deleted."""

    path: str
    """As FreeSWITCH sees it."""
    seconds: float


class AudioCache:
    def __init__(self, directory: Path, there: Callable[[Path], Path], max_seconds: float) -> None:
        self._directory = directory
        self._freeswitch_directory = there
        self._max_seconds = max_seconds
        self._held: WeakValueDictionary[str, AudioFile] = WeakValueDictionary()
        self._going: frozenset[str] = frozenset()
        self._deleting = BoundedSemaphore()
        self._conversions = BoundedSemaphore(CONVERSIONS_AT_ONCE)
        self._converting: dict[Path, gevent.Greenlet[..., str]] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes | BinaryIO) -> AudioFile:
        """The playable form of fetched audio. Raises AudioError. Converting goes on in a thread.

        Many who bring the same at once have it converted once.
        """
        source = BytesIO(content) if isinstance(content, bytes) else content
        path = self._directory / f"{in_thread(_digest, source)}.wav"
        if not self._use(path):
            self._convert(source, path)
        return self._sound(path)

    def _convert(self, source: BinaryIO, path: Path) -> None:
        converting = self._converting.get(path)
        if converting is None:
            converting = self._converting[path] = gevent.spawn(self._in_turn, source, path)
            converting.link(lambda _: self._converting.pop(path))
        converting.join()
        if converting.value != "":
            raise AudioError(converting.value or str(converting.exception))

    def _in_turn(self, source: BinaryIO, path: Path) -> str:
        """The error: each waiting greenlet gets an exception of its own."""
        try:
            with self._conversions:
                in_thread(convert, source, path, self._max_seconds)
        except (AudioError, OSError) as error:
            return str(error)
        return ""

    def made(self, name: str, make: Callable[[Path], None]) -> AudioFile:
        """Audio of our own: `make` writes it where it is not yet there."""
        path = self._directory / f"{name}.wav"
        if not self._use(path):
            make(path)
        return self._sound(path)

    def beep(self, hz: int, ms: int) -> AudioFile:
        return self.made(
            f"beep-{hz}-{ms}",
            lambda path: write_wav(path, generated_audio.beep(hz, ms), generated_audio.RATE),
        )

    def hold_music(self) -> AudioFile:
        return self.made(
            "hold-music", lambda path: write_wav(path, generated_audio.hold_music(), generated_audio.RATE)
        )

    @property
    def directory(self) -> Path:
        return self._directory

    def note_use(self) -> None:
        """Audio that is held, as music on hold for hours, is being used."""
        for name in list(self._held):
            self._use(self._directory / name)

    def delete(self, names: Iterable[str]) -> int:
        """Those of these files that nobody holds; how many it were. Deleting goes on in a thread."""
        with self._deleting:
            self._going = frozenset(name for name in names if name not in self._held)
            try:
                return in_thread(_delete, [self._directory / name for name in self._going])
            finally:
                self._going = frozenset()

    def _use(self, path: Path) -> bool:
        """Whether it is there; if so, it has been used now."""
        if path.name in self._going:
            with self._deleting:
                pass
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        except PermissionError as error:
            log.warning("the use of a sound cannot be noted, it may be deleted early", problem=str(error))
        return True

    def _sound(self, path: Path) -> AudioFile:
        sound = self._held.get(path.name)
        if sound is None:
            sound = AudioFile(str(self._freeswitch_directory(path.absolute())), seconds_of(path))
            self._held[path.name] = sound
        return sound


def _digest(source: BinaryIO) -> str:
    source.seek(0)
    found = sha256()
    while piece := source.read(HASHED_BYTES):
        found.update(piece)
    return found.hexdigest()


def _delete(paths: list[Path]) -> int:
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


__all__ = ["AudioCache", "AudioError", "AudioFile"]
