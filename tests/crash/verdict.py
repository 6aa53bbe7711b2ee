"""The callbacks that came beside what should have come: what is lost, invented, or wrong about it."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.sids import call_sid_of
from tests.crash.application import Came
from tests.crash.delivered_callbacks import (
    END,
    JOIN,
    LEAVE,
    START,
    Callback,
    Delivered,
    ReportedStay,
    is_needless,
)
from tests.crash.moments import CLOCKS, FOREVER, LAG, Bounds, Moments
from tests.crash.plan import CALLED
from tests.crash.service import ACCOUNT, CONNECTION
from tests.crash.truth import Conference, Stay, Truth

ENDS = ("completed", "absent")
_ALWAYS: dict[str, Collection[str]] = {"AccountSid": (ACCOUNT,), "ConnectionId": (CONNECTION,)}
_LEFT: dict[str, Collection[str]] = {
    "ParticipantCallStatus": ("completed", "in-progress"),
    "ReasonParticipantLeft": (
        "participant_hung_up",
        "participant_updated_via_api",
        "moderator_ended_conference",
    ),
}
_ENDED: dict[str, Collection[str]] = {
    "ReasonConferenceEnded": ("participant-with-end-conference-on-exit-left", "last-participant-left")
}


@dataclass
class Verdict:
    rooms: int = 0
    callbacks: int = 0
    stays: int = 0
    either: int = 0
    """Stays and conferences of which nobody can know, and of these how many were reported."""
    either_reported: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    invented: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
    """Rooms whose sequence numbers have one."""
    findings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By ConferenceSid, or by the name of a room that has no callbacks."""
    wrong: int = 0
    twice_living: int = 0
    """Of these: rooms that were not over when another one of their name had begun."""

    @property
    def good(self) -> bool:
        return not (self.lost or self.invented or self.gaps or self.wrong)

    def lose(self, room: str, event: str, why: str) -> None:
        self.lost[event] += 1
        self.findings[room].append(f"LOST {event}: {why}")

    def invent(self, room: str, event: str, why: str) -> None:
        self.invented[event] += 1
        self.findings[room].append(f"INVENTED {event}: {why}")

    def blame(self, room: str, what: str) -> None:
        self.wrong += 1
        self.findings[room].append(f"WRONG {what}")


