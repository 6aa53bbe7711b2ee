"""Puts the parts together, and owns every greenlet: what all FreeSWITCH nodes share, and the nodes.

Started in one order (`_parts`), each before what leans on it: the outbox (nothing may happen before it can
be written down), delivery (what the last run left goes out), web (it says `not ready`), and last the nodes,
whose event sockets bring the calls. Stopped in the reverse order, so that nothing new comes while what is
under way is finished.
"""

from __future__ import annotations

import gc
import signal
import time
from pathlib import Path

import gevent
from gevent.event import Event as Flag

from orchestrator.callbacks.attempt_entries import AttemptEntries
from orchestrator.callbacks.delivery import Delivery
from orchestrator.calls.relays import Relays
from orchestrator.conference.live.directory import RoomDirectory
from orchestrator.config import load
from orchestrator.config.current import CurrentSettings
from orchestrator.config.settings import Settings
from orchestrator.counters import CallCounters
from orchestrator.from_settings import (
    account_keys,
    address_policy,
    console_secret,
    delivery_settings,
    timeline_limits,
    url_signer,
)
from orchestrator.lifecycle import STOP_SECONDS, Part, Parts
from orchestrator.logs import get_logger
from orchestrator.net.connector import Connector
from orchestrator.node import Node
from orchestrator.node_availability import NodeState
from orchestrator.recordings.files import RecordingsOfNodes
from orchestrator.reloading.control_socket import ControlSocket, NodesAnswer, NodesCommand
from orchestrator.reloading.reloader import Reloadable, Reloaded, Reloader
from orchestrator.retention import Retention, files, rows
from orchestrator.routing.outbound_limits import OutboundLimits
from orchestrator.services.api_services import api_services
from orchestrator.services.nodes import Nodes
from orchestrator.shared_parts import Shared
from orchestrator.standby import Standby
from orchestrator.store.access.opening import open_store
from orchestrator.store.database import Lease
from orchestrator.store.interface import OutboxError
from orchestrator.store.write_behind import OutputGate
from orchestrator.store.write_check import WriteCheck
from orchestrator.timeline.recorder import Timeline
from orchestrator.web.api.blueprint import rest_api
from orchestrator.web.api.idempotency import Idempotency
from orchestrator.web.attempts import Attempts
from orchestrator.web.console.site import Console
from orchestrator.web.health import health
from orchestrator.web.metrics import NodeSources, Sources, metrics
from orchestrator.web.recordings import RecordingAudio
from orchestrator.web.recordings import recordings as recording_pages
from orchestrator.web.server import CannotListen, WebServer

AGAIN_SECONDS = 1.0
"""Between two attempts to take over."""

log = get_logger(__name__)


