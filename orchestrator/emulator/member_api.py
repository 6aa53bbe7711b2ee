"""`api conference <name> mute|deaf|hold|kick … <member>`: what is done to one member (conference_api.c)."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.emulator.member import Member
from orchestrator.emulator.sound import SoundNotFound, open_sound

MemberCommand = Callable[[Member, list[str]], str]


def _done(member: Member, command: str, answer: str = "") -> str:
    member.fire(f"{command}-member")
    return f"+OK {answer or command} {member.id}\n"


def _mute(member: Member, options: list[str]) -> str:
    member.can_speak = member.talking = False
    member.voice_changed()
    return _done(member, "mute")


def _unmute(member: Member, options: list[str]) -> str:
    member.can_speak = True
    member.voice_changed()
    return _done(member, "unmute")


def _deaf(member: Member, options: list[str]) -> str:
    member.can_hear = False
    member.listen()
    return _done(member, "deaf")


def _undeaf(member: Member, options: list[str]) -> str:
    member.can_hear = True
    member.listen()
    return _done(member, "undeaf")


def _hold(member: Member, options: list[str]) -> str:
    member.hold, member.talking = True, False
    member.voice_changed()
    if options:
        play_to(member, options[0])
    return _done(member, "hold")


def _unhold(member: Member, options: list[str]) -> str:
    member.hold = False
    member.files.stop()
    member.voice_changed()
    return _done(member, "unhold")


def _kick(member: Member, options: list[str]) -> str:
    member.kicked = True
    member.stop()
    return _done(member, "kick", "kicked")


def _hup(member: Member, options: list[str]) -> str:
    member.stop()
    return _done(member, "hup")


def _dtmf(member: Member, options: list[str]) -> str:
    if not options:
        return "-ERR missing dtmf\n"
    if member.session.phone:
        member.session.phone.receive(options[0])
    return f"+OK sent {options[0]} to {member.id}\n"


def _energy(member: Member, options: list[str]) -> str:
    if options:
        member.energy = int(options[0])
    return f"Energy {member.id} = {member.energy}\n"


MEMBER_COMMANDS: dict[str, MemberCommand] = {
    "mute": _mute,
    "unmute": _unmute,
    "deaf": _deaf,
    "undeaf": _undeaf,
    "hold": _hold,
    "unhold": _unhold,
    "kick": _kick,
    "hup": _hup,
    "dtmf": _dtmf,
    "energy": _energy,
}


def play_to(member: Member, name: str) -> bool:
    if member.kicked:
        return False
    try:
        member.files.queue(name, open_sound(name))
    except SoundNotFound:
        return False
    return True
