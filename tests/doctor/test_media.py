"""RTP ports, sessions and the advertised address: too few, or another machine's."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.config import Settings, loads
from orchestrator.doctor import run_checks
from orchestrator.doctor.media import Addresses, is_ours, judged, own_address
from tests.doctor.conftest import SEED, SETTINGS, Examine, wrong
from tests.lab.emulated import Emulator
from tests.lab.web import Application
from tests.sip.own_switch import OwnSwitch, own_switch
from tests.sound.common import until

OFFICE = "sip: {networks: {office: [192.0.2.0/24]}}"


@pytest.mark.only("emulator")
@pytest.mark.parametrize(
    ("ports", "calls", "more", "state", "words"),
    [
        ((20000, 20019), 10, "", "ok", "10 legs, and max_calls is 10"),
        (
            (20000, 20019),
            11,
            "",
            "wrong",
            "ports 20000 to 20019 are enough for 10 legs, and max_calls is 11",
        ),
        ((20001, 20020), 10, "", "ok", "10 legs"),
        ((20000, 20019), 10, "sip: {allowed_hosts: [a.example]}", "note", "takes one more"),
        ((20000, 20039), 10, "sip: {allowed_hosts: [a.example]}", "ok", "20 legs"),
    ],
    ids=["just enough", "one too few", "from an odd one", "those dialled have none", "for those dialled too"],
)
def test_rtp_ports_for_the_calls_that_are_allowed(
    examined: Examine, switch: Emulator, ports: tuple[int, int], calls: int, more: str, state: str, words: str
) -> None:
    switch.emulated.core.rtp_ports = ports
    found = examined(more=f"admission: {{max_calls: {calls}}}\n{more}")
    assert (found["RTP ports"].state, wrong(found)) == (state, ["RTP ports"] if state == "wrong" else [])
    assert words in found["RTP ports"].text
    if state == "wrong":
        assert found["RTP ports"].remedy.startswith("FS_RTP_PORT_START and FS_RTP_PORT_END 22 ports apart")


@pytest.mark.only("emulator")
def test_fewer_sessions_than_calls_are_allowed(examined: Examine, switch: Emulator) -> None:
    switch.emulated.core.max_sessions = 200
    found = examined()
    assert wrong(found) == ["sessions"]
    assert found["sessions"].text == "FreeSWITCH takes 200 at most, and max_calls is 250"
    assert found["sessions"].remedy.startswith("FS_MAX_SESSIONS")


@pytest.mark.only("emulator")
@pytest.mark.parametrize(
    ("addresses", "more", "state", "words"),
    [
        (("127.0.0.1", "127.0.0.1"), "", "ok", "to 127.0.0.1"),
        (("127.0.0.1", "127.0.0.1"), OFFICE, "wrong", "on other machines is themselves"),
        (("127.0.0.1", "10.255.255.77"), "", "wrong", "10.255.255.77, which is not this machine's"),
        (("127.0.0.1", "0.0.0.0"), "", "wrong", "which is no address"),
        (("127.0.0.1", "media.example.com"), "", "skipped", "is no address that can be judged"),
    ],
)
def test_an_advertised_address_that_is_not_ours(
    examined: Examine, switch: Emulator, addresses: tuple[str, str], more: str, state: str, words: str
) -> None:
    switch.emulated.core.media_addresses = addresses
    found = examined(more=more)
    assert (found["media address"].state, wrong(found)) == (
        state,
        ["media address"] if state == "wrong" else [],
    )
    assert words in found["media address"].text
    if state == "wrong":
        assert "FS_EXTERNAL_RTP_IP" in found["media address"].remedy
        assert own_address() in found["media address"].remedy


def test_a_router_s_address_is_a_note_and_freeswitch_elsewhere_is_not_judged() -> None:
    behind_nat = judged(Addresses(own_address(), "8.8.8.8"), others=True, here=True)
    assert behind_nat.state == "note"
    assert "right if a router has it" in behind_nat.text
    elsewhere = judged(Addresses("10.255.255.77", "10.255.255.77"), others=True, here=False)
    assert elsewhere.state == "ok"
    assert "FreeSWITCH runs on another machine" in elsewhere.text


def test_the_addresses_of_this_machine() -> None:
    assert is_ours("127.0.0.1")
    assert is_ours(own_address())
    assert not is_ours("10.255.255.77")
    assert not is_ours(socket.gethostname() + ".invalid")


# A real FreeSWITCH


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSwitch]:
    """With room for five legs, four sessions, and the address of another machine."""
    more = {"FS_RTP_PORT_START": "33000", "FS_RTP_PORT_END": "33009", "FS_MAX_SESSIONS": "4"}
    more["FS_EXTERNAL_RTP_IP"] = "10.255.255.77"
    with own_switch(tmp_path_factory.mktemp("narrow"), more) as switch:
        yield switch


def settings(switch: OwnSwitch, application: Application, directory: Path, more: str) -> Settings:
    values = {
        "port": switch.port,
        "password": switch.password,
        "node": "",
        "seed": SEED,
        "web": 0,
        "public": "",
    }
    values |= {"recordings": switch.recordings_dir, "media": switch.media_dir, "more": more}
    values |= {"voice": application.url("/voice"), "database": directory / "orchestrator.sqlite"}
    return loads(SETTINGS.format(**values))


def test_a_real_freeswitch_with_too_few_ports_sessions_and_another_s_address(
    narrow: OwnSwitch, application: Application, tmp_path: Path
) -> None:
    application.document("/voice", "<Response><Say>Hello</Say></Response>")
    found = {
        result.check: result
        for result in run_checks(settings(narrow, application, tmp_path, "admission: {max_calls: 6}"))
        if result.state == "wrong"
    }
    assert found.keys() == {"RTP ports", "sessions", "media address"}
    assert "the ports 33000 to 33009 are enough for 5 legs" in found["RTP ports"].text
    assert "FreeSWITCH takes 4 at most" in found["sessions"].text
    assert "10.255.255.77, which is not this machine's" in found["media address"].text
    fitting = settings(narrow, application, tmp_path, "admission: {max_calls: 4}")
    assert [one.check for one in run_checks(fitting) if one.state == "wrong"] == ["media address"]


@pytest.fixture(scope="module")
def three_legs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSwitch]:
    more = {"FS_RTP_PORT_START": "33100", "FS_RTP_PORT_END": "33105"}
    with own_switch(tmp_path_factory.mktemp("three"), more) as switch:
        yield switch


def test_freeswitch_has_ports_for_as_many_legs_as_the_doctor_counts(
    three_legs: OwnSwitch, application: Application, tmp_path: Path
) -> None:
    application.document("/voice", "<Response><Say>Hello</Say></Response>")
    found = run_checks(settings(three_legs, application, tmp_path, "admission: {max_calls: 4}"))
    (ports,) = [one for one in found if one.check == "RTP ports"]
    assert "are enough for 3 legs, and max_calls is 4" in ports.text
    calls = [three_legs.call(f"+1312555010{n}", from_=f"+1312555000{n}") for n in range(4)]
    try:
        until(lambda: len(parked(three_legs)) == 4, what="four calls")
        for uuid in parked(three_legs):
            three_legs.api(f"uuid_answer {uuid}")
        until(lambda: sum("answered" in call.times for call in calls) == 3, what="three answers")
        until(lambda: sum(call.state == "ended" for call in calls) == 1, what="the end of the fourth")
    finally:
        for call in calls:
            call.hang_up()


def parked(switch: OwnSwitch) -> list[str]:
    return [row["uuid"] for row in json.loads(switch.api("show channels as json")).get("rows", [])]
