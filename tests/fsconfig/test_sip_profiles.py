"""The SIP profiles that calls come and go through, from FreeSWITCH's files and its `sofia status`."""

from __future__ import annotations

import pytest

from orchestrator.config import loads
from orchestrator.esl.errors import CommandFailed
from orchestrator.fsconfig.sip_profiles import Api, SipProfile, access_list, browsers, place, running, used

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
FILES = """<configuration name="sofia.conf"><profiles>
  <profile name="texml"><settings>
    <param name="context" value="texml"/><param name="sip-ip" value="192.0.2.1"/>
    <param name="sip-port" value="5070"/><param name="apply-inbound-acl" value="callers"/>
  </settings></profile>
  <profile name="six"><settings>
    <param name="context" value="texml"/><param name="sip-ip" value="2001:db8::1"/>
  </settings></profile>
  <profile name="texml-browser"><settings>
    <param name="context" value="texml"/><param name="sip-ip" value="127.0.0.1"/>
    <param name="sip-port" value="5066"/>
  </settings></profile>
  <profile name="internal"><settings>
    <param name="context" value="public"/><param name="sip-ip" value="192.0.2.2"/>
  </settings></profile>
</profiles></configuration>
"""
STATUS = """                     Name\t   Type\t                                      Data\tState
=================================================================================================
                    texml\tprofile\t            sip:mod_sofia@192.0.2.1:5070\tRUNNING (0)
                      six\tprofile\t     sip:mod_sofia@[2001:db8::1]:5060\tRUNNING (0) (TLS)
                    other\t  alias\t                                 texml\tALIASED
            texml::carrier\tgateway\t                  sip:u@carrier.example\tREGED
            texml::RUNNING\tgateway\t                  sip:u@carrier.example\tNOREG
                 internal\tprofile\t            sip:mod_sofia@192.0.2.2:5060\tDOWN (0)
=================================================================================================
3 profiles 1 alias
"""


def api(files: str = FILES, status: str = STATUS) -> Api:
    def answer(command: str) -> str:
        if command == "sofia status":
            return status
        assert command == "xml_locate configuration configuration name sofia.conf"
        return files

    return answer


def refuses(command: str) -> str:
    raise CommandFailed("-USAGE")


OUR_OWN = [SipProfile("texml", "192.0.2.1:5070"), SipProfile("six", "[2001:db8::1]:5060")]


@pytest.mark.parametrize(
    ("more", "called_through"),
    [
        ("", []),
        ("sip: {profile: internal}\n", []),
        ("trunks: {t: {proxy: a.example}}\n", []),
        (
            "trunks: {t: {proxy: a.example}}\nsip: {profile: internal}\n",
            [SipProfile("internal", "192.0.2.2:5060")],
        ),
        (
            "sip: {profile: internal, allowed_hosts: [a.example]}\n",
            [SipProfile("internal", "192.0.2.2:5060")],
        ),
        ("sip: {profile: elsewhere, allowed_hosts: [a.example]}\n", [SipProfile("elsewhere", "")]),
    ],
)
def test_profiles_that_lead_to_us_are_used_and_the_one_that_we_call_through(
    more: str, called_through: list[SipProfile]
) -> None:
    assert list(used(api(), loads(ACCOUNT + more, environ={}))) == OUR_OWN + called_through


def test_a_profile_has_its_place_and_its_access_list() -> None:
    names = ("texml", "six", "internal", "nobody")
    assert [place(api(), name) for name in names] == [
        "192.0.2.1:5070",
        "[2001:db8::1]:5060",
        "192.0.2.2:5060",
        "",
    ]
    assert [access_list(api(), name) for name in names] == ["callers", "", "", ""]
    assert browsers(api()) == SipProfile("texml-browser", "127.0.0.1:5066")


def test_profiles_run_and_so_do_their_aliases_but_no_gateway_is_one() -> None:
    assert running(api()) == {"texml", "six", "other"}


@pytest.mark.parametrize("files", ["", "<", "<configuration/>", "-ERR"])
def test_without_files_or_without_sip_there_is_none(files: str) -> None:
    assert used(api(files), loads(ACCOUNT)) == ()
    assert place(api(files), "texml") == access_list(api(files), "texml") == ""
    assert browsers(api(files)) == SipProfile("texml-browser", "")
    assert running(refuses) == frozenset()
    assert place(refuses, "texml") == ""


def test_a_profile_that_does_not_run_has_a_remedy_with_its_port() -> None:
    (first, second) = OUR_OWN
    assert "nobody can be called or call at 192.0.2.1:5070" in first.problem
    assert "ss -lnptu 'sport = :5070'" in first.remedy
    assert "sofia profile texml start" in first.remedy
    assert "ss -lnptu 'sport = :5060'" in second.remedy
    unknown = SipProfile("elsewhere", "")
    assert unknown.problem == "FreeSWITCH has no SIP profile elsewhere"
    assert unknown.remedy == "name one that it has in sip.profile"
