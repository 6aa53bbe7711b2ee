"""The name and variables of a conference, and the events about it (conference_event.c)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from orchestrator.emulator.conference_profile import ACTION_ORIGINS, EVENT_WORDS, ConferenceProfile
from orchestrator.emulator.core import Core
from orchestrator.emulator.events import MAINTENANCE, Headers
from orchestrator.emulator.sound import Playing


class ConferenceEvents:
    """Called by members, recordings and API commands; nothing here waits."""

    def __init__(self, core: Core, name: str, profile_name: str, profile: ConferenceProfile) -> None:
        self.core = core
        self.name = name
        self.profile_name = profile_name
        self.profile = profile
        self.uuid = str(uuid4())
        self.variables: dict[str, str] = {}
        self.count = 0
        """Of its members."""
        self.record_count = 0

    def data(self) -> Headers:
        return [
            ("Conference-Name", self.name),
            ("Conference-Domain", "cluecon.com"),
            ("Conference-Size", str(self.count)),
            ("Conference-Ghosts", "0"),
            ("Conference-Profile-Name", self.profile_name),
            ("Conference-Unique-ID", self.uuid),
            *self.variables.items(),
        ]

    def fire(self, action: str, extra: Headers | None = None) -> None:
        """An event of the conference as a whole: Action and what belongs to it come last."""
        self.emit(action, lambda: [*self.data(), ("Action", action), *(extra or [])])

    def emit(self, action: str, headers: Callable[[], Headers]) -> None:
        if EVENT_WORDS.get(action, action) not in self.profile.suppress:
            self.core.bus.fire("CUSTOM", headers, ACTION_ORIGINS[action], subclass=MAINTENANCE)

    def fire_done(
        self,
        action: str,
        playing: Playing,
        seconds: float,
        *,
        member: Callable[[], Headers] = list,
        asynchronous: bool = False,
    ) -> None:
        """The end of a sound, to all or to the member with those headers."""
        rate = self.profile.rate
        lengths = [
            ("seconds", str(int(seconds))),
            ("milliseconds", str(int(seconds * 1000))),
            ("samples", str(int(seconds * rate))),
        ]
        tail = [("File", playing.name), *([("Async", "true")] if asynchronous else [])]
        self.emit(action, lambda: [*self.data(), *lengths, ("Action", action), *member(), *tail])
