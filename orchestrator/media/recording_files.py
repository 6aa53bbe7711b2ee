"""Where recordings lie, and how others reach them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

RecordingKind = Literal["wav", "mp3"]


@dataclass(frozen=True)
class RecordingFiles:
    directory: Path
    there: Callable[[Path], Path]
    """A path as FreeSWITCH sees it."""
    base_url: Callable[[], str]
    """Without a slash at its end."""

    def path(self, sid: str, kind: RecordingKind = "wav") -> Path:
        """FreeSWITCH writes the WAV; an MP3 is made of it."""
        return self.directory / f"{sid}.{kind}"

    def path_there(self, sid: str) -> str:
        return str(self.there(self.path(sid).absolute()))

    def url(self, sid: str, kind: RecordingKind = "wav") -> str:
        return f"{self.base_url()}/recordings/{sid}.{kind}"
