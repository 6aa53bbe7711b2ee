"""Whether new rooms are opened on a FreeSWITCH node, and the node as an operator sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from orchestrator.conference.live.manager import Rooms
from orchestrator.config.freeswitch import Node
from orchestrator.esl.legs import Legs
from orchestrator.logs import get_logger
from orchestrator.store.write_behind import WriteBehindBuffer

log = get_logger(__name__)

DRAINING = "draining"
Availability = Literal["up", "down", "draining", "drained"]


class NodeState(Struct):
    name: str
    address: str
    """Of its event socket."""
    state: Availability
    """`draining`: no new room is opened on it; `drained`: it can be stopped."""
    rooms: int
    participants: int
    calls: int
    """Legs, also of callers whose rooms are on other nodes."""
    problem: str = ""


class NodeAvailability:
    """Called on any greenlet; nothing blocks."""

    def __init__(
        self,
        settings: Node,
        is_up: Callable[[], bool],
        write_buffer: WriteBehindBuffer,
        rooms: Rooms,
        legs: Legs,
    ) -> None:
        self._settings = settings
        self._is_up = is_up
        self._write_buffer = write_buffer
        self._rooms = rooms
        self._legs = legs
        self._draining = False

    def start(self) -> None:
        """As the last run of ours left it. Raises OutboxError."""
        self._draining = self._write_buffer.get(DRAINING, "") is not None

    @property
    def takes_rooms(self) -> bool:
        return self._is_up() and not self._draining

    def drain(self, on: bool) -> None:
        """No new room is opened on it, where there are others; or as usual again. Kept over a restart."""
        self._draining = on
        if on:
            self._write_buffer.commit(put=[(DRAINING, "", b"1")])
        else:
            self._write_buffer.commit(delete=[(DRAINING, "")])
        log.info("draining" if on else "takes new conferences", node=self._settings.name)

    def state(self, problem: str = "") -> NodeState:
        """`problem`: why calls cannot be served on it."""
        calls, rooms = len(self._legs), list(self._rooms)
        found: Availability = "up" if self._is_up() else "down"
        if self._draining and found == "up":
            found = "draining" if calls or rooms else "drained"
        settings = self._settings
        participants = sum(len(room.participants) for room in rooms)
        address = f"{settings.host}:{settings.port}"
        return NodeState(settings.name, address, found, len(rooms), participants, calls, problem)
