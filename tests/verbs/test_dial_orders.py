"""Dial's attributes, as FreeSWITCH is ordered to call."""

from __future__ import annotations

import re

import pytest

from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import House

__all__ = ["bench", "scripted"]
FIRST, SECOND = "+13125550021", "+13125550022"
SCREENING_SECONDS = 600
ALWAYS = {
    # No callee leads elsewhere, and nothing of it is expanded.
    "outbound_redirect_fatal": "true",
    "app_disable_expand_variables": "true",
    "sip_copy_custom_headers": "false",
    # Both legs go on by themselves when they part.
    "hangup_after_conference": "false",
    "hangup_after_bridge": "false",
    "park_after_bridge": "false",
    "continue_on_fail": "true",
    "playback_terminators": "none",
    # The caller hears the ring tone, and neither side's hold ends the other.
    "ignore_early_media": "consume",
    "media_mix_inbound_outbound_codecs": "true",
    "group_confirm_cancel_timeout": "true",
    "rtp_disable_hold": "true",
    "media_timeout": "14400000",
}


def ordered(bench: House, scripted: ScriptedSwitch, dial: str) -> str:
    """The argument of `bridge`."""
    bench.voice(f"<Response>{dial}</Response>")
    scripted.silent.add("bridge")
    uuid = scripted.parks()
    scripted.wait_for(f"sendmsg {uuid}", "execute-app-name: bridge")
    (argument,) = [argument for app, argument in scripted.applications(uuid) if app == "bridge"]
    scripted.hangs_up(uuid)
    return argument


@pytest.mark.parametrize("timeout", [5, 30, 120])
def test_each_callee_has_its_time_limit_and_the_whole_has_time_for_screening(
    bench: House, scripted: ScriptedSwitch, timeout: int
) -> None:
    nouns = f"<Number>{FIRST}</Number><Number>{SECOND}</Number>"
    argument = ordered(bench, scripted, f"<Dial timeout='{timeout}'>{nouns}</Dial>")
    assert re.findall(r"leg_timeout=(\d+)", argument) == [str(timeout)] * 2
    assert re.findall(r"originate_timeout=(\d+)", argument) == [str(timeout + SCREENING_SECONDS)]
    shared = dict(pair.split("=", 1) for pair in argument[1 : argument.index("}")].split(","))
    assert shared == ALWAYS | {"originate_timeout": str(timeout + SCREENING_SECONDS)}


@pytest.mark.parametrize(("sequential", "between"), [("true", "|"), ("false", ",")])
def test_several_are_called_at_once_or_one_after_the_other(
    bench: House, scripted: ScriptedSwitch, sequential: str, between: str
) -> None:
    nouns = f"<Number>{FIRST}</Number><Number>{SECOND}</Number>"
    argument = ordered(bench, scripted, f"<Dial sequential='{sequential}'>{nouns}</Dial>")
    first, second = (argument.index(f"/{number}@") for number in (FIRST, SECOND))
    assert first < second
    assert argument[first:second].count(f"{between}[") == 1


@pytest.mark.parametrize(
    ("screened", "confirmed"), [("url='/ask'", True), ("sendDigits='1'", True), ("", False)]
)
def test_a_callee_that_is_asked_first_is_to_confirm(
    bench: House, scripted: ScriptedSwitch, screened: str, confirmed: bool
) -> None:
    argument = ordered(bench, scripted, f"<Dial><Number {screened}>{FIRST}</Number></Dial>")
    assert ("group_confirm_key=exec" in argument) is confirmed


@pytest.mark.parametrize(("asked", "called"), [(9, 9), (10, 10), (11, 10)])
def test_ten_are_called_at_most(bench: House, scripted: ScriptedSwitch, asked: int, called: int) -> None:
    bench.log.allows("more than")
    numbers = [f"+1312555{number:04}" for number in range(100, 100 + asked)]
    argument = ordered(
        bench, scripted, f"<Dial>{''.join(f'<Number>{one}</Number>' for one in numbers)}</Dial>"
    )
    assert re.findall(r"/(\+\d+)@", argument) == numbers[:called]


HEADERS = "?P-Preferred-Identity=%3Csip:1@h%3E&amp;X-Case=7"
# Where the call goes, the caller id that is asked for, and the headers that its INVITE has.
SENT = [
    ("127.0.0.1", "", {"P-Preferred-Identity", "X-Case"}),
    ("127.0.0.1", "anonymous", {"X-Case"}),
    ("any.example", "", {"P-Preferred-Identity", "X-Case"}),
    ("any.example", "anonymous", {"X-Case"}),
    ("strict.example", "", {"X-Case"}),
    ("strict.example", "anonymous", {"X-Case"}),
]
TRUNKS = """  any: {proxy: any.example}
  strict: {proxy: strict.example, caller_ids: ['+1312*'], destinations: ['*', 'anna']}
"""


def test_no_header_of_an_address_shows_another_number_than_may_be_shown(
    bench: House, scripted: ScriptedSwitch
) -> None:
    bench.stop()
    bench.settings = ""
    bench.start(trunks=TRUNKS)
    bench.reload('allowed_hosts: ["127.0.0.1"]', 'allowed_hosts: ["127.0.0.1", "*.example"]')
    bench.log.allows("a SIP header is not sent")
    for host, shown, headers in SENT:
        caller_id = f" callerId='{shown}'" if shown else ""
        dial = f"<Dial{caller_id}><Sip>sip:{FIRST}@{host}{HEADERS}</Sip></Dial>"
        scripted.commands.clear()
        assert set(re.findall(r"sip_h_([^=]*)=", ordered(bench, scripted, dial))) - {"Privacy"} == headers


@pytest.mark.parametrize("found", [True, False])
def test_a_caller_hears_its_audio_meanwhile_or_the_ring_tone_where_there_is_none(
    bench: House, scripted: ScriptedSwitch, found: bool
) -> None:
    bench.log.allows("no audioUrl")
    audio = bench.application.tone(500, 1.0) if found else bench.application.url("/nowhere")
    noun = f"<Number>{FIRST}</Number>"
    ordered(bench, scripted, f"<Dial audioUrl='{audio}' ringTone='us'>{noun}</Dial>")
    (heard,) = [
        argument for app, argument in scripted.applications() if "ringback" in argument and app == "multiset"
    ]
    if found:
        assert re.search(r"ringback=/[^;|]+\.wav.transfer_ringback=/\S+\.wav", heard)
    else:
        tone = "tone_stream://%(2000,4000,440,480);loops=-1"
        assert heard == f"^^|ringback={tone}|transfer_ringback={tone}"
