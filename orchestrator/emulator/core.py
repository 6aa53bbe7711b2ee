"""State that all parts of one running FreeSWITCH share: its clock, event bus, variables, tasks and settings
(switch_core.c)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

import gevent
from gevent import Greenlet

from orchestrator.emulator.clock import Clock
from orchestrator.emulator.events import Bus, Identity

if TYPE_CHECKING:
    Task = Greenlet[..., object]

VERSION = "1.10.12-release"
_NAMES = (
    *("event_socket", "sofia", "commands", "conference", "dptools", "dialplan_xml", "sndfile", "tone_stream"),
    *("native_file", "spandsp", "opus", "shout", "flite", "loopback"),
)
MODULES = frozenset(f"mod_{name}" for name in _NAMES)
FRAME = 0.02  # seconds; park, conferences and playback look at their queues once a frame


class Core:
    """Sessions and conferences are given it; it knows none of them."""

    def __init__(self, clock: Clock, dialplan: tuple[tuple[str, str], ...]) -> None:
        self.clock = clock
        self.identity = Identity.fresh()
        self.bus = Bus(clock, self.identity)
        self.dialplan = dialplan
        self.sip_profile = "texml"
        self.sip_running = True
        self.media_addresses = ("127.0.0.1", "127.0.0.1")
        """Of the SIP profile: where it receives media, and the address that it advertises."""
        self.rtp_ports = (16384, 32768)
        self.max_sessions = 3000
        self.context = "texml"
        self.modules: frozenset[str] = MODULES
        self.conference_conf = ""
        self.extensions: dict[str, tuple[tuple[str, str], ...]] = {}
        self.globals: dict[str, str] = {
            "core_uuid": self.identity.core_uuid,
            "hostname": self.identity.hostname,
        }
        self.expanded: list[str] = []
        self.tasks: dict[int, tuple[str, Task]] = {}
        self.started = clock.now()
        self.session_count = 0
        self._member_ids = count(1)
        self._task_ids = count(1)
        self._greenlets: set[Task] = set()

    def next_session_id(self) -> int:
        self.session_count += 1
        return self.session_count

    def next_member_id(self) -> int:
        return next(self._member_ids)

    def spawn(self, call: Callable[..., object], *args: object) -> Task:
        return self._own(gevent.spawn(call, *args))

    def later(self, seconds: float, call: Callable[..., object], *args: object) -> Task:
        return self._own(gevent.spawn_later(self.clock.real(seconds), call, *args))

    def _own(self, greenlet: Task) -> Task:
        self._greenlets.add(greenlet)
        greenlet.rawlink(self._greenlets.discard)
        return greenlet

    def schedule(self, seconds: float, group: str, call: Callable[..., object], *args: object) -> int:
        """mod_commands' scheduler: a task that `sched_del <id or group>` takes back."""
        number = next(self._task_ids)
        greenlet = self.later(seconds, call, *args)
        self.tasks[number] = (group, greenlet)
        greenlet.rawlink(lambda _: self.tasks.pop(number, None))
        return number

    def unschedule(self, which: str) -> int:
        found = [number for number, (group, _) in self.tasks.items() if which in (str(number), group)]
        for number in found:
            self.tasks.pop(number)[1].kill(block=False)
        return len(found)

    def stop(self) -> None:
        """All greenlets and tasks, at once."""
        for greenlet in list(self._greenlets):
            greenlet.kill(block=False)
        self.tasks.clear()
