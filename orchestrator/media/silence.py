"""Silence put into a recording where it was paused. Blocks: run it `in_thread`."""

from __future__ import annotations

import os
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import soundfile

from orchestrator.media.audio import UNREADABLE, AudioError

BLOCK_FRAMES = 1 << 20
# When a pause began is known to some hundredths of a second: a rest of audio shorter than this was written
# before a pause that lasted to the end, and a cut of silent ends must not stop at it.
REST_SECONDS = 0.2


class Gap(NamedTuple):
    """Both in seconds."""

    position: float
    """In the file as it was written."""
    length: float


def frames_of(path: Path) -> int:
    """Raises AudioError for a file that is no audio."""
    try:
        return int(soundfile.info(str(path)).frames)
    except UNREADABLE as error:
        raise AudioError(f"{path.name}: {error}") from error


def insert_silence(path: Path, gaps: Sequence[Gap]) -> None:
    """Into the WAV in place, whole or not at all; `gaps` by their position.

    Raises AudioError for what is no audio, and OSError, with the file as it was, where it cannot be written.
    """
    unfinished = path.with_suffix(".part")
    try:
        with soundfile.SoundFile(str(path)) as audio, open(unfinished, "wb") as file, wave.open(file) as out:
            out.setparams((audio.channels, 2, audio.samplerate, 0, "NONE", ""))
            for gap in gaps:
                position = round(gap.position * audio.samplerate)
                if audio.frames - position < REST_SECONDS * audio.samplerate:
                    position = audio.frames
                _copy(audio, out, position - audio.tell())
                _silence(out, round(gap.length * audio.samplerate))
            _copy(audio, out, audio.frames - audio.tell())
        os.replace(unfinished, path)
    except UNREADABLE as error:
        raise AudioError(f"{path.name}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(audio: soundfile.SoundFile, out: wave.Wave_write, frames: int) -> None:
    """To the end of the audio at most."""
    while frames > 0:
        block = audio.read(min(frames, BLOCK_FRAMES), dtype="int16", always_2d=True)
        if not len(block):
            return
        out.writeframes(block.astype("<i2").tobytes())
        frames -= len(block)


def _silence(out: wave.Wave_write, frames: int) -> None:
    width = 2 * out.getnchannels()
    while frames > 0:
        step = min(frames, BLOCK_FRAMES)
        out.writeframes(bytes(width * step))
        frames -= step
