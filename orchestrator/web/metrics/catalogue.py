"""Every metric of ours, one row each. Labels never have a name, a number or a sid; one has the hosts of
receivers, as many as attempt_entries.py counts by name."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import get_args

from orchestrator import __version__
from orchestrator.callbacks.counters import Reason
from orchestrator.calls.one_time_tokens import TokenOutcome
from orchestrator.calls.overload import LimitHit
from orchestrator.conference.machine.state import EndReason, Phase, Rejection, RoomPhase
from orchestrator.documents.counters import FetchOutcome
from orchestrator.histogram import Histogram
from orchestrator.web.attempts import Area, AttemptOutcome
from orchestrator.web.metrics.metric import Metric, counter, gauge, histogram
from orchestrator.web.metrics.sources import Sources


def _wrong_keys(sources: Sources) -> Mapping[tuple[str, ...], float]:
    counted = sources.attempts.counted
    areas, outcomes = get_args(Area), get_args(AttemptOutcome)
    return {(area, outcome): counted[area, outcome] for area in areas for outcome in outcomes}


def _rooms(sources: Sources) -> Mapping[tuple[str, ...], float]:
    found = Counter((node.name, room.phase) for node in sources.nodes for room in node.rooms)
    phases = [phase for phase in RoomPhase if phase is not RoomPhase.ENDED]
    return {(node.name, phase.value): found[node.name, phase] for node in sources.nodes for phase in phases}


def _participants(sources: Sources) -> Mapping[tuple[str, ...], float]:
    found = Counter(
        (node.name, one.phase)
        for node in sources.nodes
        for room in node.rooms
        for one in room.participants.values()
    )
    return {(node.name, phase.value): found[node.name, phase] for node in sources.nodes for phase in Phase}


def _rooms_ended(sources: Sources) -> Mapping[str, float]:
    ended = sources.counters.rooms_ended
    return {reason.value: ended[reason] for reason in EndReason} | {"lost": ended[None]}


def _calls_refused(sources: Sources) -> Mapping[str, float]:
    refused = sum((Counter(node.admission.limiter.refused) for node in sources.nodes), Counter[LimitHit]())
    return {full.value: refused[full] for full in LimitHit} | {
        "unknown_number": sources.counters.unknown_numbers
    }


def _browser_calls(sources: Sources) -> Mapping[str, float]:
    outcomes = sum((Counter(node.browser_calls.outcomes) for node in sources.nodes), Counter[TokenOutcome]())
    return {outcome: outcomes[outcome] for outcome in get_args(TokenOutcome)}


def _callbacks(sources: Sources) -> Mapping[str, float]:
    counters = sources.delivery.counters
    failed = {reason.replace(" ", "_"): counters.failed[reason] for reason in get_args(Reason)}
    return {
        "delivered": counters.delivered,
        **failed,
        "lost": sources.total(lambda node: node.write_buffer.lost),
    }


def _oldest(sources: Sources) -> float:
    oldest_at = sources.outbox.counts().oldest_at
    return max(0.0, time.time() - oldest_at / 1e6) if oldest_at else 0.0


def _protocol_errors(sources: Sources) -> Mapping[tuple[str, ...], float]:
    return {
        (node.name, kind): count
        for node in sources.nodes
        for kind, count in asdict(node.connection.protocol_errors).items()
        if kind != "reconnects"
    }


def _corrections(sources: Sources) -> Mapping[tuple[str, ...], float]:
    return {
        (node.name, kind): count for node in sources.nodes for kind, count in asdict(node.corrections).items()
    }


DOCUMENT_OUTCOMES = (*get_args(FetchOutcome), "document")

METRICS: tuple[Metric, ...] = (
    gauge("texml_info", "Always 1; the version that runs.", lambda s: {__version__: 1}, "version"),
    # FreeSWITCH
    gauge(
        "texml_freeswitch_connected",
        "Whether the event socket is up (1) or not (0).",
        lambda s: s.by_node(lambda node: node.connection.connected),
        "node",
    ),
    gauge(
        "texml_freeswitch_sip_running",
        "Whether the SIP profiles run that calls come and go through (1) or not (0).",
        lambda s: s.by_node(lambda node: node.connection.connected and not node.sip.problems),
        "node",
    ),
    counter(
        "texml_freeswitch_reconnects_total",
        "How often the event socket came up again after it had been up.",
        lambda s: s.by_node(lambda node: node.connection.protocol_errors.reconnects),
        "node",
    ),
    counter(
        "texml_freeswitch_protocol_errors_total",
        "Protocol errors on the event socket.",
        _protocol_errors,
        *("node", "kind"),
    ),
    counter(
        "texml_freeswitch_corrections_total",
        "Differences from FreeSWITCH's state that were found and corrected.",
        _corrections,
        *("node", "kind"),
    ),
    histogram(
        "texml_event_delay_seconds",
        "From the time of a call's park, answer or hangup in FreeSWITCH until it was handled; its clock's "
        "offset is taken off.",
        lambda s: Histogram.total(*(node.admission.event_delay for node in s.nodes)),
    ),
    # Calls
    gauge(
        "texml_freeswitch_takes_rooms",
        "Whether new conferences are opened on it (1), or it is down or draining (0).",
        lambda s: s.by_node(lambda node: node.availability.takes_rooms),
        "node",
    ),
    gauge(
        "texml_legs",
        "Legs in FreeSWITCH that are ours.",
        lambda s: s.by_node(lambda node: len(node.legs)),
        "node",
    ),
    gauge(
        "texml_legs_limit",
        "Number of legs from which on calls are refused (admission.max_calls).",
        lambda s: s.by_node(lambda node: node.admission.limiter.limits.max_calls),
        "node",
    ),
    gauge(
        "texml_calls_in_setup",
        "Accepted calls that are not answered yet.",
        lambda s: s.total(lambda node: node.admission.limiter.in_setup(time.monotonic())),
    ),
    gauge(
        "texml_calls_in_setup_limit",
        "Calls that may be in setup at the moment; the higher the delay, the fewer.",
        lambda s: s.total(lambda node: node.admission.limiter.allowed(time.monotonic())),
    ),
    gauge(
        "texml_delay_seconds",
        "How late this process handled events and timers lately: the longest delay, halved every second.",
        lambda s: s.longest(lambda node: node.admission.limiter.delay(time.monotonic())),
    ),
    counter(
        "texml_calls_accepted_total",
        "New calls that were accepted.",
        lambda s: s.total(lambda node: node.admission.limiter.accepted),
    ),
    counter(
        "texml_calls_rejected_total",
        "New calls refused: by which limit of admission, or because no application has their number.",
        _calls_refused,
        "reason",
    ),
    counter(
        "texml_browser_calls_total",
        "Calls from the console: admitted, or what was wrong with their token.",
        _browser_calls,
        "outcome",
    ),
    counter(
        "texml_calls_total",
        "Calls that are over, by their CallStatus and FreeSWITCH's hangup cause; or that never became one "
        "(rejected), by the reason.",
        lambda s: dict(s.counters.calls),
        *("outcome", "cause"),
    ),
    histogram(
        "texml_call_duration_seconds",
        "From the answer to the end, of calls that were answered.",
        lambda s: s.counters.call_seconds,
    ),
    # Media
    histogram(
        "texml_media_mos",
        "Mean opinion score of what each leg sent us, as FreeSWITCH has it; 4.5 is the best.",
        lambda s: s.counters.mos,
    ),
    histogram(
        "texml_media_loss_ratio",
        "Part of each leg's packets that did not arrive, about.",
        lambda s: s.counters.loss,
    ),
    histogram(
        "texml_media_jitter_seconds",
        "Worst deviation of each leg from the usual time between packets.",
        lambda s: s.counters.jitter_seconds,
    ),
    counter(
        "texml_media_silent_total",
        "Participants whose phone sent nothing for five seconds.",
        lambda s: s.counters.silent_legs,
    ),
    # Rooms
    gauge("texml_rooms", "Rooms that have not ended.", _rooms, "node", "phase"),
    gauge("texml_participants", "Participants of rooms that have not ended.", _participants, "node", "phase"),
    counter(
        "texml_rooms_opened_total", "Rooms that admitted a participant.", lambda s: s.counters.rooms_opened
    ),
    counter("texml_rooms_started_total", "Rooms that started.", lambda s: s.counters.rooms_started),
    counter("texml_rooms_ended_total", "Rooms that ended.", _rooms_ended, "reason"),
    counter(
        "texml_joins_total",
        "Participants admitted to a room, waiting ones included.",
        lambda s: s.counters.joins,
    ),
    counter("texml_leaves_total", "Participants that left.", lambda s: s.counters.leaves),
    counter(
        "texml_rejections_total",
        "Participants that a room refused.",
        lambda s: {why.name.lower(): s.counters.refusals[why] for why in Rejection},
        "reason",
    ),
    counter(
        "texml_recordings_total",
        "Recordings by status: in-progress once begun, then completed or absent.",
        lambda s: {
            status: s.counters.recordings[status] for status in ("in-progress", "completed", "absent")
        },
        "status",
    ),
    # Fetching
    counter(
        "texml_fetches_total",
        "Requests for documents and audio.",
        lambda s: {
            outcome: sum(node.fetcher.counters.outcomes[outcome] for node in s.nodes)
            for outcome in get_args(FetchOutcome)
        },
        "outcome",
    ),
    histogram(
        "texml_fetch_duration_seconds",
        "How long they took, redirects and the last byte included, whatever their outcome.",
        lambda s: Histogram.total(*(node.fetcher.counters.seconds for node in s.nodes)),
    ),
    counter(
        "texml_documents_total",
        "Documents by outcome: ok; document: answered, and no usable TeXML; else as texml_fetches_total.",
        lambda s: {outcome: s.counters.documents[outcome] for outcome in DOCUMENT_OUTCOMES},
        "outcome",
    ),
    # Callbacks
    counter("texml_callbacks_total", "Finished callbacks.", _callbacks, "outcome"),
    counter(
        "texml_callback_attempts_failed_total",
        "Attempts that did not deliver.",
        lambda s: s.delivery.counters.failed_attempts,
    ),
    counter(
        "texml_callback_attempts_total",
        "Attempts by the receiver's host, fifty of them by name and others together, and outcome.",
        lambda s: dict(s.by_receiver),
        *("receiver", "outcome"),
    ),
    counter(
        "texml_callbacks_retried_total",
        "Failed callbacks that were retried on request.",
        lambda s: s.delivery.counters.retried,
    ),
    histogram(
        "texml_callback_delay_seconds",
        "From the event's handling, which stores its callback, until delivery.",
        lambda s: s.delivery.counters.delay,
    ),
    gauge("texml_callbacks_sending", "Callbacks under way at this moment.", lambda s: s.delivery.sending),
    gauge("texml_outbox_callbacks", "Callbacks that wait.", lambda s: s.outbox.depth),
    gauge(
        "texml_outbox_callbacks_limit",
        "Number of waiting callbacks from which on the oldest fail (callbacks.max_waiting).",
        lambda s: s.max_waiting,
    ),
    gauge(
        "texml_outbox_queues",
        "Rooms, calls and recordings whose callbacks wait.",
        lambda s: s.outbox.counts().queues,
    ),
    gauge(
        "texml_outbox_queues_backing_off",
        "Those of them that wait for their next attempt.",
        lambda s: s.delivery.backing_off,
    ),
    gauge("texml_outbox_oldest_age_seconds", "Since when the oldest waits; 0 if none does.", _oldest),
    gauge(
        "texml_outbox_failed",
        "Failed callbacks that are kept: `orchestrator callbacks list --failed` shows them.",
        lambda s: s.outbox.counts().failed,
    ),
    gauge(
        "texml_outbox_unwritten",
        "Callbacks that are only in memory because the disk does not take them.",
        lambda s: s.total(lambda node: node.write_buffer.unwritten),
    ),
    counter(
        "texml_outbox_commits_late_total",
        "Times that PostgreSQL did not commit within 250 ms, so that calls went on without it.",
        lambda s: sum(node.write_buffer.late for node in s.nodes),
    ),
    gauge(
        "texml_outbox_writable",
        "Whether the database can be written (1) or not (0).",
        lambda s: int(s.write_check.writable()),
    ),
    # Timeline
    counter(
        "texml_timeline_entries_total", "Entries of timelines that were stored.", lambda s: s.timeline.written
    ),
    counter(
        "texml_timeline_entries_lost_total",
        "Entries that neither the disk nor the memory could take.",
        lambda s: s.timeline.lost,
    ),
    # Web
    counter(
        "texml_http_requests_total",
        "Requests to the web server: to which part of it, and its answer.",
        lambda s: {tuple(answered): count for answered, count in s.http_stats.answers.items()},
        *("area", "method", "status"),
    ),
    counter(
        "texml_wrong_keys_total",
        "Requests with a wrong key: answered so (wrong), or not looked at after too many of them (refused).",
        _wrong_keys,
        *("area", "outcome"),
    ),
    histogram(
        "texml_http_request_duration_seconds",
        "How long it took until the answer began.",
        lambda s: s.http_stats.seconds,
    ),
)


def table() -> str:
    """All of them in Markdown."""
    rows = ["| Metric | Kind | Labels | Meaning |", "| --- | --- | --- | --- |"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
    return "\n".join(rows) + "\n"
