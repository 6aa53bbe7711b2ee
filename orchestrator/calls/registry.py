"""The calls of one node: taken in, taken up after a restart, and let go when nothing of them is left."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from orchestrator.calls import inband_digits
from orchestrator.calls.admission import Door
from orchestrator.calls.call import Call
from orchestrator.calls.context import Services
from orchestrator.calls.stored_call import KeptCall
from orchestrator.calls.unbridge import LeavingBridge
from orchestrator.config.applications import Application
from orchestrator.esl import commands
from orchestrator.esl.events import Event
from orchestrator.esl.legs import Leg
from orchestrator.esl.snapshot import forget_gone
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.routing.endpoints import trunk_to
from orchestrator.routing.identities import called

log = get_logger(__name__)

NO_NUMBER = "UNALLOCATED_NUMBER"


class Register(Part):
    def __init__(self, services: Services, door: Door) -> None:
        self._services = services
        self._door = door
        self._calls: dict[str, Call] = {}
        """By leg; one whose leg is gone stays until nothing of it is left to be done."""
        self._running: dict[str, Call] = {}
        """By CallSid: those whose documents run."""
        self._kept: dict[str, KeptCall] = {}
        """By leg: what the last run of ours left, until it is compared with what FreeSWITCH has."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    def start(self) -> None:
        """With what the last run of ours left; before the first event."""
        self._kept = {call.leg: call for call in self._services.keeper.load()}

    @property
    def kept(self) -> Collection[str]:
        """Legs of calls of the last run that nobody has gone on with yet."""
        return self._kept.keys()

    def take_kept(self) -> dict[str, KeptCall]:
        """Calls of the last run, by leg: whoever asks goes on with them."""
        kept, self._kept = self._kept, {}
        return kept

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop steering them all; they live on in FreeSWITCH."""
        for call in self:
            call.abandon()

    def take_in(self, leg: Leg) -> None:
        """A leg that came in and is parked."""
        services = self._services
        services.legs.watch(leg.uuid, self._hear_last_words)
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
        inband_digits.detect(services.settings, services.connection, leg)
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

    def take_up(self, kept: KeptCall, leg: Leg) -> None:
        """Goes on with a call of the last run. Its leg may be gone."""
        application = self.claim(kept)
        if application is None:
            return
        if kept.leaves_bridge:
            LeavingBridge(self._services, application, kept, self.start_dialled).order()
        else:
            self._start(Call(leg, application, self._services, kept.direction, kept))

    def claim(self, kept: KeptCall) -> Application | None:
        """Looks after a leg of the last run from now on: its application. None: it is hung up, since that is
        no longer in the settings."""
        services = self._services
        services.legs.watch(kept.leg, self._hear_last_words)
        application = services.settings.applications.get(kept.application)
        if application is None:
            log.error(
                "its application is no longer in the settings", leg=kept.leg, application=kept.application
            )
            services.connection.post(commands.kill(kept.leg, NO_NUMBER))
            return None
        if kept.direction == "outbound":
            trunk = trunk_to(services.settings, application, kept.caller.to)
            services.tolls.resume(kept.leg, application.account, trunk, services.node.name)
        return application

    def start_dialled(self, call: Call) -> None:
        """One that was dialled, and has answered."""
        self._services.legs.watch(call.leg.uuid, self._hear_last_words)
        self._start(call)

    def _start(self, call: Call) -> None:
        uuid = call.leg.uuid
        call.report()
        self._services.legs.watch(uuid, call.on_event)
        self._calls[uuid] = call
        self._running[call.sid] = call
        call.start(self._on_end, self._on_through)

    def running(self, call_sid: str) -> Call | None:
        """The one whose documents run, for other instructions."""
        return self._running.get(call_sid)

    def _on_through(self, call: Call) -> None:
        if self._running.get(call.sid) is call:
            del self._running[call.sid]

    def _on_end(self, call: Call) -> None:
        self._calls.pop(call.leg.uuid, None)
        self._services.keeper.forget(call.leg.uuid, call.sid)
        self._services.tolls.over(call.leg.uuid)

    def _hear_last_words(self, event: Event) -> None:
        if event.name == "CHANNEL_DESTROY":
            forget_gone(self._services.connection, event.uuid)
