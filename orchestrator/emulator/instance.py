"""One running FreeSWITCH: its core, sessions, conferences and the phones around it."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.emulator.apps import applications
from orchestrator.emulator.clock import Clock
from orchestrator.emulator.conference import Conferences
from orchestrator.emulator.conference_profile import ConferenceProfile
from orchestrator.emulator.core import Core
from orchestrator.emulator.registry import Registry
from orchestrator.emulator.session import Sessions


class Instance(Core):
    """State that dies with the process when FreeSWITCH crashes."""

    def __init__(
        self,
        clock: Clock,
        phones: Registry,
        dialplan: tuple[tuple[str, str], ...],
        profiles: dict[str, ConferenceProfile],
    ) -> None:
        super().__init__(clock, dialplan)
        self.phones = phones
        self.reloads: dict[str, Callable[[], None]] = {}
        """The effects of `reload`, by module."""
        self.conferences = Conferences(self, profiles)
        self.sessions = Sessions(self, applications(self.conferences, phones))

    def kill(self) -> None:
        """Everything stops at once; no event, no goodbye: what a crash looks like."""
        self.stop()
        for session in list(self.sessions.values()):
            if session.phone is not None:
                session.phone.cut_off()
        self.sessions.clear()
        self.conferences.clear()
