"""Requests that cannot be done now are refused with a code of their own; the parameter at fault is named."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.clock import now
from orchestrator.conference.machine.events import End
from orchestrator.rejection import ServiceError
from orchestrator.verbs.announcements import Announcement
from tests.lab.softphones import NeverAnswers
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sdk.test_dialling import FROM, GUEST, MAIN, status_of
from tests.sdk.test_participant_updates import ANNA, BERT, VOICES
from tests.sound.common import ROOM, until

pytestmark = pytest.mark.rather("emulator")
NOBODY = "v3:nobody"
SOUND = "http://127.0.0.1:9/sound.wav"


def refusal(client: Client, method: str, path: str, **form: str) -> tuple[str, str]:
    """The code, and the parameter that is named."""
    answer = client.ask(method, path, data=form)
    assert answer.status_code == 422, answer.text
    assert answer.headers["x-should-retry"] == "false"
    (error,) = answer.json()["errors"]
    assert error["title"]
    assert error["detail"].endswith(".")
    return error["code"], error.get("source", {}).get("pointer", "")


def dialled(client: Client, to: str = "Room 1234", **form: str) -> Any:
    """A guest that is dialled into the conference, and never answers."""
    form = {"To": GUEST, "From": FROM, "ApplicationSid": MAIN} | form
    answer = client.ask("POST", f"/Conferences/{to}/Participants", data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def entered(house: House, **attributes: str) -> tuple[Any, str, str]:
    """Anna, her call and her conference."""
    house.voice(house.joins(beep="false", **attributes))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=VOICES[ANNA])
    joined = house.events(2, 10)[1]
    return phone, joined["CallSid"], joined["ConferenceSid"]


def test_while_a_guest_is_dialled(house: House, client: Client) -> None:
    house.switch.register(GUEST, NeverAnswers())
    _, anna, sid = entered(house)
    guest = dialled(client, sid, Label="guest")["call_sid"]
    room = f"/Conferences/{sid}"
    assert refusal(client, "POST", f"{room}/Participants/guest", Muted="true") == ("90034", "")
    for coached in (NOBODY, anna):
        form = {"Coaching": "true", "CallSidToCoach": coached}
        found = refusal(client, "POST", f"{room}/Participants/{anna}", **form)
        assert found == ("13240", "/CallSidToCoach"), coached
    guests = {"To": GUEST, "From": FROM, "ApplicationSid": MAIN}
    again = f"{room}/Participants"
    assert refusal(client, "POST", again, **guests, Label="guest") == ("16025", "/Label")
    coach = guests | {"Coaching": "true", "CallSidToCoach": NOBODY}
    assert refusal(client, "POST", again, **coach) == ("13240", "/CallSidToCoach")
    empty = "/Conferences/Nobody%20is%20here/Participants"
    assert refusal(client, "POST", empty, **coach) == ("13240", "/CallSidToCoach")
    assert refusal(client, "DELETE", f"/Calls/{anna}") == ("90034", "")
    for supervised, code in ((NOBODY, "90015"), (guest, "90034")):
        form = guests | {"SuperviseCallSid": supervised, "SupervisingRole": "monitor"}
        assert refusal(client, "POST", "/Calls", **form) == (code, "/SuperviseCallSid")


def test_with_nobody_but_a_guest_who_is_dialled(house: House, client: Client) -> None:
    house.switch.register(GUEST, NeverAnswers())
    sid = dialled(client)["conference_sid"]
    assert refusal(client, "POST", f"/Conferences/{sid}", AnnounceUrl=SOUND) == ("90033", "/AnnounceUrl")


def test_with_as_many_as_there_may_be(house: House, client: Client) -> None:
    _, _, sid = entered(house, maxParticipants="2")
    house.switch.call(ROOM, from_=BERT, sounds=VOICES[BERT])
    house.delivered(3, 10)
    form = {"To": GUEST, "From": FROM, "ApplicationSid": MAIN}
    assert refusal(client, "POST", f"/Conferences/{sid}/Participants", **form) == ("90032", "")


def test_after_the_end(house: House, client: Client) -> None:
    phone, anna, sid = entered(house)
    phone.hang_up()
    house.delivered(4)
    until(lambda: status_of(client, anna) == "completed", 10, "it is over")
    form = {"To": GUEST, "From": FROM, "ApplicationSid": MAIN}
    assert refusal(client, "POST", f"/Conferences/{sid}", AnnounceUrl=SOUND) == ("90019", "")
    assert refusal(client, "POST", f"/Conferences/{sid}/Participants", **form) == ("90019", "")
    assert refusal(client, "POST", f"/Calls/{anna}", Status="completed") == ("90018", "")
    assert refusal(client, "POST", f"/Calls/{anna}/Recordings.json") == ("90018", "")
    supervised = form | {"SuperviseCallSid": anna, "SupervisingRole": "monitor"}
    assert refusal(client, "POST", "/Calls", **supervised) == ("90018", "/SuperviseCallSid")


def test_while_it_ends(house: House, client: Client) -> None:
    """It has been ended, and its participants have not left yet."""
    phone, _, sid = entered(house)
    assert house.orchestrator is not None
    node = house.orchestrator.node
    conferences = house.orchestrator.services.conferences
    node.rooms.dispatch(sid, End(now()))
    assert node.rooms.get(sid) is not None
    with pytest.raises(ServiceError) as found:
        conferences.announce(ACCOUNT, sid, Announcement(SOUND, "GET"))
    assert found.value.code == "90019"
    with pytest.raises(ServiceError) as found:
        conferences._dialled_to(ACCOUNT, sid)
    assert found.value.code == "90019"
    assert conferences.participants(ACCOUNT, sid) == []
    phone.wait_ended(10)


def test_of_a_recording_that_goes_on_or_has_ended(house: House, client: Client) -> None:
    phone, anna, _ = entered(house)
    recording = client.ask("POST", f"/Calls/{anna}/Recordings.json").json()["sid"]
    assert refusal(client, "DELETE", f"/Recordings/{recording}.json") == ("90062", "")
    change = f"/Calls/{anna}/Recordings/{recording}.json"
    assert client.ask("POST", change, data={"Status": "stopped"}).status_code == 200
    for status in ("paused", "in-progress"):
        assert refusal(client, "POST", change, Status=status) == ("90018", "")
    phone.hang_up()
