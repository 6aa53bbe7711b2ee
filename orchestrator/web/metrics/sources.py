"""Where the metrics' numbers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.callbacks.delivery import Delivery
from orchestrator.calls.admission import AdmissionControl
from orchestrator.calls.browser_calls import BrowserCalls
from orchestrator.conference.live.manager import Rooms
from orchestrator.counters import CallCounters
from orchestrator.documents.fetch import Fetcher
from orchestrator.esl.connection import Connection
from orchestrator.esl.legs import Legs
from orchestrator.fsconfig.sip_profiles import SipProfileMonitor
from orchestrator.node_availability import NodeAvailability
from orchestrator.recovery.reconcile import Corrections
from orchestrator.store.interface import CallbackStore
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.store.write_check import WriteCheck
from orchestrator.timeline.recorder import Timeline
from orchestrator.web.attempts import Attempts
from orchestrator.web.http_stats import HttpStats


@dataclass(frozen=True)
class NodeSources:
    """The counters of one FreeSWITCH node."""

    connection: Connection
    legs: Legs
    admission: AdmissionControl
    rooms: Rooms
    fetcher: Fetcher
    corrections: Corrections
    write_buffer: WriteBehindBuffer
    sip: SipProfileMonitor
    browser_calls: BrowserCalls
    availability: NodeAvailability

    @property
    def name(self) -> str:
        return self.connection.node


@dataclass(frozen=True)
class Sources:
    """The parts whose counters are read at each scrape."""

    nodes: tuple[NodeSources, ...]
    counters: CallCounters
    outbox: CallbackStore
    delivery: Delivery
    max_waiting: int
    """Callbacks."""
    write_check: WriteCheck
    http_stats: HttpStats
    attempts: Attempts
    timeline: Timeline
    by_receiver: Mapping[tuple[str, str], int]
    """Attempts of callbacks, by the receiver's host and their outcome."""

    def by_node(self, read: Callable[[NodeSources], float]) -> Mapping[str, float]:
        """For a metric whose label says which node."""
        return {node.name: read(node) for node in self.nodes}

    def total(self, read: Callable[[NodeSources], float]) -> float:
        """Of all nodes together."""
        return sum(read(node) for node in self.nodes)

    def longest(self, read: Callable[[NodeSources], float]) -> float:
        """Of the node where it is worst."""
        return max(read(node) for node in self.nodes)
