"""Where each call stands, on disk: after a restart it goes on with the verb that it was at."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from orchestrator.conference.live.participant_leg import OUTCOME, Onward
from orchestrator.conference.machine.state import Caller
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.documents.request_parameters import Origin
from orchestrator.store.write_behind import WriteBehindBuffer

CALL, DOCUMENT = "call", "document"
StoredCookies = tuple[tuple[str, str, str, str], ...]
WAIT, WAIT_DOCUMENT = "wait", "wait document"


class Relayed(Struct, frozen=True):
    """A call on another node whose caller takes part in a room of ours."""

    node: str
    """Its name."""
    sip_headers: tuple[tuple[str, str], ...] = ()
    origin: Origin = Origin()


class StoredCall(Struct, frozen=True):
    leg: str
    application: str
    caller: Caller
    direction: str = "inbound"
    document_url: str = ""
    """Of the document that it is in; empty before the first."""
    next: FetchDocument | None = None
    """The request that it was about to make; None while it is at a verb."""
    verb: int = 0
    """Which one of the document's, counted from 0."""
    since: int = 0
    """When that verb began, in microseconds since the epoch."""
    facts: dict[str, str] = {}
    """The facts that the verb needs to resume: ids that it made up, keys pressed."""
    cookies: StoredCookies = ()
    """Name, value, domain and path of each."""
    fallback: FetchDocument | None = None
    """Where instructions are when their own place fails; None: the application's."""
    report: FetchDocument | None = None
    """Where its status callbacks go; None: where the application says."""
    report_events: tuple[str, ...] = ("completed",)
    reported: tuple[str, ...] = ()
    """Those sent."""
    dialled_into: str = ""
    """Sid of the conference that the API dialled it for; empty once it has other instructions."""
    parent_call_sid: str = ""
    """Of the call whose Dial called it; empty of any other."""
    leaves_bridge: bool = False
    """It has been ordered out of the bridge with its caller, and has not been seen to be parked."""
    ringing: bool = False
    """Dialled by us, and not answered yet."""
    relayed: Relayed | None = None
    """None: it is a call of this node."""
    onward: Onward | None = None
    """Of a call of another node: its wait document, which leads it out of its room."""
    direct_media: bool = False
    """Its sound may go straight to the node of its room: its trunk's `media`."""
    ended: bool = False
    """The leg has hung up, and that is reported; only its recordings are unfinished."""


class CallStore:
    document_kind = DOCUMENT

    def __init__(self, write_buffer: WriteBehindBuffer) -> None:
        self._write_buffer = write_buffer
        self._encode = msgspec.json.Encoder().encode

    def load(self) -> list[StoredCall]:
        return [msgspec.json.decode(value, type=StoredCall) for _, value in self._write_buffer.load(CALL)]

    def document(self, leg: str) -> Fetched | None:
        value = self._write_buffer.get(self.document_kind, leg)
        return msgspec.json.decode(value, type=Fetched) if value is not None else None

    def put(
        self, call: StoredCall, document: Fetched | None = None, forget: Sequence[tuple[str, str]] = ()
    ) -> None:
        rows = [self.row(call)]
        if document is not None:
            # A body too long for memory is audio, and that is fetched again to be played.
            rows.append((self.document_kind, call.leg, self._encode(document._replace(file=None))))
        self._write_buffer.commit(put=rows, delete=forget)

    def row(self, call: StoredCall) -> tuple[str, str, bytes]:
        return CALL, call.leg, self._encode(call)

    def rows(self, call: StoredCall) -> list[tuple[str, str, bytes]]:
        """Where it stands, for a commit of somebody else's."""
        return [self.row(call)]

    def forget(self, leg: str, call_sid: str) -> None:
        kinds = (CALL, DOCUMENT, WAIT, WAIT_DOCUMENT)
        self._write_buffer.commit(delete=[*((kind, leg) for kind in kinds), (OUTCOME, call_sid)])


class StoredWait(Struct, frozen=True):
    """Where a caller stands in the document that it hears while it waits."""

    wait: str
    """Which wait that is: one that began anew begins its document anew."""
    call: StoredCall


class Unstored(CallStore):
    """Of a document beside a call's own: it begins anew after a restart."""

    def put(
        self, call: StoredCall, document: Fetched | None = None, forget: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Nothing."""

    def rows(self, call: StoredCall) -> list[tuple[str, str, bytes]]:
        return []


class WaitStore(Unstored):
    """Of the document that a caller hears while it waits: it goes on where it stood."""

    document_kind = WAIT_DOCUMENT

    def __init__(self, write_buffer: WriteBehindBuffer, wait: str) -> None:
        super().__init__(write_buffer)
        self._wait = wait

    def resumed(self, leg: str) -> StoredCall | None:
        """None where this wait has not begun yet."""
        value = self._write_buffer.get(WAIT, leg)
        stored = msgspec.json.decode(value, type=StoredWait) if value is not None else None
        return stored.call if stored is not None and stored.wait == self._wait else None

    def put(
        self, call: StoredCall, document: Fetched | None = None, forget: Sequence[tuple[str, str]] = ()
    ) -> None:
        # A conference's decision is about the call, and stays.
        CallStore.put(self, call, document)

    def row(self, call: StoredCall) -> tuple[str, str, bytes]:
        return WAIT, call.leg, self._encode(StoredWait(self._wait, call))
