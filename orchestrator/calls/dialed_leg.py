"""A dialled leg (B-leg): its state, its status callbacks, its screening document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

import msgspec
from msgspec.structs import replace

from orchestrator.calls.call import Call
from orchestrator.calls.dialing import LegToDial, follow
from orchestrator.calls.screening import CallScreening
from orchestrator.calls.stored_call import StoredCall
from orchestrator.calls.unbridge import CalleeRedirect
from orchestrator.clock import now
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl.commands import DialTarget
from orchestrator.esl.events import Event, decode
from orchestrator.esl.snapshot import dump
from orchestrator.sids import call_sid_of
from orchestrator.texml import Number, Sip
from orchestrator.types import Fields

# Holds a callee until its screening is done.
SILENCE = "silence_stream://-1"


def is_screened(noun: Number | Sip) -> bool:
    """Whether something is to be done to the callee before it is connected."""
    return noun.url is not None or (isinstance(noun, Number) and noun.send_digits is not None)


class DialedLeg:
    """`on_event` runs on the socket's reader and never blocks.

    Made by Dial's verb, on the greenlet of its caller's call; its screening document has a greenlet of its
    own.
    """

    def __init__(
        self,
        call: Call,
        noun: Number | Sip,
        leg: LegToDial,
        destination: DialTarget,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """`headers` of its INVITE."""
        self.uuid = uuid = leg.uuid
        self.headers = headers
        self.call_sid = call_sid_of(uuid)
        self.destination = destination
        self._call = call
        self._noun = noun
        self.seen = False
        """Whether its leg ever came to be."""
        self._ended_at = 0
        self._caller = leg.caller(call.caller.connection_id)
        self._bridged_at = int(call.recall(f"bridged {uuid}") or 0)
        self._reported = tuple(call.recall(f"reported {uuid}").split())
        self._report = self._follow()
        call.services.call_records.open(
            self._caller, call.account_sid, outbound=True, status="queued", parent=call.sid
        )
        call.services.timeline.add(
            "call.dialled",
            account=call.account_sid,
            call=self.call_sid,
            caller=self._caller.from_,
            called=self._caller.to,
            application=call.application.name,
            by="document",
            parent=call.sid,
        )
        self._screening: CallScreening | None = None
        self._leaving: CalleeRedirect | None = None
        call.services.dialed_legs[self.call_sid] = self

    def _follow(self) -> Callable[[Event], None]:
        call, noun = self._call, self._noun
        return follow(
            call.services,
            self._caller,
            call.account_sid,
            self._status_callback,
            noun.status_callback_event,
            call.style,
            "outbound-dial",
            self._reported,
            self._state,
            call.sid,
        )

    @property
    def _status_callback(self) -> FetchDocument | None:
        call, noun = self._call, self._noun
        if not noun.status_callback:
            return None
        url = call.services.resolve(call.document_url, noun.status_callback)
        return FetchDocument(url, noun.status_callback_method)

    def _state(self, event: Event, reported: Collection[str]) -> Sequence[tuple[str, str, bytes]]:
        self._reported = tuple(reported)
        self._call.note(**{f"reported {self.uuid}": " ".join(reported)})
        return self._call.rows

    @property
    def bridged(self) -> bool:
        return bool(self._bridged_at)

    @property
    def answered_and_left(self) -> bool:
        """Before it was connected, by itself: nobody asked it for more than its answer."""
        return bool(self._call.recall(f"answered {self.uuid}")) and not is_screened(self._noun)

    @property
    def sid_fields(self) -> Fields:
        return (("DialCallSid", self.call_sid), ("DialCallSidLegacy", self.call_sid))

    def seconds(self, until: int) -> int:
        """Connected with the caller, at most `until` (microseconds), rounded as FreeSWITCH's billsec is."""
        return round(max(0, (self._ended_at or until) - self._bridged_at) / 1_000_000)

    def resume(self) -> bool:
        """Whether it lives, after a restart or a lost socket; its screening begins again. Blocks."""
        headers = dump(self._call.services.connection, self.uuid)
        if headers is None:
            return False
        self.seen = True
        if is_screened(self._noun) and not self.bridged and headers.get("Answer-State") == "answered":
            self._screen(headers)
        elif not self.bridged:
            self._on_state(headers)
        return True

    def _on_state(self, headers: dict[str, str]) -> None:
        """Its answer and its bridge, where they came while nobody listened, each with its own time."""
        answered_at, caller = headers.get("Caller-Channel-Answered-Time", ""), self._call.leg.uuid
        if headers.get("Answer-State") == "answered" and not self._call.recall(f"answered {self.uuid}"):
            self._deliver("CHANNEL_ANSWER", self.uuid, answered_at, headers)
        if headers.get("variable_bridge_uuid") == caller:
            at = headers.get("Caller-Channel-Bridged-Time", "") or answered_at
            self._deliver("CHANNEL_BRIDGE", caller, at, {"Other-Leg-Unique-ID": self.uuid})

    def _deliver(self, name: str, leg: str, at: str, headers: dict[str, str]) -> None:
        event = {**headers, "Event-Name": name, "Unique-ID": leg, "Event-Date-Timestamp": at or str(now())}
        self._call.services.in_turn(decode(msgspec.json.encode(event)))

    def missed(self) -> None:
        """It has ended while nobody was there to hear of it."""
        if self._call.recall(f"reported {self.uuid}"):
            answered = {"Caller-Channel-Answered-Time": str(self._bridged_at)} if self._bridged_at else {}
            self._report(
                decode(
                    msgspec.json.encode(
                        {
                            "Event-Name": "CHANNEL_HANGUP_COMPLETE",
                            "Unique-ID": self.uuid,
                            "Hangup-Cause": "NORMAL_CLEARING",
                            "Event-Date-Timestamp": str(now()),
                            **answered,
                        }
                    )
                )
            )

    def instruct(self, to: FetchDocument | Fetched, start: Callable[[Call], None], **changes: object) -> None:
        """It leaves its caller, whose Dial ends with that, and runs these instructions.

        `changes` to what is kept of it besides; `start` takes it once it is parked.
        """
        if self._leaving is not None:
            self._leaving.instruct(to, **changes)
            return
        call, noun = self._call, self._noun
        report = self._status_callback
        stored = StoredCall(
            self.uuid,
            call.application.name,
            self._caller,
            "outbound",
            document_url=call.document_url,
            report=report,
            report_events=tuple(sorted(noun.status_callback_event)) if report else ("completed",),
            parent_call_sid=call.sid,
            leaves_bridge=True,
        )
        self._leaving = CalleeRedirect(call.services, call.application, stored, partial(self._start, start))
        self._leaving.instruct(to, **changes)
        self._leaving.order()

    def _start(self, start: Callable[[Call], None], call: Call) -> None:
        """From here on its own call reports on it."""
        self._report = lambda event: None
        call.services.dialed_legs.pop(self.call_sid, None)
        call.stored = replace(call.stored, reported=self._reported)
        start(call)

    @property
    def is_leaving(self) -> bool:
        """For instructions of its own: its caller's end is not its end any more."""
        return self._leaving is not None

    def on_bridged(self, event: Event) -> None:
        self._bridged_at = event.timestamp
        self._call.remember(**{f"bridged {self.uuid}": str(event.timestamp)})

    @property
    def bridged_at(self) -> int:
        """Microseconds since the epoch; 0 until it is connected with the caller."""
        return self._bridged_at

    def on_event(self, event: Event) -> None:
        """A callback about its own leg."""
        self.seen = True
        self._report(event)
        match event.name:
            case "CHANNEL_ANSWER":
                self._call.note(**{f"answered {self.uuid}": str(event.timestamp)})
                if is_screened(self._noun):
                    self._screen(event.headers())
            case "CHANNEL_EXECUTE_COMPLETE" if (
                self._screening and event.header("Application-Data") == SILENCE
            ):
                self._screening.accepted.set()
            case "CHANNEL_DESTROY":
                self._call.services.dialed_legs.pop(self.call_sid, None)
            case "CHANNEL_HANGUP":
                self._ended_at = event.timestamp
                self._call.services.outbound_limits.ended(self.uuid)

    def _screen(self, headers: dict[str, str]) -> None:
        leg = self._call.services.legs.adopt(self.uuid, headers)
        self._screening = CallScreening(self._call, leg, self._noun, self._caller)
        self._screening.start(lambda call: None)
