"""Trunks: the recipes, caller ids and destinations."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config import ConfigErrors, Settings, loads
from orchestrator.config.trunks import CallerIdRefused, Trunk
from orchestrator.fsconfig.render import CALLERS, GATEWAYS, render
from orchestrator.numbering.uri import parse
from orchestrator.routing.endpoints import trunk_at

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
DOCS = Path(__file__).resolve().parents[2] / "docs"
SECRETS = {"TELNYX_SIP_PASSWORD": "hush-hush", "TWILIO_SIP_PASSWORD": "hush-hush"}


def trunk(keys: str) -> Trunk:
    return loads(f"{ACCOUNT}trunks:\n  t: {{{keys}}}\n", environ={}).trunks["t"]


def recipe(name: str) -> Settings:
    return loads(ACCOUNT + (DOCS / "trunks" / f"{name}.yaml").read_text(), environ=SECRETS)


@pytest.mark.parametrize("name", ["telnyx", "twilio", "peer"])
def test_a_recipe_is_sound_and_says_who_may_call(name: str) -> None:
    settings = recipe(name)
    assert f"trunks/{name}.yaml" in (DOCS / "trunks.md").read_text()
    files = render(settings)
    (found,) = settings.trunks.values()
    assert found.proxy is not None
    assert found.proxy in files[GATEWAYS]
    assert all(str(network) in files[CALLERS] for network in found.networks)
    assert found.networks
    assert "hush-hush" not in str(settings) + files[CALLERS]
    assert not any("trunk" in advice for advice in settings.advice())


@pytest.mark.parametrize(
    ("keys", "asked", "shown"),
    [
        ("proxy: h", "+13125550001", "+13125550001"),
        ("proxy: h, caller_ids: ['+1312*']", "+13125550001", "+13125550001"),
        ("proxy: h, caller_ids: ['+1312*', '1???']", "1001", "1001"),
        ("proxy: h, caller_ids: ['+1312*'], caller_id: +1 (312) 555-0009", "+442079460000", "+13125550009"),
        ("proxy: h, caller_ids: [], caller_id: '+13125550009'", "+13125550001", "+13125550009"),
    ],
)
def test_the_caller_id_that_is_shown(keys: str, asked: str, shown: str) -> None:
    assert trunk(keys).shows(asked) == shown


def test_a_caller_id_that_is_not_allowed_is_refused_where_there_is_no_other() -> None:
    with pytest.raises(CallerIdRefused):
        trunk("proxy: h, caller_ids: ['+1312*']").shows("+44")


@pytest.mark.parametrize(
    ("number", "allowed"),
    [
        ("+13125550001", True),
        ("13125550001", True),
        ("(312) 555-0001", True),
        ("+19005550001", False),
        ("+442079460000", False),
        ("011442079460000", False),
        ("1001", True),
        ("reception", True),
    ],
)
def test_a_number_may_be_called_where_it_fits(number: str, allowed: bool) -> None:
    found = trunk("proxy: h, destinations: ['+1*', '1???', reception], refused_destinations: ['+1900*']")
    assert found.allows(found.read(number, "US")) is allowed


@pytest.mark.parametrize(
    ("proxy", "network"),
    [
        ("10.0.0.5", "10.0.0.5/32"),
        ("10.0.0.5:5070;transport=tcp", "10.0.0.5/32"),
        ("'[fd00::5]:5060'", "fd00::5/128"),
    ],
)
def test_a_proxy_that_is_an_address_may_call(proxy: str, network: str) -> None:
    assert [str(found) for found in trunk(f"proxy: {proxy}").networks] == [network]


def test_a_call_comes_from_a_trunk_a_network_or_nowhere() -> None:
    settings = loads(
        f"{ACCOUNT}trunks: {{t: {{proxy: h, addresses: [192.0.2.0/28]}}}}\n"
        "sip: {networks: {office: [10.0.0.0/8]}}\n",
        environ={},
    )
    found = [settings.caller(address) for address in ("192.0.2.7", "10.1.1.1", "192.0.2.99", "127.0.0.1", "")]
    assert found == ["trunk t", "network office", "", "", ""]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("proxy: h, caller_ids: []", "caller_ids is empty and there is no caller_id"),
        ("proxy: h, destinations: ['+1 312']", "is no phone number: it has too few digits"),
        ("proxy: h, addresses: [nowhere]", "this is no network"),
        ("sofia_gateway: g, realm: x", "username, password, realm and register go with proxy"),
        ("proxy: 'h;transport=tls'", "has characters that do not belong there"),
    ],
)
def test_a_trunk_that_makes_no_sense_is_reported(keys: str, message: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        trunk(keys)
    assert message in str(caught.value)


def test_a_trunk_that_may_call_the_whole_world_is_advised_against() -> None:
    settings = loads(f"{ACCOUNT}trunks: {{t: {{proxy: h}}}}\n", environ={})
    assert any("may call every number in the world" in advice for advice in settings.advice())


@pytest.mark.parametrize(
    ("keys", "hosts", "port"),
    [
        (
            "proxy: 'Sip.Example.com.:5070;transport=tcp', realm: r.example",
            {"sip.example.com", "r.example"},
            "5070",
        ),
        ("proxy: sip.example.com", {"sip.example.com"}, ""),
        ("proxy: '[fd00::5]:5061'", {"fd00::5"}, "5061"),
        ("proxy: '[fd00::5]'", {"fd00::5"}, ""),
        ("dial_string: 'sofia/texml/{number}@10.0.0.5:5080'", {"10.0.0.5"}, "5080"),
        ("sofia_gateway: g", set(), ""),
    ],
)
def test_a_trunk_is_recognised_in_a_sip_address(keys: str, hosts: set[str], port: str) -> None:
    found = trunk(keys)
    assert (found.hosts, found.port) == (hosts, port)


def test_of_two_trunks_at_one_host_the_port_decides() -> None:
    settings = loads(
        f"{ACCOUNT}trunks: {{a: {{proxy: 'h:5070'}}, b: {{proxy: h}}}}\ndefault_trunk: a\n", environ={}
    )
    for address, name in (("sip:x@h:5070", "a"), ("sip:x@h", "b"), ("sip:x@h:5060", "b"), ("sip:x@h:9", "a")):
        assert trunk_at(settings, parse(address)) is settings.trunks[name]
    assert trunk_at(settings, parse("sip:x@other")) is None
