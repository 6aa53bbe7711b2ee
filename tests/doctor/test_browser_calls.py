"""Calls from the console: whether FreeSWITCH takes them."""

from __future__ import annotations

import pytest

from tests.doctor.conftest import Examine, wrong
from tests.lab.ports import PortRange
from tests.lab.switches import FreeSwitch, Switch


def enabled(port: int) -> dict[str, str]:
    return {"public": f", browser_calls: {{enabled: true, port: {port}}}"}


def test_without_them_nothing_is_said_of_them(examined: Examine) -> None:
    assert "browser calls" not in examined()


@pytest.mark.only("freeswitch")
def test_freeswitch_takes_them(examined: Examine, switch: Switch) -> None:
    assert isinstance(switch, FreeSwitch)
    found = examined(**enabled(switch.browser_port))
    assert wrong(found) == []
    assert found["browser calls"].text == (
        f"FreeSWITCH takes SIP over WebSocket at ws://127.0.0.1:{switch.browser_port}/"
    )


@pytest.mark.only("freeswitch")
def test_another_port_than_that_of_freeswitchs_files(examined: Examine, switch: Switch) -> None:
    assert isinstance(switch, FreeSwitch)
    ports = PortRange()
    found = examined(**enabled(ports.take()))
    ports.release()
    assert wrong(found) == ["browser calls"]
    assert "Connection refused" in found["browser calls"].text
    assert f"127.0.0.1:{switch.browser_port}" in found["browser calls"].remedy


@pytest.mark.only("emulator")
def test_a_freeswitch_whose_files_have_no_profile_for_them(examined: Examine) -> None:
    found = examined(**enabled(5066))
    assert wrong(found) == ["browser calls"]
    assert "no SIP profile texml-browser" in found["browser calls"].text
    assert "orchestrator render --into" in found["browser calls"].remedy
