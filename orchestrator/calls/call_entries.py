"""The life of each leg of ours in its call's timeline: answer, keys, and the end with its reasons."""

from __future__ import annotations

from orchestrator.calls.hangup_facts import hangup_facts
from orchestrator.calls.records import CallRecord, CallRecords
from orchestrator.esl.events import Event
from orchestrator.sids import call_sid_of, has_call_sid
from orchestrator.timeline.recorder import Timeline

_STATUS = {
    "CHANNEL_ANSWER": "answered",
    "CHANNEL_PROGRESS": "ringing",
    "CHANNEL_PROGRESS_MEDIA": "early-media",
}


class CallEntries:
    """`on_event` runs on the socket's reader and never blocks."""

    def __init__(self, timeline: Timeline, records: CallRecords) -> None:
        self._timeline = timeline
        self._records = records
        self._decided: dict[str, str] = {}
        """By leg: why the orchestrator hung up."""

    def decided(self, leg: str, why: str) -> None:
        """The orchestrator is about to hang up this leg; the first reason counts."""
        self._decided.setdefault(leg, why)

    def rejected(self, event: Event, reason: str, sip: str) -> None:
        """A leg that has ended and never became a call."""
        self._timeline.add(
            "call.rejected",
            call=call_sid_of(event.uuid) if has_call_sid(event.uuid) else "",
            level="warning",
            at=event.timestamp,
            reason=reason,
            sip=sip,
            cause=event.hangup_cause,
            address=event.header("Caller-Network-Addr"),
            caller=event.header("Caller-Caller-ID-Number"),
            number=event.header("Caller-Destination-Number"),
        )

    def on_event(self, event: Event) -> None:
        """Before the call records hear of it: they forget a call at its end."""
        call = self._records.living(event.uuid)
        if call is None:
            self._decided.pop(event.uuid, None)
        elif event.name == "DTMF":
            self._on_key(call, event)
        elif event.name == "CHANNEL_HANGUP_COMPLETE":
            self._on_end(call, event)
        elif call.outbound or event.name == "CHANNEL_ANSWER":
            status = _STATUS[event.name]
            self._timeline.add(
                "call.status", account=call.account_sid, call=call.sid, at=event.timestamp, status=status
            )

    def _on_key(self, call: CallRecord, event: Event) -> None:
        if self._timeline.limits.digits != "none":
            digit = event.header("DTMF-Digit")
            self._timeline.add(
                "dtmf", account=call.account_sid, call=call.sid, at=event.timestamp, digits=digit
            )

    def _on_end(self, call: CallRecord, event: Event) -> None:
        decided = self._decided.pop(event.uuid, "")
        facts = hangup_facts(event, call.outbound, decided)
        usual = facts["answered"] and facts["cause"] in _USUAL
        self._timeline.add(
            "call.hangup",
            account=call.account_sid,
            call=call.sid,
            level="info" if usual else "warning",
            at=event.timestamp,
            more=facts,
        )


_USUAL = ("NORMAL_CLEARING", "ORIGINATOR_CANCEL", "LOSE_RACE", "ALLOTTED_TIMEOUT")
