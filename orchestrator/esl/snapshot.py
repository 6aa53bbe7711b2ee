"""The actual state of one FreeSWITCH, queried at one moment: conferences, legs, and legs that have gone.

A listing that fails raises; it is never read as empty. Each answer may be a little older than the next one,
and events of the meantime come as well: the reconciler holds those back until it is done.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import gevent
from msgspec import Struct

from orchestrator.clock import now
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import CommandFailed, LegGone
from orchestrator.esl.events import from_cjson

GUARD: Final = "variable_texml_guard"
DOCTOR: Final = "texml_doctor"
"""Variable of the legs of `orchestrator doctor`, which are no calls. No caller can set it."""
DOCTOR_NUMBER: Final = "orchestrator-doctor"
"""Called by `orchestrator doctor`; its calls are its own to steer."""
# freeswitch-conf/dialplan/texml.xml has every leg of ours write this down at its end.
HANGUP_RECORDS: Final = "texml_gone_"
# switch_core_media_bug_enumerate; "session_record" is switch_ivr_record_session_event's.
_BUG: Final = re.compile(r"<function>([^<]*)</function>\s*<target>([^<]*)</target>")
_RECORDING_BUG: Final = "session_record"
_ENDING_STATES: Final = ("CS_HANGUP", "CS_REPORTING", "CS_DESTROY")
_ENDING_SECONDS: Final = 3.0
_EXACT_SECONDS: Final = 0.5
_EXACT_TRIES: Final = 4
_ENDING_POLL_SECONDS: Final = 0.05


class Member(Struct, frozen=True):
    leg: str
    member_id: str
    joined_at: int
    """Microseconds since the epoch: the second in which it was, by its beginning."""
    can_speak: bool = True
    can_hear: bool = True
    hold: bool = False
    talking: bool = False


class ConferenceSeen(Struct, frozen=True):
    instance: str
    """Conference-Unique-ID."""
    members: Mapping[str, Member]
    """By leg."""
    recordings: Mapping[str, int]
    """Path, as FreeSWITCH sees it, and when it began, in microseconds since the epoch."""
    paused: frozenset[str] = frozenset()
    """Paths of those that are paused."""


class HangupRecord(Struct, frozen=True):
    """Left behind by a leg that ended without an orchestrator. Times in microseconds since the epoch."""

    leg: str
    ended_at: int
    created_at: int = 0
    answered_at: int = 0
    cause: str = ""
    conference: str = ""
    member_id: str = ""
    sip_status: str = ""
    disposition: str = ""
    codec: str = ""
    rate: str = ""


class Snapshot(Struct, frozen=True):
    taken_at: int
    """Microseconds since the epoch, by our clock."""
    conferences: Mapping[str, ConferenceSeen]
    """By name."""
    legs: Mapping[str, Mapping[str, str]]
    """Headers and variables of those asked for that live, by leg."""
    hangup_records: Mapping[str, HangupRecord]
    """By leg: hangup records that were left since they were last deleted."""
    channels: tuple[str, ...]
    """Every leg there is, as far as FreeSWITCH's own table is up to date: it may lag by a moment."""


def take_snapshot(connection: Connection, legs: Iterable[str]) -> Snapshot:
    """Raises `SwitchError` when any of it cannot be had."""
    at, conferences = _conferences(connection)
    channels = list_channels(connection)
    living = {}
    for leg in legs:
        headers = dump(connection, leg)
        if headers is not None:
            living[leg] = headers
    return Snapshot(at, conferences, living, list_hangup_records(connection), channels)


def _conferences(connection: Connection) -> tuple[int, dict[str, ConferenceSeen]]:
    """And when: a listing has ages, so one that took long is requested again."""
    for _ in range(_EXACT_TRIES):
        at, began = now(), time.monotonic()
        conferences = list_conferences(connection, at)
        if time.monotonic() - began < _EXACT_SECONDS:
            break
    return at, conferences


