"""The files for FreeSWITCH, and what a real one does with them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from orchestrator import cli
from orchestrator.config import loads
from orchestrator.fsconfig.reload import reread
from orchestrator.fsconfig.render import render, write
from tests.docs.markdown import DOCS

CONFIGURATION = Path(__file__).parents[2] / "freeswitch-conf"
ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
GATEWAYS = (
    ACCOUNT
    + """trunks:
  carrier: {proxy: "127.0.0.1:9", username: 'a"<b>&c', password: '$${hostname}&"', register: false}
  existing: {sofia_gateway: x}
sip:
  networks: {here: [127.0.0.1], there: [127.0.0.3]}
profiles:
  full:
    rate: 16000
    interval: 40
    auto_energy_level: 400
    auto_energy_seconds: 3
    max_energy_level: 30000
    max_energy_level_mute_ms: 200
    auto_gain_level: 1000
    auto_gain_low_energy_level: 100
    auto_gain_margin: 20
    auto_gain_change_factor: 3
    auto_gain_period_len: 20
    comfort_noise: 300
    max_members: 5
    moh_sound: tone_stream://%(100,100,400)
    sounds: {muted: "tone_stream://%(100,0,300)"}
    member_flags: [mute-detect]
    conference_flags: [audio-always]
    caller_id_name: A & B
    heartbeat_period_secs: 20
    terminate_on_silence_secs: 600
    endconf_grace_secs: 5
