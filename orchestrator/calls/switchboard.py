"""Where FreeSWITCH's events go: to the leg, the room, a new call. On the socket's reader; never blocks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from orchestrator.calls.rooms import Rooms
from orchestrator.calls.sids import has_call_sid
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.events import MAINTENANCE, Event
from orchestrator.freeswitch.legs import Leg, Legs
from orchestrator.freeswitch.snapshot import DOCTOR, GUARD
from orchestrator.logs import get_logger

log = get_logger(__name__)

# As cJSON writes it; inside of a value its quotes would have backslashes before them.
# freeswitch-conf/dialplan/texml.xml says so, past the profile's own access list.
BARRED = "INCOMING_CALL_BARRED"
NO_CALL_SID_CAUSE = "NORMAL_TEMPORARY_FAILURE"
REPLACES_VARIABLE = "variable_sip_replaces_call_id"
REPLACES = f'"{REPLACES_VARIABLE}":'.encode()


class Switchboard:
    def __init__(self, legs: Legs, rooms: Rooms, on_new_call: Callable[[Leg], None]) -> None:
        self._legs = legs
        self._rooms = rooms
        self._on_new_call = on_new_call
        self._watched: dict[str, list[Callable[[Event], None]]] = {}
        self._held: list[Event] | None = []

    def watch(self, uuid: str, on_event: Callable[[Event], None]) -> None:
        """Everything about the leg `uuid` until its end, its CHANNEL_DESTROY included."""
        self._watched.setdefault(uuid, []).append(on_event)

    def unwatch(self, uuid: str, on_event: Callable[[Event], None]) -> None:
        """Before the leg's end, or for one that never came to be."""
        watchers = self._watched.get(uuid, [])
        if on_event in watchers:
            watchers.remove(on_event)
        if not watchers:
            self._watched.pop(uuid, None)

    def hold(self) -> None:
        """Keep events back, in their order: what FreeSWITCH has is being compared with what we believe."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        held, self._held = self._held, None
        for event in held or ():
            self.deliver(event)

    def on_event(self, event: Event) -> None:
        if self._held is None:
            self.deliver(event)
        else:
            self._held.append(event)

    def deliver(self, event: Event) -> None:
        if event.subclass == MAINTENANCE:
            self._rooms.on_conference_event(event)
            return
        if event.uuid in self._watched:
            for watcher in tuple(self._watched[event.uuid]):
                watcher(event)
            if event.name == "CHANNEL_DESTROY":
                self._watched.pop(event.uuid, None)
        match event.name:
            case "CHANNEL_EXECUTE_COMPLETE":
                if event.application == "conference":
                    self._rooms.on_join_returned(event)
                self._legs.feed(event)
            case "CHANNEL_CREATE":
                if REPLACES in event.raw:
                    self._refuse_replacement(event.uuid)
            case "CHANNEL_PARK":
                self._on_park(event)
            case "CHANNEL_HANGUP":
                if event.hangup_cause == BARRED and self._legs.get(event.uuid) is None:
                    address = event.header("Caller-Network-Addr")
                    log.warning("a call from an address that may not call was refused", address=address)
                # The room first: its callbacks tell the truth of this moment, whatever the call does next.
                self._rooms.on_hangup(event.uuid, event.timestamp)
                self._legs.feed(event)
            case _:
                self._legs.feed(event)

    def _refuse_replacement(self, uuid: str) -> None:
        """An INVITE with Replaces takes over what another leg does, past the dialplan: its guard, the room
        and the document. FreeSWITCH has no setting against it (sofia.c, sofia_handle_sip_i_invite_replaces).
        """
        log.warning("a call that would replace another is refused", leg=uuid)
        self._legs.connection.post(commands.kill_any(uuid, "CALL_REJECTED"))

    def _on_park(self, event: Event) -> None:
        if self._legs.get(event.uuid) is not None or event.uuid in self._watched:
            # One that we dialled, and that was called off as it answered.
            return
        headers = event.headers()
        if headers.get(GUARD) != "1":
            log.error(
                "parked without the guard variables, not taken: use the dialplan of freeswitch-conf",
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
            self._refuse_replacement(uuid)
            return
        if not has_call_sid(uuid):
            # The dialplan refuses it before: an older one does not, nor does a leg that was dialled.
            log.error("its Unique-ID is no UUID, refused", leg=uuid)
            # One that cannot be written in a command is left to the dialplan's guard, with the same answer.
            with suppress(ValueError):
                self._legs.connection.post(commands.kill_any(uuid, NO_CALL_SID_CAUSE))
            return
        leg = self._legs.adopt(uuid, headers)
        self._on_new_call(leg)
        # Whoever takes it has read them: some hundred, for as long as the call lasts.
        leg.headers = {}
