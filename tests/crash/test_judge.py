"""The judge itself: a truth and its callbacks, made by hand, and the faults that it has to find."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

import pytest

from orchestrator.sids import call_sid_of
from tests.crash.application import Came, Served
from tests.crash.delivered_callbacks import END, JOIN, LEAVE, START, read
from tests.crash.moments import SECOND, Crash, Moments, Stall
from tests.crash.plan import CALLED, Kind, Step
from tests.crash.service import ACCOUNT, CONNECTION, Life
from tests.crash.truth import Truth
from tests.crash.verdict import Judge, Verdict, judge_recordings
from tests.crash.witness import Seen

ROOM, NAME = "58b4eda9-03de-4bee-9178-d0e10d83e519", "Room 1"
SECOND_ROOM = "b0d14d8f-17e5-4a38-a9c3-6a27c6ae9b5b"
HOST, GUEST = (str(UUID(int=number)) for number in (1, 2))
STARTS, WAITS = Step(Kind.ROOM, room=NAME), Step(Kind.ROOM, room=NAME, starts=False)
KILLED_AT, BACK_AT = 100.0, 110.0
LIVES = [
    Life(0, ready=1 * SECOND, dying=int(KILLED_AT * SECOND), how="SIGKILL"),
    Life(0, ready=int(BACK_AT * SECOND), dying=200 * SECOND, how="SIGTERM"),
]


class World:
    """Events and the callbacks about them, at seconds of one clock."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.served: list[Served] = []
        self.came: list[Came] = []
        self.recordings: list[Came] = []
        self.crashes: list[Crash] = []
        self.stalls: list[Stall] = []

    def see(
        self,
        at: float,
        name: str,
        leg: str = "",
        detail: str = "",
        came: float = 0,
        *,
        node: str = "",
        room: str = ROOM,
    ) -> None:
        room = room if name.startswith(("conference", "add", "del", "start")) else ""
        at, came = int(at * SECOND), int((came or at) * SECOND)
        self.seen.append(Seen(at, came, name, leg, room, detail, f"+{leg[-1:]}", node))

    def serve(self, at: float, leg: str, step: Step | None, number: int = 0) -> None:
        self.served.append(Served(int(at * SECOND), leg, number, step, f"+{leg[-1:]}"))

    def callback(
        self, sequence: int, at: float, event: str, leg: str, came: float = 0, room: str = ROOM
    ) -> None:
        whole, part = divmod(int(at * SECOND), SECOND)
        fields = {
            "ConferenceSid": room,
            "SequenceNumber": str(sequence),
            "StatusCallbackEvent": event,
            "CallSid": call_sid_of(leg),
            "FriendlyName": NAME,
            "From": f"+{leg[-1:]}",
            "Timestamp": f"1970-01-01T00:{whole // 60:02}:{whole % 60:02}.{part:06}Z",
            "AccountSid": ACCOUNT,
            "CallSidLegacy": call_sid_of(leg),
            "ConnectionId": CONNECTION,
        }
        if event in (JOIN, LEAVE):
            starts = next((one.step.starts for one in self.served if one.leg == leg and one.step), True)
            fields |= {
                "CallingPartyType": "pstn",
                "Coaching": "false",
                "EndConferenceOnExit": "false",
                "Hold": "false",
                "Muted": "false",
                "StartConferenceOnEnter": str(starts).lower(),
                "To": CALLED,
            }
        if event == LEAVE:
            fields |= {"ParticipantCallStatus": "completed", "ReasonParticipantLeft": "participant_hung_up"}
        if event == END:
            fields |= {"ReasonConferenceEnded": "last-participant-left"}
        self.came.append(Came(int((came or at) * SECOND), urlencode(fields).encode(), fields))

    def record(self, status: str, sid: str = "r1", at: float = 50.0, taken: bool = True) -> None:
        fields = {
            "RecordingSid": sid,
            "RecordingStatus": status,
            "ConferenceSid": ROOM,
            "AccountSid": ACCOUNT,
            "ConnectionId": CONNECTION,
            "RecordingChannels": "1",
            "RecordingSource": "Conference",
            "CallSid": call_sid_of(HOST),
            "CallSidLegacy": call_sid_of(HOST),
        }
        if status != "in-progress":
            fields["RecordingDuration"] = "3"
        if status == "completed":
            fields["RecordingUrl"] = f"http://h/recordings/{sid}.wav"
        self.recordings.append(Came(int(at * SECOND), urlencode(fields).encode(), fields, taken))

    def change(self, event: str, **fields: str) -> None:
        """The report of the first such event, otherwise; an empty value: not at all."""
        at = next(n for n, one in enumerate(self.came) if one.fields["StatusCallbackEvent"] == event)
        found = {name: value for name, value in (self.came[at].fields | fields).items() if value}
        self.came[at] = self.came[at]._replace(fields=found, body=urlencode(found).encode())

    def judged(self) -> Verdict:
        moments = Moments(LIVES, self.crashes, self.stalls)
        truth, delivered = (
            Truth(self.seen, self.served, moments),
            read(self.came, moments),
        )
        verdict = Judge(truth, delivered, moments).judge()
        judge_recordings(truth, delivered, self.recordings, verdict, moments)
        return verdict