"""
)
FREESWITCH = shutil.which("freeswitch") or shutil.which("freeswitch", path="/usr/local/freeswitch/bin")
GUARDS = {
    "app_disable_expand_variables": "true",
    "hangup_after_conference": "false",
    "playback_terminators": "none",
    "park_after_bridge": "false",
    "hangup_after_bridge": "false",
    "continue_on_fail": "true",
    "sip_copy_custom_headers": "false",
    "texml_guard": "1",
}


def test_the_committed_profiles_are_those_of_the_example() -> None:
    for name, content in render(loads(cli.example(), environ={})).items():
        assert (CONFIGURATION / name).read_text() == content, f"orchestrator render --into {CONFIGURATION}"


def test_a_gateway_is_rendered_where_it_has_a_proxy_and_its_values_are_escaped() -> None:
    files = render(loads(GATEWAYS))
    assert set(files) == {
        "configuration/conference.conf.xml",
        "sip_profiles/browser.xml",
        "sip_profiles/relay.xml",
        "sip_profiles/trunks/callers.xml",
        "sip_profiles/trunks/gateways.xml",
        "sip_profiles/trunks/nodes.xml",
    }
    (gateway,) = etree.fromstring(files["sip_profiles/trunks/gateways.xml"])
    found = {param.get("name"): param.get("value") for param in gateway}
    assert (found["username"], found["password"], found["register"]) == ('a"<b>&c', '$${hostname}&"', "false")


def test_nothing_rendered_is_filled_in_from_freeswitchs_variables() -> None:
    assert "$${" not in render(loads(GATEWAYS))["sip_profiles/trunks/gateways.xml"]


def test_the_profile_of_calls_from_the_console_is_there_where_the_settings_have_them() -> None:
    name = "sip_profiles/browser.xml"
    assert etree.fromstring(render(loads(GATEWAYS))[name].encode()).find("profile") is None
    text = render(loads(GATEWAYS + "web: {browser_calls: {enabled: true, port: 5077}}\n"))[name]
    profile = etree.fromstring(text.encode()).find("profile")
    params = {param.get("name"): param.get("value") for param in profile.iter("param")}
    assert (params["sip-ip"], params["sip-port"]) == ("$${event_socket_ip}", "5077")
    assert (params["bind-params"], params["apply-inbound-acl"]) == ("transport=ws", "event_socket")


@pytest.mark.parametrize(
    ("enabled", "status", "started"),
    [
        ("true", "texml\tprofile\tsip:x\tRUNNING (0)", True),
        ("true", "texml-browser\tprofile\tsip:x\tRUNNING (0)", False),
        ("false", "texml\tprofile\tsip:x\tRUNNING (0)", False),
    ],
)
def test_a_reload_starts_it_in_a_freeswitch_that_was_started_without(
    enabled: str, status: str, started: bool
) -> None:
    files = render(loads(GATEWAYS + f"web: {{browser_calls: {{enabled: {enabled}}}}}\n"))
    commands: list[str] = []

    def api(command: str) -> str:
        commands.append(command)
        return status if command == "sofia status" else "+OK"

    reread(files, files, "texml", api)
    assert ("sofia profile texml-browser start" in commands) == started


def test_files_are_written_whole_and_not_for_everybody(tmp_path: Path) -> None:
    written = write(render(loads(GATEWAYS)), tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "browser.xml",
        "callers.xml",
        "conference.conf.xml",
        "gateways.xml",
        "nodes.xml",
        "relay.xml",
    ]
    assert all(path.stat().st_mode & 0o007 == 0 for path in written)


def test_the_configuration_runs_no_command_and_knows_no_users() -> None:
    text = "".join(path.read_text() for path in CONFIGURATION.rglob("*.xml"))
    assert 'cmd="exec' not in text
    assert "<user " not in text


def test_every_variable_of_the_environment_is_documented() -> None:
    readme, names = (DOCS / "freeswitch.md").read_text(), []
    for line in (CONFIGURATION / "vars.xml").read_text().splitlines():
        if 'cmd="env-set"' in line:
            names.append(line.split("$")[1].split('"')[0])
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in readme] == []


def until(what: str, found: Callable[[], object], timeout: float = 10.0) -> object:
    """The first true answer; fails, naming what was waited for, after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout} s: {what}")


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Switch:
    """A FreeSWITCH of our own with this configuration, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        assert FREESWITCH is not None
        self.directory = directory
        self.port, self.sip_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        shutil.copytree(CONFIGURATION, directory / "conf")
        write(render(loads(GATEWAYS)), directory / "conf")
        command = [FREESWITCH, "-nonat", "-nf", "-nc", "-conf", str(directory / "conf")]
        for option in ("log", "db", "run", "temp"):
            (directory / option).mkdir()
            command += [f"-{option}", str(directory / option)]
        environment = os.environ | {
            "FS_EVENT_SOCKET_PORT": str(self.port),
            "FS_EVENT_SOCKET_PASSWORD": "hush-hush",
            "FS_SIP_PORT": str(self.sip_port),
            "FS_TAKE_WITHIN": "4",
            "FS_LOG_LEVEL": "info",
        }
        self.output = (directory / "output").open("wb")
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
        )

    def log(self) -> str:
        return (self.directory / "log" / "freeswitch.log").read_text(errors="replace")

    def command(self, command: str, password: str = "hush-hush") -> str:
        """One command over a connection of its own: the reply's text or body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.settimeout(10)
            stream = connection.makefile("rwb")
            self._reply(stream.readline, stream.read)
            for line in (f"auth {password}", command):
                stream.write(f"{line}\n\n".encode())
                stream.flush()
                reply = self._reply(stream.readline, stream.read)
                if reply.startswith("-ERR invalid"):
                    break
            return reply

    @staticmethod
    def _reply(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> str:
        headers = {}
        while line := readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        length = int(headers.get("Content-Length", 0))
        return read(length).decode() if length else headers.get("Reply-Text", "")

    def api(self, command: str) -> str:
        return self.command(f"api {command}").strip()

    def execute(self, uuid: str, application: str, argument: str) -> None:
        message = f"sendmsg {uuid}\ncall-command: execute\nexecute-app-name: {application}"
        assert self.command(f"{message}\nexecute-app-arg: {argument}").startswith("+OK")

    def ready(self) -> bool:
        assert self.process.poll() is None, f"FreeSWITCH ended: see {self.directory}"
        try:
            return self.api("status").startswith("UP") and "RUNNING" in self.api("sofia status")
        except OSError:
            return False

    def channels(self) -> list[str]:
        listed = json.loads(self.api("show channels as json"))
        return [row["uuid"] for row in listed.get("rows", [])]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.output.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    if FREESWITCH is None:
        pytest.skip("no freeswitch on the PATH or in /usr/local/freeswitch/bin")
    own = Switch(tmp_path_factory.mktemp("freeswitch"))
    try:
        until("FreeSWITCH is ready", own.ready, 30)
        yield own
    finally:
        own.stop()


class Caller:
    """A SIP caller (sipp) from an address of loopback; it hangs up a minute after the answer."""

    def __init__(self, own: Switch, directory: Path, address: str = "127.0.0.1") -> None:
        self.messages = directory / "messages"
        command = ["sipp", "-sn", "uac", f"127.0.0.1:{own.sip_port}", "-i", address, "-s", "+13125550001"]
        command += ["-m", "1", "-d", "60000", "-timeout", "90", "-nostdin", "-trace_msg"]
        command += ["-message_file", str(self.messages)]
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def statuses(self) -> list[int]:
        if not self.messages.exists():
            return []
        lines = self.messages.read_text(errors="replace").splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith("SIP/2.0 ")]

    def final(self) -> int:
        found = until("a final answer", lambda: [status for status in self.statuses() if status >= 200], 15)
        assert isinstance(found, list)
        return int(found[0])

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)


