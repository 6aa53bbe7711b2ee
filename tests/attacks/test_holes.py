"""Ways in that were found by reading FreeSWITCH with an attacker's eye, each tried on a real one."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import gevent
import pytest

from tests.attacks.sip import Answerer, Dialog, RawPhone, header
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import House

pytestmark = pytest.mark.only("freeswitch")


def sip_port(house: House) -> int:
    assert isinstance(house.switch, FreeSwitch)
    return house.switch.sip_port


def wait(met: object, seconds: float = 5.0) -> None:
    with gevent.Timeout(seconds, AssertionError("not in time")):
        while not met():  # type: ignore[operator]
            gevent.sleep(0.02)


def replaces(dialog: Dialog) -> list[tuple[str, str]]:
    return [("Replaces", f"{dialog.call_id};to-tag={dialog.to_tag};from-tag={dialog.from_tag}")]


def test_an_invite_with_replaces_runs_no_spoken_text(open_house: House, tmp_path: Path) -> None:
    """SYMPTOM `<Say>hello,system:touch FILE</Say>` ran a shell command once its caller sent a second INVITE
    with Replaces. CAUSE FreeSWITCH repeats what the replaced leg does as an inline dialplan,
    `answer,speak:…|hello,system:touch FILE`, where a comma starts an application. FIX no comma is spoken, the
    new leg is killed when it is created, and FreeSWITCH has no `system` any more (here it has)."""
    mark = tmp_path / "mark"
    open_house.voice(
        f"<Response><Say>hello my friend,system:touch {mark}</Say><Pause length='9'/></Response>"
    )
    port = sip_port(open_house)
    with (
        open_house.switch.events("CHANNEL_EXECUTE") as seen,
        RawPhone(port) as first,
        RawPhone(port) as second,
    ):
        called = first.invite()
        seen.wait_event(lambda event: event.get("Application") == "speak")
        again = second.invite(headers=replaces(called))
        assert again.status >= 400 or second.hears_goodbye(again)
        # Long enough for the words, had they been spoken on the new leg.
        gevent.sleep(2.5)
        assert "system" not in {event.get("Application") for event in seen.events}
    assert not mark.exists()
    assert open_house.log.has("a call that would replace another is refused")


def test_nobody_takes_a_participants_place_in_a_room(house: House) -> None:
    """SYMPTOM a muted participant could come back as one that may speak, unseen by its room. CAUSE an INVITE
    with Replaces joins the conference with none of our variables. FIX the new leg is killed."""
    house.documents({"+13125550001": house.joins(), "+13125550002": house.joins(muted="true")})
    port = sip_port(house)
    with RawPhone(port) as owner, RawPhone(port) as listener, RawPhone(port) as outsider:
        owner.invite(identity="+13125550001")
        muted = listener.invite(identity="+13125550002")
        house.events(3)
        again = outsider.invite(identity="+13125550003", headers=replaces(muted))
        assert again.status >= 400 or outsider.hears_goodbye(again)
        assert [name for _, name, _ in house.delivered(4)][3] == "participant-leave"
        assert house.switch.api("conference list").count("sofia/texml/") == 1
    assert house.log.has("a call that would replace another is refused")
    assert {who for _, _, who in house.delivered(6)} == {"+13125550001", "+13125550002"}


def test_a_callee_leads_a_call_nowhere_else(house: House) -> None:
    """SYMPTOM a callee that answered 302 had its caller connected to any SIP address at all. CAUSE FreeSWITCH
    follows redirects by itself, past sip: allowed_hosts. FIX outbound_redirect_fatal."""
    with Answerer(host="127.0.0.2") as elsewhere:
        with Answerer("302 Moved", [f"Contact: <sip:evil@{elsewhere.address}>"]) as callee:
            dial = f"<Dial action='/after' timeout='5'><Sip>sip:bob@{callee.address}</Sip></Dial>"
            house.voice(f"<Response>{dial}</Response>")
            house.application.document("/after", "<Response><Hangup/></Response>")
            with RawPhone(sip_port(house)) as phone:
                phone.invite()
                (after,) = house.application.wait_for("/after", timeout=10)
        assert callee.invites
        assert not elsewhere.invites
    assert after.fields["DialCallStatus"] == "failed"


def test_a_caller_adds_no_headers_to_the_calls_a_document_makes(house: House) -> None:
    """SYMPTOM a caller's X- and P- headers, P-Charge-Info among them, stood in the INVITE to the carrier.
    CAUSE mod_sofia copies them from leg to leg. FIX sip_copy_custom_headers=false in the dialplan."""
    with Answerer() as callee, RawPhone(sip_port(house)) as phone:
        house.voice(f"<Response><Dial><Sip>sip:bob@{callee.address}</Sip></Dial></Response>")
        phone.invite(
            headers=[
                ("X-Secret", "1"),
                ("P-Charge-Info", "<sip:rich@example.com>"),
                ("Diversion", "<sip:d@x>"),
            ]
        )
        wait(lambda: callee.invites)
    (invite,) = callee.invites
    assert not any(header(invite, name) for name in ("X-Secret", "P-Charge-Info", "Diversion"))


CALLER_IDS = (
    "%0d%0aX-Evil: 1",
    "%250d%250aX-Evil%253a 1",
    '1"<sip:evil@example.com>',
    "1,system:touch x",
    ":_{:",
    "::_:_:",
    "{absolute_codec_string=x}1",
    "${system(touch x)}",
    "\u2028\u202e",
    "+49" + "1" * 5000,
)


def test_a_caller_id_is_letters_digits_and_nothing_else(house: House) -> None:
    """SYMPTOM `callerId=":_{:"` ended the call with a traceback; `%0d%0a` in one was decoded by FreeSWITCH
    into the From of its INVITE, which was then not sent, or another one. CAUSE removing some characters can
    leave others that mean something, and sofia_glue_do_invite() decodes %XX once more. FIX what is neither
    a number nor a user name is not shown, and the log says so."""
    with Answerer() as callee, RawPhone(sip_port(house)) as phone:
        dials = "".join(
            f"<Dial callerId={quoteattr(given)}><Sip>sip:bob@{callee.address}</Sip></Dial>"
            for given in CALLER_IDS
        )
        house.voice(f"<Response>{dials}<Redirect>/done</Redirect></Response>")
        house.application.document("/done", "<Response><Hangup/></Response>")
        phone.invite()
        house.application.wait_for("/done", timeout=30)
    shown = [header(invite, "From") for invite in callee.invites]
    assert len(shown) == len(CALLER_IDS)
    for sender in shown:
        assert sender.startswith('"+13125550001" <sip:+13125550001@'), shown
    assert sum("no caller id" in line for line in house.log.lines) == len(CALLER_IDS)


def test_a_callers_number_that_is_none_is_no_caller_id(house: House) -> None:
    """As above, from the other side: FreeSWITCH has decoded the caller's `%250d` once already."""
    with Answerer() as callee, RawPhone(sip_port(house)) as phone:
        house.voice(f"<Response><Dial><Sip>sip:bob@{callee.address}</Sip></Dial></Response>")
        phone.invite(identity="1%250d%250aX-Evil%253a1")
        wait(lambda: callee.invites)
    assert header(callee.invites[0], "From").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>')


