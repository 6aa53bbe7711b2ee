"""One FreeSWITCH node: everything that is done for it, and nothing of another.

Each part is made when it is first asked for, from the parts that it leans on, so there is no order to keep by
hand; a circle of them is an error at the first start. Parts that nodes share are handed in (`Shared`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import gevent
from gevent.event import Event as Flag

from orchestrator.callbacks.call_status import StatusCallbacks
from orchestrator.calls.admission import AdmissionControl
from orchestrator.calls.browser_calls import BrowserCalls
from orchestrator.calls.call_entries import CallEntries
from orchestrator.calls.context import CallContext
from orchestrator.calls.outbound import Outbound
from orchestrator.calls.records import CallRecords
from orchestrator.calls.registry import CallRegistry
from orchestrator.calls.relays import RelayNode
from orchestrator.calls.stored_call import CallStore
from orchestrator.conference.live.directory import Home
from orchestrator.conference.live.effect_executor import EffectExecutor
from orchestrator.conference.live.freeswitch_events import ConferenceEvents
from orchestrator.conference.live.manager import Rooms
from orchestrator.conference.live.media_monitor import MediaMonitor
from orchestrator.conference.live.member_commands import MemberCommands
from orchestrator.conference.live.tone_player import TonePlayer
from orchestrator.config.freeswitch import Node as NodeSettings
from orchestrator.documents.fetch import Fetcher, Limits
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import Disconnected, SwitchError
from orchestrator.esl.legs import Legs
from orchestrator.esl.ownership import Ownership
from orchestrator.from_settings import beeps, installation
from orchestrator.fsconfig.sip_profiles import SipProfileMonitor
from orchestrator.lifecycle import STOP_SECONDS, Part, Parts
from orchestrator.logs import get_logger
from orchestrator.media.audio_cache import AudioCache
from orchestrator.media.text_to_speech import CommandSpeech
from orchestrator.node_availability import NodeAvailability
from orchestrator.recordings.call_recording import CallRecorder
from orchestrator.recordings.conference_recorder import ConferenceRecorder
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.on_demand import CallRecordings
from orchestrator.recordings.recording import RecordingContext
from orchestrator.recovery.dispatcher import EVENTS, EventDispatcher
from orchestrator.recovery.periodic_check import PeriodicCheck
from orchestrator.recovery.reconcile import ReconciledParts, Reconciler
from orchestrator.services.nodes import NodeParts
from orchestrator.shared_parts import Shared
from orchestrator.store.interface import NodeStore
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.timeline.recorder import Timeline
from orchestrator.verbs.announcements import AnnouncementPlayer
from orchestrator.verbs.table import VERBS

log = get_logger(__name__)


class Node(Part):
    """One FreeSWITCH, its calls and its rooms. Its parts never reach for those of another node.

    Made and started by the orchestrator, on the main greenlet. A part's first use makes it, so a part must
    not yield while it is made.
    """

    def __init__(self, settings: NodeSettings, shared: Shared) -> None:
        self.settings = settings
        self.name = settings.name
        self.before_comparing: list[Callable[[], None]] = []
        """Each called when FreeSWITCH is connected, before anything is compared with it. They may raise
        SwitchError."""
        self._shared = shared
        self._up = Flag()
        self._losses = 0
        """How often the event socket was lost."""
        # Parts that hold state of the last run start before the connection, which brings the calls. The
        # write-behind buffer and the call records are not among them: they outlive the web server, which may
        # still write.
        self._parts = Parts(
            (
                self.admission,
                self.rooms,
                self.conference_recorder,
                self.calls,
                self.browser_calls,
                self.call_recordings,
                self.connection,
                self.reconciler,
                self.periodic_check,
                self.media_monitor,
            )
        )
        shared.directory.add(
            Home(self.name, self.rooms, lambda: self.settings.weight, lambda: self.availability.takes_rooms)
        )
        shared.relays.add(self.name, self.relay_node)
        shared.output_gate.add(self.write_buffer)
        self.connection.before_sending = shared.output_gate.wait
        self.connection.on_event.append(self.dispatcher.on_event)
        self.dispatcher.on_new_call.append(self.calls.accept)
        self.connection.on_log.append(self.call_entries.rejected.on_log)
        self.connection.on_pause.append(self.write_buffer.commit_batch)
        self.connection.on_up.append(self._on_up)
        # Behind the legs, which have been listening since they were made.
        self.connection.on_down += [
            self._on_down,
            self.reconciler.on_down,
            self.effect_executor.on_down,
            self.conference_recorder.on_down,
        ]

    def start(self) -> None:
        self.availability.start()
        self._parts.start()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self._parts.stop(timeout)

    def wait_up(self, timeout: float | None = None) -> bool:
        """Whether FreeSWITCH is connected, and what it has was compared, within `timeout` seconds."""
        return bool(self._up.wait(timeout))

    def wait_until_current(self) -> None:
        """Until it is connected, and what it said while this process stood still has been read."""
        self._up.wait()
        self.connection.wait_current()

    @property
    def problems(self) -> dict[str, str]:
        """Reasons why calls cannot be served here, by part."""
        found = {}
        if not self.connection.connected:
            found[f"node {self.name}"] = self.ownership.problem or "FreeSWITCH is not connected"
        elif not self._up.is_set():
            found[f"node {self.name}"] = "what FreeSWITCH has is being compared"
        return found | self.sip.problems

    def _on_up(self) -> None:
        """In a greenlet of its own: the socket may be lost, and another one up, before this is through."""
        losses = self._losses
        try:
            for listener in self.before_comparing:
                listener()
            self.call_records.compare(self.reconciler.run())
            if self._losses == losses:
                self.sip.start()
            if self._losses != losses:
                raise Disconnected("the event socket was lost meanwhile")
        except SwitchError as error:
            log.warning("lost while looking at what FreeSWITCH has", node=self.name, problem=str(error))
            return
        gevent.spawn(self._shared.outbound_limits.lost, self.name, self._exists)
        self._up.set()
        self.admission.compare(self.connection.api)

    def _on_down(self, error: SwitchError) -> None:
        stopping = self.connection.stopping
        self._losses += 1
        self._up.clear()
        self.sip.stop()
        if not stopping:
            log.warning("not connected", node=self.name, problem=str(error))

    def _seems_gone(self) -> bool:
        """Its machine answers, and nobody listens: other nodes may have the names of its rooms soon."""
        cause = getattr(self.connection.last_error, "__cause__", None)
        return isinstance(cause, ConnectionRefusedError) and self._shared.directory.has_several

    def _exists(self, leg: str) -> bool:
        return self.connection.api(commands.exists(leg)) == "true"

    # Its parts: the store, and FreeSWITCH

    @cached_property
    def store(self) -> NodeStore:
        return self._shared.store.of(self.name)

    @cached_property
    def write_buffer(self) -> WriteBehindBuffer:
        return WriteBehindBuffer(self.store, self._shared.delivery.on_committed)

    @cached_property
    def call_records(self) -> CallRecords:
        return CallRecords(self.store)

    @cached_property
    def timeline(self) -> Timeline:
        return self._shared.timeline.of(self.name)

    @cached_property
    def call_entries(self) -> CallEntries:
        return CallEntries(self.timeline, self.call_records, self._shared.counters)

    @cached_property
    def call_store(self) -> CallStore:
        return CallStore(self.write_buffer)

    @cached_property
    def ownership(self) -> Ownership:
        shared = self._shared
        return Ownership(installation(shared.store), shared.take_over, shared.predecessor_may_run)

    @cached_property
    def connection(self) -> Connection:
        settings = self.settings
        return Connection(
            settings.host,
            settings.port,
            settings.password.get_secret_value(),
            node=self.name,
            events=EVENTS,
            connect_timeout=settings.connect_timeout_secs,
            command_timeout=settings.command_timeout_secs,
            ownership=self.ownership,
            log_level="warning",  # calls that a SIP profile refuses are in no event
        )

    @cached_property
    def legs(self) -> Legs:
        return Legs(self.connection)

    @cached_property
    def sip(self) -> SipProfileMonitor:
        return SipProfileMonitor(self.connection.api, self._shared.current)

    # Files

    @cached_property
    def audio_cache(self) -> AudioCache:
        media = self._shared.current.settings.media
        return AudioCache(self.settings.media_dir, self.settings.path_on_freeswitch, media.max_seconds)

    @cached_property
    def files(self) -> RecordingFiles:
        shared, settings = self._shared, self.settings
        return RecordingFiles(
            settings.recordings_dir, settings.path_on_freeswitch, shared.base_url, shared.url_signer
        )

    @cached_property
    def recording_context(self) -> RecordingContext:
        return RecordingContext(self.files, self.write_buffer, self._shared.counters, self.timeline)

    @cached_property
    def fetcher(self) -> Fetcher:
        fetch = self._shared.current.settings.fetch
        limits = Limits(fetch.timeout_secs, fetch.max_bytes, fetch.max_redirects)
        return Fetcher(limits, self._shared.connector, directory=self.settings.media_dir)

    # Conferences

    @cached_property
    def availability(self) -> NodeAvailability:
        return NodeAvailability(self.settings, self._up.is_set, self.write_buffer, self.rooms, self.legs)

    @cached_property
    def member_commands(self) -> MemberCommands:
        return MemberCommands(self.connection)

    @cached_property
    def conference_recorder(self) -> ConferenceRecorder:
        return ConferenceRecorder(self.connection, self.recording_context)

    @cached_property
    def effect_executor(self) -> EffectExecutor:
        tone_player = TonePlayer(self.member_commands, beeps(self._shared.current.settings, self.audio_cache))
        return EffectExecutor(self.member_commands, self.conference_recorder, tone_player, self.legs)

    @cached_property
    def rooms(self) -> Rooms:
        return Rooms(self.name, self.effect_executor, self.write_buffer, self._shared.counters, self.timeline)

    @cached_property
    def conference_events(self) -> ConferenceEvents:
        conference = self._shared.current.settings.conference
        debounce = conference.speech_start_ms / 1000, conference.speech_stop_ms / 1000
        return ConferenceEvents(self.rooms, self.effect_executor, self.legs, debounce)

    @cached_property
    def media_monitor(self) -> MediaMonitor:
        return MediaMonitor(self.rooms, self.connection, self.timeline, self._shared.counters)

    # Calls

    @cached_property
    def admission(self) -> AdmissionControl:
        return AdmissionControl(self.name, self._shared.current.settings.admission, self.legs)

    @cached_property
    def dispatcher(self) -> EventDispatcher:
        return EventDispatcher(
            self.write_buffer,
            self.admission,
            self.call_records,
            self.call_entries,
            self.legs,
            self.conference_events,
        )

    @cached_property
    def call_context(self) -> CallContext:
        shared = self._shared
        speech = shared.current.settings.speech
        return CallContext(
            current=shared.current,
            node=self.settings,
            connection=self.connection,
            legs=self.legs,
            in_turn=self.dispatcher.in_turn,
            rooms=self.rooms,
            conference_recorder=self.conference_recorder,
            fetcher=self.fetcher,
            audio_cache=self.audio_cache,
            call_recorder=self.call_recorder,
            text_to_speech=CommandSpeech(self.audio_cache, speech.command, speech.timeout_secs),
            status=self.status,
            write_buffer=self.write_buffer,
            call_store=self.call_store,
            store=self.store,
            records=self.store.records,
            call_records=self.call_records,
            timeline=self.timeline,
            call_entries=self.call_entries,
            browser_calls=self.browser_calls,
            relays=shared.relays,
            directory=shared.directory,
            outbound_limits=shared.outbound_limits,
            counters=shared.counters,
            verbs=VERBS,
            wait_until_connected=self.wait_until_current,
            keys=shared.keys.get,
        )

    @cached_property
    def calls(self) -> CallRegistry:
        return CallRegistry(self.call_context, self.admission)

    @cached_property
    def relay_node(self) -> RelayNode:
        return RelayNode(self.rooms, self.legs, self.connection, self.write_buffer, self.calls.is_running)

    @cached_property
    def browser_calls(self) -> BrowserCalls:
        return BrowserCalls(self.legs, self.write_buffer)

    @cached_property
    def outbound(self) -> Outbound:
        return Outbound(self.call_context, self.calls)

    @cached_property
    def status(self) -> StatusCallbacks:
        return StatusCallbacks(self.write_buffer)

    @cached_property
    def call_recorder(self) -> CallRecorder:
        return CallRecorder(self.connection, self.legs, self.recording_context)

    @cached_property
    def call_recordings(self) -> CallRecordings:
        return CallRecordings(self.call_recorder, self.store)

    @cached_property
    def commanded_parts(self) -> NodeParts:
        """For the services of REST and console, which are about all nodes."""
        player = AnnouncementPlayer(self.call_context, self.calls)
        return NodeParts(self.call_context, self.calls, self.outbound, self.call_recordings, player)

    # Reconciling

    @cached_property
    def reconciled_parts(self) -> ReconciledParts:
        return ReconciledParts(
            self.connection,
            self.legs,
            self.rooms,
            self.conference_events,
            self.conference_recorder,
            self.effect_executor,
            self.dispatcher,
            self.calls,
            self.outbound,
            self.call_recordings,
        )

    @cached_property
    def reconciler(self) -> Reconciler:
        return Reconciler(self.reconciled_parts, self.settings.lost_after_secs, self._seems_gone)

    @cached_property
    def periodic_check(self) -> PeriodicCheck:
        return PeriodicCheck(
            self.reconciled_parts, self.reconciler, self._up.is_set, self.settings.reconcile_secs
        )
