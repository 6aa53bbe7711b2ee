"""Calls from the console: Chromium's microphone, a real FreeSWITCH, and what each side hears.

Chromium's fake microphone plays a file, which is a tone here.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from uuid import uuid4

import gevent
import pytest
import simple_websocket

from orchestrator.app import Orchestrator
from orchestrator.calls.browser_calls import RECONNECT_SECONDS
from orchestrator.config import loads
from tests.browser_calls.conftest import Caller
from tests.console.browser import Browser, Tab, expect, why_not
from tests.console.conftest import sign_in
from tests.lab import sound
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import API_KEY, NUMBER, House
from tests.sound.common import listen, recorded, recording_callbacks
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
def house(house: House) -> House:
    """With calls from the console."""
    switch = house.switch
    assert isinstance(switch, FreeSwitch)
    house.stop()
    house.start(web=f"browser_calls: {{enabled: true, port: {switch.browser_port}}}")
    wait_until(lambda: "texml-browser" in switch.api("sofia status"), "its profile runs")
    return house


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
    # While the other phone was silent it is all that is there.
    found = sound.timeline(listen(fields), MICROPHONE, share=0.5)
    assert sum(one.seconds for one in found) > 1.0, found
    joined = [event for event in house.events() if event["StatusCallbackEvent"] == "participant-join"]
    assert {event["From"] for event in joined} == {"+13125550001", "client:main"}


def test_from_a_conference_the_browser_joins_it_and_mute_and_hanging_up_work(tab: Tab, house: House) -> None:
    house.voice(house.joins())
    other = house.switch.call(NUMBER, from_="+13125550001", sounds=OTHER_PHONE)
    sign_in(tab, house)
    tab.get_by_role("link", name="Room 1234", exact=True).click()
    tab.get_by_role("button", name="Call in").click()
    panel = tab.locator("#phone")
    expect(panel.get_by_role("heading")).to_have_text("Call into Room 1234")
    panel.get_by_role("button", name="Call", exact=True).click()
    in_call(tab)
    other.wait_hears(MICROPHONE, 10)
    wait_until(lambda: hears(tab, OTHER_PHONE), "the browser hears the other phone")
    panel.get_by_role("button", name="Mute").click()
    wait_until(lambda: not other.hears_now(MICROPHONE), "the other hears nothing")
    panel.get_by_role("button", name="Muted").click()
    wait_until(lambda: other.hears_now(MICROPHONE), "the other hears it again")
    panel.get_by_role("button", name="Hang up").click()
    leave = [event for event in house.events(4) if event["StatusCallbackEvent"] == "participant-leave"]
    assert [event["From"] for event in leave] == ["client:main"]
    assert len(house.application.to("/voice")) == 1


def test_keys_go_to_the_document(tab: Tab, house: House) -> None:
    house.voice(
        '<Response><Gather numDigits="3" action="/next"><Pause length="20"/></Gather></Response>',
    )
    house.application.document("/next", "<Response><Hangup/></Response>")
    sign_in(tab, house)
    call(tab, NUMBER)
    in_call(tab)
    tab.get_by_role("button", name="Key 4").click()
    tab.locator("#phone").press("#")
    request = house.application.wait_for("/next", 1)[0]
    assert request.fields["Digits"] == "4"
    expect(tab.locator("#phone-state")).to_have_text("Call ended")


def test_an_allowed_microphone_is_asked_for_and_a_refused_one_is_explained(house: House) -> None:
    refusing = Browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny")
    try:
        tab = refusing.open()
        sign_in(tab, house)
        call(tab, NUMBER)
        expect(tab.locator("#phone").get_by_role("alert")).to_contain_text("does not allow the microphone")
        assert house.orchestrator is not None
        assert not house.orchestrator.node.browser_calls._calls
    finally:
        refusing.stop()


def test_signing_out_ends_the_call(tab: Tab, house: House) -> None:
    house.voice(house.joins())
    sign_in(tab, house)
    call(tab, NUMBER)
    in_call(tab)
    tab.get_by_role("button", name="Sign out").click()
    assert [event["StatusCallbackEvent"] for event in house.events(4)][-1] == "conference-end"


def test_withdrawing_the_key_ends_the_call_at_once(tab: Tab, house: House) -> None:
    house.voice(house.joins())
    sign_in(tab, house)
    call(tab, NUMBER)
    in_call(tab)
    house.reload(f"api_keys: [{API_KEY}]", "api_keys: [another]")
    assert [event["StatusCallbackEvent"] for event in house.events(4, 3)][-1] == "conference-end"
    expect(tab.get_by_text("You have been signed out.")).to_be_visible()


# Past the page

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 0 101
c=IN IP4 127.0.0.1
a=candidate:1 1 udp 2122194687 127.0.0.1 9 typ host generation 0
a=ice-ufrag:k1FG
a=ice-pwd:ucUd+eT1GmMvJPZeXGRXE2on
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=rtcp-mux
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
""".format(fingerprint=":".join(["AB"] * 32)).replace("\n", "\r\n")


