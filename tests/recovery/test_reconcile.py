"""A participant as the orchestrator ended, and FreeSWITCH's state of it now: each pair has one
outcome."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import NamedTuple
from uuid import uuid4

import gevent
import pytest

from orchestrator.clock import now
from orchestrator.conference.machine.state import (
    ConferenceOptions,
    ParticipantOptions,
    Phase,
    RecordingOptions,
    RoomPhase,
)
from orchestrator.documents.next_action import FetchDocument
from orchestrator.recovery.reconcile import Corrections
from tests.recovery.left import SECOND, Left
from tests.scenarios.conftest import House

ANCHOR, SUBJECT = "+13125550002", "+13125550003"
JOIN, LEAVE, END = "participant-join", "participant-leave", "conference-end"


def delivered(house: House, count: int) -> list[tuple[str, str]]:
    """Event and caller of the subject's callbacks, with nothing more a moment later."""
    if count:
        house.events(count)
    gevent.sleep(0.15)
    found = [(one["StatusCallbackEvent"], one.get("From", "")) for one in house.events()]
    return [one for one in found if one[1] == SUBJECT]


def at(text: str) -> int:
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * SECOND)


def with_anchor(left: Left, **more: object) -> tuple[str, str]:
    """A conference with somebody in it who stays; the Unique-ID, and the subject's."""
    anchor, subject = left.switch.leg(), str(uuid4())
    left.room(first=anchor, **more)  # type: ignore[arg-type]
    left.participant(anchor, Phase.IN, ANCHOR, member_id="1")
    left.call(anchor, left.house.joins(), ANCHOR)
    left.switch.member(left.sid, anchor, 1)
    return anchor, subject


class Case(NamedTuple):
    phase: Phase
    member_id: str
    """Before."""
    seen: str
    """Of it in FreeSWITCH: member N, leg, leg of N, gone, gone of N, gone elsewhere."""
    events: tuple[str, ...]
    repairs: tuple[int, int] = (0, 0)
    """Joins and leaves."""


CASES = {
    "inside, and still there": Case(Phase.IN, "7", "member 7", ()),
    "inside under another number": Case(Phase.IN, "7", "member 8", (), (1, 0)),
    "inside, and out since": Case(Phase.IN, "7", "leg", (LEAVE,), (0, 1)),
    "inside, and gone since": Case(Phase.IN, "7", "gone of 7", (LEAVE,), (0, 1)),
    "inside, and gone without a word": Case(Phase.IN, "7", "nothing", (LEAVE,), (0, 1)),
    "on its way, and in since": Case(Phase.JOINING, "", "member 7", (JOIN,), (1, 0)),
    "on its way, in and out since": Case(Phase.JOINING, "", "leg of 7", (JOIN, LEAVE), (1, 1)),
    "on its way, in and gone since": Case(Phase.JOINING, "", "gone of 7", (JOIN, LEAVE), (1, 1)),
    "on its way, and gone from elsewhere": Case(Phase.JOINING, "", "gone elsewhere", (), (0, 1)),
    "on its way, and gone": Case(Phase.JOINING, "", "nothing", (), (0, 1)),
    "on its way, and not in": Case(Phase.JOINING, "", "leg", ()),
    "waiting, and still there": Case(Phase.WAITING, "", "leg", ()),
    "waiting, and gone": Case(Phase.WAITING, "", "gone", (LEAVE,), (0, 1)),
    "on its way out, and out": Case(Phase.LEAVING, "7", "leg", (LEAVE,), (0, 1)),
    "on its way out, and gone": Case(Phase.LEAVING, "7", "gone of 7", (LEAVE,), (0, 1)),
    "on its way out, and still there": Case(Phase.LEAVING, "7", "member 7", ()),
}


