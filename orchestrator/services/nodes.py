"""The FreeSWITCH nodes as the services see them: each call, conference and recording is on one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from orchestrator.calls.context import CallContext
from orchestrator.calls.outbound import Outbound
from orchestrator.calls.records import CallRecord
from orchestrator.calls.registry import CallRegistry
from orchestrator.conference.live.directory import RoomDirectory
from orchestrator.conference.machine.events import RoomEvent
from orchestrator.conference.machine.state import Participant, Room
from orchestrator.recordings.on_demand import CallRecordings
from orchestrator.verbs.announcements import AnnouncementPlayer


class NodeParts(NamedTuple):
    """The parts of one node that carry out commands."""

    context: CallContext
    calls: CallRegistry
    outbound: Outbound
    call_recordings: CallRecordings
    announcement_player: AnnouncementPlayer

    @property
    def name(self) -> str:
        return self.context.node.name


class LiveRooms:
    """The rooms of all nodes, as `Rooms` of one."""

    def __init__(self, nodes: Sequence[NodeParts]) -> None:
        self._rooms = [node.context.rooms for node in nodes]

    def get(self, sid: str) -> Room | None:
        return next((room for rooms in self._rooms if (room := rooms.get(sid)) is not None), None)

    def named(self, account_sid: str, name: str) -> Room | None:
        found = (rooms.named(account_sid, name) for rooms in self._rooms)
        return next((room for room in found if room is not None), None)

    def __iter__(self) -> Iterator[Room]:
        for rooms in self._rooms:
            yield from rooms

    def dispatch(self, sid: str, *events: RoomEvent) -> None:
        for rooms in self._rooms:
            if rooms.get(sid) is not None:
                rooms.dispatch(sid, *events)

    def participant(self, call_sid: str) -> Participant | None:
        found = (rooms.participant(call_sid) for rooms in self._rooms)
        return next((one for one in found if one is not None), None)

    def room_of(self, call_sid: str) -> str:
        """As Rooms.room_of."""
        return next(filter(None, (rooms.room_of(call_sid) for rooms in self._rooms)), "")

    def on_change(self, listener: Callable[[Room], None]) -> None:
        """Have `listener` called with each room that is another than before; it must not block."""
        for rooms in self._rooms:
            rooms.on_change.append(listener)


class Nodes:
    """All of them; the first where it does not matter which."""

    def __init__(self, nodes: Sequence[NodeParts], directory: RoomDirectory) -> None:
        self._nodes = tuple(nodes)
        self._directory = directory
        self.rooms = LiveRooms(nodes)

    def __iter__(self) -> Iterator[NodeParts]:
        return iter(self._nodes)

    @property
    def first(self) -> NodeParts:
        """For what is the same on all: settings, records, timelines."""
        return self._nodes[0]

    def named(self, name: str) -> NodeParts:
        return next((node for node in self._nodes if node.name == name), self.first)

    def of_call(self, call_sid: str) -> NodeParts:
        """Where its caller's leg is, wherever its room is."""
        for node in self._nodes:
            if node.context.call_records.current(call_sid) is not None:
                return node
        return self.first

    def of_room(self, sid: str) -> NodeParts:
        for node in self._nodes:
            if node.context.rooms.get(sid) is not None:
                return node
        return self.first

    def for_call(self) -> NodeParts:
        """Where a call is begun: the least loaded."""
        return self.named(self._directory.least_loaded(self.first.name))

    def for_room(self, account_sid: str, name: str) -> NodeParts:
        """Where the room of this name is, or is to be opened."""
        return self.named(self._directory.home(account_sid, name, self.for_call().name))

    def call(self, account_sid: str, sid: str) -> CallRecord | None:
        """A call of this account, living or over. Raises OutboxError."""
        return self.of_call(sid).context.call_records.get(account_sid, sid)

    def flush_calls(self) -> None:
        """So that a list has them all. Raises OutboxError."""
        for node in self._nodes:
            node.context.call_records.flush()
