"""The parts that calls share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.callbacks.call_status import StatusCallbacks
from orchestrator.callbacks.signature import AccountKeys, Signer
from orchestrator.callbacks.style import callback_style
from orchestrator.calls.browser_calls import BrowserCalls
from orchestrator.calls.call_entries import CallEntries
from orchestrator.calls.records import CallRecords
from orchestrator.calls.relays import Relays
from orchestrator.calls.stored_call import CallStore
from orchestrator.calls.verb_executor import Executor
from orchestrator.conference.live.directory import RoomDirectory
from orchestrator.conference.live.manager import Rooms
from orchestrator.config.applications import Application
from orchestrator.config.current import CurrentSettings
from orchestrator.config.freeswitch import Node
from orchestrator.config.settings import Settings
from orchestrator.counters import CallCounters
from orchestrator.documents.fetch import Fetched, Fetcher, Limits
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl.connection import Connection
from orchestrator.esl.events import Event
from orchestrator.esl.legs import Legs
from orchestrator.media.audio_cache import AudioCache, AudioFile
from orchestrator.media.text_to_speech import CommandSpeech
from orchestrator.net.urls import resolve
from orchestrator.recordings.call_recording import CallRecorder, CallRecording
from orchestrator.recordings.conference_recorder import ConferenceRecorder
from orchestrator.routing.outbound_limits import OutboundLimits
from orchestrator.store.interface import NodeStore, RecordStore
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.texml import Verb
from orchestrator.timeline.recorder import Timeline
from orchestrator.types import CallbackStyle


class Dialled(Protocol):
    """A leg that a Dial calls or has connected, as it takes instructions of its own."""

    @property
    def bridged(self) -> bool: ...

    @property
    def bridged_at(self) -> int: ...

    def instruct(
        self, to: FetchDocument | Fetched, start: Callable[..., None], **changes: object
    ) -> None: ...


@dataclass(frozen=True)
class CallContext:
    current: CurrentSettings
    node: Node
    connection: Connection
    legs: Legs
    in_turn: Callable[[Event], None]
    """For an event that FreeSWITCH did not send: behind those that are held back."""
    rooms: Rooms
    conference_recorder: ConferenceRecorder
    fetcher: Fetcher
    audio_cache: AudioCache
    call_recorder: CallRecorder
    text_to_speech: CommandSpeech
    status: StatusCallbacks
    write_buffer: WriteBehindBuffer
    call_store: CallStore
    store: NodeStore
    records: RecordStore
    call_records: CallRecords
    timeline: Timeline
    call_entries: CallEntries
    browser_calls: BrowserCalls
    relays: Relays
    directory: RoomDirectory
    outbound_limits: OutboundLimits
    counters: CallCounters
    verbs: Mapping[type[Verb], Executor]
    """How each verb runs, and is resumed."""
    wait_until_connected: Callable[[], None]
    keys: Callable[[str], AccountKeys | None]
    """An account's, by its sid."""
    dialed_legs: dict[str, Dialled] = field(default_factory=dict)
    """Those that a Dial calls or has connected, by CallSid."""

    @property
    def settings(self) -> Settings:
        """Those of this moment: not to be kept."""
        return self.current.settings

    def style_of(self, application: Application) -> CallbackStyle:
        """As the settings of this moment say."""
        return callback_style(self.current.dialect(application))

    def signer(self, account_sid: str, style: CallbackStyle) -> Signer:
        return Signer(style, self.keys(account_sid) or AccountKeys())

    @property
    def media_limits(self) -> Limits:
        """For audio, and for what may turn out to be audio."""
        fetch, media = self.settings.fetch, self.settings.media
        return Limits(fetch.timeout_secs, media.max_bytes, fetch.max_redirects)

    def hold_music(self) -> AudioFile:
        chosen = self.settings.conference.wait_music
        return self.audio_cache.keep(chosen.read_bytes()) if chosen else self.audio_cache.hold_music()

    @property
    def recordings(self) -> dict[str, CallRecording]:
        """Of calls, by sid: those that are neither completed nor absent yet."""
        return self.call_recorder.open

    @staticmethod
    def resolve(base: str, url: str) -> str:
        """`url` as written in the document from `base`; empty means that document itself."""
        return resolve(base, url)
