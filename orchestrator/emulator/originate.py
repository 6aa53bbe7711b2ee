"""Calls that FreeSWITCH makes: ring phones until one answers (switch_ivr_originate.c)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import uuid4

from gevent.event import Event

from orchestrator.emulator.channel_variables import outbound_variables
from orchestrator.emulator.core import FRAME
from orchestrator.emulator.dialstring import Target, parse
from orchestrator.emulator.loopback import call_loopback
from orchestrator.emulator.profile import Profile
from orchestrator.emulator.registry import Registry
from orchestrator.emulator.session import Session, Sessions
from orchestrator.emulator.sound import Playing, SoundNotFound, open_sound

DEFAULT_TIMEOUT = 60.0  # seconds
ENDPOINTS = ("sofia", "user", "loopback")
SOFIA_PROFILES = ("gateway", "internal", "external")  # known beside the emulator's own


@dataclass
class Attempt:
    """The result of a dial string: the leg that answered, or why none did."""

    winner: Session | None = None
    cause: str = "NORMAL_CLEARING"
    legs: list[Session] = field(default_factory=list)


def dial(sessions: Sessions, phones: Registry, dial_string: str, caller: Session | None = None) -> Attempt:
    """Ring until somebody answers, all have refused, the time has passed or the caller hangs up.

    The legs that did not win report their ends by themselves.
    """
    dialled = parse(dial_string)
    attempt = Attempt(cause="DESTINATION_OUT_OF_ORDER")
    for targets in dialled.groups:
        attempt = _Ringing(sessions, phones, dialled.variables, targets, caller).run()
        if attempt.winner is not None or (caller is not None and caller.down):
            break
    return attempt


class _Ringing:
    """The legs of one group, all rung at once.

    Runs, and waits for the phones, on the greenlet that originates: a session's or a background job's.
    """

    def __init__(
        self,
        sessions: Sessions,
        phones: Registry,
        common: dict[str, str],
        targets: tuple[Target, ...],
        caller: Session | None,
    ) -> None:
        self.sessions = sessions
        self.core = sessions.core
        self.phones = phones
        self.common = common
        self.targets = targets
        self.caller = caller
        self.changed = Event()
        self.attempt = Attempt()
        self.confirmed: set[str] = set()
        self.confirming: set[str] = set()
        self.ringback: Playing | None = None

    def run(self) -> Attempt:
        for target in self.targets:
            if target.module == "loopback":
                self._loop_back(target)
                continue
            if refusal := self._impossible(target):
                self.attempt.cause = refusal
                continue
            leg = _new_leg(self.sessions, target, self.caller)
            leg.on_down += [self.changed.set, leg.close_soon]
            self.attempt.legs.append(leg)
            leg.begin()
            leg.enter("CS_CONSUME_MEDIA")
            self._call_phone(leg, target)
            if timeout := target.variables.get("leg_timeout"):
                self.core.later(float(timeout), _time_out, leg)
        if not self.attempt.legs:
            return self.attempt
        if self.caller is not None:
            self.caller.on_down.append(self.changed.set)
        self._await()
        if self.caller is not None:
            self.caller.on_down.remove(self.changed.set)
            if self.ringback is not None:
                self.caller.stop_playing(self.ringback)
        self._end_the_others()
        return self.attempt

    def _loop_back(self, target: Target) -> None:
        leg = call_loopback(self.sessions, target, self.changed.set)
        if leg is None:
            self.attempt.cause = "NO_ROUTE_DESTINATION"
            return
        leg.on_down += [self.changed.set, leg.close_soon]
        self.attempt.legs.append(leg)

    def _impossible(self, target: Target) -> str:
        if target.module not in ENDPOINTS:
            return "CHAN_NOT_IMPLEMENTED"
        profile = target.endpoint.split("/")[1] if "/" in target.endpoint else ""
        if target.module == "sofia" and profile not in (self.core.sip_profile, *SOFIA_PROFILES):
            return "INVALID_PROFILE"
        if target.module == "user" and self.phones.find(target.number) is None:
            return "SUBSCRIBER_ABSENT"
        return ""

    def _await(self) -> None:
        common, caller, attempt = self.common, self.caller, self.attempt
        limit = float(common.get("originate_timeout") or common.get("call_timeout") or DEFAULT_TIMEOUT)
        if caller is not None and caller.get("call_timeout") and "originate_timeout" not in common:
            limit = float(caller.get("call_timeout"))
        deadline = self.core.clock.now() + limit
        while True:
            self.changed.clear()
            up = [leg for leg in attempt.legs if not leg.down]
            if any(self._has_won(leg) for leg in up):
                attempt.cause = "SUCCESS"
                return
            if caller is not None:
                if caller.down:
                    attempt.cause = "ORIGINATOR_CANCEL"
                    return
                if any("Progress" in leg.profile.times for leg in up):
                    self._pass_on_ringing(caller)
            if not up:
                attempt.cause = attempt.legs[0].hangup_cause
                # FreeSWITCH looks at its legs once a frame: they have reported their ends by then
                self.core.clock.sleep(FRAME)
                return
            left = deadline - self.core.clock.now()
            # who has answered is being asked to confirm: originate_timeout holds for ringing
            if left <= 0 and not self.confirming:
                attempt.cause = "NO_ANSWER"
                return
            self.changed.wait(self.core.clock.real(left) if left > 0 else 1.0)

    def _has_won(self, leg: Session) -> bool:
        early = self.common.get("ignore_early_media") not in ("true", "ring_ready", "consume")
        if not leg.answered and not (early and leg.early):
            return False
        if leg.answered and leg.get("group_confirm_key") == "exec" and leg.uuid not in self.confirmed:
            if leg.uuid not in self.confirming:
                self.confirming.add(leg.uuid)
                self.core.spawn(self._confirm, leg)
            return False
        self.attempt.winner = leg
        return True

    def _pass_on_ringing(self, caller: Session) -> None:
        """180, or the caller's own `ringback` as early media."""
        name = caller.get("transfer_ringback" if caller.answered else "ringback") or caller.get("ringback")
        if self.ringback is not None:
            return
        if not name:
            caller.ring_ready()
        elif caller.pre_answer():
            try:
                # setup_ringback starts a file again when it has ended
                sound = replace(open_sound(name), loops=0)
                self.ringback = Playing(name, sound, self.core.clock.now())
            except SoundNotFound:
                caller.ring_ready()
            else:
                caller.play(self.ringback)

    def _confirm(self, leg: Session) -> None:
        """`group_confirm_key=exec`: the leg counts as answered when its application has ended."""
        app, _, argument = leg.get("group_confirm_file").partition(" ")
        leg.execute(app, argument)
        self.confirming.discard(leg.uuid)
        if not leg.down:
            self.confirmed.add(leg.uuid)
        self.changed.set()

    def _end_the_others(self) -> None:
        attempt, caller = self.attempt, self.caller
        cause = "LOSE_RACE" if attempt.winner else "NO_ANSWER"
        if caller is not None and caller.down:
            cause = "ORIGINATOR_CANCEL"
        for leg in attempt.legs:
            if leg is attempt.winner:
                leg.on_down.clear()
            else:
                leg.hangup(cause)

    def _call_phone(self, leg: Session, target: Target) -> None:
        core, behaviour = self.core, self.phones.find(target.number)
        # mod_sofia's From, where this says otherwise than the caller id (sofia_glue_do_invite).
        written = leg.get("sip_from_uri").partition("@")[0]
        phone = self.phones.phone_type(core.clock, target.number, written or leg.profile.cid_number)
        phone.leg, leg.phone = leg, phone
        phone.on_act = self.changed.set
        self.phones.called(phone)
        if behaviour is None:
            core.later(0.02, phone.refuse, 404)
            return
        phone.speaking = behaviour.sounds
        after = behaviour.answers_after
        if after != 0:
            core.later(behaviour.rings_after + 0.01, phone.ring)
        if behaviour.early_media:
            core.later(behaviour.rings_after + 0.015, phone.sing)
        if after is None:
            return
        decides = behaviour.rings_after + after + 0.02
        if behaviour.rejects is not None:
            core.later(decides, phone.refuse, behaviour.rejects)
        else:
            core.later(decides, phone.answer)
            if behaviour.hangs_up_after is not None:
                core.later(decides + behaviour.hangs_up_after, phone.hang_up)


