"""Dial's Number and Sip nouns: ring them all, connect the first that answers.

FreeSWITCH's own `bridge` does the ringing, so that ringback and a caller's cancelling need nothing of us.

A callee with a screening document is held in a `playback` of silence by group_confirm until the document is
through: a break ends the silence and lets the callee win (switch_ivr_originate.c, collect_thread_run).
Without `ignore_early_media=consume` the caller's thread would take the callee's orders out of its queue, run
the screening document itself and leave the caller without ringback (check_channel_status). It is not `sleep`:
that ends with the first order that it has carried out (switch_ivr_sleep keeps the status of the read
interrupted).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import gevent

from orchestrator.callbacks.call_status import status_at_end
from orchestrator.calls.call import Call
from orchestrator.calls.dialed_leg import SILENCE, DialedLeg, is_screened
from orchestrator.calls.dialing import SHARED, admit, leg_to_dial
from orchestrator.calls.recorded_call import recording_of
from orchestrator.clock import now
from orchestrator.config.trunks import Trunk
from orchestrator.documents.fetch import FetchError
from orchestrator.documents.next_action import NextAction, Redirected
from orchestrator.esl import commands
from orchestrator.esl.errors import LegGone
from orchestrator.esl.events import Event
from orchestrator.media.audio import AudioError
from orchestrator.net.logged_url import shown as shown_url
from orchestrator.numbering.caller_id import ANONYMOUS
from orchestrator.numbering.phone import NotANumber
from orchestrator.recordings.call_recording import CallRecording
from orchestrator.routing.caller_id import CallerId, caller_id
from orchestrator.routing.endpoints import route_to_number, route_to_sip
from orchestrator.texml import Conference, Dial, Number, Sip
from orchestrator.verbs.dial_result import dial_result
from orchestrator.verbs.play import fetch_sound
from orchestrator.verbs.ring_tone import ringing

# Carriers take it before From for the number that calls, Telnyx before everything else.
PREFERRED_IDENTITY = "p-preferred-identity"
# Twilio: Dial, Number. FreeSWITCH splits a dial string into 128 at most and leaves the rest together.
MAX_CALLEES = 10
STAR = "*"
UNBRIDGE_SECONDS = 5.0
UNBRIDGE_AGAIN_SECONDS = 0.1
CALLEES = "callees"
LONGEST_SCREENING_SECONDS = 600
_HOLD_MILLISECONDS = 4 * 3600 * 1000


def dial_out(call: Call, verb: Dial) -> NextAction:
    return _dial(call, verb, [])


def resume_dial_out(call: Call, verb: Dial) -> NextAction:
    """With the callees that were dialled, if any were."""
    return _dial(call, verb, call.recall(CALLEES).split())


def _dial(call: Call, verb: Dial, begun: list[str]) -> NextAction:
    """`begun`: the callees' legs, of a bridge that was begun before."""
    if len(verb.nouns) > MAX_CALLEES:
        call.warn("only the first are dialled", nouns=len(verb.nouns), dialled=MAX_CALLEES)
    asked = _caller_id(call, verb)
    nouns = verb.nouns[:MAX_CALLEES]
    uuids = begun or [str(uuid4()) for _ in nouns]
    dialed_legs = [
        dialed_leg
        for uuid, noun in zip(uuids, nouns, strict=True)
        if (dialed_leg := _callee(call, verb, noun, asked, uuid)) is not None
    ]
    if not dialed_legs:
        return dial_result(verb, "failed", bridged=False)
    if not verb.answer_on_bridge:
        call.leg.answer()
    with _recorded(call, verb, bool(begun)) as recording, _followed(call, verb, dialed_legs, recording):
        try:
            done = _resume(call, dialed_legs) if begun else _bridge(call, verb, dialed_legs, uuids)
        except Redirected:
            wait_until_unbridged(call, lambda: _end(call, dialed_legs))
            raise
    winner = next((dialed_leg for dialed_leg in dialed_legs if dialed_leg.bridged), None)
    hasty = next((dialed_leg for dialed_leg in dialed_legs if dialed_leg.answered_and_left), None)
    if winner is None and hasty is not None:
        return dial_result(
            verb, "completed", bridged=False, more=(("DialCallDuration", "0"), *hasty.sid_fields)
        )
    if winner is None:
        cause = done.header("variable_originate_disposition") if done else _disposition(call)
        call.warn("nobody was connected", line=verb.line, problem=cause)
        return dial_result(verb, status_at_end(cause, answered=False), bridged=False)
    more = (
        *(recording.fields() if recording else ()),
        ("DialCallDuration", str(winner.seconds(done.timestamp if done else now()))),
        *winner.sid_fields,
    )
    return dial_result(verb, "completed", bridged=True, more=more)


def _bridge(call: Call, verb: Dial, dialed_legs: list[DialedLeg], uuids: list[str]) -> Event:
    call.leg.stop_leftover_playback()
    ringing = _ringback(call, verb)
    arguments = _dial_string(call, verb, dialed_legs, _shared(verb))
    call.leg.set(ringback=ringing, transfer_ringback=ringing)
    call.remember(**{CALLEES: " ".join(uuids)})
    return call.leg.execute("bridge", arguments, timeout=None)