def show(left: Left, subject: str, seen: str, ended_at: int) -> None:
    switch, (word, _, rest) = left.switch, seen.partition(" ")
    number = rest.removeprefix("of ")
    if word == "member":
        switch.leg(subject)
        switch.member(left.sid, subject, int(number))
    elif word == "leg":
        own = {"conference_name": left.sid, "conference_member_id": number} if number else {}
        switch.leg(subject, **own)
    elif word == "gone":
        where = {"": "", "elsewhere": str(uuid4())}.get(rest, left.sid)
        inside = "7" if where else ""
        began = left.began_at
        switch.gone(subject, ended_at, began, began, "NORMAL_CLEARING", where, inside)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_missed_events_of_a_participant_are_reported_once(left: Left, case: Case) -> None:
    house, ended_at = left.house, now() - 10 * SECOND
    _, subject = with_anchor(left)
    left.participant(subject, case.phase, SUBJECT, member_id=case.member_id)
    left.call(subject, house.joins(), SUBJECT)
    show(left, subject, case.seen, ended_at)
    left.write()
    house.start()
    assert delivered(house, len(case.events)) == [(event, SUBJECT) for event in case.events]
    assert house.orchestrator is not None
    corrections = house.orchestrator.node.reconciler.corrections
    assert (corrections.joins, corrections.leaves) == case.repairs
    if case.seen == "gone of 7":
        leave = next(one for one in house.events() if one["StatusCallbackEvent"] == LEAVE)
        assert abs(at(leave["Timestamp"]) - ended_at) < SECOND
    if case.seen.startswith("gone"):
        assert f"texml_gone_{subject}" not in left.switch.globals
    orders = left.switch.saw("conference", left.sid, "kick 7")
    assert bool(orders) is (case.phase is Phase.LEAVING and case.seen == "member 7")
    if case.phase is Phase.JOINING and case.seen == "leg":
        assert ("conference", f"{left.sid}@texml.default") in left.switch.applications(subject)
    if case.seen == "member 7" and case.phase is Phase.LEAVING:
        left.switch.leaves(left.sid, subject, 7)


def test_an_end_that_a_fast_clock_puts_ahead_is_now(left: Left) -> None:
    _, subject = with_anchor(left)
    left.participant(subject, Phase.IN, SUBJECT, member_id="7")
    show(left, subject, "gone of 7", now() + 3600 * SECOND)
    left.write()
    left.house.start()
    delivered(left.house, 1)
    (leave,) = left.house.events()
    assert abs(at(leave["Timestamp"]) - now()) < 5 * SECOND


def test_a_speaker_that_is_silent_now_has_stopped(left: Left) -> None:
    _, subject = with_anchor(left)
    left.participant(subject, Phase.IN, SUBJECT, member_id="7", talking=True)
    left.call(subject, left.house.joins(), SUBJECT)
    show(left, subject, "member 7", 0)
    left.write()
    left.house.start()
    assert delivered(left.house, 1) == [("participant-speech-stop", SUBJECT)]


@pytest.mark.parametrize("talking", [True, False])
def test_a_speaker_that_goes_on_is_not_reported_anew(left: Left, talking: bool) -> None:
    _, subject = with_anchor(left)
    left.participant(subject, Phase.IN, SUBJECT, member_id="7", talking=talking)
    left.call(subject, left.house.joins(), SUBJECT)
    left.switch.leg(subject)
    left.switch.member(left.sid, subject, 7, talking=talking)
    left.write()
    left.house.start()
    assert delivered(left.house, 0) == []


FLAGS = list(product([False, True], repeat=3))


