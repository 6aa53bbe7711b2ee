"""`bridge`: legs towards other phones, joined to this one (switch_ivr_bridge.c)."""

from __future__ import annotations

from orchestrator.emulator.dialling import Attempt, dial
from orchestrator.emulator.playback import Ended, frames
from orchestrator.emulator.session import Session


def bridge(session: Session, argument: str) -> None:
    """A dial string; the leg is back when the other one hangs up, or when nobody answered."""
    session.set("last_bridge_hangup_cause", None)
    attempt = dial(session.core, argument, caller=session)
    session.set("originate_disposition", attempt.cause)
    if attempt.winner is None:
        _failed(session, attempt)
        return
    other = attempt.winner
    session.set("DIALSTATUS", "SUCCESS")
    session.set("originate_disposition", "SUCCESS")
    if not session.answer():
        other.hangup("ORIGINATOR_CANCEL")
        return
    _talk(session, other)


def _failed(session: Session, attempt: Attempt) -> None:
    status = {
        "USER_BUSY": "BUSY",
        "NO_ANSWER": "NOANSWER",
        "NO_USER_RESPONSE": "NOANSWER",
        "ORIGINATOR_CANCEL": "CANCEL",
        "CALL_REJECTED": "CANCEL",
        "INVALIDARGS": "INVALIDARGS",
    }.get(attempt.cause, "CHANUNAVAIL" if attempt.cause == "CHAN_NOT_IMPLEMENTED" else "CONGESTION")
    session.set("DIALSTATUS", status)
    session.set("bridge_hangup_cause", attempt.cause)
    session.set("current_application_response", attempt.cause)
    continues = session.get("continue_on_fail").lower()
    goes_on = continues in ("true", "yes", "on", "1") or attempt.cause.lower() in continues.split(",")
    if not goes_on and not session.controlled and not session.down:
        session.hangup(attempt.cause)


def _talk(session: Session, other: Session) -> None:
    core = session.core
    now = core.clock.micros()
    for one, two, kind in ((session, other, "originatee"), (other, session, "originator")):
        one.partner = two
        one.other_leg = (kind, two.profile)
        one.profile.times["Bridged"] = now
        one.set("bridge_channel", two.profile.channel_name)
        one.set("bridge_uuid", two.uuid)
        one.set("signal_bond", two.uuid)
    pair = [("Bridge-A-Unique-ID", session.uuid), ("Bridge-B-Unique-ID", other.uuid)]
    session.fire("CHANNEL_BRIDGE", pair)
    other.on_down.append(session.poke)
    while not session.down and not other.down:
        if frames_once(session) is Ended.GONE:
            break
        if other.digits:
            digit = other.next_digit()
            if session.phone:
                session.phone.receive(digit)
            other.poke()
    cause = other.hangup_cause if other.down else session.hangup_cause
    session.partner = other.partner = None
    session.set("bridge_hangup_cause", cause)
    session.fire("CHANNEL_UNBRIDGE", pair)
    other.hangup(session.hangup_cause if session.down else "NORMAL_CLEARING")
    if other.down and session.true("hangup_after_bridge"):
        session.hangup(other.hangup_cause)


def frames_once(session: Session) -> Ended:
    """One look at queue and digits, then wait for the next poke."""
    session.run_messages()
    if session.down:
        return Ended.GONE
    while session.digits:
        digit = session.next_digit()
        if session.partner and session.partner.phone:
            session.partner.phone.receive(digit)
    session.breaking = 0
    session.wait()
    return Ended.SUCCESS


__all__ = ["bridge", "frames"]
