"""Dial's Conference noun: ask the room, wait for what it decides, and go on afterwards."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import gevent

from orchestrator.calls.call import Call
from orchestrator.clock import now
from orchestrator.conference.live.participant_leg import ConferenceOutcome, ParticipantLeg
from orchestrator.conference.machine.events import Remove
from orchestrator.conference.machine.state import (
    ConferenceOptions,
    LeaveReason,
    ParticipantOptions,
    RecordingOptions,
    Rejection,
)
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import (
    EndCall,
    FetchDocument,
    NextAction,
    Redirected,
    RunDocument,
)
from orchestrator.esl.errors import LegGone
from orchestrator.fsconfig.conference_profiles import TalkEvents, room_profile
from orchestrator.texml import Conference, Dial
from orchestrator.verbs.dial_result import dial_result
from orchestrator.verbs.relayed_conference import (
    RELAY,
    LeftTheRoom,
    resume_elsewhere,
    take_part_elsewhere,
)
from orchestrator.verbs.wait_audio import hold_music, wait_music

STAR = "*"
TRIES: Final = 3
AGAIN_SECONDS: Final = 0.2
GONE_SECONDS = 5.0


class OnAnotherNode(Exception):
    """The room of this name is on another node than the call."""


def dial_conference(call: Call, verb: Dial, noun: Conference) -> NextAction:
    return _join(call, verb, noun, now())


def resume_conference(call: Call, verb: Dial, noun: Conference) -> NextAction:
    """With the place in the room that it had asked for, if it had; its time limit has been running."""
    if call.recall(RELAY):
        outcome = _elsewhere(call, verb, lambda: resume_elsewhere(call))
        if outcome is not None:
            return _end(call, verb, outcome)
    elif call.services.rooms.remembers(call.sid):
        return _take_part(call, verb, noun, call.stored.since, _resume)
    return _join(call, verb, noun, call.stored.since)


def _join(call: Call, verb: Dial, noun: Conference, began: int) -> NextAction:
    """On the node of its room, which may be another one each time that it is looked up. `began`: the verb, in
    microseconds since the epoch."""
    for _ in range(TRIES):
        try:
            return _take_part(call, verb, noun, began, _enter)
        except OnAnotherNode as found:
            home = str(found)
        if call.relayed is not None:
            return _report(call, ConferenceOutcome(moved=True))
        take_part = partial(take_part_elsewhere, call, verb, noun, home, _left(verb, began))
        outcome = _elsewhere(call, verb, take_part)
        if outcome is not None:
            return _end(call, verb, outcome)
        gevent.sleep(AGAIN_SECONDS)
    call.fault("the node of the conference did not take the call", node=home, line=noun.line)
    return _end(call, verb, ConferenceOutcome(refused=Rejection.ENDED))


def _left(verb: Dial, began: int) -> float:
    """Of its time limit, in seconds."""
    return max(0.0, verb.time_limit - (now() - began) / 1_000_000)


def _home(call: Call, noun: Conference) -> str:
    """The node of its room; one that was dialled for a room was dialled there."""
    services = call.services
    if call.stored.dialled_into:
        return services.node.name
    return services.directory.home(call.account_sid, noun.name, services.node.name)


def _elsewhere(
    call: Call, verb: Dial, take_part: Callable[[], ConferenceOutcome | None]
) -> ConferenceOutcome | None:
    try:
        return take_part()
    except LeftTheRoom:
        _request_action(call, verb)
        raise


def _enter(call: Call, participant_leg: ParticipantLeg, noun: Conference) -> None:
    """Ask the room for a place. Raises OnAnotherNode."""
    leg, settings = call.leg, call.services.settings
    leg.stop_leftover_playback()
    # Nobody joins what cannot be reached: FreeSWITCH may be gone, and this call with it.
    call.services.wait_until_connected()
    if leg.gone:
        raise LegGone(leg.hangup_cause)
    # From here on nothing yields: no other node can open a room of the name in between.
    home = _home(call, noun)
    if home != call.services.node.name:
        raise OnAnotherNode(home)
    if call.recall(RELAY):
        call.note(**{RELAY: ""})
    conference_options = conference_options_of(call, noun)
    always = settings.conference.talking_events == "always"
    profile = settings.profile_for(call.application, noun.name).name
    call.services.rooms.request_join(
        participant_leg,
        call.caller,
        participant_options_of(noun),
        call.account_sid,
        noun.name,
        conference_options,
        room_profile(profile, _talk_events(conference_options, always=always)),
        call.stored.dialled_into,
    )


def _resume(call: Call, participant_leg: ParticipantLeg, noun: Conference) -> None:
    rooms = call.services.rooms
    if call.leg.current_application[0] != "conference" and rooms.is_joining(call.sid):
        call.leg.stop_leftover_playback()
    if not rooms.resume(participant_leg):
        _enter(call, participant_leg, noun)


def _take_part(
    call: Call,
    verb: Dial,
    noun: Conference,
    began: int,
    enter: Callable[[Call, ParticipantLeg, Conference], None],
) -> NextAction:
    """Until the room has decided, at most as long as the Dial lasts; and what follows. Raises what `enter`
    raises."""
    leg, rooms = call.leg, call.services.rooms
    if leg.gone:
        # It hung up in the very turn of the hub that brought the document: no event would free its place.
        raise LegGone(leg.hangup_cause)
    participant_leg = ParticipantLeg(
        call.sid,
        leg,
        lambda participant: wait_music(call, participant_leg, noun, participant),
        lambda url, method: hold_music(call, participant_leg, noun, url, method),
    )

    def on_digit(digit: str) -> None:
        if digit == STAR:
            _leave(call, participant_leg)

    if verb.hangup_on_star and call.dialect.hangup_on_star:
        leg.on_digit.append(on_digit)
    try:
        enter(call, participant_leg, noun)
        outcome = participant_leg.wait(_left(verb, began))
        if outcome is None:
            # It may be out already, and we have stood still since.
            call.services.connection.wait_current()
            outcome = participant_leg.wait(0)
        if outcome is None:
            call.log.info("time limit", room=participant_leg.room_sid, seconds=verb.time_limit)
            _leave(call, participant_leg)
            outcome = participant_leg.wait()
    except Redirected:
        # By REST: it belongs to the room no more, and its Dial asks for no action.
        rooms.dispatch(participant_leg.room_sid, Remove(now(), call.sid, LeaveReason.UPDATED_VIA_API))
        participant_leg.wait(GONE_SECONDS)
        raise
    except LegGone:
        # Mostly the room knows; not where FreeSWITCH parked a call after it had said that it hung up.
        one = rooms.participant(call.sid)
        if one is not None and not one.call_over:
            rooms.leg_gone(leg.uuid)
        if participant_leg.room_sid:
            _request_action(call, verb)
        raise
    finally:
        if on_digit in leg.on_digit:
            leg.on_digit.remove(on_digit)
    if outcome is None or outcome == ConferenceOutcome():
        # Out of the room with its call: whatever FreeSWITCH has yet to say of it, no document goes on.
        leg.ended.wait(GONE_SECONDS)
        if participant_leg.room_sid:
            _request_action(call, verb)
        raise LegGone(leg.hangup_cause)
    if call.relayed is not None:
        return _report(call, outcome)
    return _go_on(verb, outcome)


def _report(call: Call, outcome: ConferenceOutcome) -> NextAction:
    """To the caller's own node, where its document goes on."""
    assert call.relayed is not None
    outcome = outcome._replace(cookies=call.stored_cookies, onward=call.stored.onward)
    call.services.relays.report(call.relayed.node, call.sid, outcome)
    return EndCall()


