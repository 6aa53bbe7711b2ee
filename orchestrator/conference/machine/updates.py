"""Changes of a participant from outside: mute, hold, coaching, how it leaves and waits."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.audio import ENTER_BEEPS, hold_of, stop_talking_unreported
from orchestrator.conference.machine.effects import RelateNospeak, SetMute, StartWaiting
from orchestrator.conference.machine.events import Hold, Modify, Mute
from orchestrator.conference.machine.state import Participant, ParticipantOptions, Phase
from orchestrator.conference.machine.transition import Transition
from orchestrator.types import Beep


def mute(transition: Transition, event: Mute) -> None:
    participant = _updatable(transition, event.call_sid)
    if participant is None or participant.options.muted is event.on:
        return
    options = replace(participant.options, muted=event.on)
    participant = transition.put(replace(participant, options=options, changed_at=event.at))
    # In FreeSWITCH, unmuting ends a hold (conference_api.c): a held one is unmuted when its hold ends.
    if participant.phase is Phase.IN and not participant.held:
        transition.effects.append(SetMute(participant.member_id, event.on))
    _report_change(
        transition, "participant-mute" if event.on else "participant-unmute", event.at, participant
    )
    if event.on:
        stop_talking_unreported(transition, participant, event.at)


def hold(transition: Transition, event: Hold) -> None:
    """Once more with other music, only that changes."""
    was = _updatable(transition, event.call_sid)
    music = (event.url, event.method) if event.on else ("", "GET")
    if was is None or (was.held, was.hold_url, was.hold_method) == (event.on, *music):
        return
    participant = transition.put(
        replace(
            was,
            held=event.on,
            hold_url=music[0],
            hold_method=music[1],
            holds=was.holds + (was.held is not event.on),
            changed_at=event.at,
        )
    )
    if participant.phase is Phase.WAITING:
        # On hold it hears what hold sounds like, also while it waits.
        transition.effects.append(StartWaiting(participant))
    if participant.phase is Phase.IN:
        transition.effects.append(hold_of(participant))
        if not event.on:
            transition.effects.append(SetMute(participant.member_id, participant.options.muted))
    if was.held is event.on:
        return
    _report_change(
        transition, "participant-hold" if event.on else "participant-unhold", event.at, participant
    )
    if event.on:
        stop_talking_unreported(transition, participant, event.at)


def modify(transition: Transition, event: Modify) -> None:
    was = _updatable(transition, event.call_sid)
    if was is None:
        return
    options = _modified(transition, was.options, event)
    if options == was.options:
        return
    participant = transition.put(replace(was, options=options, changed_at=event.at))
    if participant.phase is Phase.WAITING and not was.held and _wait_of(options) != _wait_of(was.options):
        transition.effects.append(StartWaiting(participant))
    _report_change(transition, "participant-modify", event.at, participant)
    if participant.phase is Phase.IN and options.coach != was.options.coach:
        _change_coach(transition, participant, was.options.coach, event.at)


def _modified(transition: Transition, options: ParticipantOptions, event: Modify) -> ParticipantOptions:
    """Nobody coaches itself, or somebody who is not there."""
    coach = event.coach
    if coach is None or (coach and (coach == event.call_sid or not _is_present(transition, coach))):
        coach = options.coach
    waits = (event.wait_url, event.wait_method) if event.wait_url is not None else _wait_of(options)
    return replace(
        options,
        end_on_exit=options.end_on_exit if event.end_on_exit is None else event.end_on_exit,
        beep=options.beep if event.beep_on_exit is None else _beep(options.beep, event.beep_on_exit),
        coach=coach,
        wait_url=waits[0],
        wait_method=waits[1],
    )


def _wait_of(options: ParticipantOptions) -> tuple[str | None, str]:
    return options.wait_url, options.wait_method


def _beep(beep: Beep, on_exit: bool) -> Beep:
    """The half of `beep` that is about leaving, made anew."""
    if beep in ENTER_BEEPS:
        return "true" if on_exit else "onEnter"
    return "onExit" if on_exit else "false"


def _change_coach(transition: Transition, participant: Participant, coached_before: str, at: int) -> None:
    """Each listener that it was shut off from hears it again, unless it is shut off from that one now too."""
    coached, silenced = participant.options.coach, False
    for other in transition.inside:
        if other.call_sid == participant.call_sid:
            continue
        before = bool(coached_before) and other.call_sid != coached_before
        now = bool(coached) and other.call_sid != coached
        if before is not now:
            transition.effects.append(RelateNospeak(participant.member_id, other.member_id, now))
            silenced = silenced or now
    if silenced:
        stop_talking_unreported(transition, participant, at)


def _is_present(transition: Transition, call_sid: str) -> bool:
    participant = transition.participants.get(call_sid)
    return participant is not None and not participant.called


def _updatable(transition: Transition, call_sid: str) -> Participant | None:
    """The participant, unless it was ordered out or has not answered: those are not muted or held."""
    participant = transition.participants.get(call_sid)
    there = participant is not None and participant.phase not in (Phase.LEAVING, Phase.DIALLED)
    return participant if there else None


def _report_change(transition: Transition, name: str, at: int, participant: Participant) -> None:
    """A participant that may still be refused is not named; its join callback has its state."""
    if participant.join_sent:
        transition.send_callback(name, at, participant.caller, participant)
