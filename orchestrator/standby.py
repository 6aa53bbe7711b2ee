"""An orchestrator that stands by: it watches the owner of the database, and passes requests on to it."""

from __future__ import annotations

from gevent.event import Event as Flag

from orchestrator.config.settings import Settings
from orchestrator.logs import get_logger
from orchestrator.recurring_error import RecurringError
from orchestrator.store.access.opening import watch_owner
from orchestrator.store.interface import OutboxError
from orchestrator.web.forwarding import forwarding
from orchestrator.web.health import health
from orchestrator.web.server import WebServer

LOOK_SECONDS = 0.25
CLOSE_SECONDS = 0.2
"""Requests under way are those that the owner answers no more."""

log = get_logger(__name__)


class Standby:
    """Used by `run`, on the main greenlet, before there is an orchestrator in this process."""

    def __init__(self, settings: Settings) -> None:
        """Raises OutboxError."""
        self._owner = watch_owner(str(settings.callbacks.store))
        self._error = RecurringError(log, "the owner of the database cannot be seen")
        self._web = WebServer(
            settings.web.host, settings.web.port, (health(None), forwarding(lambda: self._owner.url))
        )

    def wait(self, stop: Flag) -> object:
        """Until the owner is no more: what was seen of it, for `Lease`; None where `stop` is set before.
        Raises CannotListen."""
        try:
            if self._is_free():
                return self._owner.seen
            self._web.start()
            log.info("standing by", owner=self._owner.owner, url=self._owner.url)
            try:
                while not stop.wait(LOOK_SECONDS):
                    if self._is_free():
                        return self._owner.seen
            finally:
                self._web.stop(CLOSE_SECONDS)
            return None
        finally:
            self._owner.close()

    def _is_free(self) -> bool:
        try:
            ended = self._owner.look()
        except OutboxError as error:
            self._error.on_error(error)
            return False
        self._error.on_success()
        if ended and self._owner.owner:
            log.info("taking over", owner=self._owner.owner, because=ended)
        return bool(ended)