def _end(call: Call, verb: Dial, outcome: ConferenceOutcome) -> NextAction:
    """Of a room on another node. Raises LegGone and Redirected."""
    if outcome == ConferenceOutcome():
        call.leg.hangup()
        call.leg.ended.wait(GONE_SECONDS)
        _request_action(call, verb)
        raise LegGone(call.leg.hangup_cause)
    if (onward := outcome.onward) is not None:
        document = Fetched(onward.url, onward.content_type, onward.body)
        call.go_on_with(RunDocument(document, onward.verb))
    return _go_on(verb, outcome)


def _request_action(call: Call, verb: Dial) -> None:
    """Where a setting says so; whatever it answers, there is nobody left to do it to."""
    action = dial_result(verb, "answered", bridged=True)
    if isinstance(action, FetchDocument) and call.dialect.action_after_hangup:
        call.finish_later(lambda: call.notify(action))


def _leave(call: Call, participant_leg: ParticipantLeg) -> None:
    call.services.rooms.dispatch(participant_leg.room_sid, Remove(now(), call.sid))


def _go_on(verb: Dial, outcome: ConferenceOutcome) -> NextAction:
    if outcome == ConferenceOutcome():
        return EndCall()
    if outcome.refused is not None:
        return dial_result(verb, "failed", bridged=False)
    return dial_result(verb, "answered", bridged=True)


def _talk_events(conference_options: ConferenceOptions, *, always: bool) -> TalkEvents:
    recording = conference_options.recording
    if always or "speaker" in conference_options.status_callback_event or (recording and recording.timeout):
        return conference_options.speaker_mode
    return "none"


def participant_options_of(noun: Conference) -> ParticipantOptions:
    return ParticipantOptions(
        muted=noun.muted,
        start_on_enter=noun.start_conference_on_enter,
        end_on_exit=noun.end_conference_on_exit,
        beep=noun.beep,
        label=noun.participant_label or "",
        coach=noun.coach or "",
    )


def conference_options_of(call: Call, noun: Conference) -> ConferenceOptions:
    callback, dialect = noun.status_callback, call.dialect
    return ConferenceOptions(
        max_participants=noun.max_participants,
        min_participants_to_start=dialect.min_participants_to_start,
        join_while_waiting=dialect.join_while_waiting,
        status_callback=call.services.resolve(call.document_url, callback) if callback else "",
        status_callback_method=noun.status_callback_method,
        status_callback_event=noun.status_callback_event if callback else frozenset(),
        speaker_mode=call.services.settings.conference.speaker_mode,
        first_sequence=dialect.first_sequence,
        style=call.style,
        recording=_recording_options_of(call, noun) if noun.record == "record-from-start" else None,
    )


def _recording_options_of(call: Call, noun: Conference) -> RecordingOptions:
    callback = noun.recording_status_callback
    return RecordingOptions(
        beep=noun.record_beep,
        timeout=noun.recording_timeout,
        trim=noun.trim == "trim-silence",
        send_url=noun.send_recording_url,
        status_callback=call.services.resolve(call.document_url, callback) if callback else "",
        status_callback_method=noun.recording_status_callback_method,
        status_callback_event=noun.recording_status_callback_event if callback else frozenset(),
    )
