"""Speakers without flicker: FreeSWITCH reports every breath."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.clock import Alarm
from orchestrator.conference.machine.events import RoomEvent, Talking

Dispatch = Callable[[str, RoomEvent], None]


class TalkDebounce:
    """Passes on a change once it has lasted; one that is reverted before that is dropped. Times in seconds.

    `on_talking` is called on the hub: it must not block.
    """

    def __init__(self, start: float, stop: float, dispatch: Dispatch) -> None:
        self._start = start
        self._stop = stop
        self._dispatch = dispatch
        self._pending: dict[str, Alarm] = {}

    def on_talking(self, sid: str, call_sid: str, on: bool, at: int) -> None:
        """A room cares only for what differs from what it knows, so a change taken back needs no word."""
        self.forget(call_sid)
        seconds = self._start if on else self._stop
        if seconds:
            self._pending[call_sid] = Alarm(seconds, self._settled, sid, call_sid, on, at)
        else:
            self._dispatch(sid, Talking(at, call_sid, on))

    def forget(self, call_sid: str) -> None:
        pending = self._pending.pop(call_sid, None)
        if pending is not None:
            pending.cancel()

    def _settled(self, sid: str, call_sid: str, on: bool, at: int) -> None:
        del self._pending[call_sid]
        self._dispatch(sid, Talking(at, call_sid, on))
