"""Somebody joins as the last participant leaves: FreeSWITCH's conference ends, and the room goes on."""

from __future__ import annotations

from uuid import uuid4

import gevent

from orchestrator.clock import now
from orchestrator.esl.events import Event
from orchestrator.sids import call_sid_of
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import House

RECORDED = {
    "record": "record-from-start",
    "recordingStatusCallback": "/recording",
    "recordingStatusCallbackEvent": "in-progress completed absent",
}


def calls(house: House, switch: ScriptedSwitch, number: int) -> tuple[str, str]:
    """Its Unique-ID, and the conference that it was ordered into as the so manyth."""
    uuid = switch.parks(answer_state="answered")
    switch.wait_for("execute-app-name: conference", count=number)
    (order,) = [arg for app, arg in switch.applications(uuid) if app == "conference"]
    return uuid, order.partition("@")[0]


def dies_with_a_joiner(house: House, switch: ScriptedSwitch) -> tuple[str, str]:
    """The first is in and leaves as the second joins: the second is put out again. Its leg and the room."""
    house.application.takes_callbacks("/recording")
    house.voice(house.joins(beep="false", **RECORDED))
    first, sid = calls(house, switch, 1)
    switch.joins(sid, first, 1)
    (start,) = switch.wait_for("recording start")
    path = start.split()[-1]
    switch.maintenance("start-recording", sid, Path=path)
    second, again = calls(house, switch, 2)
    assert again == sid
    switch.maintenance("del-member", sid, first, Member_ID="1", Conference_Size="0")
    switch.maintenance("add-member", sid, second, Member_ID="2", Conference_Size="1")
    switch.maintenance("stop-recording", sid, Path=path, Conference_Size="1")
    switch.maintenance("del-member", sid, second, Member_ID="2", Conference_Size="0")
    switch.maintenance("conference-destroy", sid)
    switch.hangs_up(first)
    return second, sid


def test_a_caller_that_came_into_the_ending_conference_is_sent_into_another(
    bench: House, scripted: ScriptedSwitch
) -> None:
    """Symptom: thrown out at once, with a join and a leave; the room is over, and an error says that its
    recording ended before its conference. Cause: FreeSWITCH takes a leg into a conference whose last member
    has left, and puts it out again. Fix: what happens in an emptied conference concerns no room, and a join
    that comes back is ordered again."""
    second, sid = dies_with_a_joiner(bench, scripted)
    (order,) = [one for one in scripted.commands if f"sendmsg {second}" in one and "-name: conference" in one]
    headers = dict(line.split(": ", 1) for line in order.split("\n")[1:] if ": " in line)
    scripted.completes(second, headers)
    scripted.wait_for(f"sendmsg {second}", "execute-app-name: conference", count=2)
    scripted.conferences[sid] = {"conference_name": sid, "conference_uuid": str(uuid4()), "members": []}
    scripted.joins(sid, second, 3)
    bench.events(4)
    names = [one["StatusCallbackEvent"] for one in bench.events()]
    assert names == ["conference-start", "participant-join", "participant-leave", "participant-join"]
    assert bench.events()[-1]["CallSid"] == call_sid_of(second)
    one, other = scripted.wait_for("recording start", count=2)
    assert one != other, "the new conference has a recording of its own"
    scripted.leaves(sid, second, 3)
    scripted.hang_up_all()


def test_a_conference_that_ended_before_it_was_recorded_is_no_error(
    bench: House, scripted: ScriptedSwitch
) -> None:
    """Symptom: an error in the log for each caller who hangs up at once. Fix: absent, once, at info."""
    bench.application.takes_callbacks("/recording")
    bench.voice(bench.joins(beep="false", **RECORDED))
    uuid = scripted.parks(answer_state="answered")
    scripted.wait_for("execute-app-name: conference")
    (order,) = [arg for app, arg in scripted.applications(uuid) if app == "conference"]
    sid = order.partition("@")[0]
    scripted.answers[f"conference {sid} recording start"] = f"-ERR Conference {sid} not found\n"
    scripted.joins(sid, uuid, 1)
    scripted.hangs_up(uuid)
    bench.application.wait_for("/recording", 1)
    gevent.sleep(0.2)
    assert [one.fields["RecordingStatus"] for one in bench.application.to("/recording")] == ["absent"]


def test_an_end_that_overtakes_the_join_leaves_one_join_and_one_leave(
    bench: House, scripted: ScriptedSwitch
) -> None:
    """Symptom: nothing was sent of a participant who was in a conference for seconds. Cause: after a
    standstill its end is found by a comparison with FreeSWITCH, and its add-member is among the events held
    back meanwhile. Fix: an add-member counts also once the end is known."""
    assert bench.orchestrator is not None
    board = bench.orchestrator.node.dispatcher
    bench.voice(bench.joins(beep="false"))
    first, sid = calls(bench, scripted, 1)
    scripted.joins(sid, first, 1)
    second, _ = calls(bench, scripted, 2)
    bench.events(2)
    board.hold()
    scripted.joins(sid, second, 2)
    gevent.sleep(0.1)
    for name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
        board.deliver(Event(name=name, uuid=second, timestamp=now(), hangup_cause="NORMAL_CLEARING"))
    scripted.legs.pop(second)
    board.release()
    bench.events(4)
    of_the_second = [one for one in bench.events() if one["CallSid"] == call_sid_of(second)]
    assert [one["StatusCallbackEvent"] for one in of_the_second] == ["participant-join", "participant-leave"]
    scripted.hang_up_all()
