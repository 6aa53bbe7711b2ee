"""waitUrl: "an XML document with instructions that will be executed while the call is waiting for the
conference to start", with keys that lead out of the waiting room, and what it is asked for with."""

from __future__ import annotations

import itertools
import time

import gevent
import pytest

from orchestrator.calls.stored_call import CALL, DOCUMENT
from orchestrator.store.batch import Batch
from tests.lab.phone import Phone
from tests.lab.softphones import Answers
from tests.lab.web import Answer
from tests.scenarios.conftest import House

NUMBER, CALLEE = "+13125550100", "+13125550021"
FIRST, MODERATOR = "+13125550001", "+13125550003"
MUSIC, MENU, AFTER, TALK, ACTION = 700, 900, 1500, 1100, 1900
SPEECH = "Please press a key if you do not want to wait any more. " * 10


def waits(house: House, document: str, *, after: str = "", action: str = "", **attributes: str) -> None:
    """The first caller waits with this document, and what comes `after` its Dial; the moderator starts."""
    house.application.document("/wait", document)
    attributes = {"startConferenceOnEnter": "false", "waitUrl": "/wait", "beep": "false"} | attributes
    joins = house.joins(after=after, **attributes)
    house.documents(
        {
            FIRST: joins.replace("<Dial>", f'<Dial action="{action}">') if action else joins,
            MODERATOR: house.joins(beep="false"),
        }
    )


def menu(house: House, then: str = "/then", hz: float = MENU, **attributes: str) -> str:
    attributes = {"numDigits": "1", "timeout": "60", "action": then} | attributes
    text = "".join(f' {name}="{value}"' for name, value in attributes.items())
    tone = house.application.tone(hz, 5.0)
    return f"<Response><Gather{text}><Play loop='0'>{tone}</Play></Gather></Response>"


def waiting(house: House) -> Phone:
    phone: Phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(MENU)
    return phone


def tone(house: House, hz: float, seconds: float = 3.0) -> str:
    return f"<Play>{house.application.tone(hz, seconds)}</Play>"


def names(house: House, count: int) -> list[tuple[str, str]]:
    return [(event, caller) for _, event, caller in house.delivered(count)]


# The request


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_request_names_the_conference_and_says_that_the_call_is_answered(
    house: House, method: str
) -> None:
    """Symptom: CallStatus=ringing of a caller that hears music, and no conference. Cause: the document was
    asked for while the answer was on its way. Fix: after it."""
    waits(house, "<Response><Pause length='60'/></Response>", waitMethod=method)
    house.switch.call(NUMBER, from_=FIRST)
    (join,) = house.events(1)
    (request,) = house.application.wait_for("/wait")
    (voice,) = house.application.to("/voice")
    assert request.method == method
    assert request.fields == voice.fields | {
        "CallStatus": "in-progress",
        "ConferenceSid": join["ConferenceSid"],
        "FriendlyName": "Room 1234",
    }


# Keys


def test_keys_lead_to_another_document_that_is_run_while_the_call_goes_on_waiting(house: House) -> None:
    waits(house, menu(house))
    house.application.document("/then", f"<Response>{tone(house, MUSIC)}</Response>")
    phone = waiting(house)
    phone.press("5")
    phone.wait_hears(MUSIC)
    (request,) = house.application.to("/then")
    assert request.fields["Digits"] == "5"
    assert request.fields["FriendlyName"] == "Room 1234"
    # When it is through, the caller waits on with the waitUrl.
    house.application.wait_for("/wait", 2, 8)
    phone.wait_hears(MENU)
    house.switch.call(NUMBER, from_=MODERATOR, sounds=TALK)
    phone.wait_hears(TALK)


def test_keys_are_answered_at_once(house: House) -> None:
    """A document that leads on by itself is asked for once a second at most; one that keys lead to is not."""
    waits(house, menu(house))
    house.application.document("/then", menu(house, "/then", AFTER))
    phone = waiting(house)
    phone.press("1")
    house.application.wait_for("/then")
    took = []
    for number in range(2, 6):
        phone.wait_hears(AFTER)
        time.sleep(0.2)
        pressed = time.monotonic()
        phone.press("2")
        took.append(house.application.wait_for("/then", number)[-1].at - pressed)
    # A busy machine makes some of them later.
    assert min(took) < 0.6


# Out of the waiting room

LEFT = [("participant-join", FIRST), ("participant-leave", FIRST), ("conference-end", FIRST)]


def test_leave_goes_on_behind_the_dial(house: House) -> None:
    waits(house, menu(house), after=tone(house, AFTER))
    house.application.document("/then", f"<Response><Leave/>{tone(house, MUSIC)}</Response>")
    phone = waiting(house)
    phone.press("1")
    phone.wait_hears(AFTER)
    assert not phone.hears_now(MUSIC)
    assert names(house, 3) == LEFT
    phone.wait_ended(8)


