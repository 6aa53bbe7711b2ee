"""The sound from the switch to a leg's phone: playback, or its conference or bridged leg; eavesdroppers."""

from __future__ import annotations

from collections.abc import Hashable

from orchestrator.emulator.session import Session
from orchestrator.emulator.sound import Playing, voice_of

Sources = dict[Hashable, Playing]


def sources(leg: Session) -> Sources:
    """Everything that sounds now, each by a key of its own."""
    if leg.down or not leg.media_up:
        return {}
    found = _without_eavesdroppers(leg)
    if leg.eavesdrops is not None and leg.eavesdrops.phone is not None:
        found |= _without_eavesdroppers(leg.eavesdrops) | _voice(leg.eavesdrops, "supervised")
    for one in leg.eavesdroppers:
        if one.true("eavesdrop_whisper_bleg"):
            found |= _voice(one, one.uuid)
    for one in leg.partner.eavesdroppers if leg.partner is not None else ():
        if one.true("eavesdrop_whisper_aleg"):
            found |= _voice(one, one.uuid)
    return found


def _without_eavesdroppers(leg: Session) -> Sources:
    if leg.playing:
        return {id(playing): playing for playing in leg.playing}
    found = leg.conference_mix() if leg.conference_mix is not None else {}
    return found | (_voice(leg.partner, "partner") if leg.partner is not None else {})


def _voice(leg: Session, role: str) -> Sources:
    """The tone that its phone speaks."""
    if leg.phone is None or leg.phone.speaking is None:
        return {}
    return {(role, leg.phone.speaking): voice_of(leg.phone.speaking, leg.core.clock)}