@pytest.fixture
def world() -> World:
    """One guest waits from 10 s, the host comes at 20 s and leaves at 30 s, the guest at 40 s: all sent."""
    world = World()
    world.serve(10, GUEST, WAITS)
    world.see(10.1, "CHANNEL_EXECUTE", GUEST, "playback")
    world.callback(0, 10.05, JOIN, GUEST)
    world.serve(19.9, HOST, STARTS)
    world.see(20, "conference-create")
    world.see(20, "add-member", HOST)
    world.callback(1, 20, START, HOST)
    world.callback(2, 20, JOIN, HOST)
    world.see(20.1, "add-member", GUEST)
    world.see(29.98, "CHANNEL_HANGUP", HOST)
    world.see(30, "del-member", HOST)
    world.callback(3, 29.98, LEAVE, HOST)
    world.see(40, "CHANNEL_HANGUP", GUEST)
    world.see(40, "del-member", GUEST)
    world.see(40, "conference-destroy")
    world.callback(4, 40, LEAVE, GUEST)
    world.callback(5, 40, END, GUEST)
    return world


def test_a_right_history_is_found_right(world: World) -> None:
    verdict = world.judged()
    assert verdict.good, verdict.findings
    assert (verdict.rooms, verdict.stays, verdict.callbacks, verdict.either) == (1, 2, 6, 0)


@pytest.mark.parametrize("sequence", range(6))
def test_a_missing_callback_is_lost(world: World, sequence: int) -> None:
    del world.came[sequence]
    verdict = world.judged()
    assert sum(verdict.lost.values()) >= 1
    # Of the last one there is no gap to be seen.
    assert verdict.gaps == (sequence != 5)


@pytest.mark.parametrize("event", [START, END, JOIN, LEAVE])
def test_a_callback_reported_once_too_often_is_invented(world: World, event: str) -> None:
    world.callback(6, 40, event, HOST)
    assert world.judged().invented[event]


def forget_the_guest(world: World) -> None:
    world.seen = [one for one in world.seen if one.leg != GUEST]
    world.served = [one for one in world.served if one.leg != GUEST]


def repeat_another(world: World) -> None:
    world.callback(5, 41, END, GUEST)


def end_early(world: World) -> None:
    world.came[4:] = []
    world.callback(4, 40, END, GUEST)
    world.callback(5, 40, LEAVE, GUEST)


def go_back(world: World) -> None:
    world.came[4:] = []
    world.callback(4, 29.97, LEAVE, GUEST)
    world.callback(5, 40, END, GUEST)


def be_late(world: World) -> None:
    world.came[4:] = []
    world.callback(4, 45, LEAVE, GUEST)
    world.callback(5, 45, END, GUEST)


@pytest.mark.parametrize("wrong", [forget_the_guest, repeat_another, end_early, go_back, be_late])
def test_a_callback_that_contradicts_itself_or_the_truth_is_found(
    world: World, wrong: Callable[[World], None]
) -> None:
    wrong(world)
    assert not world.judged().good


def again(world: World, after: float, *, taken: bool = True) -> None:
    """The first callback once more, so many seconds after it had come."""
    first = world.came[0] = world.came[0]._replace(taken=taken)
    world.came.append(first._replace(at=first.at + int(after * SECOND)))


@pytest.mark.parametrize(
    ("after", "taken", "good"), [(0.3, True, False), (0.3, False, True), (2.5, True, True)]
)
def test_the_same_once_more_needs_a_reason(world: World, after: float, taken: bool, good: bool) -> None:
    """It was refused, or its answer may have come too late."""
    again(world, after, taken=taken)
    assert world.judged().good is good


