"""All checks, in the order in which one leans on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.config import Settings
from orchestrator.doctor import call, files, media, switch, web
from orchestrator.doctor.browser_calls import BROWSER_CALLS, browser_calls
from orchestrator.doctor.context import DoctorContext
from orchestrator.doctor.result import CheckResult, skipped, wrong
from orchestrator.esl.errors import AuthenticationFailed, SwitchError

Check = Callable[[DoctorContext], CheckResult | Iterator[CheckResult]]

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
    ("RTP ports", media.rtp_ports),
    ("sessions", media.sessions),
    (media.MEDIA_ADDRESS, media.media_address),
    ("call", call.call),
)


def run_checks(settings: Settings) -> Iterator[CheckResult]:
    """Each result as soon as it is there."""
    yield from web.advice(settings)
    context = DoctorContext(settings)
    try:
        error = context.connect()
        yield switch.connection(context.node, error)
        if error is None or isinstance(error, AuthenticationFailed):
            yield switch.password(context.node, error)
        for name, check in OF_SWITCH:
            if error is not None:
                yield skipped(name, "FreeSWITCH is not connected")
            else:
                yield from _one(name, check, context)
    finally:
        context.close()
    yield files.database(settings)
    yield from web.signing_keys(settings)
    yield from web.address(settings)
    yield from web.voice_urls(settings)


def _one(name: str, check: Check, context: DoctorContext) -> Iterator[CheckResult]:
    try:
        found = check(context)
        if isinstance(found, CheckResult):
            yield found
        else:
            yield from found
    except SwitchError as error:
        yield wrong(name, f"FreeSWITCH did not answer: {error}", "is it overloaded? See its log")