def _resume(call: Call, dialed_legs: list[DialedLeg]) -> Event | None:
    """With a bridge begun before a restart or a lost socket; None if it came to its end meanwhile."""
    leg = call.leg
    app, arguments = leg.current_application
    living = [dialed_leg for dialed_leg in dialed_legs if not leg.gone and dialed_leg.resume()]
    for dialed_leg in dialed_legs:
        if dialed_leg not in living:
            dialed_leg.missed()
    if leg.gone:
        raise LegGone(leg.hangup_cause)
    if app != "bridge" or not living:
        leg.stop_leftover_playback()
        return None
    return leg.execute("bridge", arguments, timeout=None)


def _disposition(call: Call) -> str:
    headers = call.services.connection.api(commands.getvar(call.leg.uuid, "originate_disposition"))
    return headers.strip()


@contextmanager
def _recorded(call: Call, verb: Dial, begun: bool) -> Iterator[CallRecording | None]:
    """Both parties, from the answer or from the ringing, until they part."""
    if verb.record == "do-not-record":
        yield None
        return
    recording = recording_of(call, verb)
    if not begun:
        call.note(recording=recording.sid)
        recording.keep(*call.rows)
        recording.start(call.leg)
    try:
        yield recording
    except Redirected:
        recording.stop()
        raise
    recording.stop()
    recording.wait()


@contextmanager
def _followed(
    call: Call, verb: Dial, dialed_legs: list[DialedLeg], recording: CallRecording | None
) -> Iterator[None]:
    """Events of the callees' legs reach them; the connected one is released at its time limit, or at a
    star."""
    leg, legs = call.leg, call.services.legs
    limits: list[gevent.Greenlet[..., None]] = []

    def connected(dialed_leg: DialedLeg) -> None:
        if recording is not None:
            recording.started()
        limits.append(gevent.spawn_later(_seconds_left(verb, dialed_leg), _end, call, [dialed_leg]))

    def on_bridge(event: Event) -> None:
        # An event of the caller's leg, with the callee as the other one (switch_ivr_bridge.c).
        if event.name == "CHANNEL_BRIDGE":
            other_leg = event.header("Other-Leg-Unique-ID")
            for dialed_leg in dialed_legs:
                if dialed_leg.uuid == other_leg:
                    dialed_leg.on_bridged(event)
                    connected(dialed_leg)

    for dialed_leg in dialed_legs:
        legs.watch(dialed_leg.uuid, dialed_leg.on_event)
        if dialed_leg.bridged:
            connected(dialed_leg)
    legs.watch(leg.uuid, on_bridge)

    def on_digit(digit: str) -> None:
        if digit == STAR:
            _end(call, dialed_legs)

    if verb.hangup_on_star:
        leg.on_digit.append(on_digit)
    try:
        yield
    finally:
        if on_digit in leg.on_digit:
            leg.on_digit.remove(on_digit)
        legs.unwatch(leg.uuid, on_bridge)
        for dialed_leg in dialed_legs:
            if not dialed_leg.seen:
                call.services.dialed_legs.pop(dialed_leg.call_sid, None)
                legs.unwatch(dialed_leg.uuid, dialed_leg.on_event)
                # In a sequence those behind the one who answered were never called.
                needless = leg.gone or any(one.bridged for one in dialed_legs)
                call.services.call_records.close(dialed_leg.uuid, "canceled" if needless else "failed")
                call.services.outbound_limits.ended(dialed_leg.uuid)
        gevent.killall(limits, block=False)


def _seconds_left(verb: Dial, dialed_leg: DialedLeg) -> float:
    """Seconds of the time limit, which counts from the bridge."""
    return max(0.0, verb.time_limit - max(0, now() - dialed_leg.bridged_at) / 1_000_000)


def _end(call: Call, dialed_legs: list[DialedLeg]) -> None:
    for dialed_leg in dialed_legs:
        if not dialed_leg.is_leaving:
            call.services.connection.post(commands.kill(dialed_leg.uuid))


def wait_until_unbridged(call: Call, end: Callable[[], None] = lambda: None) -> None:
    """Until `bridge` has let go of the caller's leg, at most some seconds; meanwhile `end` is called."""
    until = time.monotonic() + UNBRIDGE_SECONDS
    while call.leg.runs("bridge") and time.monotonic() < until:
        end()
        gevent.sleep(UNBRIDGE_AGAIN_SECONDS)


def _caller_id(call: Call, verb: Dial) -> CallerId:
    """As the document says; what cannot be shown gives way to the trunk's own number, or the caller's."""
    settings, application = call.services.settings, call.application
    trunk = settings.trunk_for(application)
    for asked in (verb.caller_id, trunk.caller_id if trunk else None, call.caller.from_):
        if not asked:
            continue
        try:
            shown = caller_id(settings, application, asked)
        except NotANumber as error:
            call.warn("no caller id", problem=str(error), line=verb.line)
        else:
            return CallerId(shown, call.caller.withheld if shown == ANONYMOUS else "")
    return CallerId(ANONYMOUS)


