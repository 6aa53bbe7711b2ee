"""`conference list` and `json_list`: what is in the rooms, in FreeSWITCH's formats (mod_conference.c)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from orchestrator.emulator.conference import Conference
from orchestrator.emulator.member import Member
from orchestrator.emulator.recording import Recording

if TYPE_CHECKING:
    Json = str | int | bool | Mapping[str, "Json"] | Sequence["Json"]


def text_list(room: Conference, delimiter: str = ";") -> str:
    lines = []
    for member in room.members:
        profile = member.session.profile
        flags = []
        if not member.hold:
            flags += ["hear"] * member.can_hear + ["speak"] * member.can_speak + ["talking"] * member.talking
        else:
            flags.append("hold")
        flags += ["floor"] * (member.has_floor) + ["moderator"] * member.moderator
        fields = [
            str(member.id),
            profile.channel_name,
            member.session.uuid,
            profile.cid_name,
            profile.cid_number,
        ]
        lines.append(delimiter.join([*fields, "|".join(flags), "0", "0", str(member.energy)]) + "\n")
    return "".join(lines)


def headline(room: Conference) -> str:
    """The line before a room's members when all rooms are listed."""
    plural = "" if room.count == 1 else "s"
    flags = "running|answered|enforce_min|dynamic|exit_sound|enter_sound|json_status"
    return f"Conference {room.name} ({room.count} member{plural} rate: {room.profile.rate} flags: {flags})\n"


def as_json(room: Conference) -> dict[str, Json]:
    now = int(room.core.clock.now())
    out: dict[str, Json] = {
        "conference_name": room.name,
        "member_count": room.count,
        "ghost_count": 0,
        "rate": room.profile.rate,
        "run_time": now - room.run_time,
        "conference_uuid": room.uuid,
        "canvas_count": 0,
        "max_bw_in": 0,
        "force_bw_in": 0,
        "video_floor_packets": 0,
        "locked": room.locked,
        "destruct": room.destruct,
        "wait_mod": room.wait_mod,
        "audio_always": False,
        "running": room.running,
        "answered": True,
        "enforce_min": room.enforce_min,
        "bridge_to": False,
        "dynamic": True,
        "exit_sound": True,
        "enter_sound": True,
        "recording": room.record_count > 0,
        "video_bridge": False,
        "video_floor_only": False,
        "video_rfc4579": False,
    }
    if room.max_members:
        out["max_members"] = room.max_members
    listed: list[Member | Recording] = [*room.members, *room.recordings]
    listed.sort(key=lambda one: one.id, reverse=True)
    out["variables"] = dict(room.variables)
    out["members"] = [_recorder(one) if isinstance(one, Recording) else _caller(one, now) for one in listed]
    return out


def _recorder(recording: Recording) -> dict[str, Json]:
    paused: dict[str, Json] = {"status": "paused"} if recording.paused else {}
    return {
        "type": "recording_node",
        "record_path": recording.path,
        **paused,
        "join_time": recording.join_time,
    }


def _caller(member: Member, now: int) -> dict[str, Json]:
    profile = member.session.profile
    active = not member.hold
    flags: dict[str, Json] = {
        "can_hear": active and member.can_hear,
        "can_see": active,
        "can_speak": active and member.can_speak,
        "hold": member.hold,
        "mute_detect": member.mute_detect,
        "talking": member.talking,
        "has_video": False,
        "video_bridge": False,
        "has_floor": member.has_floor,
        "is_moderator": member.moderator,
        "end_conference": member.endconf,
        "mandatory_member_end_conference": False,
        "pass_digits": member.dist_dtmf,
    }
    return {
        "type": "caller",
        "id": member.id,
        "flags": flags,
        "uuid": member.session.uuid,
        "caller_id_name": profile.cid_name,
        "caller_id_number": profile.cid_number,
        "join_time": now - member.join_time,
        "last_talking": now - member.last_talking if member.last_talking else 0,
        "energy": member.energy,
        "volume_in": 0,
        "volume_out": 0,
        "output-volume": 0,
        "input-volume": 0,
    }


def json_list(rooms: list[Conference], *, compact: bool = False) -> str:
    listed: list[Json] = [as_json(room) for room in rooms]
    return compact_json(listed) if compact else print_json(listed)


def compact_json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def print_json(value: Json, depth: int = 0) -> str:
    """cJSON_Print: tabs, `name:<tab>value`, arrays on one line, an empty object as {<newline>}."""
    if isinstance(value, Mapping):
        pad = "\t" * (depth + 1)
        inside = ",\n".join(
            f"{pad}{compact_json(key)}:\t{print_json(item, depth + 1)}" for key, item in value.items()
        )
        return "{\n" + inside + ("\n" if inside else "") + "\t" * depth + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(print_json(item, depth + 1) for item in value) + "]"
    return compact_json(value)
