"""Callbacks over the API, or in the database of an orchestrator that need not run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import click
from msgspec import to_builtins

from orchestrator.cli import names
from orchestrator.cli.client import Client, RequestFailed, Resource
from orchestrator.sids import canonical_call_sid

if TYPE_CHECKING:
    from orchestrator.store.sql import State as State

RETRY_SECONDS = 5.0


class Retried(NamedTuple):
    number: int
    begun: bool
    """Whether they are being delivered already; else they are once the orchestrator runs and has room."""
    not_failed: Sequence[int] = ()
    """Of the ids that were given."""


class CallbackSource(Protocol):
    """Every method may raise ClickException."""

    def listed(self, states: Collection[State], of: str, limit: int) -> list[Resource]:
        """The newest, the oldest of them first; up to one more than `limit`, 0: all."""

    def shown(self, callback: Resource) -> Resource:
        """As the table has it."""

    def retry(self, ids: Sequence[int], receiver: str) -> Retried:
        """Those that failed: these, or without ids all, or all of one receiver."""


class FromApi:
    """Those of the account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def listed(self, states: Collection[State], of: str, limit: int) -> list[Resource]:
        asked = {"State": " ".join(states), "Of": self._sid(of) if of else None}
        wanted = limit + 1 if limit else 0
        found = list(self._client.listed("callbacks", "Callbacks", limit=wanted, **asked))
        return found[::-1]

    def _sid(self, given: str) -> str:
        """Of a conference, else of a call, else of a recording, which nothing but its sid names."""
        try:
            return names.conference(self._client, given)
        except RequestFailed:
            return names.call(self._client, given)

    def shown(self, callback: Resource) -> Resource:
        return callback | {
            "room": callback["queue"],
            "sequence": callback["sequence_number"],
            "status": callback["status_code"],
            "asked_again": callback["replay_requested"],
        }

    def retry(self, ids: Sequence[int], receiver: str) -> Retried:
        if not ids:
            answer = self._client.post("Callbacks", "Replay", Receiver=receiver or None)
            return Retried(int(answer["replayed"]), True)
        not_failed = []
        for id_ in ids:
            if self._state(id_) == "failed":
                self._client.post("Callbacks", str(id_), "Replay")
            else:
                not_failed.append(id_)
        return Retried(len(ids) - len(not_failed), True, sorted(not_failed))

    def _state(self, id_: int) -> str:
        try:
            return str(self._client.get("Callbacks", str(id_))["state"])
        except RequestFailed:
            return ""


class FromDatabase:
    """Those of all accounts."""

    def __init__(self, store: Path | str) -> None:
        """Its file or URL."""
        self._store = store

    def listed(self, states: Collection[State], of: str, limit: int) -> list[Resource]:
        from orchestrator.store.access import outbox_admin  # with gevent and all: --help does without
        from orchestrator.store.interface import OutboxError

        wanted = limit + 1 if limit else 0
        try:
            rooms = outbox_admin.rooms_of(self._store, canonical_call_sid(of)) if of else ()
            return list(map(to_builtins, outbox_admin.entries(self._store, states, rooms, wanted)))
        except OutboxError as error:
            raise click.ClickException(str(error)) from None

    def shown(self, callback: Resource) -> Resource:
        created = datetime.fromtimestamp(callback["created_at"] / 1e6, timezone.utc)
        return callback | {"date_created": created.isoformat()}

    def retry(self, ids: Sequence[int], receiver: str) -> Retried:
        from orchestrator.store.access import outbox_admin
        from orchestrator.store.interface import OutboxError

        try:
            asked = outbox_admin.request_retry(self._store, ids or None, receiver)
            begun = bool(asked) and outbox_admin.all_retried(self._store, RETRY_SECONDS)
        except OutboxError as error:
            raise click.ClickException(str(error)) from None
        return Retried(len(asked), begun, sorted(set(ids) - set(asked)))
