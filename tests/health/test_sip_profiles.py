"""A FreeSWITCH that runs without its SIP profile: nobody can call, and it has to be said.

Symptom: FreeSWITCH whose port was taken at its start was healthy everywhere, and every call failed. Cause:
it was only looked whether FreeSWITCH answers. Fix: its profiles have to run, too.
"""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest
import requests
import yaml

from orchestrator.config import loads
from orchestrator.doctor import run_checks
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import NUMBER, House, house
from tests.sound.common import until

__all__ = ["house"]
ROOT = Path(__file__).resolve().parents[2]


def readyz(house: House) -> dict[str, str]:
    assert house.orchestrator is not None
    answer = requests.get(f"http://127.0.0.1:{house.orchestrator.web.port}/readyz", timeout=10)
    problems: dict[str, str] = answer.json()["problems"]
    assert answer.status_code == (503 if problems else 200)
    return problems


def healthy_for_compose(house: House) -> bool:
    """By the health check of FreeSWITCH's container, with what fs_cli would print."""
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    (_, command) = compose["services"]["freeswitch"]["healthcheck"]["test"]
    asked, after = re.fullmatch(r"fs_cli -t 2000 -x '([\w ]+)' \| (.+)", command).groups()  # type: ignore[union-attr]
    done = subprocess.run(["sh", "-c", after], input=house.switch.api(asked).encode(), check=False)
    return done.returncode == 0


def place(house: House) -> str:
    port = house.switch.sip_port if isinstance(house.switch, FreeSwitch) else 5060
    return f"127.0.0.1:{port}"


def test_a_profile_that_is_stopped_and_started_again(house: House) -> None:
    house.log.allows("no calls")
    assert readyz(house) == {}
    assert healthy_for_compose(house)

    def stopped() -> bool:
        # FreeSWITCH stops none that is younger than ten seconds.
        house.switch.api("sofia profile texml stop")
        return readyz(house) != {}

    until(stopped, 30, "it is noticed")
    (problem,) = readyz(house).items()
    assert problem[0] == "SIP profile texml"
    assert f"does not run: nobody can be called or call at {place(house)}" in problem[1]
    assert not healthy_for_compose(house)
    until(lambda: house.log.has("no calls", place(house)), 25, "it is in the log")
    assert house.orchestrator is not None
    page = requests.get(f"http://127.0.0.1:{house.orchestrator.web.port}/metrics", timeout=10).text
    assert 'texml_freeswitch_sip_running{node="default"} 0.0' in page

    def runs_again() -> bool:
        # It takes some seconds to end, and cannot be started before.
        house.switch.api("sofia profile texml start")
        return readyz(house) == {}

    until(runs_again, 30, "it is noticed that it runs")
    assert healthy_for_compose(house)
    house.voice(house.joins())
    phone = house.switch.call(NUMBER)
    house.delivered(2, 15)
    phone.hang_up()
    house.delivered(4)


@pytest.mark.only("freeswitch")
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])
def test_a_port_that_another_program_has_when_freeswitch_starts(
    house: House, kind: socket.SocketKind
) -> None:
    house.log.allows("no calls", "another FreeSWITCH answers", "event socket")
    switch = house.switch
    assert isinstance(switch, FreeSwitch)
    switch.kill()
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", switch.sip_port))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        switch.start(sip=False)
        until(lambda: "SIP profile texml" in readyz(house), 20, "/readyz says it")
        assert place(house) in readyz(house)["SIP profile texml"]
        assert f"sport = :{switch.sip_port}" in readyz(house)["SIP profile texml"]
        assert not healthy_for_compose(house)
        found = {finding.check: finding for finding in run_checks(loads(house.settings))}
        assert found["SIP profile"].state == "wrong"
        assert place(house) in found["SIP profile"].text
        assert "sofia profile texml start" in found["SIP profile"].remedy
        until(lambda: house.log.has("no calls", place(house)), 25, "the log says it")
    switch.api("sofia profile texml start")
    until(lambda: readyz(house) == {}, 15, "it is noticed that it runs")
    house.voice(house.joins())
    phone = switch.call(NUMBER)
    house.delivered(2, 15)
    phone.hang_up()
    house.delivered(4)


def test_the_profile_that_calls_others_is_looked_at_too(house: House) -> None:
    house.reload("sip:\n", "sip:\n  profile: external\n")
    until(lambda: readyz(house), 15, "it is noticed")
    assert readyz(house) == {
        "SIP profile external": "FreeSWITCH has no SIP profile external; name one that it has in sip.profile"
    }
    house.reload("  profile: external\n", "")
    until(lambda: not readyz(house), 15, "all is well")
