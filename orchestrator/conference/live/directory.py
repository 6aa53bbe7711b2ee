"""The FreeSWITCH node that each conference name is on: a name has one living room, wherever its callers are.

One process holds all rooms, and nothing here yields: two callers on two nodes in the same millisecond get the
same answer. A node that is chosen for a new room keeps the name reserved until the room is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from orchestrator.conference.live.manager import Rooms
from orchestrator.config.freeswitch import NewRooms

RESERVED_SECONDS: Final = 30.0
"""Longer than a caller takes to get from its node to the chosen one."""


class Home(NamedTuple):
    """A node as the directory sees it."""

    name: str
    rooms: Rooms
    weight: Callable[[], int]
    """Its share of new rooms."""
    takes_rooms: Callable[[], bool]
    """Whether new rooms may be opened on it: it is up, and not draining."""

    @property
    def load(self) -> float:
        """Participants for its weight."""
        return self.rooms.participant_count / self.weight()


class RoomDirectory:
    """Of all nodes. `home` is called on any greenlet."""

    def __init__(
        self, new_rooms: Callable[[], NewRooms], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`new_rooms`: as the settings of the moment say. `clock` in seconds."""
        self._new_rooms = new_rooms
        self._clock = clock
        self._homes: dict[str, Home] = {}
        self._reserved: dict[tuple[str, str], tuple[str, float]] = {}
        """By account and name: the node, and until when; the first to expire is the first."""

    def add(self, home: Home) -> None:
        self._homes[home.name] = home

    @property
    def has_several(self) -> bool:
        """Whether a name that one node loses is free for another."""
        return len(self._homes) > 1

    def found(self, account_sid: str, name: str) -> str:
        """The node whose room of this name admits participants; empty if there is none."""
        for home in self._homes.values():
            if home.rooms.named(account_sid, name) is not None:
                return home.name
        return ""

    def home(self, account_sid: str, name: str, asking: str) -> str:
        """The node of the room of this name, or the one where it is to be opened: reserved for it now.

        `asking`: the node of who asks, its own participant or caller.
        """
        if not self.has_several:
            return asking
        key, now = (account_sid, name), self._clock()
        if found := self.found(account_sid, name):
            self._reserved.pop(key, None)
            return found
        reserved, until = self._reserved.get(key, ("", 0.0))
        if reserved and until > now and self._takes_rooms(reserved):
            return reserved
        self._forget_old(now)
        self._reserved.pop(key, None)
        chosen = self._choose(asking)
        self._reserved[key] = chosen, now + RESERVED_SECONDS
        return chosen

    def least_loaded(self, otherwise: str) -> str:
        """The node that takes rooms and has the fewest participants for its weight."""
        open_ = [home for home in self._homes.values() if home.takes_rooms()]
        return min(open_, key=lambda home: home.load).name if open_ else otherwise

    def _choose(self, asking: str) -> str:
        if self._new_rooms() == "first_caller" and self._takes_rooms(asking):
            return asking
        return self.least_loaded(asking)

    def _takes_rooms(self, node: str) -> bool:
        home = self._homes.get(node)
        return home is not None and home.takes_rooms()

    def _forget_old(self, now: float) -> None:
        while self._reserved:
            first = next(iter(self._reserved))
            if self._reserved[first][1] > now:
                return
            del self._reserved[first]
