"""Twelve failures of an operator's day, each provoked, and each explained by one sentence of the timeline."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import gevent
import pytest

from orchestrator.calls import runner
from orchestrator.timeline.sentences import sentence
from orchestrator.verbs.announcements import Announcement
from tests.attacks.sip import RawPhone
from tests.lab.carrier import ADDRESS, USER, Carrier
from tests.lab.softphones import Rejects
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Answer, Application
from tests.scenarios.conftest import House, lived_in
from tests.sip.own_switch import OwnSwitch
from tests.sip.talker import FRAME_SECONDS, SILENCE, Talker
from tests.sound.common import until
from tests.timeline.reading import entries_of, rejected, sentences, wait_for

NUMBER, CALLER, CALLEE = "+13125550100", "+13125550001", "+13125550021"
REAL = pytest.mark.only("freeswitch")


class FewPorts(OwnSwitch):
    """For two calls, and no more."""

    def start(self, timeout: float = 30.0, *, sip: bool = True) -> None:
        first = self._media_ports.take()
        self.first_port = first if first % 2 == 0 else self._media_ports.take()
        super().start(timeout, sip=sip)

    def _environment(self) -> dict[str, str]:
        ports = {"FS_RTP_PORT_START": str(self.first_port), "FS_RTP_PORT_END": str(self.first_port + 3)}
        return super()._environment() | ports


@pytest.fixture
def narrow(application: Application, tmp_path: Path) -> Iterator[House]:
    """In front of a FreeSWITCH with RTP ports for two calls."""
    if reason := FreeSwitch.why_not():
        pytest.skip(reason)
    directory = tmp_path / "freeswitch"
    directory.mkdir()
    switch = FewPorts(directory, {})
    try:
        switch.open()
        switch.begin()
        with lived_in(switch, application, tmp_path) as house:
            yield house
    finally:
        switch.close()


def test_1_rtp_ports_gone(narrow: House) -> None:
    narrow.voice(narrow.joins())
    phones = [narrow.switch.call(NUMBER, from_=f"+1312555000{number}") for number in range(3)]
    hangup = wait_for(narrow, "call.hangup", reason="rtp-ports")
    text = sentence(hangup)
    assert text.startswith(
        "FreeSWITCH ended the call before it was answered: INCOMPATIBLE_DESTINATION, SIP 488. FreeSWITCH ran"
    )
    assert "FreeSWITCH ran out of RTP ports (rtp-start-port..rtp-end-port)." in text
    assert "Widen `rtp-start-port` and `rtp-end-port`" in text
    listed = wait_for(narrow, "call.rejected", rejected)
    assert "FreeSWITCH ran out of RTP ports" in sentence(listed)
    # Its own page says it once.
    assert listed.facts["page"] == hangup.call_sid
    assert sentences(entries_of(narrow, hangup.call_sid)).count("ran out of RTP ports") == 1
    refused = [phone for phone in phones if phone.state == "ended"]
    assert [phone.sip_status for phone in refused] == [488]


def test_1_rtp_ports_gone_for_a_dialled_call(narrow: House) -> None:
    narrow.switch.register(CALLEE)
    narrow.documents(
        {
            "+13125550000": narrow.joins(),
            "+13125550001": narrow.joins(),
            "+13125550002": f"<Response><Dial><Number>{CALLEE}</Number></Dial></Response>",
        }
    )
    for number in range(2):
        narrow.switch.call(NUMBER, from_=f"+1312555000{number}").wait_answered()
    narrow.switch.call(NUMBER, from_="+13125550002")
    wait_for(narrow, "call.hangup", reason="rtp-ports")


def test_2_a_receiver_that_answers_500(house: House) -> None:
    house.application.route("/broken", Answer("the database is down", status=500))
    house.voice(house.joins(statusCallback=house.application.url("/broken")))
    house.switch.call(NUMBER, from_=CALLER)
    first = sentence(wait_for(house, "callback.attempt", event="conference-start", attempt=1))
    assert "Callback conference-start to http://127.0.0.1" in first
    assert "attempt 1: answered 500 after " in first
    assert "with: the database is down. Tried again in " in first
    failed = sentence(wait_for(house, "callback.failed", event="conference-start"))
    assert "failed after 3 attempts: answered 500. " in failed
    assert "`orchestrator callbacks retry`" in failed
    assert len(house.application.to("/broken")) >= 3


def test_3_events_that_nobody_asked_for(house: House) -> None:
    house.voice(house.joins(statusCallbackEvent=""))
    house.switch.call(NUMBER, from_=CALLER)
    wait_for(house, "conference.join")
    text = sentence(wait_for(house, "document.warning"))
    assert "Warning in the document (line 1): <Conference statusCallback=" in text
    assert "has no effect without statusCallbackEvent" in text


def test_4_a_document_with_a_typo(house: House) -> None:
    house.voice("<Response>\n  <Say>Hello</Say>\n  <Dail>x</Dail>\n</Response>")
    house.switch.call(NUMBER, from_=CALLER)
    text = sentence(wait_for(house, "document.warning"))
    assert "Warning in the document (line 3): <Dail>" in text
    assert "Dial" in text


def test_4_a_document_that_is_not_well_formed(house: House) -> None:
    house.voice("<Response>\n  <Say>Hello</Sya>\n</Response>")
    phone = house.switch.call(NUMBER, from_=CALLER)
    failed = wait_for(house, "document.failed")
    assert (failed.facts["line"], failed.facts["outcome"], failed.level) == (2, "document", "error")
    house.log.allows("no instructions")
    assert "Document cannot be used" in sentence(failed)
    phone.wait_ended()
    end = sentence(wait_for(house, "call.hangup"))
    assert "The orchestrator hung up before it was answered: NORMAL_TEMPORARY_FAILURE, SIP 503" in end
    assert "Reason: no usable document, and no other fallback:" in end


def test_5_an_html_page(house: House) -> None:
    house.application.route("/voice", Answer("<!doctype html><title>Login to the shop</title>"))
    house.application.route("/fallback", Answer("<html><h1>Maintenance</h1></html>"))
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_ended()
    text = sentence(wait_for(house, "document.failed"))
    assert "the answer is an HTML page, not XML (status 200): Login to the shop" in text
    house.log.allows("no instructions")
    answer = wait_for(house, "document.answer")
    assert answer.body.startswith(b"<!doctype html>")
    end = sentence(wait_for(house, "call.hangup"))
    assert "the answer is an HTML page, not XML (status 200): Maintenance" in end


@REAL
def test_6_an_address_that_may_not_call(house: House) -> None:
    switch = cast(FreeSwitch, house.switch)
    acl = switch.conf_dir / "sip_profiles" / "trunks" / "callers.xml"
    allowed = acl.read_text()
    acl.write_text(allowed.replace('type="allow"', 'type="deny"'))
    switch.api("reloadacl reloadxml")
    try:
        with RawPhone(switch.sip_port) as phone:
            assert phone.invite().status == 403
            assert phone.invite().status == 403
        text = sentence(wait_for(house, "call.rejected", rejected, address="127.0.0.1"))
    finally:
        # The tests that follow have the same FreeSWITCH.
        acl.write_text(allowed)
        switch.api("reloadacl reloadxml")
    assert "from 127.0.0.1 refused with SIP 403: address 127.0.0.1 belongs to no trunk and no network" in text
    assert "To allow it, add the address to a trunk's `addresses` or to `sip.networks`" in text
    orchestrator = house.orchestrator
    assert orchestrator
    until(lambda: orchestrator.counters.calls["rejected", "address"] == 2, what="both are counted")
    assert len(rejected(house)) == 1


@REAL
def test_7_a_wrong_password(house: House, tmp_path: Path) -> None:
    carrier = Carrier(tmp_path / "carrier")
    try:
        carrier.wait_ready()
        address = f"{ADDRESS}:{carrier.sip_port}"
        house.stop()
        house.start()
        house.reload('["127.0.0.1"]', f'["127.0.0.1", "{ADDRESS}"]')
        sip = f'<Sip username="{USER}" password="not-the-one">sip:1234@{address}</Sip>'
        house.voice(f"<Response><Dial>{sip}</Dial></Response>")
        house.switch.call(NUMBER, from_=CALLER)
        dialled = wait_for(house, "call.hangup", reason="password")
        text = sentence(dialled)
        assert "CALL_REJECTED, SIP 403. The other side did not accept our user name and password" in text
        assert "User name and password are in the Sip noun, or in the trunk's settings." in text
        wait_for(house, "verb.end", verb="Dial")
        # Also in the call that dialled it, where somebody looks.
        assert sentence(wait_for(house, "call.callee")) == f"Call to sip:1234@{address} ended. {text}"
        assert "nobody was connected" in sentences(entries_of(house, _caller_of(house))).lower()
        assert "not-the-one" not in sentences(entries_of(house, _caller_of(house)))
        assert b"not-the-one" not in wait_for(house, "document.answer").body
    finally:
        carrier.stop()


def _caller_of(house: House) -> str:
    return wait_for(house, "call.arrived").call_sid


@REAL
def test_8_a_silent_phone(house: House) -> None:
    house.voice(house.joins())
    switch = cast(FreeSwitch, house.switch)
    with Talker(switch.sip_port) as phone:
        dialog = phone.invite()
        talking = phone.talk(dialog)
        wait_for(house, "conference.join")
        gevent.sleep(3)
        talking.kill()
        silent = wait_for(house, "media.silent", timeout=20)
        assert silent.level == "warning"
        text = sentence(silent)
        assert "Nothing has been received from the phone for " in text
        assert "the others cannot hear it" in text
        again = gevent.spawn(_speak, phone)
        wait_for(house, "media.heard", timeout=10)
        again.kill()
    quality = wait_for(house, "media.quality")
    assert int(str(quality.facts["packets_in"])) > 100
    assert "packets received" in sentence(quality)


def _speak(phone: Talker) -> None:
    while True:
        phone.send(phone._media, SILENCE)
        gevent.sleep(FRAME_SECONDS)


@pytest.mark.only("emulator")
def test_8_a_silent_emulated_phone(house: House) -> None:
    house.voice(house.joins())
    phone = house.switch.call(NUMBER, from_=CALLER)
    wait_for(house, "conference.join")
    phone.sends(False)
    assert "the others cannot hear it" in sentence(wait_for(house, "media.silent", timeout=15))
    phone.sends(True)
    wait_for(house, "media.heard", timeout=10)
    phone.hang_up()
    assert "packets received" in sentence(wait_for(house, "media.quality"))


@pytest.fixture
def tiny_disk(switch: Switch) -> Iterator[Path]:
    """The recordings' directory, on a disk of 128 KiB."""
    place = switch.recordings_dir
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@REAL
def test_9_the_disk_of_recordings_is_full(tiny_disk: Path, house: House) -> None:
    house.voice(house.joins(record="record-from-start", recordBeep="false"))
    house.log.allows("recording")
    house.log.allows("no recording")
    house.switch.call(NUMBER, from_=CALLER, sounds=700)
    wait_for(house, "recording.start")
    over = wait_for(house, "recording.completed", timeout=40)
    text = sentence(over)
    assert f"the disk of {tiny_disk} is full" in text
    assert "Free space there, or set recordings.retention_days." in text


