"""Queries of the page beside the live view: ended conferences, recordings, callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import parse_qsl

from orchestrator.conference.live.records import RoomRecord
from orchestrator.net.logged_url import for_log
from orchestrator.recordings.files import is_sid
from orchestrator.recordings.records import RecordingRecord
from orchestrator.rejection import NotFound
from orchestrator.services.control import ApiServices
from orchestrator.store.interface import CallbackStore
from orchestrator.store.message import FinishedMessage, Queued
from orchestrator.store.records import Query
from orchestrator.web.console.view import View

PAGE = 50
SEARCHED = 1000
MAX_CALLBACKS = 300


class ConsoleQueries:
    """Every method takes the account that asks, raises NotFound for another's, and may raise OutboxError."""

    def __init__(self, control: ApiServices, outbox: CallbackStore) -> None:
        self._control = control
        self._outbox = outbox

    def finished(self, account_sid: str, words: str, after: str) -> View:
        """Ended conferences, the newest first: a page of them, or those that fit some words."""
        if words:
            return {"conferences": [_room(room) for room in self._search(account_sid, words)], "next": None}
        moment, _, sid = after.partition(" ")
        query = Query(
            "conference",
            account_sid,
            {"status": "completed"},
            after=(int(moment), sid) if moment.isdigit() else None,
            limit=PAGE + 1,
        )
        found = self._control.conferences.find_rooms(query)
        shown = found[:PAGE]
        more = f"{shown[-1].created_at} {shown[-1].sid}" if len(found) > PAGE else None
        return {"conferences": [_room(room) for room in shown], "next": more}

    def _search(self, account_sid: str, words: str) -> Sequence[RoomRecord]:
        """By sid and exact name among all, by a part of the name among the last ones."""
        over = {"status": "completed"}
        found: dict[str, RoomRecord] = {}
        if is_sid(words.lower()):
            # Else it may be part of a name.
            with suppress(NotFound):
                room = self._control.conferences.room(account_sid, words.lower())
                if room.ended_at:
                    found[room.sid] = room
        named = Query("conference", account_sid, over | {"name": words}, limit=PAGE)
        found |= {room.sid: room for room in self._control.conferences.find_rooms(named)}
        recent = self._control.conferences.find_rooms(Query("conference", account_sid, over, limit=SEARCHED))
        found |= {room.sid: room for room in recent if words.lower() in f"{room.name} {room.sid}".lower()}
        return sorted(found.values(), key=lambda room: -room.created_at)[:PAGE]

    def conference(self, account_sid: str, sid: str) -> View:
        """With its recordings, and its callbacks, the newest first."""
        room = self._control.conferences.room(account_sid, sid)
        query = Query("recording", account_sid, {"conference_sid": sid}, limit=100)
        recordings = [
            recording
            for recording in self._control.recordings.find_recordings(query)
            if recording.status != "deleted"
        ]
        queues = [sid, *(f"recording {recording.sid}" for recording in recordings)]
        return _room(room) | {
            "recordings": [self._recording(recording) for recording in recordings],
            "callbacks": self._callbacks(account_sid, queues),
        }

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
        }

    def _callbacks(self, account_sid: str, queues: Sequence[str]) -> list[View]:
        found: list[Queued | FinishedMessage] = []
        # A callback that was delivered a moment ago would be neither waiting nor delivered yet.
        self._outbox.flush()
        for queue in queues:
            found += self._outbox.waiting(MAX_CALLBACKS, queue=queue)
            found += self._outbox.finished(MAX_CALLBACKS, queue=queue)
        mine = [message for message in found if message.account_sid == account_sid]
        return [_callback(one) for one in sorted(mine, key=lambda one: -one.id)[:MAX_CALLBACKS]]


def _room(room: RoomRecord) -> View:
    return {
        "sid": room.sid,
        "name": room.name,
        "status": room.status,
        "created": room.created_at // 1000,
        "ended": room.ended_at // 1000,
        "reason": room.end_reason,
    }


def _callback(message: Queued | FinishedMessage) -> View:
    finished = message if isinstance(message, FinishedMessage) else None
    body = parse_qsl(message.body.decode("ascii", "replace"), keep_blank_values=True)
    return {
        "id": message.id,
        "event": message.event,
        "sequence": message.sequence,
        "url": for_log(message.url),
        "method": message.method,
        "made": message.created_at // 1000,
        "done": finished.done_at // 1000 if finished else 0,
        "state": "waiting" if finished is None else "delivered" if finished.delivered else "failed",
        "attempts": message.attempts,
        "status": finished.status if finished else None,
        "error": finished.error if finished else "",
        "body": body,
    }
