"""The loudness of a recording along its time: one number for each part, made once, beside the event loop."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import soundfile
from gevent.lock import Semaphore

from orchestrator.media.audio import UNREADABLE, AudioError, in_thread

PARTS = 480
KEPT = 200
BLOCK_FRAMES = 65536


class Peaks:
    """Of recordings as they lie on disk; of one that has changed they are made anew."""

    def __init__(self) -> None:
        self._turn = Semaphore(1)
        self._kept: OrderedDict[tuple[str, int, int], list[int]] = OrderedDict()

    def of(self, path: Path) -> list[int]:
        """From 0 to 100, at most PARTS of them. Raises AudioError; OSError where there is no such file."""
        found = in_thread(path.stat)
        key = (path.name, found.st_mtime_ns, found.st_size)
        if key not in self._kept:
            # Later requests for the same one wait for the result of the first.
            with self._turn:
                if key not in self._kept:
                    self._kept[key] = in_thread(peaks_of, path)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def peaks_of(path: Path, parts: int = PARTS) -> list[int]:
    """The loudest sample of each of `parts` equal parts, in percent of full scale. Raises AudioError."""
    loudest = np.zeros(parts, np.float32)
    try:
        with soundfile.SoundFile(path) as audio:
            total, done = max(1, audio.frames), 0
            parts = min(parts, total)
            for block in audio.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                level = np.abs(block).max(axis=1)
                # A header may promise less than there is.
                place = np.minimum((np.arange(done, done + len(level)) * parts) // total, parts - 1)
                np.maximum.at(loudest, place, level)
                done += len(level)
    except UNREADABLE as error:
        raise AudioError(f"{path.name}: {error}") from error
    return [int(value) for value in np.minimum(np.round(loudest[:parts] * 100), 100)]