def test_10_an_announcement_that_is_not_there(house: House) -> None:
    house.voice(house.joins())
    house.switch.call(NUMBER, from_=CALLER)
    joined = wait_for(house, "conference.join")
    orchestrator = house.orchestrator
    assert orchestrator
    url = house.application.url("/nothing-there.wav")
    conferences = orchestrator.services.conferences
    conferences.announce(joined.account_sid, joined.conference_sid, Announcement(url))
    text = sentence(wait_for(house, "conference.announcement", over=True))
    assert text == f"Announcement {url} was not played: {url}: answered 404 -."
    # Also in the calls of those that it was for.
    own = [entry for entry in entries_of(house, joined.call_sid) if entry.kind == "conference.announcement"]
    assert [sentence(entry) for entry in own] == [text]


def test_11_an_endless_redirect(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "QUICK_SECONDS", 0.1)
    house.voice("<Response><Redirect>/voice</Redirect></Response>")
    phone = house.switch.call(NUMBER, from_=CALLER)
    house.log.allows("documents lead in circles")
    phone.wait_ended(60)
    text = sentence(wait_for(house, "call.hangup"))
    assert "Reason: 50 documents in a row led on at once, without anything to hear or to dial." in text


def test_12_hung_up_while_the_document_was_fetched(house: House) -> None:
    house.application.route("/voice", Answer(hangs=True))
    phone = house.switch.call(NUMBER, from_=CALLER)
    wait_for(house, "document.request")
    phone.cancel()
    text = sentence(wait_for(house, "document.failed"))
    assert text.startswith("Document not used: the caller hung up while it was fetched after ")
    end = sentence(wait_for(house, "call.hangup"))
    assert end.startswith("The caller hung up before it was answered: ORIGINATOR_CANCEL, SIP 487")


