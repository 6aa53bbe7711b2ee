"""Rooms, and participants that have left, as they are listed and fetched."""

from __future__ import annotations

import msgspec

from orchestrator.conference.machine.effects import StoreLeave
from orchestrator.conference.machine.state import Participant, Room, RoomPhase
from orchestrator.store.records import Record


class RoomRecord(msgspec.Struct, frozen=True):
    """Times in microseconds since the epoch."""

    sid: str
    account_sid: str
    name: str
    created_at: int
    updated_at: int
    ended_at: int = 0
    status: str = "init"
    end_reason: str = ""
    ended_by: str = ""
    """CallSid of whose leave ended it; empty where nobody's did."""
    node: str = "default"


decode_room = msgspec.json.Decoder(RoomRecord).decode


def status_of(room: Room) -> str:
    """In the REST API's words: one that is ending is still what it was."""
    if room.phase is RoomPhase.ENDING:
        return RoomPhase.STARTED.value if room.started_at else RoomPhase.INIT.value
    return str(room.phase.value)


def room_record(room: Room) -> RoomRecord:
    ended_by_leave = room.end_reason is not None and room.end_reason.value.endswith("-left")
    return RoomRecord(
        sid=room.sid,
        account_sid=room.account_sid,
        name=room.name,
        created_at=room.created_at,
        updated_at=max(room.created_at, room.started_at, room.ended_at),
        ended_at=room.ended_at,
        status=status_of(room),
        end_reason=room.end_reason.value if room.end_reason and room.ended_at else "",
        ended_by=room.ending_by.call_sid if room.ending_by and ended_by_leave and room.ended_at else "",
        node=room.node,
    )


def row_of_room(room: RoomRecord) -> Record:
    return Record(
        kind="conference",
        sid=room.sid,
        account_sid=room.account_sid,
        created_at=room.created_at,
        updated_at=room.updated_at,
        ended_at=room.ended_at,
        status=room.status,
        name=room.name,
        node=room.node,
        value=msgspec.json.encode(room),
    )


class LeaveRecord(msgspec.Struct, frozen=True):
    """A participant that was in a room and has left it; a call that comes back has several."""

    conference_sid: str
    participant: Participant
    """As it was at last."""
    left_at: int
    """Microseconds since the epoch."""
    reason: str


decode_leave = msgspec.json.Decoder(LeaveRecord).decode


def row_of_leave(room: Room, leave: StoreLeave) -> Record:
    one = leave.participant
    left_at = max(leave.at, one.joined_at)
    return Record(
        kind="participant",
        sid=f"{room.sid}/{one.call_sid}/{one.joined_at}",
        account_sid=room.account_sid,
        created_at=one.asked_at,
        updated_at=left_at,
        ended_at=left_at,
        status="completed",
        name=one.options.label,
        from_=one.caller.from_,
        to_=one.caller.to,
        conference_sid=room.sid,
        call_sid=one.call_sid,
        node=room.node,
        value=msgspec.json.encode(LeaveRecord(room.sid, one, left_at, leave.reason.value)),
    )
