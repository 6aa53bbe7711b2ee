"""Changes of the settings that count at once, and those that need a restart."""

from __future__ import annotations

import pytest

from orchestrator.config import Settings, loads
from orchestrator.config.current import (
    _IN_FREESWITCH,
    _LIVE,
    CurrentSettings,
    change,
    needs_restart,
    without_freeswitch,
)
from orchestrator.config.trunks import Trunk
from orchestrator.fsconfig.render import render

SID = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"


def read(more: str) -> Settings:
    return loads(f"accounts: [{{sid: {SID}}}]\n{more}", environ={})


def test_the_same_file_changes_nothing() -> None:
    found = change(read("web: {listen: 127.0.0.1:1}"), read("web: {listen: 127.0.0.1:1}"))
    assert (found.taken, found.left) == ((), ())


def test_settings_that_count_at_once_are_taken_and_the_rest_is_left_and_named() -> None:
    old = read("applications: {a: {voice_url: 'http://h/1'}}")
    new = read(
        "applications: {a: {voice_url: 'http://h/2'}}\n"
        "profiles: {wide: {rate: 16000}}\n"
        "web: {listen: 127.0.0.1:9}\n"
        "freeswitch: {nodes: [{port: 8022}]}\n"
        "conference: {hangup_on_star: true, speech_start_ms: 300}\n"
    )
    found = change(old, new)
    assert found.taken == ("applications.a.voice_url", "profiles.wide", "conference.hangup_on_star")
    assert found.left == ("freeswitch.nodes[0].port", "conference.speech_start_ms", "web.listen")
    assert found.settings.applications["a"].voice_url == "http://h/2"
    assert found.settings.conference.hangup_on_star
    assert found.settings.conference.speech_start_ms == 0
    assert found.settings.web.listen == old.web.listen


OTHER = "6a9a7976-012e-45d2-9258-6f5dc68d861e"
SEED = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BASE = """
accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, name: main, api_keys: [one, two]}]
applications: {a: {voice_url: "http://h/1"}}
numbers: {"1": a}
"""
# A change in each section that a reload takes, and whether it counts without FreeSWITCH.
CHANGES = {
    "accounts": ("api_keys: [one, two]", f"api_keys: [one], signing_key: {SEED}", True),
    "applications": ("http://h/1", "http://h/2", True),
    "numbers": ('numbers: {"1": a}', 'numbers: {"2": a}', True),
    "callbacks": ("numbers:", "callbacks: {first_sequence: 1}\nnumbers:", True),
    "documents": ("numbers:", "documents: {record_channels: single}\nnumbers:", True),
    "default_application": ("numbers:", "default_application: a\nnumbers:", True),
    "default_region": ("numbers:", "default_region: DE\nnumbers:", True),
    "admission": ("numbers:", "admission: {max_calls: 9}\nnumbers:", True),
    "network": ("numbers:", "network: {private_addresses: refuse}\nnumbers:", True),
    "speech": ("numbers:", "speech: {default_voice: awb}\nnumbers:", True),
    "conference": ("numbers:", "conference: {hangup_on_star: true}\nnumbers:", True),
    "profiles": ("numbers:", "profiles: {wide: {rate: 16000}}\nnumbers:", False),
    "profile_patterns": ("numbers:", "profile_patterns: {'x*': default}\nnumbers:", False),
    "trunks": ("numbers:", "trunks: {t: {proxy: 'h:5060'}}\nnumbers:", False),
    "default_trunk": ("numbers:", "trunks: {t: {proxy: 'h:5060'}}\ndefault_trunk: t\nnumbers:", False),
    "sip": ("numbers:", "sip: {networks: {a: [10.0.0.0/8]}}\nnumbers:", False),
}


def test_the_table_has_every_section_that_a_reload_takes() -> None:
    assert set(CHANGES) == set(_LIVE)
    assert {name for name, (_, _, counts) in CHANGES.items() if not counts} == set(_IN_FREESWITCH)


@pytest.mark.parametrize("section", CHANGES)
def test_without_freeswitch_settings_outside_its_files_count_and_the_rest_is_named(section: str) -> None:
    old, new, counts = CHANGES[section]
    running, read_ = loads(BASE, environ={}), loads(BASE.replace(old, new), environ={})
    found = change(running, read_)
    assert any(key.startswith(section) for key in found.taken)
    part = without_freeswitch(running, found.settings)
    assert (getattr(part.settings, section) == getattr(read_, section)) is counts
    assert any(key.startswith(section) for key in part.taken) is counts
    assert any(key.startswith(section) for key in part.left) is not counts
    assert {*part.taken, *part.left} >= set(found.taken)


