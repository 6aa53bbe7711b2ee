"""The timeline of calls and conferences for REST and the console; and a document that is requested again."""

from __future__ import annotations

import time
from typing import NamedTuple

from msgspec.structs import replace
from requests.cookies import RequestsCookieJar

from orchestrator.calls.context import CallContext
from orchestrator.clock import now
from orchestrator.config.applications import Application
from orchestrator.documents.defaults import document_defaults
from orchestrator.documents.document import document_of, is_audio
from orchestrator.documents.fetch import Fetched, FetchError
from orchestrator.logs import get_logger
from orchestrator.net.logged_url import shown
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.applications import application_of
from orchestrator.store.interface import Store
from orchestrator.texml import Document, DocumentError
from orchestrator.timeline import masking
from orchestrator.timeline.entry import Entry
from orchestrator.types import Fields

log = get_logger(__name__)

REJECTED = 1000
KEPT_BYTES = 65536


class DryRun(NamedTuple):
    """A document that was requested again, and run by no call."""

    at: int
    """Microseconds since the epoch."""
    url: str
    """Where it finally came from, without user and password."""
    status: int | None
    """None: there was no answer."""
    ms: int
    content_type: str
    size: int
    """In bytes."""
    body: bytes
    """Its beginning, with stars for what may be secret; empty of audio."""
    verbs: tuple[str, ...]
    warnings: tuple[tuple[int, str], ...]
    """Line, 0: of the whole; and what is wrong there."""
    problem: str
    """Why it cannot be used; empty where it can."""
    masked: int
    """Values of the request that the timeline has as stars, and that went out as stars."""


class TimelineService:
    """Every method may raise OutboxError."""

    def __init__(self, services: CallContext, store: Store) -> None:
        self._services = services
        self._store = store

    def of_call(self, account_sid: str, sid: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """In the order in which they were stored, from the one after id `after` on."""
        self._services.timeline.flush()
        return self._store.timeline.of_call(account_sid, sid, after, limit)

    def of_conference(self, account_sid: str, sid: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """As `of_call`; those of its participants in it are among them."""
        self._services.timeline.flush()
        return self._store.timeline.of_conference(account_sid, sid, after, limit)

    def since(self, account_sid: str, after: int, limit: int = 1000) -> list[Entry]:
        """All of an account, from the one after id `after` on."""
        self._services.timeline.flush()
        return self._store.timeline.since(account_sid, after, limit)

    def last_id(self) -> int:
        """Of the newest entry of all accounts."""
        self._services.timeline.flush()
        return self._store.timeline.last_id

    def rejected(self, account_sid: str) -> list[Entry]:
        """Calls that never became one, the newest first: the account's own, and those of no account; where
        there are several accounts, the numbers of these are masked."""
        self._services.timeline.flush()
        alone = len(self._services.settings.accounts) == 1
        found = self._store.timeline.rejected(REJECTED)
        return [
            entry if entry.account_sid or alone else _masked(entry)
            for entry in found
            if entry.account_sid in (account_sid, "")
        ]

    def ask_again(self, account_sid: str, call_sid: str, entry_id: int) -> DryRun:
        """Request the document of this `document.request` again, with the same fields, and read the answer.

        A real request to the application; no call runs its answer. Raises NotFound, ServiceError.
        """
        entries = self.of_call(account_sid, call_sid, entry_id - 1, 1)
        if not entries or entries[0].id != entry_id or entries[0].kind != "document.request":
            raise NotFound
        facts = entries[0].facts
        fields = _fields(facts.get("fields"))
        application = self._application(account_sid, dict(fields).get("ConnectionId", ""))
        url = self._unmasked(application, str(facts.get("url", "")))
        log.info("document requested again by a person", call=call_sid, url=shown(url))
        result = self._request(application, url, str(facts.get("method", "POST")), fields)
        stars = sum(masking.STARS in value for _, value in fields) + (masking.STARS in url)
        return result._replace(masked=stars)

    def _application(self, account_sid: str, connection_id: str) -> Application:
        try:
            return application_of(self._services.settings, account_sid, connection_id)
        except ServiceError:
            detail = "The call's application is no longer in the settings: its requests cannot be signed."
            raise ServiceError("10015", "Application is gone", detail) from None

    @staticmethod
    def _unmasked(application: Application, url: str) -> str:
        """The application's own URL where this is how the timeline shows it."""
        own = (application.voice_url, application.voice_fallback_url)
        return next((each for each in own if each and masking.url(each) == url), url)

    def _request(self, application: Application, url: str, method: str, fields: Fields) -> DryRun:
        services = self._services
        signer = services.signer(application.account, services.style_of(application))
        at, begun = now(), time.monotonic()
        result = DryRun(at, masking.url(url), None, 0, "", 0, b"", (), (), "", 0)
        try:
            fetched = services.fetcher.fetch(
                url, method, fields, RequestsCookieJar(), limits=services.media_limits, signer=signer
            )
        except FetchError as error:
            return result._replace(status=error.status, ms=_ms_since(begun), problem=error.problem)
        body = b"" if is_audio(fetched) else masking.document(fetched.body, KEPT_BYTES)
        result = result._replace(
            url=masking.url(fetched.url),
            status=fetched.status,
            ms=_ms_since(begun),
            content_type=fetched.content_type,
            size=fetched.size,
            body=body,
        )
        return self._read(application, fetched, result)

    def _read(self, application: Application, fetched: Fetched, result: DryRun) -> DryRun:
        dialect = self._services.settings.dialect(application)
        try:
            document = document_of(fetched, document_defaults(dialect), templates=dialect.templates)
        except DocumentError as error:
            return result._replace(problem=error.message, warnings=((error.line, error.message),))
        verbs = tuple(type(verb).__name__ for verb in document.verbs)
        return result._replace(verbs=verbs, warnings=_warnings(document))


def _masked(entry: Entry) -> Entry:
    facts = {
        name: masking.number(str(fact)) if name in ("caller", "number") else fact
        for name, fact in entry.facts.items()
    }
    return replace(entry, facts=facts)


def _warnings(document: Document) -> tuple[tuple[int, str], ...]:
    return tuple(
        (one.line, str(one).removeprefix(f"{one.source or 'document'}:{one.line}: "))
        for one in document.warnings
    )


def _fields(kept: object) -> Fields:
    """Of a request, as the timeline has them: each `name=value`."""
    pairs = kept if isinstance(kept, list) else []
    return tuple((name, value) for name, _, value in (str(pair).partition("=") for pair in pairs))


def _ms_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
