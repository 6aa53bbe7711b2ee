"""Checks after the demo, computed from the callbacks and the sound at the phones. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.demo.application import Callback
from orchestrator.demo.callers import MUSIC, PLACES, Caller, Callers
from orchestrator.demo.scenario import CallerActions
from orchestrator.demo.watch import Sample

# The 200 ms that a phone's measurement looks back, one sample, and a busy machine.
TOLERANCE_SECONDS = 1.0
MODERATOR_LEFT = "participant-with-end-conference-on-exit-left"


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen. `deaf` says why the sound cannot be measured; empty: it can."""

    callers: Callers
    callbacks: Sequence[Callback]
    heard: Mapping[str, Sequence[Sample]]
    acted: CallerActions
    ended: frozenset[str]
    leftovers: Sequence[str]
    deaf: str = ""

    def of(self, caller: Caller, event: str = "") -> list[Callback]:
        return [
            callback
            for callback in self.callbacks
            if callback.caller == caller.number and event in ("", callback.event)
        ]

    def first(self, event: str) -> Callback | None:
        return next((callback for callback in self.callbacks if callback.event == event), None)

    def times(self, caller: Caller, sound: str) -> list[float]:
        """When `caller` heard `sound`."""
        return [at for at, sounds in self.heard[caller.name] if sound in sounds]


@dataclass(frozen=True)
class Check:
    """`claim` is what should be. `problem` is why it is not; `unseen` why nobody can say."""

    claim: str
    found: str = ""
    problem: str = ""
    unseen: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem


def all_checks(evidence: Evidence) -> list[Check]:
    return [_run(check, evidence) for check in _CHECKS]


class _Wrong(Exception):
    """The text says what is not as it should be."""


Proof = Callable[[Evidence], str]
"""Gives what it found; raises _Wrong."""


def _run(check: tuple[str, bool, Proof], evidence: Evidence) -> Check:
    claim, with_ears, proof = check
    if with_ears and evidence.deaf:
        return Check(claim, unseen=evidence.deaf)
    try:
        return Check(claim, found=proof(evidence))
    except _Wrong as wrong:
        return Check(claim, problem=str(wrong))


def _need(condition: bool, problem: str) -> None:
    if not condition:
        raise _Wrong(problem)


def _joins_and_leaves(evidence: Evidence) -> str:
    for caller in evidence.callers.admitted:
        for event in ("participant-join", "participant-leave"):
            count = len(evidence.of(caller, event))
            _need(count == 1, f"{count} {event} of {caller.name}, not 1")
    events = Counter(callback.event for callback in evidence.callbacks)
    for event in ("conference-start", "conference-end"):
        _need(events[event] == 1, f"{events[event]} {event}, not 1")
    return ""


def _contiguous(evidence: Evidence) -> str:
    came = [callback.sequence for callback in evidence.callbacks]
    _need(bool(came), "no callback came")
    _need(came == list(range(len(came))), f"they came as {', '.join(map(str, came))}")
    return f"0 to {came[-1]}"


def _verified(evidence: Evidence) -> str:
    false = [f"#{callback.sequence}" for callback in evidence.callbacks if not callback.verified]
    _need(bool(evidence.callbacks), "no callback came")
    _need(not false, f"not on {', '.join(false)}")
    return f"{len(evidence.callbacks)} callbacks"


def _music(evidence: Evidence) -> str:
    start = evidence.first("conference-start")
    if start is None:
        raise _Wrong("the conference never started")
    for caller in evidence.callers.everybody:
        times = evidence.times(caller, MUSIC)
        if not caller.waits:
            _need(not times, f"{caller.name} need not wait and heard music")
            continue
        _need(bool(times) and times[0] < start.happened_at, f"{caller.name} heard none")
        late = times[-1] - start.happened_at
        _need(late < TOLERANCE_SECONDS, f"{caller.name} still heard it {late:.1f} s after the start")
    return ", ".join(caller.name for caller in evidence.callers.everybody if caller.waits)


