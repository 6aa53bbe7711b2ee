"""Changes by the API, requested with Telnyx's own client, are heard by the phones."""

from __future__ import annotations

import time
from typing import Any

import gevent
import pytest
import telnyx

from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sound.common import ROOM, loudness_between, until

ANNA, BERT, CLEO = "+13125550002", "+13125550003", "+13125550004"
VOICES = {ANNA: 500, BERT: 900, CLEO: 1700}
EVENTS = "start end join leave mute hold modify announcement"
SILENCE = 0.5
QUIET_DB = -60.0


class Party:
    """Phones in a room, each speaking a tone of its own."""

    def __init__(
        self, house: House, client: Client, *callers: str, action: str = "", **attributes: str
    ) -> None:
        """`action`: of the Dial, where their documents would go on."""
        self.house, self.client = house, client
        document = house.joins(beep="false", statusCallbackEvent=EVENTS, **attributes)
        house.voice(document.replace("<Dial>", f'<Dial action="{action}">') if action else document)
        self.phones: dict[str, Any] = {}
        for caller in callers:
            phone = house.switch.call(ROOM, from_=caller, sounds=VOICES[caller])
            phone.wait_answered(10)
            self.phones[caller] = phone
            house.delivered(1 + len(self.phones), 10)
        self.sid = client.conference().sid
        self.sids = {event["From"]: event["CallSid"] for event in house.events()}
        for caller, phone in self.phones.items():
            for other in callers:
                if other != caller:
                    phone.wait_hears(VOICES[other], 10)

    def update(self, caller: str, **changes: Any) -> Any:
        return self.client.conferences.participants.update(
            self.sids[caller], account_sid=ACCOUNT, conference_sid=self.sid, **changes
        )

    def delivered(self, name: str, count: int = 1) -> dict[str, str]:
        found: list[dict[str, str]] = []

        def came() -> bool:
            found[:] = [e for e in self.house.events() if e["StatusCallbackEvent"] == name]
            return len(found) >= count

        until(came, 10, f"{count} {name}")
        return found[-1]


def goes_quiet(phone: Any, hz: float) -> None:
    """It hears it no more, and goes on not hearing it."""
    phone.wait_stops_hearing(hz, 10)
    gevent.sleep(SILENCE)
    assert not phone.hears_now(hz)


