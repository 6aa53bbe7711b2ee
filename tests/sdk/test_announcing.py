"""AnnounceUrl: `announcement-end` of what somebody heard to its end, else `announcement-fail`, once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gevent
import pytest
import telnyx

from tests.lab import sound
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sdk.test_participant_updates import ANNA, BERT, EVENTS, VOICES, Party, goes_quiet
from tests.sound.common import ROOM

HOLD, WAIT, ANNOUNCED = 700, 1100, 1300


def ends(house: House) -> list[str]:
    """How announcements ended, and who left, in order."""
    wanted = ("announcement-end", "announcement-fail", "participant-leave", "conference-end")
    delivered = [event["StatusCallbackEvent"] for event in house.events()]
    return [event for event in delivered if event in wanted]


def test_a_participant_on_hold_hears_its_announcement_and_then_its_music_again(
    house: House, client: Client
) -> None:
    """Symptom: announcement-end of what a participant on hold never heard. Cause: FreeSWITCH plays to a held
    member and sends it nothing of it. Fix: it is played on its own leg, over its music."""
    party = Party(house, client, ANNA, BERT)
    party.update(ANNA, hold=True, hold_url=house.application.tone(HOLD, 30.0))
    anna, bert = party.phones[ANNA], party.phones[BERT]
    anna.wait_hears(HOLD, 10)
    begun = time.monotonic()
    party.update(ANNA, announce_url=house.application.tone(ANNOUNCED, 2.0))
    heard = anna.wait_hears(ANNOUNCED, 10)
    party.delivered("announcement-end")
    assert time.monotonic() - heard > 1.5
    anna.wait_hears(HOLD, 10)
    goes_quiet(anna, ANNOUNCED)
    assert not bert.heard(ANNOUNCED, since=begun)
    assert not anna.hears_now(VOICES[BERT])
    party.update(ANNA, hold=False)
    anna.wait_hears(VOICES[BERT], 10)


def test_a_participant_on_hold_hears_an_announcement_to_all(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    party.update(ANNA, hold=True, hold_url=house.application.tone(HOLD, 30.0))
    party.phones[ANNA].wait_hears(HOLD, 10)
    sound = house.application.tone(ANNOUNCED, 2.0)
    client.conferences.update(party.sid, account_sid=ACCOUNT, announce_url=sound, announce_method="GET")
    for phone in party.phones.values():
        phone.wait_hears(ANNOUNCED, 10)
    party.delivered("announcement-end")


def test_a_voice_is_heard_on_hold_too(house: House, client: Client) -> None:
    party = Party(house, client, ANNA)
    party.update(ANNA, hold=True, hold_url=house.application.url("/silence"))
    house.application.document("/silence", "<Response><Pause length='60'/></Response>")
    goes_quiet(party.phones[ANNA], 425)
    document = house.application.document("/say", "<Response><Say>Your call is important.</Say></Response>")
    asked = time.monotonic()
    party.update(ANNA, announce_url=document)
    party.delivered("announcement-end")
    assert time.monotonic() - asked > 0.8


class Waiter:
    """A caller that waits, with music."""

    def __init__(self, house: House, client: Client, document: str) -> None:
        house.application.document("/wait", document)
        waits = {"startConferenceOnEnter": "false", "waitUrl": "/wait"}
        delivered = {"statusCallbackEvent": EVENTS, "beep": "false"}
        house.documents({ANNA: house.joins(**waits, **delivered), BERT: house.joins(**delivered)})
        self.phone: Any = house.switch.call(ROOM, from_=ANNA)
        self.phone.wait_hears(WAIT, 10)
        self.conference = client.conference(status="init")
        (one,) = client.participants(self.conference.sid)
        self._client, self._sid = client, one.call_sid

    def announce(self, url: str) -> None:
        self._client.conferences.participants.update(
            self._sid, account_sid=ACCOUNT, conference_sid=self.conference.sid, announce_url=url
        )


def test_another_engine_announces_what_a_document_says(house: House, client: Client, tmp_path: Path) -> None:
    """Its sound is made beside FreeSWITCH, whose own voice is not used."""
    said = tmp_path / "said.wav"
    sound.write_wav(said, sound.tone(ANNOUNCED, 2.0))
    house.stop()
    house.start(
        f"speech:\n  engine: command\n  default_voice: en\n  command: [cp, '{said}', '{{out}}', "
        "'--suffix={text_file}']\n"
    )
    party = Party(house, client, ANNA, BERT)
    document = house.application.document("/says", "<Response><Say>Good morning.</Say></Response>")
    client.conferences.update(party.sid, account_sid=ACCOUNT, announce_url=document)
    for caller, other in ((ANNA, BERT), (BERT, ANNA)):
        party.phones[caller].wait_hears(ANNOUNCED, 10)
        assert party.phones[caller].hears_now(VOICES[other]), "it is played into the mix, and speakers go on"
    party.delivered("announcement-end")


def reason(house: House) -> str:
    house.application.wait_for(
        lambda one: one.path == "/events" and one.fields["StatusCallbackEvent"] == "announcement-fail"
    )
    (failed,) = [one for one in house.events() if one["StatusCallbackEvent"] == "announcement-fail"]
    return failed["ReasonAnnouncementFailed"]


def test_a_waiting_participant_hears_the_announcement_and_then_its_document_again(
    house: House, client: Client
) -> None:
    music = house.application.tone(WAIT, 1.0)
    # The next playback of the document does not begin in the middle of the announcement.
    waiter = Waiter(
        house, client, f"<Response><Play>{music}</Play><Pause length='1'/><Play>{music}</Play></Response>"
    )
    waiter.phone.wait_stops_hearing(WAIT, 5)
    waiter.announce(house.application.tone(ANNOUNCED, 3.0))
    heard = waiter.phone.wait_hears(ANNOUNCED, 5)
    house.application.wait_for(
        lambda one: one.path == "/events" and one.fields["StatusCallbackEvent"] == "announcement-end", 1, 10
    )
    assert 2.5 < time.monotonic() - heard < 5
    assert not waiter.phone.heard(WAIT, since=heard + 0.2) or waiter.phone.hears_now(WAIT)
    waiter.phone.wait_hears(WAIT, 5)


def test_the_start_cuts_it_off_and_it_fails(house: House, client: Client) -> None:
    waiter = Waiter(house, client, f"<Response><Play>{house.application.tone(WAIT, 30.0)}</Play></Response>")
    waiter.announce(house.application.tone(ANNOUNCED, 10.0))
    waiter.phone.wait_hears(ANNOUNCED, 10)
    house.switch.call(ROOM, from_=BERT, sounds=VOICES[BERT])
    waiter.phone.wait_hears(VOICES[BERT], 10)
    assert reason(house) == "cut off by the start of the conference"
    waiter.phone.wait_stops_hearing(ANNOUNCED, 1)
    gevent.sleep(1.0)
    assert not waiter.phone.hears_now(ANNOUNCED)
    assert not waiter.phone.hears_now(WAIT)


@pytest.mark.parametrize("begins_on_hold", [True, False])
def test_a_hold_or_its_end_in_the_middle_cuts_it_off(
    house: House, client: Client, begins_on_hold: bool
) -> None:
    party = Party(house, client, ANNA, BERT)
    music = house.application.tone(HOLD, 30.0)
    if begins_on_hold:
        party.update(ANNA, hold=True, hold_url=music)
        party.phones[ANNA].wait_hears(HOLD, 10)
    party.update(ANNA, announce_url=house.application.tone(ANNOUNCED, 4.0))
    party.phones[ANNA].wait_hears(ANNOUNCED, 10)
    party.update(ANNA, hold=not begins_on_hold, hold_url=music)
    party.phones[ANNA].wait_hears(VOICES[BERT] if begins_on_hold else HOLD, 10)
    assert reason(house) == "cut off by a hold, or by its end"


def test_it_fails_when_its_participant_leaves_before_the_leave(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    party.update(ANNA, announce_url=house.application.tone(ANNOUNCED, 5.0))
    party.phones[ANNA].wait_hears(ANNOUNCED, 10)
    party.phones[ANNA].hang_up()
    party.delivered("participant-leave")
    assert reason(house) == "left before it ended"
    assert ends(house) == ["announcement-fail", "participant-leave"]
    gevent.sleep(5.0)
    assert ends(house) == ["announcement-fail", "participant-leave"]


def test_it_fails_when_the_conference_ends_before_the_end(house: House, client: Client) -> None:
    party = Party(house, client, ANNA)
    sound = house.application.tone(ANNOUNCED, 5.0)
    client.conferences.update(party.sid, account_sid=ACCOUNT, announce_url=sound, announce_method="GET")
    party.phones[ANNA].wait_hears(ANNOUNCED, 10)
    party.phones[ANNA].hang_up()
    party.delivered("conference-end")
    assert reason(house) == "the conference ended before it did"
    assert ends(house) == ["participant-leave", "announcement-fail", "conference-end"]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("<Response/>", "there is nothing to be heard in it"),
        ("<Response><Pause/></Response>", "there is nothing to be heard in it"),
        ("<Response><Play>/no</Play></Response>", "404"),
        ("<Response><Redirect/></Response>", "more than 10 documents"),
        ("<Response>", "line 1"),
    ],
)
def test_an_announcement_with_nothing_to_hear_fails(
    house: House, client: Client, document: str, why: str
) -> None:
    party = Party(house, client, ANNA)
    party.update(ANNA, announce_url=house.application.document("/announce", document))
    assert why in reason(house)


def test_nothing_is_announced_to_an_empty_conference(house: House, client: Client) -> None:
    party = Party(house, client, ANNA)
    party.phones[ANNA].hang_up()
    party.delivered("conference-end")
    with pytest.raises((telnyx.UnprocessableEntityError, telnyx.NotFoundError)):
        client.conferences.update(
            party.sid, account_sid=ACCOUNT, announce_url=house.application.tone(ANNOUNCED, 1.0)
        )


def test_two_are_heard_one_after_the_other(house: House, client: Client) -> None:
    party = Party(house, client, ANNA)
    begun = time.monotonic()
    for hz in (ANNOUNCED, WAIT):
        party.update(ANNA, announce_url=house.application.tone(hz, 1.5))
    party.delivered("announcement-end", 2)
    assert time.monotonic() - begun > 2.8
    anna = party.phones[ANNA]
    assert anna.heard(ANNOUNCED, since=begun)
    assert anna.heard(WAIT, since=begun)


def test_a_restart_cuts_it_off_and_it_fails(house: House, client: Client) -> None:
    party = Party(house, client, ANNA)
    party.update(ANNA, announce_url=house.application.tone(ANNOUNCED, 3.0))
    party.phones[ANNA].wait_hears(ANNOUNCED, 10)
    house.stop()
    gevent.sleep(0.5)
    house.start()
    assert reason(house) == "cut off by a restart"
    assert ends(house) == ["announcement-fail"]


def test_audio_that_cannot_be_had_has_a_second_address(house: House, client: Client) -> None:
    house.application.route("/page", "<html><title>Sign in</title></html>")
    good = house.application.tone(ANNOUNCED, 1.0)
    document = house.application.document(
        "/say", f"<Response><Play failoverUrl='{good}'>/page</Play></Response>"
    )
    party = Party(house, client, ANNA)
    party.update(ANNA, announce_url=document)
    party.phones[ANNA].wait_hears(ANNOUNCED, 5)
    party.delivered("announcement-end")
    assert any("an HTML page, not audio (status 200): Sign in" in line for line in house.log.lines)
