"""Puts the parts together, and owns every greenlet.

Started in this order, each before what leans on it: outbox (nothing may happen before it can be written
down), delivery (what the last run left goes out), web (it says `not ready`), and last the event socket, which
brings the calls. Stopped in the reverse order, so that nothing new comes while what is under way is finished.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterable
from pathlib import Path

import gevent
from gevent.event import Event as Flag

from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.journal import Journal
from orchestrator.callbacks.message import Message
from orchestrator.callbacks.outbox import Outbox, OutboxError
from orchestrator.callbacks.probe import Probe
from orchestrator.calls.audit import Audit
from orchestrator.calls.beeper import Beeper
from orchestrator.calls.callbook import CallBook
from orchestrator.calls.control import Control
from orchestrator.calls.door import Door
from orchestrator.calls.fetch import Fetcher, Limits
from orchestrator.calls.history import History
from orchestrator.calls.kept import CallKeeper
from orchestrator.calls.member_commands import MemberCommands
from orchestrator.calls.performer import Performer
from orchestrator.calls.recovery import Recovery
from orchestrator.calls.register import Register
from orchestrator.calls.room_recordings import RoomRecordings
from orchestrator.calls.rooms import Rooms
from orchestrator.calls.services import Services
from orchestrator.calls.status import StatusCallbacks
from orchestrator.calls.switchboard import Switchboard
from orchestrator.calls.tally import CallTally
from orchestrator.calls.tolls import Tolls
from orchestrator.config import load
from orchestrator.config.live import Live
from orchestrator.config.settings import Settings
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.connection import Connection
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.events import MAINTENANCE, Event
from orchestrator.freeswitch.legs import Legs
from orchestrator.freeswitch.ownership import NotOwner, Ownership
from orchestrator.freeswitch.sip_profiles import SipWatch
from orchestrator.from_settings import (
    account_keys,
    address_policy,
    beeps,
    console_secret,
    delivery_settings,
    installation,
    url_signer,
)
from orchestrator.logs import get_logger
from orchestrator.media.library import Library
from orchestrator.media.recording_files import RecordingFiles
from orchestrator.media.retention import Housekeeping
from orchestrator.media.speech import CommandSpeech
from orchestrator.net.dial import Dialler
from orchestrator.reloading.bell import Bell
from orchestrator.reloading.reloader import Reloaded, Reloader
from orchestrator.web.api.blueprint import rest_api
from orchestrator.web.attempts import Attempts
from orchestrator.web.console.site import Console
from orchestrator.web.health import health
from orchestrator.web.metrics import Sources, metrics
from orchestrator.web.recordings import RecordingAudio
from orchestrator.web.recordings import recordings as recording_pages
from orchestrator.web.server import WebServer

log = get_logger(__name__)

EVENTS = (
    "CHANNEL_CREATE",
    "CHANNEL_PARK",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_DESTROY",
    "DTMF",
    "RECORD_START",
    "RECORD_STOP",
    "BACKGROUND_JOB",
    f"CUSTOM {MAINTENANCE}",
)
STOP_SECONDS = 10.0


class Orchestrator:
    """One FreeSWITCH node, its calls and rooms."""

    def __init__(self, settings: Settings, *, take_over: bool = False) -> None:
        """`take_over`: FreeSWITCH is taken from another orchestrator, also from one that lives."""
        self.live = Live(settings)
        node = settings.freeswitch.nodes[0]
        self.node = node
        for directory in (node.recordings_dir, node.media_dir):
            directory.mkdir(parents=True, exist_ok=True)
        self.outbox = Outbox(settings.callbacks.database)
        self._keys = account_keys(settings)
        self._dialler = dialler = Dialler(address_policy(settings))
        self.delivery = Delivery(self.outbox, self._keys.get, delivery_settings(settings), dialler=dialler)
        self.journal = Journal(self.outbox, self._poke)
        self.ownership = Ownership(installation(self.outbox), take_over=take_over)
        self.connection = Connection(
            node.host,
            node.port,
            node.password.get_secret_value(),
            node=node.name,
            on_event=self._on_event,
            on_pause=self.journal.flush,
            on_up=self._on_up,
            on_down=self._on_down,
            events=EVENTS,
            connect_timeout=node.connect_timeout_secs,
            command_timeout=node.command_timeout_secs,
            ownership=self.ownership,
        )
        self.legs = Legs(self.connection)
        self.door = Door(node.name, settings.intake, self.legs)
        self.book = CallBook(self.outbox)
        library = Library(node.media_dir, node.there, settings.media.max_seconds)
        files = RecordingFiles(
            node.recordings_dir, node.there, self._base_url, url_signer(settings, self.outbox)
        )
        self.housekeeping = Housekeeping(
            node.recordings_dir,
            settings.recordings.retention_days,
            library,
            settings.media.cache_bytes,
        )
        self.tally = CallTally()
        self.probe = Probe(self.outbox, self.journal)
        recordings = RoomRecordings(self.connection, self.journal, files, self.tally)
        members = MemberCommands(self.connection)
        performer = Performer(members, recordings, Beeper(members, beeps(settings, library)), self.legs)
        conference = settings.conference
        self.rooms = Rooms(
            performer,
            lambda uuid: self.legs.get(uuid) is not None,
            self.journal,
            (conference.speech_start_ms / 1000, conference.speech_stop_ms / 1000),
            self.tally,
        )
        self.switchboard = Switchboard(self.legs, self.rooms, lambda leg: self.calls.take_in(leg))
        keeper = CallKeeper(self.journal)
        self.recovery = Recovery(
            self.connection,
            self.legs,
            self.rooms,
            recordings,
            performer,
            self.switchboard,
            keeper,
            lambda: self.calls,
            lambda kept, leg: self.calls.take_up(kept, leg),
            self._deliver,
            lambda: self.control.ringing(),
            lambda seen, connected: self.control.call_recordings.compare(seen, connected),
            node.lost_after_secs,
        )
        self.audit = Audit(
            self.connection,
            self.legs,
            self.rooms,
            self.switchboard,
            lambda: self.calls,
            self.recovery,
            recordings,
            lambda: self.control.call_recordings,
        )
        fetch = settings.fetch
        self.services = Services(
            live=self.live,
            node=node,
            connection=self.connection,
            legs=self.legs,
            switchboard=self.switchboard,
            rooms=self.rooms,
            room_recordings=recordings,
            fetcher=Fetcher(
                Limits(fetch.timeout_secs, fetch.max_bytes, fetch.max_redirects),
                dialler,
                directory=node.media_dir,
            ),
            library=library,
            recording_files=files,
            speech=CommandSpeech(library, settings.speech.command, settings.speech.timeout_secs),
            status=StatusCallbacks(self.journal),
            journal=self.journal,
            keeper=keeper,
            records=self.outbox.records,
            book=self.book,
            tolls=Tolls(self.live),
            tally=self.tally,
            wait_until_connected=self._wait_until_connected,
            keys=self._keys.get,
        )
        self.calls = Register(
            self.services,
            self.door,
            ring_on=lambda kept, application: self.control.ring_on(kept, application),
        )
        self.control = Control(self.services, self.calls.start_dialled)
        self.history = History(
            self.outbox.records, settings.callbacks.history_days, settings.recordings.retention_days
        )
        self.attempts = Attempts()
        self.console = Console(
            self.live,
            self.control,
            self.rooms,
            self.outbox,
            files,
            self._problems,
            self.attempts,
            console_secret(self.outbox),
        )
        audio = RecordingAudio(files, is_open=self.control.is_recording)
        self.web = WebServer(
            settings.web.host,
            settings.web.port,
            (
                health(self._problems),
                recording_pages(audio),
                rest_api(self.live, self.control, self.outbox.records, self.attempts, audio),
                self.console.blueprint,
            ),
        )
        self.sip = SipWatch(self.connection.api, self.live)
        self.counted = self._counted()
        self.web.add(metrics(settings.web, self.counted))
        self.reloader = Reloader(
            self.live,
            node,
            self.connection.api,
            lambda: (room.profile for room in self.rooms),
            self.take_over,
        )
        self._auditing: gevent.Greenlet[..., None] | None = None
        self._up = Flag()
        self._stopping = False

    def start(self) -> None:
        self.delivery.start()
        self.web.start()
        self.housekeeping.start()
        self.history.start()
        self.door.start()
        self.recovery.restore()
        self.control.tidy()
        self.control.call_recordings.restore()
        self.connection.start()
        self._auditing = gevent.spawn(self._audit)

    def wait_ready(self, timeout: float) -> bool:
        """Whether FreeSWITCH is connected within `timeout` seconds."""
        return bool(self._up.wait(timeout))

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self._stopping = True
        if self._auditing is not None:
            self._auditing.kill(block=False)
        self.recovery.stop()
        self.sip.stop()
        self.connection.stop(timeout)
        self.door.stop()
        self.calls.abandon()
        self.rooms.abandon()
        self.housekeeping.stop(timeout)
        self.history.stop()
        self.console.stop()
        self.web.stop(timeout)
        self.journal.stop()
        self.delivery.stop(timeout)
        self.book.stop()
        try:
            self.outbox.close()
        except OutboxError as error:
            log.error("what was told last will be told again", problem=str(error))

    def _counted(self) -> Sources:
        return Sources(
            connection=self.connection,
            legs=self.legs,
            door=self.door,
            rooms=self.rooms,
            tally=self.tally,
            fetcher=self.services.fetcher,
            repairs=self.recovery.repairs,
            outbox=self.outbox,
            delivery=self.delivery,
            max_waiting=self.settings.callbacks.max_waiting,
            journal=self.journal,
            probe=self.probe,
            traffic=self.web.traffic,
            attempts=self.attempts,
            sip=self.sip,
        )

    def _base_url(self) -> str:
        web = self.settings.web
        # The port may have been left to the system, so what was set does not tell it.
        return web.base_url if web.public_url else f"http://{web.host}:{self.web.port}"

    @property
    def settings(self) -> Settings:
        return self.live.settings

    def take_over(self, settings: Settings) -> None:
        """Other settings from now on. Whoever asks `live` follows by itself; what is told is told here."""
        # Callbacks that wait are signed, also those of an account that is gone.
        self._keys.update(account_keys(settings))
        self._dialler.policy = address_policy(settings)
        self.door.intake.limits = settings.intake
        self.live.settings = settings
        self.console.on_reload()

    # FreeSWITCH

    def _on_event(self, event: Event) -> None:
        self.journal.gather()
        # What happens in conferences is the rooms' alone.
        if event.subclass != MAINTENANCE:
            self.door.on_event(event)
            self.book.on_event(event)
        self.switchboard.on_event(event)

    def _deliver(self, event: Event) -> None:
        """One that FreeSWITCH sent while nobody listened."""
        self.book.on_event(event)
        self.switchboard.deliver(event)

    def _on_up(self) -> None:
        try:
            self.reloader.on_connected()
            self.book.compare(self.recovery.run())
            self.sip.start()
        except SwitchError as error:
            log.warning("lost while looking at what FreeSWITCH has", node=self.node.name, problem=str(error))
            return
        gevent.spawn(
            self.services.tolls.lost, lambda leg: self.connection.api(commands.exists(leg)) == "true"
        )
        self._up.set()
        self.door.compare(self.connection.api)

    def _audit(self) -> None:
        while True:
            gevent.sleep(self.node.audit_secs)
            if self._up.is_set():
                self.audit.run()

    def _on_down(self, error: SwitchError) -> None:
        self._up.clear()
        self.sip.stop()
        self.recovery.lost()
        if not self._stopping:
            log.warning("not connected", node=self.node.name, problem=str(error))

    def _wait_until_connected(self) -> None:
        self._up.wait()
        self.connection.wait_current()

    def _problems(self) -> dict[str, str]:
        """What keeps calls from being served, by what has the problem."""
        found = {}
        if self._stopping:
            found["orchestrator"] = "it is being stopped"
        if not self.connection.connected:
            found[f"node {self.node.name}"] = self.ownership.problem or "FreeSWITCH is not connected"
        elif not self._up.is_set():
            found[f"node {self.node.name}"] = "what FreeSWITCH has is being compared"
        found |= self.sip.problems
        if not self.probe.writable():
            found["database"] = "what happens cannot be written down: the log says why"
        return found

    # Callbacks

    def _poke(self, messages: Iterable[Message]) -> None:
        for queue in {message.queue for message in messages}:
            self.delivery.poke(queue)


def spare_the_collector() -> None:
    """All that is here stays: looking through it again would hold up everybody for a tenth of a second. Calls
    leave few cycles behind; at 700 objects each, Python would look for them at every event or two."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def run(settings: Settings, config: Path, *, take_over: bool = False) -> int:
    """Until SIGTERM or SIGINT, or FreeSWITCH turns out to belong to another orchestrator; the exit code.
    SIGHUP reloads `config`, which `settings` were read from."""
    try:
        orchestrator = Orchestrator(settings, take_over=take_over)
    except (OutboxError, OSError) as error:
        log.error("cannot start", problem=str(error))
        return 1
    stop, refused = Flag(), list[NotOwner]()

    def on_refused(error: NotOwner) -> None:
        refused.append(error)
        stop.set()

    orchestrator.ownership.on_refused = on_refused
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)

    def reload() -> Reloaded:
        return orchestrator.reloader.reload(lambda: load(config))

    bell = Bell(settings.callbacks.database, config, reload)
    gevent.signal_handler(signal.SIGHUP, reload)
    orchestrator.start()
    bell.start()
    spare_the_collector()
    stop.wait()
    if refused:
        log.error("cannot start", problem=str(refused[0]))
    else:
        log.info("stopping")
    bell.stop()
    orchestrator.stop()
    return 1 if refused else 0
