"""Rooms and recordings as they are listed and fetched, ended ones included."""

from __future__ import annotations

import msgspec

from orchestrator.conference.machine.state import Room, RoomPhase
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
