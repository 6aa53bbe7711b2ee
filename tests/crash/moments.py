"""When the orchestrator could know: its lives, and the bounds that follow for what it says of a moment.

Where a process stood still (a `Stall`), what follows depends on whose it was. The orchestrator's own loses
nothing: what it did not hear it hears on waking, before it decides anything. FreeSWITCH's clock stands still
with it, so what it says on waking may bear an older time; and one that stands still for longer than PATIENT
loses its event socket, so what it does until that is back is missed.

All times are microseconds since the epoch. An event within a life is *heard*: its Timestamp is
FreeSWITCH's own of that very event, so it may differ from the truth by no more than the clocks do, and be
later by LAG where something reported just before had a later one (timestamps of a room never go back).

An event while nobody listens, or so shortly before a death that it may have died with its reader
(UNREAD), is *missed*. It is noticed by the next life that lasts NOTICE seconds from its readiness on. Nobody
can know better than: not before the last moment that was heard, not after it was noticed. These two are the
bounds of what is said about a missed moment.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

from tests.crash.service import Life

SECOND = 1_000_000
CLOCKS = SECOND // 4
"""FreeSWITCH's clock against ours: it reads the time once a millisecond at best, and the machine is busy."""
LAG = 3 * SECOND
"""From one event to what another one of the same room is stamped with that is handled after it."""
UNREAD = SECOND // 2
"""From an event to its having been read and written down; mostly some milliseconds."""
NOTICE = 4 * SECOND
"""From readiness to everything missed having been found."""
PATIENT = 8 * SECOND
"""For so long FreeSWITCH may stand still without losing its event socket."""
BACK = 8 * SECOND
"""From its going on to the socket's being back, and everything compared."""
WOKEN = 2 * SECOND
"""From FreeSWITCH's going on to its clock's doing so."""
FOREVER = 1 << 62


class Bounds(NamedTuple):
    earliest: int
    latest: int


class Stall(NamedTuple):
    """From SIGSTOP to SIGCONT."""

    begin: int
    end: int
    orchestrator: bool
    switch: bool


class Crash(NamedTuple):
    """From the death of a FreeSWITCH to when it took calls again."""

    down: int
    up: int
    node: str = ""


class Moments:
    """Also of the switches: `crashes` are their deaths."""

    def __init__(
        self,
        lives: Sequence[Life],
        crashes: Sequence[Crash] = (),
        stalls: Sequence[Stall] = (),
    ) -> None:
        self._lives = [(life.ready, life.dying or FOREVER) for life in lives if life.ready]
        self._deaths = [life.dying for life in lives if life.dying]
        self.crashes = list(crashes)
        self._of_node: dict[str, Moments] = {}
        self.stalls = list(stalls)
        for stall in self.stalls:
            if stall.switch and stall.end - stall.begin > PATIENT:
                self._cut(stall.begin, stall.end + BACK)

    def _cut(self, begin: int, end: int) -> None:
        parts = []
        for ready, dying in self._lives:
            parts += [(ready, min(dying, begin)), (max(ready, end), dying)]
        self._lives = [(ready, dying) for ready, dying in parts if ready < dying]

    def of(self, node: str) -> Moments:
        """The same, where nothing of a node can be known while it is down."""
        if node not in self._of_node:
            found = copy.copy(self)
            for crash in self.crashes:
                if crash.node == node:
                    found._cut(crash.down, crash.up)
            self._of_node[node] = found
        return self._of_node[node]

    def clock(self, at: int) -> int:
        """When at the latest it was, that FreeSWITCH gives this time."""
        woken = [stall.end + WOKEN for stall in self.stalls if stall.switch and _within(at, stall, WOKEN)]
        return max([at, *woken])

    def may_be_repeated(self, at: int) -> bool:
        """Whether an answer that was given then may not be on disk: by a kill, or unread for long."""
        died = any(at - SECOND <= dying <= at + UNREAD for dying in self._deaths)
        stood = any(stall.orchestrator and _within(at, stall, SECOND) for stall in self.stalls)
        return died or stood

    def heard(self, at: int) -> bool:
        """Whether what happened then was certainly carried through."""
        return any(ready <= at < dying - UNREAD for ready, dying in self._lives)

    def noticed(self, begin: int, end: int) -> bool:
        """Whether somebody certainly knew of what lasted from `begin` to `end`."""
        return self.heard(begin) or any(
            min(end, dying - UNREAD) - max(begin, ready) >= NOTICE for ready, dying in self._lives
        )

    def lived_on(self, at: int) -> bool:
        """Whether it had all the time it may need for what was to be done then."""
        stood = any(_within(at, stall, LAG) for stall in self.stalls)
        return not stood and any(ready <= at < dying - LAG for ready, dying in self._lives)

    def bounds(self, first: int, last: int | None = None, known: int | None = None) -> Bounds:
        """The bounds for the Timestamp of what happened then, or at some time from `first` to `last`.

        `known`: the last that was known before, where that is not as late as the last moment of a life.
        """
        last = self.clock(first if last is None else last)
        if self.lived_on(first) and self.lived_on(last):
            return Bounds(first - CLOCKS, last + LAG)
        known = self._last_known(first) if known is None else known
        return Bounds(min(first, known) - CLOCKS, max(last + LAG, self._found_out(last)))

    def bounds_of_crash(self, down: int) -> Bounds:
        """Of what ended with the switch: somebody knows once it is there again."""
        node, latest = next(((one.node, one.up) for one in self.crashes if one.down == down), ("", FOREVER))
        found = self._found_out(max(down, latest))
        for crash in self.crashes:
            # It died again before it could be compared.
            if crash.node == node and latest <= crash.down < found:
                latest = crash.up
                found = self._found_out(latest)
        return Bounds(min(down, self._last_known(down)) - CLOCKS, found)

    def _last_known(self, at: int) -> int:
        """The last moment before `at` for which events were certainly carried through."""
        known = [min(at, dying - UNREAD) for ready, dying in self._lives if ready <= at]
        return max(known, default=0)

    def _found_out(self, at: int) -> int:
        """By when at the latest; what was heard after all is earlier."""
        found = [
            max(at, ready) + NOTICE
            for ready, dying in self._lives
            if dying - UNREAD - max(at, ready) >= NOTICE
        ]
        return min(found, default=FOREVER)

    def crash_after(self, at: int, node: str) -> int:
        """When the node died that lived at that moment; 0: never."""
        return next((crash.down for crash in self.crashes if crash.down >= at and crash.node == node), 0)

    def crashed(self, begin: int, end: int) -> bool:
        """Whether a node died in between: what it had not said yet, nobody will ever know."""
        return any(begin <= crash.down <= end for crash in self.crashes)


def _within(at: int, stall: Stall, margin: int) -> bool:
    return stall.begin - margin < at < stall.end + margin
