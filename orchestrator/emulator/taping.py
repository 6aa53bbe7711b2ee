"""`record_session`: a call recorded while it does something else, mostly bridged (switch_ivr_async.c)."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import soundfile

from orchestrator.emulator.session import Session
from orchestrator.emulator.sound import RATE, Score

STEP_SECONDS = 0.05
# What each session records; taken out of here, a recording ends.
_tapes: WeakKeyDictionary[Session, set[Path]] = WeakKeyDictionary()


def record_session(session: Session, argument: str) -> None:
    """`<path> [+<limit s>]`; with RECORD_BRIDGE_REQ only what is said while bridged."""
    words = argument.split()
    if not words:
        return
    path = Path(words[0])
    limit = float(words[1].lstrip("+")) if len(words) > 1 else 0.0
    _tapes.setdefault(session, set()).add(path)
    session.core.spawn(_run, session, path, limit)


def stop_record_session(session: Session, argument: str) -> None:
    """`<path>` or `all`; the file is closed when it returns."""
    paths = _tapes.get(session, set())
    paths.clear() if argument == "all" else paths.discard(Path(argument))
    session.core.clock.sleep(2 * STEP_SECONDS)


def _run(session: Session, path: Path, limit: float) -> None:
    clock, score, seconds = session.core.clock, Score(), 0.0
    only_bridged = session.variables.get("RECORD_BRIDGE_REQ") == "true"
    last = clock.now()
    while not session.down and path in _tapes.get(session, ()) and not 0 < limit <= seconds:
        clock.sleep(STEP_SECONDS)
        now = clock.now()
        if not only_bridged or session.partner is not None:
            for side in (session, session.partner):
                if side is not None and side.phone is not None and side.phone.speaking is not None:
                    score.add(seconds, seconds + now - last, side.phone.speaking)
            seconds += now - last
        last = now
    channels = 2 if session.variables.get("RECORD_STEREO") == "true" else 1
    samples = np.repeat(score.render(seconds)[:, None], channels, axis=1)
    soundfile.write(path, samples, RATE, subtype="PCM_16", format="WAV")
