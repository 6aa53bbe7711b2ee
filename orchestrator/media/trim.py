"""Silence cut from both ends of a recording, by energy. Blocks: run it `in_thread`."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from orchestrator.media.audio import AudioError

# Windows of 10 ms: the error of a cut. Louder than this is sound; a quiet telephone line is near -60 dBFS.
WINDOW_SECONDS = 0.01
SOUND_DBFS = -45.0
BLOCK_WINDOWS = 6000


def trim_silence(path: Path) -> float:
    """Cuts the WAV in place, whole or not at all; gives its seconds, 0 if it is silent, and then it stays.

    Raises AudioError for what is no audio, and OSError, with the file as it was, where it cannot be written.
    """
    try:
        with soundfile.SoundFile(str(path)) as audio:
            window = max(1, int(audio.samplerate * WINDOW_SECONDS))
            loud = np.concatenate(
                [
                    _loud(block, window)
                    for block in audio.blocks(window * BLOCK_WINDOWS, dtype="float32", always_2d=True)
                ]
                or [np.zeros(0, dtype=bool)]
            )
            windows = np.flatnonzero(loud)
            if not len(windows):
                return 0.0
            first, last = int(windows[0]) * window, min(audio.frames, (int(windows[-1]) + 1) * window)
            _copy(audio, path, first, last)
            return float((last - first) / audio.samplerate)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise AudioError(f"{path.name}: {error}") from error


def _loud(block: NDArray[np.float32], window: int) -> NDArray[np.bool_]:
    missing = -len(block) % window
    padded = np.pad(block, ((0, missing), (0, 0)))
    power = np.square(padded).reshape(-1, window * block.shape[1]).mean(axis=1)
    return np.asarray(power > 10 ** (SOUND_DBFS / 10))


def _copy(audio: soundfile.SoundFile, path: Path, first: int, last: int) -> None:
    if first == 0 and last == audio.frames:
        return
    unfinished = path.with_suffix(".part")
    audio.seek(first)
    try:
        # Not soundfile: it meets a full disk with an AssertionError.
        with open(unfinished, "wb") as file, wave.open(file) as out:
            out.setparams((audio.channels, 2, audio.samplerate, last - first, "NONE", ""))
            left = last - first
            while left:
                block = audio.read(min(left, 1 << 20), dtype="int16", always_2d=True)
                out.writeframes(block.astype("<i2").tobytes())
                left -= len(block)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
