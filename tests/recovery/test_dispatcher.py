"""One table says which part hears which event, whether FreeSWITCH sent it or it had to be made up for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest

from orchestrator.conference.machine.state import Caller
from orchestrator.esl.events import MAINTENANCE, Event
from orchestrator.esl.execution import ADOPTED_EXECUTION, Execution
from orchestrator.recovery.dispatcher import EVENTS, HEARD_BY, Listener
from orchestrator.sids import call_sid_of
from tests.benchmarks.rig import ACCOUNT, Rig

ENDS = ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def test_freeswitch_is_asked_for_the_events_of_the_table_alone() -> None:
    assert {name.removeprefix("CUSTOM ") for name in EVENTS} == set(HEARD_BY)


def test_the_custom_event_is_last() -> None:
    """mod_event_socket takes every word after CUSTOM for a subclass."""
    assert [name for name in EVENTS if name.startswith("CUSTOM")] == [EVENTS[-1]]


def test_every_listener_of_the_table_hears_something() -> None:
    named = {one for row in HEARD_BY.values() for one in (*row.at_once, *row.in_turn)}
    assert named == set(get_args(Listener))


def test_a_conference_hears_of_a_hangup_before_the_leg_does() -> None:
    order = HEARD_BY["CHANNEL_HANGUP"].in_turn
    assert order.index("conference end") < order.index("legs")


def test_conference_events_go_to_the_conferences_alone() -> None:
    assert HEARD_BY[MAINTENANCE].in_turn == ("conferences",)
    assert not HEARD_BY[MAINTENANCE].at_once


@pytest.mark.parametrize("way", ["on_event", "in_turn", "deliver"])
def test_a_leg_ends_alike_whether_freeswitch_reported_it_or_not(rig: Rig, way: str) -> None:
    """Symptom: the end of a leg that was made up for reached fewer parts, or in another order. Cause: a live
    event, one found at a recovery and one of a failed dial each had their own list. Fix: one table."""
    node, uuid = rig.orchestrator.node, str(uuid4())
    node.call_records.open(Caller(call_sid_of(uuid), uuid, from_="+13125550100", to="+13125550101"), ACCOUNT)
    leg = node.legs.adopt(uuid, {})
    heard: list[str] = []
    node.legs.watch(uuid, lambda event: heard.append(f"{event.name} {leg.gone}"))
    send: Callable[[Event], None] = getattr(node.dispatcher, way)
    for name in ENDS:
        send(Event(name=name, uuid=uuid, timestamp=1, hangup_cause="NORMAL_CLEARING"))
    assert heard == ["CHANNEL_HANGUP False", "CHANNEL_HANGUP_COMPLETE True", "CHANNEL_DESTROY True"]
    assert leg.gone
    assert not node.legs.is_watched(uuid)
    record = node.call_records.get(ACCOUNT, call_sid_of(uuid))
    assert record is not None
    assert record.status == "canceled"


def test_a_reconstructed_event_waits_its_turn_behind_events_held_back(rig: Rig) -> None:
    node, uuid = rig.orchestrator.node, str(uuid4())
    heard: list[str] = []
    node.legs.watch(uuid, lambda event: heard.append(event.name))
    node.dispatcher.hold()
    node.dispatcher.on_event(Event(name="CHANNEL_PROGRESS", uuid=uuid))
    node.dispatcher.in_turn(Event(name="CHANNEL_ANSWER", uuid=uuid))
    assert not heard
    node.dispatcher.deliver(Event(name="CHANNEL_BRIDGE", uuid=uuid))
    node.dispatcher.release()
    assert heard == ["CHANNEL_BRIDGE", "CHANNEL_PROGRESS", "CHANNEL_ANSWER"]


def test_how_late_events_are_is_measured_when_they_come_and_not_when_they_are_released(rig: Rig) -> None:
    node = rig.orchestrator.node
    node.dispatcher.hold()
    node.dispatcher.on_event(Event(name="CHANNEL_ANSWER", uuid=str(uuid4()), timestamp=1))
    assert node.admission.event_delay.count == 1
    node.dispatcher.release()
    assert node.admission.event_delay.count == 1


def test_the_event_delay_does_not_count_reconstructed_events(rig: Rig) -> None:
    node = rig.orchestrator.node
    node.dispatcher.in_turn(Event(name="CHANNEL_HANGUP", uuid=str(uuid4()), timestamp=1))
    assert node.admission.event_delay.count == 0


def test_several_listeners_hear_of_a_new_call(rig: Rig) -> None:
    """Symptom: who came later to a hook took it from who was there. Fix: hooks are lists."""
    heard: list[str] = []
    dispatcher = rig.orchestrator.node.dispatcher
    dispatcher.on_new_call[:] = [
        lambda leg: heard.append(f"one {leg.uuid}"),
        lambda leg: heard.append(f"two {leg.uuid}"),
    ]
    uuid = str(uuid4())
    dispatcher.take(uuid, {"variable_texml_guard": "1"})
    assert heard == [f"one {uuid}", f"two {uuid}"]


def test_a_caller_whose_music_ends_as_it_joins_stays_in_its_conference(rig: Rig) -> None:
    """Only the end of `conference` itself is the end of a stay: each application says when it is through."""
    conversation = rig.conversation()
    rig.feed(*conversation.until_joined)
    (room,) = rig.orchestrator.node.rooms
    before = {one.call_sid: one.phase for one in room.participants.values()}
    for one in room.participants.values():
        participant_leg = rig.orchestrator.node.rooms.participant_leg(one.call_sid)
        assert participant_leg is not None
        participant_leg.joining = Execution(ADOPTED_EXECUTION, "conference", room.sid)
        rig.orchestrator.node.dispatcher.on_event(
            Event(name="CHANNEL_EXECUTE_COMPLETE", uuid=one.caller.leg, application="playback")
        )
    (room,) = rig.orchestrator.node.rooms
    assert {one.call_sid: one.phase for one in room.participants.values()} == before
