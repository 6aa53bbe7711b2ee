"""The playback of a conference, or to one member: a queue of sounds, one after the other
(conference_file.c)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.emulator.core import FRAME, Core
from orchestrator.emulator.sound import Playing, Sound

if TYPE_CHECKING:
    from orchestrator.emulator.core import Task


class Player:
    """`done` is called for each sound that ended or was stopped, and for how many seconds it ran."""

    def __init__(
        self, core: Core, started: Callable[[], None], done: Callable[[Playing, float], None]
    ) -> None:
        self.core = core
        self.started = started
        self.done = done
        self.current: Playing | None = None
        self._queue: deque[tuple[str, Sound]] = deque()
        self._timer: Task | None = None
        self._ahead: Task | None = None

    def queue(self, name: str, sound: Sound) -> None:
        self._queue.append((name, sound))
        if self.current is None and self._ahead is None:
            self._ahead = self.core.later(FRAME, self._next)

    def stop(self, *, everything: bool = True) -> int:
        """How many sounds it ended; they are reported as done one frame later."""
        stopped = len(self._queue) if everything else 0
        if everything:
            self._queue.clear()
        if self.current is not None:
            stopped += 1
            self._cancel()
            self._timer = self.core.later(FRAME, self._finish)
        return stopped

    def close(self) -> None:
        """End without waiting for a frame: its owner goes."""
        self._queue.clear()
        self._cancel()
        if self.current is not None:
            self._finish()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.kill(block=False)
            self._timer = None

    def _next(self) -> None:
        self._ahead = None
        if self._queue:
            name, sound = self._queue.popleft()
            self.current = Playing(name, sound, self.core.clock.now())
            self.started()
            if sound.duration < math.inf:
                self._timer = self.core.later(sound.duration, self._finish)

    def _finish(self) -> None:
        playing, self.current, self._timer = self.current, None, None
        if playing is not None:
            self.done(playing, min(self.core.clock.now() - playing.began, playing.sound.duration))
        if self._queue and self._ahead is None:
            self._ahead = self.core.later(FRAME, self._next)
