"""Trunks: whose calls are taken, what a carrier is shown, and what outgoing calls may cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast
from urllib.parse import quote

import pytest

from orchestrator.fsconfig.render import render, write
from tests.lab.carrier import ADDRESS, PASSWORD, TONE, USER, Carrier
from tests.lab.softphones import Answers
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import NUMBER, House
from tests.scenarios.test_dial_out import CALLER, FIRST, SECOND, dial, dialled
from tests.sound.common import until

B = 900
REAL = pytest.mark.only("freeswitch")


# A carrier with digest


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    if reason := FreeSwitch.why_not():
        pytest.skip(reason)
    carrier = Carrier(tmp_path_factory.mktemp("carrier"))
    try:
        carrier.wait_ready()
        yield carrier
    finally:
        carrier.stop()


def connected_to(carrier: Carrier, house: House, **more: str) -> FreeSwitch:
    """The house with this carrier as its trunk."""
    keys = {
        "proxy": f"{ADDRESS}:{carrier.sip_port}",
        "realm": ADDRESS,
        "username": USER,
        "password": f"'{PASSWORD}'",
        **more,
    }
    switch = cast(FreeSwitch, house.switch)
    house.stop()
    text = "  carrier:\n" + "".join(f"    {key}: {value}\n" for key, value in keys.items())
    house.start(trunks=text, trunk="carrier", node=f"conf_dir: {switch.conf_dir}")
    assert house.orchestrator
    files = render(house.orchestrator.settings)
    write(files, switch.conf_dir)
    for command in (
        "reloadacl reloadxml",
        "sofia profile texml killgw carrier",
        "sofia profile texml rescan",
    ):
        switch.api(command)
    return switch


@pytest.fixture
def away(carrier: Carrier, house: House) -> Iterator[None]:
    yield
    carrier.api("hupall")
    cast(FreeSwitch, house.switch).api("sofia profile texml killgw _all_")


@REAL
def test_a_registered_trunk_logs_in_and_its_calls_come_with_the_number(
    carrier: Carrier, house: House, away: None
) -> None:
    switch = connected_to(carrier, house, register="true")
    until(
        lambda: re.search(r"State\s+REGED", switch.api("sofia status gateway carrier")),
        15,
        "it is registered",
    )
    house.voice(house.joins())
    number = f"<sip:{NUMBER}@{ADDRESS}>"
    contact = carrier.api(f"sofia_contact */{USER}@{ADDRESS}").strip()
    tone = f"&playback(tone_stream://%(1000\\,0\\,{TONE});loops=-1)"
    assert carrier.api(f"originate {{sip_invite_to_uri={number}}}{contact} {tone}").startswith("+OK")
    (request,) = house.application.wait_for("/voice")
    assert request.fields["To"] == NUMBER
    assert PASSWORD not in switch.log_tail(5000)
    assert not house.log.has(PASSWORD)


@REAL
def test_calls_come_from_a_trunks_address_and_from_nowhere_else(
    carrier: Carrier, house: House, away: None
) -> None:
    switch = connected_to(carrier, house)
    house.voice(house.joins())
    to = f"{quote(NUMBER, safe='+')}@{switch.host}:{switch.sip_port}"
    assert carrier.call(to).startswith("+OK")
    assert house.orchestrator
    assert house.orchestrator.settings.caller(ADDRESS) == "trunk carrier"
    assert carrier.call(to, "unknown") in ("-ERR CALL_REJECTED", "-ERR OUTGOING_CALL_BARRED")
    assert 'Rejected by acl "callers"' in switch.log_tail(5000)


@REAL
def test_the_dialplan_refuses_them_where_the_profile_would_not(
    carrier: Carrier, house: House, away: None
) -> None:
    switch = connected_to(carrier, house)
    profile = switch.conf_dir / "sip_profiles" / "texml.xml"
    text = profile.read_text()
    try:
        profile.write_text(text.replace('name="apply-inbound-acl" value="callers"', 'name="x" value="y"'))
        switch.api("reloadxml")
        switch.api("sofia profile texml rescan")
        to = f"{quote(NUMBER, safe='+')}@{switch.host}:{switch.sip_port}"
        assert carrier.call(to, "unknown").startswith("-ERR")
        refusal = "a call from an address that may not call was refused"
        until(lambda: house.log.has(refusal), what="a line in the log")
    finally:
        switch.restore()
        switch.api("sofia profile texml rescan")


@REAL
def test_a_carrier_that_asks_gets_the_credentials_and_the_caller_id_that_it_allows(
    carrier: Carrier, house: House, away: None
) -> None:
    connected_to(carrier, house, caller_id='"+13125559999"', caller_ids='["+1312555000*"]')
    for asked, shown in (("+13125550007", "+13125550007"), ("+19005550000", "+13125559999")):
        dial(house, FIRST, callerId=asked, answerOnBridge="true")
        caller = house.switch.call(NUMBER, from_=CALLER)
        caller.wait_hears(TONE, 10)
        # It reads a database that lags.
        until(carrier.channels, what="the carrier's leg in its list")
        (channel,) = carrier.channels()
        assert (channel["cid_num"], channel["dest"]) == (shown, FIRST)
        caller.hang_up()
        until(lambda: not carrier.channels(), what="the carrier's leg is gone")
    assert house.log.has("the trunk shows another caller id")


@REAL
@pytest.mark.parametrize(("trusted", "seen"), [("false", "anonymous"), ("true", CALLER)])
def test_a_gateway_is_sent_a_number_that_is_withheld_where_it_is_trusted(
    carrier: Carrier, house: House, away: None, trusted: str, seen: str
) -> None:
    """The carrier's FreeSWITCH takes P-Asserted-Identity before From."""
    connected_to(carrier, house, trusted=trusted)
    dial(house, FIRST, answerOnBridge="true")
    caller = house.switch.call(NUMBER, from_=CALLER, headers={"Privacy": "id"})
    caller.wait_hears(TONE, 10)
    until(carrier.channels, what="the carrier's leg in its list")
    (channel,) = carrier.channels()
    assert (channel["cid_num"], channel["dest"]) == (seen, FIRST)
    caller.hang_up()


