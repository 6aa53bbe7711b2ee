"""Common parts of the tests of sound: callers by name, a second opinion on the members, the recordings."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gevent
import numpy as np
import requests
import soundfile

from tests.lab import sound
from tests.lab.eventsocket import EventSocket
from tests.scenarios.conftest import House

ROOM = "+13125550100"
MODERATOR, FIRST, SECOND, THIRD = "+13125550001", "+13125550002", "+13125550003", "+13125550004"
# Hz: our beeps, and what phones and applications speak; no one is a multiple of another.
ENTER, EXIT, RECORD = 880, 440, 1400
MUSIC, HOLD = 700, 261.63
FLOOR_DB = -50.0

RECORDED = {"record": "record-from-start"}


def until(met: Callable[[], object], timeout: float = 15.0, what: str = "") -> None:
    deadline = time.monotonic() + timeout
    while not met():
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        gevent.sleep(0.01)


@dataclass
class Watcher:
    """Sees what happens in conferences over an event socket of its own; times are monotonic."""

    socket: EventSocket

    def all(self, action: str, caller: str = "") -> list[float]:
        return [float(event["at"]) for event in self.events(action, caller)]

    def events(self, action: str, caller: str = "") -> list[dict[str, str]]:
        return [
            event
            for event in self.socket.events
            if event.get("Action") == action
            and (not caller or event.get("Caller-Caller-ID-Number", "").lstrip("+") == caller.lstrip("+"))
        ]

    def wait(self, action: str, caller: str = "", count: int = 1, timeout: float = 15.0) -> float:
        """When the last of `count` came."""
        until(lambda: len(self.all(action, caller)) >= count, timeout, f"{count} {action} {caller}")
        return self.all(action, caller)[count - 1]

    def member(self, caller: str) -> str:
        return self.events("add-member", caller)[-1]["Member-ID"]

    @property
    def room(self) -> str:
        return self.events("add-member")[-1]["Conference-Name"]


@contextmanager
def watching(house: House) -> Iterator[Watcher]:
    with house.switch.events("CUSTOM conference::maintenance") as socket:
        yield Watcher(socket)


def level_between(phone: Any, hz: float, begin: float, end: float) -> float:
    """dBFS of hz at a phone between two monotonic times."""
    start, samples = phone.audio(begin)
    first = max(0, round((begin - start) * sound.RATE))
    return sound.level_db(samples[first : first + round((end - begin) * sound.RATE)], hz)


def loudness_between(phone: Any, begin: float, end: float) -> float:
    start, samples = phone.audio(begin)
    first = max(0, round((begin - start) * sound.RATE))
    return sound.rms_db(samples[first : first + round((end - begin) * sound.RATE)])


def recorded(house: House, **attributes: str) -> dict[str, str]:
    """Attributes of a recorded conference with every callback of its recording to /recording."""
    if not house.application.to("/recording"):
        house.application.takes_callbacks("/recording")
    return {
        "record": "record-from-start",
        "recordBeep": "false",
        "beep": "false",
        "recordingStatusCallback": house.application.url("/recording"),
        "recordingStatusCallbackEvent": "in-progress completed absent",
    } | attributes


def recording_callbacks(house: House, count: int, timeout: float = 8.0) -> list[dict[str, str]]:
    return [request.fields for request in house.application.wait_for("/recording", count, timeout)]


def listen(fields: dict[str, str]) -> sound.Samples:
    """The file behind RecordingUrl."""
    answer = requests.get(fields["RecordingUrl"], timeout=5)
    assert answer.status_code == 200, answer.text
    samples, rate = soundfile.read(io.BytesIO(answer.content), dtype="int16", always_2d=True)
    assert rate == sound.RATE
    return np.ascontiguousarray(samples[:, 0])


def seconds(samples: sound.Samples) -> float:
    return len(samples) / sound.RATE
