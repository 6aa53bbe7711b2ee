"""The expected callbacks: every stay of a call in a room, and every room, from what was seen.

A call is in a room from its admission, to wait or into the FreeSWITCH conference, until it is out of it.
FreeSWITCH knows of the second alone (add-member, del-member); that somebody was admitted to wait shows in its
music: nothing else plays while a document is about a room (see plan.py).

Some things nobody can know after a kill, and then both is right, reported or not (`must` is False):
- a stay, or a conference, that began and ended while nobody listened, without having waited before;
- whether somebody who asked for a room just before a kill, a crash or its own hangup, and then was never seen
  waiting there, had been admitted: that is decided a moment before it can be heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.crash.application import Served
from tests.crash.moments import CLOCKS, FOREVER, LAG, SECOND, Moments
from tests.crash.plan import Kind, Step
from tests.crash.witness import Seen

WAITING = ("answer", "playback")
"""Applications that run on a waiting caller: one that goes straight in is answered by `conference`."""
DECIDED = LAG
"""From being given a document to waiting by it."""

STALE = SECOND // 2
"""By so much may the clock be old with which FreeSWITCH stamps an event."""
VERY_STALE = 5 * SECOND
"""The same on a machine that is too busy: what is older than STALE may be of the document before, or not."""


@dataclass
class Stay:
    """One call's time in one room. `room` is the ConferenceSid where FreeSWITCH's conference was entered."""

    leg: str
    name: str
    asked: int
    step: Step
    room: str = ""
    node: str = ""
    """That has the room: not always the caller's own."""
    waited: int = 0
    added: int = 0
    hung_up: int = 0
    out: int = 0
    crashed: bool = False
    """It ended with the switch."""
    must: bool = True
    """False: it may as well not be reported."""

    @property
    def overdue(self) -> bool:
        """Its time limit was over before FreeSWITCH had it in: reported as in and out, it starts no room."""
        return 0 < self.step.time_limit * SECOND <= self.added - self.asked + CLOCKS

    @property
    def gone(self) -> int:
        """The first sign of its end."""
        return min(self.hung_up or FOREVER, self.out or FOREVER)

    @property
    def ended(self) -> int:
        """The last sign of its end."""
        return max(self.hung_up, self.out) or FOREVER


@dataclass
class Conference:
    """A room as FreeSWITCH had it: it may have made the conference more than once under its name."""

    sid: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    """conference-create and conference-destroy of each."""
    node: str = ""
    recordings: set[str] = field(default_factory=set)
    """Paths."""
    must: bool = True


class Truth:
    def __init__(self, seen: Sequence[Seen], served: Sequence[Served], moments: Moments) -> None:
        self.moments = moments
        self.conferences = _conferences(seen, moments)
        self.stays: list[Stay] = []
        self.numbers = {document.leg: document.caller for document in served}
        by_leg: dict[str, list[tuple[int, int, Seen | Served]]] = defaultdict(list)
        for number, event in enumerate(seen):
            if event.leg:
                by_leg[event.leg].append((event.came, number, event))
        for document in served:
            by_leg[document.leg].append((document.at, -1, document))
        for leg, story in by_leg.items():
            story.sort(key=lambda one: one[:2])
            reader = _Reader(leg, moments, *_origin(story))
            for _, _, what in story:
                reader.read(what)
            self.stays += reader.done()


def _origin(story: Sequence[tuple[int, int, Seen | Served]]) -> tuple[int, str]:
    """When the caller's leg was first seen, and on which node: the one that it called."""
    node = next((what.node for _, _, what in story if isinstance(what, Seen)), "")
    return story[0][0], node


