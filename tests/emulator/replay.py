"""Plays a recorded conversation against the emulator: the same commands at the same points."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent

from orchestrator.emulator import EmulatedPhone, EmulatedSwitch
from tests.emulator.socket_client import SocketClient

TRACES = Path(__file__).parents[1] / "data" / "traces"
RECORDINGS = "/var/lib/freeswitch/recordings"
CLEARED_BY_PHONE = ("sip_hangup_disposition", "sip_term_status")


@dataclass
class Entry:
    """A command (`out`) or what came in: headers, and a body that is text or an event."""

    at: float  # seconds
    out: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def event(self) -> dict[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    @property
    def name(self) -> str:
        return str(self.event.get("Action") or self.event.get("Event-Name", ""))


def load(name: str) -> list[Entry]:
    entries = []
    for line in (TRACES / f"{name}.jsonl").read_text().splitlines():
        raw = json.loads(line)
        if "out" in raw:
            entries.append(Entry(raw["t"], out=raw["out"]))
        else:
            entries.append(Entry(raw["t"], headers=raw["in"]["headers"], body=raw["in"].get("body")))
    return entries


class Replay:
    """Drives the phones as the trace implies; `client.frames` holds what the emulator said."""

    def __init__(self, switch: EmulatedSwitch, client: SocketClient, trace: list[Entry], place: Path) -> None:
        self.switch = switch
        self.client = client
        self.trace = trace
        self.names: dict[str, str] = {RECORDINGS: str(place)}  # what stands in the trace -> what it is here
        self.phones: dict[str, EmulatedPhone] = {}  # by the trace's uuid
        self._seen: dict[tuple[str, str], int] = {}

    def run(self) -> None:
        for number, entry in enumerate(self.trace):
            if entry.out:
                if number:  # the client has authenticated
                    self.switch.clock.sleep(entry.at - self.trace[number - 1].at)
                    self.client.write(self._here(entry.out))
            elif entry.event:
                self._before(number, entry)
                self._await(entry)
                self._learn(entry)
            else:
                self._await_answer(number)

    def _here(self, text: str) -> str:
        for there, here in self.names.items():
            text = text.replace(there, here)
        # member numbers stand behind the name of the room
        return re.sub(r"(?<= )\d{3}(?= |$)", lambda match: self.names.get(f"#{match[0]}", match[0]), text)

    def _before(self, number: int, entry: Entry) -> None:
        """The action of a phone without which this event would not come."""
        event = entry.event
        uuid = event.get("Unique-ID", "")
        if entry.name == "CHANNEL_CREATE" and event.get("Caller-Source") == "mod_sofia":
            phone = self.switch.call(
                event["Caller-Destination-Number"], from_=event["Caller-Caller-ID-Number"]
            )
            self.phones[uuid] = phone
        elif entry.name == "CHANNEL_HANGUP" and uuid in self.phones:
            if any(f"variable_{name}" in event for name in CLEARED_BY_PHONE):
                self.phones[uuid].hang_up()
        elif entry.name == "BACKGROUND_JOB":
            return
        elif entry.name == "start-talking":
            self.phones[uuid].sounds(440.0)
        elif entry.name == "stop-talking":
            self.phones[uuid].sounds(None)

    def _key(self, entry: Entry) -> tuple[str, str]:
        uuid = entry.event.get("Unique-ID", "")
        return entry.name, self.names.get(uuid, uuid if uuid else "")

    def _await(self, entry: Entry) -> None:
        name, uuid = self._key(entry)
        known = not uuid or uuid in self.names.values()
        count = self._seen.get((name, uuid if known else ""), 0) + 1
        self._seen[name, uuid if known else ""] = count
        where = {"Unique_ID": uuid} if uuid and known else {}
        if not known:
            # a new leg: the first event of that name for a leg nobody knows yet
            def new_legs() -> list[dict[str, Any]]:
                return [e for e in self.client.all(name) if e["Unique-ID"] not in self.names.values()]

            self.client.until(lambda: bool(new_legs()), 5, f"{name} of a new leg")
            self.names[entry.event["Unique-ID"]] = new_legs()[0]["Unique-ID"]
            self._seen[name, self.names[entry.event["Unique-ID"]]] = 1
            return
        self.client.wait(name, 5, count, **where)

    def _await_answer(self, number: int) -> None:
        wanted = sum(1 for entry in self.trace[1 : number + 1] if not entry.out and not entry.event)
        self.client.until(
            lambda: sum(1 for frame in self.client.frames[1:] if not frame.event) >= wanted,
            5,
            f"answer {wanted} ({self.trace[number].headers})",
        )

    def _learn(self, entry: Entry) -> None:
        """Names of members and conferences that later commands use."""
        event = entry.event
        if entry.name == "add-member":
            name, uuid = self._key(entry)
            ours = self.client.all(name, Unique_ID=uuid)[-1]
            self.names[f"#{event['Member-ID']}"] = ours["Member-ID"]


def settle(switch: EmulatedSwitch) -> None:
    for _ in range(200):
        if not switch.leftovers():
            return
        gevent.sleep(0.01)
