"""The life of each leg of ours in its call's timeline: answer, keys, and the end with its reasons."""

from __future__ import annotations

from orchestrator.callbacks.call_status import status_at_end
from orchestrator.callbacks.media_quality import MediaQuality, quality_of
from orchestrator.calls.hangup_facts import OUT_OF_PORTS, hangup_facts
from orchestrator.calls.records import CallRecord, CallRecords
from orchestrator.calls.rejected_calls import RejectedCalls
from orchestrator.counters import CallCounters
from orchestrator.esl.events import HANGUP_COMPLETE, Event, HangupEvent, hangup_event
from orchestrator.timeline.recorder import Timeline

POOR_MOS = 3.5
"""Below it, listeners are annoyed (ITU-T G.107, appendix)."""
_STATUS = {
    "CHANNEL_ANSWER": "answered",
    "CHANNEL_PROGRESS": "ringing",
    "CHANNEL_PROGRESS_MEDIA": "early-media",
}


class CallEntries:
    """`on_event` runs on the socket's reader and never blocks."""

    def __init__(self, timeline: Timeline, records: CallRecords, counters: CallCounters) -> None:
        self._timeline = timeline
        self._records = records
        self._counters = counters
        self.rejected = RejectedCalls(timeline, counters)
        self._decided: dict[str, str] = {}
        """By leg: why the orchestrator hung up."""

    def decided(self, leg: str, why: str) -> None:
        """The orchestrator is about to hang up this leg; the first reason counts."""
        self._decided.setdefault(leg, why)

    def on_event(self, event: Event) -> None:
        """Before the call records hear of it: they forget a call at its end."""
        call = self._records.living(event.uuid)
        if call is None:
            self._decided.pop(event.uuid, None)
        elif event.name == "DTMF":
            self._on_key(call, event)
        elif event.name == HANGUP_COMPLETE:
            self._on_end(call, hangup_event(event))
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

    def _on_end(self, call: CallRecord, event: HangupEvent) -> None:
        decided = self._decided.pop(event.uuid, "")
        facts = hangup_facts(event, call.outbound, decided)
        answered = bool(facts["answered"])
        self._counters.on_call_ended(status_at_end(event.hangup_cause, answered), event.hangup_cause)
        if answered:
            self._counters.call_seconds.observe(float(str(facts["seconds"])))
        if facts["reason"] == OUT_OF_PORTS:
            sip, account = str(facts["sip"]), call.account_sid
            self.rejected.add(event.uuid, event.header, OUT_OF_PORTS, sip, account=account)
        usual = answered and event.hangup_cause in _USUAL
        self._timeline.add(
            "call.hangup",
            account=call.account_sid,
            call=call.sid,
            level="info" if usual else "warning",
            at=event.timestamp,
            more=facts,
        )
        if call.parent_call_sid and not (answered and usual):
            # Its own page says it, too; this is where somebody looks.
            self._timeline.add(
                "call.callee",
                account=call.account_sid,
                call=call.parent_call_sid,
                level="info" if event.hangup_cause in _USUAL else "warning",
                at=event.timestamp,
                called=call.to,
                more=facts,
            )
        quality = quality_of(event)
        if quality is not None:
            self._records.note_quality(event.uuid, quality)
            self._on_quality(call, quality, event.timestamp)

    def _on_quality(self, call: CallRecord, quality: MediaQuality, at: int) -> None:
        poor = 0 < quality.mos < POOR_MOS or not quality.packets_in
        loss_percent, jitter_ms = quality.loss_percent, quality.jitter_ms
        if quality.packets_in:
            self._counters.on_quality(quality.mos, loss_percent, jitter_ms)
        self._timeline.add(
            "media.quality",
            account=call.account_sid,
            call=call.sid,
            level="warning" if poor else "info",
            at=at,
            packets_in=quality.packets_in,
            packets_out=quality.packets_out,
            lost=quality.lost,
            loss_percent=loss_percent,
            jitter_ms=jitter_ms,
            mos=quality.mos,
        )


_USUAL = ("NORMAL_CLEARING", "ORIGINATOR_CANCEL", "LOSE_RACE", "ALLOTTED_TIMEOUT")