def test_leave_asks_the_dial_s_action(house: House) -> None:
    waits(house, "<Response><Pause length='1'/><Leave/></Response>", action="/action")
    house.application.document("/action", f"<Response>{tone(house, ACTION)}</Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(ACTION)
    (request,) = house.application.to("/action")
    assert request.fields["DialCallStatus"] == "answered"
    assert "ConferenceSid" not in request.fields
    assert names(house, 3) == LEFT
    phone.hang_up()


def test_hangup_ends_the_call(house: House) -> None:
    waits(house, menu(house), action="/action", after=tone(house, AFTER))
    house.application.document("/then", "<Response><Hangup/></Response>")
    phone = waiting(house)
    phone.press("1")
    phone.wait_ended()
    assert names(house, 3) == LEFT
    leave = house.events()[1]
    assert leave["ParticipantCallStatus"] == "completed"
    assert house.application.to("/action") == []


def test_dial_leaves_the_waiting_room_and_connects(house: House) -> None:
    house.switch.register(CALLEE, Answers(sounds=TALK))
    waits(house, menu(house), action="/action", after=tone(house, AFTER))
    house.application.document(
        "/then",
        f"<Response>{tone(house, MUSIC, 0.5)}<Dial timeLimit='2'>{CALLEE}</Dial>"
        f"{tone(house, ACTION)}</Response>",
    )
    phone = waiting(house)
    phone.press("1")
    phone.wait_hears(TALK)
    assert names(house, 3) == LEFT
    phone.wait_hears(ACTION, 8)
    assert house.application.to("/action") == [], "its Dial did not end, it was left"
    phone.hang_up()


def test_dial_leads_into_another_conference(house: House) -> None:
    waits(house, menu(house))
    house.application.document("/then", house.joins("Another", beep="false"))
    phone = waiting(house)
    phone.press("1")
    delivered = [(event["FriendlyName"], event["StatusCallbackEvent"]) for event in house.events(5)]
    # Two conferences do not wait for each other's callbacks.
    assert sorted(delivered, key=lambda one: one[0]) == [
        ("Another", "conference-start"),
        ("Another", "participant-join"),
        *(("Room 1234", event) for event, _ in LEFT),
    ]
    phone.hang_up()
    house.delivered(7)


def test_record_leaves_the_waiting_room(house: House) -> None:
    waits(house, menu(house))
    house.application.document("/then", "<Response><Record maxLength='1' action='/recorded'/></Response>")
    house.application.document("/recorded", "<Response><Hangup/></Response>")
    phone = waiting(house)
    phone.sounds(500)
    phone.press("1")
    assert names(house, 3) == LEFT
    (request,) = house.application.wait_for("/recorded", 1, 8)
    assert request.fields["RecordingSid"]
    phone.wait_ended()


def test_leave_is_for_those_who_wait(house: House) -> None:
    house.voice(f"<Response><Leave/>{tone(house, AFTER)}</Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(AFTER)
    assert house.log.has("only for a document that runs while the caller waits", "Leave")
    phone.hang_up()


# The start


@pytest.mark.parametrize(
    "document",
    [
        "<Response><Gather timeout='60' action='/then'><Say>{speech}</Say></Gather></Response>",
        "<Response><Gather timeout='60' action='/then'><Play loop='0'>{tone}</Play></Gather></Response>",
        "<Response><Gather timeout='60' action='/then'/></Response>",
        "<Response><Gather timeout='60' action='/then'><Pause length='60'/></Gather></Response>",
        "<Response><Pause length='60'/></Response>",
        "<Response><Redirect>/hangs</Redirect></Response>",
    ],
    ids=["Gather and Say", "Gather and Play", "Gather", "Gather and Pause", "Pause", "Redirect that hangs"],
)
def test_the_running_verb_stops_when_the_conference_starts(house: House, document: str) -> None:
    from tests.lab.web import Answer

    house.application.route("/hangs", Answer(hangs=True))
    music = house.application.tone(MENU, 5.0)
    waits(house, document.format(speech=SPEECH, tone=music))
    phone = house.switch.call(NUMBER, from_=FIRST)
    house.application.wait_for("/wait")
    phone.press("1")
    gevent.sleep(1.0)
    moderator = house.switch.call(NUMBER, from_=MODERATOR, sounds=TALK)
    phone.wait_hears(TALK, 2)
    gevent.sleep(1.0)
    assert not phone.hears_now(MENU)
    phone.press("23#")
    gevent.sleep(1.0)
    assert house.application.to("/then") == [], "keys pressed in the conference are no keys of the wait's"
    assert len(house.application.to("/wait")) == 1
    assert [event for event, _ in names(house, 3)] == [
        "participant-join",
        "conference-start",
        "participant-join",
    ]
    moderator.hang_up()
    phone.hang_up()


# Failures


def test_a_sound_that_fails_takes_no_menu_away(house: House) -> None:
    """Symptom: with one missing sound the keys of a queue's menu were lost for good. Cause: the document gave
    way to our music for ever. Fix: only a round in which nothing was heard is filled with our music, once."""
    waits(
        house,
        "<Response><Gather numDigits='1' timeout='60' action='/then'><Play>/no</Play></Gather></Response>",
    )
    house.application.document("/then", f"<Response>{tone(house, MUSIC)}</Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    house.application.wait_for("/no")
    gevent.sleep(1.0)
    assert house.log.has("nothing played")
    phone.press("1")
    phone.wait_hears(MUSIC)
    phone.hang_up()


def test_an_action_that_fails_becomes_the_default_music(house: House) -> None:
    waits(house, menu(house, "/gone"))
    phone = waiting(house)
    phone.press("1")
    house.application.wait_for("/gone")
    phone.wait_stops_hearing(MENU)
    gevent.sleep(0.5)
    assert house.log.has("waitUrl failed", "/wait", "404")
    assert house.application.to("/fallback") == []
    phone.hang_up()


# A restart


def test_cookies_of_the_call_and_of_its_wait_are_the_same(house: House) -> None:
    def setting(document: str, cookie: str) -> Answer:
        headers = {"Content-Type": "application/xml", "Set-Cookie": f"{cookie}; Path=/"}
        return Answer(document, headers=headers)

    joins = house.joins(startConferenceOnEnter="false", waitUrl="/wait", beep="false")
    joins = joins.replace("<Dial>", '<Dial action="/after">')
    house.application.route("/voice", setting(joins, "call=1"))
    house.application.route("/wait", setting(menu(house), "wait=2"))
    house.application.document("/then", "<Response><Leave/></Response>")
    house.application.document("/after", "<Response><Hangup/></Response>")
    phone = waiting(house)
    phone.press("1")
    phone.wait_ended(10)
    asked = {path: house.application.to(path)[0].headers.get("cookie", "") for path in ("/wait", "/after")}
    assert asked["/wait"] == "call=1"
    assert sorted(asked["/after"].split("; ")) == ["call=1", "wait=2"]


def test_keys_that_lead_nowhere_ask_for_the_document_once_a_second_at_most(house: House) -> None:
    waits(house, menu(house, numDigits="3", minDigits="3"))
    phone = waiting(house)
    for _again in range(3):
        phone.press("#")
        gevent.sleep(0.4)
    phone.hang_up()
    asked = [request.at for request in house.application.to("/wait")]
    assert len(asked) >= 2
    assert all(later - before > 0.9 for before, later in itertools.pairwise(asked))


def restart(house: House) -> None:
    house.stop()
    gevent.sleep(1.0)
    house.start()


def test_keys_pressed_before_a_restart_count_while_the_call_waits(house: House) -> None:
    """Symptom: after a restart a caller in the middle of a menu heard it from the beginning, and what it had
    pressed was lost. Cause: only the call's own document had its place on disk. Fix: so has the wait's."""
    waits(house, menu(house, numDigits="4"))
    house.application.document("/then", "<Response><Leave/></Response>")
    phone = waiting(house)
    phone.press("12")
    gevent.sleep(1.0)
    restart(house)
    assert phone.state == "answered"
    phone.press("34")
    (request,) = house.application.wait_for("/then", 1)
    assert request.fields["Digits"] == "1234"
    assert request.fields["FriendlyName"] == "Room 1234"
    phone.wait_ended()
    assert names(house, 3) == LEFT
    assert len(house.application.to("/wait")) == 1


def test_a_caller_that_left_for_another_document_is_not_back_in_the_waiting_room_after_a_restart(
    house: House,
) -> None:
    house.switch.register(CALLEE, Answers(sounds=TALK))
    waits(house, f"<Response><Pause length='1'/><Dial>{CALLEE}</Dial>{tone(house, AFTER, 30)}</Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(TALK)
    restart(house)
    phone.wait_hears(TALK)
    assert names(house, 3) == LEFT
    phone.hang_up()
    gevent.sleep(1.0)
    assert len(house.events()) == 3


@pytest.mark.only("emulator")
@pytest.mark.parametrize("verb", ["Dial", "Record"])
def test_the_leave_and_the_new_position_are_on_disk_together(
    house: House, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a process that ends between the two would bring the caller back, or lose it."""
    house.switch.register(CALLEE, Answers(sounds=TALK))
    leads_out = {"Dial": f"<Dial>{CALLEE}</Dial>", "Record": "<Record/>"}[verb]
    waits(house, f"<Response><Pause length='1'/>{leads_out}</Response>")
    assert house.orchestrator is not None
    store = house.orchestrator.node.write_buffer._store
    write, commits = store.write, list[tuple[set[str], set[str]]]()

    def noted(batch: Batch) -> None:
        kept = {kind for (kind, _), value in batch.state.items() if value is not None}
        commits.append(({one.event for one in batch.messages}, kept))
        write(batch)

    monkeypatch.setattr(store, "write", noted)
    phone = house.switch.call(NUMBER, from_=FIRST)
    assert names(house, 3) == LEFT
    (kinds,) = [kinds for events, kinds in commits if "participant-leave" in events]
    assert {CALL, DOCUMENT} <= kinds
    phone.hang_up()
