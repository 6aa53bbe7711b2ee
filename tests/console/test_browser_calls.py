"""Calls from the console: Chromium's microphone, a real FreeSWITCH, and what each side hears.

Chromium's fake microphone plays a file, which is a tone here.
"""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest

from orchestrator.config import loads
from orchestrator.fsconfig.browser_profile import BROWSER_PROFILE_FILE
from orchestrator.fsconfig.render import render, write
from tests.console.browser import Browser, Tab, expect, why_not
from tests.console.conftest import sign_in
from tests.lab import sound
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import NUMBER, House
from tests.sound.stage import listen, recorded, recording_callbacks
from tests.web.site import wait_until

pytestmark = pytest.mark.only("freeswitch")

MICROPHONE, OTHER_PHONE = 620, 1130
"""Hz."""
# In place of FreeSWITCH's decibels: loud enough to be nothing else.
LOUD_DB = -35.0
MEASURES = """async (hz) => {
  const stream = document.getElementById("phone-sound").srcObject;
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  analyser.smoothingTimeConstant = 0;
  context.createMediaStreamSource(stream).connect(analyser);
  await new Promise((resolve) => setTimeout(resolve, 600));
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const width = context.sampleRate / analyser.fftSize;
  await context.close();
  const middle = Math.round(hz / width);
  return Math.max(...levels.slice(middle - 1, middle + 2));
}"""


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if reason := why_not():
        pytest.skip(reason)
    path = tmp_path_factory.mktemp("microphone") / "tone.wav"
    sound.write_wav(path, sound.tone(MICROPHONE, 4.0, -9.0, 48000), 48000)
    browser = Browser(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
    )
    yield browser
    browser.stop()


@pytest.fixture
def tab(microphone: Browser) -> Iterator[Tab]:
    tab = microphone.open(viewport={"width": 1100, "height": 800})
    yield tab
    complaints = tab.complaints
    tab.close()
    assert not [one for one in complaints if "Failed to load resource" not in one]


@pytest.fixture
def house(house: House) -> Iterator[House]:
    """With calls from the console, on both sides."""
    switch = house.switch
    assert isinstance(switch, FreeSwitch)
    port = switch.browser_port
    house.stop()
    house.start(web=f"browser_calls: {{enabled: true, port: {port}}}")
    files = render(loads(house.settings))
    write({BROWSER_PROFILE_FILE: files[BROWSER_PROFILE_FILE]}, switch.conf_dir)
    assert "Success" in switch.api("reloadxml")
    switch.api("sofia profile texml-browser start")
    wait_until(lambda: "texml-browser" in switch.api("sofia status"), "its profile runs")
    yield house
    house.stop()
    switch.api("sofia profile texml-browser stop")


def call(tab: Tab, to: str) -> None:
    tab.get_by_role("button", name="Call", exact=True).first.click()
    panel = tab.locator("#phone")
    panel.get_by_label("Number, or the conference's name").fill(to)
    panel.get_by_role("button", name="Call", exact=True).click()


def in_call(tab: Tab) -> None:
    expect(tab.locator("#phone-state")).to_have_text("In call")


def hears(tab: Tab, hz: float) -> bool:
    return float(tab.evaluate(MEASURES, hz)) > LOUD_DB


def test_the_rooms_recording_holds_the_microphones_tone_and_the_browser_hears_the_other_phone(
    tab: Tab, house: House
) -> None:
    house.voice(house.joins(**recorded(house)))
    other = house.switch.call(NUMBER, from_="+13125550001", sounds=OTHER_PHONE)
    sign_in(tab, house)
    call(tab, NUMBER)
    in_call(tab)
    wait_until(lambda: hears(tab, OTHER_PHONE), "the browser hears the other phone")
    other.wait_hears(MICROPHONE, 10)
    assert not hears(tab, 3000)
    other.sounds(None)
    gevent.sleep(1.5)
    tab.get_by_role("button", name="Hang up").click()
    expect(tab.locator("#phone-state")).to_have_text("Call ended")
    other.hang_up()
    fields = next(one for one in recording_callbacks(house, 2) if one["RecordingStatus"] == "completed")
    assert sound.level_db(listen(fields)[-8000:], MICROPHONE) > -30
    joined = [event for event in house.events() if event["StatusCallbackEvent"] == "participant-join"]
    assert {event["From"] for event in joined} == {"+13125550001", "client:main"}