class Judge:
    def __init__(self, truth: Truth, delivered: Delivered, moments: Moments) -> None:
        self.truth, self.delivered, self.moments = truth, delivered, moments
        self.verdict = Verdict(
            rooms=len(delivered.rooms.keys() | truth.conferences.keys()),
            callbacks=sum(map(len, delivered.rooms.values())),
            stays=len(truth.stays),
        )
        self._of_room: dict[str, list[Stay]] = defaultdict(list)

    def judge(self) -> Verdict:
        for what in self.delivered.wrong:
            self.verdict.blame("", what)
        self._calls()
        for sid in self.delivered.rooms.keys() | self.truth.conferences.keys():
            self._room(sid, self.delivered.rooms.get(sid, []))
        self._names()
        return self.verdict

    # Stays

    def _calls(self) -> None:
        stays: dict[str, list[Stay]] = defaultdict(list)
        for stay in self.truth.stays:
            stays[call_sid_of(stay.leg)].append(stay)
        for call_sid in stays.keys() | self.delivered.stays.keys():
            self._call(stays.get(call_sid, []), self.delivered.stays.get(call_sid, []))

    def _call(self, stays: list[Stay], delivered: list[ReportedStay]) -> None:
        """Each reported stay is one of the true ones: of its room, or of its name where it only waited."""
        open_ = list(stays)
        for one in delivered:
            first = one.first
            stay = next((stay for stay in open_ if stay.room == first.room), None) or next(
                (stay for stay in open_ if not stay.room and stay.name == first.name), None
            )
            if stay is None:
                for callback in (one.join, one.leave):
                    if callback is not None:
                        self.verdict.invent(callback.room, callback.event, f"call {callback.call_sid}")
                continue
            open_.remove(stay)
            self._of_room[first.room].append(stay)
            self._compare(stay, one)
        for stay in open_:
            if stay.must:
                for event in (JOIN, LEAVE):
                    self.verdict.lose(stay.room or stay.name, event, _described(stay))
            else:
                self.verdict.either += 1

    def _compare(self, stay: Stay, delivered: ReportedStay) -> None:
        room = delivered.first.room
        if not stay.must:
            self.verdict.either += 1
            self.verdict.either_reported += 1
        for event, callback, bounds in (
            (JOIN, delivered.join, self._came_in(stay)),
            (LEAVE, delivered.leave, self._came_out(stay)),
        ):
            if callback is None:
                self.verdict.lose(room, event, _described(stay))
                continue
            self._on_time(callback, bounds)
            if callback.number != self.truth.numbers.get(stay.leg) or callback.name != stay.name:
                self.verdict.blame(room, f"who or where: {callback} of {_described(stay)}")
            self._has(callback, _participant(stay) | (_LEFT if event == LEAVE else {}))

    def _has(self, callback: Callback, expected: Mapping[str, Collection[str]]) -> None:
        """Each field has one of its values; and what every callback has."""
        for name, values in (_ALWAYS | expected).items():
            if callback.fields.get(name) not in values:
                found = callback.fields.get(name)
                what = f"{callback.sequence} {callback.event}: {name} is {found}, not {' or '.join(values)}"
                self.verdict.blame(callback.room, what)
        if callback.fields.get("CallSidLegacy") != callback.call_sid:
            self.verdict.blame(callback.room, f"{callback.sequence} {callback.event}: CallSidLegacy")

    def _came_in(self, stay: Stay) -> Bounds:
        if stay.step.starts:
            # Missed, nobody can know more of when than that it was after its document.
            return self.moments.of(stay.node).bounds(stay.added, known=stay.asked)
        # Admitted to wait some time between its document and its music, if there was time for music.
        seen = stay.waited or stay.added or stay.gone
        return Bounds(stay.asked - CLOCKS, self.moments.of(stay.node).bounds(seen).latest)

    def _came_out(self, stay: Stay) -> Bounds:
        if stay.crashed:
            return self.moments.bounds_of_crash(stay.out)
        return self.moments.of(stay.node).bounds(stay.gone, stay.ended)

    def _on_time(self, callback: Callback, bounds: Bounds) -> None:
        if not bounds.earliest <= callback.at <= bounds.latest or callback.at > callback.came + CLOCKS:
            early, late = (bounds.earliest - callback.at) / 1e6, (callback.at - bounds.latest) / 1e6
            by = f"{early:.3f} s too early" if early > 0 else f"{late:.3f} s too late"
            if callback.at > callback.came + CLOCKS:
                by = f"{(callback.at - callback.came) / 1e6:.3f} s after it came"
            self.verdict.blame(callback.room, f"time of {callback.sequence} {callback.event}: {by}")

    # Rooms

    def _names(self) -> None:
        """A name has one living room at a time: reported over before the next one begins, and nobody enters
        it once the next one has somebody."""
        by_name: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for sid, callbacks in self.delivered.rooms.items():
            end = next((callback.at for callback in callbacks if callback.event == END), FOREVER)
            by_name[callbacks[0].name].append((callbacks[0].at, end, sid))
        for name, rooms in by_name.items():
            for (_, end, sid), (begin, _, following) in itertools.pairwise(sorted(rooms)):
                if end > begin + CLOCKS:
                    self._two(sid, following, name, f"reported as ended {(end - begin) / 1e6:.3f} s later")
        entered: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for stay in self.truth.stays:
            if stay.added:
                entered[stay.name].append((stay.added, stay.room))
        for name, entries in entered.items():
            last: dict[str, int] = {}
            first: dict[str, int] = {}
            for at, sid in sorted(entries):
                first.setdefault(sid, at)
                last[sid] = at
            for sid, following in itertools.pairwise(first):
                if last[sid] > first[following] + LAG:
                    late = (last[sid] - first[following]) / 1e6
                    self._two(sid, following, name, f"entered {late:.3f} s later")

    def _two(self, sid: str, following: str, name: str, why: str) -> None:
        self.verdict.twice_living += 1
        self.verdict.blame(sid, f"two living rooms of {name}: {why} than {following} began")

    def _room(self, sid: str, callbacks: list[Callback]) -> None:
        conference = self.truth.conferences.get(sid)
        stays = self._of_room.get(sid, [])
        if [callback.sequence for callback in callbacks] != list(range(len(callbacks))):
            self.verdict.gaps += 1
            self.verdict.findings[sid].append("GAP in the sequence numbers")
        counts = Counter(callback.event for callback in callbacks)
        self._start(sid, conference, counts[START], callbacks)
        entered = any(stay.room == sid and stay.added for stay in self.truth.stays)
        must_end = bool(callbacks) or (conference is not None and conference.must and entered)
        if must_end and not counts[END]:
            self.verdict.lose(sid, END, "")
        for event, right in ((START, 1), (END, 1)):
            for _ in range(counts[event] - right):
                self.verdict.invent(sid, event, "once more")
        if unknown := counts.keys() - {START, END, JOIN, LEAVE}:
            self.verdict.blame(sid, f"nobody asked for {unknown}")
        self._order(sid, callbacks, stays)
        for callback in callbacks:
            if callback.event == START:
                self._has(callback, {})
            elif callback.event == END:
                self._has(callback, _ENDED)
                by = callback.fields.get("CallSidEndingConference", callback.call_sid)
                if by != callback.call_sid:
                    self.verdict.blame(sid, f"ended by {by}, reported {callback.call_sid}")

    def _start(
        self, sid: str, conference: Conference | None, delivered: int, callbacks: Iterable[Callback]
    ) -> None:
        if conference is None:
            if delivered:
                self.verdict.invent(sid, START, "FreeSWITCH never had it")
            return
        entered = [stay for stay in self.truth.stays if stay.room == sid]
        starters = [stay for stay in entered if stay.step.starts]
        # One that FreeSWITCH had ready for a caller who hung up just then never had anybody in it.
        empty = not any(stay.added for stay in entered)
        if not conference.must or empty or (starters and all(stay.overdue for stay in starters)):
            self.verdict.either += 1
            self.verdict.either_reported += bool(delivered)
        elif not delivered:
            self.verdict.lose(sid, START, "")
        for callback in callbacks:
            if callback.event == START:
                created = min(begin for begin, _ in conference.spans)
                added = min((stay.added for stay in entered if stay.added), default=created)
                # Their stamps are coarse, and not always in the order in which they were sent.
                first = min(created, added)
                known = min((stay.asked for stay in entered if stay.step.starts), default=first)
                moments = self.moments.of(conference.node)
                self._on_time(callback, moments.bounds(first, max(created, added), known))

    def _order(self, sid: str, callbacks: Sequence[Callback], stays: list[Stay]) -> None:
        for before, after in itertools.pairwise(callbacks):
            if after.at < before.at:
                self.verdict.blame(sid, f"time goes back from {before.sequence} to {after.sequence}")
        started = False
        waiting = {call_sid_of(stay.leg) for stay in stays if stay.overdue or not stay.step.starts}
        for callback in callbacks:
            started = started or callback.event == START
            if callback.event == JOIN and not started and callback.call_sid not in waiting:
                self.verdict.blame(sid, f"{callback.sequence} joined before the start without waiting")
        events = [callback.event for callback in callbacks]
        if END in events and events.index(END) != len(events) - 1:
            self.verdict.blame(sid, "the end is not the last")
        for end in (callback for callback in callbacks if callback.event == END):
            latest = max((self._came_out(stay).latest for stay in stays), default=FOREVER)
            self._on_time(end, Bounds(0, latest))