def request(method: str, user: str, body: str = "") -> str:
    call_id, host = uuid4().hex, "console.invalid"
    lines = [
        f"{method} sip:{user}@{host} SIP/2.0",
        f"Via: SIP/2.0/WS {host};branch=z9hG4bK{call_id}",
        "Max-Forwards: 70",
        f"From: <sip:+19005550199@{host}>;tag={call_id[:8]}",
        f"To: <sip:{user}@{host}>",
        f"Call-ID: {call_id}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:browser@{host};transport=ws>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body])


def answers(phone: simple_websocket.Client, text: str) -> int:
    """The status of the final answer, or of its ringing."""
    phone.send(text)
    call_id = next(line for line in text.splitlines() if line.startswith("Call-ID"))
    while True:
        answer = phone.receive(10)
        assert answer is not None
        status = int(answer.split(" ", 2)[1]) if answer.startswith("SIP/2.0") else 0
        if call_id in answer and status >= 180:
            return status


def test_freeswitch_takes_no_call_without_a_good_token(house: House) -> None:
    house.voice("<Response><Pause length='20'/></Response>")
    caller = Caller(house, API_KEY)
    id_, token = caller.permit(number=NUMBER)
    phone = caller.connects(id_)
    assert answers(phone, request("INVITE", "wrong", OFFER)) == 403
    assert answers(phone, request("INVITE", NUMBER, OFFER)) == 403
    assert answers(phone, request("INVITE", token, OFFER)) == 180
    assert house.application.wait_for("/voice", 1)[0].fields["From"] == "client:main"
    assert answers(phone, request("INVITE", token, OFFER)) == 403
    assert house.orchestrator is not None
    outcomes = house.orchestrator.node.browser_calls.outcomes
    assert outcomes == {"admitted": 1, "unknown": 2, "used": 1}
    phone.close()
    caller.visitor.ask("DELETE", "console/session")


def test_past_the_orchestrator_freeswitchs_websocket_is_good_for_nothing(house: House) -> None:
    """Its port is on loopback: a program on the same machine can reach it."""
    assert isinstance(house.switch, FreeSwitch)
    url = f"ws://127.0.0.1:{house.switch.browser_port}/"
    phone = simple_websocket.Client(url, subprotocols=["sip"])
    assert answers(phone, request("INVITE", NUMBER, OFFER)) == 403
    assert answers(phone, request("INVITE", "api+status", OFFER)) == 403
    for method in ("REGISTER", "SUBSCRIBE", "PUBLISH", "NOTIFY", "REFER"):
        assert answers(phone, request(method, "api+status")) >= 400, method
    # It answers 202 to a MESSAGE, and passes it over (enable-chat).
    answers(phone, request("MESSAGE", "api+global_setvar", "texml_message=run"))
    assert "run" not in house.switch.api("global_getvar texml_message")
    _, token = Caller(house, API_KEY).permit(number=NUMBER)
    assert answers(phone, request("INVITE", token, OFFER)) == 403
    phone.close()
    assert house.application.to("/voice") == []


def test_its_port_takes_websockets_alone(house: House) -> None:
    switch = house.switch
    assert isinstance(switch, FreeSwitch)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", switch.browser_port), timeout=2)
    status = switch.api("sofia status profile texml-browser")
    assert f"BIND-URL         \tsip:mod_sofia@127.0.0.1:{switch.browser_port};transport=ws" in status
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(1)
        plain.connect(("127.0.0.1", switch.browser_port))
        plain.send(request("OPTIONS", "x").replace("SIP/2.0/WS", "SIP/2.0/UDP").encode())
        with pytest.raises(OSError):  # noqa: PT011
            plain.recv(4096)


def test_a_restart_of_the_orchestrator_ends_no_call(tab: Tab, house: House) -> None:
    house.voice(house.joins())
    other = house.switch.call(NUMBER, from_="+13125550001", sounds=OTHER_PHONE)
    sign_in(tab, house)
    call(tab, NUMBER)
    in_call(tab)
    other.wait_hears(MICROPHONE, 10)
    assert house.orchestrator is not None
    port = house.orchestrator.web.port
    house.stop()
    settings = loads(house.settings.replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{port}"))
    house.orchestrator = Orchestrator(settings)
    house.orchestrator.start()
    assert house.orchestrator.wait_ready(10)
    # Past the time that a call may be without its WebSocket.
    gevent.sleep(RECONNECT_SECONDS + 2)
    assert tab.locator("#phone-state").text_content() == "In call"
    wait_until(lambda: other.hears_now(MICROPHONE), "the other phone hears the browser")
    wait_until(lambda: hears(tab, OTHER_PHONE), "the browser hears the other phone")
    other.hang_up()
    tab.locator("#phone").get_by_role("button", name="Hang up").click()
    assert [event["StatusCallbackEvent"] for event in house.events(6)][-1] == "conference-end"
