"""Dialplan applications that need no sound (mod_dptools.c), and the table of all of them."""

from __future__ import annotations

from functools import partial

from orchestrator.emulator.bridge import bridge
from orchestrator.emulator.causes import cause_name
from orchestrator.emulator.conference import Conferences
from orchestrator.emulator.conference_app import conference
from orchestrator.emulator.playback import (
    playback,
    sleep,
    speak,
)
from orchestrator.emulator.recorder import record
from orchestrator.emulator.registry import Registry
from orchestrator.emulator.session import Application, Session
from orchestrator.emulator.session_recording import (
    record_session,
    stop_record_session,
)


def _set_one(session: Session, pair: str) -> None:
    name, equals, value = pair.partition("=")
    if not equals or value == "undef":
        session.set(name.strip(), None)
    else:
        session.set(name.strip(), value)


def set_(session: Session, argument: str) -> None:
    if argument:
        _set_one(session, argument)


def multiset(session: Session, argument: str) -> None:
    """`^^;a=1;b=2`, or pairs between spaces."""
    delimiter = " "
    if argument.startswith("^^") and len(argument) > 2:
        delimiter, argument = argument[2], argument[3:]
    for pair in argument.split(delimiter):
        if pair:
            _set_one(session, pair)


def unset(session: Session, argument: str) -> None:
    session.set(argument, None)


def answer(session: Session, argument: str) -> None:
    session.answer()


def ring_ready(session: Session, argument: str) -> None:
    session.ring_ready()


def hangup(session: Session, argument: str) -> None:
    session.hangup(cause_name(argument) if argument else "NORMAL_CLEARING")


def park(session: Session, argument: str) -> None:
    """Wait for commands; `park_timeout=<seconds>:<cause>` ends the waiting and the call (switch_ivr_park)."""
    if session.controlled:
        return
    until: float | None = None
    cause = "NORMAL_CLEARING"
    if timeout := session.get("park_timeout"):
        seconds, _, named = timeout.partition(":")
        cause = cause_name(named) if named else cause
        until = session.core.clock.now() + int(seconds or 0)
        session.set("park_timeout", None)
        session.set("park_after_bridge", None)
    session.controlled = session.parked = True
    session.fire("CHANNEL_PARK")
    while not session.down and session.controlled and session.parked:
        session.run_messages()
        if session.digits and not session.down:
            session.next_digit()
            session.wake()
        elif not session.down:
            session.wait(until)
        if until is not None and session.core.clock.now() >= until:
            session.hangup(cause)
    session.controlled = session.parked = False
    session.fire("CHANNEL_UNPARK")


def eavesdrop(session: Session, argument: str) -> None:
    """`<uuid>`: both sides of that leg, until either is over (switch_ivr_eavesdrop_session)."""
    target = session.sessions.locate(argument)
    if target is None or target is session:
        return
    target.eavesdroppers.append(session)
    target.on_down.append(session.wake)
    session.eavesdrops = target
    for leg in (session, target, target.partner):
        if leg is not None and leg.phone is not None:
            leg.phone.listen()
    while not (session.down or target.down):
        session.run_messages()
        session.digits.clear()
        if not (session.down or target.down):
            session.wait()
    session.eavesdrops = None
    target.eavesdroppers.remove(session)
    if session.wake in target.on_down:
        target.on_down.remove(session.wake)
    for leg in (session, target, target.partner):
        if leg is not None and leg.phone is not None:
            leg.phone.listen()


def keys(argument: str) -> str:
    """`12w3@100`: the digits, without pauses and length."""
    return "".join(digit for digit in argument.partition("@")[0] if digit in "0123456789*#ABCDabcd")


def send_dtmf(session: Session, argument: str) -> None:
    if session.phone:
        session.phone.receive(keys(argument))


def start_dtmf(session: Session, argument: str) -> None:
    """Tones among what its phone says are digits from now on."""
    session.detects_tones = True


def sched_hangup(session: Session, argument: str) -> None:
    """`[+]<seconds> [<cause>]`."""
    when, _, rest = argument.partition(" ")
    cause = cause_name(rest.split()[0]) if rest.split() else "ALLOTTED_TIMEOUT"
    seconds = int(when.lstrip("+") or 0)
    if not when.startswith("+"):
        seconds = int(seconds - session.core.clock.now())
    if seconds <= 0:
        session.hangup(cause)
    else:
        session.core.schedule(seconds, session.uuid, session.hangup, cause)


def sched_cancel(session: Session, argument: str) -> None:
    session.core.unschedule(argument or session.uuid)


def nothing(session: Session, argument: str) -> None:
    """log, info, export …: no effect that can be seen on the event socket here."""


def applications(conferences: Conferences, phones: Registry) -> dict[str, Application]:
    """By name; `bridge` reaches those phones."""
    return {
        "answer": Application(answer, media=False),
        "ring_ready": Application(ring_ready, media=False),
        "hangup": Application(hangup, media=False),
        "park": Application(park, media=False),
        "set": Application(set_, media=False),
        "multiset": Application(multiset, media=False),
        "unset": Application(unset, media=False),
        "export": Application(set_, media=False),
        "log": Application(nothing, media=False),
        "info": Application(nothing, media=False),
        "sleep": Application(sleep, media=False),
        "playback": Application(playback, media=True),
        "speak": Application(speak, media=True),
        "record": Application(record, media=True),
        "record_session": Application(record_session, media=True),
        "stop_record_session": Application(stop_record_session, media=False),
        "conference": Application(partial(conference, conferences), media=True),
        "bridge": Application(partial(bridge, phones), media=False),
        "eavesdrop": Application(eavesdrop, media=True),
        "send_dtmf": Application(send_dtmf, media=True),
        "start_dtmf": Application(start_dtmf, media=True),
        "sched_hangup": Application(sched_hangup, media=False),
        "sched_cancel": Application(sched_cancel, media=False),
    }
