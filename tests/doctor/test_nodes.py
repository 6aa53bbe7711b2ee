"""`orchestrator doctor` where there are two FreeSWITCH nodes: each of them, and each pair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.config import loads
from orchestrator.doctor import CheckResult
from tests.doctor.conftest import worst_by_check, wrong
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.scenarios.captured_log import CapturedLog
from tests.scenarios.conftest import House

pytestmark = pytest.mark.only("freeswitch")

SETTINGS = """
freeswitch:
  nodes:
    - {here}
    - {there}
accounts: [{{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"}}
callbacks: {{database: {database}}}
"""
Examine = Callable[..., dict[str, CheckResult]]


def _node(name: str, switch: Switch, port: int) -> str:
    return (
        f"{{name: {name}, port: {port}, password: {switch.password}, relay: '127.0.0.1:{switch.relay_port}', "
        f"recordings_dir: {switch.recordings_dir}, media_dir: {switch.media_dir}}}"
    )


@pytest.fixture
def other(real_home: FreeSwitch) -> FreeSwitch:
    real_home.begin()
    real_home.api("global_setvar texml_owner=free")
    return real_home


@pytest.fixture
def examined(switch: Switch, other: FreeSwitch, application: Application, tmp_path: Path) -> Examine:
    """Results by their check: of several the worst."""
    application.document("/voice", "<Response/>")

    def run(web: int = 0, port: int = 0) -> dict[str, CheckResult]:
        settings = loads(
            SETTINGS.format(
                here=_node("a", switch, switch.port),
                there=_node("b", other, port or other.port),
                voice=application.url("/voice"),
                web=web,
                database=tmp_path / "orchestrator.sqlite",
            )
        )
        return worst_by_check(settings)

    return run


def test_each_node_and_each_pair_is_looked_at(examined: Examine, switch: Switch, other: FreeSwitch) -> None:
    found = examined()
    assert wrong(found) == []
    for check in ("connection", "clock", "dialplan", "relay", "recordings_dir", "conference"):
        assert {found[f"a: {check}"].state, found[f"b: {check}"].state} == {"ok"}
    assert {found[name].state for name in ("relay a -> b", "relay b -> a", "clocks a, b")} == {"ok"}
    assert switch.leftovers(5) + other.leftovers(5) == []


def test_beside_an_orchestrator_that_takes_no_notice_of_it(
    examined: Examine, switch: Switch, other: FreeSwitch, application: Application, tmp_path: Path
) -> None:
    log = CapturedLog()
    switch.others = (other,)
    house = House(switch, application, tmp_path, log)
    with log.kept():
        house.start()
        try:
            assert house.orchestrator is not None
            found = examined(web=house.orchestrator.web.port)
        finally:
            house.stop()
            switch.others = ()
    assert (wrong(found), found["relay a -> b"].state) == ([], "ok")
    assert not log.has("refused with 403")


def test_a_node_that_does_not_answer_leaves_the_others_examined(examined: Examine) -> None:
    found = examined(port=1)
    assert wrong(found) == ["b: connection"]
    assert found["b: call"].state == "skipped"
    assert found["a: call"].state == "ok"
    assert "relay a -> b" not in found


def test_an_access_list_without_the_other_node(examined: Examine, other: FreeSwitch) -> None:
    (other.conf_dir / "sip_profiles" / "trunks" / "nodes.xml").write_text("<include/>\n")
    other.api("reloadacl")
    try:
        found = examined()
    finally:
        other.restore()
        other.api("reloadacl")
    assert wrong(found) == ["relay a -> b"]
    assert "b does not allow calls of 127.0.0.1" in found["relay a -> b"].text
    assert "render --node b" in found["relay a -> b"].remedy


def test_a_profile_that_does_not_run(examined: Examine, other: FreeSwitch) -> None:
    other.api("sofia profile texml-relay stop")
    try:
        found = examined()
    finally:
        other.restart()
    assert set(wrong(found)) == {"b: SIP profile", "relay a -> b", "relay b -> a"}
    assert f"no call gets from a to 127.0.0.1:{other.relay_port}" in found["relay a -> b"].text


def test_a_profile_that_is_missing_or_at_another_address(examined: Examine, other: FreeSwitch) -> None:
    file = other.conf_dir / "sip_profiles" / "relay.xml"
    text = file.read_text()
    try:
        file.write_text(text.replace(str(other.relay_port), "5999"))
        other.api("reloadxml")
        found = examined()
        assert wrong(found) == ["b: relay"]
        assert f"is at 127.0.0.1:5999, and relay is 127.0.0.1:{other.relay_port}" in found["b: relay"].text
        file.write_text("<include/>\n")
        other.api("reloadxml")
        assert "FreeSWITCH has no SIP profile texml-relay" in examined()["b: relay"].text
    finally:
        other.restore()
