"""The parts that the nodes of one orchestrator share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.signature import AccountKeys
from orchestrator.calls.relays import Relays
from orchestrator.conference.live.directory import RoomDirectory
from orchestrator.config.current import CurrentSettings
from orchestrator.counters import CallCounters
from orchestrator.net.connector import Connector
from orchestrator.recordings.signed_urls import UrlSigner
from orchestrator.routing.outbound_limits import OutboundLimits
from orchestrator.store.interface import Store
from orchestrator.store.write_behind import OutputGate
from orchestrator.timeline.recorder import Timeline


@dataclass(frozen=True)
class Shared:
    """The parts that all nodes share."""

    current: CurrentSettings
    store: Store
    delivery: Delivery
    connector: Connector
    keys: dict[str, AccountKeys]
    """By account sid."""
    url_signer: UrlSigner | None
    base_url: Callable[[], str]
    counters: CallCounters
    timeline: Timeline
    output_gate: OutputGate
    outbound_limits: OutboundLimits
    directory: RoomDirectory
    relays: Relays
    take_over: bool
    """FreeSWITCH is taken from another orchestrator, also from one that lives."""
    predecessor_may_run: bool
    """The orchestrator that had the database before is not known to have ended."""
