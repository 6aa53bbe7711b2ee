"""Which messages wait in which queue, by their ids: all that is kept in memory of what waits."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container, Sequence
from heapq import heapify, heappop, heappush

_NONE: array[int] = array("q")


class Queues:
    """Each queue in the order of its ids, but that nothing comes before a message in flight.

    An array takes 8 bytes for each message; a list would take 40, a deque 700 even for a single one.
    """

    def __init__(self) -> None:
        self._ids: dict[str, array[int]] = {}
        self._depth = 0

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def depth(self) -> int:
        """Messages in all queues."""
        return self._depth

    def names(self) -> list[str]:
        """Queues in which something waits, the longest waiting first."""
        return sorted(self._ids, key=lambda queue: self._ids[queue][0])

    def head(self, queue: str) -> int | None:
        ids = self._ids.get(queue)
        return ids[0] if ids else None

    def second(self, queue: str) -> int:
        """0: none."""
        ids = self._ids.get(queue, _NONE)
        return ids[1] if len(ids) > 1 else 0

    def first(self, queue: str, number: int) -> Sequence[int]:
        """The ids of the first `number` messages of a queue."""
        return self._ids.get(queue, _NONE)[:number].tolist()

    def append(self, queue: str, id_: int) -> None:
        """At the end. `id_` is larger than all others of the queue."""
        ids = self._ids.get(queue)
        if ids is None:
            ids = self._ids[queue] = array("q")
        ids.append(id_)
        self._depth += 1

    def insert(self, queue: str, id_: int, *, in_flight: bool) -> None:
        """At its place; behind the head if that is in flight."""
        ids = self._ids.setdefault(queue, array("q"))
        ids.insert(bisect_left(ids, id_, 1 if ids and in_flight else 0), id_)
        self._depth += 1

    def landed(self, queue: str) -> None:
        """The head is not in flight any more, but still waits."""
        ids = self._ids[queue]
        if len(ids) > 1 and ids[0] > ids[1]:
            ids.insert(bisect_left(ids, ids[0], 1) - 1, ids.pop(0))

    def remove(self, queue: str, id_: int) -> bool:
        """Whether it was there."""
        ids = self._ids.get(queue, _NONE)
        place = bisect_left(ids, id_, 1) if ids and ids[0] != id_ else 0
        if place >= len(ids) or ids[place] != id_:
            return False
        ids.pop(place)
        if not ids:
            del self._ids[queue]
        self._depth -= 1
        return True

    def oldest_of_the_longest(self, number: int, in_flight: Container[str]) -> Sequence[tuple[str, int]]:
        """Queue and id of the `number` messages that have to go so that the longest queues are shorter.

        Among queues of one length the one that has waited longest loses first. Heads in flight stay.
        """
        heap = []
        for queue, ids in self._ids.items():
            first = 1 if queue in in_flight else 0
            if len(ids) > first:
                heap.append((first - len(ids), ids[first], first, queue))
        heapify(heap)
        found: list[tuple[str, int]] = []
        while heap and len(found) < number:
            length, id_, place, queue = heappop(heap)
            found.append((queue, id_))
            if length < -1:
                heappush(heap, (length + 1, self._ids[queue][place + 1], place + 1, queue))
        return found
