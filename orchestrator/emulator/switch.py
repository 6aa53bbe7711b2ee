"""An emulated FreeSWITCH: an event socket, a dialplan that parks, and phones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from gevent import socket
from gevent.server import StreamServer

from orchestrator.emulator.api import COMMANDS
from orchestrator.emulator.clock import Clock
from orchestrator.emulator.conference import ConferenceProfile
from orchestrator.emulator.core import Core
from orchestrator.emulator.phone import Behaviour, EmulatedPhone, Registry
from orchestrator.emulator.session import Session
from orchestrator.emulator.templates import Profile, inbound_variables
from orchestrator.emulator.wire import Listener

log = logging.getLogger(__name__)

GUARDS = ("app_disable_expand_variables=true", "park_timeout=10:NORMAL_TEMPORARY_FAILURE")


class EmulatedSwitch:
    """`time_scale` is how many real seconds an emulated second takes; 0.01 makes an hour 36 seconds.

    `guards` are the variables that the dialplan sets before it parks a call. Nothing survives `kill`.
    """

    kind = "emulator"

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str = "ClueCon",
        *,
        time_scale: float = 1.0,
        guards: Sequence[str] = GUARDS,
        profiles: Mapping[str, ConferenceProfile] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.password = password
        self.clock = Clock(time_scale)
        self.phones = Registry()
        self.profiles = dict(profiles or {})
        self._dialplan = (*(("set", guard) for guard in guards), ("park", ""))
        self.core = self._boot()
        self._server: StreamServer | None = None
        self._listeners: set[Listener] = set()
        self._next_port = 6001

    def _boot(self) -> Core:
        return Core(self.clock, self.phones, self._dialplan, self.profiles)

    def start(self) -> EmulatedSwitch:
        self._server = StreamServer((self.host, self.port), self._serve)
        self._server.start()
        self.port = int(self._server.server_port or 0)
        return self

    def stop(self) -> None:
        """Ends everything and closes the port; may be started again."""
        self.kill()

    def kill(self) -> None:
        """A crash: every socket breaks, every call and conference is forgotten, nobody is told."""
        if self._server is not None:
            self._server.stop(timeout=0)
            self._server = None
        self.drop_connections()
        self.core.kill()
        self.core = self._boot()

    def drop_connections(self) -> None:
        """Break the event-socket connections; calls and conferences live on."""
        for listener in list(self._listeners):
            listener.drop()
        self._listeners.clear()

    @property
    def connections(self) -> int:
        return len(self._listeners)

    def _serve(self, sock: socket.socket, address: object) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener = Listener(sock, self, self.password)
        self._listeners.add(listener)
        try:
            listener.serve()
        finally:
            self._listeners.discard(listener)

    # what stands behind the socket

    def api(self, command: str, argument: str) -> str | None:
        known = COMMANDS.get(command)
        return None if known is None else known(self.core, argument)

    def message(self, uuid: str, headers: dict[str, str]) -> bool:
        session = self.core.locate(uuid)
        if session is None:
            return False
        session.post(headers)
        return True

    # phones

    def call(
        self,
        to: str,
        *,
        from_: str = "+13125550001",
        name: str = "",
        headers: Mapping[str, str] | None = None,
        sounds: float | None = None,
    ) -> EmulatedPhone:
        """A phone calls `to`: an INVITE that the dialplan parks. `sounds` is the tone it speaks, in Hz."""
        core = self.core
        phone = EmulatedPhone(self.clock, to, from_)
        phone.speaking = sounds
        channel_name = f"sofia/internal/{from_}@127.0.0.1"
        profile = Profile(
            direction="inbound",
            destination=to,
            uuid=str(uuid4()),
            channel_name=channel_name,
            cid_name=name or from_,
            cid_number=from_,
            orig_cid_name=name or from_,
            orig_cid_number=from_,
            username=from_,
            dialplan="XML",
            network_addr="127.0.0.1",
            ani=from_,
            created=self.clock.micros(),
        )
        number = core.next_session_id()
        variables = inbound_variables(profile, number, self._next_port, dict(headers or {}))
        self._next_port = 6001 + (self._next_port - 6000) % 50000
        session = Session(core, profile, variables, number)
        session.phone, phone.leg = phone, session
        self.phones.phones.append(phone)
        session.start(core.dialplan)
        return phone

    def register(self, number: str, behaviour: Behaviour | None = None) -> None:
        """A phone that can be called under this number or user name."""
        self.phones.register(number, behaviour)

    @property
    def on_dial(self) -> Callable[[EmulatedPhone], None] | None:
        """Called with the phone of each outbound leg."""
        return self.phones.on_dial

    @on_dial.setter
    def on_dial(self, call: Callable[[EmulatedPhone], None] | None) -> None:
        self.phones.on_dial = call

    @property
    def expanded(self) -> list[str]:
        """Every `${…}` that FreeSWITCH would have expanded: must stay empty."""
        return self.core.expanded

    def leftovers(self) -> list[str]:
        """Channels and conferences that are still there."""
        channels = [f"channel {uuid}" for uuid in self.core.sessions]
        rooms = [*self.core.conferences.values(), *self.core.ending]
        return channels + [f"conference {room.name}" for room in rooms]
