"""A call's timeline says what happened to it, in order."""

from __future__ import annotations

from tests.scenarios.conftest import House
from tests.timeline.reading import entries_of, entries_of_conference, kinds, sentences, wait_for

NUMBER, CALLER = "+13125550100", "+13125550001"


def test_a_conference_call_from_its_arrival_to_its_hangup(house: House) -> None:
    house.voice(house.joins(startConferenceOnEnter="true"))
    phone = house.switch.call(NUMBER, from_=CALLER)
    joined = wait_for(house, "conference.join")
    phone.hang_up()
    wait_for(house, "call.hangup")
    wait_for(house, "callback.attempt", event="conference-end")
    entries = entries_of(house, joined.call_sid)
    order = kinds(entries)
    for before, after in (
        ("call.arrived", "document.request"),
        ("document.request", "document.answer"),
        ("document.answer", "verb.begin"),
        ("verb.begin", "conference.join"),
        ("conference.join", "conference.leave"),
        ("conference.leave", "verb.end"),
        ("conference.join", "callback.attempt"),
    ):
        assert order.index(before) < order.index(after), order
    timeline = sentences(entries)
    assert f"Call from {CALLER} to {NUMBER} from 127.0.0.1 (network phones): application main." in timeline
    assert "Dial of conference Room 1234 begins (line 1)." in timeline
    assert "Joined conference Room 1234" in timeline
    assert "Left conference Room 1234 as +13125550001: hung up" in timeline
    assert "The caller hung up after 0 s: NORMAL_CLEARING" in timeline
    assert {entry.at for entry in entries} != {0}
    conference = kinds(entries_of_conference(house, joined.conference_sid))
    assert "conference.start" in conference
    assert "conference.end" in conference


def test_its_document_is_kept_as_it_was_answered(house: House) -> None:
    house.voice(
        '<Response><Say>Hello</Say><Play bogus="1">http://user:pw@127.0.0.1:1/x.wav</Play></Response>'
    )
    house.switch.call(NUMBER, from_=CALLER)
    answer = wait_for(house, "document.answer")
    assert answer.body.startswith(b"<Response><Say>Hello</Say>")
    assert b"user" not in answer.body
    assert b"pw" not in answer.body
    assert answer.facts["status"] == 200
    warning = wait_for(house, "document.warning")
    assert warning.facts["line"] == 1
    assert "bogus" in str(warning.facts["problem"])
