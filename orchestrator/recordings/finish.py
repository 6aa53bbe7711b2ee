"""A closed recording's file is brought into the form that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.logs import get_logger
from orchestrator.media.audio import export, in_thread, seconds_of
from orchestrator.media.silence import frames_of, insert_silence
from orchestrator.media.trim import trim_silence
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.model import RecordingState
from orchestrator.recordings.pauses import silences

log = get_logger(__name__)


def bring_into_form(
    files: RecordingFiles, state: RecordingState, keep_frames: Callable[[int], None]
) -> tuple[float, Path | None]:
    """Silence where it was paused, trimmed and converted where that is asked for: its seconds, 0 of a silent
    one; and the file that is not needed once that is written down.

    `keep_frames` writes down what must be known should this process end in the middle of it. Done again it
    comes to the same. Blocks this greenlet only. Raises AudioError, OSError.
    """
    path, target = files.path(state.sid), files.path(state.sid, state.kind)
    if target != path and in_thread(_is_converted, path, target):
        return in_thread(seconds_of, target), None
    _put_silence(path, state, keep_frames)
    seconds = _trimmed(path, state.sid) if state.trim else in_thread(seconds_of, path)
    if not seconds:
        return 0.0, None
    dual = state.channels == "dual"
    if state.kind == "mp3" or (dual and state.source == "RecordVerb"):
        in_thread(export, path, target, 2 if dual else 1)
    return seconds, path if target != path else None


def _is_converted(path: Path, target: Path) -> bool:
    return not path.exists() and target.exists()


def _put_silence(path: Path, state: RecordingState, keep_frames: Callable[[int], None]) -> None:
    """Where it was paused; once, also where this process ends in the middle of it."""
    gaps = silences(state.started_at, state.pauses)
    if not gaps:
        return
    frames = in_thread(frames_of, path)
    if not state.frames:
        keep_frames(frames)
    elif frames != state.frames:
        return
    try:
        in_thread(insert_silence, path, gaps)
    except OSError as error:
        # A full disk costs the silence, not the recording.
        log.error("pauses are left out", recording=state.sid, problem=str(error))


def _trimmed(path: Path, sid: str) -> float:
    """Seconds; 0 of a silent one. A disk too full to trim on costs the trimming, not the recording."""
    try:
        return in_thread(trim_silence, path)
    except OSError as error:
        log.error("not trimmed", recording=sid, problem=str(error))
        return in_thread(seconds_of, path)