def test_no_message_is_a_command(open_house: House, tmp_path: Path) -> None:
    """mod_dptools takes a chat message to `api+COMMAND` for a command: none gets that far, inside a call or
    outside of any."""
    mark = tmp_path / "mark"
    open_house.voice("<Response><Answer/><Say>one</Say><Pause length='5'/></Response>")
    with RawPhone(sip_port(open_house)) as phone:
        called = phone.invite()
        for to in (f"api+system%20touch%20{mark}", f"api+system%2520touch%2520{mark}", "event+x", "conf+x"):
            for dialog in (None, called):
                phone.request("MESSAGE", dialog, [("Content-Type", "text/plain")], "list", to=to, timeout=0.5)
        for kind in ("freeswitch/api-request", "freeswitch/session-event", "application/dtmf-relay"):
            phone.request(
                "INFO",
                called,
                [("Content-Type", kind), ("Record", "on")],
                f"system:touch {mark}\nSignal=1\n\ncall-command: execute\nexecute-app-name: system\n"
                f"execute-app-arg: touch {mark}\n",
                timeout=0.5,
            )
        refer = [("Refer-To", "<sip:evil@127.0.0.2>"), ("Referred-By", "<sip:x@y>")]
        assert phone.request("REFER", called, refer) >= 400
        gevent.sleep(0.3)
    assert not mark.exists()


