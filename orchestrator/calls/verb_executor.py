"""The interface of a verb: `run`, and `resume` after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from orchestrator.documents.next_action import NextAction

Act = Callable[[Any, Any], NextAction]
"""Of a call and its verb. Blocks until the verb is through; None leads on to the next one. Raises LegGone
when the caller hangs up, Unreachable when the event socket is lost."""


class Executor(NamedTuple):
    """One verb."""

    run: Act
    resume: Act
    """It was begun by the last run of ours, or before the event socket was lost: FreeSWITCH is back, and may
    still be doing what `run` ordered (`Leg.current_application`). The facts that `run` needs then, it
    `remember`s."""
    finish: Act | None = None
    """It was begun by the last run of ours, and its caller has hung up since: nothing is asked any more, but
    what it left is brought to an end. None where it left nothing."""


def anew(run: Act) -> Act:
    """A `resume` for a verb that begins again: what it left playing is ended first."""

    def resume(call: Any, verb: Any) -> NextAction:
        call.leg.stop_leftover_playback()
        return run(call, verb)

    return resume
