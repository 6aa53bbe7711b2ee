"""The page in a real browser, in front of a whole orchestrator."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests

from tests.console.browser import Place, Tab, expect
from tests.console.conftest import address, sign_in, start_room
from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.web.site import wait_until

pytestmark = pytest.mark.rather("emulator")
ALL = "start end join leave mute hold speaker announcement"
HOSTILE = '<img src=x onerror="document.title=1">'
PAGES = {
    "conferences": ".list-conferences tbody tr",
    "calls": ".list-calls tbody tr",
    "rejected": ".list-rejected tbody tr",
    "callbacks": ".list-callbacks tbody tr",
    "numbers": ".sheet-card",
    "?q=1312555": "#found li",
}
"""Each with what is to be seen there."""
PHONE = {"width": 375, "height": 812}


@pytest.fixture
def page(tab: Tab, house: House) -> Tab:
    sign_in(tab, house)
    return tab


def card(page: Tab, name: str = "Room 1234") -> Place:
    return page.get_by_role("article").filter(has_text=name)


def open_room(page: Tab, name: str = "Room 1234") -> None:
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, level=2)).to_be_focused()


def rows(page: Tab, table: str) -> Place:
    return page.get_by_role("table", name=table).locator("tbody tr")


def row(page: Tab, number: str) -> Place:
    return page.locator(".row").filter(has_text=number)


def caller(number: int) -> str:
    return f"+1312555010{number}"


# Getting in


def test_a_key_lets_one_in_until_one_signs_out(tab: Tab, house: House) -> None:
    tab.goto(address(house))
    key = tab.get_by_label("API key")
    expect(key).to_be_focused()
    key.fill("key-of-nobody")
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("alert").filter(has_text="No account has this API key.")).to_be_visible()
    key.fill(API_KEY)
    key.press("Enter")
    expect(tab.get_by_text("No conference is running")).to_be_visible()
    tab.reload()
    expect(tab.get_by_text("No conference is running")).to_be_visible()
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_label("API key")).to_be_visible()
    tab.reload()
    expect(tab.get_by_label("API key")).to_be_visible()


def test_without_any_key_the_page_says_that_there_is_no_way_in(tab: Tab, house: House) -> None:
    assert house.orchestrator is not None
    for account in house.orchestrator.settings.accounts:
        object.__setattr__(account, "api_keys", ())
    tab.goto(address(house))
    expect(tab.get_by_role("heading", name="No API key yet")).to_be_visible()
    expect(tab.get_by_label("API key")).to_be_hidden()


def test_a_session_that_ends_leads_to_the_door(page: Tab, house: House) -> None:
    assert house.orchestrator is not None
    console = house.orchestrator.console
    (watcher,) = console._stream._all()
    console._sessions._signed_out[watcher.session.id] = watcher.session.expires_at
    console._stream.end_sessions(console._sessions.is_good)
    expect(page.get_by_text("You have been signed out.")).to_be_visible()
    expect(page.locator("#dashboard")).to_be_hidden()


# The live picture


def test_a_caller_is_seen_at_once_as_it_waits_joins_speaks_and_leaves(page: Tab, house: House) -> None:
    waits = {"startConferenceOnEnter": "false", "participantLabel": "Ada"}
    house.documents(
        {
            caller(0): house.joins(statusCallbackEvent=ALL, **waits),
            caller(1): house.joins(statusCallbackEvent=ALL),
        }
    )
    ada = house.switch.call(NUMBER, from_=caller(0))
    expect(card(page).get_by_text("0 in · 1 waiting")).to_be_visible()
    expect(card(page).get_by_text("Not started")).to_be_visible()
    expect(card(page).get_by_role("listitem")).to_have_text("Ada, waiting")
    house.switch.call(NUMBER, from_=caller(1))
    expect(card(page).get_by_text("2 in", exact=True)).to_be_visible()
    expect(card(page).get_by_text("Not started")).to_be_hidden()
    ada.sounds(440)
    expect(card(page).get_by_role("listitem").first).to_have_text("Ada, speaking")
    expect(page.locator("#sum-talking")).to_have_text("1")
    ada.sounds(None)
    expect(card(page).get_by_role("listitem").first).to_have_text("Ada")
    ada.hang_up()
    expect(card(page).get_by_role("listitem")).to_have_text([caller(1)])
    house.switch.hang_up_all()
    expect(page.get_by_text("No conference is running")).to_be_visible()


def test_a_room_that_does_not_report_who_speaks_says_so(page: Tab, house: House) -> None:
    start_room(house, 1)
    open_room(page)
    expect(page.get_by_text("The speakers are not known here")).to_be_visible()


def test_with_the_setting_every_room_reports_who_speaks(tab: Tab, house: House) -> None:
    house.stop()
    house.start("conference: {talking_events: always}")
    sign_in(tab, house)
    house.voice(house.joins())
    phone = house.switch.call(NUMBER, from_=caller(0))
    expect(card(tab).get_by_text("1 in")).to_be_visible()
    phone.sounds(440)
    expect(card(tab).get_by_role("listitem")).to_have_text(f"{caller(0)}, speaking")
    open_room(tab)
    expect(tab.get_by_text("The speakers are not known here")).to_be_hidden()
    assert {event for _, event, _ in house.delivered(2)} == {"participant-join", "conference-start"}


def test_a_lost_switch_and_a_lost_orchestrator_are_reported(page: Tab, house: House) -> None:
    house.log.allows("another FreeSWITCH answers")
    house.switch.kill()
    expect(page.get_by_role("status")).to_contain_text("FreeSWITCH is not connected")
    house.switch.begin()
    expect(page.get_by_role("status")).to_be_hidden()
    house.stop()
    expect(page.get_by_text("No connection to the orchestrator since")).to_be_visible()
    expect(page.locator("#link")).to_have_text("Connecting…")


def test_nothing_that_a_caller_sends_becomes_a_part_of_the_page(page: Tab, house: House) -> None:
    label = HOSTILE.replace("<", "&lt;").replace('"', "&quot;")
    name = HOSTILE.replace("<", "&lt;")
    house.voice(house.joins(name, participantLabel=label))
    house.switch.call(NUMBER, from_=caller(0))
    expect(page.get_by_role("link", name=HOSTILE, exact=True)).to_be_visible()
    expect(page.locator(".person .name")).to_have_text(HOSTILE)
    page.get_by_role("link", name=HOSTILE, exact=True).click()
    expect(page.locator(".row .name")).to_have_text(HOSTILE)
    expect(page.locator(".callback").first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    # Not 1, which it would make of it.
    assert page.title() == f"{HOSTILE} – Conferences"


# The buttons


def test_the_buttons_mute_hold_and_drop(page: Tab, house: House) -> None:
    start_room(house, 2, statusCallbackEvent=ALL)
    open_room(page)
    muted = row(page, caller(0)).locator(".chip").filter(has_text="muted")
    for event, does, after in (("participant-mute", "Mute", 1), ("participant-unmute", "Unmute", 0)):
        page.get_by_role("button", name=f"{does} {caller(0)}").click()
        house.application.wait_for(lambda request, event=event: event in request.body.decode())
        expect(muted).to_have_count(after)
    page.get_by_role("button", name=f"Hold {caller(0)}").click()
    expect(row(page, caller(0))).to_contain_text("on hold")
    page.get_by_role("button", name=f"Take off hold {caller(0)}").click()
    expect(row(page, caller(0)).locator(".chip").filter(has_text="on hold")).to_have_count(0)
    page.get_by_role("button", name=f"Drop {caller(0)}").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(row(page, caller(0))).to_be_visible()
    page.get_by_role("button", name=f"Drop {caller(0)}").click()
    page.get_by_role("dialog").get_by_role("button", name="Drop").click()
    expect(row(page, caller(0))).to_have_count(0)
    expect(row(page, caller(1))).to_be_visible()


def test_the_buttons_announce_and_end(page: Tab, house: House) -> None:
    start_room(house, 2, statusCallbackEvent=ALL)
    open_room(page)
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("Address of an audio file or a TeXML document")
    page.get_by_role("button", name="Announce…").click()
    field.fill("no address")
    dialog.get_by_role("button", name="Play").click()
    expect(dialog).to_be_visible()
    field.fill(house.application.tone(600, 0.2))
    dialog.get_by_role("button", name="Play").click()
    house.application.wait_for("/tone-600-0.2--12.wav")
    page.get_by_role("button", name=f"Announce to {caller(1)}").click()
    field.fill(house.application.tone(700, 0.2))
    field.press("Enter")
    house.application.wait_for("/tone-700-0.2--12.wav")
    page.get_by_role("button", name="End conference…").click()
    expect(dialog.get_by_text("2 calls are hung up.")).to_be_visible()
    dialog.get_by_role("button", name="End conference").click()
    expect(page.locator(".detail .facts")).to_contain_text("ended by hand")
    expect(page.get_by_role("button", name="End conference…")).to_be_hidden()
    expect(page.get_by_role("article")).to_have_count(0)


def test_a_refused_command_is_shown(page: Tab, house: House) -> None:
    start_room(house, 1)
    open_room(page)
    assert house.orchestrator is not None
    # In another tab somebody signs in anew.
    headers = {"Content-Type": "application/json"}
    how = {"method": "POST", "headers": headers, "body": json.dumps({"key": API_KEY})}
    page.evaluate("how => fetch('/console/session', how).then(answer => answer.ok)", how)
    page.get_by_role("button", name=f"Mute {caller(0)}").click()
    expect(page.get_by_role("alert").last).to_contain_text("does not come from the console's page")


# Callbacks and recordings


def test_callbacks_are_listed_with_status_attempts_and_body(page: Tab, house: House) -> None:
    house.application.route("/events", 204, 204, 500)
    sid = start_room(house, 2)
    open_room(page)
    callbacks = page.locator(".callback")
    expect(callbacks).to_have_count(3)
    expect(callbacks.last).to_contain_text("204")
    expect(callbacks.first).to_contain_text("failed (500)")
    callbacks.first.locator("summary").click()
    expect(callbacks.first).to_contain_text("Attempts3")
    # The tables of those that are closed are for nobody.
    body = page.get_by_role("table", name="Body")
    expect(body.get_by_role("row", name=f"ConferenceSid {sid}")).to_be_visible()
    expect(body.get_by_role("row", name="SequenceNumber 2")).to_be_visible()
    house.switch.hang_up_all()
    expect(callbacks.first).to_contain_text("conference-end")
    # An open panel stays open while others come.
    expect(body).to_be_visible()


def test_a_recording_can_be_listened_to_and_seen(page: Tab, house: House) -> None:
    house.voice(house.joins(record="record-from-start"))
    phone = house.switch.call(NUMBER, from_=caller(0), sounds=440)
    expect(card(page).get_by_text("Recording")).to_be_visible()
    open_room(page)
    gevent.sleep(1)
    phone.hang_up()
    audio = page.locator("audio")
    expect(audio).to_be_visible()
    expect(page.locator(".wave")).to_have_attribute("d", re.compile("M.*V"))
    audio.evaluate("audio => { audio.muted = true; return audio.play(); }")
    wait_until(lambda: audio.evaluate("audio => audio.currentTime") > 0.1, "it plays", 20)


# Finding


def test_the_search_finds_conferences_and_people(page: Tab, house: House) -> None:
    start_room(house, 1, "Sales")
    house.voice(house.joins("Board", participantLabel="Ada Lovelace"))
    board = house.switch.call(NUMBER, from_=caller(7))
    expect(page.get_by_role("article")).to_have_count(2)
    words = page.get_by_role("searchbox", name="Search names, SIDs, numbers and labels")
    for text, found in (("sal", "Sales"), ("lovelace", "Board"), (caller(7), "Board")):
        words.fill(text)
        expect(card(page, "Sales")).to_be_visible(visible=found == "Sales")
        expect(card(page, "Board")).to_be_visible(visible=found == "Board")
    words.fill("nobody")
    expect(page.get_by_text("Nothing live fits “nobody”")).to_be_visible()
    board.hang_up()
    words.fill("lovelace")
    # Ended conferences are found beside live ones, by a label, too.
    over = page.get_by_role("region", name="Also found")
    expect(over.get_by_role("link", name="Board")).to_be_visible()
    page.get_by_role("link", name="Conferences", exact=True).first.click()
    expect(rows(page, "Conferences")).to_have_count(1)
    expect(rows(page, "Conferences")).to_contain_text("the last one left")
    words.fill("x")
    expect(page.get_by_text("No conference fits “x”")).to_be_visible()
    words.fill("")
    expect(rows(page, "Conferences")).to_have_count(2)
    page.get_by_role("link", name="Board", exact=True).click()
    expect(page.locator(".detail").get_by_role("heading", name="Board")).to_be_visible()
    expect(page.locator(".callback")).to_have_count(4)


# For everybody


def active(page: Tab) -> str:
    return str(
        page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
        )
    )


def tab_to(page: Tab, wanted: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if active(page).startswith(wanted):
            return
    raise AssertionError(f"no way to {wanted!r} with the tabulator")


def test_everything_can_be_done_with_the_keyboard(tab: Tab, house: House) -> None:
    tab.goto(address(house))
    expect(tab.get_by_label("API key")).to_be_focused()
    tab.keyboard.type(API_KEY)
    tab.keyboard.press("Enter")
    expect(tab.locator("#link")).to_have_text("Live")
    start_room(house, 2, statusCallbackEvent=ALL)
    tab.keyboard.press("/")
    tab.keyboard.type("1234")
    expect(card(tab)).to_be_visible()
    tab_to(tab, "Room 1234")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Room 1234", level=2)).to_be_focused()
    tab_to(tab, f"Mute {caller(0)}")
    tab.keyboard.press("Space")
    expect(row(tab, caller(0))).to_contain_text("muted")
    tab_to(tab, f"Drop {caller(0)}")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog")).to_be_visible()
    # The safe answer is the first one.
    assert active(tab) == "Cancel"
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    assert active(tab) == f"Drop {caller(0)}"
    tab.keyboard.press("Escape")
    expect(tab.locator(".detail")).to_be_hidden()
    expect(tab.get_by_role("link", name="Room 1234", exact=True)).to_be_focused()


def test_the_focus_stays_while_others_come_and_go(page: Tab, house: House) -> None:
    start_room(house, 3)
    open_room(page)
    hold = page.get_by_role("button", name=f"Hold {caller(1)}")
    hold.focus()
    late = house.switch.call(NUMBER, from_=caller(7))
    expect(page.locator(".row")).to_have_count(4)
    late.hang_up()
    expect(page.locator(".row")).to_have_count(3)
    expect(hold).to_be_focused()
    # A participant that has the focus and leaves hands it to the next.
    assert house.orchestrator is not None
    (room,) = house.orchestrator.node.rooms
    gone = next(one for one in room.participants.values() if one.caller.from_ == caller(1))
    house.orchestrator.services.conferences.drop(room.sid, gone)
    expect(page.locator(".row")).to_have_count(2)
    wait_until(lambda: re.match(r"Mute \+", active(page)), "another button has it")


def axe(tab: Tab) -> list[str]:
    """The faults that axe-core finds in the page as it is."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-playwright-python, which brings axe-core, is not installed")
    tab.evaluate(Path(found.origin).with_name("axe.min.js").read_text() + "\n;0")
    faults: Any = tab.evaluate("axe.run().then((result) => result.violations)")
    return [
        f"{fault['id']}: {node['html'][:150]} {node['any'][:1]}"[:500]
        for fault in faults
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(
    ("colours", "size"),
    [("light", {"width": 1360, "height": 900}), ("dark", PHONE)],
    ids=["light desktop", "dark phone"],
)
def test_no_view_has_what_axe_calls_a_fault(
    open_tab: Callable[..., Tab], house: House, colours: str, size: dict[str, int]
) -> None:
    # axe is a script of nobody's; the page lets none in.
    tab = open_tab(viewport=size, color_scheme=colours, bypass_csp=True)
    tab.goto(address(house))
    tab.get_by_label("API key").wait_for()
    assert not axe(tab)
    sign_in(tab, house)
    assert not axe(tab)
    recorded = {"statusCallbackEvent": ALL, "record": "record-from-start"}
    house.documents(
        {
            caller(0): house.joins(participantLabel="Ada", **recorded),
            caller(1): house.joins(muted="true", **recorded),
            caller(2): house.joins("Board", startConferenceOnEnter="false"),
        }
    )
    phones = [house.switch.call(NUMBER, from_=caller(number), sounds=440) for number in range(3)]
    expect(card(tab).get_by_role("listitem").filter(has_text="speaking")).to_have_count(1)
    expect(card(tab, "Board")).to_be_visible()
    assert not axe(tab)
    open_room(tab)
    expect(tab.locator(".callback")).not_to_have_count(0)
    tab.locator(".callback summary").first.click()
    assert not axe(tab)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    tab.get_by_role("button", name="End conference…").click()
    assert not axe(tab)
    tab.keyboard.press("Escape")
    for phone in phones:
        phone.hang_up()
    expect(tab.locator("audio")).to_be_visible()
    assert not axe(tab)
    house.switch.call("+15005550006", from_=caller(9)).wait_ended()
    for path, seen in PAGES.items():
        tab.goto(f"{address(house)}{path}")
        expect(tab.locator(seen).first).to_be_visible()
        assert not axe(tab), path
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    tab.goto(f"{address(house)}calls")
    tab.locator(".list .main").first.click()
    expect(tab.locator(".moment").first).to_be_visible()
    expect(tab.locator(".code")).to_be_visible()
    assert not axe(tab)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_nothing_moves_with_reduced_motion(open_tab: Callable[..., Tab], house: House) -> None:
    still, moving = open_tab(reduced_motion="reduce"), open_tab(reduced_motion="no-preference")
    for tab in (still, moving):
        sign_in(tab, house)
    house.voice(house.joins(statusCallbackEvent=ALL))
    house.switch.call(NUMBER, from_=caller(0), sounds=440)
    for tab in (still, moving):
        expect(tab.locator(".person[data-talking]")).to_have_count(1)
    for beat in ("1", "2"):
        expect(moving.locator("#dashboard")).to_have_attribute("data-beat", beat)
    assert still.locator("#dashboard").get_attribute("data-beat") is None


# On a real FreeSWITCH


@pytest.mark.only("freeswitch")
def test_a_guest_who_is_being_called_is_seen_and_can_be_dropped(page: Tab, house: House) -> None:
    house.voice(house.joins())
    house.switch.call(NUMBER, from_=caller(0))
    expect(card(page).get_by_text("1 in", exact=True)).to_be_visible()
    open_room(page)
    guest = "+13125550021"
    target = house.switch.register(guest, Answers(20.0))
    answer = requests.post(
        f"{address(house)}v2/texml/Accounts/{ACCOUNT}/Conferences/Room%201234/Participants",
        json={"To": guest, "From": NUMBER},
        headers={"Authorization": f"Bearer {API_KEY}"},
        timeout=10,
    )
    assert answer.ok, answer.text
    phone = target.wait_called(10)
    expect(row(page, guest)).to_contain_text("is being called")
    expect(page.get_by_role("button", name=f"Mute {guest}")).to_be_disabled()
    page.get_by_role("button", name=f"Drop {guest}").click()
    page.get_by_role("dialog").get_by_role("button", name="Drop").click()
    expect(row(page, guest)).to_have_count(0)
    phone.wait_ended(10)


@pytest.mark.only("freeswitch")
def test_real_callers_are_seen_heard_and_muted(page: Tab, house: House) -> None:
    house.voice(house.joins(statusCallbackEvent=ALL))
    one = house.switch.call(NUMBER, from_=caller(0))
    house.switch.call(NUMBER, from_=caller(1))
    expect(card(page).get_by_text("2 in", exact=True)).to_be_visible()
    one.sounds(440)
    expect(card(page).locator(".person[data-talking]")).to_have_count(1)
    expect(card(page).locator(".person[data-talking]")).to_contain_text(caller(0))
    open_room(page)
    page.get_by_role("button", name=f"Mute {caller(0)}").click()
    expect(row(page, caller(0))).to_contain_text("muted")
    expect(card(page).locator(".person[data-talking]")).to_have_count(0)
    one.hang_up()
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="End conference…").click()
    page.get_by_role("dialog").get_by_role("button", name="End conference").click()
    expect(page.get_by_role("article")).to_have_count(0)
