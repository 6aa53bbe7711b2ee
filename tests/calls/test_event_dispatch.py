"""Which event reaches which part, and which leg is taken: one table each."""

from __future__ import annotations

from uuid import uuid4

import gevent
import pytest

from orchestrator.esl.events import Event
from orchestrator.esl.snapshot import DOCTOR
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import House


@pytest.mark.parametrize(
    ("variables", "taken", "killed"),
    [
        ({}, True, ""),
        ({"texml_guard": ""}, False, ""),
        ({"texml_guard": "0"}, False, ""),
        ({DOCTOR: "1"}, False, ""),
        ({"sip_replaces_call_id": "x"}, False, "CALL_REJECTED"),
    ],
    ids=["guarded", "not guarded", "guarded otherwise", "the doctor's", "replaces another"],
)
@pytest.mark.parametrize("when", ["comes", "was there"])
def test_a_leg_that_parks_is_taken_or_not(
    bench: House, scripted: ScriptedSwitch, variables: dict[str, str], taken: bool, killed: str, when: str
) -> None:
    bench.log.allows("without the guard variables")
    bench.voice("<Response><Pause length='60'/></Response>")
    if when == "comes":
        uuid = scripted.parks(**variables)
    else:
        bench.stop()
        uuid = scripted.leg(answered=False, **variables)
        bench.start()
    if taken:
        bench.application.wait_for("/voice", 1)
    gevent.sleep(0.2)
    assert len(bench.application.to("/voice")) == int(taken)
    assert [command.split()[-1] for command in scripted.saw("uuid_kill", uuid)] == (
        [killed] if killed else []
    )
    assert bench.orchestrator is not None
    assert bench.orchestrator.node.reconciler.corrections.calls == int(
        when == "was there" and variables.get("texml_guard", "1") == "1"
    )


def test_a_leg_that_would_replace_another_is_killed_as_it_is_made(
    bench: House, scripted: ScriptedSwitch
) -> None:
    uuid, other = str(uuid4()), str(uuid4())
    scripted.event("CHANNEL_CREATE", other)
    scripted.event("CHANNEL_CREATE", uuid, variable_sip_replaces_call_id="x")
    gevent.sleep(0.2)
    named = scripted.saw("uuid_kill")
    assert [command.split()[1] for command in named] in ([], [uuid])


def test_a_leg_without_a_uuid_is_refused(bench: House, scripted: ScriptedSwitch) -> None:
    bench.log.allows("is no UUID")
    for name in ("somebody-s-call-id@host", "8403FB83-FEF9-4C6A-8F50-7B6E2B09F977"):
        scripted.parks(name)
        assert scripted.wait_for("uuid_kill", name)[0].endswith("NORMAL_TEMPORARY_FAILURE")
    scripted.parks("two words")
    gevent.sleep(0.2)
    assert bench.application.to("/voice") == []
    assert not scripted.saw("uuid_kill two words")
    scripted.legs.clear()


def test_a_watcher_hears_everything_until_the_end_and_no_longer(bench: House) -> None:
    assert bench.orchestrator is not None
    board, legs = bench.orchestrator.node.dispatcher, bench.orchestrator.node.legs
    heard = list[tuple[str, str]]()
    uuid, other = str(uuid4()), str(uuid4())

    def first(event: Event) -> None:
        heard.append(("first", event.name))

    def second(event: Event) -> None:
        heard.append(("second", event.name))
        if event.name == "CHANNEL_ANSWER":
            legs.unwatch(uuid, second)

    for each in (first, second):
        legs.watch(uuid, each)
    for name in ("CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_HANGUP", "CHANNEL_DESTROY", "CHANNEL_CREATE"):
        board.on_event(Event(name=name, uuid=uuid))
        board.on_event(Event(name=name, uuid=other))
    assert heard == [
        ("first", "CHANNEL_CREATE"),
        ("second", "CHANNEL_CREATE"),
        ("first", "CHANNEL_ANSWER"),
        ("second", "CHANNEL_ANSWER"),
        ("first", "CHANNEL_HANGUP"),
        ("first", "CHANNEL_DESTROY"),
    ]
    legs.unwatch(uuid, first)


def test_events_held_back_come_in_order_and_later_ones_behind_them(bench: House) -> None:
    assert bench.orchestrator is not None
    board, heard, uuid = bench.orchestrator.node.dispatcher, list[str](), str(uuid4())
    bench.orchestrator.node.legs.watch(uuid, lambda event: heard.append(event.name))
    board.hold()
    for name in ("CHANNEL_CREATE", "CHANNEL_ANSWER"):
        board.on_event(Event(name=name, uuid=uuid))
    board.hold()
    assert heard == []
    board.deliver(Event(name="DTMF", uuid=uuid))
    board.release()
    board.on_event(Event(name="CHANNEL_DESTROY", uuid=uuid))
    board.release()
    assert heard == ["DTMF", "CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_DESTROY"]


@pytest.mark.parametrize("watched", [False, True])
def test_a_leg_that_somebody_has_is_not_taken_again(
    bench: House, scripted: ScriptedSwitch, watched: bool
) -> None:
    bench.voice("<Response><Pause length='60'/></Response>")
    if watched:
        assert bench.orchestrator is not None
        uuid = str(uuid4())
        bench.orchestrator.node.legs.watch(uuid, lambda event: None)
        scripted.parks(uuid)
    else:
        uuid = scripted.parks()
        bench.application.wait_for("/voice", 1)
        scripted.parks_again(uuid)
    gevent.sleep(0.2)
    assert len(bench.application.to("/voice")) == int(not watched)
