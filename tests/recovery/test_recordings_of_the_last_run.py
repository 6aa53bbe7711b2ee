"""A recording as the last run left it, and what FreeSWITCH writes now: each pair has one outcome, for
recordings of calls and of conferences."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import NamedTuple

import gevent
import msgspec
import pytest

from orchestrator.conference.machine.state import ConferenceOptions, Phase, RecordingOptions
from orchestrator.recordings.model import (
    CALL_RECORDING,
    CONFERENCE_RECORDING,
    OpenRecording,
    RecordedCall,
    RecordingState,
    Source,
)
from orchestrator.recordings.pauses import Pause
from orchestrator.sids import call_sid_of, new_sid
from tests.recovery.left import Left, caller_of
from tests.scenarios.conftest import ACCOUNT, House

ALL = frozenset({"in-progress", "completed", "absent"})


def audio(path: Path, seconds: float = 2.0) -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\1\0" * int(8000 * seconds))
    path.write_bytes(out.getvalue())


def delivered(house: House, count: int) -> list[str]:
    if count:
        house.application.wait_for("/recording", count, 10)
    gevent.sleep(0.2)
    return [one.fields["RecordingStatus"] for one in house.application.to("/recording")]


class OfCall(NamedTuple):
    status: str
    started: bool
    written: bool
    """FreeSWITCH writes it."""
    ordered: str
    delivered: tuple[str, ...]
    lives: bool = True
    from_answer: bool = False
    source: Source = "StartCallRecordingAPI"


OF_CALLS = {
    "goes on": OfCall("in-progress", True, True, "", ()),
    "goes on, paused": OfCall("paused", True, True, "", ()),
    "ended meanwhile": OfCall("in-progress", True, False, "", ("completed",)),
    "ended with its call": OfCall("in-progress", True, False, "", ("completed",), lives=False),
    "began meanwhile": OfCall("in-progress", False, True, "", ("in-progress",)),
    "was never ordered": OfCall("in-progress", False, False, "record_session", ("in-progress",)),
    "was to stop": OfCall("stopped", True, True, "stop_record_session", ("completed",)),
    "waits for the answer": OfCall("in-progress", False, True, "", (), from_answer=True),
    "paused, ended meanwhile": OfCall("paused", True, False, "", ("completed",)),
    "stopped, ended meanwhile": OfCall("stopped", True, False, "", ("completed",)),
    "a message goes on": OfCall("in-progress", True, True, "", (), source="RecordVerb"),
    "a message began": OfCall("in-progress", False, True, "", ("in-progress",), source="RecordVerb"),
    "a message ended": OfCall("in-progress", True, False, "", ("completed",), source="RecordVerb"),
    "was being finished": OfCall("processing", True, False, "", ("completed",)),
}


@pytest.mark.parametrize("case", OF_CALLS.values(), ids=OF_CALLS)
def test_a_call_s_recording(left: Left, case: OfCall) -> None:
    house, switch, uuid, sid = left.house, left.switch, "", new_sid()
    uuid = switch.leg()
    if not case.lives:
        del switch.legs[uuid]
    left.call(uuid, "<Response><Pause length='600'/></Response>")
    path = switch.recordings_dir / f"{sid}.wav"
    state = RecordingState(
        sid,
        case.source,
        status_callback=house.application.url("/recording"),
        status_callback_event=ALL,
        asked_at=left.began_at,
        started_at=left.began_at if case.started else 0,
        status=case.status,  # type: ignore[arg-type]
        from_answer=case.from_answer,
    )
    kept = OpenRecording(RecordedCall(uuid, call_sid_of(uuid), ACCOUNT, "1"), state)
    left.rows.append((CALL_RECORDING, sid, msgspec.json.encode(kept)))
    if case.written and case.source == "RecordVerb":
        running = {"current_application": "record", "current_application_data": f"{path} 600 200 5"}
        switch.legs[uuid] |= {f"variable_{name}": value for name, value in running.items()}
    elif case.written:
        switch.recorded[uuid] = [str(path)]
    audio(path)
    left.write()
    house.start()
    assert delivered(house, len(case.delivered)) == list(case.delivered)
    ordered = [(app, argument) for app, argument in switch.applications(uuid) if "record" in app]
    assert ordered == ([(case.ordered, str(path))] if case.ordered else [])
    assert house.orchestrator is not None
    over = "completed" in case.delivered
    assert (sid in house.orchestrator.node.call_context.recordings) is not over
    if over:
        form = house.application.to("/recording")[0].fields
        assert (form["RecordingSid"], form["RecordingDuration"]) == (sid, "2")
        assert house.orchestrator.outbox.load(CALL_RECORDING) == []
    # The end of its leg is the recording's, and no repair.
    differs = case.lives and (case.ordered or case.delivered)
    assert house.orchestrator.node.reconciler.corrections.recordings == int(bool(differs))


class OfConference(NamedTuple):
    status: str
    started: bool
    seen: str
    """By FreeSWITCH: writes, paused, nothing, no conference."""
    ordered: str
    delivered: tuple[str, ...]
    wanted: bool = True
    """Its conference is to be recorded."""
    pauses: tuple[Pause, ...] = ()


PAUSED = (Pause("skip", 1),)
OF_CONFERENCES = {
    "goes on": OfConference("in-progress", True, "writes", "", ()),
    "paused by somebody else": OfConference("in-progress", True, "paused", "resume", ()),
    "stays paused": OfConference("paused", True, "paused", "", (), pauses=PAUSED),
    "resumed by somebody else": OfConference("paused", True, "writes", "pause", (), pauses=PAUSED),
    "ended meanwhile": OfConference("in-progress", True, "nothing", "", ("completed",)),
    "ended with its conference": OfConference("in-progress", True, "no conference", "", ("completed",)),
    "began meanwhile": OfConference("in-progress", False, "writes", "", ("in-progress",)),
    "was never ordered": OfConference("in-progress", False, "nothing", "start", ()),
    "was to stop": OfConference("in-progress", True, "writes", "stop", (), wanted=False),
    "is stopping": OfConference("stopped", True, "writes", "stop", (), wanted=False),
}


def conference(left: Left, case: OfConference) -> str:
    """Its sid."""
    anchor, conference_options = (
        left.switch.leg(),
        RecordingOptions(
            beep=False, status_callback=left.house.application.url("/recording"), status_callback_event=ALL
        ),
    )
    sid = new_sid()
    left.room(ConferenceOptions(recording=conference_options), anchor, recording=case.wanted)
    left.participant(anchor, Phase.IN, member_id="1")
    left.call(anchor, left.house.joins())
    path = left.switch.recordings_dir / f"{sid}.wav"
    if case.seen != "no conference":
        left.switch.member(left.sid, anchor, 1)
    if case.seen in ("writes", "paused"):
        left.switch.records(left.sid, str(path), paused=case.seen == "paused")
    recorded = RecordedCall(anchor, caller_of(anchor).call_sid, ACCOUNT, conference_sid=left.sid)
    state = RecordingState(
        sid,
        "Conference",
        status_callback=conference_options.status_callback,
        status_callback_event=conference_options.status_callback_event,
        asked_at=left.began_at,
        started_at=left.began_at if case.started else 0,
        status=case.status,  # type: ignore[arg-type]
        paused_by="skip" if case.pauses else "silence",
        pauses=case.pauses,
    )
    kept = OpenRecording(recorded, state)
    left.rows.append((CONFERENCE_RECORDING, sid, msgspec.json.encode(kept)))
    audio(path)
    return sid


@pytest.mark.parametrize("case", OF_CONFERENCES.values(), ids=OF_CONFERENCES)
def test_a_conference_s_recording(left: Left, case: OfConference) -> None:
    house, switch = left.house, left.switch
    house.log.allows("recording ended before its conference")
    sid = conference(left, case)
    path = switch.recordings_dir / f"{sid}.wav"
    left.write()
    house.start()
    assert delivered(house, len(case.delivered)) == list(case.delivered)
    ordered = [command.split()[3] for command in switch.saw("recording", str(path))]
    assert ordered == ([case.ordered] if case.ordered else [])
    assert house.orchestrator is not None
    over = "completed" in case.delivered
    assert (sid in house.orchestrator.node.call_context.conference_recorder) is not over
    assert (len(house.orchestrator.node.call_context.conference_recorder) == 0) is over
    if case.seen != "no conference":
        assert not [one for one in switch.saw("recording start") if str(path) not in one]
        switch.maintenance("stop-recording", left.sid, Path=str(path), Conference_Size="1")


@pytest.mark.parametrize("there", [True, False])
def test_a_recording_that_was_decided_and_not_written_down_is_begun_where_there_is_a_conference(
    left: Left, there: bool
) -> None:
    case = OfConference("in-progress", False, "nothing" if there else "no conference", "", ())
    conference(left, case)
    left.rows = [row for row in left.rows if row[0] != CONFERENCE_RECORDING]
    left.write()
    left.house.start()
    gevent.sleep(0.2)
    assert len(left.switch.saw("recording start")) == int(there)


def test_a_recording_that_freeswitch_refuses_is_absent(left: Left) -> None:
    left.house.log.allows("not recorded")
    case = OF_CONFERENCES["was never ordered"]
    left.switch.answers["conference " + left.sid + " recording"] = "-ERR Error Recording file\n"
    conference(left, case)
    left.write()
    left.house.start()
    assert delivered(left.house, 1) == ["absent"]


def test_a_recording_that_ends_by_itself_is_in_the_log(left: Left) -> None:
    house, switch = left.house, left.switch
    house.log.allows("recording ended before its conference")
    sid = conference(left, OF_CONFERENCES["goes on"])
    left.write()
    house.start()
    switch.maintenance(
        "stop-recording", left.sid, Path=str(switch.recordings_dir / f"{sid}.wav"), Conference_Size="2"
    )
    assert delivered(house, 1) == ["completed"]
    assert house.log.has("recording ended before its conference")
