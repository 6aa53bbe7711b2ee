"""`EarlyMedia`: those in a conference hear how the phone rings that the API dials into it.

"Whether to allow an agent to hear the state of the outbound call, including ringing or disconnect messages.
Can be: true or false and defaults to true." (twilio.com/docs/voice/api/conference-participant-resource)
"Whether participant shall be bridged to conference before the participant answers (from early media if
available). Defaults to false." (Telnyx, Dial a new conference participant)
"""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from twilio.rest import Client as Twilio

from tests.lab.phone import Behaviour
from tests.lab.softphones import Answers, NeverAnswers, Rejects
from tests.scenarios.conftest import ACCOUNT, API_KEY, House
from tests.sdk.conftest import Client
from tests.sdk.test_dialling import ANNA, ANNAS, FROM, GUEST, invited, status_of
from tests.sdk.test_twilio import Here
from tests.sound.common import ENTER, ROOM

BERT, BERTS, GUESTS = "+13125550003", 650, 1050
TONE = 440
"""Of the ringing tone, beside 480 Hz."""
SINGS = {"sounds": GUESTS, "early": True}
SOON = (Answers(1.5, sounds=GUESTS), Answers(1.5, **SINGS))
LATE = (Answers(4.0, sounds=GUESTS), Answers(4.0, **SINGS))


@pytest.fixture
def anna(house: House, client: Client) -> Any:
    """Alone in the conference."""
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    house.delivered(2, 10)
    return anna


def test_a_phone_that_rings_is_heard_as_a_tone_until_it_answers(
    house: House, client: Client, anna: Any
) -> None:
    target = house.switch.register(GUEST, Answers(2.5, sounds=GUESTS))
    guest = invited(client, client.conference().sid, early_media=True, beep="true")
    anna.wait_hears(TONE, 5)
    anna.wait_hears(480, 1)
    assert guest.status == "connecting"
    assert len(house.delivered()) == 2, "reported before the answer"
    assert not anna.heard(ENTER), "a beep before the answer"
    phone = target.wait_called(5)
    phone.wait_answered(5)
    anna.wait_hears(GUESTS, 5)
    anna.wait_stops_hearing(TONE, 5)
    phone.wait_hears(ANNAS, 5)
    anna.wait_hears(ENTER, 2, since=phone.times["answered"])
    assert [event for _, event, _ in house.delivered(3, 5)] == [
        "conference-start",
        "participant-join",
        "participant-join",
    ]
    gevent.sleep(2.5)
    assert not anna.hears_now(TONE), "it rings on"


def test_early_media_of_the_callee_is_heard_and_it_hears_nobody(
    house: House, client: Client, anna: Any
) -> None:
    target = house.switch.register(GUEST, Answers(2.5, **SINGS))
    guest = invited(client, client.conference().sid, early_media=True, beep="true", label="guest")
    phone = target.wait_called(5)
    anna.wait_hears(GUESTS, 5)
    assert phone.state == "ringing"
    gevent.sleep(0.7)
    assert not phone.hears_now(ANNAS), "it hears the conference before it has answered"
    assert not anna.hears_now(TONE), "a tone besides its own sound"
    assert len(house.delivered()) == 2, "reported before the answer"
    assert (status_of(client, guest.call_sid), guest.status) == ("ringing", "connecting")
    assert {one.status for one in client.participants(guest.conference_sid)} == {"connected", "connecting"}
    phone.wait_answered(5)
    phone.wait_hears(ANNAS, 5)
    assert anna.hears_now(GUESTS), "cut off by its answer"
    assert house.delivered(3, 5)[2][1] == "participant-join"
    assert house.events()[2]["CallSid"] == guest.call_sid
    anna.wait_hears(ENTER, 2, since=phone.times["answered"])
    gaps = [
        later.start - earlier.end
        for earlier, later in zip(anna.heard(GUESTS)[:-1], anna.heard(GUESTS)[1:], strict=True)
    ]
    assert all(gap < 0.2 for gap in gaps), gaps
    client.conferences.participants.update(
        "guest", account_sid=ACCOUNT, conference_sid=guest.conference_sid, muted=True
    )
    anna.wait_stops_hearing(GUESTS, 5)
    client.conferences.participants.delete("guest", account_sid=ACCOUNT, conference_sid=guest.conference_sid)
    phone.wait_ended(5)
    assert [event for _, event, _ in house.delivered(4, 5)][3:] == ["participant-leave"]
    assert status_of(client, guest.call_sid) == "completed"