def test_a_kill_may_have_taken_the_answer(world: World) -> None:
    for at in (99.9, 110.5):
        world.callback(5, 40, END, GUEST, came=at)
    del world.came[5]
    assert world.judged().good


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (JOIN, {"Muted": "true"}),
        (JOIN, {"To": "+1999"}),
        (JOIN, {"StartConferenceOnEnter": "true"}),
        (JOIN, {"CallSidLegacy": "v3:x"}),
        (JOIN, {"ConnectionId": ""}),
        (LEAVE, {"Hold": "true"}),
        (LEAVE, {"ReasonParticipantLeft": ""}),
        (START, {"AccountSid": "x"}),
        (END, {"ReasonConferenceEnded": ""}),
        (END, {"CallSidEndingConference": "v3:x"}),
    ],
)
def test_a_field_that_is_wrong_or_missing_is_found(world: World, event: str, fields: dict[str, str]) -> None:
    world.change(event, **fields)
    assert world.judged().wrong == 1


@pytest.mark.parametrize(
    ("stall", "good"),
    [
        (Stall(39 * SECOND, 45 * SECOND, orchestrator=False, switch=True), True),
        (Stall(39 * SECOND, 45 * SECOND, orchestrator=True, switch=False), False),
    ],
)
def test_freeswitch_s_clock_stands_still_with_it_and_ours_is_no_excuse(
    world: World, stall: Stall, good: bool
) -> None:
    """A leave that FreeSWITCH dated as it woke up; one that we dated as we woke up is wrong."""
    world.stalls = [stall]
    world.came[4:] = []
    world.callback(4, 45.1, LEAVE, GUEST)
    world.callback(5, 45.1, END, GUEST)
    assert world.judged().good is good


def test_events_of_a_switch_until_its_socket_is_back_are_missed(world: World) -> None:
    world.stalls = [Stall(32 * SECOND, 42 * SECOND, orchestrator=False, switch=True)]
    world.came[4:] = []
    world.callback(4, 47, LEAVE, GUEST)
    world.callback(5, 47, END, GUEST)
    assert world.judged().good


@pytest.mark.parametrize(
    ("after", "taken", "good"), [(0.3, True, False), (0.3, False, True), (2.5, True, True)]
)
def test_an_end_of_a_recording_that_comes_again_needs_a_reason(
    world: World, after: float, taken: bool, good: bool
) -> None:
    """Symptom: an end that was sent twice passed. Cause: the judge counted kinds of ends, not ends. Fix: each
    that comes is looked at."""
    world.see(20, "start-recording", "", "/recordings/r1.wav")
    world.record("in-progress")
    world.record("completed", taken=taken)
    world.record("completed", at=50.0 + after)
    assert world.judged().good is good


def test_a_recording_that_goes_on_after_its_end_is_found(world: World) -> None:
    world.see(20, "start-recording", "", "/recordings/r1.wav")
    world.record("completed")
    world.record("in-progress", at=51)
    assert world.judged().wrong == 1


@pytest.mark.parametrize(
    ("reported_at", "good"), [(99.1, False), (100, True), (105, True), (111, True), (116, False)]
)
def test_a_leave_while_it_was_dead_is_stamped_between_the_last_known_moment_and_its_being_noticed(
    reported_at: float, good: bool
) -> None:
    world = World()
    world.serve(50, HOST, STARTS)
    for what in ("conference-create", "add-member"):
        world.see(50.1, what, HOST)
    world.callback(0, 50.1, START, HOST)
    world.callback(1, 50.1, JOIN, HOST)
    for what in ("CHANNEL_HANGUP", "del-member", "conference-destroy"):
        world.see(105, what, HOST)
    world.callback(2, reported_at, LEAVE, HOST, came=120)
    world.callback(3, reported_at, END, HOST, came=120)
    assert world.judged().good is good


@pytest.mark.parametrize("delivered", [True, False])
def test_a_caller_that_came_and_went_while_it_was_dead_may_be_reported_or_not(delivered: bool) -> None:
    world = World()
    world.serve(99.9, HOST, STARTS)
    for at, what in (
        (100.1, "conference-create"),
        (100.1, "add-member"),
        (104, "del-member"),
        (104, "conference-destroy"),
    ):
        world.see(at, what, HOST)
    if delivered:
        for sequence, event in enumerate((START, JOIN, LEAVE, END)):
            world.callback(sequence, 110.2, event, HOST)
    verdict = world.judged()
    assert verdict.good, verdict.findings
    # The stay, and the conference that was made for it.
    assert (verdict.either, verdict.either_reported) == ((2, 2) if delivered else (2, 0))


