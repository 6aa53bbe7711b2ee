"""What somebody outside changes about a participant: mute, hold, coaching, how it leaves and waits."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.audio import ENTER_BEEPS, hold_of, speaks_no_more
from orchestrator.conference.machine.effects import Relate, SetMute, StartWaiting
from orchestrator.conference.machine.events import Hold, Modify, Mute
from orchestrator.conference.machine.state import Participant, Phase, Wish
from orchestrator.conference.machine.transition import Move
from orchestrator.types import Beep


def mute(move: Move, event: Mute) -> None:
    participant = _steerable(move, event.call_sid)
    if participant is None or participant.wish.muted is event.on:
        return
    wish = replace(participant.wish, muted=event.on)
    participant = move.put(replace(participant, wish=wish, changed_at=event.at))
    # In FreeSWITCH, unmuting ends a hold (conference_api.c): a held one is unmuted when its hold ends.
    if participant.phase is Phase.IN and not participant.held:
        move.effects.append(SetMute(participant.member_id, event.on))
    _tell_change(move, "participant-mute" if event.on else "participant-unmute", event.at, participant)
    if event.on:
        speaks_no_more(move, participant, event.at)


def hold(move: Move, event: Hold) -> None:
    """Once more with other music, only that changes."""
    was = _steerable(move, event.call_sid)
    music = (event.url, event.method) if event.on else ("", "GET")
    if was is None or (was.held, was.hold_url, was.hold_method) == (event.on, *music):
        return
    participant = move.put(
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
        move.effects.append(StartWaiting(participant))
    if participant.phase is Phase.IN:
        move.effects.append(hold_of(participant))
        if not event.on:
            move.effects.append(SetMute(participant.member_id, participant.wish.muted))
    if was.held is event.on:
        return
    _tell_change(move, "participant-hold" if event.on else "participant-unhold", event.at, participant)
    if event.on:
        speaks_no_more(move, participant, event.at)


def modify(move: Move, event: Modify) -> None:
    was = _steerable(move, event.call_sid)
    if was is None:
        return
    wish = _modified(move, was.wish, event)
    if wish == was.wish:
        return
    participant = move.put(replace(was, wish=wish, changed_at=event.at))
    if participant.phase is Phase.WAITING and not was.held and _waits(wish) != _waits(was.wish):
        move.effects.append(StartWaiting(participant))
    _tell_change(move, "participant-modify", event.at, participant)
    if participant.phase is Phase.IN and wish.coach != was.wish.coach:
        _coach(move, participant, was.wish.coach, event.at)


def _modified(move: Move, wish: Wish, event: Modify) -> Wish:
    """Nobody coaches itself, or somebody who is not there."""
    coach = event.coach
    if coach is None or (coach and (coach == event.call_sid or not _is_present(move, coach))):
        coach = wish.coach
    waits = (event.wait_url, event.wait_method) if event.wait_url is not None else _waits(wish)
    return replace(
        wish,
        end_on_exit=wish.end_on_exit if event.end_on_exit is None else event.end_on_exit,
        beep=wish.beep if event.beep_on_exit is None else _beep(wish.beep, event.beep_on_exit),
        coach=coach,
        wait_url=waits[0],
        wait_method=waits[1],
    )


def _waits(wish: Wish) -> tuple[str | None, str]:
    return wish.wait_url, wish.wait_method


def _beep(beep: Beep, on_exit: bool) -> Beep:
    """The half of `beep` that is about leaving, made anew."""
    if beep in ENTER_BEEPS:
        return "true" if on_exit else "onEnter"
    return "onExit" if on_exit else "false"


def _coach(move: Move, participant: Participant, coached_before: str, at: int) -> None:
    """Whom it was shut off from hears it again, unless it is shut off from that one now too."""
    coached, silenced = participant.wish.coach, False
    for other in move.inside:
        if other.call_sid == participant.call_sid:
            continue
        before = bool(coached_before) and other.call_sid != coached_before
        now = bool(coached) and other.call_sid != coached
        if before is not now:
            move.effects.append(Relate(participant.member_id, other.member_id, now))
            silenced = silenced or now
    if silenced:
        speaks_no_more(move, participant, at)


def _is_present(move: Move, call_sid: str) -> bool:
    participant = move.participants.get(call_sid)
    return participant is not None and not participant.called


def _steerable(move: Move, call_sid: str) -> Participant | None:
    """Whoever is ordered out is no longer muted or held, and nobody is who has not answered."""
    participant = move.participants.get(call_sid)
    there = participant is not None and participant.phase not in (Phase.LEAVING, Phase.DIALLED)
    return participant if there else None


def _tell_change(move: Move, name: str, at: int, participant: Participant) -> None:
    """Who may still be refused is not named; its join tells how it stands."""
    if participant.told:
        move.tell(name, at, participant.caller, participant)
