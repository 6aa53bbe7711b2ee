"""When a conference's recording was paused, and the silence that belongs there.

FreeSWITCH writes nothing into the file of a paused conference recording (conference_record.c), whatever the
pause is to be in it: silence is put in once the file is closed. A pause of a call's recording needs none of
this (call_recording.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.media.silence import Gap

PauseBehavior = Literal["silence", "skip"]
"""silence: the pause is silent in the recording; skip: it is not in the recording at all (Twilio)."""


class Pause(Struct, frozen=True):
    """Times in microseconds since the epoch."""

    behavior: PauseBehavior
    began_at: int
    ended_at: int = 0
    """0 as long as it lasts."""


def paused(pauses: Sequence[Pause], behavior: PauseBehavior, at: int) -> tuple[Pause, ...]:
    """With one more, from `at` on; one that lasts ends with it."""
    return (*resumed(pauses, at), Pause(behavior, at))


def resumed(pauses: Sequence[Pause], at: int) -> tuple[Pause, ...]:
    """With none that lasts."""
    if pauses and not pauses[-1].ended_at:
        return (*pauses[:-1], replace(pauses[-1], ended_at=max(at, pauses[-1].began_at)))
    return tuple(pauses)


def silences(started_at: int, pauses: Sequence[Pause]) -> list[Gap]:
    """The content of the file that was begun at `started_at`, with nothing of any pause in it. One that
    nobody saw the end of is left out."""
    gaps, written, since = list[Gap](), 0, started_at
    for pause in pauses:
        written += max(0, pause.began_at - since)
        since = max(pause.began_at, pause.ended_at, since)
        if pause.behavior == "silence" and pause.ended_at > pause.began_at:
            gaps.append(Gap(written / 1_000_000, (pause.ended_at - pause.began_at) / 1_000_000))
    return gaps
