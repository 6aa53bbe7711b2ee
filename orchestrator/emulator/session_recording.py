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


class Tape:
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
_tapes: WeakKeyDictionary[Session, dict[Path, Tape]] = WeakKeyDictionary()


def record_session(session: Session, argument: str) -> None:
    """`<path> [+<limit s>]`; with RECORD_BRIDGE_REQ only what is said while bridged."""
    words = argument.split()
    if not words or session.down:
        return
    path = Path(words[0])
    tapes = _tapes.setdefault(session, {})
    if path in tapes:
        return
    try:
        soundfile.write(path, np.zeros(0, np.int16), RATE, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.SoundFileError):
        return
    tape = tapes[path] = Tape(path, float(words[1].lstrip("+")) if len(words) > 1 else 0.0)
    session.fire("RECORD_START", [("Record-File-Path", str(path))])
    session.on_down.append(tape.ended.set)
    session.before_report.append(lambda: _close(tape))
    session.core.spawn(_run, session, tape)


def stop_record_session(session: Session, argument: str) -> None:
    """`<path>` or `all`; the file is closed when it returns."""
    tapes = _tapes.get(session, {})
    for path in list(tapes) if argument == "all" else [Path(argument)]:
        if path in tapes:
            _close(tapes[path])


def recordings_of(session: Session) -> list[Path]:
    return list(_tapes.get(session, ()))


def record_action(session: Session, action: str, path: str) -> bool:
    """mask, unmask, pause, resume; whether there is such a recording."""
    tape = _tapes.get(session, {}).get(Path(path))
    if tape is None:
        return False
    match action:
        case "mask" | "unmask":
            tape.masked = action == "mask"
        case "pause" | "resume":
            tape.paused = action == "pause"
    return True


def _close(tape: Tape) -> None:
    tape.ended.set()
    tape.closed.wait()


def _run(session: Session, tape: Tape) -> None:
    clock, seconds = session.core.clock, 0.0
    says, hears = Score(), Score()
    only_bridged = session.variables.get("RECORD_BRIDGE_REQ") == "true"
    stereo = session.variables.get("RECORD_STEREO") == "true"
    reads = session.variables.get("RECORD_WRITE_ONLY") != "true"
    writes = session.variables.get("RECORD_READ_ONLY") != "true"
    last = clock.now()
    while not 0 < tape.limit <= seconds:
        over = tape.ended.wait(clock.real(STEP_SECONDS))
        now = clock.now()
        if not tape.paused and (not only_bridged or session.partner is not None):
            step, phone = (seconds, seconds + now - last), session.phone
            if phone is not None and not tape.masked:
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
        soundfile.write(tape.path, samples, RATE, subtype="PCM_16", format="WAV")
    else:
        # "Discarding empty file"
        tape.path.unlink(missing_ok=True)
    _tapes.get(session, {}).pop(tape.path, None)
    tape.closed.set()
    session.fire("RECORD_STOP", [("Record-File-Path", str(tape.path))])
