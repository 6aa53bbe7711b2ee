"""Names in addresses: conferences with a slash, labels that end in .json, CallSids in both spellings."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.sids import canonical_call_sid, twilio_call_sid_of
from orchestrator.web.paths import Segment, path_info
from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sdk.test_twilio import twilio
from tests.sound.common import ROOM, until

__all__ = ["twilio"]
ANNA, GUEST, FROM, MAIN = "+13125550002", "+13125550021", "+13125550100", "1568109700606592442"
NAMES = ["Room 7/8", "a/b/c", "50%", "50%2F", "a/Participants", "Büro/Küche", "a?b#c", "x.json", "a//b"]
LABELS = ["host.json", "host.json.json", "host", ".json"]


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/v2/texml/a%2Fb/c", ["", "v2", "texml", "a/b", "c"]),
        ("/v2/texml/a%252Fb", ["", "v2", "texml", "a%2Fb"]),
        ("/v2/texml/50%25%2f", ["", "v2", "texml", "50%/"]),
        ("/2010-04-01/Accounts/x/Conferences/a/b/Participants.json", ["a/b", "Participants.json"]),
        ("/2010-04-01/Accounts/x/Conferences/a/b/Participants/c.json", ["a/b", "Participants", "c.json"]),
    ],
)
def test_a_path_is_decoded_segment_by_segment(raw: str, decoded: list[str]) -> None:
    found = path_info(raw).encode("latin-1").decode().split("/")
    assert [Segment.to_python(None, one) for one in found][-len(decoded) :] == decoded  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_a_conference_is_found_by_any_name(house: House, client: Client, twilio: Any, name: str) -> None:
    target = house.switch.register(GUEST, Answers(0.2, sounds=900))
    dialled = client.conferences.participants.participants(
        name, account_sid=ACCOUNT, to=GUEST, from_=FROM, application_sid=MAIN, label="guest"
    )
    target.wait_called(10)

    def connected() -> bool:
        return [one.status for one in client.participants(dialled.conference_sid)] == ["connected"]

    until(connected, 10, "the guest is in")
    assert client.conference(name).sid == dialled.conference_sid
    one = client.conferences.participants.retrieve("guest", account_sid=ACCOUNT, conference_sid=name)
    assert (one.call_sid, one.conference_sid) == (dialled.call_sid, dialled.conference_sid)
    if not {"?", "%"} & set(name) and not name.endswith("/Participants"):
        # Twilio's client sends a name as it is; these mean something else then.
        (listed,) = twilio.conferences(name).participants.list()
        assert listed.call_sid == dialled.call_sid


def test_a_label_may_end_in_json_and_both_spellings_of_a_call_sid_are_one(
    house: House, client: Client, twilio: Any
) -> None:
    for number, label in enumerate(LABELS):
        house.voice(house.joins(participantLabel=label, beep="false"))
        house.switch.call(ROOM, from_=f"+1312555000{number}").wait_answered(10)
    joined = [event for event in house.events(1 + len(LABELS), 15) if "join" in event["StatusCallbackEvent"]]
    sids = dict(zip(LABELS, (event["CallSid"] for event in joined), strict=True))
    conference = client.conference()
    for label, sid in sids.items():
        ours = client.conferences.participants.retrieve(
            label, account_sid=ACCOUNT, conference_sid=conference.sid
        )
        theirs = twilio.conferences(conference.sid).participants(label).fetch()
        assert (ours.call_sid, theirs.call_sid, theirs.label) == (sid, sid, label)
        assert canonical_call_sid(twilio_call_sid_of(sid)) == sid
        for spelling in (sid, twilio_call_sid_of(sid), twilio_call_sid_of(sid).upper()):
            one = twilio.conferences(conference.sid).participants(spelling)
            assert one.fetch().call_sid == twilio.calls(spelling).fetch().sid == sid
    coach = twilio.conferences(conference.sid).participants("host")
    coached = coach.update(coaching=True, call_sid_to_coach=twilio_call_sid_of(sids["host.json"]))
    assert coached.call_sid_to_coach == sids["host.json"]
    assert twilio.conferences(conference.sid).participants("host.json").delete()


def test_a_conference_whose_name_is_another_one_s_sid_takes_nothing_of_it(
    house: House, client: Client
) -> None:
    """A sid is one; a name that looks like one is found in lists alone."""
    sids = []
    for number in range(2):
        name = sids[0] if sids else "first"
        house.voice(house.joins(name, beep="false"))
        house.switch.call(ROOM, from_=f"+1312555000{number}").wait_answered(10)
        house.events(2 * number + 2)
        sids.append(client.conference(name).sid)
    assert sids[0] != sids[1]
    for sid, caller in zip(sids, ("+13125550000", "+13125550001"), strict=True):
        assert client.conferences.retrieve(sid, account_sid=ACCOUNT).sid == sid
        (one,) = client.participants(sid)
        called = client.calls.retrieve(one.call_sid, account_sid=ACCOUNT)
        assert called.from_ == caller