def test_a_muted_participant_is_heard_by_nobody_and_hears_all(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    assert party.update(ANNA, muted=True).muted is True
    goes_quiet(party.phones[BERT], VOICES[ANNA])
    party.phones[ANNA].wait_hears(VOICES[BERT], 10)
    assert party.delivered("participant-mute")["CallSid"] == party.sids[ANNA]
    assert party.update(ANNA, muted=False).muted is False
    party.phones[BERT].wait_hears(VOICES[ANNA], 10)
    assert party.delivered("participant-unmute")["Muted"] == "false"


def test_a_participant_on_hold_hears_its_music_alone_and_is_not_heard(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    music = house.application.tone(700, 2.0)
    assert party.update(ANNA, hold=True, hold_url=music).hold is True
    party.phones[ANNA].wait_hears(700, 10)
    goes_quiet(party.phones[ANNA], VOICES[BERT])
    goes_quiet(party.phones[BERT], VOICES[ANNA])
    assert party.delivered("participant-hold")["Hold"] == "true"
    other = house.application.document(
        "/hold", f"<Response><Play>{house.application.tone(1100, 1)}</Play></Response>"
    )
    party.update(ANNA, hold=True, hold_url=other, hold_method="POST")
    party.phones[ANNA].wait_hears(1100, 10)
    assert party.update(ANNA, hold=False).hold is False
    party.phones[ANNA].wait_hears(VOICES[BERT], 10)
    party.phones[BERT].wait_hears(VOICES[ANNA], 10)
    goes_quiet(party.phones[ANNA], 1100)
    party.delivered("participant-unhold")


def test_a_participant_put_on_hold_again_goes_on_hearing_its_own_music(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    party.update(ANNA, hold=True, hold_url=house.application.tone(700, 1.0))
    party.phones[ANNA].wait_hears(700, 10)
    assert party.update(ANNA, hold=True).hold is True
    gevent.sleep(2.5)
    until(lambda: party.phones[ANNA].hears_now(700), 3, "it hears its own music")


def test_a_hold_document_is_requested_with_its_conference_and_runs_the_allowed_verbs(
    house: House, client: Client
) -> None:
    party = Party(house, client, ANNA, BERT)
    music = f"<Play>{house.application.tone(700, 2.0)}</Play>"
    verbs = "<Gather action='/no'/><Hangup/><Leave/><Dial>+13125550021</Dial><Record/><Reject/>"
    url = house.application.document("/hold", f"<Response>{verbs}{music}</Response>")
    party.update(ANNA, hold=True, hold_url=url)
    party.phones[ANNA].wait_hears(700, 10)
    asked = house.application.to("/hold")[0]
    assert asked.method == "GET"
    assert (asked.fields["ConferenceSid"], asked.fields["FriendlyName"]) == (party.sid, "Room 1234")
    assert (asked.fields["CallSid"], asked.fields["CallStatus"]) == (party.sids[ANNA], "in-progress")
    for verb in ("Gather", "Hangup", "Leave", "Dial", "Record", "Reject"):
        assert house.log.has(f"{verb} in a document for HoldUrl, skipped: a participant on hold is in the")
    party.update(ANNA, hold=False)
    party.phones[ANNA].wait_hears(VOICES[BERT], 10)


def test_a_hold_before_the_start_is_heard_in_place_of_the_wait_and_goes_on_into_the_conference(
    house: House, client: Client
) -> None:
    wait, hold = house.application.tone(700, 2.0), house.application.tone(1100, 2.0)
    waits = house.joins(beep="false", startConferenceOnEnter="false", waitUrl=wait, waitMethod="GET")
    house.documents({ANNA: waits, BERT: house.joins(beep="false")})
    anna = house.switch.call(ROOM, from_=ANNA, sounds=VOICES[ANNA])
    anna.wait_hears(700, 10)
    conference = client.conference(status="init")
    (one,) = client.participants(conference.sid)

    def holds(on: bool) -> None:
        held = client.conferences.participants.update(
            one.call_sid, account_sid=ACCOUNT, conference_sid=conference.sid, hold=on, hold_url=hold
        )
        assert held.hold is on

    holds(True)
    anna.wait_hears(1100, 10)
    goes_quiet(anna, 700)
    holds(False)
    anna.wait_hears(700, 10)
    holds(True)
    anna.wait_hears(1100, 10)
    bert = house.switch.call(ROOM, from_=BERT, sounds=VOICES[BERT])
    house.delivered(3, 10)
    bert.wait_answered(10)
    gevent.sleep(1.0)
    anna.wait_hears(1100, 10)
    assert not anna.hears_now(VOICES[BERT])
    holds(False)
    anna.wait_hears(VOICES[BERT], 10)
    bert.wait_hears(VOICES[ANNA], 10)


def test_a_coach_stays_when_the_coached_one_has_left_and_is_heard_by_nobody(
    house: House, client: Client
) -> None:
    party = Party(house, client, ANNA, BERT, CLEO)
    party.update(ANNA, coaching=True, call_sid_to_coach=party.sids[BERT])
    goes_quiet(party.phones[CLEO], VOICES[ANNA])
    party.phones[BERT].hang_up()
    party.delivered("participant-leave")
    party.phones[ANNA].wait_hears(VOICES[CLEO], 10)
    goes_quiet(party.phones[CLEO], VOICES[ANNA])
    coach = client.conferences.participants.retrieve(
        party.sids[ANNA], account_sid=ACCOUNT, conference_sid=party.sid
    )
    assert (coach.coaching, coach.coaching_call_sid) == (True, party.sids[BERT])
    party.update(ANNA, coaching=False)
    party.phones[CLEO].wait_hears(VOICES[ANNA], 10)


def test_a_coach_is_heard_by_one_alone_then_by_another_then_by_all(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT, CLEO)
    coach = party.update(ANNA, coaching=True, call_sid_to_coach=party.sids[BERT])
    assert (coach.coaching, coach.coaching_call_sid) == (True, party.sids[BERT])
    goes_quiet(party.phones[CLEO], VOICES[ANNA])
    party.phones[BERT].wait_hears(VOICES[ANNA], 10)
    party.update(ANNA, coaching=True, call_sid_to_coach=party.sids[CLEO])
    party.phones[CLEO].wait_hears(VOICES[ANNA], 10)
    goes_quiet(party.phones[BERT], VOICES[ANNA])
    assert party.update(ANNA, coaching=False).coaching is False
    party.phones[BERT].wait_hears(VOICES[ANNA], 10)
    party.phones[CLEO].wait_hears(VOICES[ANNA], 10)
    party.delivered("participant-modify", 3)
    with pytest.raises(telnyx.UnprocessableEntityError):
        party.update(ANNA, coaching=True)
    with pytest.raises(telnyx.UnprocessableEntityError):
        party.update(ANNA, coaching=True, call_sid_to_coach="v3:nobody")


def test_an_announcement_to_one_is_heard_by_that_one_alone(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    sound = house.application.tone(1300, 2.0)
    document = house.application.document("/say", f"<Response><Pause/><Play>{sound}</Play></Response>")
    begun = time.monotonic()
    party.update(ANNA, announce_url=document)
    party.phones[ANNA].wait_hears(1300, 10)
    party.phones[ANNA].wait_hears(VOICES[BERT], 10)
    delivered = party.delivered("announcement-end")
    assert (delivered["CallSid"], delivered["AnnounceUrl"]) == (party.sids[ANNA], document)
    assert not party.phones[BERT].heard(1300, since=begun)
    (asked,) = house.application.to("/say")
    assert (asked.method, asked.fields["ConferenceSid"]) == ("POST", party.sid)
    party.update(ANNA, announce_url=house.application.url("/nowhere"))
    assert "404" in party.delivered("announcement-fail")["ReasonAnnouncementFailed"]


def test_an_announcement_to_the_conference_is_heard_by_all(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    sound = house.application.tone(1300, 2.0)
    client.conferences.update(party.sid, account_sid=ACCOUNT, announce_url=sound, announce_method="GET")
    for phone in party.phones.values():
        phone.wait_hears(1300, 10)
    party.delivered("announcement-end")


def test_a_participant_made_to_end_the_conference_ends_it_and_beeps_or_not(
    house: House, client: Client
) -> None:
    party = Party(house, client, ANNA, BERT, CLEO)
    assert party.update(BERT, end_conference_on_exit=True).end_conference_on_exit is True
    party.update(ANNA, beep_on_exit=True)
    since = time.monotonic()
    party.phones[ANNA].hang_up()
    party.phones[CLEO].wait_hears(440, 10, since=since)
    party.phones[BERT].hang_up()
    assert (
        party.delivered("conference-end")["ReasonConferenceEnded"]
        == "participant-with-end-conference-on-exit-left"
    )
    party.phones[CLEO].wait_ended(10)


def test_a_deleted_participant_is_hung_up_and_no_action_is_requested(house: House, client: Client) -> None:
    house.application.document("/after", "<Response><Pause length='1'/></Response>")
    party = Party(house, client, ANNA, BERT, action="/after")
    client.conferences.participants.delete(party.sids[ANNA], account_sid=ACCOUNT, conference_sid=party.sid)
    party.phones[ANNA].wait_ended(10)
    assert party.delivered("participant-leave")["ReasonParticipantLeft"] == "participant_updated_via_api"
    assert [one.call_sid for one in client.participants(party.sid)] == [party.sids[BERT]]
    with pytest.raises(telnyx.NotFoundError):
        party.update(ANNA, muted=True)
    assert len(house.application.to("/voice")) == 2
    assert not house.application.to("/after")


def test_a_conference_that_is_completed_hangs_up_everybody(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    ended = client.conferences.update(party.sid, account_sid=ACCOUNT, status="completed")
    assert ended.sid == party.sid
    for phone in party.phones.values():
        phone.wait_ended(10)
    assert party.delivered("conference-end")["ReasonConferenceEnded"] == "conference-ended-via-api"
    over = client.conference(status="completed")
    assert over.reason_conference_ended == "conference-ended-via-api"
    assert client.conferences.update(party.sid, account_sid=ACCOUNT, status="completed") == over


def test_a_waiting_participant_gets_other_music(house: House, client: Client) -> None:
    first, second = house.application.tone(700, 2.0), house.application.tone(1100, 2.0)
    house.voice(house.joins(startConferenceOnEnter="false", waitUrl=first, waitMethod="GET"))
    phone = house.switch.call(ROOM, from_=ANNA)
    phone.wait_hears(700, 10)
    conference = client.conference(status="init")
    (one,) = client.participants(conference.sid)
    # An audio file is asked for by POST, which is how WaitUrl is asked for.
    client.conferences.participants.update(
        one.call_sid, account_sid=ACCOUNT, conference_sid=conference.sid, wait_url=second
    )
    phone.wait_hears(1100, 10)
    goes_quiet(phone, 700)


# Calls


def test_a_call_in_a_conference_is_given_other_words_and_belongs_to_it_no_more(
    house: House, client: Client
) -> None:
    party = Party(house, client, ANNA, BERT)
    sound = house.application.tone(1300, 3.0)
    house.application.document("/other", f"<Response><Play>{sound}</Play></Response>")
    updated = client.calls.update(party.sids[ANNA], account_sid=ACCOUNT, url=house.application.url("/other"))
    assert updated.status == "in-progress"
    party.phones[ANNA].wait_hears(1300, 10)
    assert party.delivered("participant-leave")["ReasonParticipantLeft"] == "participant_updated_via_api"
    goes_quiet(party.phones[ANNA], VOICES[BERT])
    assert [one.call_sid for one in client.participants(party.sid)] == [party.sids[BERT]]
    (asked,) = house.application.to("/other")
    assert (asked.fields["CallSid"], asked.fields["CallStatus"]) == (party.sids[ANNA], "in-progress")
    party.phones[ANNA].wait_ended(10)


def test_a_call_is_given_a_document_and_then_another(house: House, client: Client) -> None:
    slow, fast = house.application.tone(700, 30.0), house.application.tone(1100, 30.0)
    house.voice(f"<Response><Play>{house.application.tone(500, 60.0)}</Play></Response>")
    phone = house.switch.call(ROOM, from_=ANNA)
    phone.wait_hears(500, 10)
    (call,) = client.calls.retrieve_calls(ACCOUNT).calls
    for sound, hz in ((slow, 700), (fast, 1100)):
        client.calls.update(call.sid, account_sid=ACCOUNT, texml=f"<Response><Play>{sound}</Play></Response>")
        phone.wait_hears(hz, 10)
    goes_quiet(phone, 700)
    with pytest.raises(telnyx.UnprocessableEntityError):
        client.calls.update(call.sid, account_sid=ACCOUNT, texml="<Response>")
    phone.wait_hears(1100, 10)
    assert client.calls.update(call.sid, account_sid=ACCOUNT, status="completed").sid == call.sid
    phone.wait_ended(10)
    until(lambda: client.calls.retrieve(call.sid, account_sid=ACCOUNT).status == "completed", 10)
    with pytest.raises(telnyx.UnprocessableEntityError):
        client.calls.update(call.sid, account_sid=ACCOUNT, status="completed")


def test_a_call_that_dials_somebody_is_taken_away_from_there(house: House, client: Client) -> None:
    sound = house.application.tone(1300, 3.0)
    house.voice(f"<Response><Dial action='/dialled' record='record-from-answer'>{BERT}</Dial></Response>")
    target = house.switch.register(BERT, Answers(0.3, sounds=VOICES[BERT]))
    caller = house.switch.call(ROOM, from_=ANNA, sounds=VOICES[ANNA])
    callee = target.wait_called()
    caller.wait_hears(VOICES[BERT], 10)
    found = client.calls.retrieve_calls(ACCOUNT).calls
    by_direction = {call.direction: call for call in found}
    client.calls.update(
        by_direction["inbound"].sid,
        account_sid=ACCOUNT,
        texml=f"<Response><Play>{sound}</Play></Response>",
    )
    caller.wait_hears(1300, 10)
    callee.wait_ended(10)
    caller.wait_ended(10)
    assert not house.application.to("/dialled")

    def recorded() -> bool:
        done = client.calls.recordings_json.retrieve_recordings_json(
            by_direction["inbound"].sid, account_sid=ACCOUNT
        )
        return [(one.source, one.status) for one in done.recordings] == [("DialVerb", "completed")]

    until(recorded, 10, "the recording is completed")


def test_the_end_of_a_call_is_reported_where_the_update_says(house: House, client: Client) -> None:
    party = Party(house, client, ANNA)
    house.application.takes_callbacks("/elsewhere")
    client.calls.update(
        party.sids[ANNA], account_sid=ACCOUNT, status_callback=house.application.url("/elsewhere")
    )
    party.phones[ANNA].hang_up()
    (delivered,) = house.application.wait_for("/elsewhere", 1, 10)
    assert delivered.fields["CallStatus"] == "completed"
    assert not house.application.to("/status")


def test_a_say_to_all_is_heard_by_all(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    words = "This conference is recorded. This conference is recorded."
    document = house.application.document("/say", f"<Response><Say>{words}</Say></Response>")
    for phone in party.phones.values():
        phone.sounds(None)
    for phone in party.phones.values():
        phone.wait_quiet(10)
    since = time.monotonic()
    client.conferences.update(party.sid, account_sid=ACCOUNT, announce_url=document)
    party.delivered("announcement-end")
    for phone in party.phones.values():
        assert loudness_between(phone, since, time.monotonic()) > QUIET_DB
