"""Parts that live as long as the process does: one contract, and one way to start and stop them all."""

from __future__ import annotations

from collections.abc import Sequence

import gevent

from orchestrator.logs import get_logger

log = get_logger(__name__)

STOP_SECONDS = 10.0


class Part:
    """A part begins with `start` and ends with `stop`; one that has nothing to do then inherits these."""

    def start(self) -> None:
        """Begin. Called once, when all the parts before it have been started."""

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """End what it does, within some `timeout` seconds. Called when all the parts after it are stopped."""


class RunningPart(Part):
    """A part with a greenlet of its own, which does `_run` until it is stopped."""

    _greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        if self._greenlet is not None:
            self._greenlet.kill(timeout=timeout)

    def _run(self) -> None:
        raise NotImplementedError


class Parts(Part):
    """Started in the order given, and stopped in the reverse one: nothing new comes from a part while those
    that it leans on finish what is under way."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    def start(self) -> None:
        """Raises what a part raises, when those before it have been stopped again."""
        for index, part in enumerate(self._parts):
            try:
                part.start()
            except BaseException:
                _stop(self._parts[:index], STOP_SECONDS)
                raise

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """A part that fails to stop keeps no other from it."""
        _stop(self._parts, timeout)


def _stop(parts: Sequence[Part], timeout: float) -> None:
    for part in reversed(parts):
        try:
            part.stop(timeout)
        except Exception:
            log.exception("a part did not stop", part=type(part).__name__)
