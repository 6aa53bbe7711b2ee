"""Conferences and calls as the page lists and shows them, living and over, with recordings and callbacks.

Times are milliseconds since the epoch, as browsers count; 0 for what has not happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from orchestrator.calls.records import CallRecord
from orchestrator.conference.live.records import LeaveRecord, RoomRecord
from orchestrator.recordings.records import RecordingRecord
from orchestrator.rejection import NotFound
from orchestrator.services.api_services import ApiServices
from orchestrator.store.callback_list import ListedCallback
from orchestrator.store.message import CallbackQuery
from orchestrator.store.records import SEARCHED, Query, RecordKind
from orchestrator.web.console.callback_views import callback_view
from orchestrator.web.console.filters import PAGE, ListFilter
from orchestrator.web.console.view import View

MAX_CALLBACKS = 300
MAX_RECORDINGS = 100
MAX_PARTICIPANTS = 1000
STATES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "live": ({"ended_at": "0"}, {}),
    "over": ({}, {"ended_at": "0"}),
    "failed": ({"status": "failed"}, {}),
    "busy": ({"status": "busy"}, {}),
    "no-answer": ({"status": "no-answer"}, {}),
}
"""Columns of records that are equal, and unequal."""


class ConsoleQueries:
    """Every method takes the account that asks, raises NotFound for another's, and may raise OutboxError."""

    def __init__(self, control: ApiServices) -> None:
        self._control = control

    # Lists

    def conferences(self, account_sid: str, wanted: ListFilter) -> View:
        """The newest first; `next` leads to the page after, `searched` is how far back words were sought."""
        find = self._control.conferences.find_rooms
        found, more = self._page("conference", account_sid, wanted, find)
        failing = self._control.callbacks.failing([room.sid for room in found])
        shown = [room_view(room) | {"failing": failing.get(room.sid, 0)} for room in found]
        return {"items": shown} | more

    def calls(self, account_sid: str, wanted: ListFilter) -> View:
        """As `conferences`."""
        find = self._control.calls.find_calls
        found, more = self._page("call", account_sid, wanted, find)
        return {"items": [call_view(call) | self._place(call) for call in found]} | more

    def _page(
        self, kind: RecordKind, account_sid: str, wanted: ListFilter, find: Callable[[Query], list[Any]]
    ) -> tuple[list[Any], View]:
        equal, unequal = STATES.get(wanted.state, ({}, {}))
        query = Query(
            kind,
            account_sid,
            equal,
            unequal,
            _spans(wanted),
            after=wanted.cursor,
            limit=PAGE + 1,
            words=wanted.alternatives,
        )
        found = find(query)
        if query.words:
            found = self._with_labelled(found, query, find)
        shown, last, searched = found[:PAGE], None, 0
        if len(found) > PAGE:
            last = shown[-1]
        elif query.words and (oldest := find(query._replace(words=(), offset=SEARCHED - 1, limit=1))):
            last = oldest[0]
            searched = last.created_at // 1000
            # Older rows are on later pages.
            shown = [one for one in shown if (one.created_at, one.sid) >= (last.created_at, last.sid)]
        following = f"{last.created_at} {last.sid}" if last is not None else None
        return shown, {"next": following, "searched": searched}

    def _with_labelled(self, found: list[Any], query: Query, find: Callable[[Query], list[Any]]) -> list[Any]:
        """Also those whose participants' labels fit, living and left."""
        column = 0 if query.kind == "conference" else 1
        known = {record.sid for record in found}
        wanted = {pair[column] for pair in self._labelled(query)} - known
        for sid in sorted(wanted)[:PAGE]:
            found += find(query._replace(equal={**query.equal, "sid": sid}, words=()))
        return sorted(found, key=lambda record: (record.created_at, record.sid), reverse=True)

    def _labelled(self, query: Query) -> list[tuple[str, str]]:
        """ConferenceSid and CallSid of participants whose labels fit."""
        left = self._control.conferences.find_leaves(
            Query("participant", query.account_sid, words=query.words, limit=PAGE)
        )
        living = self._control.conferences.present(query.account_sid)
        everybody = [(one.conference_sid, one.participant) for one in left] + living
        words = [each.lower() for each in query.words]
        return [
            (sid, one.call_sid)
            for sid, one in everybody
            if any(each in one.options.label.lower() for each in words)
        ]

    # One of them

    def conference(self, account_sid: str, sid: str) -> View:
        """With its recordings, and its callbacks, the newest first."""
        room = self._control.conferences.room(account_sid, sid)
        recordings = self._recordings(account_sid, conference_sid=sid)
        queues = (sid, *(f"recording {recording.sid}" for recording in recordings))
        return room_view(room) | {
            "recordings": [self._recording(recording) for recording in recordings],
            "callbacks": _views(self._callbacks(account_sid, queues)),
            "left": [left_view(one) for one in self._leaves(account_sid, conference_sid=sid)],
        }

    def call(self, account_sid: str, sid: str) -> View:
        """With its recordings, the calls that it dialled, and the callbacks that are about it."""
        call = self._control.calls.call(account_sid, sid)
        recordings = self._recordings(account_sid, call_sid=sid)
        queues = (sid, *(f"recording {recording.sid}" for recording in recordings))
        callbacks = self._callbacks(account_sid, queues)
        place = self._place(call)
        if (conference := place["conference"]) is not None:
            # Those of its conference that name it.
            callbacks += self._callbacks(account_sid, (conference["sid"],), words=sid)
        dialled = self._control.calls.find_calls(Query("call", account_sid, {"call_sid": sid}, limit=PAGE))
        return (
            call_view(call)
            | place
            | {
                "recordings": [self._recording(recording) for recording in recordings],
                "callbacks": _views(callbacks),
                "dialled": [call_view(leg) for leg in dialled],
            }
        )

    def _leaves(self, account_sid: str, **equal: str) -> list[LeaveRecord]:
        return self._control.conferences.find_leaves(
            Query("participant", account_sid, equal, limit=MAX_PARTICIPANTS)
        )

    def _place(self, call: CallRecord) -> dict[str, dict[str, str] | None]:
        """The conference that a call is in, waits for, or was in last."""
        sid = self._control.conferences.conference_of(call.sid)
        if not sid:
            left = self._leaves(call.account_sid, call_sid=call.sid)
            sid = left[0].conference_sid if left else ""
        if not sid:
            return {"conference": None}
        try:
            room = self._control.conferences.room(call.account_sid, sid)
        except NotFound:
            return {"conference": None}
        return {"conference": {"sid": room.sid, "name": room.name}}

    def _recordings(self, account_sid: str, **equal: str) -> list[RecordingRecord]:
        query = Query("recording", account_sid, equal, unequal={"status": "deleted"}, limit=MAX_RECORDINGS)
        return self._control.recordings.find_recordings(query)

    def _recording(self, recording: RecordingRecord) -> View:
        # The page is on the same server, which may have another name for others.
        _, _, address = self._control.recordings.media_url(recording).rpartition("/recordings/")
        return {
            "sid": recording.sid,
            "status": recording.status,
            "started": (recording.started_at or recording.created_at) // 1000,
            "seconds": recording.duration,
            "channels": recording.channels,
            "address": f"recordings/{address}" if address else "",
            "call": recording.call_sid,
            "of_conference": bool(recording.conference_sid),
        }

    def _callbacks(self, account_sid: str, queues: Sequence[str], words: str = "") -> list[ListedCallback]:
        query = CallbackQuery(account_sid, queues=tuple(queues), words=words, limit=MAX_CALLBACKS)
        return self._control.callbacks.find(query)


