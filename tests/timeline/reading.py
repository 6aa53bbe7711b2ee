"""Timelines as somebody reads them: sentence by sentence."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

from orchestrator.timeline.entry import Entry
from orchestrator.timeline.sentences import sentence
from tests.scenarios.conftest import ACCOUNT, House


def entries_of(house: House, call_sid: str) -> list[Entry]:
    orchestrator = house.orchestrator
    assert orchestrator is not None
    orchestrator.timeline.flush()
    return orchestrator.outbox.timeline.of_call(ACCOUNT, call_sid)


def entries_of_conference(house: House, sid: str) -> list[Entry]:
    orchestrator = house.orchestrator
    assert orchestrator is not None
    orchestrator.timeline.flush()
    return orchestrator.outbox.timeline.of_conference(ACCOUNT, sid)


def rejected(house: House) -> list[Entry]:
    orchestrator = house.orchestrator
    assert orchestrator is not None
    orchestrator.timeline.flush()
    return orchestrator.outbox.timeline.rejected()


def all_of(house: House) -> list[Entry]:
    orchestrator = house.orchestrator
    assert orchestrator is not None
    orchestrator.timeline.flush()
    return orchestrator.outbox.timeline.since(ACCOUNT, 0)


def wait_for(
    house: House,
    kind: str,
    read: Callable[[House], list[Entry]] = all_of,
    timeout: float = 10.0,
    **facts: object,
) -> Entry:
    """The first entry of this kind with these facts, once it is there."""
    until = time.monotonic() + timeout
    while True:
        found = read(house)
        for entry in found:
            if entry.kind == kind and all(entry.facts.get(name) == fact for name, fact in facts.items()):
                return entry
        timeline = "\n".join(f"{entry.kind}: {sentence(entry)}" for entry in found)
        assert time.monotonic() < until, f"no {kind} with {facts} among:\n{timeline}"
        gevent.sleep(0.05)


def kinds(entries: list[Entry]) -> list[str]:
    return [entry.kind for entry in entries]


def sentences(entries: list[Entry]) -> str:
    return "\n".join(map(sentence, entries))
