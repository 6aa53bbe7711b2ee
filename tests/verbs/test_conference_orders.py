"""Conference's attributes, as FreeSWITCH is ordered to do them."""

from __future__ import annotations

import gevent
import pytest

from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import House

__all__ = ["bench", "scripted"]


@pytest.mark.parametrize(
    ("attributes", "recorded"),
    [
        ({}, False),
        ({"record": "do-not-record"}, False),
        ({"record": "record-from-start"}, True),
        ({"record": "true"}, True),
        ({"record": "false"}, False),
    ],
)
def test_only_a_conference_with_record_from_start_is_recorded(
    bench: House, scripted: ScriptedSwitch, attributes: dict[str, str], recorded: bool
) -> None:
    bench.application.takes_callbacks("/recording")
    more = {"recordingStatusCallback": "/recording", "recordingStatusCallbackEvent": "absent"}
    bench.voice(bench.joins(beep="false", **more, **attributes))
    uuid = scripted.parks(answer_state="answered")
    scripted.wait_for("execute-app-name: conference")
    (order,) = [argument for app, argument in scripted.applications(uuid) if app == "conference"]
    sid = order.partition("@")[0]
    scripted.joins(sid, uuid, 1)
    assert [one["StatusCallbackEvent"] for one in bench.events(2)] == [
        "conference-start",
        "participant-join",
    ]
    gevent.sleep(0.1)
    orders = scripted.saw(f"conference {sid} recording start")
    assert bool(orders) is recorded
    bench.log.allows("no recording")
    for order in orders:
        scripted.maintenance("stop-recording", sid, Path=order.split()[-1], Conference_Size="0")
    scripted.leaves(sid, uuid, 1)
    scripted.hangs_up(uuid)
    if recorded:
        bench.callbacks("/recording", 1)
