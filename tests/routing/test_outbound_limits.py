"""The spending guard's counts. Limits are per trunk and per account; what is over is free again."""

from __future__ import annotations

import pytest

from orchestrator.config import loads
from orchestrator.config.current import CurrentSettings
from orchestrator.config.trunks import Trunk
from orchestrator.esl.errors import SwitchError
from orchestrator.routing.endpoints import Route
from orchestrator.routing.outbound_limits import OutboundLimitReached, OutboundLimits

MAIN, OTHER = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "6a9a7976-012e-45d2-9258-6f5dc68d861e"
SETTINGS = f"""
accounts:
  - {{sid: {MAIN}, name: main, max_outgoing_calls: 2, outgoing_calls_per_minute: 4}}
  - {{sid: {OTHER}, name: other}}
trunks:
  a: {{proxy: a.example, max_calls: 3, destinations: ["+1*"]}}
  b: {{proxy: b.example, calls_per_minute: 2}}
"""
NUMBER = "+13125550001"


def by(trunk: Trunk) -> Route:
    called = trunk.read(NUMBER, "US")
    return Route(NUMBER, trunk.dial(called), trunk, called)


@pytest.fixture
def live() -> CurrentSettings:
    return CurrentSettings(loads(SETTINGS, environ={}))


def test_an_account_has_so_many_at_once_on_all_trunks_and_to_sip(live: CurrentSettings) -> None:
    outbound_limits, trunks = OutboundLimits(live), live.settings.trunks
    outbound_limits.admit("1", MAIN, by(trunks["a"]))
    outbound_limits.admit("2", MAIN, Route("sip:x@example.com", "sofia/texml/x@example.com"))
    with pytest.raises(OutboundLimitReached, match="account main: max_outgoing_calls is 2"):
        outbound_limits.admit("3", MAIN, by(trunks["b"]))
    outbound_limits.admit("4", OTHER, by(trunks["a"]))
    outbound_limits.ended("1")
    outbound_limits.admit("5", MAIN, by(trunks["b"]))


def test_a_trunk_has_so_many_at_once_of_all_accounts(live: CurrentSettings) -> None:
    outbound_limits, trunk = OutboundLimits(live), live.settings.trunks["a"]
    for uuid, account in (("1", MAIN), ("2", OTHER), ("3", OTHER)):
        outbound_limits.admit(uuid, account, by(trunk))
    with pytest.raises(OutboundLimitReached, match="trunk a: max_calls is 3"):
        outbound_limits.admit("4", OTHER, by(trunk))


def test_an_ended_call_still_counts_for_its_minute_and_a_refused_one_does_not(
    live: CurrentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("orchestrator.routing.outbound_limits.time.monotonic", lambda: now)
    outbound_limits, trunk = OutboundLimits(live), live.settings.trunks["b"]
    for uuid in ("1", "2"):
        outbound_limits.admit(uuid, OTHER, by(trunk))
        outbound_limits.ended(uuid)
    for _again in range(3):
        with pytest.raises(OutboundLimitReached, match="trunk b: calls_per_minute is 2"):
            outbound_limits.admit("3", OTHER, by(trunk))
    now += 60
    outbound_limits.admit("3", OTHER, by(trunk))


def test_calls_that_go_on_after_a_restart_are_admitted_and_counted(live: CurrentSettings) -> None:
    outbound_limits, trunk = OutboundLimits(live), live.settings.trunks["a"]
    for uuid in ("1", "2", "3", "4"):
        outbound_limits.resume(uuid, OTHER, trunk)
    with pytest.raises(OutboundLimitReached):
        outbound_limits.admit("5", OTHER, by(trunk))
    # FreeSWITCH was out of reach, and has only one of them now.
    outbound_limits.lost("", lambda uuid: uuid == "1")
    outbound_limits.admit("5", OTHER, by(trunk))


def test_calls_of_an_account_that_has_left_the_settings_count_for_their_trunk_alone(
    live: CurrentSettings,
) -> None:
    outbound_limits, trunk = OutboundLimits(live), live.settings.trunks["a"]
    for uuid in ("1", "2", "3"):
        outbound_limits.admit(uuid, "an account that was", by(trunk))
    with pytest.raises(OutboundLimitReached, match="trunk a: max_calls is 3"):
        outbound_limits.admit("4", "an account that was", by(trunk))


def test_a_node_out_of_reach_is_asked_again_and_other_nodes_keep_their_calls(live: CurrentSettings) -> None:
    outbound_limits, trunk = OutboundLimits(live), live.settings.trunks["a"]
    for uuid, node in (("1", "here"), ("2", "there"), ("3", "there")):
        outbound_limits.admit(uuid, OTHER, by(trunk), node)

    def unreachable(uuid: str) -> bool:
        raise SwitchError("not connected")

    outbound_limits.lost("here", unreachable)
    with pytest.raises(OutboundLimitReached):
        outbound_limits.admit("4", OTHER, by(trunk))
    outbound_limits.lost("here", lambda uuid: False)
    outbound_limits.admit("4", OTHER, by(trunk))
    with pytest.raises(OutboundLimitReached):
        outbound_limits.admit("5", OTHER, by(trunk))


def test_a_limit_that_is_changed_counts_from_the_next_call_on(live: CurrentSettings) -> None:
    outbound_limits, trunk = OutboundLimits(live), live.settings.trunks["a"]
    outbound_limits.admit("1", MAIN, by(trunk))
    live.settings = loads(SETTINGS.replace("max_outgoing_calls: 2", "max_outgoing_calls: 1"), environ={})
    with pytest.raises(OutboundLimitReached, match="is 1"):
        outbound_limits.admit("2", MAIN, by(live.settings.trunks["a"]))
