"""Which SIP profiles a FreeSWITCH has and we use, as its own configuration says."""

from __future__ import annotations

import pytest

from orchestrator.config import loads
from orchestrator.config.settings import Settings
from orchestrator.esl.errors import CommandFailed
from orchestrator.fsconfig.sip_profiles import Api, SipProfile, browsers, used

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
ALONE = loads(ACCOUNT)
DIALS = loads(f"{ACCOUNT}sip: {{allowed_hosts: [192.0.2.7]}}\n")


def answers(*profiles: str) -> Api:
    """FreeSWITCH's sofia.conf with these."""
    text = f'<configuration name="sofia.conf"><profiles>{"".join(profiles)}</profiles></configuration>'

    def api(command: str) -> str:
        assert command == "xml_locate configuration configuration name sofia.conf"
        return text + "\n"

    return api


def profile(name: str, **params: str) -> str:
    lines = "".join(
        f'<param name="{key.replace("_", "-")}" value="{value}"/>' for key, value in params.items()
    )
    return f'<profile name="{name}"><settings>{lines}</settings></profile>'


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"sip_ip": "192.0.2.1", "sip_port": "5080"}, "192.0.2.1:5080"),
        ({"sip_ip": "192.0.2.1"}, "192.0.2.1:5060"),
        ({"sip_ip": "192.0.2.1", "sip_port": ""}, "192.0.2.1:5060"),
        ({"sip_ip": "2001:db8::1", "sip_port": "5080"}, "[2001:db8::1]:5080"),
        ({"sip_port": "5080"}, ":5080"),
    ],
)
def test_a_profile_is_where_its_parameters_say(params: dict[str, str], place: str) -> None:
    api = answers(profile("texml", context="texml", **params))
    assert used(api, ALONE) == (SipProfile("texml", place),)


@pytest.mark.parametrize(
    ("settings", "names"), [(ALONE, ["callers"]), (DIALS, ["callers", "texml"])], ids=["takes calls", "dials"]
)
def test_those_are_used_that_lead_to_us_and_the_one_that_we_dial_through(
    settings: Settings, names: list[str]
) -> None:
    api = answers(
        profile("callers", context="texml", sip_ip="192.0.2.1"),
        profile("internal", context="default", sip_ip="192.0.2.1"),
        profile("texml-browser", context="texml", sip_ip="127.0.0.1", sip_port="5066"),
    )
    assert [one.name for one in used(api, settings)] == names
    assert browsers(api) == SipProfile("texml-browser", "127.0.0.1:5066")


def test_a_profile_that_dials_and_takes_calls_is_one() -> None:
    api = answers(profile("texml", context="texml", sip_ip="192.0.2.1"))
    assert len(used(api, DIALS)) == 1


@pytest.mark.parametrize("text", ["", "-ERR", "<configuration"])
def test_without_a_configuration_there_is_no_profile(text: str) -> None:
    assert used(lambda _: text, ALONE) == ()
    assert used(lambda _: text, DIALS) == (SipProfile("texml", ""),)
    assert browsers(lambda _: text).place == ""


def test_a_freeswitch_without_sip_has_no_profile() -> None:
    def api(command: str) -> str:
        raise CommandFailed("-ERR no such command")

    assert used(api, ALONE) == ()
