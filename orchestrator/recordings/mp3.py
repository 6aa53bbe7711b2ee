"""A recording's other form, MP3 or WAV: made when it is first asked for, and kept beside the first."""

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
    """It is still being made. It goes on, and is there for later requests."""


class Converter:
    """One conversion at a time of each file, in threads of its own: gevent's pool also looks up names."""

    def __init__(self) -> None:
        self._pool = ThreadPool(AT_ONCE)
        self._under_way: dict[Path, gevent.Greenlet[..., str]] = {}

    def make(self, source: Path, target: Path, timeout: float) -> None:
        """Raises AudioError, or NotYet after `timeout` seconds. Nobody ever sees a part of `target`."""
        making = self._under_way.get(target)
        if making is None:
            making = self._under_way[target] = gevent.spawn(self._pool.apply, _make, (source, target))
            making.link(lambda _: self._under_way.pop(target))
        making.join(timeout)
        if not making.ready():
            raise NotYet(f"{target.name} is not made in {timeout:g} s")
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


def _make(source: Path, target: Path) -> str:
    """The error as a text: the thread pool would print an exception."""
    making = target.with_suffix(f".making{target.suffix}")
    try:
        found = source.stat()
        export(source, making, min(2, soundfile.info(str(source)).channels))
        if not _is_whole(making):
            return f"{target.name} could not be written to its end"
        # As old as the recording: for its retention, for Last-Modified, and to notice a newer WAV.
        os.utime(making, ns=(found.st_atime_ns, found.st_mtime_ns))
        os.replace(making, target)
    # soundfile asserts that all was written.
    except (AudioError, OSError, soundfile.SoundFileError, AssertionError) as error:
        return f"{source.name}: {error or 'the disk is full'}"
    finally:
        making.unlink(missing_ok=True)
    return ""


def _is_whole(path: Path) -> bool:
    """libsndfile does not report that the disk was full when it closed a file: then the last second is
    short."""
    with soundfile.SoundFile(str(path)) as audio:
        last = min(audio.frames, audio.samplerate)
        audio.seek(audio.frames - last)
        return bool(len(audio.read(last)) == last)
