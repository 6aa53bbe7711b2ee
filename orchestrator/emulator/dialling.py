"""Dial strings and the calls they start (switch_ivr_originate.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import uuid4

from gevent.event import Event

from orchestrator.emulator.channel import PCMU
from orchestrator.emulator.core import Core
from orchestrator.emulator.phone import EmulatedPhone
from orchestrator.emulator.session import Session
from orchestrator.emulator.templates import Profile, outbound_variables

DEFAULT_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class Target:
    """One leg to call: `sofia/internal/1001@host` with the variables of its own brackets."""

    endpoint: str
    variables: dict[str, str]

    @property
    def number(self) -> str:
        return self.endpoint.rpartition("/")[2].partition("@")[0].partition(":")[0]

    @property
    def address(self) -> str:
        return self.endpoint.rpartition("/")[2]


@dataclass
class Attempt:
    """What a dial string came to: the leg that answered, or why none did."""

    winner: Session | None = None
    cause: str = "NORMAL_CLEARING"
    legs: list[Session] = field(default_factory=list)


def _brackets(text: str, opening: str, closing: str) -> tuple[dict[str, str], str]:
    """Leading `{a=1,b=2}` or `[…]`; `^^;` changes the separator; `'…'` and `\\,` keep a comma."""
    found: dict[str, str] = {}
    text = text.lstrip()
    while text.startswith(opening) and closing in text:
        inside, _, text = text[1:].partition(closing)
        separator = ","
        if inside.startswith("^^") and len(inside) > 2:
            separator, inside = inside[2], inside[3:]
        for pair in re.split(rf"(?<!\\){re.escape(separator)}", inside):
            name, equals, value = pair.partition("=")
            if equals:
                found[name.strip()] = value.replace(f"\\{separator}", separator).strip("'")
        text = text.lstrip()
    return found, text


def _split_outside(text: str, separator: str) -> list[str]:
    """At separators that are in no brackets."""
    parts, depth, part = [], 0, ""
    for sign in text:
        depth += (sign in "[{<") - (sign in "]}>")
        if sign == separator and depth <= 0:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [*parts, part]


def parse(dial_string: str) -> tuple[dict[str, str], list[list[Target]]]:
    """Variables of `{…}`, and the groups that are tried one after the other, each rung all at once."""
    common, rest = _brackets(dial_string, "{", "}")
    groups = []
    for part in _split_outside(rest, "|"):
        targets = []
        for leg in _split_outside(part, ","):
            own, endpoint = _brackets(leg, "[", "]")
            if endpoint.strip():
                targets.append(Target(endpoint.strip(), {**common, **own}))
        if targets:
            groups.append(targets)
    return common, groups


def dial(core: Core, dial_string: str, caller: Session | None = None) -> Attempt:
    """Ring until somebody answers, all have refused, the time is over or the caller hangs up."""
    common, groups = parse(dial_string)
    if not groups:
        return Attempt(cause="DESTINATION_OUT_OF_ORDER")
    attempt = Attempt(cause="NO_ROUTE_DESTINATION")
    for targets in groups:
        attempt = _ring(core, common, targets, caller)
        if attempt.winner is not None or (caller is not None and caller.down):
            break
    return attempt


def _ring(core: Core, common: dict[str, str], targets: list[Target], caller: Session | None) -> Attempt:
    attempt = Attempt(cause="NO_ANSWER")
    changed = Event()
    for target in targets:
        leg = new_leg(core, target, caller)
        leg.on_down.append(changed.set)
        attempt.legs.append(leg)
    for leg, target in zip(attempt.legs, targets, strict=True):
        leg.begin()
        leg.enter("CS_CONSUME_MEDIA")
        _call_phone(core, leg, target, changed)
    if caller is not None:
        caller.on_down.append(changed.set)
    limit = float(common.get("originate_timeout") or common.get("call_timeout") or DEFAULT_TIMEOUT)
    if caller is not None and caller.get("call_timeout"):
        limit = float(caller.get("call_timeout"))
    for leg, target in zip(attempt.legs, targets, strict=True):
        if own := target.variables.get("leg_timeout"):
            core.later(float(own), _time_out, leg)
    deadline = core.clock.now() + limit
    _await(core, attempt, changed, deadline, caller, common)
    for leg in attempt.legs:
        if leg is not attempt.winner and not leg.down:
            leg.hangup(
                "LOSE_RACE"
                if attempt.winner
                else "ORIGINATOR_CANCEL"
                if caller and caller.down
                else "NO_ANSWER"
            )
        if leg is not attempt.winner:
            core.spawn(leg.close)
    return attempt


def _time_out(leg: Session) -> None:
    if not leg.answered:
        leg.hangup("NO_ANSWER")


def _await(
    core: Core,
    attempt: Attempt,
    changed: Event,
    deadline: float,
    caller: Session | None,
    common: dict[str, str],
) -> None:
    early = common.get("ignore_early_media") not in ("true", "ring_ready") and caller is None
    while True:
        changed.clear()
        up = [leg for leg in attempt.legs if not leg.down]
        for leg in up:
            if leg.answered or (early and leg.early):
                attempt.winner, attempt.cause = leg, "SUCCESS"
                return
        if caller is not None:
            if caller.down:
                attempt.cause = "ORIGINATOR_CANCEL"
                return
            if any("Progress" in leg.profile.times for leg in up):
                caller.ring_ready()
        if not up:
            attempt.cause = attempt.legs[-1].hangup_cause
            return
        left = deadline - core.clock.now()
        if left <= 0:
            attempt.cause = "NO_ANSWER"
            return
        changed.wait(core.clock.real(left))


def new_leg(core: Core, target: Target, caller: Session | None) -> Session:
    variables = target.variables
    session_id = core.next_session_id()
    name = variables.get("origination_caller_id_name", caller.profile.cid_name if caller else "")
    number = variables.get(
        "origination_caller_id_number", caller.profile.cid_number if caller else "0000000000"
    )
    uuid = variables.get("origination_uuid") or str(uuid4())
    profile = Profile(
        direction="outbound",
        destination=target.number,
        uuid=uuid,
        channel_name=target.endpoint
        if target.endpoint.startswith("sofia/")
        else f"sofia/internal/{target.address}",
        cid_name=name,
        cid_number=number,
        orig_cid_name=name,
        orig_cid_number=number,
        callee_name="Outbound Call",
        callee_number=target.number,
        ani=number,
        source="src/switch_ivr_originate.c",
        context="default",
        created=core.clock.micros(),
    )
    leg = Session(
        core, profile, outbound_variables(profile, session_id, target.address, variables), session_id
    )
    if caller is not None:
        leg.other_leg = ("originator", caller.profile)
        leg.set("originator", caller.uuid)
        caller.set("originated_legs", f"{leg.uuid};{name or 'Outbound Call'};{target.number}")
    return leg


def _call_phone(core: Core, leg: Session, target: Target, changed: Event) -> None:
    behaviour = core.phones.find(target.number)
    phone = EmulatedPhone(core.clock, target.number, leg.profile.cid_number, behaviour)
    phone.leg = leg
    leg.phone = phone
    core.phones.phones.append(phone)
    if behaviour is None:
        core.later(0.02, _act, phone, "refuse", changed, 503)
        return
    phone.speaking = behaviour.sounds
    if behaviour.rejects is not None:
        core.later(behaviour.rings_after + 0.02, _act, phone, "refuse", changed, behaviour.rejects)
    else:
        core.later(behaviour.rings_after + 0.01, _act, phone, "ring", changed)
        if behaviour.early_media:
            core.later(behaviour.rings_after + 0.02, _act, phone, "early", changed)
        if behaviour.answers_after is not None:
            core.later(behaviour.rings_after + behaviour.answers_after + 0.02, _act, phone, "answer", changed)
            if behaviour.hangs_up_after is not None:
                lasts = behaviour.rings_after + behaviour.answers_after + behaviour.hangs_up_after + 0.02
                core.later(lasts, phone.hang_up)
    if core.phones.on_dial:
        core.phones.on_dial(phone)


def _act(phone: EmulatedPhone, what: str, changed: Event, status: int = 0) -> None:
    leg = phone.leg
    if leg is None or leg.down:
        return
    if what == "ring":
        phone.ring()
    elif what == "early":
        leg.read_codec = leg.write_codec = PCMU
        leg.pre_answer()
    elif what == "answer":
        leg.read_codec = leg.write_codec = PCMU
        phone.answer()
    else:
        phone.refuse(status)
    changed.set()
