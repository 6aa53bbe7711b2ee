"""What calls share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.callbacks.interface import NodeStore, RecordStore
from orchestrator.callbacks.journal import Journal
from orchestrator.callbacks.signature import AccountKeys, Signer
from orchestrator.calls.callbook import CallBook
from orchestrator.calls.fetch import Fetcher, Limits
from orchestrator.calls.kept import CallKeeper
from orchestrator.calls.room_recordings import RoomRecordings
from orchestrator.calls.rooms import Rooms
from orchestrator.calls.status import StatusCallbacks
from orchestrator.calls.styles import callback_style
from orchestrator.calls.switchboard import Switchboard
from orchestrator.calls.tally import CallTally
from orchestrator.calls.tolls import Tolls
from orchestrator.calls.verbs.executor import Executor
from orchestrator.conference.model import CallbackStyle
from orchestrator.config.applications import Application
from orchestrator.config.live import Live
from orchestrator.config.service import Node
from orchestrator.config.settings import Settings
from orchestrator.freeswitch.connection import Connection
from orchestrator.freeswitch.legs import Legs
from orchestrator.media.library import Library, Sound
from orchestrator.media.recording_files import RecordingFiles, RecordingKind
from orchestrator.media.speech import CommandSpeech
from orchestrator.net.urls import resolve
from orchestrator.texml import Verb

if TYPE_CHECKING:
    from orchestrator.calls.call import Call
    from orchestrator.calls.callee import Callee
    from orchestrator.calls.recording import Recording


@dataclass(frozen=True)
class Services:
    live: Live
    node: Node
    connection: Connection
    legs: Legs
    switchboard: Switchboard
    rooms: Rooms
    room_recordings: RoomRecordings
    fetcher: Fetcher
    library: Library
    recording_files: RecordingFiles
    speech: CommandSpeech
    status: StatusCallbacks
    journal: Journal
    keeper: CallKeeper
    store: NodeStore
    records: RecordStore
    book: CallBook
    tolls: Tolls
    tally: CallTally
    verbs: Mapping[type[Verb], Executor]
    """How each verb runs, and is resumed."""
    wait_until_connected: Callable[[], None]
    keys: Callable[[str], AccountKeys | None]
    """An account's, by its sid."""
    calls: dict[str, Call] = field(default_factory=dict)
    """Those whose documents run, by CallSid."""
    callees: dict[str, Callee] = field(default_factory=dict)
    """Those that a Dial calls or has connected, by CallSid."""
    recordings: dict[str, Recording] = field(default_factory=dict)
    """Of calls, by sid: those that are neither completed nor absent yet."""

    @property
    def settings(self) -> Settings:
        """Those of this moment: not to be kept."""
        return self.live.settings

    def style_of(self, application: Application) -> CallbackStyle:
        """As the settings of this moment say."""
        return callback_style(self.settings.dialect(application))

    def signer(self, account_sid: str, style: CallbackStyle) -> Signer:
        return Signer(style, self.keys(account_sid) or AccountKeys())

    @property
    def media_limits(self) -> Limits:
        """For audio, and for what may turn out to be audio."""
        fetch, media = self.settings.fetch, self.settings.media
        return Limits(fetch.timeout_secs, media.max_bytes, fetch.max_redirects)

    def hold_music(self) -> Sound:
        chosen = self.settings.conference.wait_music
        return self.library.keep(chosen.read_bytes()) if chosen else self.library.hold_music()

    def recording_url(self, sid: str, kind: RecordingKind = "wav") -> str:
        return self.recording_files.url(sid, kind)

    def recording_path(self, sid: str, kind: RecordingKind = "wav") -> Path:
        """FreeSWITCH writes the WAV; an MP3 is made of it."""
        return self.recording_files.path(sid, kind)

    @staticmethod
    def resolve(base: str, url: str) -> str:
        """`url` as written in the document from `base`; empty means that document itself."""
        return resolve(base, url)