@pytest.mark.parametrize(
    "behaviour", [Answers(1.5, sounds=GUESTS), Answers(1.5, **SINGS)], ids=["180", "183"]
)
@pytest.mark.parametrize("more", [{"early_media": False}, {}], ids=["false", "left out at Telnyx's address"])
def test_without_early_media_nothing_is_heard_before_the_answer(
    house: House, client: Client, anna: Any, behaviour: Behaviour, more: dict[str, bool]
) -> None:
    target = house.switch.register(GUEST, behaviour)
    invited(client, client.conference().sid, **more)
    phone = target.wait_called(5)
    phone.wait_answered(5)
    anna.wait_hears(GUESTS, 5)
    assert not anna.heard(TONE)
    assert anna.heard(GUESTS)[0].start > phone.times["answered"] - 0.1


@pytest.mark.parametrize(
    ("behaviour", "hz", "status"),
    [
        (Rejects(486, 1.5), TONE, "busy"),
        (Rejects(486, 1.5, **SINGS), GUESTS, "busy"),
        (NeverAnswers(), TONE, "no-answer"),
        (NeverAnswers(**SINGS), GUESTS, "no-answer"),
    ],
    ids=["busy after 180", "busy after 183", "no answer after 180", "no answer after 183"],
)
def test_a_callee_that_does_not_answer_was_heard_to_ring_and_is_not_reported(
    house: House, client: Client, anna: Any, behaviour: Behaviour, hz: int, status: str
) -> None:
    house.application.takes_callbacks("/status-of-guest")
    house.switch.register(GUEST, behaviour)
    guest = invited(
        client,
        client.conference().sid,
        early_media=True,
        beep="true",
        timeout_seconds=5,
        status_callback=house.application.url("/status-of-guest"),
        status_callback_event="ringing completed",
    )
    anna.wait_hears(hz, 5)
    delivered = house.application.wait_for("/status-of-guest", 2, 15)
    assert [one.fields["CallStatus"] for one in delivered] == ["ringing", status]
    assert status_of(client, guest.call_sid) == status
    anna.wait_stops_hearing(hz, 5)
    assert len(client.participants(guest.conference_sid)) == 1
    assert len(house.delivered()) == 2, "a callback about somebody who never was in"
    assert not anna.heard(ENTER)


def test_a_caller_that_joins_while_it_rings_hears_it_too_and_a_waiting_one_does_not(
    house: House, client: Client
) -> None:
    music = house.application.tone(700, 3.0)
    waits = house.joins(beep="false", startConferenceOnEnter="false", waitUrl=music, waitMethod="GET")
    house.documents({ANNA: waits, BERT: house.joins(beep="false")})
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    anna.wait_hears(700, 10)
    target = house.switch.register(GUEST, NeverAnswers(**SINGS))
    guest = invited(client, "Room 1234", early_media=True)
    phone = target.wait_called(5)
    gevent.sleep(0.5)
    assert anna.hears_now(700)
    assert not anna.hears_now(GUESTS)
    bert = house.switch.call(ROOM, from_=BERT, sounds=BERTS)
    bert.wait_hears(GUESTS, 5)
    anna.wait_hears(GUESTS, 5)
    assert phone.state == "ringing"
    client.calls.update(guest.call_sid, account_sid=ACCOUNT, status="completed")
    phone.wait_ended(5)
    anna.wait_stops_hearing(GUESTS, 5)
    assert {event for _, event, _ in house.delivered()} == {"conference-start", "participant-join"}


