"""The pages of what happened: conferences, calls, callbacks and numbers, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest

from orchestrator.app import Orchestrator
from orchestrator.config import loads
from tests.console.browser import Place, Tab, expect
from tests.console.conftest import address, sign_in, start_room
from tests.lab.softphones import Answers
from tests.scenarios.conftest import API_KEY, NUMBER, House
from tests.web.site import wait_until

pytestmark = pytest.mark.rather("emulator")
GUEST = "+13125550021"
SID = "[0-9a-f-]{36}"
TYPO = """<Response>
  <Say volume="loud">Welcome.</Say>
  <Dial timeLimit="soon">
    <Conference participantLabel="Ada Lovelace">Room 1234</Conference>
  </Dial>
</Response>"""


@pytest.fixture
def page(tab: Tab, house: House) -> Tab:
    sign_in(tab, house)
    return tab


def caller(number: int) -> str:
    return f"+1312555010{number}"


def rows(page: Tab, table: str) -> Place:
    return page.get_by_role("table", name=table).locator("xpath=./tbody/tr")


def visit(page: Tab, house: House, path: str) -> None:
    page.goto(f"{address(house)}{path}")
    expect(page.locator("#link")).to_have_text("Live")


def done(page: Tab, words: str) -> None:
    """It is on the screen that something was done."""
    expect(page.locator("#notes")).to_contain_text(words)


def call_of(house: House, number: str) -> str:
    """The CallSid of a caller in a conference."""
    assert house.orchestrator is not None
    people = [one for room in house.orchestrator.node.rooms for one in room.participants.values()]
    return next(one.call_sid for one in people if one.caller.from_ == number)


# From one page to another


def test_pages_lead_to_each_other_and_the_back_button_leads_back(page: Tab, house: House) -> None:
    sid = start_room(house, 2)
    pages = page.get_by_role("navigation", name="Pages")
    for name, path in (("Calls", "calls"), ("Callbacks", "callbacks"), ("Numbers", "numbers")):
        pages.get_by_role("link", name=name).click()
        expect(page).to_have_url(f"{address(house)}{path}")
        expect(page.get_by_role("heading", name=name, level=2)).to_be_focused()
        expect(pages.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
    pages.get_by_role("link", name="Conferences").click()
    page.get_by_role("link", name="Room 1234").click()
    expect(page).to_have_url(f"{address(house)}conferences/{sid}")
    page.locator(".detail").get_by_role("link", name=caller(1)).first.click()
    expect(page).to_have_url(re.compile("/calls/v3:"))
    expect(page.locator("#call")).to_contain_text("Joined conference Room 1234")
    # The icon is found from a deeper address, too.
    missing = "performance.getEntriesByType('resource').filter((one) => one.responseStatus >= 400)"
    assert page.evaluate(f"{missing}.map((one) => one.name)") == []
    # A page's address is enough: another tab, a bookmark.
    page.reload()
    expect(page.locator("#call")).to_contain_text("Joined conference Room 1234")
    page.locator("#call .call-facts").get_by_role("link", name="Room 1234").click()
    expect(page).to_have_url(f"{address(house)}conferences/{sid}")
    for heading, level in ((caller(1), 2), ("Room 1234", 2), ("Conferences", 2), ("Numbers", 2)):
        page.go_back()
        expect(page.get_by_role("heading", name=heading, level=level).first).to_be_visible()
    page.go_forward()
    expect(rows(page, "Conferences")).to_have_count(1)


def test_an_address_of_before_still_leads_to_its_conference(tab: Tab, house: House) -> None:
    sid = start_room(house, 1)
    sign_in(tab, house)
    tab.goto(f"{address(house)}#/conference/{sid}")
    tab.reload()
    expect(tab.get_by_role("heading", name="Room 1234", level=2)).to_be_visible()
    expect(tab).to_have_url(f"{address(house)}conferences/{sid}")


# A call


def test_a_call_s_page_has_its_timeline_and_each_document_with_warnings_at_their_lines(
    page: Tab, house: House
) -> None:
    house.voice(TYPO)
    phone = house.switch.call(NUMBER, from_=caller(0))
    visit(page, house, "calls")
    rows(page, "Calls").first.get_by_role("link").first.click()
    timeline = page.get_by_role("list").filter(has_text="Call from")
    expect(timeline).to_contain_text("Document requested: POST")
    expect(timeline).to_contain_text("as Ada Lovelace")
    expect(page.locator(".lanes .mark.documents").first).to_be_attached()
    warned = page.locator(".code .warned")
    expect(warned).to_have_count(2)
    expect(warned.first.locator("code")).to_have_text('  <Say volume="loud">Welcome.</Say>')
    expect(warned.first.locator(".warning")).to_contain_text("unknown attribute")
    expect(warned.last.locator("code")).to_contain_text("timeLimit")
    page.get_by_text("fields were sent").click()
    expect(page.get_by_role("row", name=f"From {caller(0)}")).to_be_visible()
    phone.hang_up()
    expect(timeline).to_contain_text("The caller hung up")
    page.get_by_role("button", name="Problems only").click()
    expect(page.locator(".moment:visible")).to_have_count(2)


def test_a_document_is_asked_for_again_and_no_call_runs_it(page: Tab, house: House) -> None:
    house.voice(TYPO)
    house.switch.call(NUMBER, from_=caller(0))
    wait_until(lambda: len(house.application.to("/voice")) == 1, "the document is fetched")
    visit(page, house, "calls")
    rows(page, "Calls").first.get_by_role("link").first.click()
    expect(page.locator(".code")).to_be_visible()
    house.voice("<Response>\n<Play>one.wav</Play>\n<Dial><Number>+13125550021</Number></Dial>\n</Response>")
    page.get_by_role("button", name="Ask again…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("A real HTTP request goes to your application")
    dialog.get_by_role("button", name="Cancel").click()
    assert len(house.application.to("/voice")) == 1
    page.get_by_role("button", name="Ask again…").click()
    dialog.get_by_role("button", name="Send the request").click()
    result = page.get_by_role("article", name="Asked again")
    expect(result).to_contain_text("Play, Dial")
    expect(result).to_contain_text("no warnings")
    done(page, "The document can be used: 0 warnings")
    first, second = house.application.to("/voice")
    assert (second.method, second.form) == (first.method, first.form)
    assert second.headers["telnyx-signature-ed25519"]
    gevent.sleep(0.3)
    assert not house.application.to("/one.wav")
    # An answer that is none is explained.
    house.application.route("/voice", "<html><h1>Not found</h1></html>")
    page.get_by_role("button", name="Ask again…").click()
    dialog.get_by_role("button", name="Send the request").click()
    expect(result.first).to_contain_text("cannot be used")
    expect(result.first).to_contain_text("the answer is an HTML page, not XML")
    house.application.route("/voice", 503)
    page.get_by_role("button", name="Ask again…").click()
    dialog.get_by_role("button", name="Send the request").click()
    expect(result.first).to_contain_text("answered 503")


def test_a_call_is_recorded_and_hung_up_from_its_page(page: Tab, house: House) -> None:
    start_room(house, 2)
    sid = call_of(house, caller(0))
    visit(page, house, f"calls/{sid}")
    page.get_by_role("button", name="Record", exact=True).click()
    done(page, "The recording begins")
    page.get_by_role("button", name="Pause recording").click()
    done(page, "The recording is paused")
    page.get_by_role("button", name="Go on recording").click()
    done(page, "The recording goes on")
    gevent.sleep(0.6)
    page.get_by_role("button", name="Stop recording").click()
    done(page, "The recording is stopped")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.get_by_role("button", name="Hang up…").click()
    page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
    done(page, "The call is hung up")
    expect(page.locator(".titles")).to_contain_text("completed")
    expect(page.get_by_role("button", name="Hang up…")).to_be_hidden()


# A conference


def test_a_conference_that_is_over_keeps_its_people_and_its_timeline(page: Tab, house: House) -> None:
    house.voice(house.joins(participantLabel="Ada Lovelace"))
    phone = house.switch.call(NUMBER, from_=caller(0))
    expect(page.get_by_role("article")).to_have_count(1)
    phone.hang_up()
    expect(page.get_by_text("No conference is running")).to_be_visible()
    visit(page, house, "conferences?q=lovelace")
    page.get_by_role("link", name="Room 1234").click()
    expect(page.locator(".detail")).to_contain_text("1 participant has left")
    expect(page.locator(".gone")).to_contain_text("Ada Lovelace")
    expect(page.locator(".gone")).to_contain_text("participant hung up")
    expect(page.locator(".timeline")).to_contain_text("Conference Room 1234 ended")
    expect(page.get_by_role("button", name="End conference…")).to_be_hidden()


def test_all_are_muted_and_unmuted_and_a_button_says_what_it_does_and_a_mark_what_is(
    page: Tab, house: House
) -> None:
    start_room(house, 2)
    marks = page.locator(".person .unseen").filter(has_text="muted")
    expect(marks).to_have_count(0)
    page.get_by_role("link", name="Room 1234").click()
    chips = page.locator(".row .chip").filter(has_text="muted")
    page.get_by_role("button", name="Mute all").click()
    done(page, "2 participants are muted")
    expect(chips).to_have_count(2)
    expect(marks).to_have_count(2)
    tools = page.locator(".row").first.locator(".tools")
    expect(tools.get_by_role("button").first).to_have_text("Unmute")
    # The mark is no button, and the button has no look of the mark.
    assert page.locator(".row button").filter(has_text=re.compile("^muted$")).count() == 0
    page.get_by_role("button", name="Unmute all").click()
    expect(chips).to_have_count(0)
    expect(tools.get_by_role("button").first).to_have_text("Mute")


def test_a_conference_that_its_document_does_not_record_is_recorded_from_the_page(
    page: Tab, house: House
) -> None:
    start_room(house, 1)
    page.get_by_role("link", name="Room 1234").click()
    page.get_by_role("button", name="Record", exact=True).click()
    done(page, "The recording begins")
    card = page.get_by_role("article")
    expect(card.get_by_text("Recording")).to_be_visible()
    page.get_by_role("button", name="Pause recording").click()
    done(page, "The recording is paused")
    expect(page.locator(".detail .facts")).to_contain_text("Recording paused")
    page.get_by_role("button", name="Go on recording").click()
    gevent.sleep(0.6)
    page.get_by_role("button", name="Stop recording").click()
    done(page, "The recording is stopped")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    download = page.get_by_role("link", name="Download")
    expect(download).to_be_visible()
    expect(download).to_have_attribute("download", re.compile(rf"{SID}\.wav"))
    size = download.evaluate("link => fetch(link.href).then(answer => answer.blob()).then(blob => blob.size)")
    assert size > 1000


def test_somebody_is_dialled_into_the_conference(page: Tab, house: House) -> None:
    start_room(house, 1)
    target = house.switch.register(GUEST, Answers(0.2))
    page.get_by_role("link", name="Room 1234").click()
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Dial in…").click()
    expect(dialog.get_by_label("Number that it sees")).to_have_value(NUMBER)
    dialog.get_by_label("Number or SIP address to call").fill("no number")
    dialog.get_by_role("button", name="Dial").click()
    expect(page.get_by_role("alert").last).to_contain_text("Not done: Cannot be dialled")
    page.get_by_role("button", name="Dial in…").click()
    dialog.get_by_label("Number or SIP address to call").fill(GUEST)
    dialog.get_by_label("Label").fill("Grace")
    dialog.get_by_label("Joins muted").check()
    dialog.get_by_role("button", name="Dial").click()
    done(page, "Grace is being called")
    target.wait_called(10)
    guest = page.locator(".row").filter(has_text="Grace")
    expect(guest).to_contain_text("muted")
    expect(guest).to_contain_text("was called")


def test_an_announcement_that_cannot_be_fetched_says_so(page: Tab, house: House) -> None:
    start_room(house, 1)
    page.get_by_role("link", name="Room 1234").click()
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("Address of an audio file or a TeXML document")
    page.get_by_role("button", name="Announce…").click()
    field.fill(house.application.url("/nothing.wav"))
    dialog.get_by_role("button", name="Play").click()
    failure = page.get_by_role("alert").last
    expect(failure).to_contain_text("The announcement to everybody failed")
    expect(failure).to_contain_text("answered 404")
    page.get_by_role("button", name=f"Announce to {caller(0)}").click()
    field.fill(house.application.tone(600, 0.2))
    dialog.get_by_role("button", name="Play").click()
    done(page, f"The announcement to {caller(0)} was played")


# Callbacks


def test_failing_callbacks_are_a_badge_on_their_card_and_are_replayed_one_and_all(
    page: Tab, house: House
) -> None:
    house.log.allows("callback failed")
    house.application.route("/events", 500)
    sid = start_room(house, 2)
    badge = page.get_by_role("article").get_by_role("link", name="3 callbacks fail")
    badge.click()
    expect(page).to_have_url(f"{address(house)}callbacks?q={sid}")
    expect(rows(page, "Callbacks")).to_have_count(3)
    expect(rows(page, "Callbacks").first).to_contain_text("failed (500)")
    house.application.route("/events", 204)
    oldest = rows(page, "Callbacks").last
    oldest.locator("summary").click()
    expect(oldest.get_by_role("row", name=f"ConferenceSid {sid}")).to_be_visible()
    oldest.get_by_role("button", name=re.compile("Replay")).click()
    done(page, "The callback is being delivered again")
    expect(oldest).to_contain_text("204")
    # An open panel stays open while its state changes.
    expect(oldest.get_by_role("row", name=f"ConferenceSid {sid}")).to_be_visible()
    receiver = page.get_by_role("region", name="Receivers")
    expect(receiver).to_contain_text("answered 500")
    receiver.get_by_role("button", name="Replay all 2 failed").click()
    page.get_by_role("dialog").get_by_role("button", name="Replay all").click()
    done(page, "2 callbacks are being delivered again")
    for place in range(3):
        expect(rows(page, "Callbacks").nth(place)).to_contain_text("204")
    expect(receiver).to_be_hidden()
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("article")).to_be_visible()
    expect(badge).to_be_hidden()
    delivered = [one["SequenceNumber"] for one in house.events()][-3:]
    assert delivered == ["0", "1", "2"]


# Finding


def test_an_ended_conference_is_found_by_name_sid_number_and_day(page: Tab, house: House) -> None:
    sid = start_room(house, 1, "Weekly meeting")
    call = call_of(house, caller(0))
    house.switch.hang_up_all()
    expect(page.get_by_text("No conference is running")).to_be_visible()
    words = page.get_by_role("searchbox", name="Search names, SIDs, numbers and labels")
    over = page.get_by_role("region", name="Also found")
    for text in ("weekly", sid):
        words.fill(text)
        expect(over.get_by_role("link", name="Weekly meeting")).to_be_visible()
    for text in (call, "(312) 555-0100"):
        words.fill(text)
        expect(over.get_by_role("link", name=re.compile(re.escape(caller(0)))).first).to_be_visible()
    words.fill("")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Calls").click()
    expect(rows(page, "Calls")).to_have_count(1)
    calls = page.locator("#calls")
    calls.get_by_label("To", exact=True).fill("2020-01-31")
    expect(page.get_by_text("No call yet")).to_be_visible()
    expect(page).to_have_url(f"{address(house)}calls?to=2020-01-31")
    page.reload()
    expect(page.get_by_text("No call yet")).to_be_visible()
    calls.get_by_label("To", exact=True).fill("")
    today = page.evaluate("new Date().toLocaleDateString('sv')")
    calls.get_by_label("From", exact=True).fill(today)
    expect(rows(page, "Calls")).to_have_count(1)
    calls.get_by_label("State").select_option("live")
    expect(page.get_by_text("No call yet")).to_be_visible()
    calls.get_by_role("button", name="Clear filters").click()
    expect(rows(page, "Calls")).to_have_count(1)


def test_many_rooms_are_a_dense_list_in_natural_order(page: Tab, house: House) -> None:
    names = ("Room 10", "Room 2", "Room 1")
    house.documents({caller(n): house.joins(name) for n, name in enumerate(names)})
    for number in range(3):
        house.switch.call(NUMBER, from_=caller(number))
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_label("Sort").select_option("name")
    titles = page.locator(".card h3")
    expect(titles).to_have_text(["Room 1", "Room 2", "Room 10"])
    page.get_by_label("Show").select_option("list")
    expect(titles).to_have_text(["Room 1", "Room 2", "Room 10"])
    expect(page.locator(".person")).to_have_count(0)
    expect(page.get_by_role("article").first).to_contain_text("1 in")
    height = page.locator(".card").first.evaluate("card => card.offsetHeight")
    assert height < 45
    # The browser keeps the choice; people are still found by their numbers.
    page.reload()
    expect(titles).to_have_text(["Room 1", "Room 2", "Room 10"])
    words = page.get_by_role("searchbox", name="Search names, SIDs, numbers and labels")
    words.fill(caller(1))
    expect(page.locator(".card:visible h3")).to_have_text(["Room 2"])
    words.fill("")
    page.get_by_label("Show").select_option("cards")
    expect(page.locator(".person")).to_have_count(3)


def test_a_number_without_room_is_cut_in_its_middle(open_tab: Callable[..., Tab], house: House) -> None:
    tab = open_tab(viewport={"width": 320, "height": 700})
    sign_in(tab, house)
    house.documents({caller(n): house.joins(muted="true") for n in range(2)})
    for number in range(2):
        house.switch.call(NUMBER, from_=caller(number))
    number = tab.locator(".person .name[data-cut]").filter(has_text=caller(0))
    expect(number).to_be_visible()
    assert number.locator(".start").evaluate("node => node.scrollWidth > node.clientWidth")
    assert number.locator(".end").evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    expect(number.locator(".end")).to_have_text("0100")


def test_times_have_their_zone_where_one_looks(open_tab: Callable[..., Tab], house: House) -> None:
    tab = open_tab(timezone_id="Asia/Kolkata")
    sign_in(tab, house)
    start_room(house, 1)
    visit(tab, house, "calls")
    time = rows(tab, "Calls").first.locator("time")
    expect(time).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30$"))
    rows(tab, "Calls").first.get_by_role("link").first.click()
    moment = tab.locator(".moment time").first
    expect(moment).to_have_attribute("title", re.compile(r"\+05:30$"))


# Numbers


def test_rejected_calls_say_why_and_what_helps(page: Tab, house: House) -> None:
    for number in ("+15005550006", "+15005550007"):
        house.switch.call(number, from_=caller(1)).wait_ended()
    page.get_by_role("link", name="Calls", exact=True).first.click()
    page.get_by_role("link", name="Rejected calls", exact=True).click()
    expect(page).to_have_title("Rejected calls – Conferences")
    rejected = page.get_by_role("table", name="Rejected calls").locator("tbody tr")
    # Alike and within half a minute of the first, the second is only counted.
    expect(rejected).to_have_count(1)
    expect(rejected).to_contain_text(
        "No application has number +150******06, and there is no default application."
    )
    expect(rejected).to_contain_text("Add the number to numbers in the settings")
    expect(rejected).to_contain_text("127.0.0.1")
    expect(rejected).to_contain_text("SIP 404")
    page.get_by_label("Why").select_option("overload")
    expect(page.get_by_text("No call was rejected")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(rejected).to_have_count(1)
    page.get_by_placeholder("Search").fill("127.0.0.1")
    expect(page).to_have_url(re.compile("q=127.0.0.1"))
    expect(rejected).to_have_count(1)
    page.get_by_placeholder("Search").fill("nothing like it")
    expect(page.get_by_text("No rejected call fits “nothing like it”")).to_be_visible()
    page.get_by_role("link", name="Calls", exact=True).last.click()
    expect(page).to_have_title("Calls – Conferences")


def test_numbers_are_shown_as_the_settings_say_and_nothing_secret(page: Tab, house: House) -> None:
    voice = house.application.url("/voice")
    secret = voice.replace("http://", "http://user:hunter2@") + "?token=hunter3"
    house.reload(f"voice_url: {voice}", f"voice_url: {secret}")
    visit(page, house, "numbers")
    expect(rows(page, "Numbers")).to_have_count(2)
    content = page.locator("#numbers")
    expect(content).to_contain_text("1312555*")
    expect(content).to_contain_text(NUMBER)
    expect(content).to_contain_text(f"POST {voice}")
    # The other account's patterns are not this one's business.
    text = content.inner_text()
    assert not re.search(r"hunter|\+?44\*|other", text)
    page.get_by_role("link", name="Calls", exact=True).last.click()
    expect(page).to_have_url(re.compile(r"calls\?q=%2B13125550100$"))


# Signing in stays, and ends


def restart(house: House) -> None:
    """At the same port, as a service is restarted."""
    assert house.orchestrator is not None
    port = house.orchestrator.web.port
    house.stop()
    house.settings = house.settings.replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{port}")
    house.orchestrator = Orchestrator(loads(house.settings))
    house.orchestrator.start()
    assert house.orchestrator.wait_ready(10)


def test_a_restart_signs_nobody_out_and_a_withdrawn_key_does_at_once(page: Tab, house: House) -> None:
    start_room(house, 1)
    page.get_by_role("link", name="Room 1234").click()
    restart(house)
    done(page, "Live again")
    expect(page.locator("#login")).to_be_hidden()
    page.get_by_role("button", name=f"Mute {caller(0)}").click()
    done(page, "is muted")
    house.reload(f"[{API_KEY}]", "[another-key]")
    expect(page.get_by_text("You have been signed out.")).to_be_visible(timeout=3000)
    expect(page.locator("#dashboard")).to_be_hidden()
    # Nothing of the account is left on the page.
    assert "Room 1234" not in str(page.evaluate("document.body.textContent"))


# For everybody


def test_a_call_is_found_and_read_with_the_keyboard(page: Tab, house: House) -> None:
    house.voice(TYPO)
    house.switch.call(NUMBER, from_=caller(0))
    page.keyboard.press("/")
    page.keyboard.type("312555")
    found = page.get_by_role("region", name="Also found").get_by_role("link", name=re.compile(r"\+1312"))
    expect(found.first).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#found .main')"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile(re.escape(caller(0))), level=2)).to_be_focused()
    expect(page.locator(".moment").first).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Document":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Document")).to_be_focused()


def test_a_timeline_is_saved_as_a_file(page: Tab, house: House) -> None:
    start_room(house, 1)
    visit(page, house, f"calls/{call_of(house, caller(0))}")
    expect(page.locator(".moment").first).to_be_visible()
    page.evaluate(
        """() => { const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { window.saved = blob.text(); return make.call(URL, blob); }; }"""
    )
    page.get_by_role("button", name="JSON").click()
    kinds = {entry["kind"] for entry in json.loads(page.evaluate("window.saved"))}
    assert {"call.arrived", "document.request", "document.answer"} <= kinds


def test_every_module_of_the_page_says_what_it_is_for() -> None:
    static = Path(__file__).resolve().parents[2] / "orchestrator" / "web" / "console" / "static"
    modules = list(static.glob("*.js"))
    assert len(modules) > 15
    for module in modules:
        lines = module.read_text().splitlines()
        assert lines[0].startswith("// "), module
        assert len(lines) < 400, module