def list_conferences(connection: Connection, at: int) -> dict[str, ConferenceSeen]:
    text = connection.api("conference json_list")
    if not text.strip() or text.startswith("+OK"):
        # "+OK No active conferences." where there is none.
        return {}
    listed = _json(text, list)
    return {str(one.get("conference_name", "")): _conference(one, at) for one in listed}


def _conference(listed: Mapping[str, Any], at: int) -> ConferenceSeen:
    members: dict[str, Member] = {}
    recordings: dict[str, int] = {}
    paused: set[str] = set()
    for one in listed.get("members", ()):
        # Ages are counted in whole seconds of the clock: that second's beginning.
        since = (at // 1_000_000 - int(one.get("join_time", 0) or 0)) * 1_000_000
        if one.get("type") == "recording_node":
            # Its join_time is a moment, not an age (mod_conference.c, rec_time).
            path = str(one.get("record_path", ""))
            recordings[path] = 1_000_000 * int(one.get("join_time", 0) or 0)
            if one.get("status") == "paused":
                paused.add(path)
            continue
        flags = one.get("flags", {})
        members[str(one.get("uuid", ""))] = Member(
            leg=str(one.get("uuid", "")),
            member_id=str(one.get("id", "")),
            joined_at=since,
            can_speak=bool(flags.get("can_speak", True)),
            can_hear=bool(flags.get("can_hear", True)),
            hold=bool(flags.get("hold", False)),
            talking=bool(flags.get("talking", False)),
        )
    instance = str(listed.get("conference_uuid", ""))
    return ConferenceSeen(instance, members, recordings, frozenset(paused))


def list_channels(connection: Connection) -> tuple[str, ...]:
    listed = _json(connection.api("show channels as json"), dict)
    # There is no `rows` where there is none.
    return tuple(str(row.get("uuid", "")) for row in listed.get("rows", ()))


def dump(connection: Connection, leg: str) -> dict[str, str] | None:
    """Headers and variables; None for one that has hung up. One that is hanging up is waited for."""
    until = time.monotonic() + _ENDING_SECONDS
    while True:
        try:
            headers = _json(connection.api(commands.dump(leg).removeprefix("api ")), dict)
        except LegGone:
            return None
        if headers.get("Channel-State") not in _ENDING_STATES or time.monotonic() > until:
            break
        gevent.sleep(_ENDING_POLL_SECONDS)
    if headers.get("Channel-State") in _ENDING_STATES:
        return None
    return {str(name): value if isinstance(value, str) else str(value) for name, value in headers.items()}


def list_recordings(connection: Connection, leg: str) -> list[str]:
    """Paths that `record_session` writes of this leg; none where there is no such leg. Raises SwitchError."""
    listed = connection.api(commands.api("uuid_buglist", leg).removeprefix("api "))
    return [target for function, target in _BUG.findall(listed) if function == _RECORDING_BUG]


def list_hangup_records(connection: Connection) -> dict[str, HangupRecord]:
    found = {}
    for line in connection.api("global_getvar").splitlines():
        name, _, value = line.partition("=")
        if name.startswith(HANGUP_RECORDS):
            leg = name[len(HANGUP_RECORDS) :]
            found[leg] = _hangup_record(leg, value)
    return found


def _hangup_record(leg: str, value: str) -> HangupRecord:
    words = [word.strip() for word in value.split("|")] + [""] * 10
    ended, created, answered = (int(word) if word.isdigit() else 0 for word in words[:3])
    return HangupRecord(leg, ended, created, answered, *words[3:10])


def delete_hangup_record(post: Callable[[str], None], leg: str) -> None:
    """Delete its hangup record, which has been read. `post` sends a command and does not wait."""
    with suppress(ValueError):  # an id of somebody else's choice that is no name: it stays until a restart
        post(commands.forget_global(HANGUP_RECORDS + leg))


def _json(text: str, kind: Callable[..., Any]) -> Any:
    listed = from_cjson(text, "a listing")
    if isinstance(kind, type) and not isinstance(listed, kind):
        raise CommandFailed(f"-ERR a listing of another form: {text[:80]!r}")
    return listed
