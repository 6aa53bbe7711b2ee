"""`record_session`: a call recorded while it does something else, mostly bridged (switch_ivr_async.c)."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import soundfile
from gevent.event import Event

from orchestrator.emulator.session import Session
from orchestrator.emulator.sound import RATE, Score

STEP_SECONDS = 0.05


class SessionRecording:
    """A media bug that writes a file until it is taken away, or its session ends."""

    def __init__(self, path: Path, limit: float) -> None:
        self.path = path
        self.limit = limit
        self.masked = False
        """Silence is written."""
        self.paused = False
        """Nothing is written."""
        self.ended = Event()
        self.closed = Event()


# The recordings of each session.
_recordings: WeakKeyDictionary[Session, dict[Path, SessionRecording]] = WeakKeyDictionary()


def record_session(session: Session, argument: str) -> None:
    """`<path> [+<limit s>]`; with RECORD_BRIDGE_REQ only what is said while bridged."""
    words = argument.split()
    if not words or session.down:
        return
    path = Path(words[0])
    recordings = _recordings.setdefault(session, {})
    if path in recordings:
        return
    try:
        soundfile.write(path, np.zeros(0, np.int16), RATE, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.SoundFileError):
        return
    recording = recordings[path] = SessionRecording(
        path, float(words[1].lstrip("+")) if len(words) > 1 else 0.0
    )
    session.fire("RECORD_START", [("Record-File-Path", str(path))])
    session.on_down.append(recording.ended.set)
    session.before_report.append(lambda: _close(recording))
    session.core.spawn(_run, session, recording)


def stop_record_session(session: Session, argument: str) -> None:
    """`<path>` or `all`; the file is closed when it returns."""
    recordings = _recordings.get(session, {})
    for path in list(recordings) if argument == "all" else [Path(argument)]:
        if path in recordings:
            _close(recordings[path])


def recordings_of(session: Session) -> list[Path]:
    return list(_recordings.get(session, ()))


def record_action(session: Session, action: str, path: str) -> bool:
    """mask, unmask, pause, resume; whether there is such a recording."""
    recording = _recordings.get(session, {}).get(Path(path))
    if recording is None:
        return False
    match action:
        case "mask" | "unmask":
            recording.masked = action == "mask"
        case "pause" | "resume":
            recording.paused = action == "pause"
    return True


def _close(recording: SessionRecording) -> None:
    recording.ended.set()
    recording.closed.wait()


def _run(session: Session, recording: SessionRecording) -> None:
    clock, seconds = session.core.clock, 0.0
    says, hears = Score(), Score()
    only_bridged = session.variables.get("RECORD_BRIDGE_REQ") == "true"
    stereo = session.variables.get("RECORD_STEREO") == "true"
    reads = session.variables.get("RECORD_WRITE_ONLY") != "true"
    writes = session.variables.get("RECORD_READ_ONLY") != "true"
    last = clock.now()
    while not 0 < recording.limit <= seconds:
        over = recording.ended.wait(clock.real(STEP_SECONDS))
        now = clock.now()
        if not recording.paused and (not only_bridged or session.partner is not None):
            step, phone = (seconds, seconds + now - last), session.phone
            if phone is not None and not recording.masked:
                if reads and phone.speaking is not None:
                    says.add(*step, phone.speaking)
                for hz in phone.hearing(now - last) if writes else ():
                    hears.add(*step, hz)
            seconds += now - last
        last = now
        if over:
            break
    read, written = says.render(seconds), hears.render(seconds)
    mixed = np.stack((read, written), axis=1) if stereo else (read + written)[:, None]
    samples = np.clip(mixed, -1.0, 1.0)
    if seconds:
        soundfile.write(recording.path, samples, RATE, subtype="PCM_16", format="WAV")
    else:
        # "Discarding empty file"
        recording.path.unlink(missing_ok=True)
    _recordings.get(session, {}).pop(recording.path, None)
    recording.closed.set()
    session.fire("RECORD_STOP", [("Record-File-Path", str(recording.path))])
