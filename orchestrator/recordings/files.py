"""Where recordings lie, and how others reach them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from orchestrator.recordings.signed_urls import UrlSigner

RecordingKind = Literal["wav", "mp3"]
SID_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def is_sid(text: str) -> bool:
    """Written as we write them: any other spelling names no recording."""
    return re.fullmatch(SID_PATTERN, text) is not None


@dataclass(frozen=True)
class RecordingFiles:
    directory: Path
    freeswitch_directory: Callable[[Path], Path]
    """A path as FreeSWITCH sees it."""
    base_url: Callable[[], str]
    """Without a slash at its end."""
    signer: UrlSigner | None = None
    """None: an address is good as long as there is the file."""

    def path(self, sid: str, kind: RecordingKind = "wav") -> Path:
        """FreeSWITCH writes the WAV; an MP3 is made of it."""
        return self.directory / f"{sid}.{kind}"

    def freeswitch_path(self, sid: str) -> str:
        return str(self.freeswitch_directory(self.path(sid).absolute()))

    def url(self, sid: str, kind: RecordingKind = "wav") -> str:
        query = f"?{self.signer.query(sid)}" if self.signer else ""
        return f"{self.base_url()}/recordings/{sid}.{kind}{query}"


class RecordingsOfNodes:
    """The recordings of all FreeSWITCH nodes, for their listeners.

    `path` looks at the disk where there are several nodes, and blocks as long as that takes.
    """

    def __init__(self, nodes: Sequence[RecordingFiles]) -> None:
        self._nodes = nodes
        self.signer = nodes[0].signer

    def path(self, sid: str, kind: RecordingKind = "wav") -> Path:
        """Beside what there is of it."""
        for files in self._nodes[1:]:
            if any(files.path(sid, one).exists() for one in get_args(RecordingKind)):
                return files.path(sid, kind)
        return self._nodes[0].path(sid, kind)