# The spending guard


def limited(house: House, trunk: str = "", **account: int) -> None:
    house.stop()
    house.log.allows("not dialled")
    house.start(trunks=f"    {trunk}" if trunk else "")
    assert house.orchestrator
    live = house.orchestrator.current
    main, *others = live.settings.accounts
    accounts = (main.model_copy(update=account), *others)
    live.settings = live.settings.model_copy(update={"accounts": accounts})


@pytest.mark.parametrize(
    ("trunk", "problem"),
    [
        ('destinations: ["+44*"]', "trunk out may not call"),
        (f'refused_destinations: ["{FIRST[:8]}*"]', "trunk out may not call"),
        ("caller_ids: []\n    caller_id: '+13125559999'\n    destinations: []", "trunk out may not call"),
        ('caller_ids: ["+44*"]', "trunk out does not show the caller id"),
    ],
)
def test_a_call_that_a_trunk_does_not_allow_is_refused_with_a_line_in_the_log(
    house: House, trunk: str, problem: str
) -> None:
    limited(house, trunk)
    target = house.switch.register(FIRST, Answers(0.2, sounds=B))
    dial(house, FIRST)
    caller = house.switch.call(NUMBER, from_=CALLER)
    assert dialled(house)["DialCallStatus"] == "failed"
    assert house.log.has("not dialled", problem)
    assert target.calls == []
    caller.wait_ended()


@pytest.mark.parametrize(
    ("trunk", "account", "problem"),
    [
        ("max_calls: 1", {}, "trunk out: max_calls is 1"),
        ("", {"max_outgoing_calls": 1}, "account main: max_outgoing_calls is 1"),
    ],
)
def test_one_call_more_than_allowed_at_once_is_refused_until_one_ends(
    house: House, trunk: str, account: dict[str, int], problem: str
) -> None:
    limited(house, trunk, **account)
    target = house.switch.register(FIRST, Answers(0.2, sounds=B))
    dial(house, FIRST)
    one = house.switch.call(NUMBER, from_=CALLER)
    first = target.wait_called()
    one.wait_hears(B)
    two = house.switch.call(NUMBER, from_="+13125550003")
    assert dialled(house)["DialCallStatus"] == "failed"
    assert house.log.has("not dialled", problem)
    two.wait_ended()
    first.hang_up()
    one.wait_ended()
    three = house.switch.call(NUMBER, from_="+13125550004")
    three.wait_hears(B)
    three.hang_up()


def test_more_calls_a_minute_than_allowed_are_refused(house: House) -> None:
    limited(house, "calls_per_minute: 2")
    target = house.switch.register(FIRST, Answers(0.1, sounds=B))
    house.switch.register(SECOND, Answers(0.1, sounds=B))
    for turn in range(1, 3):
        dial(house, FIRST)
        caller = house.switch.call(NUMBER, from_=CALLER)
        target.wait_called(nth=turn).hang_up()
        caller.wait_ended()
    dial(house, SECOND)
    caller = house.switch.call(NUMBER, from_=CALLER)
    until(lambda: len(house.application.to("/dialled")) == 3, 10, "three ends")
    assert house.application.to("/dialled")[-1].fields["DialCallStatus"] == "failed"
    assert house.log.has("trunk out: calls_per_minute is 2")
    caller.wait_ended()
