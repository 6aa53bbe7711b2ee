"""Puts the parts together, and owns every greenlet.

Started in this order, each before what leans on it: outbox (nothing may happen before it can be written
down), delivery (what the last run left goes out), web (it says `not ready`), and last the event socket, which
brings the calls. Stopped in the reverse order, so that nothing new comes while what is under way is finished.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterable
from pathlib import Path

import gevent
from gevent.event import Event as Flag

from orchestrator.callbacks.delivery import Delivery, DeliverySettings
from orchestrator.callbacks.journal import Journal
from orchestrator.callbacks.message import Message
from orchestrator.callbacks.outbox import Outbox, OutboxError
from orchestrator.callbacks.payloads import PayloadSettings
from orchestrator.callbacks.probe import Probe
from orchestrator.callbacks.signature import SigningKey
from orchestrator.calls.beeper import Beeper
from orchestrator.calls.call import Call
from orchestrator.calls.callbook import CallBook
from orchestrator.calls.control import Control
from orchestrator.calls.door import Door
from orchestrator.calls.endpoints import trunk_to
from orchestrator.calls.fetch import Fetcher, Limits
from orchestrator.calls.history import History
from orchestrator.calls.kept import CallKeeper, KeptCall
from orchestrator.calls.member_commands import MemberCommands
from orchestrator.calls.performer import Performer
from orchestrator.calls.recovery import Recovery
from orchestrator.calls.room_recordings import RoomRecordings
from orchestrator.calls.rooms import Rooms
from orchestrator.calls.services import Services
from orchestrator.calls.status import StatusCallbacks
from orchestrator.calls.switchboard import Switchboard
from orchestrator.calls.tally import CallTally
from orchestrator.calls.tolls import Tolls
from orchestrator.conference.effects import BeepKind
from orchestrator.config import load
from orchestrator.config.live import Live
from orchestrator.config.service import Tone
from orchestrator.config.settings import Settings
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.connection import Connection
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.events import Event
from orchestrator.freeswitch.legs import Leg, Legs
from orchestrator.freeswitch.snapshot import forget_gone
from orchestrator.logs import get_logger
from orchestrator.media.library import Library, Sound
from orchestrator.media.recording_files import RecordingFiles
from orchestrator.media.retention import Housekeeping
from orchestrator.media.signed_urls import KEY_BYTES, UrlSigner
from orchestrator.media.speech import CommandSpeech
from orchestrator.net.addresses import AddressPolicy
from orchestrator.net.dial import Dialler
from orchestrator.reloading.bell import Bell
from orchestrator.reloading.reloader import Reloaded, Reloader
from orchestrator.web.api.blueprint import rest_api
from orchestrator.web.console.site import Console
from orchestrator.web.health import health
from orchestrator.web.metrics import Sources, metrics
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
    "BACKGROUND_JOB",
    "CUSTOM conference::maintenance",
)
STOP_SECONDS = 10.0
RECORDING_URL_KEY = "recording url key"
NO_NUMBER = "UNALLOCATED_NUMBER"


class Orchestrator:
    """One FreeSWITCH node, its calls and rooms."""

    def __init__(self, settings: Settings) -> None:
        self.live = Live(settings)
        node = settings.freeswitch.nodes[0]
        self.node = node
        for directory in (node.recordings_dir, node.media_dir):
            directory.mkdir(parents=True, exist_ok=True)
        payload = PayloadSettings(settings.callbacks.twilio_extras, settings.callbacks.timestamp_format)
        self.outbox = Outbox(settings.callbacks.database)
        self._keys = _signing_keys(settings)
        self._dialler = dialler = Dialler(_policy(settings))
        self.delivery = Delivery(self.outbox, self._keys.get, _delivery_settings(settings), dialler=dialler)
        self.journal = Journal(self.outbox, self._poke)
        self.connection = Connection(
            node.host,
            node.port,
            node.password.get_secret_value(),
            node=node.name,
            on_event=self._on_event,
            on_up=self._on_up,
            on_down=self._on_down,
            events=EVENTS,
            connect_timeout=node.connect_timeout_secs,
            command_timeout=node.command_timeout_secs,
        )
        self.legs = Legs(self.connection)
        self.door = Door(node.name, settings.intake, self.legs)
        self.book = CallBook(self.outbox)
        library = Library(node.media_dir, node.there, settings.media.max_seconds)
        files = RecordingFiles(
            node.recordings_dir, node.there, self._base_url, _url_signer(settings, self.outbox)
        )
        self.housekeeping = Housekeeping(
            node.recordings_dir,
            settings.recordings.retention_days,
            library,
            settings.media.cache_bytes,
        )
        self.tally = CallTally()
        self.probe = Probe(self.outbox, self.journal)
        recordings = RoomRecordings(self.connection, self.journal, payload, files, self.tally)
        members = MemberCommands(self.connection)
        performer = Performer(members, recordings, Beeper(members, _beeps(settings, library)))
        conference = settings.conference
        self.rooms = Rooms(
            performer,
            lambda uuid: self.legs.get(uuid) is not None,
            self.journal,
            payload,
            (conference.speech_start_ms / 1000, conference.speech_stop_ms / 1000),
            self.tally,
        )
        self.switchboard = Switchboard(self.legs, self.rooms, self._on_new_call)
        keeper = CallKeeper(self.journal)
        self.recovery = Recovery(
            self.connection,
            self.legs,
            self.rooms,
            recordings,
            performer,
            self.switchboard,
            keeper,
            lambda: self._calls.values(),
            self._take_up,
            self._deliver,
            lambda: self.control.ringing(),
            node.lost_after_secs,
        )
        fetch = settings.fetch
        self.services = Services(
            live=self.live,
            node=node,
            connection=self.connection,
            legs=self.legs,
            switchboard=self.switchboard,
            rooms=self.rooms,
            fetcher=Fetcher(
                Limits(fetch.timeout_secs, fetch.max_bytes, fetch.max_redirects),
                dialler,
                directory=node.media_dir,
            ),
            library=library,
            recording_files=files,
            speech=CommandSpeech(library, settings.speech.command, settings.speech.timeout_secs),
            status=StatusCallbacks(self.journal, payload),
            journal=self.journal,
            keeper=keeper,
            records=self.outbox.records,
            book=self.book,
            tolls=Tolls(self.live),
            tally=self.tally,
            wait_until_connected=self._wait_until_connected,
            signing_key=self._keys.get,
        )
        self.control = Control(self.services, self._start_dialled)
        self.history = History(
            self.outbox.records, settings.callbacks.history_days, settings.recordings.retention_days
        )
        self.console = Console(self.live, self.control, self.rooms, self.outbox, files, self._problems)
        self.web = WebServer(
            settings.web.host,
            settings.web.port,
            (
                health(self._problems),
                recording_pages(files),
                rest_api(self.live, self.control, self.outbox.records),
                self.console.blueprint,
            ),
        )
        self.counted = self._counted()
        self.web.add(metrics(settings.web, self.counted))
        self.reloader = Reloader(
            self.live,
            node,
            self.connection.api,
            lambda: (room.profile for room in self.rooms),
            self.take_over,
        )
        self._calls: dict[str, Call] = {}
        """By leg; one whose leg is gone stays until nothing of it is left to be done."""
        self._auditing: gevent.Greenlet[..., None] | None = None
        self._up = Flag()
        self._stopping = False
        self._core_uuid = ""

    def start(self) -> None:
        self.delivery.start()
        self.web.start()
        self.housekeeping.start()
        self.history.start()
        self.door.start()
        self.recovery.restore()
        self.control.tidy()
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
        self.connection.stop(timeout)
        self.door.stop()
        for call in self._calls.values():
            call.abandon()
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
        self._keys.update(_signing_keys(settings))
        for account in settings.accounts:
            if account.signing_key is None:
                self._keys.pop(account.sid, None)
        self._dialler.policy = _policy(settings)
        self.door.intake.limits = settings.intake
        self.live.settings = settings

    # FreeSWITCH

    def _on_event(self, event: Event) -> None:
        self.door.on_event(event)
        self.book.on_event(event)
        self.switchboard.on_event(event)

    def _deliver(self, event: Event) -> None:
        """One that FreeSWITCH sent while nobody listened."""
        self.book.on_event(event)
        self.switchboard.deliver(event)

    def _on_up(self) -> None:
        if self._core_uuid and self._core_uuid != self.connection.core_uuid:
            log.error("another FreeSWITCH answers: what the old one had is gone", node=self.node.name)
        try:
            self.recovery.run()
        except SwitchError as error:
            log.warning("lost while looking at what FreeSWITCH has", node=self.node.name, problem=str(error))
            return
        for lost in (self.book.lost, self.services.tolls.lost):
            gevent.spawn(lost, lambda leg: self.connection.api(commands.exists(leg)) == "true")
        self._core_uuid = self.connection.core_uuid
        self._up.set()
        self.door.compare(self.connection.api)

    def _audit(self) -> None:
        while True:
            gevent.sleep(self.node.audit_secs)
            if self._up.is_set():
                self.recovery.audit()

    def _on_down(self, error: SwitchError) -> None:
        self._up.clear()
        self.recovery.lost()
        if not self._stopping:
            log.warning("not connected", node=self.node.name, problem=str(error))

    def _wait_until_connected(self) -> None:
        self._up.wait()

    def _problems(self) -> dict[str, str]:
        """What keeps calls from being served, by what has the problem."""
        found = {}
        if self._stopping:
            found["orchestrator"] = "it is being stopped"
        if not self.connection.connected:
            found[f"node {self.node.name}"] = "FreeSWITCH is not connected"
        elif not self._up.is_set():
            found[f"node {self.node.name}"] = "what FreeSWITCH has is being compared"
        if not self.probe.writable():
            found["database"] = "what happens cannot be written down: the log says why"
        return found

    # Calls

    def _on_new_call(self, leg: Leg) -> None:
        self.switchboard.watch(leg.uuid, self._hear_last_words)
        if not self.door.lets_in(leg):
            return
        # The dialplan hangs up a call that nobody takes; this one is taken.
        self.connection.post(commands.api("sched_del", leg.uuid))
        number = leg.headers.get("Caller-Destination-Number", "")
        application = self.settings.application_for(number)
        if application is None:
            self.tally.unknown_numbers += 1
            log.warning("no application for this number, and no default one", leg=leg.uuid, number=number)
            leg.hangup(NO_NUMBER)
            return
        call = Call(leg, application, self.services)
        self.book.open(call.caller, call.account_sid, name=leg.headers.get("Caller-Caller-ID-Name", ""))
        log.info(
            "call",
            call=call.sid,
            number=number,
            caller=call.caller.from_,
            application=application.name,
            came_from=self.settings.caller(leg.headers.get("Caller-Network-Addr", "")),
        )
        self._start(call)

    def _take_up(self, kept: KeptCall, leg: Leg | None) -> None:
        """Goes on with a call of the last run. Its leg may be gone; None: it is one that we dialled."""
        self.switchboard.watch(kept.leg, self._hear_last_words)
        application = self.settings.applications.get(kept.application)
        if application is None:
            log.error(
                "its application is no longer in the settings", leg=kept.leg, application=kept.application
            )
            self.connection.post(commands.kill(kept.leg, NO_NUMBER))
            return
        if kept.direction == "outbound":
            trunk = trunk_to(self.settings, application, kept.caller.to)
            self.services.tolls.resume(kept.leg, application.account, trunk)
        if leg is None:
            self.control.take_up(kept, application)
        else:
            self._start(Call(leg, application, self.services, kept.direction, kept))

    def _start_dialled(self, call: Call) -> None:
        self.switchboard.watch(call.leg.uuid, self._hear_last_words)
        self._start(call)

    def _start(self, call: Call) -> None:
        uuid = call.leg.uuid
        call.report()
        self.switchboard.watch(uuid, call.on_event)
        self._calls[uuid] = call
        call.start(self._on_end)

    def _on_end(self, call: Call) -> None:
        self._calls.pop(call.leg.uuid, None)
        self.services.keeper.forget(call.leg.uuid, call.sid)
        self.services.tolls.over(call.leg.uuid)

    def _hear_last_words(self, event: Event) -> None:
        if event.name == "CHANNEL_DESTROY":
            forget_gone(self.connection, event.uuid)

    def _poke(self, messages: Iterable[Message]) -> None:
        for queue in {message.queue for message in messages}:
            self.delivery.poke(queue)


def _beeps(settings: Settings, library: Library) -> dict[BeepKind, Sound]:
    """A file for each beep; two that sound alike share one."""
    conference = settings.conference
    tones: dict[BeepKind, Tone] = {
        "enter": conference.enter_beep,
        "exit": conference.exit_beep,
        "record": conference.record_beep,
    }
    return {kind: library.beep(tone.hz, tone.ms) for kind, tone in tones.items()}


def _signing_keys(settings: Settings) -> dict[str, SigningKey]:
    """By the account's sid."""
    return {
        account.sid: SigningKey(account.signing_seed) for account in settings.accounts if account.signing_seed
    }


