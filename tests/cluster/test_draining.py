"""`orchestrator nodes`: a node is taken out of service without a call dropped."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests

from orchestrator.node_availability import DRAINING
from orchestrator.reloading.control_socket import ControlSocket
from tests.cluster.conftest import two_emulators
from tests.scenarios.conftest import NUMBER, House

__all__ = ["two_emulators"]

FIRST, SECOND = "+13125550001", "+13125550002"


@pytest.fixture
def house(two_emulators: House) -> House:
    return two_emulators


def nodes(house: House, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own, as an operator's."""
    assert house.orchestrator is not None
    settings = house.directory / "orchestrator.yaml"
    settings.write_text(house.settings)
    database = house.orchestrator.settings.callbacks.database
    control = ControlSocket(database, settings, lambda: None, house.orchestrator.on_nodes_command)  # type: ignore[arg-type, return-value]
    control.start()
    try:
        return subprocess.run(
            [sys.executable, "-m", "orchestrator", "nodes", *words, "-c", str(settings)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        control.stop()


def state(house: House, *words: str) -> dict[str, list[str]]:
    done = nodes(house, *words)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    return {row[0]: row[2:6] for row in rows}


def test_a_node_is_drained_and_takes_conferences_again(house: House) -> None:
    house.voice(house.joins())
    assert state(house, "list") == {"default": ["up", "0", "0", "0"], "home": ["up", "0", "0", "0"]}
    first = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    assert state(house, "drain", "default")["default"] == ["draining", "1", "1", "1"]
    # The conference that it has goes on, and takes callers.
    second = house.switch.call(NUMBER, from_=SECOND)
    house.delivered(3)
    assert house.orchestrator is not None
    assert house.orchestrator.directory.home("another account", "New", "default") == "home"
    first.hang_up()
    second.hang_up()
    house.delivered(6)
    assert state(house, "list")["default"] == ["drained", "0", "0", "0"]
    house.stop()
    house.start()
    assert house.orchestrator.outbox.of("default").get(DRAINING, "") is not None
    assert state(house, "list")["default"][0] == "drained", "also after a restart"
    assert state(house, "undrain", "default")["default"][0] == "up"
    del house.orchestrator.directory._choose
    assert house.orchestrator.directory.home("another account", "Newer", "default") == "default"


def test_the_last_node_is_not_drained_and_an_unknown_one_is_named(house: House) -> None:
    assert state(house, "drain", "home")["home"][0] == "drained"
    refused = nodes(house, "drain", "default")
    assert (refused.returncode, "no other node takes new conferences" in refused.stderr) == (1, True)
    unknown = nodes(house, "drain", "paris")
    assert (unknown.returncode, "there is no node paris, only default, home" in unknown.stderr) == (1, True)


def test_calls_are_served_while_one_node_is_there(house: House) -> None:
    assert house.orchestrator is not None
    url = f"http://127.0.0.1:{house.orchestrator.web.port}/readyz"
    assert requests.get(url, timeout=10).status_code == 200
    (other,) = house.switch.others
    other.kill()
    node = house.orchestrator.nodes[1]
    house.log.allows("FreeSWITCH is gone", "another FreeSWITCH answers")
    for _ in range(50):
        if node.availability.state().state == "down":
            break
        requests.get(url, timeout=10)
    assert node.availability.state().state == "down"
    assert node.problems
    assert requests.get(url, timeout=10).status_code == 200
    house.switch.kill()
    for _ in range(50):
        if house.orchestrator.nodes[0].availability.state().state == "down":
            break
        requests.get(url, timeout=10)
    assert requests.get(url, timeout=10).status_code == 503
    house.switch.start()
    other.start()
    for each in house.orchestrator.nodes:
        assert each.wait_up(15)


def test_the_log_says_which_node_it_is_of(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """One that has a name of its own; an only one has none."""
    caplog.set_level("INFO", "orchestrator")
    assert house.orchestrator is not None
    house.orchestrator.directory._choose = lambda asking: "home"
    house.voice(house.joins())
    (other,) = house.switch.others
    phone = other.call(NUMBER, from_=FIRST)
    house.delivered(2)
    phone.hang_up()
    house.delivered(4)
    lines = [line for line in caplog.text.splitlines() if "joined" in line or "call=" in line]
    assert any("joined" in line and "node=home" in line for line in lines)
    assert all("node=home" in line for line in lines if " call=" in line and "attempt" not in line), lines