@pytest.mark.parametrize("held", [False, True], ids=["", "held"])
@pytest.mark.parametrize("muted", [False, True], ids=["", "muted"])
def test_a_member_is_set_as_its_participant_is(left: Left, muted: bool, held: bool) -> None:
    """With any state of it in FreeSWITCH: each combination is one member."""
    with_anchor(left)
    subjects = [str(uuid4()) for _ in FLAGS]
    for number, (uuid, (speaks, hears, holds)) in enumerate(zip(subjects, FLAGS, strict=True), 10):
        options = ParticipantOptions(muted=muted, beep="false")
        left.participant(uuid, Phase.IN, SUBJECT, options, member_id=str(number), held=held, holds=int(held))
        left.call(uuid, left.house.joins(), SUBJECT)
        left.switch.leg(uuid)
        left.switch.member(left.sid, uuid, number, can_speak=speaks, can_hear=hears, hold=holds)
    left.write()
    left.house.start()
    gevent.sleep(0.2)
    assert left.house.orchestrator is not None
    differed = 0
    for number, (speaks, hears, holds) in enumerate(FLAGS, 10):
        ordered = {
            command.split(" ")[2]
            for command in left.switch.saw(f"conference {left.sid} ")
            if command.endswith(f" {number}")
        }
        wanted = set()
        if holds is not held:
            wanted.add("hold" if held else "unhold")
        if not held and not hears:
            wanted.add("undeaf")
        if not held and speaks is muted:
            wanted.add("mute" if muted else "unmute")
        assert ordered == wanted, (number, speaks, hears, holds)
        differed += bool(wanted)
    assert left.house.orchestrator.node.reconciler.corrections.members == differed


def test_a_leg_of_ours_in_a_conference_that_knows_nothing_of_it_is_taken_out(left: Left) -> None:
    with_anchor(left)
    ours, foreign, elsewhere = left.switch.leg(), left.switch.leg(texml_guard=""), left.switch.leg()
    other = str(uuid4())
    # Taken out of there, they are calls that came in while nobody listened.
    left.house.voice("<Response><Pause length='60'/></Response>")
    left.switch.member(left.sid, ours, 7)
    left.switch.member(left.sid, foreign, 8)
    left.switch.member(other, elsewhere, 9)
    left.write()
    left.house.start()
    left.switch.wait_for("kick 7")
    left.switch.wait_for(f"conference {other} kick 9")
    assert len(left.switch.saw("kick")) == 2
    assert left.house.orchestrator is not None
    assert left.house.orchestrator.node.reconciler.corrections.unknown_members == 2


def test_after_another_freeswitch_everybody_was_out_when_its_socket_ended(left: Left) -> None:
    house, switch = left.house, left.switch
    house.log.allows("another FreeSWITCH answers", "lost FreeSWITCH")
    _, subject = with_anchor(left)
    left.participant(subject, Phase.IN, SUBJECT, member_id="7")
    left.call(subject, house.joins(), SUBJECT)
    show(left, subject, "member 7", 0)
    left.write()
    house.start()
    assert delivered(house, 0) == []
    lost_at = now()
    switch.restarted()
    events = house.events(3, 10)
    assert [one["StatusCallbackEvent"] for one in events] == [LEAVE, LEAVE, END]
    assert all(lost_at - SECOND < at(one["Timestamp"]) < lost_at + SECOND for one in events)


def test_no_event_counts_until_all_has_been_compared(left: Left) -> None:
    house, switch = left.house, left.switch
    anchor, _ = with_anchor(left)
    left.write()
    house.start()
    assert house.orchestrator is not None
    board = house.orchestrator.node.dispatcher
    board.hold()
    switch.maintenance("del-member", left.sid, anchor, Member_ID="1")
    gevent.sleep(0.2)
    assert house.events() == []
    board.release()
    assert house.events(1)[0]["StatusCallbackEvent"] == LEAVE


@pytest.mark.parametrize("name", list(Corrections.__dataclass_fields__))
def test_every_repair_is_counted_in_the_total(name: str) -> None:
    assert Corrections().total == 0
    assert Corrections(**{name: 2}).total == 2


def test_only_the_coached_participant_hears_its_coach_after_a_restart(left: Left) -> None:
    _, coached = with_anchor(left)
    coach = str(uuid4())
    sid = left.participant(coached, Phase.IN, SUBJECT, member_id="7")
    options = ParticipantOptions(beep="false", coach=sid)
    left.participant(coach, Phase.IN, "+13125550004", options, member_id="9")
    for number, uuid in ((7, coached), (9, coach)):
        left.call(uuid, left.house.joins(), SUBJECT)
        left.switch.leg(uuid)
        left.switch.member(left.sid, uuid, number)
    left.write()
    left.house.start()
    left.switch.wait_for("relate 9 1 nospeak")
    gevent.sleep(0.1)
    assert len(left.switch.saw("relate")) == 1


