"""The callees of a Dial, each to its end: its record and its callbacks, whatever ends first."""

from __future__ import annotations

import re

import pytest

from orchestrator.sids import call_sid_of
from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import ACCOUNT, House
from tests.web.site import wait_until

__all__ = ["bench", "scripted"]
NUMBERS = ("+13125550021", "+13125550022", "+13125550023")
EVENTS = "initiated ringing answered completed"


class Dial:
    """One caller and three callees, one of which is never reached."""

    def __init__(self, bench: House, scripted: ScriptedSwitch) -> None:
        self.bench, self.scripted = bench, scripted
        self.stated: dict[str, list[str]] = {}
        nouns = "".join(
            f"<Number statusCallback='/status-{index}' statusCallbackEvent='{EVENTS}'>{number}</Number>"
            for index, number in enumerate(NUMBERS)
        )
        for index in range(len(NUMBERS)):
            bench.application.takes_callbacks(f"/status-{index}")
        bench.application.document("/then", "<Response><Hangup/></Response>")
        bench.voice(f"<Response><Dial action='/then'>{nouns}</Dial></Response>")
        scripted.silent.add("bridge")
        self.caller = scripted.parks()
        (order,) = scripted.wait_for(f"sendmsg {self.caller}", "execute-app-name: bridge")
        self.event_uuid = order.partition("Event-UUID: ")[2].partition("\n")[0]
        self.argument = order.partition("execute-app-arg: ")[2].partition("\n")[0]
        self.callees = re.findall(r"origination_uuid=([^,\]]+)", order)
        for callee in self.callees[:2]:
            scripted.leg(callee, answered=False)
            for name in ("CHANNEL_CREATE", "CHANNEL_PROGRESS"):
                scripted.event(name, callee)

    def answers(self) -> None:
        """The first one; FreeSWITCH connects it, and calls the second off."""
        first, second, _ = self.callees
        self.scripted.answers_call(first)
        self.scripted.event("CHANNEL_BRIDGE", self.caller, Other_Leg_Unique_ID=first)
        self.scripted.hangs_up(second, "LOSE_RACE")

    def bridge_ends(self) -> None:
        self.scripted.event(
            "CHANNEL_EXECUTE_COMPLETE",
            self.caller,
            Application="bridge",
            Application_Data=self.argument,
            Application_UUID=self.event_uuid,
            variable_originate_disposition="SUCCESS",
        )

    def statuses(self) -> list[str]:
        """Of the callees, as REST lists them."""
        assert self.bench.orchestrator is not None
        calls = self.bench.orchestrator.nodes[0].call_records
        calls.flush()
        found = [calls.get(ACCOUNT, sid) for sid in self.sids()]
        return [one.status if one is not None else "" for one in found]

    def sids(self) -> list[str]:
        return [call_sid_of(callee) for callee in self.callees]

    def reported(self) -> list[list[str]]:
        return [
            [one["CallStatus"] for one in self.bench.callbacks(f"/status-{index}")]
            for index in range(len(NUMBERS))
        ]


ENDED = ["completed", "canceled", "canceled"]
REPORTED = [
    ["initiated", "ringing", "in-progress", "completed"],
    ["initiated", "ringing", "canceled"],
    [],
]


@pytest.mark.parametrize("first", ["the caller", "the callee", "the caller, with its callee at once"])
def test_of_a_conversation_each_leg_has_its_own_end(
    bench: House, scripted: ScriptedSwitch, first: str
) -> None:
    dial = Dial(bench, scripted)
    dial.answers()
    callee = dial.callees[0]
    wait_until(lambda: dial.reported()[1] == REPORTED[1], "the second one was called off")
    if first == "the callee":
        scripted.hangs_up(callee)
        dial.bridge_ends()
        bench.application.wait_for("/then")
        scripted.hangs_up(dial.caller)
    else:
        scripted.hangs_up(dial.caller)
        if first == "the caller":
            # The rest of its Dial is through before FreeSWITCH says anything more about the callee.
            wait_until(lambda: dial.statuses()[2] == "canceled", "the Dial is over")
            assert dial.statuses()[0] not in ENDED
        scripted.hangs_up(callee)
    wait_until(lambda: dial.reported() == REPORTED, "all is reported")
    assert dial.statuses() == ENDED
    assert bench.orchestrator is not None
    assert not bench.orchestrator.nodes[0].call_context.dialed_legs


def test_without_an_answer_each_leg_has_its_own_end(bench: House, scripted: ScriptedSwitch) -> None:
    bench.log.allows("nobody was connected")
    dial = Dial(bench, scripted)
    scripted.hangs_up(dial.callees[0], "USER_BUSY")
    scripted.hangs_up(dial.callees[1], "NO_ANSWER")
    dial.bridge_ends()
    asked = bench.application.wait_for("/then")[0].fields
    assert asked["DialBridged"] == "false"
    wait_until(lambda: dial.statuses() == ["busy", "no-answer", "failed"], "each has its own end")
    ends = [["busy"], ["no-answer"], []]
    wait_until(lambda: [one[-1:] for one in dial.reported()] == ends, "each is reported")