@pytest.fixture
def call(own: Switch, tmp_path: Path) -> Iterator[Callable[..., Caller]]:
    if shutil.which("sipp") is None:
        pytest.skip("no sipp on the PATH")
    callers: list[Caller] = []

    def place(address: str = "127.0.0.1") -> Caller:
        directory = tmp_path / str(len(callers))
        directory.mkdir()
        callers.append(Caller(own, directory, address))
        return callers[-1]

    yield place
    own.api("hupall")
    until("no call is left", lambda: not own.channels())
    for caller in callers:
        caller.stop()


def parked(own: Switch) -> str:
    """The one call there is, as soon as it is parked."""
    uuid = until("a call", own.channels)
    assert isinstance(uuid, list)
    until("the call is parked", lambda: own.api(f"uuid_getvar {uuid[0]} current_application") == "park")
    return str(uuid[0])


def taken(own: Switch) -> str:
    """The one call there is, taken as the orchestrator takes it: its time limit is cancelled."""
    uuid = parked(own)
    assert "Deleted: 1" in own.api(f"sched_del {uuid}")
    return uuid


def test_it_starts_without_an_error(own: Switch) -> None:
    faults = [line for line in own.log().splitlines() if "[ERR]" in line or "[CRIT]" in line]
    assert faults == []


def test_all_profiles_and_gateways_and_codecs_are_there(own: Switch) -> None:
    names = ("G.711 ulaw", "G.711 alaw", "G.722", "OPUS")
    # `show` reads a database that lags.
    until("the codecs are there", lambda: all(name in own.api("show codec") for name in names))
    gateway = own.api("sofia status gateway carrier")
    assert "sip:127.0.0.1:9" in gateway
    assert 'a"<b>&c' in gateway


def test_the_event_socket_wants_its_password(own: Switch) -> None:
    assert own.command("api status", password="ClueCon").startswith("-ERR invalid")


def test_a_call_is_parked_with_the_guards_set(own: Switch, call: Callable[..., Caller]) -> None:
    call()
    uuid = taken(own)
    assert {name: own.api(f"uuid_getvar {uuid} {name}") for name in GUARDS} == GUARDS


def test_a_call_from_any_other_address_is_refused(own: Switch, call: Callable[..., Caller]) -> None:
    assert call("127.0.0.2").final() == 403
    call("127.0.0.3")
    assert parked(own)


def test_a_call_that_nobody_takes_ends_with_503(own: Switch, call: Callable[..., Caller]) -> None:
    assert call().final() == 503