class Orchestrator(Part):
    """The FreeSWITCH nodes of the settings, and what they share.

    Made, started and stopped by `main`, on the main greenlet. `take_over` is called by a reload, on its
    own greenlet.
    """

    def __init__(self, settings: Settings, *, take_over: bool = False, seen: object = None) -> None:
        """`take_over`: FreeSWITCH is taken from another orchestrator, also from one that lives; `seen`: of
        the one that had the database before.

        Raises OutboxError and OSError.
        """
        self.current = CurrentSettings(settings)
        for places in settings.freeswitch.nodes:
            for directory in (places.recordings_dir, places.media_dir):
                directory.mkdir(parents=True, exist_ok=True)
        self.outbox = open_store(
            settings.callbacks.store,
            [node.name for node in settings.freeswitch.nodes],
            Lease(settings.callbacks.database, settings.url_in_cluster, seen),
        )
        self.timeline = Timeline(self.outbox.timeline, timeline_limits(settings))
        self._keys = account_keys(settings)
        self._connector = Connector(address_policy(settings))
        self.attempt_entries = AttemptEntries(self.timeline)
        self.delivery = Delivery(
            self.outbox,
            self._keys.get,
            delivery_settings(settings),
            connector=self._connector,
        )
        self.delivery.on_attempt.append(self.attempt_entries.on_attempt)
        self.delivery.on_dropped.append(self.attempt_entries.on_dropped)
        self.counters = CallCounters()
        self.output_gate = OutputGate()
        self.directory = RoomDirectory(lambda: self.settings.freeswitch.new_rooms)
        shared = Shared(
            current=self.current,
            store=self.outbox,
            delivery=self.delivery,
            connector=self._connector,
            keys=self._keys,
            url_signer=url_signer(settings, self.outbox),
            base_url=self.base_url,
            counters=self.counters,
            timeline=self.timeline,
            outbound_limits=OutboundLimits(self.current),
            directory=self.directory,
            relays=Relays(),
            output_gate=self.output_gate,
            take_over=take_over,
            predecessor_may_run=self.outbox.database.predecessor_may_run,
        )
        if len(settings.freeswitch.nodes) == 1:
            self.outbox.claim(settings.freeswitch.nodes[0].name)
        self.nodes = tuple(Node(node, shared) for node in settings.freeswitch.nodes)
        self.write_check = WriteCheck(self.outbox, [node.write_buffer for node in self.nodes])
        days, cache_bytes = settings.recordings.retention_days, settings.media.cache_bytes
        self.retention = Retention(
            [
                *rows(self.outbox, settings.callbacks.history_days, days),
                *(
                    kind
                    for node in self.nodes
                    for kind in files(node.settings.recordings_dir, days, node.audio_cache, cache_bytes)
                ),
            ]
        )
        self.reloader = Reloader(
            self.current,
            [Reloadable(node.settings, node.connection.api, node.rooms) for node in self.nodes],
            self.take_over,
        )
        for node in self.nodes:
            node.before_comparing.append(self.reloader.on_connected)
        self._stopping = False
        self._serve()
        self._parts = Parts(
            (
                self.outbox,
                self.timeline,
                *(node.call_records for node in self.nodes),
                self.delivery,
                *(node.write_buffer for node in self.nodes),
                self.web,
                self.console,
                self.retention,
                *self.nodes,
                self.services.conferences,
            )
        )

    def _serve(self) -> None:
        """REST, the console, recordings, health and metrics: of all nodes."""
        settings = self.settings
        self.attempts = Attempts()
        nodes = Nodes([node.commanded_parts for node in self.nodes], self.directory)
        self.services = api_services(nodes, self.outbox, self.delivery)
        files = RecordingsOfNodes([node.files for node in self.nodes])
        self.console = Console(
            self.current,
            self.services,
            nodes.rooms,
            self.outbox,
            files,
            self._problems,
            self.attempts,
            console_secret(self.outbox),
            self.node_states,
        )
        idempotency = Idempotency(self.outbox.records, self.node.write_buffer)
        audio = RecordingAudio(files, is_open=self.services.recordings.is_recording)
        self.web = WebServer(
            settings.web.host,
            settings.web.port,
            (
                health(self._not_ready),
                recording_pages(audio),
                rest_api(self.current, self.services, idempotency, self.attempts, audio),
                self.console.blueprint,
            ),
            before_answering=self.output_gate.wait,
        )
        self.counted = self._counted()
        self.web.add(metrics(settings.web, self.counted))

    @property
    def node(self) -> Node:
        """The first."""
        return self.nodes[0]

    def start(self) -> None:
        """Raises CannotListen where the web server's address cannot be had."""
        self._parts.start()

    def wait_ready(self, timeout: float) -> bool:
        """Whether every FreeSWITCH is connected within `timeout` seconds."""
        until = time.monotonic() + timeout
        return all(node.wait_up(max(0.0, until - time.monotonic())) for node in self.nodes)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self._stopping = True
        self._parts.stop(timeout)

    def _counted(self) -> Sources:
        return Sources(
            nodes=tuple(
                NodeSources(
                    connection=node.connection,
                    legs=node.legs,
                    admission=node.admission,
                    rooms=node.rooms,
                    fetcher=node.fetcher,
                    corrections=node.reconciler.corrections,
                    write_buffer=node.write_buffer,
                    sip=node.sip,
                    browser_calls=node.browser_calls,
                    availability=node.availability,
                )
                for node in self.nodes
            ),
            counters=self.counters,
            outbox=self.outbox,
            delivery=self.delivery,
            max_waiting=self.settings.callbacks.max_waiting,
            write_check=self.write_check,
            http_stats=self.web.http_stats,
            attempts=self.attempts,
            timeline=self.timeline,
            by_receiver=self.attempt_entries.by_receiver,
        )

    def base_url(self) -> str:
        """Of the web server, as others reach it."""
        web = self.settings.web
        # The port may have been left to the system, so the setting does not say it.
        return web.base_url if web.public_url else f"http://{web.host}:{self.web.port}"

    @property
    def settings(self) -> Settings:
        return self.current.settings

    def take_over(self, settings: Settings) -> None:
        """Other settings from now on. Parts that read `current` follow by themselves; the others are set
        here."""
        # Callbacks that wait are signed, also those of an account that is gone.
        self._keys.update(account_keys(settings))
        self._connector.policy = address_policy(settings)
        for node in self.nodes:
            node.admission.limiter.limits = settings.admission
        self.timeline.limits = timeline_limits(settings)
        self.current.settings = settings
        self.console.on_reload()

    def on_nodes_command(self, command: NodesCommand, name: str) -> NodesAnswer:
        """An operator's: the nodes as they are after it."""
        if command != "list":
            node = next((node for node in self.nodes if node.name == name), None)
            if node is None:
                names = ", ".join(node.name for node in self.nodes)
                return NodesAnswer((f"there is no node {name}, only {names}",))
            if command == "drain" and not any(
                other.availability.takes_rooms for other in self.nodes if other is not node
            ):
                return NodesAnswer((f"no other node takes new conferences: {name} cannot be drained",))
            node.availability.drain(command == "drain")
        return NodesAnswer(nodes=self.node_states())

    def node_states(self) -> tuple[NodeState, ...]:
        return tuple(node.availability.state("; ".join(node.problems.values())) for node in self.nodes)

    def _not_ready(self) -> dict[str, str]:
        """As `_problems`, without those of nodes as long as one node has none."""
        served = any(not node.problems for node in self.nodes)
        return self._own_problems() if served else self._problems()

    def _problems(self) -> dict[str, str]:
        """Reasons why calls cannot be served, by the part that has the problem."""
        found = self._own_problems()
        for node in self.nodes:
            found |= node.problems
        return found

    def _own_problems(self) -> dict[str, str]:
        """Those of the parts that all nodes share."""
        found: dict[str, str] = {}
        if self._stopping:
            found["orchestrator"] = "it is being stopped"
        if not self.write_check.writable():
            found["database"] = "what happens cannot be written down: the log says why"
        return found


