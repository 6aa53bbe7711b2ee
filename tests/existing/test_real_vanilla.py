"""A real FreeSWITCH with its vanilla configuration, to which our part was added."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator import cli
from orchestrator.app import Orchestrator
from orchestrator.config import load
from tests.attacks.sip import RawPhone
from tests.existing.vanilla import Vanilla
from tests.lab.web import Application

NUMBER = "+13125550100"
DOCUMENT = "<Response><Dial><Conference>Room</Conference></Dial></Response>"
SETTINGS = """
freeswitch:
  nodes:
    - {{port: {port}, password: {password}, recordings_dir: recordings, media_dir: media}}
accounts: [{{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}}]
applications: {{main: {{voice_url: "{voice}"}}}}
numbers: {{"{number}": main}}
default_application: main
web: {{listen: "127.0.0.1:0"}}
callbacks: {{database: calls.sqlite}}
"""


def until(what: str, found: Callable[[], object], timeout: float = 20.0) -> None:
    with gevent.Timeout(timeout, AssertionError(f"not within {timeout} s: {what}")):
        while not found():
            gevent.sleep(0.05)


@pytest.fixture
def vanilla(tmp_path: Path, application: Application) -> Iterator[Vanilla]:
    if reason := Vanilla.why_not():
        pytest.skip(reason)
    settings = tmp_path / "orchestrator.yaml"
    # Its port is chosen when it starts; what is rendered does not depend on it.
    values = {"password": Vanilla.password, "voice": application.url("/voice"), "number": NUMBER}
    settings.write_text(SETTINGS.format(port=8021, **values))
    switch = Vanilla(tmp_path / "freeswitch", settings)
    try:
        switch.open()
        settings.write_text(SETTINGS.format(port=switch.port, **values))
        yield switch
    finally:
        switch.close()


def applications(vanilla: Vanilla) -> list[str]:
    listed = json.loads(vanilla.api("show channels as json"))
    return [row["application"] for row in listed.get("rows", [])]


def conferences(vanilla: Vanilla) -> list[str]:
    listed = vanilla.api("conference json_list").strip()
    return [row["conference_name"] for row in json.loads(listed)] if listed.startswith("[") else []


def test_its_own_extensions_work_and_calls_to_ours_come_into_a_conference(
    vanilla: Vanilla, application: Application
) -> None:
    assert {"internal", "external", "texml"} <= {
        line.split()[0] for line in vanilla.api("sofia status").splitlines() if "profile" in line
    }
    vanilla.api("bgapi originate loopback/9196/default &park")
    until("the vanilla echo test runs", lambda: "echo" in applications(vanilla))
    vanilla.api("bgapi originate loopback/3000/default &park")
    until("the vanilla conference is there", lambda: conferences(vanilla))
    assert conferences(vanilla)[0].startswith("3000-")
    vanilla.api("hupall")
    until("they are gone", lambda: not vanilla.leftovers())

    application.document("/voice", DOCUMENT)
    orchestrator = Orchestrator(load(vanilla.settings))
    orchestrator.start()
    try:
        assert orchestrator.wait_ready(10)
        with RawPhone(vanilla.sip_port) as raw:
            statuses = raw.invite(NUMBER, timeout=15).statuses
        assert next(status for status in statuses if status > 100) == 180, "it rings first"
        until("it is gone", lambda: not vanilla.leftovers())
        phone = vanilla.call("anything", sounds=440)
        phone.wait_answered(15)
        until("our conference is there", lambda: len(conferences(vanilla)) == 1)
        # From the vanilla contexts to ours.
        for context in ("public", "default"):
            vanilla.api(f"bgapi originate loopback/{NUMBER}/{context} &playback(silence_stream://-1)")
        members = "conference json_list"
        until("both are in it", lambda: json.loads(vanilla.api(members))[0]["member_count"] == 3)
        assert len(conferences(vanilla)) == 1
        phone.hang_up()
        vanilla.api("hupall")
        until("nothing is left", lambda: not vanilla.leftovers())
    finally:
        orchestrator.stop(2)
    assert {request.fields["To"] for request in application.to("/voice")} == {"anything", NUMBER}


def test_the_allowed_callers_change_by_a_render_and_a_reload_while_a_call_goes_on(
    vanilla: Vanilla, application: Application
) -> None:
    """Symptom: a network that is no longer in the settings still calls. Cause: beside the vanilla
    configuration our SIP profile names the addresses itself, and a reload had it read only where gateways
    differ. Fix: also where callers do."""

    def render_and_reload() -> None:
        words = ["render", "-c", str(vanilla.settings), "--into", str(vanilla.conf_dir), "--yes"]
        assert cli.main(words) == 0
        assert orchestrator.reloader.reload(lambda: load(vanilla.settings)).problems == ()

    application.document("/voice", DOCUMENT)
    settings = vanilla.settings.read_text()
    orchestrator = Orchestrator(load(vanilla.settings))
    orchestrator.start()
    try:
        assert orchestrator.wait_ready(10)
        phone = vanilla.call("anything", sounds=440)
        phone.wait_answered(15)
        vanilla.settings.write_text(settings + "sip: {networks: {office: [192.0.2.0/24]}}\n")
        render_and_reload()
        outsider = vanilla.call("anything", from_="+13125550009")
        outsider.wait_ended(15)
        assert outsider.sip_status == 403
        vanilla.settings.write_text(settings)
        render_and_reload()
        another = vanilla.call("anything", from_="+13125550009", sounds=700)
        another.wait_answered(15)
        phone.wait_hears(700, 10)
        phone.hang_up()
        another.hang_up()
        until("nothing is left", lambda: not vanilla.leftovers())
    finally:
        orchestrator.stop(2)