def test_a_call_that_was_taken_stays_also_when_it_comes_back_from_a_conference(
    own: Switch, call: Callable[..., Caller]
) -> None:
    """Symptom: calls ended some time after their conference. Cause: park_timeout stays armed in
    switch_ivr_park(). Fix: a scheduled hangup, which taking the call cancels.
    """
    caller = call()
    uuid = taken(own)
    own.execute(uuid, "conference", "c1@texml.default")
    until("the call is in the conference", lambda: own.api("conference c1 list count") == "1")
    assert caller.final() == 200
    own.api("conference c1 kick all")
    until("the conference is gone", lambda: "not found" in own.api("conference c1 list"))
    own.execute(uuid, "set", "back=yes")
    until("the call is back in park", lambda: own.api(f"uuid_getvar {uuid} back") == "yes")
    time.sleep(4.5)  # longer than FS_TAKE_WITHIN: that nothing happens can only be waited for
    assert own.api(f"uuid_exists {uuid}") == "true"


def test_a_profile_with_everything_in_it_is_taken_without_a_complaint(
    own: Switch, call: Callable[..., Caller]
) -> None:
    caller = call()
    uuid = taken(own)
    before = len(own.log())
    own.execute(uuid, "conference", "c2@texml.full")
    assert caller.final() == 200
    until("the call is in the conference", lambda: own.api("conference c2 list count") == "1")
    assert json.loads(own.api("conference c2 json_list"))[0]["rate"] == 16000
    complaints = [line for line in own.log()[before:].splitlines() if "[ERR]" in line or "[WARNING]" in line]
    assert complaints == []


@pytest.mark.parametrize("guard", ["true", "false"])
def test_a_function_in_an_argument_is_not_run_even_without_the_guard(
    own: Switch, call: Callable[..., Caller], guard: str, tmp_path: Path
) -> None:
    call()
    uuid = taken(own)
    own.api(f"uuid_setvar {uuid} app_disable_expand_variables {guard}")
    evil = f"${{system(touch {tmp_path}/ran)}}"
    own.execute(uuid, "playback", evil)
    own.execute(uuid, "set", f"after={evil}")
    until("both were executed", lambda: own.api(f"uuid_getvar {uuid} after") != "_undef_")
    assert not (tmp_path / "ran").exists()


def test_nobody_can_register(own: Switch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5)
        here = f"127.0.0.1:{phone.getsockname()[1]}"
        request = [
            "REGISTER sip:127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bKr1",
            "From: <sip:a@127.0.0.1>;tag=1",
            "To: <sip:a@127.0.0.1>",
            f"Call-ID: r1@{here}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:a@{here}>",
            "Expires: 60",
            "Content-Length: 0",
        ]
        phone.sendto("\r\n".join([*request, "", ""]).encode(), ("127.0.0.1", own.sip_port))
        assert phone.recv(4096).decode().split()[1] in ("401", "403", "405", "501")


NODES = """
freeswitch:
  nodes:
    - {name: a, relay: "10.0.0.11:5070", recordings_dir: /a/r, media_dir: /a/m}
    - {name: b, port: 8022, relay: "10.0.0.12:5071", recordings_dir: /b/r, media_dir: /b/m}
    - {name: c, port: 8023, relay: "[fd00::13]:5070", recordings_dir: /c/r, media_dir: /c/m}
"""


def test_each_of_several_nodes_takes_calls_of_the_others_alone() -> None:
    settings = loads(GATEWAYS.replace("freeswitch:", "was:") + NODES)
    for node in settings.freeswitch.nodes:
        assert node.relay is not None
        files = render(settings, node)
        profile = etree.fromstring(files["sip_profiles/relay.xml"].encode()).find("profile")
        params = {param.get("name"): param.get("value") for param in profile.iter("param")}
        assert (params["sip-ip"], params["sip-port"]) == (node.relay.host, str(node.relay.port))
        assert (params["apply-inbound-acl"], params["inbound-use-callid-as-uuid"]) == ("nodes", "true")
        allowed = {
            one.get("cidr") for one in etree.fromstring(files["sip_profiles/trunks/nodes.xml"].encode())
        }
        addresses = {"a": "10.0.0.11/32", "b": "10.0.0.12/32", "c": "fd00::13/128"}
        assert allowed == {address for name, address in addresses.items() if name != node.name}


def test_the_only_node_has_no_profile_for_others() -> None:
    files = render(loads(GATEWAYS))
    assert "<profile" not in files["sip_profiles/relay.xml"]
    assert "<node" not in files["sip_profiles/trunks/nodes.xml"]
