"""The calls of one node: taken in, taken up after a restart, and let go when nothing of them is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.calls import inband
from orchestrator.calls.call import Call
from orchestrator.calls.door import Door
from orchestrator.calls.endpoints import trunk_to
from orchestrator.calls.identities import called
from orchestrator.calls.kept import KeptCall
from orchestrator.calls.leaving_bridge import LeavingBridge
from orchestrator.calls.services import Services
from orchestrator.config.applications import Application
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.events import Event
from orchestrator.freeswitch.legs import Leg
from orchestrator.freeswitch.snapshot import forget_gone
from orchestrator.logs import get_logger

log = get_logger(__name__)

NO_NUMBER = "UNALLOCATED_NUMBER"


class Register:
    def __init__(
        self,
        services: Services,
        door: Door,
        ring_on: Callable[[KeptCall, Application], None],
    ) -> None:
        """`ring_on` goes on with somebody who was being dialled when the last run of ours ended."""
        self._services = services
        self._door = door
        self._ring_on = ring_on
        self._calls: dict[str, Call] = {}
        """By leg; one whose leg is gone stays until nothing of it is left to be done."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    def abandon(self) -> None:
        """Stop steering them all; they live on in FreeSWITCH."""
        for call in self:
            call.abandon()

    def take_in(self, leg: Leg) -> None:
        """A leg that came in and is parked."""
        services = self._services
        services.switchboard.watch(leg.uuid, self._hear_last_words)
        if not self._door.lets_in(leg):
            return
        region = services.settings.region_of_calls_from(leg.headers.get("Caller-Network-Addr", ""))
        number = called(leg.headers, region)
        application = services.settings.application_for(number, region)
        if application is None:
            services.tally.unknown_numbers += 1
            log.warning("no application for this number, and no default one", leg=leg.uuid, number=number)
            leg.hangup(NO_NUMBER)
            return
        if not leg.answered:
            # At once, so that the caller hears ringing while the document is fetched, and its carrier waits.
            services.connection.post(commands.ring(leg.uuid))
        call = Call(leg, application, services)
        inband.detect(services.settings, services.connection, leg)
        # The dialplan hangs up a call that nobody takes; this one is taken.
        services.connection.post(commands.api("sched_del", leg.uuid))
        services.book.open(call.caller, call.account_sid, name=call.origin.name)
        log.info(
            "call",
            call=call.sid,
            number=number,
            caller=call.caller.from_,
            application=application.name,
            came_from=services.settings.caller(leg.headers.get("Caller-Network-Addr", "")),
        )
        self._start(call)

    def take_up(self, kept: KeptCall, leg: Leg | None) -> None:
        """Goes on with a call of the last run. Its leg may be gone; None: it is one that we dialled."""
        services = self._services
        services.switchboard.watch(kept.leg, self._hear_last_words)
        application = services.settings.applications.get(kept.application)
        if application is None:
            log.error(
                "its application is no longer in the settings", leg=kept.leg, application=kept.application
            )
            services.connection.post(commands.kill(kept.leg, NO_NUMBER))
            return
        if kept.direction == "outbound":
            trunk = trunk_to(services.settings, application, kept.caller.to)
            services.tolls.resume(kept.leg, application.account, trunk)
        if kept.leaves_bridge:
            LeavingBridge(services, application, kept, self.start_dialled).order()
        elif leg is None:
            self._ring_on(kept, application)
        else:
            self._start(Call(leg, application, services, kept.direction, kept))

    def start_dialled(self, call: Call) -> None:
        """One that was dialled, and has answered."""
        self._services.switchboard.watch(call.leg.uuid, self._hear_last_words)
        self._start(call)

    def _start(self, call: Call) -> None:
        uuid = call.leg.uuid
        call.report()
        self._services.switchboard.watch(uuid, call.on_event)
        self._calls[uuid] = call
        call.start(self._on_end)

    def _on_end(self, call: Call) -> None:
        self._calls.pop(call.leg.uuid, None)
        self._services.keeper.forget(call.leg.uuid, call.sid)
        self._services.tolls.over(call.leg.uuid)

    def _hear_last_words(self, event: Event) -> None:
        if event.name == "CHANNEL_DESTROY":
            forget_gone(self._services.connection, event.uuid)