def _time_out(leg: Session) -> None:
    if not leg.answered:
        leg.hangup("ALLOTTED_TIMEOUT")


def _new_leg(sessions: Sessions, target: Target, caller: Session | None) -> Session:
    core, variables = sessions.core, target.variables
    session_id = core.next_session_id()
    name = variables.get("origination_caller_id_name", caller.profile.cid_name if caller else "")
    number = variables.get(
        "origination_caller_id_number", caller.profile.cid_number if caller else "0000000000"
    )
    uuid = variables.get("origination_uuid") or str(uuid4())
    sofia = target.endpoint if target.endpoint.startswith("sofia/") else f"sofia/internal/{target.address}"
    profile = Profile(
        direction="outbound",
        destination=target.number,
        uuid=uuid,
        channel_name=sofia,
        cid_name=name,
        cid_number=number,
        orig_cid_name=caller.profile.cid_name if caller else name,
        orig_cid_number=caller.profile.cid_number if caller else number,
        callee_name="Outbound Call",
        callee_number=target.number,
        ani=caller.profile.ani if caller else number,
        source="src/switch_ivr_originate.c",
        context="default",
        created=core.clock.micros(),
    )
    if caller is not None:
        theirs = caller.profile
        profile.username, profile.dialplan, profile.context = theirs.username, theirs.dialplan, theirs.context
        profile.network_addr, profile.source = theirs.network_addr, theirs.source
    originator = caller.uuid if caller else ""
    given = outbound_variables(profile, session_id, target.address, variables, originator)
    leg = Session(sessions, profile, {}, session_id)
    if caller is not None:
        # the B leg keeps a copy of the caller's profile from the moment of the call, without its times
        leg.other_leg = ("originator", replace(caller.profile, created=0, times={}))
        caller.set("originated_legs", f"{leg.uuid};{profile.callee_name};{target.number}")
    leg.variables = {}
    leg.state, leg.state_number = "CS_NONE", 1
    leg.fire("CHANNEL_OUTGOING")
    leg.variables = given
    return leg
