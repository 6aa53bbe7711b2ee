"""Conferences in the log: their starts, joins, leaves and ends at info, every transition at debug."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from enum import Enum

from orchestrator.conference.machine.events import RoomEvent
from orchestrator.conference.machine.state import Caller, Room
from orchestrator.logs import get_logger, of_node

log = get_logger(__name__)

# A URL may have a password in it, and options have URLs; the line has its own time.
_NOT_SHOWN = ("at", "options", "url", "wait_url")


def log_transition(before: Room, event: RoomEvent, after: Room, changed: Iterable[str]) -> None:
    """`changed`: the CallSids whose participants are new, different or gone."""
    if log.isEnabledFor(logging.DEBUG):
        log.debug(f"{before.phase.value} -> {_shown(event)} -> {after.phase.value}", room=before.sid)
    if after.started_at and not before.started_at:
        log.info("conference started", room=after.sid, name=after.name, **of_node(after.node))
    for call_sid in changed:
        was, one = before.participants.get(call_sid), after.participants.get(call_sid)
        joined, left = one is not None and one.join_sent, was is not None and was.join_sent
        if joined and not left:
            _log_people("joined", after, call_sid)
        elif left and one is None:
            _log_people("left", after, call_sid)
    if after.ended_at and not before.ended_at:
        reason = after.end_reason.value if after.end_reason else ""
        log.info("conference ended", room=after.sid, name=after.name, reason=reason, **of_node(after.node))


def _log_people(what: str, room: Room, call_sid: str) -> None:
    count = len(room.participants)
    log.info(what, room=room.sid, call=call_sid, participants=count, **of_node(room.node))


def _shown(event: RoomEvent) -> str:
    facts = {name: getattr(event, name) for name in event.__struct_fields__ if name not in _NOT_SHOWN}
    pairs = ", ".join(f"{name}={_plain(fact)}" for name, fact in facts.items() if fact not in (None, ""))
    return f"{type(event).__name__}({pairs})"


def _plain(fact: object) -> object:
    if isinstance(fact, Caller):
        return fact.call_sid
    return fact.value if isinstance(fact, Enum) else fact
