"""The fields of each thing on the page."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from werkzeug.datastructures import MultiDict

from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
    RoomPhase,
)
from orchestrator.config import loads
from orchestrator.fsconfig.conference_profiles import room_profile
from orchestrator.services.timeline import DryRun
from orchestrator.store.message import Receiver
from orchestrator.timeline.entry import Entry
from orchestrator.web.console.callback_views import receiver_view
from orchestrator.web.console.filters import ListFilter, list_filter
from orchestrator.web.console.numbers import numbers
from orchestrator.web.console.timelines import dry_run_view, rejected_view, timeline_view
from orchestrator.web.console.view import person_view, room_view

ACCOUNT, OTHER = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "6a9a7976-012e-45d2-9258-6f5dc68d861e"
CALLER = Caller("a", "leg", from_="+1", to="+2", calling_party_type="pstn")
ANNA = Participant(CALLER, ParticipantOptions(), Phase.WAITING, asked_at=5_000_999)
ROOM = Room(
    "room",
    "account",
    "Room",
    ConferenceOptions(max_participants=7),
    node="east",
    profile=room_profile("default", "talking"),
    phase=RoomPhase.STARTED,
    opened_at=1_000_999,
    started_at=2_000_999,
)
OF_ROOM = {
    "sid": "room",
    "name": "Room",
    "node": "east",
    "phase": "in-progress",
    "opened": 1000,
    "started": 2000,
    "recording": False,
    "paused": False,
    "talking": True,
    "max": 7,
    "people": {},
}
OF_ANNA = {
    "number": "+1",
    "dialled": False,
    "label": "",
    "phase": "waiting",
    "asked": 5000,
    "talking": False,
    "muted": False,
    "held": False,
    "coach": "",
    "moderator": False,
}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, {}),
        ({"recording": True}, {"recording": True}),
        ({"recording_paused": True}, {"paused": True}),
        ({"phase": RoomPhase.INIT, "started_at": 0}, {"phase": "init", "started": 0}),
        ({"profile": room_profile("default", "none")}, {"talking": False}),
        ({"profile": room_profile("default", "floor")}, {"talking": True}),
        ({"participants": {"a": ANNA}}, {"people": {"a": OF_ANNA}}),
    ],
)
def test_a_conference(change: dict[str, Any], fields: dict[str, Any]) -> None:
    assert room_view(replace(ROOM, **change)) == OF_ROOM | fields


@pytest.mark.parametrize(
    ("change", "options", "fields"),
    [
        ({}, {}, {}),
        ({"phase": Phase.IN}, {}, {"phase": "in"}),
        ({"talking": True}, {}, {"talking": True}),
        ({"held": True}, {}, {"held": True}),
        ({}, {"muted": True}, {"muted": True}),
        ({}, {"label": "anna"}, {"label": "anna"}),
        ({}, {"coach": "b"}, {"coach": "b"}),
        ({}, {"end_on_exit": True}, {"moderator": True}),
        ({"caller": replace(CALLER, calling_party_type="")}, {}, {"dialled": True, "number": "+2"}),
    ],
)
def test_a_participant(change: dict[str, Any], options: dict[str, Any], fields: dict[str, Any]) -> None:
    one = replace(ANNA, options=ParticipantOptions(**options), **change)
    assert person_view(one) == OF_ANNA | fields


def test_an_entry_of_a_timeline() -> None:
    entry = Entry(
        7,
        1_500_250,
        "conference.start",
        "account",
        "call",
        "room",
        "warning",
        {"name": "R"},
        b"<a/>\xff",
        "east",
    )
    assert timeline_view([entry]) == {
        "entries": [
            {
                "id": 7,
                "at": 1500.25,
                "kind": "conference.start",
                "node": "east",
                "level": "warning",
                "text": "Conference R started.",
                "call": "call",
                "conference": "room",
                "facts": {"name": "R"},
                "document": "<a/>\ufffd",
                "cut": False,
            }
        ]
    }
    cut: Any = timeline_view([replace(entry, facts={"name": "R", "cut": True})])
    assert cut["entries"][0]["cut"] is True


def rejected(id_: int, at: int = 1000, **facts: Any) -> Entry:
    return Entry(id_, at, "call.rejected", facts=facts)


def test_a_call_that_was_refused() -> None:
    known = {"caller": "+1", "number": "+2", "address": "192.0.2.1", "sip": 403, "times": 3, "page": "call"}
    view: Any = rejected_view(
        [rejected(9, 2_500, reason="no-application", **known), rejected(8)], ListFilter()
    )
    assert view["next"] is None
    of_full, bare = view["items"]
    assert of_full == {
        "id": 9,
        "at": 2.5,
        "caller": "+1",
        "number": "+2",
        "address": "192.0.2.1",
        "sip": 403,
        "times": 3,
        "why": "no application has number +2, and there is no default application",
        "remedy": "Add the number to `numbers` in the settings, or set `default_application`",
        "call": "call",
    }
    assert (bare["id"], bare["at"], bare["times"]) == (8, 1.0, 1)
    assert {value for name, value in bare.items() if name not in ("id", "at", "times")} == {""}


ENTRIES = [
    rejected(number, number * 1000, reason="token" if number % 2 else "address", caller=f"+1{number:03}")
    for number in range(130, 0, -1)
]


@pytest.mark.parametrize(
    ("wanted", "first", "shown", "following"),
    [
        (ListFilter(), 130, 50, "81"),
        (ListFilter(after="81"), 80, 50, "31"),
        (ListFilter(after="31"), 30, 30, None),
        (ListFilter(state="token"), 129, 50, "31"),
        (ListFilter(words="+1007"), 7, 1, None),
        (ListFilter(words="NO SUCH"), 0, 0, None),
        (ListFilter(since=120_000), 130, 11, None),
        (ListFilter(since=10_000, until=20_000), 19, 10, None),
        (ListFilter(until=50_000), 49, 49, None),
        (ListFilter(until=51_000), 50, 50, None),
        (ListFilter(until=52_000), 51, 50, "2"),
    ],
)
def test_refused_calls_are_found_page_by_page(
    wanted: ListFilter, first: int, shown: int, following: str | None
) -> None:
    view: Any = rejected_view(ENTRIES, wanted)
    assert len(view["items"]) == shown
    assert view["next"] == following
    if shown:
        assert view["items"][0]["id"] == first


def test_a_document_that_was_requested_again() -> None:
    found = DryRun(1_500, "http://h/", 200, 12, "text/xml", 4, b"<a/>\xff", ("Say",), ((3, "odd"),), "", 2)
    assert dry_run_view(found) == {
        "at": 1.5,
        "url": "http://h/",
        "status": 200,
        "ms": 12,
        "type": "text/xml",
        "bytes": 4,
        "document": "<a/>\ufffd",
        "verbs": ("Say",),
        "warnings": [{"line": 3, "text": "odd"}],
        "problem": "",
        "masked": 2,
    }


def test_a_receiver_of_callbacks() -> None:
    assert receiver_view(Receiver("http://h", 2, 3, "answered 410", 5_999)) == {
        "name": "http://h",
        "waiting": 2,
        "failed": 3,
        "error": "answered 410",
        "at": 5,
    }


SETTINGS = f"""
accounts: [{{sid: {ACCOUNT}}}, {{sid: {OTHER}}}]
default_region: US
applications:
  main: {{account: {ACCOUNT}, connection_id: "1", voice_url: "http://u:p@h/voice?a=1", voice_method: GET,
         voice_fallback_url: "http://h/fallback", status_callback: "http://h/status", trunk: out}}
  plain: {{account: {ACCOUNT}, connection_id: "2", voice_url: "http://h/", default_region: DE,
          dialect: twilio, profile: wide}}
  other: {{account: {OTHER}, connection_id: "3", voice_url: "http://h/"}}
