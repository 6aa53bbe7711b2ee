"""Audio of any kind that libsndfile reads, as WAV that every FreeSWITCH plays. Blocks: run it in a thread."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

BLOCK_FRAMES = 65536


class AudioError(Exception):
    """Not audio, or more of it than is allowed."""


def convert(source: bytes, target: Path, max_seconds: float) -> float:
    """Writes `source` as 16-bit mono WAV, whole or not at all; gives its seconds. Raises AudioError."""
    unfinished = target.with_suffix(f".{os.getpid()}.{id(source)}.part")
    try:
        with soundfile.SoundFile(BytesIO(source)) as audio:
            limit = int(max_seconds * audio.samplerate)
            frames = 0
            with soundfile.SoundFile(
                unfinished, "w", audio.samplerate, 1, subtype="PCM_16", format="WAV"
            ) as out:
                # Counted while decoding: a header may promise less than there is.
                for block in audio.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                    frames += len(block)
                    if frames > limit:
                        raise AudioError(f"longer than {max_seconds:g} s")
                    out.write(block.mean(axis=1))
        if not frames:
            raise AudioError("no sound in it")
        os.replace(unfinished, target)
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise AudioError(f"not audio that can be read: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return float(frames / audio.samplerate)


def seconds_of(path: Path) -> float:
    """Raises AudioError for a file that is no audio."""
    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise AudioError(f"{path.name}: {error}") from error
    return float(info.frames / info.samplerate)


def write_wav(path: Path, samples: NDArray[np.float64], rate: int) -> None:
    """Samples from -1 to 1, whole or not at all."""
    unfinished = path.with_suffix(".part")
    soundfile.write(unfinished, samples, rate, subtype="PCM_16", format="WAV")
    os.replace(unfinished, path)
