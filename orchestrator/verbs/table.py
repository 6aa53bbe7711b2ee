"""The table of verbs: each of orchestrator.texml has its `run` and its `resume` here."""

from __future__ import annotations

from orchestrator.calls.verb_executor import Executor, anew
from orchestrator.texml import Dial, Gather, Hangup, Leave, Pause, Play, Record, Redirect, Reject, Say, Verb
from orchestrator.verbs.dial import dial, resume_dial
from orchestrator.verbs.gather import gather
from orchestrator.verbs.play import pause, play, resume_pause, resume_play, say
from orchestrator.verbs.record import record, resume_record
from orchestrator.verbs.redirect import hangup, leave, redirect, reject

VERBS: dict[type[Verb], Executor] = {
    Dial: Executor(dial, resume_dial, finish=resume_dial),
    Gather: Executor(gather, anew(gather)),
    Hangup: Executor(hangup, anew(hangup)),
    Leave: Executor(leave, anew(leave)),
    Pause: Executor(pause, resume_pause),
    Play: Executor(play, resume_play),
    Record: Executor(record, resume_record, finish=resume_record),
    Redirect: Executor(redirect, anew(redirect)),
    Reject: Executor(reject, anew(reject)),
    Say: Executor(say, anew(say)),
}
