"""The process that holds the softphones: `python _phone_worker.py FD DIRECTORY PORT RTP_PORT RTP_RANGE`.

pjsua2 brings native threads that call into Python, which a gevent-patched process does not survive, so it
lives here, unpatched. Commands come and events go as JSON lines over the inherited socket FD. The
sound at a phone is appended to DIRECTORY/<phone>.heard, one record a 20 ms frame: time.monotonic() when the
frame came out of the jitter buffer (double), then 160 samples (int16, 8 kHz). Nothing is analysed here.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import re
import select
import socket
import struct
import sys
import threading
import time
import traceback
import wave
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pjsua2 as pj

RATE = 8000
FRAME_SAMPLES = 160
FRAME_BYTES = 2 * FRAME_SAMPLES
SILENCE = bytes(FRAME_BYTES)
POLL_MS = 5
MAX_CALLS = 4  # what the wheel is compiled for; more calls need more of these processes


def frame_bytes(vector: Any) -> bytes:
    """The content of a std::vector<unsigned char>: in every C++ library its first words are begin and end.
    Iterating through SWIG instead is too slow for 16 phones."""
    begin, end = (ctypes.c_void_p * 2).from_address(int(vector.this))
    return ctypes.string_at(begin, end - begin) if begin else b""


class CapturePort(pj.AudioMediaPort):
    """Writes what it is sent to a file, frame by frame."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.fd = -1
        self.lock = threading.Lock()  # frames come on pjsua's thread
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, RATE, 1, 20000, 16)
        self.createPort(name, form)

    def open(self, path: Path) -> None:
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        with self.lock:
            fd, self.fd = self.fd, -1
            if fd >= 0:
                os.close(fd)

    def onFrameReceived(self, frame: Any) -> None:
        if self.fd < 0:
            return
        data = frame_bytes(frame.buf) if frame.size else SILENCE
        if len(data) != FRAME_BYTES:
            data = data[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
        with self.lock:
            if self.fd >= 0:
                os.write(self.fd, struct.pack("<d", time.monotonic()) + data)

    def onFrameRequested(self, frame: Any) -> None:
        frame.type = pj.PJMEDIA_FRAME_TYPE_NONE


class Headset:
    """Connects one call at a time with files. Never destroyed, only handed on: pjsua 2.15 takes a port
    off its bridge some time after the port's destructor has run."""

    def __init__(self, name: str) -> None:
        self.capture = CapturePort(name)
        self.players: dict[str, Any] = {}
        self.media: Any = None
        self.player: Any = None

    def connect(self, media: Any, file: Path) -> None:
        if self.capture.fd < 0:
            self.capture.open(file)
        self.media = media
        media.startTransmit(self.capture)
        if self.player is not None:
            self.player.startTransmit(media)

    def speak(self, path: str | None) -> None:
        """From now on: a file from its beginning, repeated; or nothing."""
        if self.player is not None and self.media is not None:
            self.player.stopTransmit(self.media)
        self.player = None
        if path is not None:
            if path not in self.players:
                self.players[path] = pj.AudioMediaPlayer()
                self.players[path].createPlayer(path)
            self.player = self.players[path]
            self.player.setPos(0)
            if self.media is not None:
                self.player.startTransmit(self.media)

    def release(self) -> None:
        """The call is over; its port has left the bridge, and its connections with it."""
        self.media = self.player = None
        self.capture.close()


class Phone(pj.Call):
    """One call. Its media is connected as soon as there is any, early media included."""

    def __init__(self, worker: Worker, name: str, account: Any, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self.worker, self.name = worker, name
        self.headset = worker.headsets.pop() if worker.headsets else Headset(f"headset{name}")
        self.answered = False
        self.last = ""
        self.timers: list[tuple[float, int]] = []  # when to answer, with which code

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        state = {
            pj.PJSIP_INV_STATE_EARLY: "ringing",
            pj.PJSIP_INV_STATE_CONFIRMED: "answered",
            pj.PJSIP_INV_STATE_DISCONNECTED: "ended",
        }.get(info.state)
        if state is None or (state == "ringing" and self.last == "ringing"):
            return
        self.last = state
        self.answered = self.answered or state == "answered"
        status = None
        if state != "ringing":
            status = 200 if self.answered else info.lastStatusCode
        if state == "ended":
            self.headset.release()
            self.worker.finished.append(self)
        self.worker.report(phone=self.name, state=state, status=status, reason=info.lastReason)

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.headset.connect(self.getAudioMedia(index), self.worker.directory / f"{self.name}.heard")
                self.worker.report(phone=self.name, media=True)

    def onDtmfDigit(self, prm: Any) -> None:
        self.worker.report(phone=self.name, digit=prm.digit)


class Account(pj.Account):
    """Takes every call that comes to this port."""

    worker: Worker

    def onIncomingCall(self, prm: Any) -> None:
        self.worker.incoming(self, prm)


class Worker:
    def __init__(
        self, control: socket.socket, directory: Path, port: int, rtp_port: int, rtp_range: int
    ) -> None:
        self.control, self.directory = control, directory
        self.phones: dict[str, Phone] = {}
        self.finished: list[Phone] = []
        self.headsets: list[Headset] = []
        self.behaviours: dict[str, dict[str, Any]] = {}
        self.received = 0
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.logConfig.level = 3
        config.logConfig.consoleLevel = 3
        config.uaConfig.maxCalls = MAX_CALLS
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.medConfig.noVad = True
        config.medConfig.clockRate = RATE
        config.medConfig.sndClockRate = RATE
        config.medConfig.ecTailLen = 0
        # Left alone, it grows to half a second when the machine is busy, and takes a minute to shrink again.
        config.medConfig.jbInit = 20
        config.medConfig.jbMinPre = 20
        config.medConfig.jbMaxPre = 40
        config.medConfig.jbMax = 100
        config.medConfig.sndAutoCloseTime = -1
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = port
        transport.boundAddress = transport.publicAddress = "127.0.0.1"
        ident = self.endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.endpoint.audDevManager().setNullDev()
        self.endpoint.libStart()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU/") else 0)
        self.port = int(self.endpoint.transportGetInfo(ident).localName.rpartition(":")[2])
        self.account = Account()
        self.account.worker = self
        account = pj.AccountConfig()
        account.idUri = f"sip:lab@127.0.0.1:{self.port}"
        account.regConfig.registerOnAdd = False
        media = account.mediaConfig.transportConfig
        media.port, media.portRange, media.boundAddress, media.publicAddress = (
            rtp_port,
            rtp_range,
            "127.0.0.1",
            "127.0.0.1",
        )
        account.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        self.account.create(account)

    def report(self, **event: Any) -> None:
        event["at"] = time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # the tests are over; run() will see it
            self.control.sendall(json.dumps(event).encode() + b"\n")

    def tone(self, hz: float, level: float) -> str:
        """One second of a sine, which the player repeats without a seam when hz is whole."""
        path = self.directory / f"tone{hz:g}at{level:g}.wav"
        if not path.exists():
            peak = 32767 * 10 ** (level / 20)
            turn = 2 * math.pi * hz / RATE
            samples = [round(peak * math.sin(turn * n)) for n in range(RATE)]
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
        return str(path)

    def wanted(self, order: dict[str, Any]) -> str | None:
        """The file that an order wants spoken: its own, or one of a tone."""
        if order.get("file"):
            return str(order["file"])
        return self.tone(order["hz"], order["level"]) if order.get("hz") else None

    def incoming(self, account: Account, prm: Any) -> None:
        request = prm.rdata.wholeMsg
        found = re.match(r"INVITE sips?:([^@;>\s]+)@", request)
        number = unquote(found.group(1)) if found else ""
        self.received += 1
        name = f"in{self.received}"
        phone = Phone(self, name, account, prm.callId)
        self.phones[name] = phone
        behaviour = self.behaviours.get(number) or self.behaviours.get("*")
        sender = phone.getInfo().remoteUri
        self.report(phone=name, incoming=number, sender=sender, request=request, known=behaviour is not None)
        if behaviour is None:
            self.reply(phone, 404)
            return
        if behaviour.get("reject"):
            phone.timers.append((time.monotonic() + behaviour.get("after", 0.0), behaviour["reject"]))
            if behaviour.get("after"):
                self.ring(phone, behaviour)
            return
        self.ring(phone, behaviour)
        if behaviour.get("after") is not None:
            phone.timers.append((time.monotonic() + behaviour["after"], 200))

    def ring(self, phone: Phone, behaviour: dict[str, Any]) -> None:
        """It speaks as soon as there is media: from the answer, or while it rings."""
        self.reply(phone, 180)
        phone.headset.speak(self.wanted(behaviour))
        if behaviour.get("early"):
            self.reply(phone, 183)

    def reply(self, phone: Phone, code: int) -> None:
        prm = pj.CallOpParam(True)
        prm.statusCode = code
        phone.answer(prm)

    def do(self, order: dict[str, Any]) -> None:
        name = order.get("phone", "")
        match order["do"]:
            case "call":
                phone = self.phones[name] = Phone(self, name, self.account)
                phone.headset.speak(self.wanted(order))
                prm = pj.CallOpParam(True)
                prm.txOption.localUri = order["sender"]
                for key, value in order["headers"]:
                    header = pj.SipHeader()
                    header.hName, header.hValue = key, value
                    prm.txOption.headers.append(header)
                try:
                    phone.makeCall(order["uri"], prm)
                except pj.Error as failure:
                    self.report(phone=name, state="ended", status=0, reason=failure.info())
                    self.finished.append(phone)
            case "behave":
                self.behaviours[order["number"]] = order
                self.report(registered=order["number"])
            case "forget":
                self.behaviours.pop(order["number"], None)
            case "quit":
                raise SystemExit
            case verb if (phone := self.phones.get(name)) is not None:
                self.control_phone(phone, verb, order)

    def control_phone(self, phone: Phone, verb: str, order: dict[str, Any]) -> None:
        if verb == "hang up":
            phone.timers.clear()
            prm = pj.CallOpParam(True)
            prm.statusCode = order.get("code", 0)
            phone.hangup(prm)
        elif verb == "answer":
            self.reply(phone, order["code"])
        elif verb == "press":
            prm = pj.CallSendDtmfParam()
            prm.digits, prm.duration, prm.method = order["digits"], order["ms"], pj.PJSUA_DTMF_METHOD_RFC2833
            phone.sendDtmf(prm)
        elif verb == "sound":
            phone.headset.speak(self.wanted(order))

    def run(self) -> None:
        self.report(ready=self.port)
        waiting = b""
        while True:
            self.endpoint.libHandleEvents(POLL_MS)
            self.bury()
            while select.select([self.control], [], [], 0)[0]:
                data = self.control.recv(65536)
                if not data:
                    return
                *lines, waiting = (waiting + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
            self.ring_timers()

    def ring_timers(self) -> None:
        now = time.monotonic()
        for phone in self.phones.values():
            for timer in [timer for timer in phone.timers if timer[0] <= now]:
                phone.timers.remove(timer)
                if phone.last != "ended":
                    self.obey({"do": "answer", "phone": phone.name, "code": timer[1]})

    def bury(self) -> None:
        """Destroys the objects of calls that are over: not inside their own callbacks, and before another
        call begins, since a destructor hangs up whatever call has the number by then."""
        while self.finished:
            phone = self.finished.pop()
            self.headsets.append(phone.headset)
            self.phones.pop(phone.name, None)

    def obey(self, order: dict[str, Any]) -> None:
        try:
            self.do(order)
        except pj.Error as failure:
            self.report(phone=order.get("phone", ""), failure=f"{order}: {failure.info()}")


def main() -> None:
    fd, directory, port, rtp_port, rtp_range = sys.argv[1:]
    with contextlib.suppress(PermissionError):  # FreeSWITCH does the same
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    worker = Worker(socket.socket(fileno=int(fd)), Path(directory), int(port), int(rtp_port), int(rtp_range))
    try:
        with contextlib.suppress(SystemExit, ConnectionError):
            worker.run()
    except Exception:
        traceback.print_exc()
        raise
    finally:
        # libDestroy waits a second for answers that nobody needs; Python's teardown races pjsua2's threads.
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
