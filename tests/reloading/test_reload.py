"""A changed file is taken over by the process that runs: whole or not at all, and no call notices."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.lab.processes import die_with_parent
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.sound.common import until

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
NUMBER, NEW_NUMBER = "+13125550100", "+13125550200"
FIRST, SECOND, THIRD = "+13125550002", "+13125550003", "+13125550004"
ONE, TWO, TONE = 600, 1100, 1700

SETTINGS = """
freeswitch:
  nodes:
    - host: {host}
      port: {port}
      password: {password}
      recordings_dir: {recordings}
      media_dir: {media}
      {conf_dir}
accounts:
  - sid: {account}
    api_keys: [first-key, second-key]
applications:
  main: {{voice_url: {voice}}}
numbers:
  "{number}": main
web: {{listen: "127.0.0.1:{web}"}}
callbacks: {{database: {database}}}
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Process:
    """`orchestrator run`, and `orchestrator reload` beside it."""

    def __init__(self, switch: Switch, application: Application, directory: Path) -> None:
        self.switch, self.application = switch, application
        self.config = directory / "orchestrator.yaml"
        self.log = directory / "orchestrator.log"
        self._web = free_port()
        self._base = SETTINGS.format(
            host=switch.host,
            port=switch.port,
            password=switch.password,
            recordings=switch.recordings_dir,
            media=switch.media_dir,
            conf_dir=f"conf_dir: {switch.conf_dir}" if isinstance(switch, FreeSwitch) else "",
            voice=application.url("/voice"),
            account=ACCOUNT,
            number=NUMBER,
            web=self._web,
            database=directory / "orchestrator.sqlite",
        )
        self.write()

    def write(self, more: str = "") -> None:
        self.config.write_text(self._base + more)

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "run", "-c", str(self.config)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        until(self._is_ready, 60, "the orchestrator is ready")
        until(lambda: (self.config.parent / "orchestrator.reload").exists(), 10, "it can be asked to reload")

    def rest(self, key: str) -> int:
        """The status with which the REST API answers a client with this key."""
        connection = http.client.HTTPConnection("127.0.0.1", self._web, timeout=10)
        path = f"/v2/texml/Accounts/{ACCOUNT}/Conferences"
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        return connection.getresponse().status

    def _is_ready(self) -> bool:
        self.said()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self._web, timeout=2)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    def said(self) -> str:
        assert self._process.poll() is None, self.log.read_text()
        return self.log.read_text()

    def reload(self) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "orchestrator", "reload", "-c", str(self.config)]
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    def hang_up(self) -> None:
        os.kill(self._process.pid, signal.SIGHUP)

    def stop(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(15)
        self._process.kill()


@pytest.fixture
def process(switch: Switch, application: Application, tmp_path: Path) -> Iterator[Process]:
    process = Process(switch, application, tmp_path)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def joins(application: Application, room: str, path: str = "/voice") -> None:
    application.takes_callbacks("/events")
    application.document(
        path,
        f'<Response><Dial><Conference beep="false" statusCallback="{application.url("/events")}" '
        f'statusCallbackEvent="start end join leave">{room}</Conference></Dial></Response>',
    )


@pytest.mark.rather("freeswitch")
def test_a_new_number_application_and_profile_count_from_the_next_call_on_and_calls_go_on(
    process: Process,
) -> None:
    switch, application = process.switch, process.application
    joins(application, "old")
    joins(application, "new", "/other")
    one = switch.call(NUMBER, from_=FIRST, sounds=ONE)
    two = switch.call(NUMBER, from_=SECOND, sounds=TWO)
    one.wait_hears(TWO)
    two.wait_hears(ONE)
    refused = switch.call(NEW_NUMBER, from_=THIRD)
    refused.wait_ended()
    process.write(
        """
default_application: other
profiles: {crisp: {preset: hd, rate: 16000}}
profile_patterns: {"new*": crisp}
"""
    )
    process.config.write_text(
        process.config.read_text().replace(
            "numbers:", f"  other: {{voice_url: '{application.url('/other')}'}}\nnumbers:"
        )
    )
    answer = process.reload()
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "changed: applications.other, default_application, profiles.crisp" in answer.stdout
    assert one.hears_now(TWO)
    assert two.hears_now(ONE)
    three = switch.call(NEW_NUMBER, from_=THIRD, sounds=TONE)
    three.wait_answered()
    if isinstance(switch, FreeSwitch):
        until(lambda: len(_rates(switch)) == 2, what="the second conference")
        assert _rates(switch) == [8000, 16000]
    # One more comes into the old room, with the profile of before.
    four = switch.call(NUMBER, from_="+13125550005", sounds=None)
    four.wait_hears(ONE)
    assert [one.state, two.state] == ["answered", "answered"]
    for phone in (one, two, three, four):
        phone.hang_up()


def _rates(switch: Switch) -> list[int]:
    return sorted(room["rate"] for room in json.loads(switch.api("conference json_list") or "[]"))


@pytest.mark.rather("freeswitch")
def test_a_bad_file_changes_nothing_and_every_mistake_is_reported(process: Process) -> None:
    process.write("profiles: {a: {rate: 7}, b: {preset: x}}\n")
    answer = process.reload()
    assert answer.returncode == 2
    assert "profiles.a.rate" in answer.stderr
    assert "profiles.b.preset" in answer.stderr
    process.hang_up()
    until(lambda: process.said().count("settings not reloaded") == 2, what="a line for each mistake")
    process.write("default_application: main\n")
    process.hang_up()
    until(lambda: "changed: default_application" in process.said(), what="a good file counts")


@pytest.mark.rather("freeswitch")
def test_settings_that_need_a_restart_are_named_and_left(process: Process) -> None:
    process.write("fetch: {timeout_secs: 3}\n")
    answer = process.reload()
    assert answer.returncode == 0
    assert "left as they are, since they need a restart: fetch.timeout_secs" in answer.stdout


@pytest.mark.rather("freeswitch")
def test_another_file_than_the_one_that_runs_is_refused(process: Process, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(process.config.read_text())
    process.config, own = other, process.config
    answer = process.reload()
    assert answer.returncode == 1
    assert f"the orchestrator that runs has {own}" in answer.stderr


def test_where_none_runs_it_says_so(tmp_path: Path) -> None:
    config = tmp_path / "orchestrator.yaml"
    config.write_text("accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n")
    words = [sys.executable, "-m", "orchestrator", "reload", "-c", str(config)]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert "none runs on" in answer.stderr


@pytest.mark.only("freeswitch")
def test_files_that_freeswitch_does_not_take_are_put_back_and_the_rest_counts(process: Process) -> None:
    switch = process.switch
    assert isinstance(switch, FreeSwitch)
    conference = switch.conf_dir / "configuration" / "conference.conf.xml"
    before = conference.read_text()
    (switch.conf_dir / "dialplan" / "broken.xml").write_text('<include>\n<context name="x">\n</include>\n')
    process.write("profiles: {crisp: {preset: hd}}\ndefault_application: main\n")
    answer = process.reload()
    assert answer.returncode == 4
    assert "changed: default_application" in answer.stdout
    assert "FreeSWITCH does not read its files" in answer.stdout
    assert "profiles.crisp; they count when" in answer.stdout
    assert conference.read_text() == before
    (switch.conf_dir / "dialplan" / "broken.xml").unlink()
    assert process.reload().returncode == 0
    assert "crisp" in conference.read_text()


def test_a_key_can_be_withdrawn_while_freeswitch_is_down(process: Process) -> None:
    """Symptom: a stolen key opened everything until FreeSWITCH was up again. Cause: a reload was all or
    nothing, and FreeSWITCH could not be asked. Fix: what needs no FreeSWITCH counts without it."""
    assert process.rest("second-key") == 200
    process.switch.kill()
    until(lambda: "not connected" in process.said(), 20, "it has noticed")
    process.config.write_text(process.config.read_text().replace("[first-key, second-key]", "[first-key]"))
    answer = process.reload()
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "changed: accounts[0].api_keys" in answer.stdout
    assert "FreeSWITCH was not asked to read its files anew, and nothing of it has changed" in answer.stdout
    assert "second-key" not in answer.stdout + process.said()
    assert [process.rest("first-key"), process.rest("second-key")] == [200, 401]
    process.switch.start()


@pytest.mark.only("freeswitch")
def test_settings_of_freeswitch_wait_for_it_and_the_rest_counts_at_once(process: Process) -> None:
    switch, application = process.switch, process.application
    assert isinstance(switch, FreeSwitch)
    joins(application, "old")
    joins(application, "new", "/other")
    switch.kill()
    until(lambda: "not connected" in process.said(), 20, "it has noticed")
    process.write(
        """
profiles: {crisp: {preset: hd, rate: 16000}}
profile_patterns: {"new*": crisp}
trunks: {carrier: {proxy: '127.0.0.9:9001', username: u, password: hush-hush}}
admission: {max_calls: 7}
"""
    )
    process.config.write_text(
        process.config.read_text()
        .replace(
            "numbers:", f"  other: {{voice_url: '{application.url('/other')}', profile: crisp}}\nnumbers:"
        )
        .replace("[first-key, second-key]", "[first-key]")
        .replace(f'"{NUMBER}": main', f'"{NUMBER}": other')
    )
    answer = process.reload()
    assert answer.returncode == 4
    changed, waiting = (line for line in answer.stdout.splitlines() if line)
    assert changed == (
        "changed: accounts[0].api_keys, applications.other, numbers.13125550100, admission.max_calls"
    )
    assert waiting.startswith("waiting for FreeSWITCH, which keeps what it has (")
    keys = "applications.other.profile, profiles.crisp, profile_patterns.new*, trunks.carrier"
    assert f"): {keys}; they count when" in waiting
    assert process.rest("second-key") == 401
    assert "crisp" not in (switch.conf_dir / "configuration" / "conference.conf.xml").read_text()
    switch.start()
    until(lambda: f"taken by FreeSWITCH now: {keys}" in process.said(), 30, "it has taken it")
    until(process._is_ready, 20, "it is ready")
    assert "127.0.0.9:9001" in switch.api("sofia status gateway carrier")
    one = switch.call(NUMBER, from_=FIRST, sounds=ONE)
    until(lambda: _rates(switch) == [16000], 10, "the conference has the new profile")
    one.hang_up()
    assert "hush" not in answer.stdout + process.said()


@pytest.mark.only("freeswitch")
def test_a_profile_that_is_gone_stays_for_the_room_that_has_it(process: Process) -> None:
    """Symptom: who comes next is not let into the room. Cause: FreeSWITCH looks the profile up for each
    member. Fix: profiles of rooms stay rendered until the room is over."""
    switch = process.switch
    joins(process.application, "board one")
    process.write('profiles: {board: {rate: 16000}}\nprofile_patterns: {"board*": board}\n')
    assert process.reload().returncode == 0
    one = switch.call(NUMBER, from_=FIRST, sounds=ONE)
    one.wait_answered()
    until(lambda: _rates(switch) == [16000], what="the conference")
    for _twice in range(2):
        process.write()
        assert process.reload().returncode == 0
        gevent.sleep(0.1)
    two = switch.call(NUMBER, from_=SECOND, sounds=TWO)
    two.wait_hears(ONE)
    assert _rates(switch) == [16000]
    one.hang_up()
    two.hang_up()


@pytest.mark.only("freeswitch")
def test_trunks_and_allowed_callers_change_while_a_call_goes_on(process: Process) -> None:
    switch = process.switch
    joins(process.application, "board")
    one = switch.call(NUMBER, from_=FIRST, sounds=ONE)
    two = switch.call(NUMBER, from_=SECOND, sounds=TWO)
    one.wait_hears(TWO)
    for port in (9001, 9002):
        process.write(
            f"trunks: {{carrier: {{proxy: '127.0.0.9:{port}', username: u, password: hush-hush}}}}\n"
        )
        answer = process.reload()
        assert answer.returncode == 0
        assert "hush" not in answer.stdout + process.said()
        assert f"127.0.0.9:{port}" in switch.api("sofia status gateway carrier")
    # Nobody but the trunk may call now; who is in stays in.
    process.write("trunks: {carrier: {proxy: '127.0.0.9:9002'}}\nsip: {networks: {}}\n")
    assert process.reload().returncode == 0
    outsider = switch.call(NUMBER, from_=THIRD)
    outsider.wait_ended()
    assert outsider.sip_status == 403
    process.write()
    assert process.reload().returncode == 0
    assert "Invalid Gateway" in switch.api("sofia status gateway carrier")
    three = switch.call(NUMBER, from_=THIRD, sounds=TONE)
    one.wait_hears(TONE)
    assert one.hears_now(TWO)
    for phone in (one, two, three):
        phone.hang_up()
