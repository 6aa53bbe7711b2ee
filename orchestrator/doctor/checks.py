"""All checks, in the order in which one leans on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from orchestrator.config import Settings
from orchestrator.doctor import call, files, media, relays, switch, web
from orchestrator.doctor.browser_calls import BROWSER_CALLS, browser_calls
from orchestrator.doctor.context import DoctorContext
from orchestrator.doctor.result import CheckResult, skipped, wrong
from orchestrator.esl.errors import AuthenticationFailed, SwitchError

Check = Callable[[DoctorContext], CheckResult | Iterator[CheckResult] | None]
"""Nothing where the settings have no such thing."""

OF_SWITCH: tuple[tuple[str, Check], ...] = (
    ("owner", switch.owner),
    ("version", switch.version),
    ("modules", switch.modules),
    ("clock", switch.clock),
    ("dialplan", switch.dialplan),
    ("profiles", switch.profiles),
    ("SIP profile", switch.sip_profile),
    ("outbound trunks", switch.outbound_trunks),
    (BROWSER_CALLS, browser_calls),
    (relays.RELAY, relays.profile),
    ("RTP ports", media.rtp_ports),
    ("sessions", media.sessions),
    (media.MEDIA_ADDRESS, media.media_address),
    ("call", call.call),
)


def run_checks(settings: Settings) -> Iterator[CheckResult]:
    """Each result as soon as it is there."""
    yield from web.advice(settings)
    contexts = [DoctorContext(settings, node) for node in settings.freeswitch.nodes]
    try:
        connected = []
        for context in contexts:
            error = context.connect()
            for result in _of_node(context, error):
                several = len(contexts) > 1
                yield result._replace(check=f"{context.node.name}: {result.check}") if several else result
            if error is None:
                connected.append(context)
        yield from _of_pairs(connected)
    finally:
        for context in contexts:
            context.close()
    yield files.database(settings)
    yield from web.signing_keys(settings)
    yield from web.address(settings)
    yield from web.voice_urls(settings)


def _of_node(context: DoctorContext, error: SwitchError | None) -> Iterator[CheckResult]:
    """`error`: the one that kept us from connecting."""
    yield switch.connection(context.node, error)
    if error is None or isinstance(error, AuthenticationFailed):
        yield switch.password(context.node, error)
    for name, check in OF_SWITCH:
        if error is not None:
            yield skipped(name, "FreeSWITCH is not connected")
        else:
            yield from _one(name, check, context)


def _of_pairs(connected: Sequence[DoctorContext]) -> Iterator[CheckResult]:
    try:
        yield from relays.pairs(connected)
    except SwitchError as error:
        yield wrong(relays.RELAY, f"FreeSWITCH did not answer: {error}", "is it overloaded? See its log")


def _one(name: str, check: Check, context: DoctorContext) -> Iterator[CheckResult]:
    try:
        found = check(context)
        if isinstance(found, CheckResult):
            yield found
        elif found is not None:
            yield from found
    except SwitchError as error:
        yield wrong(name, f"FreeSWITCH did not answer: {error}", "is it overloaded? See its log")
