"""Audio files that FreeSWITCH can play: each kept once, by its content, under a name that we made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from weakref import WeakValueDictionary

from gevent.lock import BoundedSemaphore

from orchestrator.logs import get_logger
from orchestrator.media import music
from orchestrator.media.audio import AudioError, convert, in_thread, seconds_of, write_wav

log = get_logger(__name__)


@dataclass(frozen=True)
class Sound:
    """Hold it as long as it plays: the file of a sound that somebody holds is not deleted."""

    path: str
    """As FreeSWITCH sees it."""
    seconds: float


class Library:
    def __init__(self, directory: Path, there: Callable[[Path], Path], max_seconds: float) -> None:
        self._directory = directory
        self._there = there
        self._max_seconds = max_seconds
        self._held: WeakValueDictionary[str, Sound] = WeakValueDictionary()
        self._going: frozenset[str] = frozenset()
        self._deleting = BoundedSemaphore()
        directory.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes) -> Sound:
        """The playable form of fetched audio. Raises AudioError. Converting goes on in a thread."""
        path = self._directory / f"{sha256(content).hexdigest()}.wav"
        if not self._use(path):
            in_thread(convert, content, path, self._max_seconds)
        return self._sound(path)

    def made(self, name: str, make: Callable[[Path], None]) -> Sound:
        """What we make ourselves: `make` writes it where it is not yet there."""
        path = self._directory / f"{name}.wav"
        if not self._use(path):
            make(path)
        return self._sound(path)

    def beep(self, hz: int, ms: int) -> Sound:
        return self.made(f"beep-{hz}-{ms}", lambda path: write_wav(path, music.beep(hz, ms), music.RATE))

    def hold_music(self) -> Sound:
        return self.made("hold-music", lambda path: write_wav(path, music.hold_music(), music.RATE))

    @property
    def directory(self) -> Path:
        return self._directory

    def note_use(self) -> None:
        """What is held, as music on hold for hours, is being used."""
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

    def _sound(self, path: Path) -> Sound:
        sound = self._held.get(path.name)
        if sound is None:
            sound = Sound(str(self._there(path.absolute())), seconds_of(path))
            self._held[path.name] = sound
        return sound


def _delete(paths: list[Path]) -> int:
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


__all__ = ["AudioError", "Library", "Sound"]
