"""MP3s of recordings, made when they are first asked for and kept beside the WAV."""

from __future__ import annotations

import os
from pathlib import Path

import gevent
import soundfile
from gevent.threadpool import ThreadPool

from orchestrator.media.audio import AudioError, export

# Each keeps a processor busy, which calls need more.
AT_ONCE = 2


class NotYet(Exception):
    """It is still being made. It goes on, and is there for whoever asks later."""


class Mp3Maker:
    """One conversion at a time of each file, in threads of its own: gevent's pool also looks up names."""

    def __init__(self) -> None:
        self._pool = ThreadPool(AT_ONCE)
        self._under_way: dict[Path, gevent.Greenlet[..., str]] = {}

    def make(self, wav: Path, mp3: Path, timeout: float) -> None:
        """Raises AudioError, or NotYet after `timeout` seconds. Nobody ever sees a part of `mp3`."""
        making = self._under_way.get(mp3)
        if making is None:
            making = self._under_way[mp3] = gevent.spawn(self._pool.apply, _make, (wav, mp3))
            making.link(lambda _: self._under_way.pop(mp3))
        making.join(timeout)
        if not making.ready():
            raise NotYet(f"the MP3 is not made in {timeout:g} s")
        if making.value:
            raise AudioError(making.value)


def is_fresh(wav: Path, mp3: Path) -> bool:
    """Whether `mp3` is there, and of the WAV as it is now: it may have been trimmed. Raises OSError."""
    try:
        made = mp3.stat().st_mtime_ns
    except FileNotFoundError:
        return False
    try:
        return made >= wav.stat().st_mtime_ns
    except FileNotFoundError:
        # Record with format mp3 keeps nothing else.
        return True


def _make(wav: Path, mp3: Path) -> str:
    """What went wrong, as a text: the thread pool would print an exception."""
    making = mp3.with_suffix(".making.mp3")
    try:
        source = wav.stat()
        export(wav, making, min(2, soundfile.info(str(wav)).channels))
        if not _is_whole(making):
            return f"{mp3.name} could not be written to its end"
        # As old as the recording: for its retention, for Last-Modified, and to notice a newer WAV.
        os.utime(making, ns=(source.st_atime_ns, source.st_mtime_ns))
        os.replace(making, mp3)
    # soundfile asserts that all was written.
    except (AudioError, OSError, soundfile.SoundFileError, AssertionError) as error:
        return f"{wav.name}: {error or 'the disk is full'}"
    finally:
        making.unlink(missing_ok=True)
    return ""


def _is_whole(mp3: Path) -> bool:
    """libsndfile tells nobody that the disk was full when it closed a file: then the last second is short."""
    with soundfile.SoundFile(str(mp3)) as audio:
        last = min(audio.frames, audio.samplerate)
        audio.seek(audio.frames - last)
        return bool(len(audio.read(last)) == last)
