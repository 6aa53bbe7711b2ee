"""Legs whose Unique-ID is no UUID: FreeSWITCH's own are, those of an existing configuration may be none.

Symptom: a call through a SIP profile with inbound-use-callid-as-uuid had no end and was never served, every
foreign leg of that kind left tracebacks, and the orchestrator did not start again. Cause: no CallSid can be
made of such an id, and the guard of the dialplan was cancelled before that was noticed. Fix: the dialplan
refuses them, and those that are not ours are let pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.sids import call_sid_of, has_call_sid, leg_of
from tests.attacks.sip import Dialog, RawPhone, Request
from tests.lab.web import Application
from tests.scenarios.conftest import House, lived_in
from tests.sip.callee import Callee
from tests.sip.own_switch import OwnSwitch, own_switch
from tests.sound.common import until

PROFILE = "sip_profiles/texml.xml"
SETTING = '<settings>\n    <param name="inbound-use-callid-as-uuid" value="true"/>'
UUID = "0ae38874-d32b-42b1-8761-a7e32d5662fd"


@pytest.mark.parametrize(
    "leg", ["agent-7", "", "1234@pbx.example", UUID.upper(), UUID.replace("-", ""), UUID + " "]
)
def test_a_leg_without_a_call_sid(leg: str) -> None:
    assert not has_call_sid(leg)


def test_a_leg_with_a_call_sid() -> None:
    assert has_call_sid(UUID)
    assert leg_of(call_sid_of(UUID)) == UUID


class PbxPhone(RawPhone):
    """It writes Call-IDs as PBXs do."""

    def __init__(self, switch_port: int, ending: str = "@pbx.example") -> None:
        super().__init__(switch_port)
        self._ending = ending

    def _change(self, request: Request, dialog: Dialog) -> None:
        dialog.call_id = dialog.call_id.removesuffix(self._ending) + self._ending
        request.substitute(b"Call-ID", rb"^.*$", dialog.call_id.encode())


@pytest.fixture(scope="module")
def with_call_ids(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSwitch]:
    with own_switch(tmp_path_factory.mktemp("with-call-ids"), {"FS_TAKE_WITHIN": "5"}) as switch:
        profile = switch.conf_dir / PROFILE
        profile.write_text(profile.read_text().replace("<settings>", SETTING))
        switch.kill()
        switch.start()
        yield switch


@pytest.fixture
def house(with_call_ids: OwnSwitch, application: Application, tmp_path: Path) -> Iterator[House]:
    with_call_ids.begin()
    with_call_ids.api("global_setvar texml_owner=free")
    with lived_in(with_call_ids, application, tmp_path) as house:
        yield house


@pytest.mark.parametrize("ending", ["@pbx.example", "/1;x=${uuid}", '"quoted"'])
def test_a_call_whose_unique_id_is_no_uuid_is_refused_at_once_and_named(house: House, ending: str) -> None:
    house.voice(house.joins())
    with PbxPhone(house.switch.sip_port, ending) as phone:
        assert phone.invite(timeout=3.0).status == 503
    assert house.application.to("/voice") == []
    assert [line for line in house.switch.log_errors() if "Unique-ID that is no UUID" in line]
    assert "texml_gone_" not in house.switch.api("global_getvar")


def test_one_that_was_parked_with_the_guard_is_refused(house: House) -> None:
    with Callee() as callee:
        channel = f"{{origination_uuid=agent-7,texml_guard=1}}sofia/texml/x@{callee.address}"
        house.switch.api(f"originate {channel} &park()")
        assert callee.wait_over()
    house.log.allows("its Unique-ID is no UUID")


def test_a_call_id_that_is_a_uuid_is_served(house: House) -> None:
    house.voice(house.joins())
    with RawPhone(house.switch.sip_port) as phone:
        assert phone.invite().status == 200
        house.delivered(2)


def originate(house: House, callee: Callee, application: str) -> None:
    channel = f"{{origination_uuid=agent-7}}sofia/texml/x@{callee.address}"
    assert house.switch.api(f"originate {channel} &{application}").startswith("+OK")
    callee.wait_answered()


def ends(house: House, callee: Callee) -> None:
    assert callee.bye() == 200
    until(lambda: house.switch.api("uuid_exists agent-7") == "false", what="its end")


def test_foreign_legs_are_let_pass(house: House) -> None:
    with Callee() as callee:
        originate(house, callee, "conference(theirs@texml.default)")
        ends(house, callee)


def test_a_foreign_leg_that_enters_a_room_is_sent_away(house: House) -> None:
    house.voice(house.joins())
    with RawPhone(house.switch.sip_port) as phone, Callee() as callee:
        phone.invite()
        room = house.events(2)[0]["ConferenceSid"]
        originate(house, callee, f"conference({room})")
        until(lambda: house.switch.api(f"conference {room} list count").strip() == "1", what="kick")
        assert len(house.delivered()) == 2
