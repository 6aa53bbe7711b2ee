"""The main path: calls to a number meet in a room, and their application gets the callbacks."""

from __future__ import annotations

import gevent

from tests.scenarios.conftest import House

MODERATOR, FIRST, SECOND, THIRD = "+13125550001", "+13125550002", "+13125550003", "+13125550004"


def test_a_lone_caller_starts_a_room_and_ends_it(house: House) -> None:
    house.voice(house.joins())
    phone = house.switch.call("+13125550100", from_=MODERATOR)
    phone.wait_answered(5)
    house.delivered(2)
    phone.hang_up()
    assert house.delivered(4) == [
        ("0", "conference-start", MODERATOR),
        ("1", "participant-join", MODERATOR),
        ("2", "participant-leave", MODERATOR),
        ("3", "conference-end", MODERATOR),
    ]


def test_two_callers_hear_each_other(house: House) -> None:
    house.voice(house.joins())
    one = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    two = house.switch.call("+13125550100", from_=SECOND, sounds=900)
    one.wait_hears(900, 5)
    two.wait_hears(500, 5)
    assert not one.hears_now(500)
    one.hang_up()
    two.hang_up()
    assert [event for _, event, _ in house.delivered(6)][-1] == "conference-end"


def test_a_moderated_room(house: House) -> None:
    """Two wait with music, one of them muted; the moderator starts and ends it; the others go on."""
    goodbye = house.application.tone(1500, 1.0)
    after = f"<Play>{goodbye}</Play>"
    wait = house.application.tone(700, 3.0)
    waiting = {"startConferenceOnEnter": "false", "waitUrl": wait, "waitMethod": "GET"}
    house.documents(
        {
            FIRST: house.joins(after=after, **waiting),
            SECOND: house.joins(after=after, muted="true", **waiting),
            MODERATOR: house.joins(endConferenceOnExit="true"),
        }
    )
    first = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    house.delivered(1)
    second = house.switch.call("+13125550100", from_=SECOND, sounds=900)
    first.wait_hears(700)
    second.wait_hears(700)
    assert house.delivered(2) == [("0", "participant-join", FIRST), ("1", "participant-join", SECOND)]

    moderator = house.switch.call("+13125550100", from_=MODERATOR, sounds=1100)
    first.wait_hears(1100)
    second.wait_hears(1100)
    first.wait_stops_hearing(700, 1)
    second.wait_hears(500)
    moderator.wait_hears(500)
    assert not moderator.hears_now(900), "a muted participant is heard"

    moderator.hang_up()
    first.wait_hears(1500)
    second.wait_hears(1500)
    first.wait_ended(5)
    second.wait_ended(5)
    delivered = house.delivered(8)
    assert delivered[:5] == [
        ("0", "participant-join", FIRST),
        ("1", "participant-join", SECOND),
        ("2", "conference-start", MODERATOR),
        ("3", "participant-join", MODERATOR),
        ("4", "participant-leave", MODERATOR),
    ]
    assert {one[1:] for one in delivered[5:7]} == {
        ("participant-leave", FIRST),
        ("participant-leave", SECOND),
    }
    assert delivered[7] == ("7", "conference-end", MODERATOR)
    assert [sequence for sequence, _, _ in delivered] == [str(number) for number in range(8)]
    assert house.events()[-1]["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"


def test_a_full_room_lets_nobody_in_and_the_document_goes_on(house: House) -> None:
    sorry = house.application.tone(1500, 1.0)
    house.documents(
        {
            FIRST: house.joins(maxParticipants="2"),
            SECOND: house.joins(maxParticipants="2"),
            THIRD: house.joins(maxParticipants="9", after=f"<Play>{sorry}</Play>"),
        }
    )
    first = house.switch.call("+13125550100", from_=FIRST)
    house.delivered(2)
    second = house.switch.call("+13125550100", from_=SECOND)
    house.delivered(3)
    third = house.switch.call("+13125550100", from_=THIRD)
    third.wait_hears(1500)
    third.wait_ended(5)
    first.hang_up()
    second.hang_up()
    delivered = house.delivered(6)
    assert THIRD not in {caller for _, _, caller in delivered}
    assert [event for _, event, _ in delivered] == [
        "conference-start",
        "participant-join",
        "participant-join",
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]


def test_dials_action_hears_that_a_conference_was_answered(house: House) -> None:
    house.application.document("/voice", _dial(house, "Room", "/after"))
    house.application.document("/after", "<Response><Hangup/></Response>")
    house.documents(
        {
            MODERATOR: house.joins("Room", endConferenceOnExit="true"),
            FIRST: _dial(house, "Room", "/after"),
        }
    )
    first = house.switch.call("+13125550100", from_=FIRST)
    house.delivered(2)
    moderator = house.switch.call("+13125550100", from_=MODERATOR)
    house.delivered(3)
    moderator.hang_up()
    (request,) = house.application.wait_for("/after")
    fields = request.fields
    assert (fields["DialCallStatus"], fields["DialBridged"]) == ("answered", "true")
    assert "DialCallSid" not in fields
    assert "DialCallDuration" not in fields
    first.wait_ended(5)


def test_dials_action_hears_that_a_full_room_failed(house: House) -> None:
    house.application.document("/after", "<Response><Hangup/></Response>")
    house.documents(
        {
            FIRST: house.joins(maxParticipants="2"),
            SECOND: house.joins(),
            THIRD: _dial(house, "Room 1234", "/after"),
        }
    )
    first = house.switch.call("+13125550100", from_=FIRST)
    house.delivered(2)
    second = house.switch.call("+13125550100", from_=SECOND)
    house.delivered(3)
    third = house.switch.call("+13125550100", from_=THIRD)
    (request,) = house.application.wait_for("/after")
    assert (request.fields["DialCallStatus"], request.fields["DialBridged"]) == ("failed", "false")
    third.wait_ended(5)
    first.hang_up()
    second.hang_up()


def _dial(house: House, room: str, action: str) -> str:
    joins = house.joins(room)
    return joins.replace("<Dial>", f'<Dial action="{action}">')


def test_rooms_of_two_accounts_never_meet(house: House) -> None:
    house.voice(house.joins("Same name"))
    house.application.document("/other", house.joins("Same name"))
    one = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    two = house.switch.call("+441234567", from_=SECOND, sounds=900)
    one.wait_answered(5)
    two.wait_answered(5)
    events = house.events(4)
    assert len({event["ConferenceSid"] for event in events}) == 2
    assert len({event["AccountSid"] for event in events}) == 2
    assert not one.hears_now(900)
    assert not two.hears_now(500)
    one.hang_up()
    two.hang_up()
    house.delivered(8)


def test_a_caller_who_hangs_up_while_waiting_leaves(house: House) -> None:
    house.voice(house.joins(startConferenceOnEnter="false"))
    phone = house.switch.call("+13125550100", from_=FIRST)
    house.delivered(1)
    phone.hang_up()
    assert [event for _, event, _ in house.delivered(3)] == [
        "participant-join",
        "participant-leave",
        "conference-end",
    ]


def test_a_name_is_trimmed_and_its_case_kept(house: House) -> None:
    house.documents({FIRST: house.joins("\n   My Room\n "), SECOND: house.joins("my room")})
    one = house.switch.call("+13125550100", from_=FIRST)
    two = house.switch.call("+13125550100", from_=SECOND)
    assert {event["FriendlyName"] for event in house.events(4)} == {"My Room", "my room"}
    one.hang_up()
    two.hang_up()
    house.delivered(8)


def test_the_time_limit_ends_one_participants_stay(house: House) -> None:
    after = house.application.tone(1500, 1.0)
    limited = house.joins(after=f"<Play>{after}</Play>").replace("<Dial>", '<Dial timeLimit="1">')
    house.documents({FIRST: limited, SECOND: house.joins()})
    second = house.switch.call("+13125550100", from_=SECOND)
    house.delivered(2)
    first = house.switch.call("+13125550100", from_=FIRST)
    first.wait_hears(1500)
    first.wait_ended(5)
    assert house.delivered(4)[3][1:] == ("participant-leave", FIRST)
    second.hang_up()
    house.delivered(6)


def test_every_documented_field_is_reported(house: House) -> None:
    house.voice(house.joins(participantLabel="the boss"))
    phone = house.switch.call("+13125550100", from_=FIRST)
    join = house.events(2)[1]
    assert join["AccountSid"] == "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
    assert join["CallSid"] == join["CallSidLegacy"] != ""
    assert join["ConnectionId"] == "1568109700606592442"
    assert join["FriendlyName"] == "Room 1234"
    assert join["From"] == FIRST
    assert join["To"] == "+13125550100"
    assert join["CallingPartyType"] == "pstn"
    assert join["ParticipantLabel"] == "the boss"
    assert join["FromSipUri"].startswith(FIRST + "@")
    assert len(join["ConferenceSid"]) == 36
    assert join["Timestamp"].endswith("Z")
    phone.hang_up()
    house.delivered(4)


def test_a_speaker_is_reported(house: House) -> None:
    house.voice(house.joins(statusCallbackEvent="speaker"))
    phone = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    started = house.delivered(1, 10)[0]
    assert started == ("0", "participant-speech-start", FIRST)
    phone.sounds(None)
    assert house.delivered(2, 15)[1] == ("1", "participant-speech-stop", FIRST)
    phone.hang_up()


def test_twilios_rule_waits_for_the_second(house: House) -> None:
    house.stop()
    house.start("conference:\n  min_participants_to_start: 2\n")
    house.voice(house.joins())
    one = house.switch.call("+13125550100", from_=FIRST)
    assert house.delivered(1) == [("0", "participant-join", FIRST)]
    two = house.switch.call("+13125550100", from_=SECOND)
    assert [event for _, event, _ in house.delivered(3)] == [
        "participant-join",
        "conference-start",
        "participant-join",
    ]
    one.hang_up()
    two.hang_up()
    house.delivered(6)


def test_the_action_hears_of_a_hangup_where_the_setting_says_so(house: House) -> None:
    """Symptom: nothing came. Cause: nobody looked at conference.action_after_hangup. Fix: it is asked."""
    house.stop()
    house.start("conference:\n  action_after_hangup: true\n")
    house.voice(_dial(house, "Room 1234", "/after"))
    house.application.document("/after", "<Response><Redirect>/never</Redirect></Response>")
    phone = house.switch.call("+13125550100", from_=FIRST)
    house.delivered(2)
    phone.hang_up()
    (request,) = house.application.wait_for("/after")
    assert (request.fields["DialCallStatus"], request.fields["CallStatus"]) == ("answered", "completed")
    house.delivered(4)
    assert not house.application.to("/never")


def test_the_action_hears_of_no_hangup_unless_set(house: House) -> None:
    house.voice(_dial(house, "Room 1234", "/after"))
    phone = house.switch.call("+13125550100", from_=FIRST)
    house.delivered(2)
    phone.hang_up()
    house.delivered(4)
    house.application.wait_for("/status")
    assert not house.application.to("/after")


def test_star_leaves_the_room_where_the_setting_says_so(house: House) -> None:
    """hangupOnStar: at Telnyx not for conferences, at Twilio it is."""
    house.stop()
    house.start("conference:\n  hangup_on_star: true\n")
    after = house.application.tone(1500, 1.0)
    starred = house.joins(after=f"<Play>{after}</Play>").replace("<Dial>", '<Dial hangupOnStar="true">')
    house.documents({FIRST: starred, SECOND: house.joins()})
    first = house.switch.call("+13125550100", from_=FIRST)
    second = house.switch.call("+13125550100", from_=SECOND)
    house.delivered(3)
    # Nobody presses a key before it has heard that it is in.
    for phone in (first, second):
        phone.wait_answered()
    gevent.sleep(0.2)
    second.press("*")
    first.press("*")
    first.wait_hears(1500)
    first.wait_ended(5)
    assert house.delivered(4)[3][1:] == ("participant-leave", FIRST)
    second.hang_up()
    house.delivered(6)


def test_star_is_just_a_key_unless_set(house: House) -> None:
    house.voice(house.joins().replace("<Dial>", '<Dial hangupOnStar="true">'))
    phone = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    house.delivered(2)
    phone.press("*")
    other = house.switch.call("+13125550100", from_=SECOND)
    other.wait_hears(500)
    assert len(house.delivered(3)) == 3
    phone.hang_up()
    other.hang_up()
    house.delivered(6)


def test_events_separated_by_commas_are_reported_and_a_room_recorded_with_true_is(house: House) -> None:
    """Symptom: no callback at all, and no recording. Cause: only spaces parted a list, and `record` had no
    `true`. Fix: values.py."""
    recorded = {
        "record": "True",
        "recordingStatusCallback": house.application.url("/events"),
        "recordingStatusCallbackEvent": "in-progress,completed",
    }
    house.voice(house.joins(statusCallbackEvent="Start,END;\n join, leave", **recorded))
    phone = house.switch.call("+13125550100", from_=MODERATOR, sounds=500)
    phone.wait_answered(5)
    house.events(3)
    phone.hang_up()
    events = house.events(6)
    names = [event.get("StatusCallbackEvent") or event["RecordingStatus"] for event in events]
    assert sorted(names) == [
        "completed",
        "conference-end",
        "conference-start",
        "in-progress",
        "participant-join",
        "participant-leave",
    ]
