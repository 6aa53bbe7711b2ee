"""A callee that a Dial connected with its caller, on its way out: it runs instructions of its own from there.

FreeSWITCH takes its leg out of the bridge (`uuid_transfer … park inline`), which ends the caller's `bridge`:
the caller goes on with its Dial's `action`, or its next verb. What the callee is to do is on disk before that
is ordered, so that a restart in between orders it once more.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from orchestrator.calls.call import Call
from orchestrator.calls.context import Services
from orchestrator.calls.stored_call import KeptCall
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import Goto
from orchestrator.esl import commands
from orchestrator.esl.events import Event
from orchestrator.logs import get_logger

log = get_logger(__name__)


class LeavingBridge:
    """`on_event` runs on the socket's reader and never blocks."""

    def __init__(
        self,
        services: Services,
        application: Application,
        kept: KeptCall,
        start: Callable[[Call], None],
    ) -> None:
        """`start` takes a call that is parked; `kept`: who it is, and whether it has instructions by now."""
        self.parked = False
        self._services = services
        self._application = application
        self._kept = kept
        self._start = start

    def instruct(self, to: Goto | Fetched, **changes: object) -> None:
        """The last ones hold until it is parked; `changes` to what is kept of it besides."""
        goto = to if isinstance(to, Goto) else None
        self._kept = replace(self._kept, next=goto, **changes)
        self._services.keeper.put(self._kept, None if isinstance(to, Goto) else to)

    def order(self) -> None:
        self._services.legs.watch(self._kept.leg, self.on_event)
        self._services.connection.post(commands.to_park(self._kept.leg))

    def on_event(self, event: Event) -> None:
        if self.parked:
            return
        match event.name:
            case "CHANNEL_PARK":
                self._begin(event.headers())
            case "CHANNEL_HANGUP_COMPLETE" | "CHANNEL_DESTROY":
                self.parked = True
                self._services.keeper.forget(self._kept.leg, self._kept.caller.call_sid)

    def _begin(self, headers: dict[str, str]) -> None:
        self.parked = True
        services, kept = self._services, replace(self._kept, leaves_bridge=False)
        leg = services.legs.adopt(kept.leg, headers)
        leg.answered = True
        # Ours from here on, also for a later run.
        services.connection.post(commands.setvar(kept.leg, "texml_guard", "1"))
        call = Call(leg, self._application, services, kept.direction, kept)
        call.taken_up = False
        log.info("has left its caller and runs instructions of its own", call=call.sid)
        self._start(call)
