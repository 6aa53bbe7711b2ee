"""An emulated FreeSWITCH: an event socket, a dialplan that parks, and phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from gevent import socket
from gevent.server import StreamServer

from orchestrator.emulator.api import COMMANDS
from orchestrator.emulator.channel_variables import inbound_variables
from orchestrator.emulator.clock import Clock
from orchestrator.emulator.conference_profile import ConferenceProfile
from orchestrator.emulator.core import MODULES
from orchestrator.emulator.identity import identify
from orchestrator.emulator.instance import Instance
from orchestrator.emulator.phone import EmulatedPhone
from orchestrator.emulator.profile import Profile
from orchestrator.emulator.registry import Behaviour, Registry, Target
from orchestrator.emulator.session import Session
from orchestrator.emulator.wire import Listener

# the project's own dialplan: freeswitch-conf/dialplan/texml.xml
DIALPLAN = (
    (
        "multiset",
        "^^;app_disable_expand_variables=true;hangup_after_conference=false;playback_terminators=none;hold_music=silence"
        ";park_after_bridge=false;hangup_after_bridge=false;continue_on_fail=true"
        ";sip_copy_custom_headers=false;texml_guard=1",
    ),
    (
        "set",
        "api_reporting_hook=global_setvar texml_gone_\\${uuid}=\\${end_uepoch}|\\${start_uepoch}"
        "|\\${answer_uepoch}|\\${hangup_cause}|\\${conference_name}|\\${conference_member_id}|\\${sip_term_status}"
        "|\\${sip_hangup_disposition}|\\${read_codec}|\\${read_rate}",
    ),
    ("sched_hangup", "+30 NORMAL_TEMPORARY_FAILURE"),
    ("park", ""),
)


class EmulatedSwitch:
    """`time_scale` is how many real seconds an emulated second takes; 0.01 makes an hour 36 seconds.

    `dialplan` runs on each incoming call: applications and their arguments; the default is the project's own.
    `extensions` are those that `loopback/<name>` reaches. `profiles` are the conference profiles by name; one
    that is not there has ConferenceProfile's defaults. `conference_conf` is the answer of `xml_locate`.
    Its phones are of `phone_type`.
    Nothing survives `kill`.

    Tests and the demo start, call and kill it, on any greenlet; each leg, conference and socket has its own.
    """

    kind = "emulator"

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str = "ClueCon",
        *,
        time_scale: float = 1.0,
        dialplan: Sequence[tuple[str, str]] = DIALPLAN,
        profiles: Mapping[str, ConferenceProfile] | None = None,
        extensions: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        sip_profile: str = "texml",
        context: str = "texml",
        modules: frozenset[str] = MODULES,
        conference_conf: str = "",
        phone_type: type[EmulatedPhone] = EmulatedPhone,
    ) -> None:
        self.host = host
        self.port = port
        self.password = password
        self.clock = Clock(time_scale)
        self.phones = Registry(phone_type)
        self.profiles = dict(profiles or {})
        self.sip_profile = sip_profile
        self.context = context
        self.modules = modules
        self.conference_conf = conference_conf
        self._extensions = {name: tuple(script) for name, script in (extensions or {}).items()}
        self._dialplan = tuple(dialplan)
        self.core = self._boot()
        self._server: StreamServer | None = None
        self._listeners: set[Listener] = set()
        self._next_port = 6001

    def _boot(self) -> Instance:
        core = Instance(self.clock, self.phones, self._dialplan, self.profiles)
        core.extensions = self._extensions
        core.sip_profile = self.sip_profile
        core.context = self.context
        core.modules = self.modules
        core.conference_conf = self.conference_conf
        core.reloads["mod_event_socket"] = self.drop_connections
        return core

    def start(self) -> EmulatedSwitch:
        self._server = StreamServer((self.host, self.port), self._serve)
        self._server.start()
        self.port = int(self._server.server_port or 0)
        return self

    def stop(self) -> None:
        """Ends everything and closes the port; may be started again."""
        self.kill()

    def kill(self) -> None:
        """A crash: every socket breaks, every call and conference is forgotten, without an event."""
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
        session = self.core.sessions.locate(uuid)
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
        phone = self.phones.phone_type(self.clock, to, from_)
        phone.speaking = sounds
        channel_name = f"sofia/{self.sip_profile}/{from_}@127.0.0.1"
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
            context=self.context,
            created=self.clock.micros(),
        )
        number = core.next_session_id()
        variables = inbound_variables(profile, number, self._next_port, dict(headers or {}), self.sip_profile)
        variables |= identify(profile, headers or {})
        self._next_port = 6001 + (self._next_port - 6000) % 50000
        session = Session(core.sessions, profile, variables, number)
        session.phone, phone.leg = phone, session
        session.start(core.dialplan)
        return phone

    def register(self, number: str, behaviour: Behaviour | None = None) -> Target:
        """A phone that can be called under this number or user name; any other answers 404."""
        return self.phones.register(number, behaviour or Behaviour())

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
        rooms = [*self.core.conferences.values(), *self.core.conferences.ending]
        return channels + [f"conference {room.name}" for room in rooms]
