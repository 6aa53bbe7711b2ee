"""Where FreeSWITCH's events go: `HEARD_BY` says which part hears which event, and in which order.

On the socket's reader; never blocks. Events that FreeSWITCH never sent and we know all the same (the end of a
leg that ended while nobody listened, or that never came to be) goes the same way: `in_turn`, `deliver`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal, NamedTuple

from orchestrator.calls.admission import AdmissionControl
from orchestrator.calls.call_entries import CallEntries
from orchestrator.calls.records import CallRecords
from orchestrator.conference.live.freeswitch_events import ConferenceEvents
from orchestrator.esl import commands
from orchestrator.esl.events import MAINTENANCE, Event
from orchestrator.esl.leg import Leg
from orchestrator.esl.legs import Legs
from orchestrator.esl.snapshot import DOCTOR, GUARD
from orchestrator.logs import get_logger
from orchestrator.sids import has_call_sid
from orchestrator.store.write_behind import WriteBehindBuffer

log = get_logger(__name__)

# As cJSON writes it; inside of a value its quotes would have backslashes before them.
# freeswitch-conf/dialplan/texml.xml says so, past the profile's own access list.
REJECTED_BY_ACL = "INCOMING_CALL_BARRED"
NO_CALL_SID_CAUSE = "NORMAL_TEMPORARY_FAILURE"
REPLACES_VARIABLE = "variable_sip_replaces_call_id"
REPLACES = f'"{REPLACES_VARIABLE}":'.encode()

Listener = Literal[
    "admission",
    "call records",
    "conference end",
    "conference joins",
    "conferences",
    "legs",
    "new calls",
    "rejections",
    "replacements",
    "timeline",
    "watchers",
]
"""A part that hears events; `watchers` watch that very leg: its call, its Dial, its recordings."""


class Row(NamedTuple):
    in_turn: tuple[Listener, ...] = ()
    """In this order; while events are held back, once they are released."""
    at_once: tuple[Listener, ...] = ()
    """When FreeSWITCH sends it, held back or not; never for an event that FreeSWITCH did not send."""


HEARD_BY: Final[dict[str, Row]] = {
    "CHANNEL_CREATE": Row(("call records", "watchers", "replacements")),
    "CHANNEL_PARK": Row(("watchers", "legs", "new calls"), ("admission",)),
    "CHANNEL_PROGRESS": Row(("timeline", "call records", "watchers")),
    "CHANNEL_PROGRESS_MEDIA": Row(("timeline", "call records", "watchers")),
    "CHANNEL_ANSWER": Row(("timeline", "call records", "watchers", "legs"), ("admission",)),
    "CHANNEL_BRIDGE": Row(("watchers",)),
    "CHANNEL_EXECUTE_COMPLETE": Row(("watchers", "conference joins", "legs")),
    # The conference before the leg: its callbacks report this moment, whatever the call does next.
    "CHANNEL_HANGUP": Row(("watchers", "rejections", "conference end", "legs"), ("admission",)),
    "CHANNEL_HANGUP_COMPLETE": Row(("timeline", "call records", "watchers", "conference end", "legs")),
    "CHANNEL_DESTROY": Row(("call records", "watchers", "legs")),
    "DTMF": Row(("timeline", "watchers", "legs")),
    "RECORD_START": Row(("watchers",)),
    "RECORD_STOP": Row(("watchers",)),
    # The connection itself waits for it.
    "BACKGROUND_JOB": Row(),
    # Events of conferences are for the rooms alone.
    MAINTENANCE: Row(("conferences",)),
}
"""By an event's name, or by the subclass of a CUSTOM one; FreeSWITCH is asked for these alone."""

# CUSTOM last: mod_event_socket takes every word after it for a subclass.
EVENTS: Final = (*(name for name in HEARD_BY if name != MAINTENANCE), f"CUSTOM {MAINTENANCE}")


