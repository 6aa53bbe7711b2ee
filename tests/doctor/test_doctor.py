"""`orchestrator doctor` on both switches, well and with one thing broken at a time."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from orchestrator import cli
from orchestrator.config import Settings, loads
from orchestrator.doctor import Finding, examine
from orchestrator.doctor import call as call_checks
from orchestrator.doctor import patient as patients
from orchestrator.freeswitch.profiles import conference_conf
from tests.lab.emulated import Emulator
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.scenarios.conftest import House

SETTINGS = """
freeswitch:
  nodes:
    - {{port: {port}, password: {password}, recordings_dir: {recordings}, media_dir: {media}{node}}}
accounts: [{{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, signing_key: {seed}}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"{public}}}
callbacks: {{database: {database}}}
{more}
"""
SEED = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
DOCUMENT = "<Response><Dial><Conference>Room</Conference></Dial></Response>"
Examine = Callable[..., dict[str, Finding]]


@pytest.fixture
def settings(switch: Switch, application: Application, tmp_path: Path) -> Callable[..., Settings]:
    application.document("/voice", DOCUMENT)

    def make(**changes: object) -> Settings:
        values = {
            "port": switch.port,
            "password": switch.password,
            "recordings": switch.recordings_dir,
            "media": switch.media_dir,
            "node": "",
            "seed": SEED,
            "voice": application.url("/voice"),
            "web": 0,
            "public": "",
            "database": tmp_path / "orchestrator.sqlite",
            "more": "",
        } | changes
        return loads(SETTINGS.format(**values))

    return make


@pytest.fixture
def examined(settings: Callable[..., Settings], switch: Switch) -> Examine:
    """Findings by their check: of several the worst."""
    if isinstance(switch, Emulator):
        profiles = etree.tostring(conference_conf(settings().profiles)).decode()
        switch.emulated.core.conference_conf = profiles

    def run(**changes: object) -> dict[str, Finding]:
        found: dict[str, Finding] = {}
        order = ("skipped", "ok", "note", "wrong")
        for finding in examine(settings(**changes)):
            before = found.get(finding.check)
            if before is None or order.index(finding.state) >= order.index(before.state):
                found[finding.check] = finding
        return found

    return run


def wrong(found: dict[str, Finding]) -> list[str]:
    return [name for name, finding in found.items() if finding.state == "wrong"]


def test_where_all_is_well_nothing_is_wrong_and_nothing_is_left(examined: Examine, switch: Switch) -> None:
    found = examined()
    assert {name: finding for name, finding in found.items() if finding.state != "ok"} == {}
    assert {"connection", "call", "recordings_dir", "media_dir", "conference", "web address"} <= set(found)
    assert switch.leftovers(5) == []
    assert list(switch.recordings_dir.iterdir()) == []
    assert list(switch.media_dir.iterdir()) == []


def test_it_may_run_beside_the_orchestrator_which_leaves_its_call_alone(
    switch: Switch, application: Application, tmp_path: Path, examined: Examine
) -> None:
    from tests.scenarios.journal import Journal

    house = House(switch, application, tmp_path, Journal())
    house.start()
    try:
        house.voice(DOCUMENT)
        assert house.orchestrator is not None
        found = examined(web=house.orchestrator.web.port)
        assert wrong(found) == []
        assert "running orchestrator" in found["web address"].text
        assert switch.leftovers(5) == []
        asked = [request.fields["From"] for request in application.to("/voice")]
        assert asked == ["orchestrator-doctor"], "the voice URL is asked by the doctor, and by no call"
    finally:
        house.stop()


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_no_event_socket(examined: Examine, closed_port: int) -> None:
    found = examined(port=closed_port)
    assert wrong(found) == ["connection"]
    assert str(closed_port) in found["connection"].text
    assert found["connection"].remedy
    assert "password" not in found
    assert found["call"].state == "skipped"


def test_another_password(examined: Examine) -> None:
    found = examined(password="guessed")
    assert wrong(found) == ["password"]
    assert "guessed" not in str(found)


def test_no_voice_url_answers(examined: Examine, application: Application, closed_port: int) -> None:
    name = "voice URL of main"
    for voice in (f"http://127.0.0.1:{closed_port}/", application.url("/nowhere")):
        found = examined(voice=voice)
        assert wrong(found) == [name]
    application.route("/voice", "<html>Please log in</html>")
    assert wrong(examined()) == [name]
    application.document("/voice", "<Response><Conference/></Response>")
    assert examined()[name].state == "note"


def test_a_voice_url_where_calls_may_not_fetch(examined: Examine) -> None:
    found = examined(more="network: {private_addresses: refuse}")
    assert wrong(found) == ["voice URL of main"]


def test_callbacks_that_are_not_signed(settings: Callable[..., Settings], examined: Examine) -> None:
    found = examined(seed="null")
    assert wrong(found) == []
    assert found["signing key"].state == "note"


def test_a_web_address_that_another_program_has(examined: Examine, application: Application) -> None:
    found = examined(web=application.port)
    assert wrong(found) == ["web address"]


def test_a_public_url_that_leads_elsewhere(examined: Examine, application: Application) -> None:
    found = examined(public=f', public_url: "{application.url("")}"')
    assert wrong(found) == ["public_url"]


def test_a_recordings_directory_that_is_another_one_there(examined: Examine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert wrong(examined(node=f", recordings_dir_there: {elsewhere}")) == ["recordings_dir"]
    assert wrong(examined(node=f", media_dir_there: {elsewhere}")) == ["media_dir"]


def test_a_directory_that_we_cannot_write(examined: Examine, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    found = examined(media=file / "media")
    assert wrong(found) == ["media_dir"]
    assert str(file) in found["media_dir"].text


def test_profiles_of_other_settings(examined: Examine) -> None:
    found = examined(more="profiles: {default: {rate: 16000}, board: {}}")
    assert wrong(found) == ["profiles"]
    assert "missing: texml.board" in found["profiles"].text
    assert "not as in the settings: texml.default" in found["profiles"].text


def test_clocks_that_differ(examined: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    true = patients.Patient.clock
    monkeypatch.setattr(patients.Patient, "clock", lambda patient: true(patient) - 30)
    found = examined()
    assert wrong(found) == ["clock"]
    assert "s off ours" in found["clock"].text


def change_dialplan(switch: Switch, old: str, new: str) -> None:
    if isinstance(switch, Emulator):
        core = switch.emulated.core
        core.dialplan = tuple(
            (app, new if data == old else data) for app, data in core.dialplan if new or data != old
        )
        return
    assert isinstance(switch, FreeSwitch)
    path = switch.conf_dir / "dialplan" / "texml.xml"
    line = f'<action application="set" data="{old}"/>'
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, line.replace(old, new) if new else ""))
    switch.api("reloadxml")


def test_a_dialplan_without_the_guard_against_expansion(examined: Examine, switch: Switch) -> None:
    change_dialplan(switch, "app_disable_expand_variables=true", "")
    found = examined()
    assert wrong(found) == ["dialplan"]
    assert "app_disable_expand_variables" in found["dialplan"].text


def test_a_dialplan_whose_calls_are_not_marked(examined: Examine, switch: Switch) -> None:
    change_dialplan(switch, "texml_guard=1", "")
    found = examined()
    assert wrong(found) == ["dialplan", "call"]
    assert found["conference"].state == "skipped"
    assert switch.leftovers(5) == []


@pytest.mark.only("emulator")
@pytest.mark.parametrize(
    ("module", "state", "text"),
    [
        ("mod_flite", "note", "<Say>"),
        ("mod_shout", "note", "MP3"),
        ("mod_conference", "wrong", "<Conference>"),
    ],
)
def test_a_module_that_is_missing(
    examined: Examine, switch: Emulator, module: str, state: str, text: str
) -> None:
    switch.emulated.core.modules -= {module}
    found = examined()["modules"]
    assert found.state == state
    assert module in found.text
    assert text in found.text


@pytest.mark.only("emulator")
def test_without_loopback_no_call_is_made(examined: Examine, switch: Emulator) -> None:
    switch.emulated.core.modules -= {"mod_loopback"}
    found = examined()
    assert wrong(found) == []
    assert {found[name].state for name in call_checks.CHECKS} == {"skipped"}
    assert "load mod_loopback" in found["call"].text


@pytest.mark.only("freeswitch")
def test_a_directory_that_freeswitch_cannot_write(examined: Examine, switch: FreeSwitch) -> None:
    shutil.rmtree(switch.recordings_dir)
    switch.recordings_dir.parent.joinpath("not-a-directory").write_text("")
    found = examined(node=f", recordings_dir_there: {switch.recordings_dir.parent}/not-a-directory/x")
    switch.recordings_dir.mkdir(exist_ok=True)
    assert wrong(found) == ["recordings_dir"]


def test_the_command_prints_a_line_a_check_and_its_exit_code_says_whether_all_is_well(
    switch: Switch, application: Application, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    application.document("/voice", DOCUMENT)
    values = {"port": switch.port, "seed": SEED, "voice": application.url("/voice"), "web": 0, "more": ""}
    values |= {"recordings": switch.recordings_dir, "media": switch.media_dir, "node": "", "public": ""}
    values |= {"database": tmp_path / "orchestrator.sqlite", "password": "guessed"}
    path = tmp_path / "orchestrator.yaml"
    path.write_text(SETTINGS.format(**values))
    began = time.monotonic()
    assert cli.main(["doctor", "-c", str(path)]) == 1
    assert time.monotonic() - began < 30
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("wrong   password: ") and " -> " in line for line in lines)
    assert lines[-1].startswith("1 of ")
    path.write_text("accounts: []\n")
    assert cli.main(["doctor", "-c", str(path)]) == 2