def _dial_string(call: Call, verb: Dial, dialed_legs: list[DialedLeg], shared: dict[str, str]) -> str:
    """All at once, or one after the other: then each has its own time, and the last one's end counts."""
    if len(dialed_legs) == 1:
        # Variables for all may have some of FreeSWITCH's syntax in them, those for one of several none.
        (dialed_leg,) = dialed_legs
        return commands.dial_string(
            [dialed_leg.destination], shared | _headers(call, dialed_leg, commands.for_all)
        )
    destinations = [
        commands.DialTarget(
            dialed_leg.destination.endpoint,
            {**dialed_leg.destination.variables, **_headers(call, dialed_leg, commands.for_one)},
        )
        for dialed_leg in dialed_legs
    ]
    return commands.dial_string(destinations, shared, one_by_one=verb.sequential)


def _headers(call: Call, dialed_leg: DialedLeg, check: Callable[[str, str], str]) -> dict[str, str]:
    """Those of its INVITE that can be sent, as variables; the others are named in the log."""
    found = {}
    for name, value in dialed_leg.headers:
        variable = f"sip_h_{name}"
        try:
            check(variable, value)
        except ValueError as error:
            call.warn("a SIP header is not sent", header=name, problem=str(error))
        else:
            found[variable] = value
    return found


def _shared(verb: Dial) -> dict[str, str]:
    return SHARED | {
        # Early media neither answers nor reaches the caller, who hears what `ringTone` says.
        "ignore_early_media": "consume",
        # The caller's codec first, then all of the SIP profile's: else the caller's alone, and a carrier with
        # G.711 refuses a phone that speaks G.722 (switch_core_media.c, switch_core_media_prepare_codecs).
        "media_mix_inbound_outbound_codecs": "true",
        # Each callee has its own time limit, which its screening ends.
        "originate_timeout": str(verb.timeout + LONGEST_SCREENING_SECONDS),
        "group_confirm_cancel_timeout": "true",
        # Else a callee that hangs up while it holds takes its caller with it (signalwire/freeswitch#2887).
        "rtp_disable_hold": "true",
        # With that FreeSWITCH cannot know that a callee without RTP holds; one that vanished is found by the
        # session timer of the SIP profile.
        "media_timeout": str(_HOLD_MILLISECONDS),
    }


def _ringback(call: Call, verb: Dial) -> str:
    """The caller's audio meanwhile."""
    if verb.audio_url is not None:
        url = call.services.resolve(call.document_url, verb.audio_url)
        try:
            return fetch_sound(call, url).path
        except (FetchError, AudioError) as error:
            written = shown_url(url)
            call.warn("no audioUrl, the usual ringing is heard", url=written, problem=str(error))
    return ringing(verb.ring_tone)


def _callee(
    call: Call, verb: Dial, noun: Conference | Number | Sip, asked: CallerId, uuid: str
) -> DialedLeg | None:
    """None, with a line in the log, for a callee without a route."""
    assert not isinstance(noun, Conference)
    settings = call.services.settings
    try:
        if isinstance(noun, Number):
            route, credentials = route_to_number(settings, call.application, noun.number), None
        else:
            route, credentials = route_to_sip(settings, call.application, noun.address), noun.credentials
        trunk = route.trunk
        leg = leg_to_dial(uuid, route, asked, call.style.request_fields)
        if trunk is not None and leg.shown != asked:
            call.warn("the trunk shows another caller id", trunk=trunk.name, asked=asked.number)
        variables = leg.own_variables(verb.timeout, credentials) | leg.identity(verb.from_display_name)
        if is_screened(noun):
            variables |= {"group_confirm_key": "exec", "group_confirm_file": f"playback {SILENCE}"}
        destination = commands.DialTarget(route.endpoint, variables)
        commands.dial_string([destination])
        admit(call.services, leg, call.account_sid, resumed=bool(call.recall(CALLEES)))
    except ValueError as error:
        call.fault("not dialled", problem=str(error), line=noun.line)
        return None
    return DialedLeg(call, noun, leg, destination, _allowed_headers(call, noun, trunk, leg.shown))


def _allowed_headers(
    call: Call, noun: Number | Sip, trunk: Trunk | None, shown: CallerId
) -> tuple[tuple[str, str], ...]:
    """Those that its address asks for, but none that shows another number than may be shown."""
    if not isinstance(noun, Sip):
        return ()
    limited = shown.is_anonymous or (trunk is not None and trunk.caller_ids is not None)
    stored = tuple(pair for pair in noun.headers if not (limited and pair[0].lower() == PREFERRED_IDENTITY))
    if stored != noun.headers:
        problem = "it would show another number than may be shown"
        call.warn("a SIP header is not sent", header="P-Preferred-Identity", problem=problem)
    return stored
