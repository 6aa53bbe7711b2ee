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
    "ignore_early_media": "consume",
    "media_mix_inbound_outbound_codecs": "true",
    "group_confirm_cancel_timeout": "true",
    "rtp_disable_hold": "true",
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
    for name, value in ALWAYS.items():
        assert f"{name}={value}" in argument


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
