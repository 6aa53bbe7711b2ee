"""The demo's other side, as a customer has it: a small TeXML application and a callback receiver."""

from __future__ import annotations

import base64
import io
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
from flask import Flask, Response, request
from gevent.pywsgi import WSGIServer
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from orchestrator.callbacks.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from orchestrator.demo.callers import GOODBYE_SECONDS, MUSIC, SOUNDS_HZ, Callers, document

RATE = 8000
MUSIC_SECONDS = 2.0


@dataclass(frozen=True)
class Callback:
    """One callback as it came. `at` is Unix time; `late_ms` is how long after its Timestamp that was."""

    fields: dict[str, str]
    at: float
    late_ms: float
    verified: bool

    @property
    def sequence(self) -> int:
        return int(self.fields.get("SequenceNumber", "-1"))

    @property
    def event(self) -> str:
        return self.fields.get("StatusCallbackEvent", "?")

    @property
    def caller(self) -> str:
        return self.fields.get("From", "")

    @property
    def happened_at(self) -> float:
        return self.at - self.late_ms / 1000


class Application:
    """Answers /voice with the caller's document, serves the sounds, and takes callbacks at /events."""

    def __init__(self, callers: Callers, public_key: str, *, pace: float, ring_seconds: int) -> None:
        self.callbacks: list[Callback] = []
        self.on_callback: Callable[[Callback], None] = lambda callback: None
        self._callers = callers
        self._key = VerifyKey(base64.b64decode(public_key))
        self._pace = pace
        self._ring_seconds = ring_seconds
        flask = Flask(__name__)
        flask.add_url_rule("/voice", view_func=self._voice, methods=["POST"])
        flask.add_url_rule("/sounds/<name>.wav", view_func=self._sound)
        flask.add_url_rule("/events", view_func=self._event, methods=["POST"])
        self._server = WSGIServer(("127.0.0.1", 0), flask, log=None, error_log=None)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop(timeout=1)

    @property
    def voice_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/voice"

    def _voice(self) -> Response:
        caller = self._callers.by_number(request.form["From"])
        if caller is None:
            return Response("<Response><Reject/></Response>", mimetype="application/xml")
        return Response(document(caller, self._ring_seconds), mimetype="application/xml")

    def _sound(self, name: str) -> Response:
        if name not in SOUNDS_HZ:
            return Response(status=404)
        seconds = MUSIC_SECONDS if name == MUSIC else max(0.6, GOODBYE_SECONDS * self._pace)
        return Response(tone(SOUNDS_HZ[name], seconds), mimetype="audio/wav")

    def _event(self) -> Response:
        at = time.time()
        # Before .form, which would consume it: the signature is over the bytes as they came.
        body = request.get_data()
        fields = request.form.to_dict()
        callback = Callback(fields, at, (at - _seconds(fields["Timestamp"])) * 1000, self._genuine(body))
        self.callbacks.append(callback)
        self.on_callback(callback)
        return Response(status=204)

    def _genuine(self, body: bytes) -> bool:
        signed = request.headers.get(TIMESTAMP_HEADER, "").encode() + b"|" + body
        try:
            self._key.verify(signed, base64.b64decode(request.headers.get(SIGNATURE_HEADER, "")))
        except (BadSignatureError, ValueError):
            return False
        return True


def tone(hz: float, seconds: float) -> bytes:
    """A WAV file of a sine."""
    samples = 0.2 * np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE)
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _seconds(timestamp: str) -> float:
    moment = datetime.fromisoformat(timestamp.removesuffix("Z"))
    return moment.replace(tzinfo=timezone.utc).timestamp()
