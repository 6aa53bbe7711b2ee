"""Dial's Conference noun where the room is on another FreeSWITCH node: the caller is bridged to it over SIP.

FreeSWITCH's `bridge` does that, so ringing, answer, codec and keys pass through as between any two phones.
The other node's call asks the room (verbs/conference.py), and reports how that ended before it hangs up.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import gevent
import msgspec

from orchestrator.calls.call import Call
from orchestrator.calls.dialing import SHARED
from orchestrator.calls.relays import Relay, RelayTarget
from orchestrator.calls.stored_call import Relayed, StoredCall
from orchestrator.conference.live.participant_leg import OUTCOME, ConferenceOutcome
from orchestrator.conference.machine.state import LeaveReason
from orchestrator.config.freeswitch import RELAY_PROFILE
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import Redirected
from orchestrator.esl import commands
from orchestrator.esl.errors import LegGone
from orchestrator.texml import Conference, Dial
from orchestrator.texml.written import written_conference
from orchestrator.verbs.bridge import wait_until_unbridged

RELAY: Final = "relay"
_PLAIN: Final = re.compile(r"[+\w.-]{1,60}", re.ASCII)
FREE_SECONDS: Final = 3.0
"""How long an earlier leg of the same call may take to go from the other node."""
FREE_AGAIN_SECONDS: Final = 0.01
RINGING_SECONDS: Final = 5
"""Within them the other node has to take the call."""
ANSWER_SECONDS: Final = 30
"""The other node answers once its room, or the audio of its wait, is there."""


class LeftTheRoom(LegGone):
    """The caller has hung up, in a room."""


def take_part_elsewhere(
    call: Call, verb: Dial, noun: Conference, home: str, seconds: float
) -> ConferenceOutcome | None:
    """Until it is out of the room on the node `home`, after `seconds` at the latest; None: the node did not
    take it, or has no such room any more.

    Raises LegGone, LeftTheRoom, Redirected, Unreachable.
    """
    services, leg, uuid = call.services, call.leg, str(uuid4())
    _wait_until_free(call, home)
    leg.stop_leftover_playback()
    node = services.settings.freeswitch.node(home)
    assert node is not None
    assert node.relay is not None
    token = services.relays.token(_target(call, verb, noun, home, max(1, round(seconds))))
    variables = {
        "origination_uuid": uuid,
        # The Unique-ID on the other node.
        "sip_invite_call_id": leg.uuid,
        "leg_timeout": str(ANSWER_SECONDS),
        "leg_progress_timeout": str(RINGING_SECONDS),
        # The caller's phone is shown the number that it called, as in a room of its own node: not the token.
        "ignore_display_updates": "true",
        "origination_callee_id_number": _shown(call.caller.to),
        "origination_callee_id_name": _shown(call.caller.to),
    }
    target = commands.DialTarget(f"sofia/{RELAY_PROFILE}/{token}@{node.relay}", variables)
    call.remember(**{RELAY: f"{home} {uuid}"})
    relay = services.relays.begin(call.sid, services.node.name, home, uuid, lambda: _note_taken(call))
    with _followed(call, relay), _media(call):
        leg.execute("bridge", commands.dial_string([target], SHARED), timeout=None)
    return _end_of(call, relay)


def resume_elsewhere(call: Call) -> ConferenceOutcome | None:
    """With the bridge that was begun before a restart or a lost socket. As `take_part_elsewhere`."""
    home, uuid, *taken = call.recall(RELAY).split(" ")
    leg = call.leg
    if (stored := _outcome(call)) is not None:
        return None if stored.moved else stored
    if leg.gone:
        raise LeftTheRoom(leg.hangup_cause) if taken else LegGone(leg.hangup_cause)
    app, arguments = leg.current_application
    if app != "bridge":
        leg.stop_leftover_playback()
        # It ended while nobody listened, who could have taken it out of its room: the room has ended.
        return ConferenceOutcome(left=LeaveReason.HUNG_UP) if taken else None
    relays, node = call.services.relays, call.services.node.name
    relay = relays.begin(call.sid, node, home, uuid, lambda: _note_taken(call), taken=bool(taken))
    with _followed(call, relay):
        leg.execute("bridge", arguments, timeout=None)
    return _end_of(call, relay)


def _shown(to: str) -> str:
    """The other party, as a phone shows it."""
    return to if _PLAIN.fullmatch(to) else "conference"


def _note_taken(call: Call) -> None:
    """The other node has the call: whatever ends the bridge, it was in its room or had asked for it."""
    home, uuid, *_ = call.recall(RELAY).split(" ")
    call.remember(**{RELAY: f"{home} {uuid} taken"})


def _wait_until_free(call: Call, home: str) -> None:
    """FreeSWITCH has no second leg with the same Unique-ID: that of an earlier room has to go first."""
    until = time.monotonic() + FREE_SECONDS
    while not call.services.relays.is_free(home, call.leg.uuid, call.sid) and time.monotonic() < until:
        gevent.sleep(FREE_AGAIN_SECONDS)


def _target(call: Call, verb: Dial, noun: Conference, home: str, seconds: int) -> RelayTarget:
    stored = call.stored
    star = verb.hangup_on_star and call.dialect.hangup_on_star
    document = written_conference(noun, time_limit=seconds, hangup_on_star=star)
    begins = StoredCall(
        stored.leg,
        stored.application,
        stored.caller,
        stored.direction,
        document_url=call.document_url,
        cookies=call.stored_cookies,
        parent_call_sid=stored.parent_call_sid,
        relayed=Relayed(call.services.node.name, call.sip_headers, call.origin),
    )
    fetched = Fetched(call.document_url, "application/xml", document)
    return RelayTarget(home, call.account_sid, noun.name, begins, fetched)


@contextmanager
def _media(call: Call) -> Iterator[None]:
    """Past this node, where the trunk has it so. FreeSWITCH takes them back for whatever comes after that; a
    leg that is answered has them here already."""
    leg, post = call.leg, call.services.connection.post
    direct = call.stored.direct_media and not leg.answered
    if direct:
        # Without media it is not inside of `bridge`, which would go on where it was called.
        leg.set(bypass_media="true", park_after_bridge="true")
    try:
        yield
    finally:
        if direct and not leg.gone:
            for name in ("bypass_media", "park_after_bridge"):
                post(commands.setvar(leg.uuid, name, "false"))


@contextmanager
def _followed(call: Call, relay: Relay) -> Iterator[None]:
    try:
        yield
    except Redirected:
        _unbridge(call, relay)
        raise
    except LegGone as gone:
        if relay.taken:
            raise LeftTheRoom(gone.reply) from gone
        raise
    finally:
        call.services.relays.end(call.sid, call.leg.uuid, relay)


def _unbridge(call: Call, relay: Relay) -> None:
    """Other instructions: it leaves its room for them, and is no longer bridged."""
    if not call.services.relays.take_out(relay.home, call.sid):
        relay.hang_up()
    wait_until_unbridged(call)
    if call.leg.runs("bridge"):
        relay.hang_up()


def _end_of(call: Call, relay: Relay) -> ConferenceOutcome | None:
    """None: the other node did not take it, or has no such room any more."""
    if (outcome := _outcome(call)) is not None:
        return None if outcome.moved else outcome
    if relay.lost:
        # With its node the conference has ended; the document goes on as after any other end.
        return ConferenceOutcome(left=LeaveReason.HUNG_UP)
    # The other node has hung up: the call has ended there.
    return ConferenceOutcome() if relay.taken else None


def _outcome(call: Call) -> ConferenceOutcome | None:
    stored = call.services.write_buffer.get(OUTCOME, call.sid)
    if stored is None:
        return None
    outcome = msgspec.json.decode(stored, type=ConferenceOutcome)
    call.add_cookies(outcome.cookies)
    if outcome.moved:
        # It is looked for again: the next outcome is that of another room.
        call.services.write_buffer.commit(delete=[(OUTCOME, call.sid)])
    return outcome
