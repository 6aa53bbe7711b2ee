"""`api conference …` (conference_api.c): each command, its answer and its event."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.emulator import conference_list
from orchestrator.emulator.conference import Conference
from orchestrator.emulator.conference_usage import CONFERENCE_SYNTAX
from orchestrator.emulator.instance import Instance
from orchestrator.emulator.member_api import MEMBER_COMMANDS, play_to
from orchestrator.emulator.sound import speech

RoomCommand = Callable[[Conference, list[str]], "str | None"]


def conference_api(instance: Instance, argument: str) -> str:
    words = argument.split()
    if not words:
        return "".join(f"<conf name> {name} {syntax}\n" for name, syntax in CONFERENCE_SYNTAX)
    room = instance.conferences.find(words[0])
    if room is not None:
        if len(words) == 1:
            return "Conference command, not specified.\nTry 'help'\n"
        return _dispatch(room, words, argument)
    rooms = [room for room in instance.conferences.values() if not room.destruct]
    if words[0].lower() == "json_list":
        return conference_list.json_list(rooms, compact=words[1:] == ["compact"])
    if words[0].lower() == "list":
        if not rooms:
            return "+OK No active conferences.\n"
        listed = "".join(conference_list.headline(room) + conference_list.text_list(room) for room in rooms)
        return f"+OK {listed}"
    if words[0].lower() == "count":
        return str(len(rooms))
    return f"-ERR Conference {words[0]} not found\n"


def _usage(command: str) -> str:
    return f"{command} {dict(CONFERENCE_SYNTAX).get(command, '')}"


def _dispatch(room: Conference, words: list[str], line: str) -> str:
    command, rest = words[1].lower(), words[2:]
    if command in MEMBER_COMMANDS:
        return _for_members(room, command, rest)
    if command in ("say", "saymember"):
        text = line.split(command, 1)[1].lstrip()
        return _say(room, text) if command == "say" else _say_member(room, text)
    if command not in ROOM_COMMANDS:
        return f"-ERR Conference command '{words[1]}' not found.\n"
    answer = ROOM_COMMANDS[command](room, rest)
    return _usage(command) if answer is None else answer


def _for_members(room: Conference, command: str, rest: list[str]) -> str:
    run = MEMBER_COMMANDS[command]
    if not rest:
        return _usage(command)
    which, options = rest[0].lower(), rest[1:]
    if which in ("all", "non_moderator"):
        chosen = [member for member in room.members if which == "all" or not member.moderator]
        return "".join(run(member, options) for member in chosen)
    if which == "last" or which.isdigit():
        member = room.find(which)
        if member is None:
            return "" if which == "last" else f"-ERR Non-Existant ID {int(which)}\n"
        return run(member, options)
    return _usage(command)


def _play(room: Conference, rest: list[str]) -> str | None:
    if not rest:
        return None
    name, *options = rest
    asynchronous = options[-1:] == ["async"]
    if asynchronous:
        options.pop()
    if not options:
        if not room.play(name, asynchronous=asynchronous):
            return f"-ERR (play) File: {name} not found.\n"
        room.fire("play-file", [("File", name), ("Async", "true" if asynchronous else "false")])
        return f"+OK (play) Playing file {name}\n"
    member = room.find(options[0])
    if member is None:
        # FreeSWITCH prints the address of the name here, not the name
        return f"-ERR Member: {id(options) % (1 << 32)} not found.\n" + _usage("play")
    if not play_to(member, name):
        return f"-ERR (play) File: {name} not found.\n"
    member.fire("play-file-member", [("File", name)])
    return f"+OK (play) Playing file {name} to member {member.id}\n"


def _stop(room: Conference, rest: list[str]) -> str | None:
    which = rest[0] if rest else "all"
    if which not in ("current", "all", "async"):
        return None
    if len(rest) > 1:
        member = room.find(rest[1])
        if member is None:
            return f"-ERR Member: {rest[1]} not found.\n"
        return f"+OK Stopped {member.files.stop(everything=which == 'all')} files.\n"
    player = room.moh if which == "async" else room.files
    return f"+OK Stopped {player.stop(everything=which == 'all')} files.\n"


def _say(room: Conference, text: str) -> str:
    if not text:
        return "-ERR (say) Error! No text.\n" + _usage("say")
    if not room.profile.tts:
        return "-ERR (say) Error!\n" + _usage("say")
    room.files.queue(text, speech(text))
    room.fire("speak-text", [("Text", text)])
    return "+OK (say) OK\n"


def _say_member(room: Conference, argument: str) -> str:
    number, _, text = argument.partition(" ")
    if not text:
        return "-ERR (saymember) No Text!\n" + _usage("saymember")
    member = room.find(number)
    if member is None:
        return f"-ERR (saymember) Unknown Member {number}!\n" + _usage("saymember")
    # conference_api.c expands here whatever the leg's app_disable_expand_variables says of applications
    room.core.expanded += [text] if "${" in text else []
    if room.profile.tts:
        member.files.queue(text, speech(text))
    member.fire("speak-text-member", [("Text", text)])
    return "+OK (saymember) OK\n"


def _relate(room: Conference, rest: list[str]) -> str | None:
    if len(rest) < 2:
        return "+OK No relationships\n" if not any(member.relations for member in room.members) else ""
    if len(rest) < 3:
        return None
    action = rest[2]
    if action != "clear" and not any(word in action for word in ("nospeak", "nohear", "sendvideo")):
        return None
    return "".join(
        _relate_two(room, member, other, action)
        for member in rest[0].split(",")
        for other in rest[1].split(",")
    )


def _relate_two(room: Conference, one: str, two: str, action: str) -> str:
    member, other = room.find(one), room.find(two)
    if action == "clear":
        if member is None:
            return f"-ERR relationship {one}->{two} not found.\n"
        member.relations.pop(int(two or 0), None)
        room.voice_changed()
        return f"+OK relationship {one}->{two} cleared.\n"
    if member is None or other is None:
        return f"-ERR relationship {one}->{two} not found.\n"
    member.relations[other.id] = ("nospeak" not in action, "nohear" not in action)
    room.voice_changed()
    return f"+OK {one}->{two} {action} set\n"


def _setvar(room: Conference, rest: list[str]) -> str | None:
    if rest:
        room.variables.pop(rest[0], None)
        if len(rest) > 1:
            room.variables[rest[0]] = rest[1]
    return "+OK\n"


def _getvar(room: Conference, rest: list[str]) -> str | None:
    return room.variables.get(rest[0], "") if rest else ""


def _recording(room: Conference, rest: list[str]) -> str | None:
    if not rest:
        return None
    action, path = rest[0].lower(), rest[1] if len(rest) > 1 else ""
    if action in ("stop", "check") and not path:
        path = "all"
    if not path:
        # the old syntax, `recording <file>`: a bare `recording start` records into a file called start
        return _record(room, rest)
    if action == "start":
        return _record(room, [path])
    if action == "stop":
        return _norecord(room, [path])
    if action == "check":
        return _check_record(room, [])
    if action in ("pause", "resume"):
        return _pause_recording(room, action, path)
    return None


def _record(room: Conference, rest: list[str]) -> str | None:
    if not rest:
        return None
    path = rest[0]
    if any(recording.path == path for recording in room.recordings):
        return f"-ERR file [{path}] is already being used for recording.\n"
    room.record(path)
    return f"+OK Record file {path}\n"


def _norecord(room: Conference, rest: list[str]) -> str | None:
    if not rest:
        return None
    before = room.record_count
    chosen = [recording for recording in room.recordings if rest[0] in ("all", recording.path)]
    answer = ""
    for recording in chosen:
        answer += f"Stopped recording file {recording.path}\n"
        recording.stop()
    if not chosen and rest[0] != "all":
        answer += f"-ERR non-existant recording '{rest[0]}'\n"
    stopped = before - room.record_count
    return answer + f"+OK Stopped recording {stopped} file{'' if stopped == 1 else 's'}\n"


def _check_record(room: Conference, rest: list[str]) -> str | None:
    lines = [f"+OK Record file {recording.path}\n" for recording in room.recordings]
    return "".join(lines) or "-ERR Conference is not being recorded.\n"


def _pause_recording(room: Conference, action: str, path: str) -> str:
    chosen = [recording for recording in room.recordings if recording.path == path]
    for recording in chosen:
        (recording.pause if action == "pause" else recording.resume)()
        room.fire(f"{action}-recording", [("Path", path), ("Other-Recordings", "false")])
    word = "Pause" if action == "pause" else "Resume"
    if not chosen:
        return f"+OK {word} recording file {path}\n-ERR non-existant recording '{path}'\n"
    return f"+OK {word} recording file {path}\n"


def _lock(room: Conference, rest: list[str]) -> str | None:
    room.locked = True
    room.fire("lock")
    return f"+OK {room.name} locked\n"


def _list(room: Conference, rest: list[str]) -> str | None:
    if rest[:1] == ["count"]:
        return str(room.count)
    return conference_list.text_list(room, rest[1] if rest[:1] == ["delim"] and len(rest) > 1 else ";")


def _json_list(room: Conference, rest: list[str]) -> str | None:
    return conference_list.json_list([room], compact=rest == ["compact"])


def _get(room: Conference, rest: list[str]) -> str | None:
    return str(room.max_members) if rest == ["max_members"] else None


def _set(room: Conference, rest: list[str]) -> str | None:
    """Answers with the value that it had."""
    if len(rest) != 2 or rest[0] != "max_members" or not rest[1].isdigit():
        return None
    old, room.max_members = room.max_members, int(rest[1])
    return str(old)


def _count(room: Conference, rest: list[str]) -> str | None:
    return str(room.count)


def _get_uuid(room: Conference, rest: list[str]) -> str | None:
    member = room.find(rest[0]) if rest else None
    return member.session.uuid if member else "-ERR"


ROOM_COMMANDS: dict[str, RoomCommand] = {
    "play": _play,
    "stop": _stop,
    "relate": _relate,
    "setvar": _setvar,
    "getvar": _getvar,
    "recording": _recording,
    "record": _record,
    "lock": _lock,
    "list": _list,
    "json_list": _json_list,
    "count": _count,
    "get": _get,
    "set": _set,
    "get-uuid": _get_uuid,
}
