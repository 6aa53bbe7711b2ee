"""Call status callbacks: the progress of a call, for the URLs that subscribed to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from orchestrator.callbacks.media_quality import quality_of
from orchestrator.callbacks.payloads import (
    CallFacts,
    CallProgressEvent,
    CallStatus,
    call_fields,
)
from orchestrator.callbacks.twilio_fields import TwilioDirection
from orchestrator.conference.machine.state import Caller
from orchestrator.esl.events import Event, hangup_event
from orchestrator.store.message import Message
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.types import CallbackStyle, Method

EVENTS: dict[str, CallProgressEvent] = {
    "CHANNEL_CREATE": "initiated",
    "CHANNEL_PROGRESS": "ringing",
    "CHANNEL_PROGRESS_MEDIA": "ringing",
    "CHANNEL_ANSWER": "answered",
    "CHANNEL_HANGUP_COMPLETE": "completed",
}

# How a call ended that was never answered, by FreeSWITCH's cause; any other cause is a failure.
UNANSWERED: dict[str, CallStatus] = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no-answer",
    "NO_USER_RESPONSE": "no-answer",
    "ALLOTTED_TIMEOUT": "no-answer",
    "PROGRESS_TIMEOUT": "no-answer",
    "ORIGINATOR_CANCEL": "canceled",
    "LOSE_RACE": "canceled",
    "NORMAL_CLEARING": "canceled",
}

# mod_sofia's answers to an unanswered caller (hangup_cause_to_sip), which are in no event.
REFUSALS = {
    "CALL_REJECTED": "603",
    "INCOMPATIBLE_DESTINATION": "488",
    "NORMAL_TEMPORARY_FAILURE": "503",
    "ORIGINATOR_CANCEL": "487",
    "UNALLOCATED_NUMBER": "404",
    "USER_BUSY": "486",
    "NORMAL_CLEARING": "480",
}


def status_at_end(cause: str, answered: bool) -> CallStatus:
    return "completed" if answered else UNANSWERED.get(cause, "failed")


class StatusCallbacks:
    """Follows one leg's events and sends the callbacks that were asked for; one ordered queue a call."""

    def __init__(self, write_buffer: WriteBehindBuffer) -> None:
        self._write_buffer = write_buffer

    def follow(
        self,
        caller: Caller,
        account_sid: str,
        url: str,
        method: Method,
        events: Collection[str],
        style: CallbackStyle,
        direction: TwilioDirection = "inbound",
        parent_call_sid: str = "",
        sent: Collection[str] = (),
        state: Callable[[Event, Collection[str]], Sequence[tuple[str, str, bytes]]] = lambda event, sent: (),
    ) -> Callable[[Event], None]:
        """A listener for the leg's events. Numbers count what is sent, as in Telnyx's samples.

        `sent`: events that the last run of ours sent already; `state`: rows to store with each callback.
        """
        sent = set(sent)

        def on_event(event: Event) -> None:
            name = EVENTS.get(event.name)
            if name is None or name in sent or name not in events:
                return
            sent.add(name)
            facts = replace(
                _facts(name, event, caller, account_sid, parent_call_sid, len(sent) - 1), direction=direction
            )
            message = Message(
                queue=caller.call_sid,
                url=url,
                method=method,
                fields=call_fields(facts, style),
                account_sid=account_sid,
                event=name,
                sequence=facts.sequence,
                created_at=facts.at,
                signatures=style.signatures,
                user_agent=style.user_agent,
            )
            self._write_buffer.commit([message], state(event, sent))

        return on_event


def _facts(
    name: CallProgressEvent,
    event: Event,
    caller: Caller,
    account_sid: str,
    parent_call_sid: str,
    sequence: int,
) -> CallFacts:
    headers = event.headers()
    answered_at = _time(headers, "Answered")
    quality = quality_of(hangup_event(event)) if name == "completed" else None
    return CallFacts(
        event=name,
        account_sid=account_sid,
        call_sid=caller.call_sid,
        connection_id=caller.connection_id,
        from_=caller.from_,
        to=caller.to,
        caller_id=caller.from_,
        parent_call_sid=parent_call_sid,
        sequence=sequence,
        at=event.timestamp,
        initiated_at=_time(headers, "Created"),
        answered_at=answered_at,
        ended_at=_time(headers, "Hangup"),
        status=status_at_end(event.hangup_cause, bool(answered_at)),
        codec=headers.get("variable_read_codec", ""),
        sampling_rate=headers.get("variable_read_rate", ""),
        hangup_cause=event.hangup_cause,
        hangup_source=_hangup_source(headers),
        sip_hangup_cause=_sip_status(headers, bool(answered_at)),
        quality=quality.text if quality is not None else "",
        call_leg_id=event.uuid,
        call_session_id=headers.get("Channel-Call-UUID", ""),
    )


def _time(headers: Mapping[str, str], what: str) -> int:
    return int(headers.get(f"Caller-Channel-{what}-Time", "0") or 0)


def _hangup_source(headers: Mapping[str, str]) -> str:
    """mod_sofia's word for who ended it: recv_bye and recv_cancel came from the other side."""
    disposition = headers.get("variable_sip_hangup_disposition", "")
    inbound = headers.get("Call-Direction") == "inbound"
    if disposition.startswith("recv_"):
        return "caller" if inbound else "callee"
    return ("callee" if inbound else "caller") if disposition else "unknown"


def _sip_status(headers: Mapping[str, str], answered: bool) -> str:
    """`sip:486` where SIP refused it; an answered call ended as any does."""
    proto = headers.get("variable_proto_specific_hangup_cause", "")
    if proto.startswith("sip:") and not answered:
        return proto.removeprefix("sip:")
    if answered:
        return headers.get("variable_sip_term_status", "") or "200"
    return headers.get("variable_sip_term_status", "") or REFUSALS.get(headers.get("Hangup-Cause", ""), "")
