"""Callers inside a real FreeSWITCH: loopback legs into our dialplan that speak and record what they hear.

Each caller is two channels. The far one comes out of the dialplan and is a call like any other; the near
one is the phone. It plays silence, which a tone displaces while the caller speaks, and FreeSWITCH writes
what arrives at it to a file, whose end is the sound at the caller.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import gevent
import numpy as np

from orchestrator.demo.harness import NotReady
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import AuthenticationFailed, CommandFailed, SwitchError
from orchestrator.esl.events import Event

CONTEXT = "texml"  # freeswitch-conf/dialplan/texml.xml
MODULE = "mod_loopback"
RATE = 8000
MEASURED_SAMPLES = int(0.2 * RATE)
WAV_HEADER_BYTES = 44
# A file that has not grown for so long, in seconds, has nothing new to hear in it.
STALE_SECONDS = 0.3
DEAF_SECONDS = 3.0
AUDIBLE = 300.0  # of 32767
PART_OF_LOUDEST = 0.2

_EVENTS = (
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_HANGUP",
    "BACKGROUND_JOB",
)
_VARIABLES = {
    "loopback_bowout": "false",
    # The dialplan looks at it, and a loopback leg has none of its own.
    "network_addr": "127.0.0.1",
    "RECORD_READ_ONLY": "true",
    # Otherwise four seconds pass before the file has the sound.
    "enable_file_write_buffering": "false",
}


class LoopbackPhone:
    """One caller: the near leg of a loopback pair."""

    def __init__(self, connection: Connection, uuid: str, recording: Path) -> None:
        self.state = "calling"
        self.speaking: float | None = None
        self.uuid = uuid
        self.answered_at = 0.0
        self._connection = connection
        self._recording = recording
        self._bytes = 0
        self._grew_at = 0.0

    def on_event(self, event: Event) -> None:
        match event.name:
            case "CHANNEL_PROGRESS" | "CHANNEL_PROGRESS_MEDIA" if self.state == "calling":
                self.state = "ringing"
            case "CHANNEL_ANSWER":
                self.state, self.answered_at = "answered", time.monotonic()
                self._connection.post(commands.execute(self.uuid, "record_session", str(self._recording)))
            case "CHANNEL_HANGUP":
                self.state = "ended"

    @property
    def records(self) -> bool:
        """Whether FreeSWITCH ever wrote something that can be read here."""
        return self._size() > WAV_HEADER_BYTES

    def hearing(self) -> set[float]:
        size = self._size()
        now = time.monotonic()
        if size != self._bytes:
            self._bytes, self._grew_at = size, now
        length = 2 * MEASURED_SAMPLES
        if (
            self.state != "answered"
            or size < WAV_HEADER_BYTES + length
            or now - self._grew_at > STALE_SECONDS
        ):
            return set()
        with self._recording.open("rb") as file:
            file.seek(size - length - size % 2)
            return tones(np.frombuffer(file.read(length), "<i2").astype(np.float64))

    def sounds(self, hz: float | None) -> None:
        if self.speaking is not None:
            self._displace("stop", self.speaking)
        if hz is not None:
            self._displace("start", hz)
        self.speaking = hz

    def press(self, digits: str) -> None:
        if self.state == "answered":
            self._connection.post(commands.send_dtmf(self.uuid, digits))

    def hang_up(self) -> None:
        if self.state != "ended":
            self._connection.post(commands.kill(self.uuid))

    def _displace(self, what: str, hz: float) -> None:
        self._connection.post(f"api uuid_displace {self.uuid} {what} tone_stream://%(1000,0,{hz:g});loops=-1")

    def _size(self) -> int:
        try:
            return self._recording.stat().st_size
        except OSError:
            return 0


def tones(samples: np.ndarray) -> set[float]:
    """The loud frequencies in samples of 16 bits, in Hz."""
    window = np.hanning(len(samples))
    spectrum = np.abs(np.fft.rfft(samples * window)) * 2 / window.sum()
    threshold = max(AUDIBLE, PART_OF_LOUDEST * float(spectrum.max()))
    return {float(index) * RATE / len(samples) for index in np.flatnonzero(spectrum >= threshold)}


class LoopbackSwitch:
    """A real FreeSWITCH that nobody else uses: the demo's orchestrator takes every call that comes to it."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self.host = host
        self.port = port
        self.password = password
        self.version = ""
        self.phones: dict[str, LoopbackPhone] = {}
        self._connection = Connection(host, port, password, node="callers", events=_EVENTS)
        self._connection.on_event.append(self._on_event)
        self._unload = False
        # FreeSWITCH, perhaps as another user, writes what the callers hear.
        self._directory = tempfile.TemporaryDirectory(prefix="orchestrator-ears-", ignore_cleanup_errors=True)
        Path(self._directory.name).chmod(0o777)

    def start(self) -> None:
        """Raises NotReady: not reachable, not idle, or without loopback legs."""
        try:
            self._connection.connect()
            self.version = self._connection.api("version").split()[2].partition("-")[0]
            busy = self.leftovers()
            if busy:
                raise NotReady(
                    f"the FreeSWITCH at {self.host}:{self.port} has {len(busy)} calls or conferences; "
                    "the demo would take over its new calls, so it wants one that nobody uses"
                )
            if self._connection.api(f"module_exists {MODULE}").strip() != "true":
                self._connection.api(f"load {MODULE}")
                self._unload = True
        except AuthenticationFailed as error:
            raise NotReady(
                f"{error}; give its password with --password or in FS_EVENT_SOCKET_PASSWORD"
            ) from error
        except CommandFailed as error:
            raise NotReady(f"this FreeSWITCH cannot make test calls ({MODULE}): {error.reply}") from error
        except SwitchError as error:
            raise NotReady(f"no event socket at {self.host}:{self.port}: {error}") from error

    def stop(self) -> None:
        """Leaves FreeSWITCH as it was."""
        try:
            for phone in self.phones.values():
                phone.hang_up()
            if self._unload:
                gevent.sleep(0.3)
                self._connection.api(f"unload {MODULE}")
        except SwitchError:
            # It is gone, and what was loaded with it.
            pass
        finally:
            self._connection.stop()
            self._directory.cleanup()

    def call(self, to: str, *, from_: str, name: str) -> LoopbackPhone:
        uuid = str(uuid4())
        phone = LoopbackPhone(self._connection, uuid, Path(self._directory.name) / f"{uuid}.wav")
        self.phones[uuid] = phone
        variables = {
            "origination_uuid": uuid,
            "origination_caller_id_number": from_,
            "origination_caller_id_name": name,
            **_VARIABLES,
        }
        destination = commands.DialTarget(f"loopback/{to}/{CONTEXT}")
        dial = commands.dial_string([destination], variables)
        command = commands.originate(dial, "playback", "silence_stream://-1")
        gevent.spawn(self._originate, phone, command)
        return phone

    @property
    def deaf(self) -> str:
        """Why nobody knows what the callers hear; empty while they do."""
        waited = [
            phone
            for phone in self.phones.values()
            if phone.answered_at and time.monotonic() - phone.answered_at > DEAF_SECONDS
        ]
        if waited and not any(phone.records for phone in waited):
            return "this FreeSWITCH does not share its files with us: the callers cannot be heard"
        return ""

    def leftovers(self) -> list[str]:
        listing = json.loads(self._connection.api("show channels as json"))
        left = [f"channel {row.get('name', row.get('uuid'))}" for row in listing.get("rows", [])]
        rooms = self._connection.api("conference json_list").strip()
        if rooms.startswith("["):
            left += [f"conference {room['conference_name']}" for room in json.loads(rooms)]
        return left

    def _originate(self, phone: LoopbackPhone, command: str) -> None:
        try:
            self._connection.bgapi(command, 60.0)
        except SwitchError:
            # A call that ends before it is answered ends its originate with the cause: the phone shows it.
            phone.state = "ended"

    def _on_event(self, event: Event) -> None:
        phone = self.phones.get(event.uuid)
        if phone is not None:
            phone.on_event(event)
