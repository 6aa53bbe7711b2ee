"""Where a call stands, in memory and in the store, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.calls.state import CallState
from orchestrator.calls.stored_call import CALL, OUTCOME, WAIT, CallStore, StoredCall, Unstored, WaitStore
from orchestrator.clock import now
from orchestrator.conference.machine.state import Caller
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.store.outbox import Outbox
from orchestrator.store.write_behind import WriteBehindBuffer

CALLER = Caller("sid", "leg", "1", "+1", "+2")
STORED = StoredCall("leg", "main", CALLER, "inbound", next=FetchDocument("http://h/first", "GET"))
DOCUMENT = Fetched("http://h/dir/doc", "text/xml", b"<Response/>")


@pytest.fixture
def buffer(tmp_path: Path) -> Iterator[WriteBehindBuffer]:
    outbox = Outbox(tmp_path / "store.sqlite")
    yield WriteBehindBuffer(outbox, lambda messages: None)
    outbox.close()


@pytest.mark.parametrize("of_wait", [False, True], ids=["a call's document", "a wait document"])
def test_each_step_of_a_call_is_stored(buffer: WriteBehindBuffer, of_wait: bool) -> None:
    store: CallStore = WaitStore(buffer, "wait 1") if of_wait else CallStore(buffer)
    state = CallState("sid", STORED, store)

    def stored() -> StoredCall | None:
        return store.resumed("leg") if isinstance(store, WaitStore) else next(iter(store.load()), None)

    assert stored() is None
    buffer.commit(put=[(OUTCOME, "sid", b"left")])
    state.cookies.set("a", "1", domain="h", path="/")
    state.note(fact="1")
    assert (state.recall("fact"), state.recall("other"), stored()) == ("1", "", None)
    state.remember(other="2")
    assert stored() == state.stored
    assert state.stored.facts == {"fact": "1", "other": "2"}
    before = now()
    state.in_document(DOCUMENT, 3)
    assert stored() == state.stored
    assert store.document("leg") == DOCUMENT
    assert (state.stored.document_url, state.stored.verb, state.stored.facts) == (DOCUMENT.url, 3, {})
    assert state.stored.next is None
    assert state.stored.cookies == state.stored_cookies == (("a", "1", "h", "/"),)
    assert before <= state.stored.since <= now()
    assert buffer.get(OUTCOME, "sid") == (b"left" if of_wait else None), "the conference's decision"
    state.save(verb=4)
    assert (stored(), state.stored.verb) == (state.stored, 4)
    # The next run of ours begins with the same.
    resumed = CallState("sid", state.stored, store)
    assert resumed.stored_cookies == state.stored_cookies
    assert store.row(state.stored)[:2] == (WAIT if of_wait else CALL, "leg")
    assert state.rows == ([] if of_wait else [store.row(state.stored)]), "for a commit of somebody else's"
    state.closed = True
    assert state.rows == []


def test_of_another_wait_nothing_is_resumed(buffer: WriteBehindBuffer) -> None:
    CallState("sid", STORED, WaitStore(buffer, "wait 1")).save()
    assert WaitStore(buffer, "wait 2").resumed("leg") is None
    assert WaitStore(buffer, "wait 1").resumed("leg") == STORED


def test_a_document_beside_a_call_s_own_is_not_stored(buffer: WriteBehindBuffer) -> None:
    state = CallState("sid", STORED, Unstored(buffer))
    state.in_document(DOCUMENT)
    assert state.stored.document_url == DOCUMENT.url
    assert state.stored.verb == 0
    assert (CallStore(buffer).load(), state.rows) == ([], [])


def test_of_a_call_that_is_over_nothing_is_left(buffer: WriteBehindBuffer) -> None:
    for store in (CallStore(buffer), WaitStore(buffer, "wait")):
        CallState("sid", STORED, store).in_document(DOCUMENT)
    buffer.commit(put=[(OUTCOME, "sid", b"left")])
    store = CallStore(buffer)
    store.forget("leg", "sid")
    assert store.load() == []
    assert (
        buffer.get(OUTCOME, "sid")
        is store.document("leg")
        is WaitStore(buffer, "wait").document("leg")
        is None
    )
    assert WaitStore(buffer, "wait").resumed("leg") is None
