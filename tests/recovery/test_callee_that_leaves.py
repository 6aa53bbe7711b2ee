"""A callee that was ordered out of its bridge when the orchestrator ended is ordered out once more."""

from __future__ import annotations

import gevent

from orchestrator.calls.stored_call import CALL, CallStore
from orchestrator.documents.next_action import FetchDocument
from tests.recovery.left import Left

PARK = "uuid_transfer"


def leaving(left: Left) -> str:
    """Its leg."""
    uuid = left.switch.leg(texml_guard="")
    own = left.house.application.document("/own", "<Response><Pause length='100'/></Response>")
    left.call(
        uuid,
        "<Response/>",
        direction="outbound",
        next=FetchDocument(own, "GET"),
        leaves_bridge=True,
        parent_call_sid="v3:caller",
    )
    left.write()
    left.house.start()
    left.switch.wait_for(PARK, uuid)
    return uuid


def test_it_runs_its_own_instructions_once_it_is_parked(left: Left) -> None:
    uuid = leaving(left)
    gevent.sleep(0.1)
    assert left.house.application.to("/own") == []
    for _ in range(2):
        left.switch.parks_again(uuid)
        (asked,) = left.house.application.wait_for("/own")
        gevent.sleep(0.2)
    assert len(left.house.application.to("/own")) == 1
    assert asked.method == "GET"
    assert (asked.fields["Direction"], asked.fields["CallStatus"]) == ("outbound", "in-progress")
    assert len(left.switch.saw(PARK, uuid)) == 1
    # Ours from here on.
    assert left.switch.saw(f"uuid_setvar {uuid} texml_guard 1")
    assert left.house.orchestrator is not None
    (kept,) = CallStore(left.house.orchestrator.node.write_buffer).load()
    assert (kept.leaves_bridge, kept.document_url) == (False, left.house.application.url("/own"))
    assert kept.parent_call_sid == "v3:caller"


def test_one_that_hangs_up_first_is_forgotten(left: Left) -> None:
    uuid = leaving(left)
    left.switch.hangs_up(uuid)
    gevent.sleep(0.2)
    assert left.house.orchestrator is not None
    assert left.house.orchestrator.node.write_buffer.load(CALL) == []
    # Not again, whatever parks under its name.
    left.house.log.allows("parked without the guard variables")
    left.switch.legs[uuid] = {"Unique-ID": uuid}
    left.switch.parks_again(uuid)
    gevent.sleep(0.2)
    assert left.house.application.to("/own") == []
    del left.switch.legs[uuid]
