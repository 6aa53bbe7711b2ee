"""The parameters of a request: every one is honoured, or named in the answer that refuses it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from orchestrator.calls.records import CallRecord, _record
from orchestrator.conference.live.records import RoomRecord, row_of_room
from orchestrator.recordings.records import RecordingRecord, row_of_recording
from orchestrator.sids import call_sid_of, twilio_call_sid_of
from orchestrator.web.api.blueprint import OPERATIONS
from tests.scenarios.conftest import ACCOUNT, API_KEY, House, house

__all__ = ["house"]
pytestmark = pytest.mark.only("emulator")
LEGS = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(4)]
CALLS = [call_sid_of(leg) for leg in LEGS]
ROOM = "00000000-0000-4000-8000-000000000001"
RECORDINGS = [f"00000000-0000-4000-8000-00000000001{number}" for number in range(3)]
AT = 1_710_028_800_000_000
LISTS = ("/Calls", "/Conferences", "/Recordings", f"/Conferences/{ROOM}/Participants")


class Api:
    def __init__(self, house: House) -> None:
        assert house.orchestrator is not None
        self.base = f"http://127.0.0.1:{house.orchestrator.web.port}"
        house.orchestrator.retention.stop()
        records = house.orchestrator.outbox.records
        records.put([row_of_room(RoomRecord(ROOM, ACCOUNT, "Room", AT, AT, AT, "completed"))])
        for number, sid in enumerate(CALLS):
            parent = CALLS[0] if number in (1, 2) else ""
            leg, status = LEGS[number], "busy" if number == 3 else "completed"
            call = CallRecord(
                sid, ACCOUNT, leg, "+1", "+2", False, AT + number, AT, AT, AT, status, "", parent
            )
            records.put([_record(call)])
        for number, sid in enumerate(RECORDINGS):
            room, status = (ROOM, "deleted" if number == 2 else "completed") if number else ("", "completed")
            recording = RecordingRecord(
                sid, ACCOUNT, CALLS[number], "Conference", AT + number, AT, room, status=status
            )
            records.put([row_of_recording(recording)])

    def ask(self, path: str, method: str = "GET", vendor: str = "telnyx", **more: Any) -> requests.Response:
        prefix = {"telnyx": "/v2/texml", "twilio": "/2010-04-01"}[vendor]
        url = f"{self.base}{prefix}/Accounts/{ACCOUNT}{path}"
        return requests.request(method, url, auth=(ACCOUNT, API_KEY), timeout=20, **more)

    def sids(self, path: str, **query: Any) -> list[str]:
        answer = self.ask(path, params=query)
        assert answer.status_code == 200, answer.text
        (found,) = [value for value in answer.json().values() if isinstance(value, list)]
        return [entry["sid"] for entry in found]


@pytest.fixture
def api(house: House) -> Api:
    return Api(house)


def refused(answer: requests.Response, status: int = 400) -> dict[str, str]:
    """Pointer -> detail of each."""
    assert answer.status_code == status, answer.text
    return {error["source"]["pointer"]: error["detail"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/Calls", {}, [3, 2, 1, 0]),
        ("/Calls", {"ParentCallSid": CALLS[0]}, [2, 1]),
        ("/Calls", {"ParentCallSid": twilio_call_sid_of(CALLS[0])}, [2, 1]),
        ("/Calls", {"parent_call_sid": CALLS[0], "status": "completed"}, [2, 1]),
        ("/Calls", {"ParentCallSid": "v3:nobody"}, []),
        ("/Calls", {"Status": "BUSY"}, [3]),
        ("/Calls", {"start_time_lt": "2024-03-09"}, []),
        ("/Calls", {"StartTime>": "2024-03-10", "StartTime<": "2024-03-10"}, [3, 2, 1, 0]),
        ("/Recordings", {}, [1, 0]),
        ("/Recordings", {"CallSid": CALLS[1]}, [1]),
        ("/Recordings", {"call_sid": twilio_call_sid_of(CALLS[1])}, [1]),
        ("/Recordings", {"ConferenceSid": ROOM}, [1]),
        ("/Recordings", {"ConferenceSid": ROOM, "IncludeSoftDeleted": "True"}, [2, 1]),
        ("/Recordings", {"IncludeSoftDeleted": "false"}, [1, 0]),
    ],
)
def test_a_list_is_filtered_by_what_was_asked_for(
    api: Api, path: str, query: dict[str, str], expected: list[int]
) -> None:
    sids = CALLS if path == "/Calls" else RECORDINGS
    assert [sids.index(sid) for sid in api.sids(path, **query)] == expected


def test_a_deleted_recording_is_fetched_where_that_is_asked_for(api: Api) -> None:
    path = f"/Recordings/{RECORDINGS[2]}"
    assert api.ask(path).status_code == 404
    assert api.ask(path, params={"IncludeSoftDeleted": "true"}).json()["sid"] == RECORDINGS[2]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ({"Unknown": "1"}, ""),
        ({"_": "1712"}, ""),
        ({"PageSise": "3"}, "PageSize"),
        ({"page-size": "3"}, "PageSize"),
        ({"": "1"}, ""),
    ],
)
def test_an_unknown_filter_is_refused_by_its_name(
    api: Api, path: str, query: dict[str, str], hint: str
) -> None:
    ((pointer, detail),) = refused(api.ask(path, params=query)).items()
    assert pointer == f"/{next(iter(query))}"
    assert ("did you mean" in detail) is bool(hint)
    assert hint in detail


@pytest.mark.parametrize("vendor", ["telnyx", "twilio"])
def test_every_wrong_parameter_is_named_at_once(api: Api, vendor: str) -> None:
    form = {"Statsu": "completed", "Method": "PUT", "Url": "ftp://h/"}
    answer = api.ask(f"/Calls/{CALLS[0]}", "POST", vendor, data=form)
    found = refused(answer)
    assert found == {
        "/Statsu": "is no parameter of this request, did you mean Status?",
        "/Method": "must be one of GET, POST",
        "/Url": "must be an absolute http or https URL",
    }
    if vendor == "twilio":
        assert all(name[1:] in answer.json()["message"] for name in found)


STATUS = "Status: must be one of completed, canceled"
WAYS: dict[str, dict[str, Any]] = {
    "form": {"data": {"Status": "over"}},
    "lower case": {"data": {"status": "over"}},
    "query": {"params": {"Status": "over"}},
    "json": {"json": {"Status": "over"}},
    "json, lower case": {"json": {"status": "over"}},
    "multipart": {"files": {"Status": (None, "over")}},
    "multipart, lower case": {"files": {"status": (None, "over")}},
    "the same twice": {"data": [("Status", "over"), ("status", "over")]},
    "beside the account": {"data": {"Status": "over", "AccountSid": ACCOUNT}},
    "beside null": {"json": {"Status": "over", "Url": None}},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_parameter_is_read_wherever_and_however_it_is_written(api: Api, way: str) -> None:
    answer = api.ask(f"/Calls/{CALLS[0]}", "POST", "twilio", **WAYS[way])
    assert (answer.status_code, answer.json()["message"]) == (400, STATUS)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"data": [("Status", "completed"), ("Status", "canceled")]}, "/Status"),
        ({"data": {"Status": "completed"}, "params": {"Status": "canceled"}}, "/Status"),
        ({"json": {"Status": "completed", "status": "canceled"}}, "/Status"),
        ({"data": {"AccountSid": "another"}}, "/AccountSid"),
        ({"files": {"Texml": ("document.xml", "<Response/>")}}, "/Texml"),
    ],
)
def test_contradicting_parameters_are_refused(api: Api, more: dict[str, Any], pointer: str) -> None:
    answer = api.ask(f"/Calls/{CALLS[0]}", "POST", "twilio", **more)
    assert set(refused(answer)) == {pointer}


def test_a_body_of_a_get_and_of_a_delete_counts_too(api: Api) -> None:
    assert [
        CALLS.index(one["sid"]) for one in api.ask("/Calls", json={"status": "busy"}).json()["calls"]
    ] == [3]
    assert set(refused(api.ask(f"/Recordings/{RECORDINGS[0]}", "DELETE", data={"Now": "1"}))) == {"/Now"}


@pytest.mark.parametrize("vendor", ["telnyx", "twilio"])
@pytest.mark.parametrize(
    ("name", "asks", "does_not"),
    [
        ("MachineDetection", "Enable", "Disable"),
        ("MachineDetection", "DetectMessageEnd", "disable"),
        ("AsyncAmd", "true", "False"),
        ("CancelPlaybackOnMachineDetection", True, False),
        ("MachineDetectionTimeout", 30, ""),
        ("RecordingTimeout", "5", 0),
        ("JitterBufferSize", "large", "off"),
        ("Byoc", "BY0", ""),
    ],
)
def test_parameters_that_are_not_built_are_refused_by_name_unless_they_ask_for_nothing(
    api: Api, vendor: str, name: str, asks: object, does_not: object
) -> None:
    call = {"From": "+13125550100", "To": "+13125550999", "ApplicationSid": "1568109700606592442"}
    ((pointer, detail),) = refused(api.ask("/Calls", "POST", vendor, json=call | {name: asks})).items()
    assert pointer == f"/{name}"
    assert detail.startswith("is not supported here: ")
    assert api.ask("/Calls", "POST", vendor, json=call | {name: does_not}).status_code in (200, 201)


def test_a_key_is_of_the_query_as_well(api: Api) -> None:
    # Symptom: a call to somebody else got the answer of the first. Cause: only path and body were compared.
    call = {"From": "+13125550100", "ApplicationSid": "1568109700606592442", "To": "+13125550999"}
    headers = {"Idempotency-Key": "one"}
    first, again, other = (
        api.ask("/Calls", "POST", params=call | {"To": to}, headers=headers)
        for to in ("+13125550999", "+13125550999", "+13125550998")
    )
    assert (first.status_code, again.json()) == (200, first.json())
    assert other.status_code == 422


def test_a_call_that_is_over_is_forgotten(api: Api) -> None:
    assert api.ask(f"/Calls/{CALLS[3]}", "DELETE", "twilio").status_code == 204
    assert api.ask(f"/Calls/{CALLS[3]}").status_code == 404
    assert api.sids("/Calls") == [CALLS[2], CALLS[1], CALLS[0]]
    assert api.ask(f"/Calls/{CALLS[3]}", "DELETE").status_code == 404


def test_no_two_parameters_of_an_operation_are_spelt_alike() -> None:
    assert all(operation.parameters is not None for operation in OPERATIONS)
    assert len({name for operation in OPERATIONS for name in operation.parameters}) > 100
