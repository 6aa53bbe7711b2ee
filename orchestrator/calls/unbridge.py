"""A callee that a Dial connected with its caller, leaving: it runs instructions of its own from there.

FreeSWITCH takes its leg out of the bridge (`uuid_transfer … park inline`), which ends the caller's `bridge`:
the caller goes on with its Dial's `action`, or its next verb. The callee's instructions are on disk before
that is ordered, so that a restart in between orders it once more.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from orchestrator.calls.call import Call
from orchestrator.calls.context import CallContext
from orchestrator.calls.stored_call import StoredCall
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl import commands
from orchestrator.esl.events import Event
from orchestrator.logs import get_logger

log = get_logger(__name__)


class CalleeRedirect:
    """`on_event` runs on the socket's reader and never blocks."""

    def __init__(
        self,
        services: CallContext,
        application: Application,
        stored: StoredCall,
        start: Callable[[Call], None],
    ) -> None:
        """`start` takes a call that is parked; `kept`: who it is, and whether it has instructions by now."""
        self.parked = False
        self._services = services
        self._application = application
        self._kept = stored
        self._start = start

    def instruct(self, to: FetchDocument | Fetched, **changes: object) -> None:
        """The last ones hold until it is parked; `changes` to what is kept of it besides."""
        action = to if isinstance(to, FetchDocument) else None
        self._kept = replace(self._kept, next=action, **changes)
        self._services.call_store.put(self._kept, None if isinstance(to, FetchDocument) else to)

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
                self._services.call_store.forget(self._kept.leg, self._kept.caller.call_sid)

    def _begin(self, headers: dict[str, str]) -> None:
        self.parked = True
        services, stored = self._services, replace(self._kept, leaves_bridge=False)
        leg = services.legs.adopt(stored.leg, headers)
        leg.answered = True
        # Ours from here on, also for a later run.
        services.connection.post(commands.setvar(stored.leg, "texml_guard", "1"))
        call = Call(leg, self._application, services, stored.direction, stored)
        call.resumed = False
        log.info("has left its caller and runs instructions of its own", call=call.sid)
        self._start(call)
