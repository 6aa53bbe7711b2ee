"""The `conference` application: into a room, through it, out (conference_function, mod_conference.c)."""

from __future__ import annotations

import re

from orchestrator.emulator.channel import L16, PCMU
from orchestrator.emulator.conference import Conference, Conferences
from orchestrator.emulator.member import Member
from orchestrator.emulator.session import Session


def _flags(session: Session, written: str) -> set[str]:
    """`+flags{a|b}` of the argument and conference_member_flags of the leg."""
    together = f"{written}|{session.get('conference_member_flags')}"
    return {flag.strip() for flag in re.split(r"[|,]", together) if flag.strip()}


def _split(argument: str) -> tuple[str, str, set[str], str]:
    """name, profile, pin, flags of `name@profile+pin+flags{…}`."""
    written = ""
    if "+flags{" in argument:
        argument, _, rest = argument.partition("+flags{")
        written = rest.partition("}")[0]
    name, _, _pin = argument.lstrip(" ").partition("+")
    name, at, profile = name.rpartition("@")
    if not at:
        name, profile = profile, "default"
    return name, profile, set(), written


def _create(conferences: Conferences, session: Session, name: str, profile_name: str) -> Conference:
    conference = Conference(conferences, name, profile_name)
    flags = _flags(session, session.get("conference_flags"))
    conference.wait_mod = "wait-mod" in flags
    session.set("conference_name", name)
    session.set("app_session_uuid", conference.uuid)
    if not conference.moh_sound:
        conference.moh_sound = session.get("conference_moh_sound")
    conference.auto_record = session.get("conference_auto_record")
    limit = session.get("conference_max_members")
    if limit.isdigit() and int(limit) != 1:
        conference.max_members = int(limit)
    return conference


def conference(conferences: Conferences, session: Session, argument: str) -> None:
    if not argument:
        return
    name, profile_name, _, written = _split(argument)
    flags = _flags(session, written)
    room = conferences.find(name)
    if room is None:
        if "join-only" in flags:
            if not session.false("hangup_after_conference"):
                session.hangup("NORMAL_CLEARING")
            return
        room = _create(conferences, session, name, profile_name)
    else:
        session.set("conference_name", name)
        session.set("app_session_uuid", room.uuid)
    room.readers += 1
    session.answer()
    full = room.max_members > 0 and room.count >= room.max_members
    if not session.down and not full and not (room.locked and session.inbound):
        _take_part(session, room, flags)
    if room.count == 0:
        room.destruct = True
    room.release()


def _take_part(session: Session, room: Conference, flags: set[str]) -> None:
    number = session.get("conference_member_id") or str(session.core.next_member_id())
    session.set("conference_member_id", number)
    session.use_read_codec(L16)
    member = room.new_member(session, flags)
    _add(room, member)
    while member.running and not session.down:
        session.run_messages()
        while session.digits and not session.down:
            session.next_digit()
        if member.running and not session.down:
            session.wait()
    member.running = False
    if session.down:
        session.end_frame()
    _remove(room, member)
    session.use_read_codec(PCMU)


def _add(room: Conference, member: Member) -> None:
    session = member.session
    room.add(member)
    session.update(
        {
            "conference_member_id": str(member.id),
            "conference_moderator": "true" if member.moderator else "false",
            "conference_ghost": "false",
            "conference_recording": room.record_filename,
            "conference_uuid": room.uuid,
        }
    )
    if not session.get("conference_call_key"):
        session.set("conference_call_key", f"conference_{room.name}_cluecon.com_{session.profile.cid_number}")
    if room.wait_mod and member.moderator:
        room.wait_mod = False
    if room.count > 1:
        room.moh.stop()
        sound = session.get("conference_enter_sound") or room.profile.enter_sound
        if sound:
            room.play(sound)
    room.enforce_min = True
    if not session.true("conference_silent_entry"):
        member.fire("add-member")
    member.join_mix()


def _remove(room: Conference, member: Member) -> None:
    session = member.session
    if sound := session.get("conference_exit_sound"):
        room.play(sound)
    member.leave_mix()
    room.remove(member)
    session.set("conference_call_key", None)
    if member.endconf or room.count == 0:
        room.destruct = True
    elif not sound and room.profile.exit_sound:
        room.play(room.profile.exit_sound)
    member.fire("del-member")
    room.voice_changed()
