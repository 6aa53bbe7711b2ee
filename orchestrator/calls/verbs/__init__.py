"""What each verb does to a call: one function a verb, one file an idea. `RUN` is the whole of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestrator.calls.steps import Step
from orchestrator.calls.verbs.dial import dial
from orchestrator.calls.verbs.flow import hangup, leave, redirect, reject
from orchestrator.calls.verbs.gather import gather
from orchestrator.calls.verbs.record import record
from orchestrator.calls.verbs.sound import pause, play, say
from orchestrator.texml import Dial, Gather, Hangup, Leave, Pause, Play, Record, Redirect, Reject, Say, Verb

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

RUN: dict[type[Verb], Callable[[Call, Any], Step]] = {
    Dial: dial,
    Gather: gather,
    Hangup: hangup,
    Leave: leave,
    Pause: pause,
    Play: play,
    Record: record,
    Redirect: redirect,
    Reject: reject,
    Say: say,
}


def run_verb(call: Call, verb: Verb) -> Step:
    """Blocks until it is through. Raises LegGone when the caller hangs up, Unreachable with the socket."""
    return RUN[type(verb)](call, verb)
