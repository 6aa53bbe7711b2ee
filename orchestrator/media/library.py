"""Audio files that FreeSWITCH can play: each kept once, by its content, under a name that we made."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from orchestrator.media import music
from orchestrator.media.audio import AudioError, convert, in_thread, seconds_of, write_wav


class Sound(NamedTuple):
    path: str
    """As FreeSWITCH sees it."""
    seconds: float


class Library:
    def __init__(self, directory: Path, there: Callable[[Path], Path], max_seconds: float) -> None:
        self._directory = directory
        self._there = there
        self._max_seconds = max_seconds
        directory.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes) -> Sound:
        """The playable form of fetched audio. Raises AudioError. Converting goes on in a thread."""
        path = self._directory / f"{sha256(content).hexdigest()}.wav"
        if path.exists():
            return Sound(self._path(path), seconds_of(path))
        seconds = in_thread(convert, content, path, self._max_seconds)
        return Sound(self._path(path), seconds)

    def made(self, name: str, make: Callable[[Path], None]) -> Sound:
        """What we make ourselves: `make` writes it where it is not yet there."""
        path = self._directory / f"{name}.wav"
        if not path.exists():
            make(path)
        return Sound(self._path(path), seconds_of(path))

    def beep(self, hz: int, ms: int) -> Sound:
        return self.made(f"beep-{hz}-{ms}", lambda path: write_wav(path, music.beep(hz, ms), music.RATE))

    def hold_music(self) -> Sound:
        return self.made("hold-music", lambda path: write_wav(path, music.hold_music(), music.RATE))

    def _path(self, path: Path) -> str:
        return str(self._there(path.absolute()))


__all__ = ["AudioError", "Library", "Sound"]