@pytest.mark.parametrize(
    "behaviour", [Answers(4.0, sounds=GUESTS), Answers(4.0, **SINGS)], ids=["180", "183"]
)
def test_a_phone_that_rings_over_a_restart_is_heard_before_and_after_and_joins(
    house: House, client: Client, anna: Any, behaviour: Answers
) -> None:
    hz = GUESTS if behaviour.early else TONE
    target = house.switch.register(GUEST, behaviour)
    guest = invited(client, client.conference().sid, early_media=True, label="guest")
    phone = target.wait_called(5)
    anna.wait_hears(hz, 5)
    house.stop()
    house.start()
    assert phone.state == "ringing"
    anna.wait_hears(hz, 5)
    phone.wait_answered(10)
    phone.wait_hears(ANNAS, 10)
    anna.wait_hears(GUESTS, 5)
    anna.wait_stops_hearing(TONE, 5)
    assert [event for _, event, _ in house.delivered(3, 5)][2:] == ["participant-join"]
    client.conferences.participants.delete("guest", account_sid=ACCOUNT, conference_sid=guest.conference_sid)
    phone.wait_ended(5)
    assert [event for _, event, _ in house.delivered(4, 5)][3:] == ["participant-leave"]


@pytest.mark.parametrize(
    "behaviour", [Answers(1.5, sounds=GUESTS), Answers(1.5, **SINGS)], ids=["180", "183"]
)
def test_a_phone_that_answers_while_nobody_listens_joins_after_the_restart(
    house: House, client: Client, anna: Any, behaviour: Answers
) -> None:
    target = house.switch.register(GUEST, behaviour)
    invited(client, client.conference().sid, early_media=True)
    phone = target.wait_called(5)
    anna.wait_hears(GUESTS if behaviour.early else TONE, 5)
    house.stop()
    phone.wait_answered(5)
    house.start()
    phone.wait_hears(ANNAS, 10)
    anna.wait_hears(GUESTS, 5)
    anna.wait_stops_hearing(TONE, 5)
    assert [event for _, event, _ in house.delivered(3, 5)][2:] == ["participant-join"]


@pytest.mark.parametrize("options", [{"muted": True}, "coach"], ids=["muted", "a coach"])
def test_a_participant_that_not_everybody_may_hear_rings_as_a_tone(
    house: House, client: Client, anna: Any, options: dict[str, object] | str
) -> None:
    if options == "coach":
        options = {"coaching": True, "call_sid_to_coach": house.events()[0]["CallSid"]}
    assert isinstance(options, dict)
    target = house.switch.register(GUEST, Answers(1.5, **SINGS))
    invited(client, client.conference().sid, early_media=True, **options)
    phone = target.wait_called(5)
    anna.wait_hears(TONE, 5)
    assert not anna.heard(GUESTS)
    phone.wait_answered(5)
    phone.wait_hears(ANNAS, 5)
    anna.wait_stops_hearing(TONE, 5)
    if "coaching" in options:
        anna.wait_hears(GUESTS, 5)
    else:
        gevent.sleep(0.5)
        assert not anna.heard(GUESTS)


def test_everybody_leaves_while_it_rings_and_it_gets_into_the_conference_it_was_dialled_for(
    house: House, client: Client, anna: Any
) -> None:
    target = house.switch.register(GUEST, Answers(3.0, **SINGS))
    guest = invited(client, client.conference().sid, early_media=True)
    anna.wait_hears(GUESTS, 5)
    anna.hang_up()
    anna.wait_ended(5)
    phone = target.wait_called(5)
    phone.wait_answered(5)
    assert [event for _, event, _ in house.delivered(4, 5)][2:] == ["participant-leave", "participant-join"]
    bert = house.switch.call(ROOM, from_=BERT, sounds=BERTS)
    bert.wait_hears(GUESTS, 5)
    phone.wait_hears(BERTS, 5)
    assert {event["ConferenceSid"] for event in house.events(5, 5)} == {guest.conference_sid}


def test_at_twilios_address_it_is_the_default_and_its_status_is_ringing(
    house: House, client: Client, anna: Any
) -> None:
    twilio = Twilio(ACCOUNT, API_KEY, http_client=Here(client.base))
    target = house.switch.register(GUEST, Answers(2.5, sounds=GUESTS))
    conference = twilio.conferences(client.conference().sid)
    guest = conference.participants.create(from_=FROM, to=GUEST, label="guest")
    anna.wait_hears(TONE, 5)
    assert conference.participants("guest").fetch().status == "ringing"
    assert twilio.calls(guest.call_sid).fetch().status == "ringing"
    phone = target.wait_called(5)
    phone.wait_answered(5)
    anna.wait_hears(GUESTS, 5)
    assert conference.participants("guest").fetch().status == "connected"