def spare_the_collector() -> None:
    """All that is here stays: looking through it again would hold up everybody for a tenth of a second. Calls
    leave few cycles behind; at 700 objects each, Python would look for them at every event or two."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def _sign_in(settings: Settings) -> str:
    """How one signs in to the console."""
    if any(account.api_keys for account in settings.accounts):
        return "with one of an account's api_keys"
    return "nobody can: no account has api_keys"


def _made(settings: Settings, stop: Flag, *, take_over: bool) -> Orchestrator | None:
    """The orchestrator, once the database is free; None where `stop` was set before."""
    while settings.cluster.standby:
        seen = Standby(settings).wait(stop)
        if seen is None:
            return None
        try:
            return Orchestrator(settings, take_over=take_over, seen=seen)
        except OutboxError as error:
            # Another was faster, or the database is away: nobody else would try again.
            log.warning("cannot take over", problem=str(error))
            stop.wait(AGAIN_SECONDS)
    return Orchestrator(settings, take_over=take_over)


def run(settings: Settings, config: Path, *, take_over: bool = False) -> int:
    """Until SIGTERM or SIGINT, or FreeSWITCH turns out to belong to another orchestrator; the exit code.
    SIGHUP reloads `config`, which `settings` were read from."""
    stop, refused = Flag(), list[Exception]()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    try:
        orchestrator = _made(settings, stop, take_over=take_over)
    except (CannotListen, OutboxError, OSError) as error:
        log.error("cannot start", problem=str(error))
        return 1
    if orchestrator is None:
        log.info("stopping")
        return 0

    def on_refused(error: Exception) -> None:
        refused.append(error)
        stop.set()

    for node in orchestrator.nodes:
        node.ownership.on_refused.append(on_refused)
    orchestrator.outbox.database.on_lost.append(on_refused)

    def reload() -> Reloaded:
        return orchestrator.reloader.reload(lambda: load(config))

    control_socket = ControlSocket(settings.callbacks.database, config, reload, orchestrator.on_nodes_command)
    gevent.signal_handler(signal.SIGHUP, reload)
    service = Parts((orchestrator, control_socket))
    try:
        service.start()
    except (CannotListen, OutboxError, OSError) as error:
        log.error("cannot start", problem=str(error))
        return 1
    log.info("console", url=f"{orchestrator.base_url()}/", sign_in=_sign_in(settings))
    spare_the_collector()
    stop.wait()
    if refused:
        log.error("cannot start", problem=str(refused[0]))
    else:
        log.info("stopping")
    service.stop()
    return 1 if refused else 0
