"""A participant in FreeSWITCH: the orders that each of its changes takes, and those that correct it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.clock import now
from orchestrator.conference.live import member_commands
from orchestrator.conference.live.effect_executor import EffectExecutor
from orchestrator.conference.live.member_commands import MemberCommands
from orchestrator.conference.machine.events import End, Hold, Modify, Mute, Remove, RoomEvent
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
)
from orchestrator.esl.errors import Disconnected, SwitchError
from orchestrator.esl.reply import Reply
from orchestrator.esl.snapshot import Member
from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import ACCOUNT, House
from tests.web.site import wait_until

__all__ = ["bench", "scripted"]
ANNA, BERT = "+13125550002", "+13125550003"
# One change after the other; what is ordered about the first of two members, with its number in front of it.
CHANGES: list[tuple[str, Callable[[str, str], RoomEvent], list[str]]] = [
    ("muted", lambda one, _: Mute(now(), one, True), ["mute 1"]),
    ("muted again", lambda one, _: Mute(now(), one, True), []),
    ("heard again", lambda one, _: Mute(now(), one, False), ["unmute 1"]),
    ("on hold", lambda one, _: Hold(now(), one, True), ["hold 1", "deaf 1"]),
    ("muted on hold", lambda one, _: Mute(now(), one, True), []),
    ("back, and muted", lambda one, _: Hold(now(), one, False), ["unhold 1", "undeaf 1", "mute 1"]),
    ("coaches", lambda one, other: Modify(now(), one, coach=other), []),
    ("coaches nobody", lambda one, _: Modify(now(), one, coach=""), []),
    ("removed", lambda one, _: Remove(now(), one), ["kick 1"]),
]


def ordered(scripted: ScriptedSwitch) -> list[str]:
    """Of members; the listeners of a coach have tests of their own."""
    return [each for each in scripted.saw("conference ") if "relate" not in each]


def test_each_change_is_the_orders_that_it_takes(bench: House, scripted: ScriptedSwitch) -> None:
    bench.documents(dict.fromkeys((ANNA, BERT), bench.joins(beep="false")))
    legs = []
    for number, caller in enumerate((ANNA, BERT), 1):
        leg = scripted.leg(answered=False)
        legs.append(leg)
        scripted.legs[leg]["Caller-Caller-ID-Number"] = caller
        scripted.parks_again(leg)
        (order,) = scripted.wait_for(f"sendmsg {leg}", "execute-app-name: conference")
        sid = order.partition("execute-app-arg: ")[2].partition("@")[0]
        scripted.joins(sid, leg, number)
        bench.events(1 + number)
    assert bench.orchestrator is not None
    rooms = bench.orchestrator.nodes[0].rooms
    room = rooms.named(ACCOUNT, "Room 1234")
    assert room is not None
    one, other = room.participants
    for what, change, wanted in CHANGES:
        scripted.commands.clear()
        rooms.dispatch(room.sid, change(one, other))
        wait_until(lambda wanted=wanted: len(ordered(scripted)) >= len(wanted), what)
        assert ordered(scripted) == [f"conference {room.sid} {order}" for order in wanted], what
    scripted.leaves(room.sid, legs[0], 1)
    rooms.dispatch(room.sid, End(now()))
    scripted.wait_for(f"uuid_kill {legs[1]}")
    scripted.leaves(room.sid, legs[1], 2)
    scripted.hang_up_all()


class Sent:
    """An event socket that answers each command at once, and keeps them."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def post(self, command: str, on_reply: Any) -> None:
        self.commands.append(command.removeprefix("api conference sid "))
        on_reply(Reply("+OK"))


FLAGS = list(product([False, True], repeat=3))


@pytest.mark.parametrize(("muted", "held"), list(product([False, True], repeat=2)))
@pytest.mark.parametrize(("can_speak", "can_hear", "hold"), FLAGS)
def test_a_member_that_is_another_than_its_participant_is_made_what_it_is(
    muted: bool, held: bool, can_speak: bool, can_hear: bool, hold: bool
) -> None:
    """Of one on hold only the hold is looked at: mute and deaf are orders of its hold."""
    socket: Any = Sent()
    nothing: Any = None
    executor = EffectExecutor(MemberCommands(socket), nothing, nothing, nothing)
    participant = Participant(
        Caller("anna", "leg"), ParticipantOptions(muted=muted), Phase.IN, member_id="7", held=held
    )
    room = Room("sid", "account", "Room", ConferenceOptions(), participants={"anna": participant})
    seen = Member("leg", "7", 0, can_speak=can_speak, can_hear=can_hear, hold=hold)
    number = executor.reconcile(room, participant, seen)
    expected = []
    if hold is not held:
        expected.append("hold 7" if held else "unhold 7")
    if not held and not can_hear:
        expected.append("undeaf 7")
    if not held and can_speak is muted:
        expected.append("mute 7" if muted else "unmute 7")
    assert number == len(expected)
    assert socket.commands == expected
    as_it_should_be = replace(seen, can_speak=not muted, can_hear=True, hold=held)
    assert executor.reconcile(room, participant, as_it_should_be) == 0


class Slow:
    """An event socket that answers when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Any]] = []

    def post(self, command: str, on_reply: Any) -> None:
        self.waiting.append((command.removeprefix("api conference sid "), on_reply))

    def answers(self, reply: Reply | SwitchError) -> str:
        """The oldest one; which it was."""
        command, on_reply = self.waiting.pop(0)
        on_reply(reply)
        return command

    @property
    def sent(self) -> list[str]:
        return [command for command, _ in self.waiting]


DONE, TOO_EARLY = Reply("+OK", "+OK"), Reply("-ERR no member", "-ERR no member")


def test_orders_of_one_member_wait_for_each_other_and_for_nobody_else() -> None:
    socket: Any = Slow()
    commands = MemberCommands(socket)
    for member in ("7", "8"):
        for word in ("mute", "deaf", "kick"):
            commands.order("sid", member, word, member)
    assert socket.sent == ["mute 7", "mute 8"]
    assert socket.answers(DONE) == "mute 7"
    assert socket.sent == ["mute 8", "deaf 7"]
    for command in ("mute 8", "deaf 7", "deaf 8", "kick 7", "kick 8"):
        assert socket.answers(DONE) == command
    assert socket.sent == []
    commands.order("sid", "7", "mute", "7")
    assert socket.sent == ["mute 7"]


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_an_order_that_came_too_early_is_given_twice_more_before_the_next(
    monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setattr(member_commands, "AGAIN_SECONDS", (0.001, 0.001))
    socket: Any = Slow()
    commands = MemberCommands(socket)
    commands.order("sid", "7", "mute", "7")
    commands.order("sid", "7", "deaf", "7")
    for _ in range(failures):
        wait_until(lambda: socket.sent == ["mute 7"], "it is given")
        socket.answers(TOO_EARLY)
    if failures < 3:
        wait_until(lambda: socket.sent == ["mute 7"], "it is given again")
        socket.answers(DONE)
    assert socket.sent == ["deaf 7"]


def test_an_order_on_a_lost_socket_is_not_given_again() -> None:
    socket: Any = Slow()
    commands = MemberCommands(socket)
    commands.order("sid", "7", "mute", "7")
    commands.order("sid", "7", "deaf", "7")
    socket.answers(Disconnected("lost"))
    assert socket.sent == ["deaf 7"]