def _views(callbacks: list[ListedCallback]) -> list[View]:
    return [callback_view(one) for one in sorted(callbacks, key=lambda one: -one.id)]


def _spans(wanted: ListFilter) -> dict[str, Any]:
    return {"created_at": wanted.span} if wanted.span else {}


def room_view(room: RoomRecord) -> View:
    return {
        "sid": room.sid,
        "name": room.name,
        "node": room.node,
        "status": room.status,
        "created": room.created_at // 1000,
        "ended": room.ended_at // 1000,
        "reason": room.end_reason,
    }


def call_view(call: CallRecord) -> View:
    return {
        "sid": call.sid,
        "from": call.from_,
        "to": call.to,
        "name": call.caller_name,
        "outbound": call.outbound,
        "status": call.status,
        "created": call.created_at // 1000,
        "answered": call.answered_at // 1000,
        "ended": call.ended_at // 1000,
        "parent": call.parent_call_sid,
    }


def left_view(one: LeaveRecord) -> View:
    participant = one.participant
    caller = participant.caller
    return {
        "call": participant.call_sid,
        "number": caller.number,
        "label": participant.options.label,
        "joined": (participant.joined_at or participant.asked_at) // 1000,
        "left": one.left_at // 1000,
        "reason": one.reason.replace("_", " "),
    }
