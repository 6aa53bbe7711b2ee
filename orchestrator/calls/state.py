"""Where a call stands, in memory and on disk: which document, which verb, and what that verb must know."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from requests.cookies import RequestsCookieJar

from orchestrator.calls.stored_call import CallKeeper, KeptCall
from orchestrator.clock import now
from orchestrator.conference.live.participant_leg import OUTCOME
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import Goto


class Standing:
    """What a call is made of besides what it does."""

    def __init__(self, sid: str, kept: KeptCall, keeper: CallKeeper) -> None:
        self.sid = sid
        self.kept = kept
        self.keeper = keeper
        self.over = False
        """Forgotten: nothing is written of it any more."""
        self.cookies = RequestsCookieJar()
        for name, value, domain, path in kept.cookies:
            self.cookies.set(name, value, domain=domain, path=path)

    def keep(self, **changes: object) -> None:
        """On disk, for the next run of ours."""
        self.kept = replace(self.kept, **changes)
        self._write()

    def remember(self, **facts: str) -> None:
        """What this verb has to know to go on after a restart."""
        self.note(**facts)
        self.keep()

    def note(self, **facts: str) -> None:
        """As `remember`, but on disk with whatever is written next."""
        self.kept = replace(self.kept, facts={**self.kept.facts, **facts})

    def recall(self, fact: str) -> str:
        """What this very verb remembered; empty if nothing."""
        return self.kept.facts.get(fact, "")

    @property
    def rows(self) -> list[tuple[str, str, bytes]]:
        """Where it stands, for a commit of somebody else's."""
        return [] if self.over else [self.keeper.row(self.kept)]

    def _about_to_ask(self, goto: Goto) -> None:
        if goto != self.kept.next:
            self.keep(next=goto)

    def in_document(self, fetched: Fetched, verb: int = 0) -> None:
        cookies = tuple((one.name, one.value or "", one.domain, one.path) for one in self.cookies)
        self.kept = replace(
            self.kept, document_url=fetched.url, next=None, verb=verb, since=now(), facts={}, cookies=cookies
        )
        self._write(fetched, [(OUTCOME, self.sid)])

    def _at_verb(self, index: int) -> None:
        kept = self.kept
        if kept.next is not None or kept.verb != index or kept.facts:
            self.kept = replace(kept, next=None, verb=index, since=now(), facts={})
            # What a conference decided about this call concerned an earlier verb.
            self._write(forget=[(OUTCOME, self.sid)])

    def _write(self, document: Fetched | None = None, forget: Sequence[tuple[str, str]] = ()) -> None:
        self.keeper.put(self.kept, document, forget)
