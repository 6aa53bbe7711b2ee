"""A histogram whose upkeep costs a search among a few bounds and two additions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

DELAYS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds in seconds for what should take milliseconds and sometimes does not."""


class Histogram:
    """How many values were at most each of some bounds, since the start of this process."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, *bounds: float) -> None:
        """`bounds` ascend; larger values are counted too."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    @classmethod
    def total(cls, *histograms: Histogram) -> Histogram:
        """Of several that have the same bounds."""
        (bounds,) = {one._bounds for one in histograms}
        found = cls(*bounds)
        found._counts = [sum(counts) for counts in zip(*(one._counts for one in histograms), strict=True)]
        found.sum = sum(one.sum for one in histograms)
        return found

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each bound, infinity last, and how many values were at most that."""
        so_far = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            so_far += count
            yield bound, so_far
