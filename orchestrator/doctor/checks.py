"""All checks, in the order in which one leans on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.config import Settings
from orchestrator.doctor import call, switch, web
from orchestrator.doctor.context import Patient
from orchestrator.doctor.result import Finding, skipped, wrong
from orchestrator.esl.errors import AuthenticationFailed, SwitchError

Check = Callable[[Patient], Finding | Iterator[Finding]]

OF_SWITCH: tuple[tuple[str, Check], ...] = (
    ("owner", switch.owner),
    ("version", switch.version),
    ("modules", switch.modules),
    ("clock", switch.clock),
    ("dialplan", switch.dialplan),
    ("profiles", switch.profiles),
    ("SIP profile", switch.sip_profile),
    ("ways out", switch.ways_out),
    ("call", call.call),
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Each finding as soon as it is there."""
    yield from web.advice(settings)
    patient = Patient(settings)
    try:
        error = patient.connect()
        yield switch.connection(patient.node, error)
        if error is None or isinstance(error, AuthenticationFailed):
            yield switch.password(patient.node, error)
        for name, check in OF_SWITCH:
            if error is not None:
                yield skipped(name, "FreeSWITCH is not connected")
            else:
                yield from _one(name, check, patient)
    finally:
        patient.close()
    yield web.database(settings)
    yield from web.signing_keys(settings)
    yield from web.address(settings)
    yield from web.voice_urls(settings)


def _one(name: str, check: Check, patient: Patient) -> Iterator[Finding]:
    try:
        found = check(patient)
        if isinstance(found, Finding):
            yield found
        else:
            yield from found
    except SwitchError as error:
        yield wrong(name, f"FreeSWITCH did not answer: {error}", "is it overloaded? See its log")
