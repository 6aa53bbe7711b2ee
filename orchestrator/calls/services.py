"""What calls share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from orchestrator.calls.fetch import Fetcher, Limits
from orchestrator.calls.rooms import Rooms
from orchestrator.calls.status import StatusCallbacks
from orchestrator.calls.switchboard import Switchboard
from orchestrator.config.service import Node
from orchestrator.config.settings import Settings
from orchestrator.freeswitch.connection import Connection
from orchestrator.freeswitch.legs import Legs
from orchestrator.media.library import Library, Sound
from orchestrator.media.speech import CommandSpeech


@dataclass(frozen=True)
class Services:
    settings: Settings
    node: Node
    connection: Connection
    legs: Legs
    switchboard: Switchboard
    rooms: Rooms
    fetcher: Fetcher
    library: Library
    speech: CommandSpeech
    status: StatusCallbacks
    wait_until_connected: Callable[[], None]

    @property
    def media_limits(self) -> Limits:
        """For audio, and for what may turn out to be audio."""
        fetch, media = self.settings.fetch, self.settings.media
        return Limits(fetch.timeout_secs, media.max_bytes, fetch.max_redirects)

    def hold_music(self) -> Sound:
        chosen = self.settings.conference.wait_music
        return self.library.keep(chosen.read_bytes()) if chosen else self.library.hold_music()

    def recording_url(self, sid: str) -> str:
        return f"{self.settings.web.base_url}/recordings/{sid}.wav"

    def recording_path(self, sid: str) -> Path:
        return self.node.recordings_dir / f"{sid}.wav"

    @staticmethod
    def resolve(base: str, url: str) -> str:
        """`url` as written in the document from `base`; empty means that document itself."""
        return urljoin(base, url.strip())
