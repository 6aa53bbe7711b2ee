"""A whole orchestrator whose event socket is fed by hand, and whose commands are counted instead of sent.

No document is fetched: each parked call asks for the room that its conversation is about.
Nothing is delivered: callbacks end in the outbox, on disk.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import uuid4

import gevent

from orchestrator.app import Orchestrator, spare_the_collector
from orchestrator.conference.live.participant_leg import ParticipantLeg
from orchestrator.conference.machine.state import Caller, ConferenceOptions, ParticipantOptions
from orchestrator.config import loads
from orchestrator.esl.leg import Leg
from orchestrator.esl.reply import OnReply
from orchestrator.esl.session import MAX_READING_SECONDS
from orchestrator.esl.snapshot import GUARD
from orchestrator.sids import call_sid_of
from tests.esl.wire import trace_frames

ACCOUNT = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
API_KEY = "key-of-main"
SETTINGS = """
freeswitch:
  nodes: [{{host: 127.0.0.1, port: 1, password: x, recordings_dir: {0}/recordings, media_dir: {0}/media}}]
accounts: [{{sid: {1}, name: main, api_keys: [{2}]}}]
applications: {{main: {{account: main, voice_url: "http://127.0.0.1:1/voice"}}}}
web: {{listen: "127.0.0.1:0"}}
callbacks: {{database: {0}/orchestrator.sqlite}}
"""
CONFERENCE_OPTIONS = ConferenceOptions(
    status_callback="http://127.0.0.1:1/events",
    status_callback_event=frozenset({"start", "end", "join", "leave"}),
)
CONVERSATION = "conference"
"""The recording: two callers meet, are muted, held and kicked; one hangs up, the other goes on alone."""


class Conversation:
    """One run of the recorded one, with legs and a room of its own."""

    def __init__(self, bodies: list[bytes]) -> None:
        self.events = bodies
        ends = [number for number, body in enumerate(bodies) if b'"Action":"add-member"' in body]
        self.until_joined = bodies[: ends[-1] + 1]
        """Up to where both are in."""
        self.after_joined = bodies[ends[-1] + 1 :]


class Rig:
    def __init__(self, directory: Path) -> None:
        self.orchestrator = Orchestrator(loads(SETTINGS.format(directory, ACCOUNT, API_KEY)))
        self.commands: list[str] = []
        self.orchestrator.node.connection.post = self._post
        self.orchestrator.node.dispatcher.on_new_call[:] = [self._on_new_call]
        self.orchestrator.node.dispatcher.release()
        self._recorded = [body for kind, _, body in trace_frames(CONVERSATION) if kind == "text/event-json"]
        events = [json.loads(body) for body in self._recorded]
        self._sid = next(event["Conference-Name"] for event in events if "Conference-Name" in event)
        self._legs = sorted({event["Unique-ID"] for event in events if "Unique-ID" in event})
        self._rooms: dict[str, str] = {}
        self._thresholds = gc.get_threshold()
        spare_the_collector()

    def close(self) -> None:
        self.orchestrator.node.rooms.stop()
        self.orchestrator.node.call_records.stop()
        self.orchestrator.timeline.stop()
        self.orchestrator.outbox.close()
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def explain_nothing(self) -> None:
        """From now on no part hears the life of a leg to explain it: no entry, no media quality, no count."""
        node = self.orchestrator.node
        listeners = node.dispatcher._in_turn
        for name, hears in listeners.items():
            listeners[name] = tuple(one for one in hears if one != node.call_entries.on_event)

    def feed(self, *bodies: bytes) -> None:
        """Events that came together."""
        for body in bodies:
            self.orchestrator.node.connection._event(body)
        self.orchestrator.node.write_buffer.commit_batch()

    def read_all(self, reads: Iterable[Sequence[bytes]]) -> None:
        """More events than can be handled, read by read; others have their turns, as `Link` gives them."""
        event, flush = (
            self.orchestrator.node.connection._event,
            self.orchestrator.node.write_buffer.commit_batch,
        )
        yielded_at = time.monotonic()
        for bodies in reads:
            for body in bodies:
                event(body)
            if time.monotonic() - yielded_at > MAX_READING_SECONDS:
                flush()
                gevent.sleep(0)
                yielded_at = time.monotonic()
        flush()

    def conversation(self) -> Conversation:
        """The next one, made ready to be fed."""
        name = f"Room {uuid4()}"
        new = {self._sid: self.orchestrator.node.rooms.open(ACCOUNT, name)}
        for leg in self._legs:
            new[leg] = str(uuid4())
            self._rooms[new[leg]] = name
        return Conversation([self._renamed(body, new) for body in self._recorded])

    def fill(self, rooms: int) -> None:
        """So many rooms that live, two participants in each."""
        for _ in range(rooms):
            for body in self.conversation().until_joined:
                self.feed(body)

    @staticmethod
    def _renamed(body: bytes, new: dict[str, str]) -> bytes:
        for old, renamed in new.items():
            body = body.replace(old.encode(), renamed.encode())
        # The variables that the dialplan of freeswitch-conf sets; the recording was made with another.
        if b'"Event-Name":"CHANNEL_PARK"' in body:
            body = body.replace(b"{", b'{"%b":"1",' % GUARD.encode(), 1)
        return body

    def _post(self, command: str, on_reply: OnReply | None = None) -> None:
        self.commands.append(command)

    def _on_new_call(self, leg: Leg) -> None:
        caller = Caller(call_sid_of(leg.uuid), leg.uuid, from_="+13125550100", to="+13125550101")
        self.orchestrator.node.call_records.open(caller, ACCOUNT)
        participant_leg = ParticipantLeg(caller.call_sid, leg, lambda options: None, lambda url, method: None)
        name = self._rooms[leg.uuid]
        self.orchestrator.node.rooms.request_join(
            participant_leg, caller, ParticipantOptions(), ACCOUNT, name, CONFERENCE_OPTIONS, "texml.default"
        )
