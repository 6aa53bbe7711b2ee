"""Audio of any kind that libsndfile reads, as WAV that every FreeSWITCH plays. Blocks: run it `in_thread`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

import gevent
import numpy as np
import soundfile
from gevent.monkey import get_original
from numpy.typing import NDArray

BLOCK_FRAMES = 65536
# A header may promise anything: a thousand channels make a block of 256 MB, and a rate of two gigahertz an
# hour of sixteen terabytes.
MAX_CHANNELS = 8
MIN_RATE, MAX_RATE = 1000, 192000
# A higher quality than FreeSWITCH plays would only take room on the disk.
COUNTED_RATE = 48000
# An hour of MP3 takes some ten.
DECODE_SECONDS = 60.0
# libsndfile reads many formats; documents may name those that web servers have.
_BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b".snd")
_MPEG = (0xFF, 0xE0)
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
    """`work` beside the event loop, in gevent's pool of threads. Raises what it raises."""

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


def convert(source: BinaryIO, target: Path, max_seconds: float) -> float:
    """Writes `source` as 16-bit mono WAV, whole or not at all; gives its seconds. Raises AudioError."""
    unfinished = target.with_suffix(f".{os.getpid()}.{id(source)}.part")
    _check_kind(source)
    try:
        with soundfile.SoundFile(source) as audio:
            _check_form(audio)
            with soundfile.SoundFile(
                unfinished, "w", audio.samplerate, 1, subtype="PCM_16", format="WAV"
            ) as out:
                frames = _copy(audio, out, max_seconds)
        if not frames:
            raise AudioError("no sound in it")
        os.replace(unfinished, target)
    except UNREADABLE as error:
        raise AudioError(f"not audio that can be read: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return float(frames / audio.samplerate)


def _check_kind(source: BinaryIO) -> None:
    source.seek(0)
    head = source.read(4)
    source.seek(0)
    is_mpeg = len(head) > 1 and head[0] == _MPEG[0] and head[1] & _MPEG[1] == _MPEG[1]
    if not is_mpeg and not head.startswith(_BEGINNINGS):
        raise AudioError("not audio that can be read: neither WAV nor MP3, OGG, FLAC, AIFF or AU")


def _check_form(audio: soundfile.SoundFile) -> None:
    if audio.channels > MAX_CHANNELS:
        raise AudioError(f"{audio.channels} channels, {MAX_CHANNELS} are the most")
    if not MIN_RATE <= audio.samplerate <= MAX_RATE:
        raise AudioError(f"a sample rate of {audio.samplerate} Hz, {MIN_RATE} to {MAX_RATE} are usual")


def _copy(audio: soundfile.SoundFile, out: soundfile.SoundFile, max_seconds: float) -> int:
    """Counted while decoding: a header may promise less than there is."""
    limit = int(max_seconds * min(audio.samplerate, COUNTED_RATE))
    time_limit = time.monotonic() + DECODE_SECONDS
    frames = 0
    for block in audio.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
        frames += len(block)
        if frames > limit:
            raise AudioError(f"longer than {limit / audio.samplerate:g} s")
        if time.monotonic() > time_limit:
            raise AudioError(f"not decoded within {DECODE_SECONDS:g} s")
        out.write(block.mean(axis=1))
    return frames


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