profiles: {{wide: {{rate: 48000}}}}
numbers: {{"+13125550100": main, "1001": plain, desk: plain, "+1900*": main, "+442071838750": other}}
default_application: plain
trunks:
  out: {{proxy: 192.0.2.1, username: u, password: secret, register: true, destinations: ["+1*"]}}
  usual: {{dial_string: "sofia/texml/{{number}}@h", addresses: [198.51.100.0/24]}}
  unused: {{proxy: unused.example}}
default_trunk: usual
"""


def test_the_numbers_applications_and_trunks_of_an_account() -> None:
    view: Any = numbers(loads(SETTINGS, environ={}), ACCOUNT)
    assert "secret" not in str(view)
    assert view["numbers"] == [
        {"number": "+13125550100", "pattern": False, "application": "main"},
        {"number": "1001", "pattern": False, "application": "plain"},
        {"number": "desk", "pattern": False, "application": "plain"},
        {"number": "1900*", "pattern": True, "application": "main"},
        {"number": "", "pattern": True, "application": "plain"},
    ]
    assert view["applications"] == [
        {
            "name": "main",
            "connection": "1",
            "voice": ["GET", "http://h/voice"],
            "fallback": ["POST", "http://h/fallback"],
            "status": ["POST", "http://h/status"],
            "profile": "",
            "trunk": "out",
            "region": "US",
            "signatures": "telnyx",
            "fields": "telnyx",
        },
        {
            "name": "plain",
            "connection": "2",
            "voice": ["POST", "http://h/"],
            "fallback": None,
            "status": None,
            "profile": "wide",
            "trunk": "usual",
            "region": "DE",
            "signatures": "both",
            "fields": "twilio",
        },
    ]
    assert view["trunks"] == [
        {"name": "out", "addresses": ["192.0.2.1/32"], "destinations": ["+1*"], "registers": True},
        {"name": "usual", "addresses": ["198.51.100.0/24"], "destinations": ["*"], "registers": False},
    ]
    other: Any = numbers(loads(SETTINGS, environ={}), OTHER)
    assert [row["application"] for row in other["numbers"]] == ["other"]
    assert [one["name"] for one in other["applications"]] == ["other"]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, ListFilter()),
        (
            {"words": " a b ", "state": "failed", "receiver": "http://h", "after": "7 x"},
            ListFilter("a b", 0, 0, "failed", "http://h", "7 x"),
        ),
        ({"since": "1700000000000", "until": "5"}, ListFilter(since=1_700_000_000_000_000, until=5000)),
        ({"since": "-1", "until": "1.5"}, ListFilter()),
        ({"since": "1" * 15, "until": "1" * 16}, ListFilter(since=int("1" * 15) * 1000)),
        ({"words": "x" * 201}, ListFilter("x" * 200)),
    ],
)
def test_the_filters_of_a_list(asked: dict[str, str], wanted: ListFilter) -> None:
    assert list_filter(MultiDict(asked)) == wanted


@pytest.mark.parametrize(
    ("words", "alternatives"),
    [
        ("", ()),
        ("anna", ("anna",)),
        ("+1 (312) 555-0100", ("+1 (312) 555-0100", "13125550100")),
        ("3125550", ("3125550", "3125550")),
        ("312", ("312",)),
    ],
)
def test_a_number_is_looked_for_by_its_digits_too(words: str, alternatives: tuple[str, ...]) -> None:
    assert ListFilter(words).alternatives == alternatives


@pytest.mark.parametrize(
    ("after", "cursor"), [("", None), ("12 sid", (12, "sid")), ("12", (12, "")), ("x sid", None)]
)
def test_a_page_begins_after_the_last_row_of_the_one_before(
    after: str, cursor: tuple[int, str] | None
) -> None:
    assert ListFilter(after=after).cursor == cursor