def _policy(settings: Settings) -> AddressPolicy:
    network = settings.network
    return AddressPolicy(network.private_addresses == "allow", network.allow, network.deny)


def _url_signer(settings: Settings, outbox: Outbox) -> UrlSigner | None:
    """Its key is made once: addresses told before a restart stay good."""
    lifetime = settings.recordings.url_lifetime_secs
    if lifetime is None:
        return None
    kept = outbox.load(RECORDING_URL_KEY)
    key = kept[0][1] if kept else secrets.token_bytes(KEY_BYTES)
    if not kept:
        outbox.commit(put=[(RECORDING_URL_KEY, "", key)])
    return UrlSigner(key, lifetime)


def _delivery_settings(settings: Settings) -> DeliverySettings:
    callbacks = settings.callbacks
    return DeliverySettings(
        timeout=callbacks.timeout_secs,
        attempts=callbacks.attempts,
        backoff=callbacks.backoff_secs,
        max_retry_after=callbacks.max_retry_after_secs,
        max_age=callbacks.max_age_secs,
        max_waiting=callbacks.max_waiting,
        concurrency=callbacks.concurrency,
        per_host=callbacks.concurrency_per_receiver,
        retention=callbacks.history_days * 86400,
    )


def run(settings: Settings, config: Path) -> int:
    """Until SIGTERM or SIGINT; the exit code. SIGHUP reloads `config`, which `settings` were read from."""
    try:
        orchestrator = Orchestrator(settings)
    except (OutboxError, OSError) as error:
        log.error("cannot start", problem=str(error))
        return 1
    stop = Flag()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)

    def reload() -> Reloaded:
        return orchestrator.reloader.reload(lambda: load(config))

    bell = Bell(settings.callbacks.database, config, reload)
    gevent.signal_handler(signal.SIGHUP, reload)
    orchestrator.start()
    bell.start()
    stop.wait()
    log.info("stopping")
    bell.stop()
    orchestrator.stop()
    return 0