@pytest.mark.parametrize("delivered", [0, 1, 2])
def test_a_caller_about_to_wait_when_it_was_killed_is_reported_wholly_or_not_at_all(delivered: int) -> None:
    world = World()
    world.serve(99.95, GUEST, WAITS)
    world.see(103, "CHANNEL_HANGUP", GUEST)
    for sequence, event in enumerate((JOIN, LEAVE, END)[: delivered + 1] if delivered else ()):
        world.callback(sequence, 110.2 if sequence else 99.96, event, GUEST)
    assert world.judged().good is (delivered != 1)


def test_playback_before_a_room_was_asked_for_is_no_waiting_however_late_it_came() -> None:
    world = World()
    world.serve(98, GUEST, None)
    world.serve(99.9, GUEST, WAITS, number=1)
    world.see(99.1, "CHANNEL_EXECUTE", GUEST, "playback", came=99.95)
    world.see(103, "CHANNEL_HANGUP", GUEST)
    assert world.judged().good


@pytest.mark.parametrize("delivered", [0, 3])
def test_an_event_stamped_by_an_old_clock_may_be_of_either_document(delivered: int) -> None:
    world = World()
    world.serve(98, GUEST, None)
    world.serve(99.9, GUEST, WAITS, number=1)
    world.see(98.2, "CHANNEL_EXECUTE", GUEST, "playback", came=99.95)
    world.see(103, "CHANNEL_HANGUP", GUEST)
    for sequence, event in enumerate((JOIN, LEAVE, END)[:delivered]):
        world.callback(sequence, 103 if sequence else 99.96, event, GUEST)
    assert world.judged().good


def test_a_caller_gone_before_anything_was_asked_is_not_reported() -> None:
    world = World()
    world.see(50, "CHANNEL_PARK", HOST)
    world.see(51, "CHANNEL_HANGUP", HOST)
    assert world.judged().good
    world.callback(0, 50, JOIN, HOST)
    assert world.judged().invented[JOIN] == 1


def test_all_who_were_on_a_switch_that_died_have_left_when_it_is_back(world: World) -> None:
    world.seen = [one for one in world.seen if one.at < 40 * SECOND]
    world.crashes = [Crash(40 * SECOND, 47 * SECOND)]
    world.came[4:] = []
    world.callback(4, 47.5, LEAVE, GUEST)
    world.callback(5, 47.5, END, GUEST)
    assert world.judged().good


def relayed() -> World:
    """A caller of node b in a room of node a from 10 s on."""
    world = World()
    world.see(9, "CHANNEL_PARK", GUEST, node="b")
    world.serve(9.1, GUEST, STARTS)
    world.see(9.2, "CHANNEL_PARK", GUEST, node="a")
    world.see(10, "conference-create", node="a")
    world.see(10, "add-member", GUEST, node="a")
    for sequence, event in enumerate((START, JOIN)):
        world.callback(sequence, 10, event, GUEST)
    return world


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_stay_ends_with_its_leg_on_the_node_of_the_room(goes_on: bool) -> None:
    world = relayed()
    if not goes_on:
        world.see(20, "CHANNEL_HANGUP", GUEST, node="b")
    world.see(20.1, "CHANNEL_HANGUP", GUEST, node="a")
    world.see(20.1, "del-member", GUEST, node="a")
    world.see(20.1, "conference-destroy", node="a")
    world.callback(2, 20.1, LEAVE, GUEST)
    world.callback(3, 20.1, END, GUEST)
    if goes_on:
        world.serve(20.2, GUEST, STARTS, number=1)
        world.see(21, "conference-create", node="a", room=SECOND_ROOM)
        world.see(21, "add-member", GUEST, node="a", room=SECOND_ROOM)
        world.see(30, "CHANNEL_HANGUP", GUEST, node="b")
        world.see(30, "CHANNEL_HANGUP", GUEST, node="a")
        world.see(30, "del-member", GUEST, node="a", room=SECOND_ROOM)
        for sequence, event, at in ((0, START, 21), (1, JOIN, 21), (2, LEAVE, 30), (3, END, 30)):
            world.callback(sequence, at, event, GUEST, room=SECOND_ROOM)
    assert world.judged().good
    world.came.pop(2)
    assert world.judged().lost[LEAVE] == 1