class EventDispatcher:
    def __init__(
        self,
        write_buffer: WriteBehindBuffer,
        admission: AdmissionControl,
        call_records: CallRecords,
        call_entries: CallEntries,
        legs: Legs,
        conferences: ConferenceEvents,
    ) -> None:
        """The changes of events that come together are one commit of the write-behind buffer."""
        self.on_new_call: list[Callable[[Leg], None]] = []
        """Each called with a leg that came in and is parked."""
        self._write_buffer = write_buffer
        self._call_entries = call_entries
        self._legs = legs
        self._held: list[Event] | None = []
        hears: dict[Listener, Callable[[Event], object]] = {
            "admission": admission.on_event,
            "call records": call_records.on_event,
            "conference end": conferences.on_leg_hangup,
            "conference joins": conferences.on_join_returned,
            "conferences": conferences.on_conference_event,
            "legs": legs.dispatch,
            "new calls": self._on_park,
            "rejections": self._on_rejected,
            "replacements": self._on_created,
            "timeline": call_entries.on_event,
            "watchers": legs.notify_watchers,
        }
        self._in_turn = {name: tuple(hears[one] for one in row.in_turn) for name, row in HEARD_BY.items()}
        self._at_once = {name: tuple(hears[one] for one in row.at_once) for name, row in HEARD_BY.items()}

    def hold(self) -> None:
        """Keep events back, in their order: what FreeSWITCH has is being compared with what we believe."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        held, self._held = self._held, None
        for event in held or ():
            self.deliver(event)

    def on_event(self, event: Event) -> None:
        """One that FreeSWITCH has just sent."""
        self._write_buffer.begin_batch()
        for listener in self._at_once.get(event.name, ()):
            listener(event)
        if self._held is None:
            self.deliver(event)
        else:
            self._held.append(event)

    def in_turn(self, event: Event) -> None:
        """One that FreeSWITCH did not send: behind those that are held back."""
        if self._held is None:
            self.deliver(event)
        else:
            self._held.append(event)

    def deliver(self, event: Event) -> None:
        """Also one that FreeSWITCH did not send: now, before those that are held back."""
        for listener in self._in_turn.get(event.subclass or event.name, ()):
            listener(event)

    def _on_created(self, event: Event) -> None:
        if REPLACES in event.raw:
            self._refuse_replacement(event.uuid, event.header)

    def _on_rejected(self, event: Event) -> None:
        if event.hangup_cause == REJECTED_BY_ACL and self._legs.get(event.uuid) is None:
            address = event.header("Caller-Network-Addr")
            log.warning("a call from an address that may not call was refused", address=address)
            self._call_entries.rejected.add(event.uuid, event.header, "address", "403")

    def _refuse_replacement(self, uuid: str, header: Callable[[str], str]) -> None:
        """An INVITE with Replaces takes over what another leg does, past the dialplan: its guard, the room
        and the document. FreeSWITCH has no setting against it (sofia.c, sofia_handle_sip_i_invite_replaces).
        """
        log.warning("a call that would replace another is refused", leg=uuid)
        self._call_entries.rejected.add(uuid, header, "replaces", "603")
        self._legs.connection.post(commands.kill_any(uuid, "CALL_REJECTED"))

    def _on_park(self, event: Event) -> None:
        if self._legs.get(event.uuid) is not None or self._legs.is_watched(event.uuid):
            # One that we dialled, and that was called off as it answered.
            return
        headers = event.headers()
        if headers.get(GUARD) != "1":
            log.error(
                "parked without the guard variables, not taken: see `orchestrator doctor`",
                leg=event.uuid,
            )
            return
        self.take(event.uuid, headers)

    def take(self, uuid: str, headers: dict[str, str]) -> None:
        """A leg that is parked, guarded, and nobody's yet."""
        if f"variable_{DOCTOR}" in headers:
            return
        if REPLACES_VARIABLE in headers:
            # Killed when it was created, or before we were there.
            self._refuse_replacement(uuid, lambda name: headers.get(name, ""))
            return
        if not has_call_sid(uuid):
            # The dialplan refuses it before: an older one does not, nor does a leg that was dialled.
            log.error("its Unique-ID is no UUID, refused", leg=uuid)
            self._call_entries.rejected.add(uuid, lambda name: headers.get(name, ""), "no-call-sid", "503")
            # One that cannot be written in a command is left to the dialplan's guard, with the same answer.
            with suppress(ValueError):
                self._legs.connection.post(commands.kill_any(uuid, NO_CALL_SID_CAUSE))
            return
        leg = self._legs.adopt(uuid, headers)
        for listener in tuple(self.on_new_call):
            listener(leg)
        # The registry has read them: some hundred, for as long as the call lasts.
        leg.headers = {}
