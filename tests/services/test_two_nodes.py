"""Calls and conferences of two FreeSWITCH nodes, each found on its own, with what is asked of them."""

from __future__ import annotations

import pytest

from orchestrator.clock import now
from orchestrator.conference.machine.events import End
from orchestrator.conference.machine.state import Room
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.calls import CallUpdate
from tests.cluster.conftest import two_emulators
from tests.scenarios.conftest import ACCOUNT, NUMBER, OTHER_ACCOUNT, House
from tests.web.site import wait_until

__all__ = ["two_emulators"]


def test_each_call_and_conference_is_found_on_its_node(two_emulators: House) -> None:
    house = two_emulators
    assert house.orchestrator is not None
    services = house.orchestrator.services
    nodes = services.calls._nodes
    changed: list[str] = []
    nodes.rooms.on_change(lambda room: changed.append(room.node))

    def opened(switch: object, name: str) -> Room:
        house.voice(house.joins(name))
        switch.call(NUMBER, from_=f"+1312555000{len(name)}")  # type: ignore[attr-defined]
        wait_until(lambda: (room := nodes.rooms.named(ACCOUNT, name)) and room.started_at, "it has begun")
        room = nodes.rooms.named(ACCOUNT, name)
        assert room is not None
        return room

    near, far = opened(house.switch, "A"), opened(house.switch.others[0], "BB")
    assert [node.name for node in nodes] == ["default", "home"]
    assert (nodes.first.name, nodes.named("home").name, nodes.named("none").name) == (
        "default",
        "home",
        "default",
    )
    assert set(changed) == {"default", "home"}
    assert [room.sid for room in nodes.rooms] == [near.sid, far.sid]
    for room, node in ((near, "default"), (far, "home")):
        (call,) = room.participants
        assert room.node == nodes.of_room(room.sid).name == nodes.of_call(call).name == node
        assert nodes.for_room(ACCOUNT, room.name).name == node
        assert nodes.rooms.get(room.sid) is not None
        assert nodes.rooms.named(OTHER_ACCOUNT, room.name) is None
        assert nodes.rooms.room_of(call) == services.conferences.conference_of(call) == room.sid
        one = nodes.rooms.participant(call)
        assert one is not None
        assert (
            one.call_sid
            == services.conferences.participant(ACCOUNT, room.sid, "nobody", call).call_sid
            == call
        )
        record = nodes.call(ACCOUNT, call)
        assert record is not None
        assert record.sid == call
        assert nodes.call(OTHER_ACCOUNT, call) is None
        assert services.conferences.mute_all(ACCOUNT, room.sid, True) == 1
        muted = nodes.rooms.participant(call)
        assert muted is not None
        assert muted.options.muted
    assert {sid for sid, _ in services.conferences.present(ACCOUNT)} == {near.sid, far.sid}
    assert services.conferences.present(OTHER_ACCOUNT) == []
    for sid in ("nobody", ""):
        assert (nodes.of_call(sid).name, nodes.of_room(sid).name) == ("default", "default")
        assert nodes.rooms.get(sid) is nodes.rooms.participant(sid) is None
        assert nodes.rooms.room_of(sid) == services.conferences.conference_of(sid) == ""
    with pytest.raises(NotFound):
        services.conferences.room(OTHER_ACCOUNT, far.sid)
    with pytest.raises(NotFound):
        services.conferences.participant(ACCOUNT, far.sid, "nobody")
    # To one of them, on its node.
    assert services.conferences.begin_recording(ACCOUNT, far.sid)
    wait_until(lambda: (room := nodes.rooms.get(far.sid)) and room.recording, "it is recorded")
    assert not services.conferences.begin_recording(ACCOUNT, far.sid)
    found = nodes.rooms.get(near.sid)
    assert found is not None
    assert not found.recording
    nodes.rooms.dispatch(far.sid, End(now()))
    wait_until(lambda: nodes.rooms.get(far.sid) is None, "it ends")
    assert [room.sid for room in nodes.rooms] == [near.sid]
    assert services.conferences.participants(ACCOUNT, far.sid) == []
    for late in (services.conferences.begin_recording, lambda *of: services.conferences.mute_all(*of, True)):
        with pytest.raises(ServiceError, match="has ended"):
            late(ACCOUNT, far.sid)
    (call,) = near.participants
    services.calls.update_call(ACCOUNT, call, CallUpdate(hang_up=True))
    wait_until(lambda: not list(nodes.rooms), "its only participant is gone")
    wait_until(lambda: services.calls.call(ACCOUNT, call).ended_at, "its call has ended")
    with pytest.raises(ServiceError, match="has ended"):
        services.calls.update_call(ACCOUNT, call, CallUpdate(hang_up=True))
