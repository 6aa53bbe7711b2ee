"""FreeSWITCH cannot be reached, or says nothing, or says nonsense: events of that time are reported once."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest

from tests.recovery.wire import Wire
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.sdk.conftest import Client
from tests.sound.common import until

FIRST, SECOND, THIRD = "+13125550002", "+13125550003", "+13125550004"
LISTING = b'[{\n\t\t"conference_name"'


@pytest.fixture
def wire(house: House) -> Iterator[Wire]:
    """In front of the switch of a house that is connected through it."""
    wire = Wire(house.switch.host, house.switch.port)
    port = wire.start()
    house.stop()
    house.start(port=port)
    yield wire
    house.stop()
    wire.stop()


def two_inside(house: House) -> tuple[object, object]:
    house.voice(house.joins())
    phones = tuple(house.switch.call(NUMBER, from_=caller) for caller in (FIRST, SECOND))
    house.delivered(3)
    return phones[0], phones[1]


def test_a_switch_that_is_out_of_reach_keeps_its_rooms(house: House, wire: Wire) -> None:
    first, second = two_inside(house)
    wire.cut(stays=True)
    gevent.sleep(0.5)
    first.hang_up()
    first.wait_ended(5)
    gevent.sleep(1.5)
    assert len(house.delivered()) == 3
    wire.mend()
    assert [delivered[1:] for delivered in house.delivered(4, 15)[3:]] == [("participant-leave", FIRST)]
    second.hang_up()
    assert [event for _, event, _ in house.delivered(6)[4:]] == ["participant-leave", "conference-end"]


def test_a_socket_that_is_open_at_one_end_only_is_noticed(house: House, wire: Wire) -> None:
    first, second = two_inside(house)
    wire.swallow()
    first.hang_up()
    house.delivered(4, 40)
    third = house.switch.call(NUMBER, from_=THIRD)
    house.delivered(5, 15)
    for phone in (second, third):
        phone.hang_up()
    assert [number for number, _, _ in house.delivered(8)] == [str(number) for number in range(8)]


@pytest.mark.parametrize("document", ["<Play>{tone}</Play>", "<Hangup/>"], ids=["goes on", "ends"])
def test_instructions_that_come_while_the_switch_is_out_of_reach_wait_for_it(
    house: House, wire: Wire, document: str
) -> None:
    # Symptom: a call was hung up whose next verb began while there was no event socket, and one whose
    # document ended meanwhile lived on for ever.
    # Cause: only a socket that ended inside a verb was waited for. Fix: what finds none waits as well.
    tone = house.application.tone(900, 2.0)
    house.application.document("/next", f"<Response>{document.format(tone=tone)}</Response>", delay=1.5)
    house.voice(
        "<Response><Redirect>/next</Redirect></Response>".replace("<Redirect", '<Pause length="1"/><Redirect')
    )
    phone = house.switch.call(NUMBER, from_=FIRST)
    house.application.wait_for("/next", 1, 10)
    wire.cut(stays=True)
    gevent.sleep(2.5)
    assert phone.state != "ended"
    wire.mend()
    if "Play" in document:
        phone.wait_hears(900, 10)
    phone.wait_ended(15)


@pytest.mark.parametrize("what", ["dropped", "conference ended"])
def test_a_hangup_ordered_while_the_switch_is_out_of_reach_is_done_later(
    house: House, wire: Wire, what: str
) -> None:
    house.voice(house.joins(after=f"<Play>{house.application.tone(1500, 5.0)}</Play>"))
    phones = [house.switch.call(NUMBER, from_=caller) for caller in (FIRST, SECOND)]
    joined = next(event for event in house.events(3, 10) if event.get("From") == FIRST)
    wire.cut(stays=True)
    gevent.sleep(0.5)
    client = Client(house, ACCOUNT, API_KEY)
    path = f"/Conferences/{joined['ConferenceSid']}"
    if what == "dropped":
        assert client.ask("DELETE", f"{path}/Participants/{joined['CallSid']}").status_code == 204
    else:
        assert client.ask("POST", path, data={"Status": "completed"}).status_code == 200
    wire.mend()
    phones[0].wait_ended(20)
    if what == "dropped":
        assert phones[1].state == "answered"
        phones[1].hang_up()
    phones[1].wait_ended(10)
    for phone in phones:
        assert phone.heard(1500) == []
    assert house.delivered(6, 10)[5][1] == "conference-end"


@pytest.mark.only("freeswitch")
def test_a_switch_that_answers_nothing_for_a_while_loses_no_call(house: House) -> None:
    tone = house.application.tone(900, 1.0)
    house.application.document("/keyed", f"<Response><Play>{tone}</Play></Response>")
    house.documents(
        {
            FIRST: f'<Response><Play loop="30">{tone}</Play></Response>',
            SECOND: house.joins(),
            THIRD: '<Response><Gather timeout="60" numDigits="1" action="/keyed"/></Response>',
        }
    )
    plays, joined, keys = (house.switch.call(NUMBER, from_=caller) for caller in (FIRST, SECOND, THIRD))
    house.delivered(2)
    house.switch.freeze()
    gevent.sleep(4)
    house.switch.thaw()
    keys.press("1")
    # Its media stays as late as it was frozen for.
    keys.wait_hears(900, 20)
    plays.wait_hears(900, 5)
    for phone in (plays, joined):
        phone.hang_up()
    house.delivered(4, 15)


def test_no_room_is_dead_because_a_listing_failed(house: House, wire: Wire) -> None:
    house.log.allows("cannot see what FreeSWITCH has")
    first, second = two_inside(house)
    wire.spoil(LISTING, LISTING.replace(b"[{", b"{{"), 2)
    wire.cut()
    while wire.spoils:
        gevent.sleep(0.1)
    third = house.switch.call(NUMBER, from_=THIRD)
    assert house.delivered(4, 15)[3][1:] == ("participant-join", THIRD)
    for phone in (first, second, third):
        phone.hang_up()
    assert [event for _, event, _ in house.delivered(8)[4:]] == [*["participant-leave"] * 3, "conference-end"]


def lose_events(house: House, last: str) -> None:
    """FreeSWITCH's events never arrive, until it has sent `last` and a little more."""
    dispatcher = house.orchestrator.node.dispatcher
    dispatcher.hold()
    until(lambda: any(event.name == last for event in dispatcher._held or ()), 15, last)
    gevent.sleep(0.3)
    dispatcher._held = None


