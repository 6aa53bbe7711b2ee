"""What is deleted in time: old recordings, sounds that nobody has used for long, and unfinished files.

Only names that are ours; whatever else lies in these directories belongs to somebody else.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import gevent

from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread
from orchestrator.media.audio_cache import AudioCache
from orchestrator.recordings.files import SID_PATTERN

log = get_logger(__name__)

DAY_SECONDS = 86400.0
SWEEP_SECONDS = 3600.0
# A directory may hold a hundred thousand files, and other threads want to run.
STEP_FILES = 200
STEP_PAUSE_SECONDS = 0.02
LEFTOVER_SECONDS = DAY_SECONDS
# Whoever knows only the path of a sound may still play it.
JUST_USED_SECONDS = 600.0

_RECORDING = re.compile(rf"{SID_PATTERN}\.(wav|mp3)")
_UNFINISHED_RECORDING = re.compile(rf"{SID_PATTERN}(\.[a-z0-9]+)*\.(part|making\.(mp3|wav))")
_SOUND = re.compile(r"(say-)?[0-9a-f]{64}\.wav")
_UNFINISHED_SOUND = re.compile(r"(say-)?[0-9a-f]{64}(\.[0-9]+)*\.part")


@dataclass(frozen=True)
class FoundFile:
    name: str
    at: float
    """Last written, or for a sound last used; seconds since the epoch."""
    size: int


def outdated(
    files: Iterable[FoundFile],
    now: float,
    stored: re.Pattern[str],
    days: float | None,
    unfinished: re.Pattern[str],
) -> list[str]:
    """Names of files that are too old: `kept` after `days` (None: never), `unfinished` after a day."""
    return [
        file.name
        for file in files
        if (days is not None and stored.fullmatch(file.name) and file.at < now - days * DAY_SECONDS)
        or (unfinished.fullmatch(file.name) and file.at < now - LEFTOVER_SECONDS)
    ]


def surplus(files: Collection[FoundFile], now: float, limit: int) -> list[str]:
    """Names of fetched and spoken sounds to delete so that no more than `limit` bytes of them stay, the least
    recently used first."""
    sounds = sorted((file for file in files if _SOUND.fullmatch(file.name)), key=lambda file: file.at)
    excess = sum(file.size for file in sounds) - limit
    names = []
    for file in sounds:
        if excess <= 0 or file.at > now - JUST_USED_SECONDS:
            break
        names.append(file.name)
        excess -= file.size
    return names


class FileRetention(Part):
    """Sweeps when it is started and every hour. A directory that fails is told, and tried again."""

    def __init__(
        self,
        recordings: Path,
        retention_days: float | None,
        audio_cache: AudioCache,
        cache_bytes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._recordings = recordings
        self._retention_days = retention_days
        self._library = audio_cache
        self._cache_bytes = cache_bytes
        self._clock = clock
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        if self._greenlet is not None:
            self._greenlet.kill(timeout=timeout)

    def _run(self) -> None:
        while True:
            self.sweep()
            gevent.sleep(SWEEP_SECONDS)

    def sweep(self) -> None:
        """Blocks this greenlet only."""
        for what, delete in (("recordings", self._old_recordings), ("sounds", self._unused_sounds)):
            try:
                deleted = delete()
            except OSError as error:
                log.error("not deleted", what=what, problem=str(error))
            else:
                if deleted:
                    log.info("deleted", what=what, files=deleted)

    def _old_recordings(self) -> int:
        deleted = 0
        for found in _steps(self._recordings):
            names = outdated(found, self._clock(), _RECORDING, self._retention_days, _UNFINISHED_RECORDING)
            deleted += in_thread(_unlink, self._recordings, names)
        return deleted

    def _unused_sounds(self) -> int:
        self._library.note_use()
        directory = self._library.directory
        sounds: list[FoundFile] = []
        deleted = 0
        for found in _steps(directory):
            sounds += (file for file in found if _SOUND.fullmatch(file.name))
            names = outdated(found, self._clock(), _SOUND, None, _UNFINISHED_SOUND)
            deleted += in_thread(_unlink, directory, names)
        names = surplus(sounds, self._clock(), self._cache_bytes)
        for step in _cut(names):
            deleted += self._library.delete(step)
            gevent.sleep(STEP_PAUSE_SECONDS)
        return deleted


def _steps(directory: Path) -> Iterator[list[FoundFile]]:
    """The files of a directory, some at a time, with room for others between."""
    for names in _cut(in_thread(os.listdir, directory)):
        yield in_thread(_look, directory, names)
        gevent.sleep(STEP_PAUSE_SECONDS)


def _cut(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), STEP_FILES):
        yield names[start : start + STEP_FILES]


def _look(directory: Path, names: list[str]) -> list[FoundFile]:
    found = []
    for name in names:
        try:
            status = os.lstat(directory / name)
        except FileNotFoundError:
            continue
        if S_ISREG(status.st_mode):
            found.append(FoundFile(name, status.st_mtime, status.st_size))
    return found


def _unlink(directory: Path, names: list[str]) -> int:
    for name in names:
        (directory / name).unlink(missing_ok=True)
    return len(names)
