"""Commands and queries of the REST API and the console, each with the account that asks.

Another account's conference, call or recording is `NotFound`; what cannot be done is a `ServiceError`, in
Telnyx's words.
"""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.callbacks.delivery import Delivery
from orchestrator.services.browser_calls import BrowserCallService
from orchestrator.services.callbacks import CallbackService
from orchestrator.services.calls import CallService
from orchestrator.services.conferences import ConferenceService
from orchestrator.services.nodes import Nodes
from orchestrator.services.recordings import RecordingService
from orchestrator.services.timeline import TimelineService
from orchestrator.store.interface import Store
from orchestrator.timeline.recorder import Timeline


class ApiServices(NamedTuple):
    """Every method of each may raise OutboxError."""

    conferences: ConferenceService
    calls: CallService
    recordings: RecordingService
    callbacks: CallbackService
    browser_calls: BrowserCallService
    timeline: TimelineService
    recorder: Timeline
    """For the commands themselves."""


def api_services(nodes: Nodes, store: Store, delivery: Delivery) -> ApiServices:
    """Of all nodes."""
    context = nodes.first.context
    return ApiServices(
        ConferenceService(nodes),
        CallService(nodes),
        RecordingService(nodes),
        CallbackService(store, delivery),
        BrowserCallService(context, nodes.rooms),
        TimelineService(context, store),
        context.timeline,
    )
