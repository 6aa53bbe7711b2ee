"""Audio of any kind that libsndfile reads, as WAV that every FreeSWITCH plays. Blocks: run it `in_thread`."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import gevent
import numpy as np
import soundfile
from gevent.monkey import get_original
from numpy.typing import NDArray

BLOCK_FRAMES = 65536
# soundfile asserts that what it wrote was written: a full disk.
UNREADABLE = (soundfile.SoundFileError, RuntimeError, ValueError, AssertionError)
Result = TypeVar("Result")
# soundfile (since 0.13) opens files under a lock, which gevent made one for greenlets: two threads that
# meet at such a lock may both wait for ever.
if hasattr(soundfile.SoundFile, "_sf_error_lock"):
    soundfile.SoundFile._sf_error_lock = get_original("threading", "Lock")()


class AudioError(Exception):
    """Not audio, or more of it than is allowed."""


def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """`work` beside the event loop, in gevent's thread pool. Raises what it raises."""

    def guarded() -> Result | Exception:
        # The pool would write a traceback of whatever gets out of here to standard error.
        try:
            return work(*arguments)
        except Exception as error:  # noqa: BLE001
            return error

    result: Result | Exception = gevent.get_hub().threadpool.apply(guarded)
    if isinstance(result, Exception):
        raise result
    return result


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
    except UNREADABLE as error:
        raise AudioError(f"not audio that can be read: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return float(frames / audio.samplerate)


def export(source: Path, target: Path, channels: int) -> None:
    """A recording in the form of `target`'s name (.wav, .mp3); further channels are silent.

    Raises AudioError.
    """
    unfinished = target.with_name(f"{target.name}.part")
    kind = target.suffix[1:].upper()
    try:
        with (
            soundfile.SoundFile(source) as audio,
            soundfile.SoundFile(unfinished, "w", audio.samplerate, channels, format=kind) as out,
        ):
            for block in audio.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                wide = np.zeros((len(block), channels), np.float32)
                wide[:, : block.shape[1]] = block[:, :channels]
                out.write(wide)
        os.replace(unfinished, target)
    except UNREADABLE as error:
        raise AudioError(f"{source.name} cannot be written as {kind}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def seconds_of(path: Path) -> float:
    """Raises AudioError for a file that is no audio."""
    try:
        info = soundfile.info(str(path))
    except UNREADABLE as error:
        raise AudioError(f"{path.name}: {error}") from error
    return float(info.frames / info.samplerate)


def write_wav(path: Path, samples: NDArray[np.float64], rate: int) -> None:
    """Samples from -1 to 1, whole or not at all."""
    unfinished = path.with_suffix(".part")
    soundfile.write(unfinished, samples, rate, subtype="PCM_16", format="WAV")
    os.replace(unfinished, path)