def test_13_a_number_that_nobody_has(house: House) -> None:
    phone = house.switch.call("+15005550006", from_=CALLER)
    phone.wait_ended()
    text = sentence(wait_for(house, "call.rejected", rejected))
    assert "to +15005550006 from 127.0.0.1 refused with SIP 404: no application has number" in text
    assert "Add the number to `numbers` in the settings" in text


def test_14_an_overload(house: House) -> None:
    house.stop()
    house.start("admission: {max_calls: 1}")
    house.voice(house.joins())
    house.switch.call(NUMBER, from_=CALLER).wait_answered()
    refused = house.switch.call(NUMBER, from_="+13125550002")
    refused.wait_ended()
    text = sentence(wait_for(house, "call.rejected", rejected, reason="overload"))
    assert "refused with SIP 503: there is too much to do (admission.max_calls)" in text


def test_15_a_callee_that_is_busy(house: House) -> None:
    house.switch.register(CALLEE, Rejects(486))
    house.voice(f"<Response><Dial><Number>{CALLEE}</Number></Dial></Response>")
    house.switch.call(NUMBER, from_=CALLER)
    text = sentence(wait_for(house, "call.hangup", side="callee"))
    assert text == "The callee hung up before it was answered: USER_BUSY, SIP 486 (busy)."
    assert sentence(wait_for(house, "call.callee")) == f"Call to {CALLEE} ended. {text}"
