"""Everything that is deleted in time, in one job: finished rows, old recordings, sounds unused for long.

Of files only names that are ours; whatever else lies in these directories belongs to somebody else.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

import gevent

from orchestrator.clock import now
from orchestrator.lifecycle import RunningPart
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread
from orchestrator.media.audio_cache import AudioCache
from orchestrator.recordings.files import SID_PATTERN
from orchestrator.store.interface import OutboxError, Store

log = get_logger(__name__)

DAY_SECONDS = 86400.0
SWEEP_SECONDS = 600.0
REQUEST_DAYS = 1.0
# A directory or a table may hold a hundred thousand, and others want to run.
STEP = 200
STEP_PAUSE_SECONDS = 0.02
LEFTOVER_SECONDS = DAY_SECONDS
# A leg with the path of a sound may still play it.
JUST_USED_SECONDS = 600.0

_RECORDING = re.compile(rf"{SID_PATTERN}\.(wav|mp3)")
_UNFINISHED_RECORDING = re.compile(rf"{SID_PATTERN}(\.[a-z0-9]+)*\.(part|making\.(mp3|wav))")
_SOUND = re.compile(r"(say-)?[0-9a-f]{64}\.wav")
_UNFINISHED_SOUND = re.compile(r"(say-)?[0-9a-f]{64}(\.[0-9a-f]+)*\.part")


@dataclass(frozen=True)
class FoundFile:
    name: str
    at: float
    """Last written, or for a sound last used; seconds since the epoch."""
    size: int


def outdated(
    files: Iterable[FoundFile],
    at: float,
    stored: re.Pattern[str],
    days: float | None,
    unfinished: re.Pattern[str],
) -> list[str]:
    """Names of files that are too old: `stored` after `days` (None: never), `unfinished` after a day."""
    return [
        file.name
        for file in files
        if (days is not None and stored.fullmatch(file.name) and file.at < at - days * DAY_SECONDS)
        or (unfinished.fullmatch(file.name) and file.at < at - LEFTOVER_SECONDS)
    ]


def surplus(files: Collection[FoundFile], at: float, limit: int) -> list[str]:
    """Names of fetched and spoken sounds to delete so that no more than `limit` bytes of them stay, the least
    recently used first."""
    sounds = sorted((file for file in files if _SOUND.fullmatch(file.name)), key=lambda file: file.at)
    excess = sum(file.size for file in sounds) - limit
    names = []
    for file in sounds:
        if excess <= 0 or file.at > at - JUST_USED_SECONDS:
            break
        names.append(file.name)
        excess -= file.size
    return names


class Kind(NamedTuple):
    """Something that is deleted in time."""

    name: str
    delete: Callable[[], int]
    """How many were due and are gone. Blocks its greenlet only. May raise OutboxError and OSError."""


class Retention(RunningPart):
    """Deletes when it is started and every ten minutes, one kind after the other. One that fails is logged,
    and tried again."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds = kinds

    def _run(self) -> None:
        while True:
            self.sweep()
            gevent.sleep(SWEEP_SECONDS)

    def sweep(self) -> None:
        """Blocks this greenlet only."""
        for kind in self._kinds:
            try:
                deleted = kind.delete()
            except (OSError, OutboxError) as error:
                log.error("not deleted", what=kind.name, problem=str(error))
            else:
                if deleted:
                    log.info("deleted", what=kind.name, number=deleted)


def rows(store: Store, history_days: float, recording_days: float | None) -> Iterator[Kind]:
    """Finished callbacks and records. A recording's row goes when its file does, and never before
    `history_days`."""

    def kind(name: str, prune: Callable[[int, int], int], days: float) -> Kind:
        return Kind(name, lambda: _prune(prune, days))

    yield kind("callbacks", store.prune, history_days)
    yield kind("conferences", partial(store.records.prune, "conference"), history_days)
    yield kind("participants", partial(store.records.prune, "participant"), history_days)
    yield kind("calls", partial(store.records.prune, "call"), history_days)
    yield kind("entries of timelines", store.timeline.prune, history_days)
    yield kind("answers to repeated requests", partial(store.records.prune, "request"), REQUEST_DAYS)
    if recording_days is not None:
        days = max(history_days, recording_days)
        yield kind("rows of recordings", partial(store.records.prune, "recording"), days)


def files(recordings: Path, recording_days: float | None, cache: AudioCache, cache_bytes: int) -> list[Kind]:
    """Of one node: recordings, fetched and spoken sounds, and unfinished files of both."""
    return [
        Kind("recordings", partial(_old_recordings, recordings, recording_days)),
        Kind("sounds", partial(_unused_sounds, cache, cache_bytes)),
    ]


def _prune(prune: Callable[[int, int], int], days: float) -> int:
    before, deleted = now() - int(days * DAY_SECONDS * 1e6), 0
    while (last := prune(before, STEP)) == STEP:
        deleted += last
        gevent.sleep(STEP_PAUSE_SECONDS)
    return deleted + last


def _old_recordings(directory: Path, days: float | None) -> int:
    deleted = 0
    for found in _steps(directory):
        names = outdated(found, time.time(), _RECORDING, days, _UNFINISHED_RECORDING)
        deleted += in_thread(_unlink, directory, names)
    return deleted


def _unused_sounds(cache: AudioCache, cache_bytes: int) -> int:
    cache.note_use()
    sounds: list[FoundFile] = []
    deleted = 0
    for found in _steps(cache.directory):
        sounds += (file for file in found if _SOUND.fullmatch(file.name))
        names = outdated(found, time.time(), _SOUND, None, _UNFINISHED_SOUND)
        deleted += in_thread(_unlink, cache.directory, names)
    for step in _cut(surplus(sounds, time.time(), cache_bytes)):
        deleted += cache.delete(step)
        gevent.sleep(STEP_PAUSE_SECONDS)
    return deleted


def _steps(directory: Path) -> Iterator[list[FoundFile]]:
    """The files of a directory, some at a time, with room for others between."""
    for names in _cut(in_thread(os.listdir, directory)):
        yield in_thread(_look, directory, names)
        gevent.sleep(STEP_PAUSE_SECONDS)


def _cut(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), STEP):
        yield names[start : start + STEP]


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