def _voices(evidence: Evidence) -> str:
    names = []
    for name, began, ended in evidence.acted.spoke:
        speaker = next(caller for caller in evidence.callers.admitted if caller.name == name)
        if speaker is evidence.callers.ben:
            continue
        names.append(name)
        for listener in evidence.callers.admitted:
            heard = any(began <= at <= ended + TOLERANCE_SECONDS for at in evidence.times(listener, name))
            if listener is speaker:
                _need(not heard, f"{name} heard an echo of herself or himself")
            else:
                _need(heard, f"{listener.name} did not hear {name}")
    _need(len(names) == 3, f"{len(names)} of 3 spoke")
    return ", ".join(names)


def _muted(evidence: Evidence) -> str:
    ben = evidence.callers.ben
    seconds = sum(ended - began for name, began, ended in evidence.acted.spoke if name == ben.name)
    _need(seconds > 0, f"{ben.name} never spoke")
    for listener in evidence.callers.everybody:
        _need(not evidence.times(listener, ben.name), f"{listener.name} heard {ben.name}")
    return f"{ben.name} spoke {seconds:.1f} s"


def _unheard_of(evidence: Evidence) -> str:
    """The callbacks' side of `_refused`."""
    received = evidence.of(evidence.callers.eve)
    _need(not received, f"{received[0].event if received else ''} of {evidence.callers.eve.name}")
    return f"{PLACES} places, no callback of {evidence.callers.eve.name}"


def _refused_goes_on(evidence: Evidence) -> str:
    eve = evidence.callers.eve
    voices = {caller.name for caller in evidence.callers.admitted}
    overheard = sorted(voices & {name for _, sounds in evidence.heard[eve.name] for name in sounds})
    _need(not overheard, f"{eve.name} heard {', '.join(overheard)}")
    _need(bool(evidence.times(eve, eve.after)), f"{eve.name} did not hear what stands behind her <Dial>")
    _need(eve.name in evidence.ended, f"{eve.name}'s call did not end")
    return ""


def _ended_by_moderator(evidence: Evidence) -> str:
    cleo = evidence.callers.cleo
    end = evidence.first("conference-end")
    joined = evidence.of(cleo, "participant-join")
    if end is None or not joined:
        raise _Wrong("it did not end" if joined else f"{cleo.name} never joined")
    reason = end.fields.get("ReasonConferenceEnded", "")
    _need(reason == MODERATOR_LEFT, f"the reason given is {reason or 'none'}")
    by, sid = end.fields.get("CallSidEndingConference"), joined[0].fields["CallSid"]
    _need(by == sid, f"CallSidEndingConference is {by}, and {cleo.name} is {sid}")
    after = end.happened_at - evidence.acted.hung_up.get(cleo.name, float("inf"))
    _need(after > -TOLERANCE_SECONDS, f"it ended before {cleo.name} hung up")
    _need(after < 3, f"it ended {after:.1f} s after {cleo.name} hung up")
    return f"{max(0.0, after) * 1000:.0f} ms after the hangup"


def _others_go_on(evidence: Evidence) -> str:
    names = []
    for caller in evidence.callers.admitted:
        if caller is evidence.callers.cleo:
            continue
        times = evidence.times(caller, caller.after)
        _need(bool(times), f"{caller.name} did not hear what stands behind the <Dial>")
        left = evidence.of(caller, "participant-leave")
        early = bool(left) and times[0] < left[0].happened_at - TOLERANCE_SECONDS
        _need(not early, f"{caller.name}'s document went on before the conference ended")
        _need(caller.name in evidence.ended, f"{caller.name}'s call did not end with its document")
        names.append(caller.name)
    return ", ".join(names)


def _nothing_left(evidence: Evidence) -> str:
    _need(not evidence.leftovers, "; ".join(evidence.leftovers))
    return ""


_CHECKS: tuple[tuple[str, bool, Proof], ...] = (
    ("each of the four joined once and left once; one start, one end", False, _joins_and_leaves),
    ("sequence numbers without a gap, in order", False, _contiguous),
    ("every callback's signature is genuine", False, _verified),
    ("who waited heard music, until the start", True, _music),
    ("who spoke was heard by all the others", True, _voices),
    ("the muted one was heard by nobody", True, _muted),
    ("the fifth was refused by maxParticipants", False, _unheard_of),
    ("the fifth's document went on, and then hung up", True, _refused_goes_on),
    ("the moderator's hangup ended the conference", False, _ended_by_moderator),
    ("the others heard their documents go on", True, _others_go_on),
    ("nothing is left over on the switch", False, _nothing_left),
)
