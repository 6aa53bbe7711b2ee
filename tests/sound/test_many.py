"""Many at once: forty recorded rooms, and what a beep costs in a room of fifty."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from tests.lab import sound
from tests.lab.switches import FreeSwitch
from tests.load.party import plain_party
from tests.load.sipp import Sipp, why_not
from tests.scenarios.conftest import House
from tests.sound.common import listen, recorded, recording_callbacks, seconds, until, watching
from tests.sound.conftest import Measured

pytestmark = [
    pytest.mark.only("freeswitch"),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "sipp"),
]
ROOMS, SPEAKING = 40, 4
VOICE = 600


def test_forty_rooms_that_record_at_once_lose_nothing(
    house: House, measured: Measured, tmp_path: Path
) -> None:
    """Most callers send nothing; four speak, and no moment of that is missing."""
    switch = house.switch
    assert isinstance(switch, FreeSwitch)

    def document(request: object) -> str:
        return house.joins(room=request.fields["To"], **recorded(house))  # type: ignore[attr-defined]

    house.application.route("/voice", document)
    silent = ROOMS - SPEAKING
    with watching(house) as watcher:
        phones = [
            switch.call(f"+1312555500{n}", from_=f"+1312555030{n}", sounds=VOICE) for n in range(SPEAKING)
        ]
        sipp = Sipp(plain_party(silent, silent, 10_000), 20, switch.sip_port, tmp_path / "sipp")
        try:
            watcher.wait("start-recording", count=ROOMS, timeout=15)
            errors = sipp.wait()
        finally:
            sipp.close()
        for phone in phones:
            phone.hang_up()
        watcher.wait("conference-destroy", count=ROOMS, timeout=10)
        delivered = recording_callbacks(house, 2 * ROOMS, 15)
        began = {event["Conference-Name"]: float(event["at"]) for event in watcher.events("add-member")}
        ended = {event["Conference-Name"]: float(event["at"]) for event in watcher.events("del-member")}
    assert not errors
    completed = [fields for fields in delivered if fields["RecordingStatus"] == "completed"]
    assert len(completed) == ROOMS
    off = []
    for fields in completed:
        sid = fields["ConferenceSid"]
        samples = listen(fields)
        off.append(seconds(samples) - (ended[sid] - began[sid]))
        voice = sound.timeline(samples, VOICE)
        if voice:
            assert sum(stretch.seconds for stretch in voice) > seconds(samples) - 0.5
    measured(
        "40 rooms recorded at once: length against truth, ms",
        f"{1000 * min(off):.0f} to {1000 * max(off):.0f}",
    )
    assert max(map(abs, off)) < 0.25


@pytest.mark.parametrize("beep", ["false", "true"])
def test_the_cost_of_a_beep_in_a_room_of_fifty(
    house: House, measured: Measured, tmp_path: Path, beep: str
) -> None:
    """No limit is set: it depends on the machine. That all are in, and have their callbacks, does not."""
    switch = house.switch
    assert isinstance(switch, FreeSwitch)
    house.voice(house.joins(beep=beep))
    with watching(house) as watcher:
        before, ours, began = _cpu(switch.pid), _own_cpu(), time.monotonic()
        sipp = Sipp(plain_party(1, 50, 5_000), 25, switch.sip_port, tmp_path / "sipp")
        try:
            watcher.wait("add-member", count=50, timeout=15)
            took = time.monotonic() - began
            until(lambda: len(house.delivered()) >= 51, 10)
            spent, of_ours = _cpu(switch.pid) - before, _own_cpu() - ours
            errors = sipp.wait()
        finally:
            sipp.close()
        watcher.wait("conference-destroy", timeout=15)
    assert not errors
    house.delivered(102, 15)
    measured(
        f"fifty join at 25/s with beep {beep}",
        f"{took:.1f} s; FreeSWITCH {spent:.2f} s of CPU, the orchestrator and this test {of_ours:.2f} s",
    )


def _cpu(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