@pytest.mark.parametrize(
    ("silent", "recording", "ends"),
    [(3, True, True), (3, False, False), (0, True, False)],
    ids=["silent", "not recorded", "somebody speaks"],
)
def test_a_recording_ends_by_the_silence_that_began_before(
    left: Left, silent: int, recording: bool, ends: bool
) -> None:
    import msgspec

    from orchestrator.recordings.model import OpenRecording, RecordedCall, RecordingState
    from tests.recovery.left import caller_of

    left.house.log.allows("no recording", "recording ended before its conference")
    anchor = left.switch.leg()
    conference_options = RecordingOptions(beep=False, timeout=2)
    silent_since = now() - silent * SECOND if silent else 0
    left.room(
        ConferenceOptions(recording=conference_options),
        anchor,
        recording=recording,
        silent_since=silent_since,
    )
    left.participant(anchor, Phase.IN, ANCHOR, member_id="1")
    left.call(anchor, left.house.joins(), ANCHOR)
    left.switch.member(left.sid, anchor, 1)
    sid = str(uuid4())
    path = str(left.switch.recordings_dir / f"{sid}.wav")
    if recording:
        caller = caller_of(anchor)
        kept = OpenRecording(
            RecordedCall(
                anchor, caller.call_sid, "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", conference_sid=left.sid
            ),
            RecordingState(sid, "Conference", asked_at=left.began_at, started_at=left.began_at),
        )
        left.rows.append(("recording", sid, msgspec.json.encode(kept)))
        left.switch.records(left.sid, path)
    left.write()
    left.house.start()
    gevent.sleep(2.0)
    stops = left.switch.saw("recording stop")
    assert bool(stops) is ends
    left.switch.maintenance("stop-recording", left.sid, Path=path, Conference_Size="1")


def test_a_room_that_was_ending_is_not_found_by_its_name(left: Left) -> None:
    with_anchor(left, phase=RoomPhase.ENDING)
    left.write()
    left.house.start()
    assert left.house.orchestrator is not None
    assert (
        left.house.orchestrator.node.rooms.named("cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "Room 1234") is None
    )


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "not answered"])
def test_each_word_that_a_leg_left_is_reported(left: Left, answered: bool) -> None:
    """Of a call that ended without an orchestrator, as FreeSWITCH would have said it."""
    application = left.house.application
    uuid = str(uuid4())
    report = {
        "report": FetchDocument(application.url("/ended"), "POST"),
        "report_events": ("completed",),
    }
    application.takes_callbacks("/ended")
    left.call(uuid, "<Response><Pause length='600'/></Response>", SUBJECT, **report)
    created = left.began_at
    answered_at, ended_at = created + 2 * SECOND if answered else 0, created + 9 * SECOND
    cause, sip = ("NORMAL_CLEARING", "200") if answered else ("USER_BUSY", "486")
    words = (ended_at, created, answered_at, cause, "", "", sip, "recv_bye", "PCMU", "8000")
    left.switch.gone(uuid, *words)
    left.write()
    left.house.start()
    (fields,) = left.house.callbacks("/ended", 1)
    assert [at(fields[name]) // SECOND for name in ("StartTime", "EndTime", "CallInitiatedAt")] == [
        created // SECOND,
        ended_at // SECOND,
        created // SECOND,
    ]
    assert at(fields["Timestamp"]) == ended_at
    assert fields["HangupSource"] == "caller"
    assert fields["SipHangupCause"] == sip
    if answered:
        assert (fields["CallStatus"], fields["CallDuration"]) == ("completed", "7")
        assert at(fields["AnsweredTime"]) // SECOND == answered_at // SECOND
    else:
        assert fields["CallStatus"] == "busy"
