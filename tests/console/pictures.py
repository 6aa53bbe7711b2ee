"""`python -m tests.console.pictures`: the pictures of the console in docs/, from emulator and Chromium."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

from tests.console.browser import Browser, Tab, expect  # noqa: E402
from tests.console.conftest import address, sign_in  # noqa: E402
from tests.lab.emulated import Emulator  # noqa: E402
from tests.lab.web import Application  # noqa: E402
from tests.scenarios.conftest import NUMBER, House, lived_in  # noqa: E402

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZE = {"width": 1280, "height": 760}
EVENTS = "start end join leave mute speaker"
PEOPLE = {
    "+13125550142": ("Weekly meeting", "Ada Lovelace"),
    "+13125550187": ("Weekly meeting", "Grace Hopper"),
    "+442079460911": ("Weekly meeting", ""),
    "+13125550111": ("Support 2", "Customer"),
    "+13125550119": ("Support 10", ""),
}
TYPO = """<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Say volume="loud">Welcome to the weekly meeting.</Say>
  <Dial timeLimit="soon">
    <Conference participantLabel="{label}" statusCallback="{events}"
      statusCallbackEvent="start end join leave mute speaker" record="record-from-start">{room}</Conference>
  </Dial>
</Response>"""


def fill(house: House) -> None:
    """Three conferences, with one document that has mistakes and a receiver that fails now and then."""
    house.application.route("/events", 204, 204, 500, 500, 500, 204)
    events = house.application.url("/events")
    asked = {"statusCallbackEvent": EVENTS, "record": "record-from-start"}
    house.documents(
        {
            number: house.joins(room, participantLabel=label, **asked)
            if label
            else house.joins(room, **asked)
            for number, (room, label) in PEOPLE.items()
        }
        | {"+13125550142": TYPO.format(label="Ada Lovelace", room="Weekly meeting", events=events)}
    )
    phones = [house.switch.call(NUMBER, from_=number) for number in PEOPLE]
    gevent.sleep(4)
    for phone in (phones[0], phones[3]):
        phone.sounds(440)
    gevent.sleep(1)


def draw(tab: Tab, house: House) -> None:
    sign_in(tab, house)
    tab.get_by_role("link", name="Weekly meeting", exact=True).click()
    tab.get_by_role("button", name="Mute Grace Hopper").click()
    expect(tab.locator(".moment").first).to_be_visible()
    tab.wait_for_timeout(6000)
    tab.screenshot(path=str(DOCS / "console.png"))
    tab.locator(".detail").get_by_role("link", name="Ada Lovelace").first.click()
    expect(tab.locator(".code .warned").first).to_be_visible()
    tab.wait_for_timeout(1500)
    tab.screenshot(path=str(DOCS / "console-call.png"))


def main() -> None:
    browser, application = Browser(), Application()
    with tempfile.TemporaryDirectory() as directory:
        switch = Emulator(Path(directory, "switch"))
        switch.start()
        application.start()
        try:
            with lived_in(switch, application, Path(directory)) as house:
                fill(house)
                draw(browser.open(viewport=SIZE), house)
                print(f"{DOCS}/console.png and console-call.png: {address(house)}")
        finally:
            application.stop()
            switch.stop()
            browser.stop()


if __name__ == "__main__":
    main()
