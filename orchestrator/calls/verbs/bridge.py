"""Dial's Number and Sip nouns: ring them all, connect the first that answers (telnyx-texml 1.6, 4.4, 5).

FreeSWITCH's own `bridge` does the ringing, so that early media, ringback and a caller's cancelling need nothing of us.
A callee with a whisper document is held in `sleep` by group_confirm until its document is through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestrator.calls.callee import Callee
from orchestrator.calls.status import status_at_end
from orchestrator.calls.steps import Step
from orchestrator.calls.verbs.dialled import dialled
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.errors import CommandTimeout
from orchestrator.texml import Conference, Dial, Number, Sip

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

SIP_URI = re.compile(r"(?:sips?:)?(?P<user>[^@\s;?]+)@(?P<host>[A-Za-z0-9.:\[\]-]+)(?P<rest>;transport=\w+)?")
# Sound of a phone that rings, by country (ITU-T E.180), as FreeSWITCH writes tones.
RINGBACK = {
    "us": "%(2000,4000,440,480)",
    "ca": "%(2000,4000,440,480)",
    "gb": "%(400,200,400,450);%(400,2000,400,450)",
    "uk": "%(400,200,400,450);%(400,2000,400,450)",
    "au": "%(400,200,400,450);%(400,2000,400,450)",
    "de": "%(1000,4000,425)",
    "fr": "%(1500,3500,440)",
    "es": "%(1500,3000,425)",
    "it": "%(1000,4000,425)",
    "jp": "%(1000,2000,400)",
}
ANSWER_MARGIN_SECONDS = 15.0


def dial_out(call: Call, verb: Dial) -> Step:
    callees = [callee for noun in verb.nouns if (callee := _callee(call, verb, noun)) is not None]
    if not callees:
        return dialled(verb, "failed", bridged=False)
    if not verb.answer_on_bridge:
        call.leg.answer()
    leg, switchboard = call.leg, call.services.switchboard
    for callee in callees:
        switchboard.watch(callee.uuid, callee.on_event)
    try:
        leg.set(**_ringback(call, verb))
        arguments = commands.dial_string([callee.destination for callee in callees], _shared(call, verb))
        done = leg.start("bridge", arguments)
        star = callees if verb.hangup_on_star else []
        leg.on_digit = lambda digit: _end(call, star) if digit == "*" else None
        try:
            event = done.wait(verb.timeout + ANSWER_MARGIN_SECONDS + verb.time_limit)
        except CommandTimeout:
            _end(call, callees)
            event = done.wait(ANSWER_MARGIN_SECONDS)
    finally:
        leg.on_digit = None
        for callee in callees:
            callee.no_more_orders()
    headers = event.headers()
    winner = next((callee for callee in callees if callee.bridged), None)
    if winner is None:
        cause = headers.get("variable_originate_disposition", "")
        return dialled(verb, status_at_end(cause, answered=False), bridged=False)
    more = (
        ("DialCallDuration", str(winner.seconds)),
        ("DialCallSid", winner.call_sid),
        ("DialCallSidLegacy", winner.call_sid),
    )
    return dialled(verb, "completed", bridged=True, more=more)


def _end(call: Call, callees: list[Callee]) -> None:
    for callee in callees:
        call.services.connection.post(commands.kill(callee.uuid))


def _shared(call: Call, verb: Dial) -> dict[str, str]:
    gateway = call.services.settings.gateway_for(call.application)
    number = verb.caller_id or (gateway.caller_id if gateway else None) or call.caller.from_
    return {
        "origination_caller_id_number": commands.one_line(number),
        "origination_caller_id_name": commands.one_line(verb.from_display_name or number),
        "originate_timeout": str(verb.timeout),
        "app_disable_expand_variables": "true",
        "hangup_after_bridge": "false",
        "playback_terminators": "none",
    }


def _ringback(call: Call, verb: Dial) -> dict[str, str]:
    """What the caller hears meanwhile, answered or not."""
    tone = "tone_stream://" + RINGBACK.get(verb.ring_tone.lower(), RINGBACK["us"]) + ";loops=-1"
    return {"ringback": tone, "transfer_ringback": tone}


def _callee(call: Call, verb: Dial, noun: Conference | Number | Sip) -> Callee | None:
    """None, with a line in the log, for whom we have no way to."""
    assert not isinstance(noun, Conference)
    settings = call.services.settings
    variables: dict[str, str] = {}
    try:
        if isinstance(noun, Number):
            gateway = settings.gateway_for(call.application)
            if gateway is None:
                raise ValueError("no gateway leads to phone numbers: add one under gateways")
            to, endpoint = noun.number, gateway.dial(noun.number)
        else:
            to, endpoint = noun.uri, _sip_endpoint(call, noun.uri)
            if noun.username and noun.password:
                variables |= {"sip_auth_username": noun.username, "sip_auth_password": noun.password}
        uuid = str(uuid4())
        variables["origination_uuid"] = uuid
        whisper = noun.url is not None or (isinstance(noun, Number) and noun.send_digits)
        if whisper:
            variables |= {"group_confirm_key": "exec", "group_confirm_file": "sleep 3600000"}
        callee = Callee(call, noun, uuid, to, commands.Destination(endpoint, variables))
        commands.dial_string([callee.destination])
    except ValueError as error:
        call.log.error("not dialled", problem=str(error), line=noun.line)
        return None
    return callee


def _sip_endpoint(call: Call, uri: str) -> str:
    match = SIP_URI.fullmatch(uri)
    if match is None:
        raise ValueError(f"not a SIP address: {uri!r}")
    sip = call.services.settings.sip
    host = match["host"].rpartition(":")[0] if re.search(r":\d+$", match["host"]) else match["host"]
    if not sip.allows(host):
        raise ValueError(f"{host} is not among sip: allowed_hosts")
    return f"sofia/{sip.profile}/{match['user']}@{match['host']}{match['rest'] or ''}"
