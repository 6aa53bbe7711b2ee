"""A recording in the timelines of its call and its conference."""

from __future__ import annotations

import shutil
from pathlib import Path

import gevent

from orchestrator.media.audio import in_thread
from orchestrator.recordings.model import RecordedCall, RecordingState
from orchestrator.timeline.actor import actor
from orchestrator.timeline.recorder import Timeline

_FULL_BYTES = 65536
"""With less than this left, nothing worth keeping can be written."""


class RecordingEntries:
    def __init__(self, timeline: Timeline, call: RecordedCall, directory: Path) -> None:
        self._about = timeline.about(call.account_sid, call.call_sid, call.conference_sid)
        self._directory = directory

    def started(self, state: RecordingState) -> None:
        self._about.add("recording.start", recording=state.sid, source=state.source, channels=state.channels)

    def changed(self, before: RecordingState, after: RecordingState) -> None:
        """Paused, or going on."""
        if before.status == after.status or "paused" not in (before.status, after.status):
            return
        kind = {"paused": "recording.paused", "in-progress": "recording.resumed"}.get(after.status)
        if kind is not None:
            by, key = actor("FreeSWITCH")
            self._about.add(kind, recording=after.sid, by=by, key=key)

    def ended(self, state: RecordingState, problem: str, *, expected: bool) -> None:
        """Completed, or absent; `problem` says why it is absent, or shorter than it was to be. Never
        blocks."""
        if problem and not expected:
            gevent.spawn(self._over_with, state, problem)
        else:
            self._add_ended(state, problem, "", expected)

    def _over_with(self, state: RecordingState, problem: str) -> None:
        remedy = ""
        if (free := self._free()) < _FULL_BYTES:
            problem = f"the disk of {self._directory} is full ({free} bytes are free): {problem}"
            remedy = "Free space there, or set recordings.retention_days"
        self._add_ended(state, problem, remedy, False)

    def _add_ended(self, state: RecordingState, problem: str, remedy: str, expected: bool) -> None:
        if state.status == "completed":
            self._about.add(
                "recording.completed",
                level="warning" if problem else "info",
                recording=state.sid,
                seconds=round(state.seconds, 1),
                problem=problem,
                remedy=remedy,
            )
            return
        self._about.add(
            "recording.absent",
            level="info" if expected else "error",
            recording=state.sid,
            problem=problem or "there is no sound in it",
            remedy=remedy,
        )

    def _free(self) -> int:
        try:
            return in_thread(shutil.disk_usage, self._directory).free
        except OSError:
            return _FULL_BYTES
