"""Commands for callbacks: listed, and delivered again."""

from __future__ import annotations

from collections.abc import Sequence

import gevent

from orchestrator.callbacks.delivery import Delivery
from orchestrator.logs import get_logger
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.store.callback_list import ListedCallback
from orchestrator.store.interface import Store
from orchestrator.store.message import CallbackQuery, Receiver

log = get_logger(__name__)


class CallbackService:
    """Every method may raise OutboxError."""

    def __init__(self, store: Store, delivery: Delivery) -> None:
        self._store = store
        self._delivery = delivery

    def find(self, query: CallbackQuery) -> list[ListedCallback]:
        """The newest first."""
        self._store.flush()
        return self._store.callbacks.find(query)

    def one(self, account_sid: str, id_: int) -> ListedCallback:
        """Raises NotFound."""
        found = self.find(CallbackQuery(account_sid, before=id_ + 1, limit=1))
        if not found or found[0].id != id_:
            raise NotFound
        return found[0]

    def receivers(self, account_sid: str) -> list[Receiver]:
        """Servers that something waits for or has failed at, the most failures first."""
        self._store.flush()
        return self._store.callbacks.receivers(account_sid)

    def failing(self, queues: Sequence[str]) -> dict[str, int]:
        """How many of each of these queues have failed, or wait after an attempt that failed."""
        self._store.flush()
        return self._store.callbacks.failing(queues)

    def replay(self, account_sid: str, id_: int) -> None:
        """Deliver one again, be it delivered or failed; it is begun within a second.

        Raises NotFound, and ServiceError for one that waits: it is delivered without that.
        """
        if self.one(account_sid, id_).state == "waiting":
            raise ServiceError(
                "10015", "Callback is waiting", "It waits for its delivery, and is tried by itself."
            )
        self._request([id_])
        log.info("callback replayed", account=account_sid, id=id_)

    def replay_failed(self, account_sid: str, receiver: str = "") -> int:
        """Deliver again all that failed at this receiver, or at any; how many those are."""
        number = 0
        self._store.flush()
        for ids in self._store.callbacks.failed_at(account_sid, receiver):
            if ids:
                self._request(ids)
                number += len(ids)
            gevent.sleep(0)
        log.info("failed callbacks replayed", account=account_sid, receiver=receiver, callbacks=number)
        return number

    def _request(self, ids: Sequence[int]) -> None:
        self._store.callbacks.request_replay(ids)
        self._delivery.on_replay_requested()