class _Reader:
    """One call's story, in the order in which it came to us, into its stays.

    By our clock: FreeSWITCH stamps its events with a clock of which it had last read the time up to some
    tenths of a second ago. Where the room is on another node than the caller's, the leg there has the same
    Unique-ID.
    """

    def __init__(self, leg: str, moments: Moments, began: int, origin: str) -> None:
        self._leg, self._moments = leg, moments
        self._origin = origin
        self._down = moments.crash_after(began, origin)
        """When the node died that has the caller's leg; 0: it has not."""
        self._document: Served | None = None
        self._stay: Stay | None = None
        self._stays: list[Stay] = []
        self._hung_up = 0

    def read(self, what: Seen | Served) -> None:
        at = what.at
        self._crash(what)
        if isinstance(what, Served):
            if not 0 < self._down < at:
                self._given(what)
            return
        match what.name:
            case "CHANNEL_EXECUTE" if what.detail in WAITING and self._about_a_room(at, VERY_STALE):
                certain = self._about_a_room(at, STALE)
                stay = self._open(at)
                stay.node = what.node
                if not stay.waited or (certain and not stay.must):
                    stay.waited, stay.must = at, certain
            case "add-member":
                stay = self._open(at)
                if stay.added:
                    # The switch died, or it says nothing of how this one ended.
                    self._close(at)
                    stay = self._open(at)
                stay.added, stay.room, stay.node = at, what.room, what.node
            case "del-member" if self._stay is not None:
                self._stay.hung_up = self._stay.hung_up or self._hung_up
                self._close(at)
            case "CHANNEL_HANGUP":
                self._ended(at, what.node)

    def _ended(self, at: int, node: str) -> None:
        """A leg of the call: its own, or the one on the room's node, after which its own goes on."""
        stay = self._stay
        if node == self._origin:
            self._hung_up = at
        elif stay is None or stay.node != node:
            return
        if stay is not None:
            stay.hung_up = stay.hung_up or at
            # One in the conference is out by del-member, which follows; one on another node by its leg there.
            if not stay.added and stay.node in ("", node):
                self._close(0)

    def _crash(self, what: Seen | Served) -> None:
        """The room's node has died before this; it says nothing of how the stay ended."""
        stay = self._stay
        if stay is None or not stay.node or stay.node == self._origin:
            return
        down = self._moments.crash_after(stay.waited or stay.added, stay.node)
        said = isinstance(what, Seen) and what.node == stay.node and what.at < down + STALE
        if 0 < down <= what.at and not said:
            stay.crashed = True
            self._close(down)

    def _about_a_room(self, at: int, stale: int) -> bool:
        """Whether what runs since `at` is for a document about a room, by a clock that is `stale` at most.

        On a machine that is too busy an event of the document before comes after this one was served.
        """
        document = self._document
        if document is None or document.step is None or self._moments.clock(at) < document.at - stale:
            return False
        return document.step.kind is Kind.ROOM

    def _given(self, document: Served) -> None:
        if self._document is not None and document.number != self._document.number:
            if self._stay is not None and not self._stay.added:
                # Let go while it waited. Of one that was inside, del-member says so, maybe after this.
                self._close(document.at)
            self._asked_in_vain(document.at)
        if self._document is None or document.number != self._document.number:
            self._document = document

    def _open(self, at: int) -> Stay:
        if self._stay is None:
            document = self._document
            step = document.step if document is not None else None
            assert document is not None
            assert step is not None, f"{self._leg} was taken into a room by no document"
            self._stay = Stay(self._leg, step.room, document.at, step)
        return self._stay

    def _close(self, at: int) -> None:
        stay, self._stay = self._stay, None
        if stay is None:
            return
        stay.out = at
        if not stay.waited:
            stay.must = self._moments.of(stay.node).noticed(stay.added, stay.gone)
        self._stays.append(stay)

    def _asked_in_vain(self, until: int) -> None:
        """Given a document about a room and never seen there: had it been admitted to wait?"""
        document = self._document
        if document is None or document.step is None or document.step.kind is not Kind.ROOM:
            return
        if any(stay.asked == document.at for stay in [*self._stays, *filter(None, [self._stay])]):
            return
        undecided = until - document.at < DECIDED or not self._moments.lived_on(document.at)
        crashed = self._moments.crashed(document.at, document.at + DECIDED)
        if crashed or (undecided and not document.step.starts):
            stay = Stay(self._leg, document.step.room, document.at, document.step, must=False, out=until)
            self._stays.append(stay)

    def done(self) -> list[Stay]:
        """A switch that dies says nothing."""
        if self._stay is not None:
            stay = self._stay
            stay.hung_up = stay.hung_up or self._hung_up
            node = stay.node or self._origin
            down = self._moments.crash_after(stay.waited or stay.added, node)
            stay.crashed = bool(down)
            self._close(down)
        self._asked_in_vain(self._hung_up or self._down or FOREVER)
        return self._stays


def _conferences(seen: Iterable[Seen], moments: Moments) -> dict[str, Conference]:
    found: dict[str, Conference] = {}
    began: dict[str, int] = {}
    for event in seen:
        if not event.room:
            continue
        conference = found.setdefault(event.room, Conference(event.room, node=event.node))
        match event.name:
            case "conference-create":
                began[event.room] = event.at
            case "conference-destroy":
                conference.spans.append((began.pop(event.room, event.at), event.at))
            case "start-recording":
                conference.recordings.add(event.detail)
    for sid, at in began.items():
        down = moments.crash_after(at, found[sid].node) or FOREVER
        found[sid].spans.append((at, down))
    for conference in found.values():
        of_node = moments.of(conference.node)
        conference.must = any(of_node.noticed(begin, end) for begin, end in conference.spans)
    return found