def test_a_stay_ends_with_the_node_of_its_room_and_the_call_goes_on() -> None:
    world = relayed()
    world.crashes = [Crash(20 * SECOND, 30 * SECOND, "a")]
    world.callback(2, 23, LEAVE, GUEST)
    world.callback(3, 23, END, GUEST)
    world.serve(23.5, GUEST, STARTS, number=1)
    # Into a new room of the name, on its own node.
    world.see(24, "conference-create", node="b", room=SECOND_ROOM)
    world.see(24, "add-member", GUEST, node="b", room=SECOND_ROOM)
    world.see(50, "CHANNEL_HANGUP", GUEST, node="b")
    world.see(50, "del-member", GUEST, node="b", room=SECOND_ROOM)
    for sequence, event, at in ((0, START, 24), (1, JOIN, 24), (2, LEAVE, 50), (3, END, 50)):
        world.callback(sequence, at, event, GUEST, room=SECOND_ROOM)
    assert world.judged().good
    del world.came[2]
    assert world.judged().lost[LEAVE] == 1


def test_a_missed_leave_is_noticed_when_its_node_is_back() -> None:
    world = relayed()
    world.see(101, "CHANNEL_HANGUP", GUEST, node="a")
    world.see(101, "del-member", GUEST, node="a")
    world.see(101, "conference-destroy", node="a")
    world.see(150, "CHANNEL_HANGUP", GUEST, node="b")
    world.crashes = [Crash(102 * SECOND, 120 * SECOND, "a")]
    for sequence, event in ((2, LEAVE), (3, END)):
        world.callback(sequence, 121, event, GUEST)
    assert world.judged().good
    world.crashes = [Crash(102 * SECOND, 120 * SECOND, "b")]
    assert world.judged().wrong


def test_one_that_is_moved_in_as_it_hangs_up_was_in_the_room_once() -> None:
    """Of two nodes either may say first what it saw."""
    world = World()
    world.see(9, "CHANNEL_PARK", GUEST, node="b")
    world.serve(9.1, GUEST, WAITS)
    world.see(9.3, "CHANNEL_EXECUTE", GUEST, "playback", node="a")
    world.see(20, "conference-create", node="a")
    world.see(20, "CHANNEL_HANGUP", GUEST, node="b")
    world.see(20.01, "add-member", GUEST, node="a")
    world.see(20.03, "CHANNEL_HANGUP", GUEST, node="a")
    world.see(20.03, "del-member", GUEST, node="a")
    world.see(20.05, "conference-destroy", node="a")
    for sequence, event, at in ((0, JOIN, 9.2), (1, START, 20), (2, LEAVE, 20.02), (3, END, 20.02)):
        world.callback(sequence, at, event, GUEST)
    verdict = world.judged()
    assert verdict.good, verdict


def test_a_node_that_dies_again_at_once_is_compared_after_that() -> None:
    world = relayed()
    world.crashes = [Crash(20 * SECOND, 25 * SECOND, "a"), Crash(27 * SECOND, 35 * SECOND, "a")]
    for sequence, event in ((2, LEAVE), (3, END)):
        world.callback(sequence, 37, event, GUEST)
    world.see(50, "CHANNEL_HANGUP", GUEST, node="b")
    assert world.judged().good
    world.crashes[1] = Crash(27 * SECOND, 35 * SECOND, "b")
    assert world.judged().wrong


def test_two_living_rooms_of_one_name_are_found() -> None:
    world = relayed()
    world.see(20, "conference-create", node="b", room=SECOND_ROOM)
    world.see(20, "add-member", HOST, node="b", room=SECOND_ROOM)
    world.serve(19.9, HOST, STARTS)
    for sequence, event, at in ((0, START, 20), (1, JOIN, 20), (2, LEAVE, 50), (3, END, 50)):
        world.callback(sequence, at, event, HOST, room=SECOND_ROOM)
    world.see(50, "del-member", HOST, node="b", room=SECOND_ROOM)
    for sequence, event in ((2, LEAVE), (3, END)):
        world.callback(sequence, 40, event, GUEST)
    world.see(40, "del-member", GUEST, node="a")
    verdict = world.judged()
    assert (verdict.twice_living, verdict.good) == (1, False)


@pytest.mark.parametrize(
    ("delivered", "good"),
    [
        ((), False),
        (("in-progress",), False),
        (("in-progress", "completed"), True),
        (("absent",), True),
        (("completed", "absent"), False),
    ],
)
def test_each_recording_has_exactly_one_end(world: World, delivered: tuple[str, ...], good: bool) -> None:
    world.see(20, "start-recording", "", "/recordings/r1.wav")
    for status in delivered:
        world.record(status)
    assert world.judged().good is good
