"""Every recording that is said to be in progress ends in exactly one of completed and absent."""

from __future__ import annotations

import random
from typing import Any

import gevent
import msgspec
import pytest

from orchestrator.clock import now
from orchestrator.recordings.model import CALL_RECORDING, OpenRecording, RecordedCall, RecordingState
from orchestrator.recordings.records import RecordingRecord, row_of_recording
from orchestrator.sids import leg_of, new_sid
from orchestrator.store.outbox import Outbox
from tests.recovery.test_lost_socket import lose_events
from tests.scenarios.conftest import ACCOUNT, NUMBER, House
from tests.sdk.conftest import Client
from tests.sound.common import until

FIRST = "+13125550002"


@pytest.fixture
def client(house: House) -> Client:
    return Client(house, ACCOUNT, "key-of-main")


def begin(house: House, client: Client, phone_of: str = FIRST) -> tuple[Any, str, str]:
    """A caller who is recorded through the API; its phone, its CallSid and the recording's sid."""
    house.voice(f"<Response><Play loop='9'>{house.application.tone(500, 9.0)}</Play></Response>")
    house.application.takes_callbacks("/recording")
    phone = house.switch.call(NUMBER, from_=phone_of, sounds=600)
    phone.wait_hears(500, 10)
    call_sid = house.application.to("/voice")[-1].fields["CallSid"]
    answer = order(house, client, call_sid)
    assert answer.status_code == 200, answer.text
    return phone, call_sid, answer.json()["sid"]


def order(house: House, client: Client, call_sid: str) -> Any:
    form = {
        "PlayBeep": "false",
        "RecordingStatusCallback": house.application.url("/recording"),
        "RecordingStatusCallbackEvent": "in-progress completed absent",
    }
    return client.ask("POST", f"/Calls/{call_sid}/Recordings.json", data=form)


def delivered(house: House, count: int, timeout: float = 15.0) -> list[str]:
    requests = house.application.wait_for("/recording", count, timeout)
    return [request.fields["RecordingStatus"] for request in requests]


def status(client: Client, sid: str) -> str:
    return str(client.ask("GET", f"/Recordings/{sid}.json").json()["status"])


def test_the_end_of_a_recording_that_nobody_heard_is_found_by_the_audit(house: House, client: Client) -> None:
    house.stop()
    house.start(node="reconcile_secs: 1")
    phone, _, sid = begin(house, client)
    gevent.sleep(0.5)
    losing = gevent.spawn(lose_events, house, "CHANNEL_DESTROY")
    gevent.sleep(0.2)
    phone.hang_up()
    losing.join()
    assert delivered(house, 2, 20) == ["in-progress", "completed"]
    assert status(client, sid) == "completed"


def test_a_recording_that_stopped_while_nobody_listened_is_completed(house: House, client: Client) -> None:
    phone, _, sid = begin(house, client)
    gevent.sleep(0.5)
    house.stop()
    path = house.switch.recordings_dir / f"{sid}.wav"
    uuid = house.switch.api("show channels").splitlines()[1].split(",")[0]
    house.switch.api(f"uuid_record {uuid} stop {path}")
    house.start()
    assert delivered(house, 2) == ["in-progress", "completed"]
    phone.hang_up()
    gevent.sleep(0.5)
    assert delivered(house, 2) == ["in-progress", "completed"]


def test_a_listed_recording_that_belongs_to_nobody_is_ended_by_the_audit(
    house: House, client: Client
) -> None:
    """As a crash of an earlier version of ours left it."""
    house.log.allows("a recording that nobody ended")
    house.stop()
    house.start(node="reconcile_secs: 1")
    sids = [new_sid(), new_sid()]
    before = now() - 60_000_000
    for sid, conference in zip(sids, ("", new_sid()), strict=True):
        record = RecordingRecord(
            sid, ACCOUNT, "v3:gone", "StartCallRecordingAPI", before, before, conference, status="paused"
        )
        house.orchestrator.node.store.commit(records=[row_of_recording(record)])
    (house.switch.recordings_dir / f"{sids[0]}.wav").write_bytes(_wav(1.0))

    def ended() -> bool:
        (completed, absent) = (client.ask("GET", f"/Recordings/{sid}.json").json() for sid in sids)
        return (completed["status"], completed["duration"], absent["status"]) == ("completed", "1", "stopped")

    until(ended, 20, "both are over")


