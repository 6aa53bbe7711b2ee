"""Something played that may be interrupted: by a key, by the start of a conference."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent

from orchestrator.esl.errors import SwitchError
from orchestrator.esl.leg import Leg
from orchestrator.logs import get_logger

log = get_logger(__name__)

if TYPE_CHECKING:
    _Greenlet = gevent.Greenlet[..., None]
else:
    _Greenlet = gevent.Greenlet

FRAME_SECONDS = 0.02
QUIET_SECONDS = 5.0


class _PlaybackGreenlet(_Greenlet):
    """Knows the prompts that were started inside of it, so that they are stopped with it."""

    inside: list[BackgroundPlayback]


class BackgroundPlayback:
    """Runs `play` beside the call's own greenlet until it is through or is stopped."""

    def __init__(self, leg: Leg, play: Callable[[], None], *, interruptible: bool = True) -> None:
        """`interruptible`: stopping it cuts off what plays; else that goes on to its end."""
        self._leg = leg
        self._play = play
        self._interruptible = interruptible
        self.played = False
        """Whether it was played to its end: neither stopped nor failed."""
        outer = gevent.getcurrent()
        if isinstance(outer, _PlaybackGreenlet):
            # A caller may wait for hours, and type all the time.
            outer.inside = [*(one for one in outer.inside if not one.ended), self]
        self._greenlet = _PlaybackGreenlet(self._run)
        self._greenlet.inside = []
        self._greenlet.start()

    def _run(self) -> None:
        try:
            self._play()
            self.played = True
        except SwitchError:
            # The call's own greenlet hears of a lost leg or socket by itself, and decides.
            return
        except Exception:
            # Silence is no reason to lose a caller who waits or types.
            log.exception("prompt cannot go on", leg=self._leg.uuid)

    @property
    def ended(self) -> bool:
        return bool(self._greenlet.ready())

    def on_end(self, heard: Callable[[], None]) -> None:
        """`heard` is called once the prompt is through, at once where it is."""
        self._greenlet.rawlink(lambda _: heard())

    def wait(self, timeout: float | None = None) -> bool:
        self._greenlet.join(timeout)
        return self.ended

    def abandon(self) -> None:
        """The current file plays to its end; nothing follows it, nor a playback that was started inside
        it."""
        # Those first: this one's end must find nothing of them that it would end with a break of its own.
        for prompt in self._greenlet.inside:
            prompt.abandon()
        if not self._greenlet.ready():
            # Killed in a moment, but what it waited for may come first: it would play on over a conference.
            self._leg.block_greenlet(self._greenlet)
            self._greenlet.kill(block=False)

    def stop(self) -> None:
        """Silence within a frame; does not block."""
        if not self._greenlet.ready():
            self.abandon()
            if self._interruptible:
                self._leg.break_()

    def finish(self) -> None:
        """Stop, and wait until nothing plays: what is started before would play inside of it (Leg.break_)."""
        self.stop()
        self._greenlet.join()
        until = time.monotonic() + QUIET_SECONDS
        while self._leg.playing and not (self._interruptible and time.monotonic() > until):
            gevent.sleep(FRAME_SECONDS)
