"""The report of a run, in words."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.sids import call_sid_of
from tests.crash.application import Served
from tests.crash.delivered_callbacks import Callback, Delivered
from tests.crash.moments import FOREVER, SECOND, Moments
from tests.crash.plan import Kind
from tests.crash.service import Life
from tests.crash.truth import Truth
from tests.crash.verdict import Verdict
from tests.crash.witness import Seen

MOST_ROOMS = 12
ASKS, PLAYS, GONE = "asking for a room", "plays", "gone"


def side_by_side(
    verdict: Verdict, truth: Truth, delivered: Delivered, lives: Sequence[Life]
) -> Iterator[str]:
    """Each room with a finding: what happened on the left, what was reported on the right."""
    for number, (sid, findings) in enumerate(verdict.findings.items()):
        if number == MOST_ROOMS:
            yield f"… and {len(verdict.findings) - MOST_ROOMS} more rooms with findings"
            return
        yield f"\nroom {sid}"
        yield from (f"  {finding}" for finding in findings)
        lines = sorted([*_happened(sid, truth, delivered, lives), *_reported(delivered.rooms.get(sid, []))])
        for at, left, right in lines[:60]:
            yield f"  {_clock(at)}  {left:<62} | {right}"


def _happened(
    sid: str, truth: Truth, delivered: Delivered, lives: Sequence[Life]
) -> Iterator[tuple[int, str, str]]:
    names = {callback.name for callback in delivered.rooms.get(sid, [])} | {sid}
    calls = {callback.call_sid for callback in delivered.rooms.get(sid, [])}
    moments: list[int] = []
    conference = truth.conferences.get(sid)
    for begin, end in conference.spans if conference else ():
        yield begin, "conference-create", ""
        yield end, "conference-destroy", ""
    for stay in truth.stays:
        call_sid = call_sid_of(stay.leg)
        if stay.room != sid and not (
            not stay.room and stay.name in names and (call_sid in calls or sid in names)
        ):
            continue
        who = f"{call_sid[3:11]} {truth.numbers.get(stay.leg, '?')}"
        for at, what in (
            (stay.asked, "asked"),
            (stay.waited, "waits"),
            (stay.added, f"add-member {stay.node}".rstrip()),
            (stay.hung_up, "hung up"),
            (stay.out, "is out"),
        ):
            if 0 < at < FOREVER:
                moments.append(at)
                yield at, f"{who} {what}{'' if stay.must else ' (either)'}", ""
    moments += [callback.at for callback in delivered.rooms.get(sid, [])]
    marks = [mark for life in lives for mark in ((life.ready, "== ready"), (life.dying, f"== {life.how}"))]
    for crash in truth.moments.crashes:
        name = f"FreeSWITCH {crash.node}".rstrip()
        marks += [(crash.down, f"== {name} killed"), (crash.up, f"== {name} is back")]
    for at, what in marks:
        if moments and min(moments) - 10 * SECOND < at < max(moments) + 10 * SECOND:
            yield at, what, ""


def _reported(callbacks: Sequence[Callback]) -> Iterator[tuple[int, str, str]]:
    for one in callbacks:
        yield one.at, "", f"{one.sequence:>3} {one.event} {one.call_sid[3:11]} (came {_clock(one.came)})"


def _clock(at: int) -> str:
    return f"{at // SECOND % 10000:>4}.{at % SECOND // 1000:03}" if at < FOREVER else "   never"


def survivors(
    seen: Sequence[Seen], served: Sequence[Served], lives: Sequence[Life], moments: Moments
) -> tuple[Counter[str], Counter[str]]:
    """The state at its death of calls that were still up when it was back; and how many of these were seen
    to go on in the life that followed: a document asked for, an application run, a room left."""
    doing, further = Counter[str](), Counter[str]()
    origins = {one.leg: one.node for one in reversed(seen)}
    for leg, story in _stories(seen, served, origins).items():
        end = next((at for at, what in story if what == GONE), 0)
        end = end or moments.crash_after(story[0][0], origins.get(leg, "")) or FOREVER
        for before, after in itertools.pairwise(lives):
            so_far = [what for at, what in story if at <= before.dying]
            if after.ready and end > after.ready and so_far:
                doing[so_far[-1]] += 1
                until = after.dying or FOREVER
                further[so_far[-1]] += any(before.dead < at <= until for at, _ in story)
    return doing, further


def _stories(
    seen: Sequence[Seen], served: Sequence[Served], origins: Mapping[str, str]
) -> dict[str, list[tuple[int, str]]]:
    """Of each caller's leg, from when on it was doing what."""
    events: dict[str, list[tuple[int, str]]] = {one.leg: [] for one in seen if one.name == "CHANNEL_PARK"}
    for event in seen:
        elsewhere = event.node != origins.get(event.leg) and event.name in ("CHANNEL_HANGUP", "CHANNEL_PARK")
        if event.leg in events and not elsewhere and (doing := _doing(event)):
            events[event.leg].append((event.at, doing))
    for document in served:
        kind = document.step.kind if document.step else None
        doing = ASKS if kind is Kind.ROOM else kind.value if kind else "ending"
        events.setdefault(document.leg, []).append((document.at, doing))
    return {leg: _resolved(sorted(story)) for leg, story in events.items()}


def _resolved(story: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """A playback to a caller that asked for a room is its waiting."""
    resolved: list[tuple[int, str]] = []
    for at, what in story:
        before = resolved[-1][1] if resolved else ""
        if what == PLAYS:
            what = "waiting" if before in (ASKS, "waiting") else before or "playing"
        resolved.append((at, what))
    return resolved


def _doing(event: Seen) -> str:
    match event.name:
        case "CHANNEL_HANGUP":
            return GONE
        case "CHANNEL_PARK":
            return "ringing"
        case "add-member":
            return "joined"
        case "del-member":
            return "between documents"
        case "CHANNEL_EXECUTE":
            return {"playback": PLAYS, "bridge": "dialling"}.get(event.detail, "")
    return ""
