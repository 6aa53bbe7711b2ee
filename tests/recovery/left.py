"""The rows that an ended run of the orchestrator leaves on disk: rooms, participants, calls as they stood."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from orchestrator.calls.stored_call import CALL, DOCUMENT, StoredCall
from orchestrator.clock import now
from orchestrator.conference.live.manager import PARTICIPANT, ROOM
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
    RoomPhase,
)
from orchestrator.documents.fetch import Fetched
from orchestrator.sids import call_sid_of, new_sid
from orchestrator.store.outbox import Outbox
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import ACCOUNT, NUMBER, House

SECOND = 1_000_000
EVENTS = frozenset({"start", "end", "join", "leave", "mute", "hold", "speaker"})


def caller_of(uuid: str, number: str = "+13125550002") -> Caller:
    return Caller(call_sid_of(uuid), uuid, "1568109700606592442", number, NUMBER)


@dataclass
class Left:
    """One conference that has started, and what is in it."""

    house: House
    sid: str = field(default_factory=new_sid)
    began_at: int = field(default_factory=lambda: now() - 60 * SECOND)
    rows: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def switch(self) -> ScriptedSwitch:
        assert isinstance(self.house.switch, ScriptedSwitch)
        return self.house.switch

    def room(
        self, conference_options: ConferenceOptions | None = None, first: str = "", **more: object
    ) -> None:
        conference_options = conference_options or ConferenceOptions()
        url = self.house.application.url("/events")
        conference_options = msgspec.structs.replace(
            conference_options, status_callback=url, status_callback_event=EVENTS
        )
        facts: dict[str, object] = {
            "phase": RoomPhase.STARTED,
            "created_at": self.began_at,
            "opened_at": self.began_at,
            "started_at": self.began_at,
            "first": caller_of(first) if first else None,
            "profile": "texml.default",
        }
        room = Room(self.sid, ACCOUNT, "Room 1234", conference_options, **(facts | more))  # type: ignore[arg-type]
        self.rows.append((ROOM, self.sid, msgspec.json.encode(room)))

    def participant(
        self,
        uuid: str,
        phase: Phase = Phase.IN,
        number: str = "+13125550002",
        options: ParticipantOptions | None = None,
        **more: object,
    ) -> str:
        """Its CallSid."""
        facts: dict[str, object] = {
            "join_sent": phase is not Phase.JOINING,
            "asked_at": self.began_at,
            "ordered_at": self.began_at if phase is not Phase.WAITING else 0,
        }
        caller = caller_of(uuid, number)
        one = Participant(caller, options or ParticipantOptions(beep="false"), phase, **(facts | more))  # type: ignore[arg-type]
        self.rows.append((PARTICIPANT, f"{self.sid}/{caller.call_sid}", msgspec.json.encode(one)))
        return caller.call_sid

    def call(self, uuid: str, document: str, number: str = "+13125550002", **more: object) -> str:
        """At the first verb of its document; its CallSid."""
        url = self.house.application.url("/voice")
        facts: dict[str, object] = {"document_url": url, "since": self.began_at}
        kept = StoredCall(uuid, "main", caller_of(uuid, number), **(facts | more))  # type: ignore[arg-type]
        fetched = Fetched(url, "application/xml", document.encode())
        self.rows.append((CALL, uuid, msgspec.json.encode(kept)))
        self.rows.append((DOCUMENT, uuid, msgspec.json.encode(fetched)))
        return kept.caller.call_sid

    def write(self) -> None:
        """While no orchestrator runs."""
        outbox = Outbox(self.house.directory / "orchestrator.sqlite")
        outbox.of("default").commit([], self.rows)
        outbox.close()
