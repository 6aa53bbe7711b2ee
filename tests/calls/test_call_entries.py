"""The entries of a call's own events: its status, keys, its end, and the quality of its media."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from orchestrator.calls.call_entries import CallEntries
from orchestrator.calls.records import CallRecords
from orchestrator.counters import CallCounters
from orchestrator.esl.events import decode
from orchestrator.store.outbox import Outbox
from orchestrator.timeline.entry import Entry
from orchestrator.timeline.recorder import Timeline
from tests.recovery.left import caller_of

ACCOUNT, PARENT, AT = "account", "v3:parent", 1_700_000_000_000_000
COMPLETE = "CHANNEL_HANGUP_COMPLETE"
ANSWERED = {"Caller-Channel-Answered-Time": str(AT - 5_000_000), "Caller-Channel-Hangup-Time": str(AT)}
MEDIA = {
    "variable_rtp_audio_in_media_packet_count": "190",
    "variable_rtp_audio_out_media_packet_count": "201",
    "variable_rtp_audio_in_flaw_total": "27",
    "variable_rtp_audio_in_jitter_max_variance": "12.25",
    "variable_rtp_audio_in_mos": "4.21",
}
QUALITY = {
    "packets_in": 190,
    "packets_out": 201,
    "lost": 10,
    "loss_percent": 5.0,
    "jitter_ms": 3.5,
    "mos": 4.21,
}


class Bench:
    def __init__(self, outbox: Outbox) -> None:
        self.counters, self.timeline, self.store = CallCounters(), Timeline(outbox.timeline), outbox.timeline
        self.records = CallRecords(outbox.of("default"))
        self.entries = CallEntries(self.timeline, self.records, self.counters)

    def opened(self, *, outbound: bool = False, parent: str = "") -> str:
        uuid = str(uuid4())
        self.records.open(caller_of(uuid), ACCOUNT, outbound=outbound, parent=parent)
        return uuid

    def hears(self, uuid: str, name: str, **headers: str) -> None:
        event = {"Event-Name": name, "Unique-ID": uuid, "Event-Date-Timestamp": str(AT), **headers}
        decoded = decode(msgspec.json.encode(event))
        self.entries.on_event(decoded)
        self.records.on_event(decoded)

    def found(self, call_sid: str) -> list[tuple[str, str, dict[str, Any]]]:
        self.timeline.flush()
        entries: list[Entry] = self.store.of_call(ACCOUNT, call_sid, 0, 100)
        assert {entry.at for entry in entries} <= {AT}
        return [(entry.kind, entry.level, dict(entry.facts)) for entry in entries]

    def of(self, uuid: str) -> list[tuple[str, str, dict[str, Any]]]:
        return self.found(caller_of(uuid).call_sid)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    bench = Bench(outbox)
    yield bench
    bench.timeline.stop()
    bench.records.stop()
    outbox.close()


@pytest.mark.parametrize(
    ("outbound", "name", "status"),
    [
        (False, "CHANNEL_ANSWER", "answered"),
        (False, "CHANNEL_PROGRESS", ""),
        (True, "CHANNEL_ANSWER", "answered"),
        (True, "CHANNEL_PROGRESS", "ringing"),
        (True, "CHANNEL_PROGRESS_MEDIA", "early-media"),
    ],
)
def test_the_status_of_a_call_that_goes_on(bench: Bench, outbound: bool, name: str, status: str) -> None:
    uuid = bench.opened(outbound=outbound)
    bench.hears(uuid, name)
    bench.hears(str(uuid4()), name)
    assert bench.of(uuid) == ([("call.status", "info", {"status": status})] if status else [])


def test_a_key(bench: Bench) -> None:
    uuid = bench.opened()
    bench.hears(uuid, "DTMF", **{"DTMF-Digit": "7"})
    ((kind, level, facts),) = bench.of(uuid)
    assert (kind, level, list(facts)) == ("dtmf", "info", ["digits"])


@pytest.mark.parametrize(
    ("change", "level", "facts"),
    [
        ({}, "info", {}),
        ({"variable_rtp_audio_in_mos": "3.5"}, "info", {"mos": 3.5}),
        ({"variable_rtp_audio_in_mos": "3.4"}, "warning", {"mos": 3.4}),
        (
            {"variable_rtp_audio_in_media_packet_count": "0"},
            "warning",
            {"packets_in": 0, "loss_percent": 100.0, "mos": 0.0},
        ),
    ],
)
def test_the_quality_of_a_call_s_media(
    bench: Bench, change: dict[str, str], level: str, facts: dict[str, object]
) -> None:
    uuid = bench.opened()
    bench.hears(uuid, COMPLETE, **{"Hangup-Cause": "NORMAL_CLEARING"}, **ANSWERED, **MEDIA | change)
    hangup, quality = bench.of(uuid)
    assert quality == ("media.quality", level, QUALITY | facts)
    assert hangup[:2] == ("call.hangup", "info")
    assert (hangup[2]["cause"], hangup[2]["seconds"], hangup[2]["answered"]) == ("NORMAL_CLEARING", 5, True)
    record = bench.records.get(ACCOUNT, caller_of(uuid).call_sid)
    assert record is not None
    assert record.quality is not None
    assert record.quality.packets_out == 201


@pytest.mark.parametrize(
    ("cause", "answered", "level", "of_callee"),
    [
        ("NORMAL_CLEARING", True, "info", None),
        ("ALLOTTED_TIMEOUT", True, "info", None),
        ("MEDIA_TIMEOUT", True, "warning", "warning"),
        ("NORMAL_CLEARING", False, "warning", "info"),
        ("USER_BUSY", False, "warning", "warning"),
    ],
)
def test_the_end_of_a_call_is_said_to_its_parent_too_where_it_is_unusual(
    bench: Bench, cause: str, answered: bool, level: str, of_callee: str | None
) -> None:
    uuid = bench.opened(outbound=True, parent=PARENT)
    for why in ("first", "second"):
        bench.entries.decided(uuid, why)
    bench.hears(uuid, COMPLETE, **{"Hangup-Cause": cause}, **(ANSWERED if answered else {}))
    ((kind, its_level, facts),) = bench.of(uuid)
    assert (kind, its_level, facts["cause"], facts["decided"]) == ("call.hangup", level, cause, "first")
    assert "media.quality" not in str(bench.of(uuid)), "it had no media"
    said = bench.found(PARENT)
    assert [(kind, its_level) for kind, its_level, _ in said] == (
        [("call.callee", of_callee)] if of_callee else []
    )
    if said:
        assert said[0][2] == facts | {"called": caller_of(uuid).to}
    assert bench.counters.call_seconds.count == answered
