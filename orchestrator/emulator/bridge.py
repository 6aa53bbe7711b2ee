"""`bridge`: another phone is called and joined to this leg (mod_dptools.c, switch_ivr_bridge.c)."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.emulator.causes import CODES
from orchestrator.emulator.events import Headers
from orchestrator.emulator.originate import Attempt, dial
from orchestrator.emulator.registry import Registry
from orchestrator.emulator.session import Session

# switch_ivr_originate.c; any other cause is its own DIALSTATUS
DIAL_STATUS = {
    "SUCCESS": "SUCCESS",
    "ORIGINATOR_CANCEL": "CANCEL",
    "USER_BUSY": "BUSY",
    "NO_ANSWER": "NOANSWER",
    "DESTINATION_OUT_OF_ORDER": "INVALIDARGS",
    "INVALID_PROFILE": "INVALIDARGS",
    "CALL_REJECTED": "DONTCALL",
}
ALWAYS_CONTINUE = ("NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL")


def bridge(phones: Registry, session: Session, argument: str) -> None:
    """A dial string; the leg is back when the other one hangs up, or when nobody answered."""
    if not argument:
        return
    session.set("originate_causes", None)
    attempt = dial(session.sessions, phones, argument, caller=session)
    session.set("originate_disposition", attempt.cause)
    session.set("DIALSTATUS", DIAL_STATUS.get(attempt.cause, attempt.cause))
    for leg in attempt.legs:
        session.push("originate_causes", f"{leg.uuid};{leg.hangup_cause or 'NONE'}")
    if attempt.winner is None:
        _failed(session, attempt)
        return
    other = attempt.winner
    if not (session.answer() if other.answered else session.pre_answer()):
        other.hangup("ORIGINATOR_CANCEL")
        other.close_soon()
        return
    other.on_answer = session.answer
    _join(session, other)


def _failed(session: Session, attempt: Attempt) -> None:
    if attempt.legs:
        last = attempt.legs[-1]
        session.set("originate_signal_bond", last.uuid)
        for name in ("sip_invite_failure_status", "sip_invite_failure_phrase"):
            session.set(name, last.get(name) or session.get(name))
        session.set("last_bridge_hangup_cause", last.hangup_cause)
        session.set("last_bridge_proto_specific_hangup_cause", last.get("proto_specific_hangup_cause"))
    session.set("originate_failed_cause", attempt.cause)
    if not _continues(session, attempt.cause):
        session.hangup(attempt.cause)


def _continues(session: Session, cause: str) -> bool:
    """switch_channel_handle_cause: `continue_on_fail` is true or lists causes by name or number."""
    wanted = session.get("continue_on_fail")
    if not wanted:
        return cause in ALWAYS_CONTINUE
    listed = wanted.lower().split(",")
    return session.true("continue_on_fail") or cause.lower() in listed or str(CODES.get(cause)) in listed


def _join(session: Session, other: Session) -> None:
    core = session.core
    now = core.clock.micros()
    session.profile.callee_name, session.profile.callee_number = (
        other.profile.callee_name,
        other.profile.callee_number,
    )
    session.other_leg = ("originatee", replace(other.profile, times=dict(other.profile.times)))
    session.profile.times["Bridged"] = other.profile.times["Bridged"] = now
    session.partner, other.partner = other, session
    session.set("signal_bond", other.uuid)
    other.set("call_uuid", session.uuid)
    pair = [("Bridge-A-Unique-ID", session.uuid), ("Bridge-B-Unique-ID", other.uuid)]
    session.fire("CHANNEL_BRIDGE", first=pair)
    for one, two in ((session, other), (other, session)):
        one.set("last_bridge_to", two.uuid)
        one.set("bridge_channel", two.profile.channel_name)
        one.set("bridge_uuid", two.uuid)
        one.set("signal_bond", two.uuid)
        one.set(
            "last_sent_callee_id_name",
            other.profile.callee_name if one is session else other.profile.cid_name,
        )
        one.set(
            "last_sent_callee_id_number",
            other.profile.destination if one is session else other.profile.cid_number,
        )
        one.on_down.append(two.wake)
        if one.phone is not None:
            one.phone.listen()
    core.spawn(_far_side, other)
    while not session.down and not other.down and not other.transfer:
        _look(session)
    if other.transfer:
        _let_go(session, other, pair)
        return
    cause = other.hangup_cause if other.down else session.hangup_cause
    if not other.down:
        other.hangup(session.hangup_cause)
    elif not session.down:
        session.set("last_bridge_hangup_cause", cause)
        # the other leg's thread reports before this one notices
        session.end_frame()
    session.set("bridge_hangup_cause", cause)
    session.partner = other.partner = None
    if session.phone is not None:
        session.phone.listen()
    session.on_down.remove(other.wake)
    session.fire("CHANNEL_UNBRIDGE", first=pair)
    if session.true("hangup_after_bridge"):
        session.hangup(cause)


def _let_go(session: Session, other: Session, pair: Headers) -> None:
    """The other leg has been transferred: both live on, each by itself."""
    session.partner = other.partner = None
    for one, two in ((session, other), (other, session)):
        one.on_down.remove(two.wake)
        if one.phone is not None:
            one.phone.listen()
    session.fire("CHANNEL_UNBRIDGE", first=pair)
    other.transfer_now.set()


def _far_side(leg: Session) -> None:
    """The other leg's thread: CS_EXCHANGE_MEDIA until it is hung up."""
    leg.enter("CS_EXCHANGE_MEDIA")
    while not leg.down and not leg.transfer:
        _look(leg)
    if leg.transfer and not leg.down:
        leg.transfer_now.wait()
        leg.script, leg.transfer = leg.transfer, ()
        leg.follow_script()
    else:
        leg.close()


def _look(leg: Session) -> None:
    """Queue and digits, which go to the other phone; then wait for the next wake."""
    leg.run_messages()
    while leg.digits and not leg.down:
        digit = leg.next_digit()
        if leg.partner is not None and leg.partner.phone is not None:
            leg.partner.phone.receive(digit)
    leg.breaking = 0
    if not leg.down:
        leg.wait()