TRUNK = """
trunks: {out: {proxy: 'h:5060', username: u, password: p, register: true, destinations: ["+1*"]}}
"""
TOLL: dict[str, tuple[str, bool]] = {
    "destinations": ('["+1312*"]', True),
    "refused_destinations": ("['+1900*']", True),
    "caller_ids": ("['+13125550001']", True),
    "caller_id": ('"+13125550001"', True),
    "max_calls": ("1", True),
    "calls_per_minute": ("1", True),
    "number_format": ("digits", True),
    "default_region": ("GB", True),
    "trusted": ("true", True),
    "identity_header": ("rpid", True),
    "inband_digits": ("true", True),
    "media": ("direct", True),
    "proxy": ("'other:5060'", False),
    "username": ("other", False),
    "password": ("other", False),
    "realm": ("other", False),
    "register": ("false", False),
    "expires_secs": ("90", False),
    "ping_secs": ("30", False),
    "addresses": ("[192.0.2.1]", False),
}


@pytest.mark.parametrize("key", TOLL)
def test_a_trunk_s_rules_count_without_freeswitch_and_its_gateway_does_not(
    key: str,
) -> None:
    value, counts = TOLL[key]
    old = read(TRUNK)
    values = {
        "proxy": "'h:5060'",
        "username": "u",
        "password": "p",
        "register": "true",
        "destinations": '["+1*"]',
        key: value,
    }
    inside = ", ".join(f"{name}: {each}" for name, each in values.items())
    new = read(f"trunks: {{out: {{{inside}}}}}")
    part = without_freeswitch(old, change(old, new).settings)
    field = "register_" if key == "register" else key
    has = getattr(part.settings.trunks["out"], field)
    assert has == getattr((new if counts else old).trunks["out"], field)
    assert has != getattr((old if counts else new).trunks["out"], field)
    named, none = (part.taken, part.left) if counts else (part.left, part.taken)
    assert [name.partition("[")[0] for name in named] == [f"trunks.out.{key}"]
    assert none == ()
    assert (render(old) == render(new)) is counts


def test_the_table_of_a_trunk_has_each_of_its_keys() -> None:
    ways = {"sofia_gateway", "dial_string", "name"}
    assert {*TOLL, *ways} == {field.alias or name for name, field in Trunk.model_fields.items()}


def test_allowed_hosts_count_without_freeswitch_and_allowed_callers_do_not() -> None:
    old = read("sip: {allowed_hosts: [a, b], networks: {office: [192.0.2.0/24]}}")
    new = read("sip: {allowed_hosts: [a], networks: {office: [192.0.2.0/25]}}")
    part = without_freeswitch(old, change(old, new).settings)
    assert (part.taken, part.left) == (("sip.allowed_hosts",), ("sip.networks.office[0]",))


def test_an_application_keeps_the_profile_and_trunk_that_freeswitch_has() -> None:
    running = read(
        "profiles: {old: {}}\ntrunks: {old: {proxy: h}}\n"
        "applications: {a: {voice_url: 'http://h/1', profile: old, trunk: old}, b: {voice_url: 'http://h/1'}}"
    )
    new = read(
        "profiles: {new: {}}\ntrunks: {new: {proxy: h}}\n"
        "applications: {a: {voice_url: 'http://h/2', profile: new, trunk: new},"
        " c: {voice_url: 'http://h/3', profile: new, trunk: new}}"
    )
    part = without_freeswitch(running, change(running, new).settings)
    a, c = part.settings.applications["a"], part.settings.applications["c"]
    assert (a.voice_url, a.profile, a.trunk) == ("http://h/2", "old", "old")
    assert (c.voice_url, c.profile, c.trunk) == ("http://h/3", None, None)
    assert "b" not in part.settings.applications
    assert part.settings.profile_for(a, "x").name == "old"
    assert {"applications.a.profile", "applications.c.trunk", "trunks.new", "profiles.old"} <= set(part.left)


def test_a_key_says_whether_it_needs_a_restart() -> None:
    assert needs_restart("web.listen")
    assert needs_restart("conference.speech_start_ms")
    assert not needs_restart("conference.hangup_on_star")
    assert not needs_restart("profiles.NAME.rate")


def test_the_dialect_is_that_of_the_settings_in_force() -> None:
    old = read("applications: {a: {voice_url: 'http://h/'}}")
    new = read("applications: {a: {voice_url: 'http://h/', dialect: twilio}}")
    current = CurrentSettings(old)
    asked = current.dialect(old.applications["a"])
    assert asked == old.dialect(old.applications["a"])
    assert current.dialect(old.applications["a"]) is asked
    # A call that goes on has its application of the time of its start.
    assert current.dialect(new.applications["a"]) == old.dialect(new.applications["a"]) != asked
    current.settings = new
    assert current.dialect(new.applications["a"]) == new.dialect(new.applications["a"])
