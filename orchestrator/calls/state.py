"""Where a call stands, in memory and on disk: which document, which verb, and what that verb must know."""

from __future__ import annotations

from msgspec.structs import replace
from requests.cookies import RequestsCookieJar

from orchestrator.calls.stored_call import CallStore, StoredCall, StoredCookies
from orchestrator.clock import now
from orchestrator.conference.live.participant_leg import OUTCOME
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument


class CallState:
    """The state of a call, apart from its behaviour."""

    def __init__(self, sid: str, stored: StoredCall, store: CallStore) -> None:
        self.sid = sid
        self.stored = stored
        self.store = store
        self.closed = False
        """Forgotten: nothing is written of it any more."""
        self.cookies = RequestsCookieJar()
        self.add_cookies(stored.cookies)

    def add_cookies(self, cookies: StoredCookies) -> None:
        for name, value, domain, path in cookies:
            self.cookies.set(name, value, domain=domain, path=path)

    @property
    def stored_cookies(self) -> StoredCookies:
        """All that it has now."""
        return tuple((one.name, one.value or "", one.domain, one.path) for one in self.cookies)

    def save(self, **changes: object) -> None:
        """On disk, for the next run of ours."""
        self.stored = replace(self.stored, **changes)
        self.store.put(self.stored)

    def remember(self, **facts: str) -> None:
        """The facts that this verb needs to resume after a restart."""
        self.note(**facts)
        self.save()

    def note(self, **facts: str) -> None:
        """As `remember`, but on disk with whatever is written next."""
        self.stored = replace(self.stored, facts={**self.stored.facts, **facts})

    def recall(self, fact: str) -> str:
        """The facts that this very verb remembered; empty if none."""
        return self.stored.facts.get(fact, "")

    @property
    def rows(self) -> list[tuple[str, str, bytes]]:
        """Where it stands, for a commit of somebody else's."""
        return [] if self.closed else self.store.rows(self.stored)

    def _about_to_ask(self, action: FetchDocument) -> None:
        if action != self.stored.next:
            self.save(next=action)

    def in_document(self, fetched: Fetched, verb: int = 0) -> None:
        self.stored = replace(
            self.stored,
            document_url=fetched.url,
            next=None,
            verb=verb,
            since=now(),
            facts={},
            cookies=self.stored_cookies,
        )
        self.store.put(self.stored, fetched, [(OUTCOME, self.sid)])

    def _at_verb(self, index: int) -> None:
        stored = self.stored
        if stored.next is not None or stored.verb != index or stored.facts:
            self.stored = replace(stored, next=None, verb=index, since=now(), facts={})
            # A conference's decision about this call was about an earlier verb.
            self.store.put(self.stored, forget=[(OUTCOME, self.sid)])
