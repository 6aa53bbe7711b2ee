"""Queues against a model that sorts lists: the order, whichever message is in flight, retried or dropped."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from orchestrator.store.queues import Queues

NAMES = ("a", "b", "c")
STEPS = 400


class Model:
    """Ids by queue; those in flight stand before all others of their queue."""

    def __init__(self) -> None:
        self.ids: dict[str, list[int]] = {}
        self.in_flight: set[str] = set()

    def rest(self, queue: str) -> list[int]:
        """Without the head that is in flight."""
        return self.ids.get(queue, [])[1 if queue in self.in_flight else 0 :]

    def put(self, queue: str, id_: int) -> None:
        head = self.ids.get(queue, [])[:1] if queue in self.in_flight else []
        self.ids[queue] = head + sorted([*self.rest(queue), id_])

    def landed(self, queue: str) -> None:
        self.in_flight.discard(queue)
        self.ids[queue].sort()

    def remove(self, queue: str, id_: int) -> bool:
        ids = self.ids.get(queue, [])
        there = id_ in ids
        if there:
            if ids[0] == id_:
                self.in_flight.discard(queue)
            ids.remove(id_)
            if not ids:
                del self.ids[queue]
        return there

    def longest(self, number: int) -> list[tuple[str, int]]:
        left = {queue: self.rest(queue) for queue in self.ids}
        gone: list[tuple[str, int]] = []
        while len(gone) < number and any(left.values()):
            queue = min(
                (name for name in left if left[name]), key=lambda name: (-len(left[name]), left[name])
            )
            gone.append((queue, left[queue].pop(0)))
        return gone


def steps(draw: random.Random, model: Model, queues: Queues) -> Iterator[tuple[object, object]]:
    """The results of each, after each of many steps."""
    retried = list(range(1, 1000, 2))
    draw.shuffle(retried)
    for new in range(1000, 1000 + 2 * STEPS, 2):
        queue = draw.choice(NAMES)
        match draw.randrange(7):
            case 0 | 1:
                model.put(queue, new)
                queues.append(queue, new)
            case 2:
                id_ = retried.pop()
                queues.insert(queue, id_, in_flight=queue in model.in_flight)
                model.put(queue, id_)
            case 3 if queue in model.ids:
                model.in_flight.add(queue)
            case 4 if queue in model.in_flight:
                queues.landed(queue)
                model.landed(queue)
            case 5:
                id_ = draw.choice([*model.ids.get(queue, []), new])
                yield queues.remove(queue, id_), model.remove(queue, id_)
            case 6:
                number = draw.randrange(5)
                yield queues.oldest_of_the_longest(number, model.in_flight), model.longest(number)
        yield {name: queues.first(name, 1000) for name in NAMES if queues.first(name, 1)}, model.ids
        yield [queues.head(name) for name in NAMES], [model.ids.get(name, [None])[0] for name in NAMES]
        yield queues.first(queue, 2), model.ids.get(queue, [])[:2]
        yield queues.names(), sorted(model.ids, key=lambda name: model.ids[name][0])
        yield (len(queues), queues.depth), (len(model.ids), sum(map(len, model.ids.values())))


@pytest.mark.parametrize("seed", range(20))
def test_any_steps_leave_the_order_of_the_model(seed: int) -> None:
    for found, expected in steps(random.Random(seed), Model(), Queues()):
        assert found == expected
