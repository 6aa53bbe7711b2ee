"""The same on a real FreeSWITCH: what it does with our escaping, and how it goes away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import gevent
import pytest

from orchestrator.esl import (
    CommandFailed,
    ConferenceGone,
    Connection,
    Disconnected,
    Leg,
    LegGone,
    Legs,
    MemberGone,
    SwitchError,
    commands,
)
from orchestrator.esl.commands import DialTarget
from orchestrator.esl.events import Event
from tests.esl.conftest import RealSwitch, eventually

ECHO = DialTarget("loopback/echo/default")
APOSTROPHE = "\u2019"
VALUES = {
    "quotes": 'it\'s; a "quote", ok ',
    "caret": "^^;x=1",
    "leading": " lead",
    "delimiters": "';|~!#+,",
    "only_quotes": "''",
    "reload": "reload mod_event_socket",
    "array": "ARRAY::a|:b",
    "foreign": "ü😀",
}


class Node:
    """A Connection to the real one, with its legs and everything it said."""

    def __init__(self, switch: RealSwitch) -> None:
        self.events: list[Event] = []
        self.errors: list[SwitchError] = []
        self.connection = Connection(
            "127.0.0.1",
            switch.port,
            "ClueCon",
            backoff=(0.05, 0.2),
            probe_after=0.2,
            probe_timeout=0.3,
        )
        self.connection.on_event.append(self._on_event)
        self.connection.on_down.append(self.errors.append)
        self.legs = Legs(self.connection)
        self.connection.connect()

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self.legs.dispatch(event)

    def api(self, command: str) -> str:
        return self.connection.api(command)

    def leg(self, **variables: str) -> Leg:
        """A parked leg with expansion off, as the dialplan makes ours."""
        dial = commands.dial_string([ECHO], variables)
        uuid = self.connection.bgapi(commands.originate(dial), 10).split()[1]
        leg = self.legs.adopt(uuid, json.loads(self.api(commands.dump(uuid))))
        leg.set(app_disable_expand_variables="true").wait(5)
        return leg


@pytest.fixture
def node(real_switch: RealSwitch) -> Iterator[Node]:
    node = Node(real_switch)
    yield node
    if node.connection.connected:
        node.api("hupall")
    node.connection.stop()


def test_variables_arrive_as_they_were(node: Node) -> None:
    leg = node.leg()
    leg.set(VALUES).wait(5)
    assert {name: node.api(commands.getvar(leg.uuid, name)) for name in VALUES} == VALUES


def test_a_variable_set_at_once_arrives_as_it_was(node: Node) -> None:
    leg = node.leg()
    for name, value in {"a": 'it\'s a ; \\ "x" ', "b": " lead  two", "c": "a\\nb"}.items():
        node.api(commands.setvar(leg.uuid, name, value))
        assert node.api(commands.getvar(leg.uuid, name)) == value


def test_a_callers_name_in_a_dial_string_arrives_as_it_was_and_sets_nothing_else(node: Node) -> None:
    name = 'O\'Brien, "Pat" <x> | a;b=c,evil=1 [1] ün ^^:'
    leg = node.leg(origination_caller_id_name=name, other="1=2,3")
    assert leg.headers["variable_origination_caller_id_name"] == name.replace("'", APOSTROPHE)
    assert node.api(commands.getvar(leg.uuid, "other")) == "1=2,3"
    assert node.api(commands.getvar(leg.uuid, "evil")) == "_undef_"


@pytest.mark.parametrize("guarded", ["true", "false"])
def test_a_dial_string_for_bridge_arrives_as_it_was_even_on_a_leg_that_expands(
    node: Node, guarded: str
) -> None:
    leg = node.leg()
    leg.set(app_disable_expand_variables=guarded).wait(5)
    name = "O'Brien', evil=1 & 'x'"
    dial = commands.dial_string([DialTarget(ECHO.endpoint, {"own": "a b;c@d:e"})], {"called_as": name})
    leg.start("bridge", dial)
    others = [e for e in node.events if e.name == "CHANNEL_CREATE"]

    def created() -> list[dict[str, str]]:
        news = [e for e in node.events if e.name == "CHANNEL_CREATE" and e not in others]
        return [e.headers() for e in news if "variable_called_as" in e.headers()]

    eventually(created, "the bridged leg")
    headers = created()[0]
    assert headers["variable_called_as"] == name.replace("'", APOSTROPHE)
    assert headers["variable_own"] == "a b;c@d:e"
    assert "variable_evil" not in headers


def test_words_that_would_reload_the_event_socket_do_not(node: Node) -> None:
    leg = node.leg()
    event = leg.execute("set", "said=now RELOAD mod_event_socket", 5)
    assert event.header("Application-Data") == "said=now RELOAD mod_event_socket"
    assert not node.errors


def test_set_expands_although_expansion_is_off_which_is_why_we_refuse(node: Node) -> None:
    """The reason for a rule in commands.py; when this fails, FreeSWITCH has changed."""
    leg = node.leg()
    reply = node.connection.send(
        f"sendmsg {leg.uuid}\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: x=${{uuid}}"
    )
    assert reply.text == "+OK"
    eventually(lambda: node.api(commands.getvar(leg.uuid, "x")) == leg.uuid)


def test_a_playback_ends_by_itself_and_by_a_break(node: Node) -> None:
    leg = node.leg()
    assert (
        leg.execute("playback", "tone_stream://%(60,0,600)", 5).header("Application-Response")
        == "FILE PLAYED"
    )
    for wait_until_it_plays in (True, False):
        music = leg.start("playback", "tone_stream://%(200,200,700);loops=-1")
        if wait_until_it_plays:
            gevent.sleep(0.1)
        leg.break_()
        assert music.wait(5).application == "playback"


def test_a_break_throws_away_nothing_that_is_queued(node: Node) -> None:
    leg = node.leg()
    before = leg.set(a="1")
    leg.break_()
    after = leg.set(b="2")
    before.wait(5)
    after.wait(5)
    assert node.api(commands.getvar(leg.uuid, "a")) + node.api(commands.getvar(leg.uuid, "b")) == "12"


def test_a_hangup_while_something_plays_ends_the_wait(node: Node) -> None:
    leg = node.leg()
    sleeping = leg.start("sleep", "60000")
    leg.hangup("USER_BUSY")
    with pytest.raises(LegGone, match="USER_BUSY"):
        sleeping.wait(5)
    eventually(lambda: node.legs.get(leg.uuid) is None)
    late = Leg(node.connection, leg.uuid, {}, node.legs.lost).start("answer")
    with pytest.raises(LegGone, match="invalid session id"):
        late.wait(5)


def test_a_gone_leg_member_or_conference_is_reported_by_type(node: Node) -> None:
    leg = node.leg()
    leg.start("conference", "CFreal@none")
    eventually(lambda: [e for e in node.events if e.action == "add-member"], "add-member")
    with pytest.raises(MemberGone):
        node.api(commands.conference("CFreal", "mute", "99999"))
    with pytest.raises(ConferenceGone):
        node.api(commands.conference("CFnobody", "list"))
    with pytest.raises(LegGone):
        node.api(commands.break_("8403fb83-fef9-4c6a-8f50-7b6e2b09f977"))
    with pytest.raises(CommandFailed, match="NO_ROUTE_DESTINATION"):
        node.connection.bgapi(
            commands.originate(commands.dial_string([DialTarget("loopback/nobody/default")])), 10
        )


def test_pipelined_commands_run_in_order(node: Node) -> None:
    leg = node.leg()
    executions = [leg.set(n=str(number)) for number in range(50)]
    for execution in executions:
        execution.wait(5)
    done = [e.application_uuid for e in node.events if e.name == "CHANNEL_EXECUTE_COMPLETE"]
    assert [uuid for uuid in done if uuid in {e.uuid for e in executions}] == [e.uuid for e in executions]
    assert node.connection.protocol_errors.unexpected_replies == 0


def test_a_leg_survives_a_lost_socket_and_obeys_again(node: Node) -> None:
    leg = node.leg()
    sleeping = leg.start("sleep", "60000")
    gevent.sleep(0.05)
    node.connection.sock.shutdown(2)
    with pytest.raises(Disconnected):
        sleeping.wait(5)
    eventually(lambda: node.connection.connected, "the reconnect")
    assert not leg.gone
    leg.hangup()
    assert leg.ended.wait(5)


def _crash(switch: RealSwitch) -> None:
    switch.crash()
    switch.start()


def _freeze(switch: RealSwitch) -> None:
    switch.freeze(True)


@pytest.mark.parametrize("how", [_crash, _freeze])
def test_a_freeswitch_that_crashes_or_falls_silent_is_noticed_and_found_again(
    real_switch: RealSwitch, node: Node, how: Callable[[RealSwitch], None]
) -> None:
    leg, before = node.leg(), node.connection.core_uuid
    waiting = leg.start("sleep", "60000")
    node.connection.api("status")
    try:
        how(real_switch)
        with pytest.raises(Disconnected):
            waiting.wait(10)
    finally:
        real_switch.freeze(False)
    eventually(lambda: node.connection.connected, "the reconnect", 15)
    assert (node.connection.core_uuid == before) is (how is _freeze)
