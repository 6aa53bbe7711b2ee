"""The record of every call, live or ended: kept beside the calls, written behind in batches."""

from __future__ import annotations

import gevent
import msgspec
from msgspec.structs import replace

from orchestrator.callbacks.call_status import status_at_end
from orchestrator.callbacks.media_quality import MediaQuality
from orchestrator.callbacks.payloads import CallStatus
from orchestrator.clock import now
from orchestrator.conference.machine.state import Caller
from orchestrator.esl.events import Event
from orchestrator.esl.snapshot import Snapshot
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.store.interface import NodeStore, OutboxError
from orchestrator.store.records import Record

log = get_logger(__name__)

WRITE_SECONDS = 0.5
YOUNG_MICROSECONDS = 60_000_000
ANSWERED = "Caller-Channel-Answered-Time"


class CallRecord(msgspec.Struct, frozen=True):
    """Times in microseconds since the epoch, 0 where it has not happened."""

    sid: str
    account_sid: str
    leg: str
    from_: str
    to: str
    outbound: bool
    created_at: int
    updated_at: int
    answered_at: int = 0
    ended_at: int = 0
    status: str = "ringing"
    """As the REST API has it; `queued` until FreeSWITCH has begun to dial."""
    caller_name: str = ""
    parent_call_sid: str = ""
    quality: MediaQuality | None = None
    """Of its media; None until it is over, and where it had none."""
    hangup_cause: str = ""
    """FreeSWITCH's word; empty until it is over."""

    @property
    def seconds(self) -> int:
        """From the answer to the end, as FreeSWITCH's billsec."""
        return max(0, self.ended_at - self.answered_at) // 1_000_000 if self.answered_at else 0


_decode = msgspec.json.Decoder(CallRecord).decode


class CallRecords(Part):
    """`on_event` runs on the socket's reader and never blocks."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store
        self._live: dict[str, CallRecord] = {}
        """By FreeSWITCH's Unique-ID."""
        self._unwritten: dict[str, CallRecord] = {}
        self._writer: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        """With those that lived when the last run of ours ended. Raises OutboxError."""
        for record in self._store.alive("call"):
            call = _decode(record.value)
            self._live[call.leg] = call

    def open(
        self,
        caller: Caller,
        account_sid: str,
        *,
        outbound: bool = False,
        status: str = "ringing",
        name: str = "",
        parent: str = "",
    ) -> None:
        """A call that begins; of one that is known, nothing changes."""
        if caller.leg in self._live:
            return
        at = now()
        self._keep(
            CallRecord(
                sid=caller.call_sid,
                account_sid=account_sid,
                leg=caller.leg,
                from_=caller.from_,
                to=caller.to,
                outbound=outbound,
                created_at=at,
                updated_at=at,
                status=status,
                caller_name=name,
                parent_call_sid=parent,
            )
        )

    def living(self, leg: str) -> CallRecord | None:
        """Of this leg."""
        return self._live.get(leg)

    def note_quality(self, leg: str, quality: MediaQuality) -> None:
        """Before its end."""
        self._live[leg] = replace(self._live[leg], quality=quality)

    def on_event(self, event: Event) -> None:
        call = self._live.get(event.uuid)
        if call is None:
            return
        at = event.timestamp or now()
        match event.name:
            case "CHANNEL_CREATE" | "CHANNEL_PROGRESS" | "CHANNEL_PROGRESS_MEDIA" if call.status == "queued":
                self._keep(replace(call, status="ringing", updated_at=at))
            case "CHANNEL_ANSWER" if not call.answered_at:
                self._keep(replace(call, status="in-progress", answered_at=at, updated_at=at))
            case "CHANNEL_HANGUP_COMPLETE":
                # Its answer may have come while nobody listened.
                answered_at = call.answered_at or int(event.header(ANSWERED) or 0)
                self._live[event.uuid] = replace(
                    call,
                    answered_at=answered_at,
                    hangup_cause=event.hangup_cause,
                )
                self.close(event.uuid, status_at_end(event.hangup_cause, bool(answered_at)), at)
            case "CHANNEL_DESTROY":
                self.close(event.uuid, "completed" if call.answered_at else "failed", at)

    def close(self, leg: str, status: CallStatus, at: int = 0) -> None:
        call = self._live.pop(leg, None)
        if call is not None:
            at = max(at or now(), call.created_at)
            self._write_soon(replace(call, status=status, ended_at=at, updated_at=at))

    def current(self, sid: str) -> CallRecord | None:
        """A call of this node that lives, or that has only just ended."""
        calls = (*self._unwritten.values(), *self._live.values())
        return next((call for call in calls if call.sid == sid), None)

    def get(self, account_sid: str, sid: str) -> CallRecord | None:
        """A call of this account, living or over. Raises OutboxError."""
        call = self.current(sid)
        if call is not None:
            return call if call.account_sid == account_sid else None
        record = self._store.records.one("call", account_sid, sid)
        return _decode(record.value) if record else None

    def read(self, records: list[Record]) -> list[CallRecord]:
        return [_decode(record.value) for record in records]

    def compare(self, seen: Snapshot) -> None:
        """Their ends while no orchestrator listened."""
        for leg, call in list(self._live.items()):
            headers = seen.legs.get(leg)
            # One that is about to be dialled is not there yet.
            about_to_be = call.status == "queued" and call.created_at > seen.taken_at - YOUNG_MICROSECONDS
            if headers is None and call.created_at < seen.taken_at and not about_to_be:
                self.close(leg, "completed" if call.answered_at else "failed")
            elif headers is not None and not call.answered_at and headers.get("Answer-State") == "answered":
                at = int(headers.get(ANSWERED) or 0) or now()
                self._keep(replace(call, status="in-progress", answered_at=at, updated_at=at))

    def flush(self) -> None:
        """So that a list has it all. Raises OutboxError, and keeps what could not be written."""
        unwritten = dict(self._unwritten)
        if unwritten:
            self._store.commit(records=[_record(call) for call in unwritten.values()])
            for leg, call in unwritten.items():
                # It may have changed meanwhile.
                if self._unwritten.get(leg) is call:
                    del self._unwritten[leg]

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        if self._writer is not None:
            self._writer.kill(block=False)
        try:
            self.flush()
        except OutboxError as error:
            log.error("what calls have become is lost", calls=len(self._unwritten), problem=str(error))

    def _keep(self, call: CallRecord) -> None:
        self._live[call.leg] = call
        self._write_soon(call)

    def _write_soon(self, call: CallRecord) -> None:
        self._unwritten[call.leg] = call
        if self._writer is None:
            self._writer = gevent.spawn_later(WRITE_SECONDS, self._write)

    def _write(self) -> None:
        self._writer = None
        try:
            self.flush()
        except OutboxError as error:
            log.error("calls could not be written: the list lacks them for now", problem=str(error))
            self._writer = gevent.spawn_later(WRITE_SECONDS * 10, self._write)


def _record(call: CallRecord) -> Record:
    return Record(
        kind="call",
        sid=call.sid,
        account_sid=call.account_sid,
        created_at=call.created_at,
        updated_at=call.updated_at,
        ended_at=call.ended_at,
        status=call.status,
        from_=call.from_,
        to_=call.to,
        call_sid=call.parent_call_sid,
        value=msgspec.json.encode(call),
    )