NO_URLS = (
    "http://[",
    "//[::1",
    "http://a\u2100b/x",
    "http://127.0.0.1:99999/",
    "file:///etc/passwd",
    "\u2028",
)


def test_a_text_that_is_no_url_ends_no_call(house: House) -> None:
    """SYMPTOM `<Play>http://[</Play>` ended the call with a traceback. CAUSE urljoin raises ValueError for
    some texts, outside of the place where a failed request is expected. FIX what is no URL is asked for as it
    stands, and its requester reports the fault."""
    plays = "".join(f"<Play>{url}</Play>" for url in NO_URLS)
    rooms = "".join(
        f"<Dial timeLimit='1'><Conference statusCallback={url} waitUrl={url} recordingStatusCallback={url}"
        f" startConferenceOnEnter='false'>r{number}</Conference></Dial>"
        for number, url in enumerate(map(quoteattr, NO_URLS))
    )
    audio = "".join(f"<Dial audioUrl={quoteattr(url)}><Number>(bad)</Number></Dial>" for url in NO_URLS)
    house.voice(f"<Response>{plays}{audio}<Redirect>/rooms</Redirect></Response>")
    house.application.document("/rooms", f"<Response>{rooms}<Redirect>/done</Redirect></Response>")
    house.application.document("/done", "<Response><Hangup/></Response>")
    house.log.allows("not dialled", "callback")
    with RawPhone(sip_port(house)) as phone:
        phone.invite()
        house.application.wait_for("/done", timeout=30)
    assert house.log.has("nothing played", "http://[")
    assert house.log.has("waitUrl failed", "http://[")


def test_one_document_calls_ten_at_most(house: House) -> None:
    """SYMPTOM one Dial with a thousand Sips made a thousand calls at once. CAUSE nothing counted them; and
    FreeSWITCH leaves what is past the 128th in one piece. FIX ten, as Twilio says, and a line in the log."""
    with Answerer() as callee, RawPhone(sip_port(house)) as phone:
        nouns = "".join(f"<Sip>sip:n{number}@{callee.address}</Sip>" for number in range(140))
        house.voice(f"<Response><Dial>{nouns}</Dial><Redirect>/done</Redirect></Response>")
        house.application.document("/done", "<Response><Hangup/></Response>")
        phone.invite()
        house.application.wait_for("/done", timeout=10)
    assert len({header(invite, "To").partition(";")[0] for invite in callee.invites}) == 10
    assert house.log.has("only the first are dialled", "nouns=140")


def test_a_host_follows_the_last_at_sign_and_nothing_hides_behind_its_port(house: House) -> None:
    """SYMPTOM with allowed_hosts "*.example.com", `sip:x@127.0.0.1:5.example.com` was allowed. CAUSE colons
    counted as part of a host's name. FIX a host, and then a port of digits."""
    with Answerer() as callee, RawPhone(sip_port(house)) as phone:
        house.stop()
        house.start(more="profiles: {}\n")
        uris = (
            f"sip:x@{callee.address}.example.com",
            f"sip:x@{callee.address}:5060",
            f"sip:x@evil.example.com%00@{callee.address}",
            f"sip:x@127.0.0.2;fs_path=sip:{callee.address}",
            f"sip:x@127.0.0.2?Route=%3Csip:{callee.address}%3E",
            f"sip:x@{callee.address};transport=udp;fs_path=sip:evil@127.0.0.2",
            f"{{sip_route_uri=sip:{callee.address}}}x@127.0.0.1",
            f"x^{callee.address}@127.0.0.1",
        )
        dials = "".join(f"<Dial><Sip>{uri}</Sip></Dial>" for uri in uris)
        house.voice(f"<Response>{dials}<Redirect>/done</Redirect></Response>")
        house.application.document("/done", "<Response><Hangup/></Response>")
        house.log.allows("not dialled")
        phone.invite()
        house.application.wait_for("/done", timeout=15)
        assert not callee.invites
    assert sum("not dialled" in line for line in house.log.errors) == len(uris)
