"""Beeps to single members, where FreeSWITCH plays them in turn: one that would come too late is left out."""

from __future__ import annotations

import time
from collections.abc import Mapping

from orchestrator.conference.live.member_commands import MemberCommands
from orchestrator.conference.machine.effects import BeepKind
from orchestrator.media.audio_cache import AudioFile

# Fifty joins in two seconds would beep for ten: a beep long after its cause has no meaning.
LATEST_SECONDS = 1.0


class TonePlayer:
    def __init__(self, members: MemberCommands, beeps: Mapping[BeepKind, AudioFile]) -> None:
        self._members = members
        self._beeps = beeps
        self._busy: dict[str, dict[str, float]] = {}
        """When each member's playback is free again, by room; seconds of the monotonic clock."""

    def beep(self, sid: str, kind: BeepKind, members: tuple[str, ...]) -> None:
        sound, now = self._beeps[kind], time.monotonic()
        busy = self._busy.setdefault(sid, {})
        for member_id in members:
            free = max(now, busy.get(member_id, now))
            if free - now <= LATEST_SECONDS:
                busy[member_id] = free + sound.seconds
                self._members.order(sid, member_id, "play", sound.path, member_id)

    def room_closed(self, sid: str) -> None:
        self._busy.pop(sid, None)
