"""Commands of the REST API for calls."""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.calls.call import Call
from orchestrator.calls.originate import OriginateRequest
from orchestrator.calls.records import CallRecord
from orchestrator.clock import now
from orchestrator.conference.machine.events import Remove
from orchestrator.conference.machine.state import LeaveReason
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl import commands
from orchestrator.logs import get_logger
from orchestrator.numbering.uri import is_address, party
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.applications import application_of
from orchestrator.services.nodes import NodeParts, Nodes
from orchestrator.store.records import Query
from orchestrator.timeline.actor import on_behalf

log = get_logger(__name__)


class CallUpdate(NamedTuple):
    """To one call; None is as before."""

    hang_up: bool = False
    to: FetchDocument | Fetched | None = None
    fallback: FetchDocument | None = None
    report: FetchDocument | None = None
    """Where its status callbacks go."""
    events: tuple[str, ...] = ("completed",)
    time_limit: int | None = None
    """Seconds from its answer."""


class CallService:
    """Every method may raise OutboxError."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._records = nodes.first.context.records

    def application(self, account_sid: str, connection_id: str) -> Application:
        """Of this account: the one asked for, or its only one. Raises ServiceError."""
        return application_of(self._nodes.first.context.settings, account_sid, connection_id)

    def create_call(self, order: OriginateRequest) -> CallRecord:
        caller = self._nodes.for_call().outbound.dial(order)
        return self.call(order.application.account, caller.call_sid)

    def update_call(self, account_sid: str, sid: str, changes: CallUpdate) -> CallRecord:
        record = self.call(account_sid, sid)
        if record.ended_at:
            raise ServiceError("90018", "Call has already ended", "The call has ended.")
        if changes.hang_up:
            self._hang_up(record)
            return self.call(account_sid, sid)
        node = self._nodes.of_call(sid)
        call = node.calls.running(sid)
        if call is None:
            self._instruct_callee(node, sid, changes)
        else:
            if changes.report is not None:
                call.save(report=changes.report, report_events=changes.events)
                call.report()
            if changes.fallback is not None:
                call.save(fallback=changes.fallback)
            if changes.time_limit is not None:
                call.limit(changes.time_limit, record.answered_at)
            if changes.to is not None:
                log.info("redirected through the API", call=sid)
                call.instruct(changes.to)
        return self.call(account_sid, sid)

    def _instruct_callee(self, node: NodeParts, sid: str, changes: CallUpdate) -> None:
        """Somebody connected by another call's Dial, which goes on without it. Raises ServiceError."""
        dialed_leg = node.context.dialed_legs.get(sid)
        if changes.to is None:
            if any(change is not None for change in (changes.report, changes.fallback, changes.time_limit)):
                detail = "The call is connected by another call's Dial: it can be hung up or sent elsewhere."
                raise ServiceError("90034", "Call cannot be updated", detail)
            return
        if dialed_leg is None or not dialed_leg.bridged:
            detail = "It takes instructions once it has answered and is connected."
            raise ServiceError("90034", "Call not answered", detail)
        stored: dict[str, object] = {}
        if changes.report is not None:
            stored |= {"report": changes.report, "report_events": changes.events}
        if changes.fallback is not None:
            stored["fallback"] = changes.fallback

        def start(call: Call) -> None:
            node.calls.start_dialled(call)
            if changes.time_limit is not None:
                call.limit(changes.time_limit, dialed_leg.bridged_at)

        log.info("redirected through the API, leaves its caller", call=sid)
        dialed_leg.instruct(changes.to, start, **stored)

    def _hang_up(self, record: CallRecord) -> None:
        node, rooms = self._nodes.of_call(record.sid), self._nodes.rooms
        node.context.call_entries.decided(record.leg, f"hung up {on_behalf()}")
        room_sid = rooms.room_of(record.sid)
        if room_sid:
            rooms.dispatch(room_sid, Remove(now(), record.sid, LeaveReason.UPDATED_VIA_API, hang_up=True))
        elif not node.outbound.hang_up(record.sid):
            node.context.connection.post(commands.kill(record.leg))

    def normal_number(self, text: str) -> str:
        """A number that calls are looked for by, as it stands in their records."""
        if is_address(text) and not text.lower().startswith("tel:"):
            return text
        return party(text, self._nodes.first.context.settings.default_region)

    def find_calls(self, query: Query) -> list[CallRecord]:
        self._nodes.flush_calls()
        return self._nodes.first.context.call_records.read(self._records.find(query))

    def delete_call(self, account_sid: str, sid: str) -> None:
        """Delete its record; its recordings stay. Raises NotFound, ServiceError."""
        if not self.call(account_sid, sid).ended_at:
            raise ServiceError("90034", "Call cannot be deleted", "It can be deleted once it has ended.")
        self._nodes.flush_calls()
        self._records.delete("call", sid)
        log.info("call deleted through the API", call=sid)

    def call(self, account_sid: str, sid: str) -> CallRecord:
        found = self._nodes.call(account_sid, sid)
        if found is None:
            raise NotFound
        return found
