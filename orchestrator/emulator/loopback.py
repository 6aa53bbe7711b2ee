"""`loopback/<extension>/<context>`: a leg that calls into the dialplan (mod_loopback.c)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from orchestrator.emulator.channel import L16
from orchestrator.emulator.dialstring import Target
from orchestrator.emulator.profile import Profile
from orchestrator.emulator.session import Session, Sessions


def call_loopback(sessions: Sessions, target: Target, answered: Callable[[], None]) -> Session | None:
    """Both legs; returned is the called one, answered when its extension answers. None: no such one."""
    core = sessions.core
    _, extension, *context = target.endpoint.split("/")
    script = core.extensions.get(extension)
    if script is None and context[:1] == [core.context]:
        script = core.dialplan
    if script is None:
        return None
    near, far = target.variables.get("origination_uuid") or str(uuid4()), str(uuid4())
    a = _leg(sessions, target, extension, context, near, far, "A")
    a.begin()
    a.enter("CS_CONSUME_MEDIA")
    b = _leg(sessions, target, extension, context, far, near, "B")
    b.on_answering = a.mark_answered
    a.on_answer = answered
    b.start(script)
    return a


def _leg(
    sessions: Sessions, target: Target, extension: str, context: list[str], uuid: str, other: str, letter: str
) -> Session:
    number = target.variables.get("origination_caller_id_number", "0000000000")
    name = f"loopback/{extension}-{letter.lower()}"
    direction = "outbound" if letter == "A" else "inbound"
    profile = Profile(
        direction=direction,
        destination=extension,
        uuid=uuid,
        channel_name=name,
        cid_number=number,
        orig_cid_number=number,
        callee_name="Outbound Call",
        callee_number=context[0] if context else "default",
        dialplan="xml",
        ani=number,
        source="mod_loopback",
        context=context[0] if context else "default",
        created=sessions.core.clock.micros(),
    )
    session_id = sessions.core.next_session_id()
    codec = {"read_codec": "L16", "read_rate": "8000", "write_codec": "L16", "write_rate": "8000"}
    first = {"direction": direction, **({"is_outbound": "true"} if letter == "A" else {})}
    first |= {"uuid": uuid, "call_uuid": uuid, "session_id": str(session_id)}
    first |= {**codec, "channel_name": name} if letter == "A" else {"channel_name": name, **codec}
    first |= target.variables
    if letter == "A":
        first |= {"originate_early_media": "true", "originate_endpoint": "loopback"}
    first |= {"other_loopback_leg_uuid": other, "loopback_leg": letter}
    leg = Session(sessions, profile, first, session_id)
    leg.read_codec = leg.write_codec = L16
    leg.sip = False
    return leg