def _wav(seconds: float) -> bytes:
    import io
    import wave

    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\1\0" * int(8000 * seconds))
    return out.getvalue()


def test_a_recording_ordered_as_its_caller_hangs_up_has_an_end_or_never_was(
    house: House, client: Client
) -> None:
    """Symptom: recordings in progress for ever, with the caller long gone. Cause: the hook for the hangup was
    set after the order, when the leg had called its hooks already. Fix: it hears of its leg before the order.
    """
    house.voice(f"<Response><Play loop='9'>{house.application.tone(500, 9.0)}</Play></Response>")
    house.application.takes_callbacks("/recording")
    for number in range(12):
        phone = house.switch.call(NUMBER, from_=FIRST, sounds=600)
        phone.wait_hears(500, 10)
        call_sid = house.application.wait_for("/voice", number + 1)[-1].fields["CallSid"]
        ordered = gevent.spawn(order, house, client, call_sid)
        gevent.sleep(random.uniform(0, 0.02))
        phone.hang_up()
        ordered.join(20)
    until(
        lambda: (
            not [
                one
                for one in client.ask("GET", "/Recordings.json?PageSize=100").json()["recordings"]
                if one["status"] in ("in-progress", "paused")
            ]
        ),
        15,
        "all are over",
    )
    ends = [request.fields["RecordingSid"] for request in house.application.to("/recording")]
    assert max((ends.count(sid) for sid in ends), default=0) <= 2
    assert not house.orchestrator.node.call_context.recordings


def lose_the_order(house: House, call_sid: str) -> str:
    """As a process leaves it that ends after it has written the recording down and before FreeSWITCH has
    heard of it; its sid."""
    state = RecordingState(
        new_sid(),
        "OutboundAPI",
        status_callback=house.application.url("/recording"),
        status_callback_event=frozenset({"in-progress", "completed", "absent"}),
        asked_at=now(),
    )
    kept = OpenRecording(RecordedCall(leg_of(call_sid), call_sid, ACCOUNT, "1"), state)
    outbox = Outbox(house.directory / "orchestrator.sqlite")
    outbox.of("default").commit([], [(CALL_RECORDING, state.sid, msgspec.json.encode(kept))])
    outbox.close()
    return state.sid


@pytest.mark.parametrize("hangs_up", [False, True], ids=["call lives", "call is gone"])
def test_an_order_that_was_lost_with_the_process_is_given_again_or_is_absent(
    house: House, client: Client, hangs_up: bool
) -> None:
    house.voice(f"<Response><Play loop='9'>{house.application.tone(500, 9.0)}</Play></Response>")
    house.application.takes_callbacks("/recording")
    phone = house.switch.call(NUMBER, from_=FIRST, sounds=600)
    phone.wait_hears(500, 10)
    call_sid = house.application.to("/voice")[-1].fields["CallSid"]
    house.stop()
    lose_the_order(house, call_sid)
    if hangs_up:
        phone.hang_up()
        phone.wait_ended(5)
    house.start()
    if hangs_up:
        assert delivered(house, 1) == ["absent"]
    else:
        assert delivered(house, 1) == ["in-progress"]
        gevent.sleep(0.6)
        phone.hang_up()
        assert delivered(house, 2) == ["in-progress", "completed"]
    gevent.sleep(0.5)
    assert not house.orchestrator.node.call_context.recordings


def test_with_freeswitch_a_recording_ends_too(house: House, client: Client) -> None:
    house.log.allows("another FreeSWITCH answers", "lost FreeSWITCH", "cannot")
    _, _, sid = begin(house, client)
    gevent.sleep(0.5)
    house.switch.kill()
    house.switch.start()
    first, last = delivered(house, 2, 25)
    assert first == "in-progress"
    assert last in ("completed", "absent")
    until(lambda: status(client, sid) in ("completed", "stopped"), 5, "it is over")
    assert not house.orchestrator.node.call_context.recordings