def _check_recording(one: Came, before: Mapping[tuple[str, str], Came], room: str, verdict: Verdict) -> None:
    """Its fields, and that nothing comes after its end."""
    sid, status = one.fields["RecordingSid"], one.fields["RecordingStatus"]
    ended = status in ENDS
    expected: dict[str, Collection[str]] = {
        "AccountSid": (ACCOUNT,),
        "ConnectionId": (CONNECTION,),
        "RecordingChannels": ("1",),
        "RecordingSource": ("Conference",),
        "ConferenceSid": (room,),
        "CallSidLegacy": (one.fields.get("CallSid", ""),),
    }
    wrong = [name for name, values in expected.items() if one.fields.get(name) not in values]
    if ended is not one.fields.get("RecordingDuration", "").isdigit():
        wrong.append("RecordingDuration")
    if (status == "completed") is not one.fields.get("RecordingUrl", "").endswith(f"/{sid}.wav"):
        wrong.append("RecordingUrl")
    if wrong:
        verdict.blame(room, f"recording {sid} {status}: {', '.join(wrong)}")
    if not ended and any((sid, end) in before for end in ENDS):
        verdict.blame(room, f"recording {sid} is {status} after its end")


def _participant(stay: Stay) -> dict[str, Collection[str]]:
    step = stay.step
    return {
        "CallingPartyType": ("pstn",),
        "To": (CALLED,),
        "Coaching": ("false",),
        "EndConferenceOnExit": (_boolean(step.ends),),
        "Hold": ("false",),
        "Muted": (_boolean(step.muted),),
        "StartConferenceOnEnter": (_boolean(step.starts),),
    }


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _described(stay: Stay) -> str:
    how = "waited" if stay.waited else ""
    return f"call {call_sid_of(stay.leg)} {how} {'entered' if stay.added else ''} {stay.name}"


def judge_recordings(
    truth: Truth, delivered: Delivered, came: Sequence[Came], verdict: Verdict, moments: Moments
) -> None:
    """Each has exactly one end; none that FreeSWITCH began is unmentioned; each recorded room has one."""
    before: dict[tuple[str, str], Came] = {}
    conferences: dict[str, str] = {}
    for one in came:
        sid, status = key = one.fields["RecordingSid"], one.fields["RecordingStatus"]
        room = one.fields["ConferenceSid"]
        if key not in before:
            _check_recording(one, before, conferences.get(sid, room), verdict)
        elif before[key].body != one.body:
            verdict.blame(room, f"recording {key} reported twice, and not the same")
        elif is_needless(before[key], one, moments):
            verdict.invent(room, "end of a recording" if status in ENDS else "recording", f"{sid} once more")
        before[key] = one
        conferences[sid] = room
    ends = Counter(sid for sid, status in before if status in ENDS)
    begun = {
        Path(path).stem: sid
        for sid, conference in truth.conferences.items()
        for path in conference.recordings
    }
    for sid in begun.keys() | conferences.keys():
        room = conferences.get(sid) or begun[sid]
        if not ends[sid]:
            verdict.lose(room, "end of a recording", sid)
        for _ in range(ends[sid] - 1):
            verdict.invent(room, "end of a recording", sid)
    recorded = set(conferences.values())
    for sid, conference in truth.conferences.items():
        records = any(stay.room == sid and stay.step.records for stay in truth.stays)
        started = any(callback.event == START for callback in delivered.rooms.get(sid, []))
        if records and conference.must and started and sid not in recorded:
            verdict.lose(sid, "recording", "none was reported a recorded room")
