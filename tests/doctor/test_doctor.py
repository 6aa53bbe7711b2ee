"""`orchestrator doctor` on both switches, well and with one thing broken at a time."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator import cli
from orchestrator.config import Settings
from orchestrator.doctor import call as call_checks
from orchestrator.doctor import context
from orchestrator.doctor.switch import DEFAULT_PASSWORD
from orchestrator.doctor.switch import password as password_check
from orchestrator.doctor.web import voice_urls
from orchestrator.esl import commands, ownership
from orchestrator.esl.ownership import VARIABLE, Owner
from orchestrator.from_settings import INSTALLATION
from orchestrator.fsconfig.render import render, write
from orchestrator.store.outbox import Outbox
from tests.doctor.conftest import DOCUMENT, SEED, SETTINGS, Examine, wrong
from tests.lab.emulated import Emulator
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.scenarios.conftest import House
from tests.sound.common import until


def test_where_all_is_well_nothing_is_wrong_and_nothing_is_left(examined: Examine, switch: Switch) -> None:
    found = examined()
    assert {name: finding for name, finding in found.items() if finding.state != "ok"} == {}
    assert {"connection", "call", "recordings_dir", "media_dir", "conference", "web server"} <= set(found)
    assert switch.leftovers(5) == []
    assert list(switch.recordings_dir.iterdir()) == []
    assert list(switch.media_dir.iterdir()) == []


def test_it_may_run_beside_the_orchestrator_which_leaves_its_call_alone(
    switch: Switch, application: Application, tmp_path: Path, examined: Examine
) -> None:
    from tests.scenarios.captured_log import CapturedLog

    house = House(switch, application, tmp_path, CapturedLog())
    house.start()
    try:
        house.voice(DOCUMENT)
        assert house.orchestrator is not None
        found = examined(web=house.orchestrator.web.port)
        assert wrong(found) == []
        assert "running orchestrator" in found["web server"].text
        assert f"this orchestrator: host {socket.gethostname()}, pid {os.getpid()}" in found["owner"].text
        assert switch.leftovers(5) == []
        asked = [request.fields["From"] for request in application.to("/voice")]
        assert asked == ["orchestrator-doctor"], "the voice URL is asked by the doctor, and by no call"
    finally:
        house.stop()


@pytest.mark.parametrize(
    ("age", "state", "words"),
    [
        (1, "wrong", "another orchestrator runs on this FreeSWITCH: host elsewhere, pid 4242"),
        (40, "note", "another one was killed, or hangs: host elsewhere, pid 4242"),
    ],
    ids=["lives", "dead"],
)
def test_a_freeswitch_that_another_orchestrator_owns(
    switch: Switch, examined: Examine, age: int, state: str, words: str
) -> None:
    now = int(switch.api("strepoch"))
    owner = Owner("other", "aaaa", 7, now - age, now - 3600, 4242, "elsewhere")
    switch.api(f"global_setvar {VARIABLE}={owner.value}")
    found = examined()["owner"]
    assert found.state == state
    assert found.text.startswith(words)
    assert found.remedy
    assert examined()["call"].state == "ok"


def test_one_with_a_copy_of_this_database_on_another_host(
    switch: Switch, examined: Examine, tmp_path: Path
) -> None:
    """Symptom: `this orchestrator`, and two acted on each call. Cause: a copy has the same identity."""
    outbox = Outbox(tmp_path / "orchestrator.sqlite")
    outbox.commit(put=[(INSTALLATION, "", b"ours")])
    outbox.close()
    now = int(switch.api("strepoch"))
    for host, state in (("elsewhere", "note"), (ownership.hostname(), "ok")):
        owner = Owner("ours", "aaaa", 7, now - 1, now - 3600, 4242, host)
        switch.api(f"global_setvar {VARIABLE}={owner.value}")
        assert examined()["owner"].state == state


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
    assert examined(seed="null, auth_token: secret")["signing key"].state == "ok"


def test_a_web_address_that_another_program_has(examined: Examine, application: Application) -> None:
    found = examined(web=application.port)
    assert wrong(found) == ["web server"]


def test_a_public_url_that_leads_elsewhere(examined: Examine, application: Application) -> None:
    found = examined(public=f', public_url: "{application.url("")}"')
    assert wrong(found) == ["public_url"]


def test_a_recordings_directory_that_is_another_one_there(examined: Examine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert wrong(examined(node=f", recordings_dir_on_freeswitch: {elsewhere}")) == ["recordings_dir"]
    assert wrong(examined(node=f", media_dir_on_freeswitch: {elsewhere}")) == ["media_dir"]


def test_a_directory_that_we_cannot_write(examined: Examine, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    found = examined(media=file / "media")
    assert wrong(found) == ["media_dir"]
    assert str(file) in found["media_dir"].text


def test_a_database_that_cannot_be_made(examined: Examine, tmp_path: Path) -> None:
    """Symptom: it can be written, says the doctor, and the orchestrator does not start. Cause: the nearest
    thing that exists was looked at, and a file can be written. Fix: it has to be a directory."""
    (tmp_path / "file").write_text("")
    found = examined(database=tmp_path / "file" / "orchestrator.sqlite")
    assert wrong(found) == ["database"]
    assert str(tmp_path / "file") in found["database"].text


def test_no_number_leads_to_an_application(settings: Callable[..., Settings]) -> None:
    for changes in (
        {"default_application": None},
        {"applications": {}, "default_application": None},
    ):
        found = list(voice_urls(settings().model_copy(update=changes)))
        assert found[-1].state == "wrong"
        assert found[-1].remedy.startswith("add ")


def test_the_password_that_everybody_knows_is_right_on_this_machine_only(
    settings: Callable[..., Settings],
) -> None:
    node = settings(password=DEFAULT_PASSWORD).freeswitch.nodes[0]
    assert password_check(node, None).state == "ok"
    assert password_check(node.model_copy(update={"host": "192.0.2.1"}), None).state == "wrong"


def test_profiles_of_other_settings(examined: Examine) -> None:
    found = examined(more="profiles: {default: {rate: 16000}, board: {}}")
    assert wrong(found) == ["profiles"]
    assert "missing: texml.board" in found["profiles"].text
    assert "not as in the settings: texml.default" in found["profiles"].text


def test_clocks_that_differ(examined: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    true = context.DoctorContext.clock
    monkeypatch.setattr(context.DoctorContext, "clock", lambda doctor: true(doctor) - 30)
    found = examined()
    assert wrong(found) == ["clock"]
    assert "s off ours" in found["clock"].text


@pytest.mark.rather("emulator")
@pytest.mark.parametrize(
    ("answer", "state"),
    [("FreeSWITCH Version 1.8.7-release", "wrong"), ("FreeSWITCH Version 1.11.0", "note"), ("?", "note")],
)
def test_a_version_that_we_do_not_know(
    examined: Examine, monkeypatch: pytest.MonkeyPatch, answer: str, state: str
) -> None:
    true = context.DoctorContext.api
    monkeypatch.setattr(
        context.DoctorContext,
        "api",
        lambda doctor, command: answer if command == "version" else true(doctor, command),
    )
    found = examined()["version"]
    assert found.state == state
    assert "1.10" in found.remedy


def change_dialplan(switch: Switch, old: str, new: str) -> None:
    if isinstance(switch, Emulator):
        core = switch.emulated.core
        core.dialplan = tuple((app, data.replace(old, new)) for app, data in core.dialplan)
        return
    assert isinstance(switch, FreeSwitch)
    path = switch.conf_dir / "dialplan" / "texml.xml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    switch.api("reloadxml")


def test_a_dialplan_without_the_guard_against_expansion(examined: Examine, switch: Switch) -> None:
    change_dialplan(switch, "app_disable_expand_variables=true", "nothing=1")
    found = examined()
    assert wrong(found) == ["dialplan"]
    assert "app_disable_expand_variables" in found["dialplan"].text


def test_a_dialplan_whose_calls_are_not_marked(examined: Examine, switch: Switch) -> None:
    change_dialplan(switch, "texml_guard=1", "nothing=1")
    found = examined()
    assert wrong(found) == ["dialplan", "call"]
    assert found["conference"].state == "skipped"
    assert switch.leftovers(5) == []


def test_a_dialplan_that_does_not_park(examined: Examine, switch: Switch) -> None:
    if isinstance(switch, Emulator):
        core = switch.emulated.core
        core.dialplan = tuple((app, data) for app, data in core.dialplan if app != "sched_hangup")
    else:
        assert isinstance(switch, FreeSwitch)
        path = switch.conf_dir / "dialplan" / "texml.xml"
        path.write_text(path.read_text().replace('"sched_hangup"', '"log"'))
        switch.api("reloadxml")
    found = examined()
    assert wrong(found)[0] == "dialplan"
    assert "does not park, or without a time limit" in found["dialplan"].text


@pytest.mark.only("freeswitch")
def test_a_dialplan_that_is_not_there(examined: Examine, switch: FreeSwitch) -> None:
    (switch.conf_dir / "dialplan" / "texml.xml").unlink()
    (switch.conf_dir / "dialplan" / "another.xml").write_text("<include/>")
    switch.api("reloadxml")
    found = examined()
    assert wrong(found) == ["dialplan", "call"]
    assert "there is no context texml" in found["dialplan"].text
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
@pytest.mark.parametrize(
    ("module", "text"),
    [("mod_flite", "<Say>"), ("mod_shout", "MP3"), ("mod_loopback", "orchestrator doctor")],
)
def test_a_module_that_a_real_freeswitch_has_not_loaded(
    examined: Examine, switch: FreeSwitch, module: str, text: str
) -> None:
    switch.api(f"unload {module}")
    try:
        found = examined()
    finally:
        switch.api(f"load {module}")
    assert wrong(found) == []
    assert found["modules"].state == "note"
    assert module in found["modules"].text
    assert text in found["modules"].text
    assert {found[name].state for name in call_checks.CHECKS} == {
        "skipped" if module == "mod_loopback" else "ok"
    }


@pytest.mark.only("freeswitch")
def test_a_gateway_that_freeswitch_does_not_know_and_one_that_is_not_registered(
    examined: Examine, settings: Callable[..., Settings], switch: FreeSwitch, closed_port: int
) -> None:
    trunk = f"{{proxy: '127.0.0.1:{closed_port}', username: u, password: hush-hush%s}}"
    there, registers = (f"trunks: {{carrier: {trunk % more}}}" for more in ("", ", register: true"))
    try:
        for more, problem in ((there, ""), (registers, "is down or not registered")):
            switch.api("sofia profile texml killgw carrier")
            until(lambda: "Invalid Gateway" in switch.api("sofia status gateway carrier"), what="it is gone")
            found = examined(more=more)
            assert wrong(found) == ["outbound trunks"]
            assert "does not know the gateway carrier" in found["outbound trunks"].text
            write(render(settings(more=more)), switch.conf_dir)
            switch.api("reloadxml")
            switch.api("sofia profile texml rescan")
            until(lambda: "Proxy" in switch.api("sofia status gateway carrier"), what="it is known")
            found = examined(more=more)
            assert wrong(found) == (["outbound trunks"] if problem else [])
            assert problem in found["outbound trunks"].text
            assert "hush" not in str(found)
            switch.restore()
    finally:
        switch.api("sofia profile texml killgw carrier")


@pytest.mark.only("freeswitch")
def test_a_sip_profile_that_is_not_there(examined: Examine) -> None:
    found = examined(more="sip: {profile: elsewhere, allowed_hosts: ['sip.example.com']}")
    assert wrong(found) == ["SIP profile"]
    assert found["SIP profile"].text == "FreeSWITCH has no SIP profile elsewhere"


@pytest.mark.only("freeswitch")
def test_a_directory_that_freeswitch_cannot_write(examined: Examine, switch: FreeSwitch) -> None:
    shutil.rmtree(switch.recordings_dir)
    switch.recordings_dir.parent.joinpath("not-a-directory").write_text("")
    found = examined(node=f", recordings_dir_on_freeswitch: {switch.recordings_dir.parent}/not-a-directory/x")
    switch.recordings_dir.mkdir(exist_ok=True)
    assert wrong(found) == ["recordings_dir"]


@pytest.mark.only("freeswitch")
def test_a_directory_on_a_full_disk(examined: Examine, switch: FreeSwitch) -> None:
    with full_disk(switch.recordings_dir):
        found = examined()
    assert wrong(found) == ["recordings_dir"]
    assert "0 MB left" in found["recordings_dir"].text


@contextmanager
def full_disk(directory: Path) -> Iterator[None]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k,mode=0777", "tmpfs", directory],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        (directory / "all-there-is").write_bytes(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


@pytest.mark.only("freeswitch")
def test_a_conference_that_does_not_end(
    examined: Examine, switch: FreeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_checks, "WAIT_SECONDS", 4.0)

    kill = commands.kill

    def somebody_else_joins_first(leg: str) -> str:
        assert switch.api(f"originate null/stays &conference(doctor-{leg})").startswith("+OK")
        return kill(leg)

    monkeypatch.setattr(commands, "kill", somebody_else_joins_first)
    found = examined()
    switch.api("hupall")
    assert (wrong(found), found["conference"].state) == ([], "note")
    assert "did not end" in found["conference"].text


@pytest.mark.only("freeswitch")
def test_a_switch_that_stops_answering(
    examined: Examine, switch: FreeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = context.DoctorContext.api

    def freeze_first(doctor: context.DoctorContext, command: str) -> str:
        switch.freeze()
        return ask(doctor, command)

    monkeypatch.setattr(context.DoctorContext, "api", freeze_first)
    try:
        found = examined(node=", command_timeout_secs: 1")
    finally:
        switch.thaw()
    assert any("FreeSWITCH did not answer" in finding.text for finding in found.values())


@pytest.fixture
def command(
    switch: Switch, application: Application, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, list[str]]]:
    """The command with this password: its exit code and lines."""
    application.document("/voice", DOCUMENT)
    values = {"port": switch.port, "seed": SEED, "voice": application.url("/voice"), "web": 0, "more": ""}
    values |= {"recordings": switch.recordings_dir, "media": switch.media_dir, "node": "", "public": ""}
    values |= {"database": tmp_path / "orchestrator.sqlite"}
    path = tmp_path / "orchestrator.yaml"

    def run(password: str) -> tuple[int, list[str]]:
        path.write_text(SETTINGS.format(**values, password=password))
        code = cli.main(["doctor", "-c", str(path)])
        return code, capsys.readouterr().out.splitlines()

    return run


def test_the_command_prints_a_line_a_check_and_its_exit_code_says_whether_all_is_well(
    command: Callable[[str], tuple[int, list[str]]],
) -> None:
    began = time.monotonic()
    code, lines = command("guessed")
    assert code == 1
    assert time.monotonic() - began < 30
    assert any(line.startswith("wrong   password: ") and " -> " in line for line in lines)
    skipped = [line for line in lines if line.startswith("skipped ")]
    assert len(skipped) > 5
    assert lines[-1] == f"1 of {len(lines) - 1} checks found something wrong, {len(skipped)} were skipped"


def test_where_nothing_is_wrong_and_nothing_was_skipped_it_says_both(
    command: Callable[[str], tuple[int, list[str]]], examined: Examine, switch: Switch
) -> None:
    code, lines = command(switch.password)
    assert (code, lines[-1]) == (0, "nothing is wrong, none was skipped"), lines


def test_settings_that_are_wrong_are_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "orchestrator.yaml"
    path.write_text("accounts: []\n")
    assert cli.main(["doctor", "-c", str(path)]) == 2
