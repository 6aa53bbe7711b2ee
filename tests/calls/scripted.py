"""A FreeSWITCH of a few lines: it has what the test says, answers at once, and keeps every command.

Nothing happens on it by itself but what every test would have to do: what answers or sets variables is
through at once, and what a command ends has ended.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import gevent
from gevent import socket
from gevent.server import StreamServer

from tests.esl.wire import api_frame, event_frame, reply_frame

MAINTENANCE = "conference::maintenance"
AT_ONCE = ("answer", "multiset", "set", "send_dtmf", "record_session", "stop_record_session")
PLAYS = ("playback", "speak", "record")
NO_LEG = "-ERR No such channel!\n"


class ScriptedSwitch:
    kind = "scripted"
    host, password = "127.0.0.1", "ClueCon"
    others = ()

    def __init__(self, directory: Path) -> None:
        self.media_dir, self.recordings_dir = directory / "media", directory / "recordings"
        for each in (self.media_dir, self.recordings_dir):
            each.mkdir(parents=True, exist_ok=True)
        self.commands: list[str] = []
        self.globals = {"core_uuid": str(uuid4())}
        self.legs: dict[str, dict[str, str]] = {}
        """The answer of `uuid_dump` for each leg that there is."""
        self.conferences: dict[str, dict[str, object]] = {}
        """The answer of `conference json_list` for each."""
        self.answers: dict[str, str] = {}
        """To API commands that begin so, in place of +OK."""
        self.recorded: dict[str, list[str]] = {}
        """Paths that `record_session` writes, by leg."""
        self.playing: dict[str, list[dict[str, str]]] = {}
        self.refused: dict[str, str] = {}
        """Applications, and what their completion says."""
        self.silent: set[str] = set()
        """Applications that the leg does not come to."""
        self.through_at_once = True
        """Whether what sounds is through at once."""
        self._talks: list[socket.socket] = []
        self._server = StreamServer((self.host, 0), self._serve)
        self._server.start()
        self.running = True

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def stop(self) -> None:
        self.running = False
        self.cut()
        self._server.stop()

    def cut(self) -> None:
        """The event socket ends."""
        talks, self._talks = self._talks, []
        for each in talks:
            each.close()

    def restarted(self) -> None:
        """Another FreeSWITCH: nothing of what was there is there."""
        self.globals = {"core_uuid": str(uuid4())}
        self.legs.clear()
        self.conferences.clear()
        self.cut()

    # Legs and conferences

    def leg(self, uuid: str = "", *, answered: bool = True, **variables: str) -> str:
        """One that is parked and ours; its Unique-ID."""
        uuid = uuid or str(uuid4())
        state = "answered" if answered else "ringing"
        self.legs[uuid] = {
            "Unique-ID": uuid,
            "Channel-State": "CS_EXECUTE",
            "Answer-State": state,
            "Caller-Caller-ID-Number": "+13125550002",
            "Caller-Destination-Number": "+13125550100",
            "Caller-Channel-Answered-Time": str(time.time_ns() // 1000) if answered else "0",
            "variable_texml_guard": "1",
            **{f"variable_{name}": value for name, value in variables.items()},
        }
        return uuid

    def member(self, conference: str, uuid: str, number: int, **flags: bool) -> None:
        """A leg in a conference, which is there from then on."""
        one = self.conferences.setdefault(
            conference,
            {"conference_name": conference, "conference_uuid": str(uuid4()), "members": []},
        )
        members = one["members"]
        assert isinstance(members, list)
        known = {"can_speak": True, "can_hear": True, "hold": False, "talking": False}
        members.append({"type": "caller", "id": number, "uuid": uuid, "join_time": 5, "flags": known | flags})

    def records(self, conference: str, path: str, *, paused: bool = False, began_at: int = 0) -> None:
        members = self.conferences[conference]["members"]
        assert isinstance(members, list)
        status = "paused" if paused else "recording"
        began_at = began_at or int(time.time()) - 5
        node = {"type": "recording_node", "record_path": path, "join_time": began_at, "status": status}
        members.append(node)

    def gone(self, uuid: str, *words: object) -> None:
        """The hangup record of a leg that has ended: when it ended, began, was answered, its cause, …"""
        self.globals[f"texml_gone_{uuid}"] = "|".join(map(str, words))

    # Events

    def event(self, name: str, uuid: str = "", **headers: object) -> None:
        """`_` stands for `-` in names of headers."""
        now = str(time.time_ns() // 1000)
        sent: dict[str, object] = {"Event-Name": name, "Event-Date-Timestamp": now}
        if uuid:
            sent["Unique-ID"] = uuid
        sent |= {header.replace("_", "-"): value for header, value in headers.items()}
        self._send_all(event_frame(sent))

    def parks(self, uuid: str = "", **variables: str) -> str:
        """A call comes in and is parked; its Unique-ID."""
        uuid = self.leg(uuid, answered=False, **variables)
        self.parks_again(uuid)
        return uuid

    def parks_again(self, uuid: str) -> None:
        self._send(self.legs[uuid] | {"Event-Name": "CHANNEL_PARK"})

    def _send(self, headers: dict[str, str]) -> None:
        now = str(time.time_ns() // 1000)
        self._send_all(event_frame({"Event-Date-Timestamp": now, **headers}))

    def _send_all(self, frame: bytes) -> None:
        for talk in tuple(self._talks):
            # One that the far end has closed hears nothing more.
            with suppress(OSError):
                talk.sendall(frame)

    def answers_call(self, uuid: str) -> None:
        now = str(time.time_ns() // 1000)
        self.legs[uuid] |= {"Answer-State": "answered", "Caller-Channel-Answered-Time": now}
        self._send(self.legs[uuid] | {"Event-Name": "CHANNEL_ANSWER"})

    def hangs_up(self, uuid: str, cause: str = "NORMAL_CLEARING") -> None:
        headers = self.legs.pop(uuid, {"Unique-ID": uuid})
        for name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            self._send(headers | {"Event-Name": name, "Hangup-Cause": cause})

    def hang_up_all(self) -> None:
        for uuid in list(self.legs):
            self.hangs_up(uuid)

    def maintenance(self, action: str, conference: str, uuid: str = "", **headers: object) -> None:
        more = {"Event_Subclass": MAINTENANCE, "Action": action, "Conference_Name": conference} | headers
        instance = self.conferences.get(conference, {}).get("conference_uuid", "")
        self.event("CUSTOM", uuid, Conference_Unique_ID=instance, **more)

    def joins(self, conference: str, uuid: str, number: int) -> None:
        self.member(conference, uuid, number)
        self.maintenance("add-member", conference, uuid, Member_ID=str(number))

    def leaves(self, conference: str, uuid: str, number: int) -> None:
        members = self.conferences[conference]["members"]
        assert isinstance(members, list)
        members[:] = [one for one in members if one.get("uuid") != uuid]
        self.maintenance("del-member", conference, uuid, Member_ID=str(number))

    # Commands

    def saw(self, *words: str) -> list[str]:
        """The commands that have all of these in them, in their order."""
        return [command for command in self.commands if all(word in command for word in words)]

    def wait_for(self, *words: str, count: int = 1, timeout: float = 15.0) -> list[str]:
        until = time.monotonic() + timeout
        while len(found := self.saw(*words)) < count:
            assert time.monotonic() < until, f"no {count} commands with {words}: {self.commands[-30:]}"
            gevent.sleep(0.005)
        return found

    def applications(self, uuid: str = "") -> list[tuple[str, str]]:
        """The application that was started on the leg, and its argument."""
        found = []
        for command in self.commands:
            if command.startswith(f"sendmsg {uuid}"):
                headers = _headers(command)
                found.append((headers["execute-app-name"], headers.get("execute-app-arg", "")))
        return found

    def _serve(self, sock: socket.socket, address: object) -> None:
        self._talks.append(sock)
        buffer = b""
        try:
            sock.sendall(b"Content-Type: auth/request\n\n")
            while data := sock.recv(65536):
                buffer = (buffer + data).lstrip(b"\n")
                while b"\n\n" in buffer:
                    command, _, buffer = buffer.partition(b"\n\n")
                    buffer = buffer.lstrip(b"\n")
                    self._answer(sock, command.decode())
        except OSError:
            return

    def _answer(self, sock: socket.socket, command: str) -> None:
        kind, _, rest = command.partition(" ")
        if kind == "api":
            self.commands.append(rest)
            sock.sendall(api_frame(self._api(rest) or "-ERR no reply\n"))
        elif kind == "sendmsg":
            self.commands.append(command)
            sock.sendall(reply_frame("+OK"))
            self._run(command)
        elif kind == "bgapi":
            line, _, job = rest.partition("\nJob-UUID: ")
            self.commands.append(line)
            sock.sendall(reply_frame(f"+OK Job-UUID: {job}"))
            answer = self._api(line)
            if answer != "later":
                self._send({"Event-Name": "BACKGROUND_JOB", "Job-UUID": job, "_body": answer})
        elif kind == "exit":
            sock.sendall(reply_frame("+OK bye"))
            if sock in self._talks:
                self._talks.remove(sock)
            sock.close()
        else:
            accepted = "+OK accepted" if kind == "auth" else "+OK"
            sock.sendall(reply_frame(accepted))

    def _api(self, command: str) -> str:
        for beginning, answer in self.answers.items():
            if command.startswith(beginning):
                return answer
        name, _, rest = command.partition(" ")
        uuid = rest.split(" ")[0]
        match name:
            case "global_getvar":
                if rest:
                    return self.globals.get(rest, "")
                return "".join(f"{name}={value}\n" for name, value in self.globals.items())
            case "global_setvar":
                return self._set(rest)
            case "strepoch":
                return str(int(time.time()))
            case "conference" if rest == "json_list":
                listed = list(self.conferences.values())
                return json.dumps(listed) if listed else "+OK No active conferences.\n"
            case "show":
                return json.dumps({"row_count": len(self.legs), "rows": [{"uuid": one} for one in self.legs]})
            case "uuid_dump":
                return json.dumps(self.legs[uuid]) if uuid in self.legs else NO_LEG
            case "uuid_exists":
                return str(uuid in self.legs).lower()
            case "uuid_getvar":
                return self.legs.get(uuid, {}).get(f"variable_{rest.split(' ')[1]}", "_undef_")
            case "uuid_buglist":
                bug = "<media-bug><function>session_record</function>\n<target>{}</target></media-bug>"
                return "".join(map(bug.format, self.recorded.get(uuid, ()))) or "<media-bugs/>"
            case "uuid_break":
                self.stops(uuid)
            case "uuid_kill":
                cause = rest.partition(" ")[2]
                if uuid not in self.legs:
                    return NO_LEG
                gevent.spawn(self.hangs_up, uuid, cause)
        return "+OK\n"

    def _set(self, rest: str) -> str:
        name, _, more = rest.partition("=")
        value, _, expected = more.partition("=")
        if not expected or self.globals.get(name) == expected:
            self.globals[name] = value
            if not value:
                del self.globals[name]
        return "+OK"

    def _run(self, command: str) -> None:
        headers = _headers(command)
        uuid = command.split("\n")[0].removeprefix("sendmsg ")
        app = headers["execute-app-name"]
        if uuid not in self.legs or app in self.silent:
            return
        if app in self.refused:
            self.completes(uuid, headers, Application_Response=self.refused[app])
            return
        if app == "answer":
            self.answers_call(uuid)
        if app == "record_session":
            path = headers["execute-app-arg"].partition(" ")[0]
            self.event("RECORD_START", uuid, Record_File_Path=path)
        if app in AT_ONCE or (app in PLAYS and self.through_at_once):
            self.completes(uuid, headers)
        elif app in PLAYS:
            self.playing.setdefault(uuid, []).append(headers)

    def stops(self, uuid: str) -> None:
        """The playback on the leg has ended."""
        for headers in self.playing.pop(uuid, ()):
            self.completes(uuid, headers)

    def completes(self, uuid: str, headers: dict[str, str], **more: object) -> None:
        self.event(
            "CHANNEL_EXECUTE_COMPLETE",
            uuid,
            Application=headers["execute-app-name"],
            Application_Data=headers.get("execute-app-arg", ""),
            Application_UUID=headers.get("Event-UUID", ""),
            **more,
        )


def _headers(command: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in command.split("\n")[1:] if ": " in line)