def test_members_that_left_unheard_are_found_by_the_audit(house: House) -> None:
    house.stop()
    house.start(node="reconcile_secs: 1")
    first, second = two_inside(house)
    losing = gevent.spawn(lose_events, house, "CHANNEL_DESTROY")
    gevent.sleep(0.2)
    first.hang_up()
    losing.join()
    assert house.delivered(4, 20)[3][1:] == ("participant-leave", FIRST)
    assert house.orchestrator.node.reconciler.corrections.leaves == 1
    second.hang_up()
    house.delivered(6)


def test_a_leg_that_nobody_steers_is_found_by_the_audit(house: House) -> None:
    house.stop()
    house.start(node="reconcile_secs: 1")
    house.voice(house.joins())
    losing = gevent.spawn(lose_events, house, "CHANNEL_PARK")
    gevent.sleep(0.2)
    phone = house.switch.call(NUMBER, from_=FIRST)
    losing.join()
    phone.wait_answered(20)
    house.delivered(2, 10)
    assert house.orchestrator.node.reconciler.corrections.calls == 1
    phone.hang_up()
    house.delivered(4)


def test_a_member_that_is_muted_by_somebody_else_is_heard_again(house: House) -> None:
    """An operator at the console, or an order that got lost."""
    house.stop()
    house.start(node="reconcile_secs: 1")
    first, second = two_inside(house)
    (room,) = house.orchestrator.node.rooms
    (member,) = (one.member_id for one in room.participants.values() if one.caller.from_ == FIRST)
    first.sounds(500)
    second.wait_hears(500, 20)
    house.orchestrator.node.connection.api(f"conference {room.sid} mute {member}")
    # The periodic check waits for 3 s before it believes what it sees.
    gevent.sleep(1)
    assert not second.hears_now(500)
    second.wait_hears(500, 20)
    assert house.orchestrator.node.reconciler.corrections.members == 1
    for phone in (first, second):
        phone.hang_up()
    house.delivered(6)


def test_a_switch_that_does_not_come_back_has_lost_its_rooms(house: House, wire: Wire) -> None:
    house.log.allows("FreeSWITCH is gone")
    house.stop()
    house.start(port=wire.port, node="lost_after_secs: 1")
    first, second = two_inside(house)
    wire.cut(stays=True)
    assert [event for _, event, _ in house.delivered(6, 15)[3:]] == [
        *["participant-leave"] * 2,
        "conference-end",
    ]
    wire.mend()
    # It was there all the time: nobody is left in a room that is over.
    for phone in (first, second):
        phone.wait_ended(15)
    assert len(house.delivered()) == 6


def test_an_audit_disturbs_nobody_who_is_in_step(house: House) -> None:
    """Symptom: music that stopped at its next turn. Cause: the check took what played for something found,
    of which no end would come. Fix: only after a lost socket is anything found."""
    house.stop()
    house.start(node="reconcile_secs: 1")
    music = house.application.tone(700, 1.0)
    waiting = house.joins("Waiting", startConferenceOnEnter="false", waitUrl=music, waitMethod="GET")
    house.documents({FIRST: waiting, SECOND: house.joins("Inside"), THIRD: house.joins("Inside")})
    first = house.switch.call(NUMBER, from_=FIRST)
    others = [house.switch.call(NUMBER, from_=caller) for caller in (SECOND, THIRD)]
    house.delivered(4)
    losing = gevent.spawn(lose_events, house, "CHANNEL_DESTROY")
    gevent.sleep(0.2)
    others[0].hang_up()
    losing.join()
    house.delivered(5, 20)
    # Three turns of the music later.
    gevent.sleep(3)
    first.wait_hears(700, 3)
    for phone in (first, others[1]):
        phone.hang_up()
    house.delivered(9)


def test_a_socket_that_is_lost_while_it_is_compared_is_waited_for(house: House, wire: Wire) -> None:
    """Symptom: after FreeSWITCH had stood still for 44 s, each call began its verb anew ten times a second,
    and nothing else had a turn. Cause: the socket was lost between the comparison and its end, which then
    said that all was well. Fix: only a comparison whose socket is still there says so."""
    house.voice(f"<Response><Play loop='0'>{house.application.tone(700, 1.0)}</Play></Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(700)
    wire.cut_at(b"api sofia status")
    wire.cut()
    gevent.sleep(4.0)
    lost = [line for line in house.log.lines if "lost FreeSWITCH" in line]
    assert len(lost) == 1, lost
    wire.mend()
    phone.hang_up()
    phone.wait_ended(5)
    until(
        lambda: house.orchestrator is not None and not house.orchestrator.node.calls._running, 15, "its end"
    )
