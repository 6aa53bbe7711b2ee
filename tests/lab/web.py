"""The application in a test's hands: serves TeXML and sounds, takes callbacks, remembers every request."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import gevent
import gevent.event
from gevent.pywsgi import WSGIServer

from tests.lab import sound


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came. Header names are lower-case; `form` keeps order and repetition."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    form: tuple[tuple[str, str], ...]
    at: float  # time.monotonic() when it had come in whole

    @property
    def fields(self) -> dict[str, str]:
        """The form, or the query of a GET; of a repeated name the first."""
        pairs = self.form or tuple(parse_qsl(self.query, keep_blank_values=True))
        return dict(reversed(pairs))


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a route, after `delay` seconds, or never (`hangs`: the connection stays open, silent)."""

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hangs: bool = False


Answering = Answer | str | bytes | int | Callable[[Request], "Answer | str | bytes | int"]


class Application:
    """An HTTP server on 127.0.0.1. Unknown paths get 404 and are remembered like the others."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._routes: dict[str, list[Answering]] = {}
        self._came = gevent.event.Event()
        self._closing = gevent.event.Event()
        self._server = WSGIServer(("127.0.0.1", 0), self._serve, log=None, error_log=None)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._closing.set()
        self._server.stop(timeout=1)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    # Answers

    def route(self, path: str, *answers: Answering) -> str:
        """Answers to `path`, one after the other; the last stays. An answer is an Answer, a body, a status
        number or a function of the request that gives one of them. Returns the URL."""
        if not answers:
            raise ValueError("a route needs an answer")
        self._routes[path] = list(answers)
        return self.url(path)

    def document(self, path: str, *documents: str, status: int = 200, delay: float = 0.0) -> str:
        """TeXML at `path`; several documents are given out one after the other. Returns the URL."""
        head = {"Content-Type": "application/xml"}
        return self.route(path, *(Answer(document, status, head, delay) for document in documents))

    def takes_callbacks(self, path: str = "/callbacks", *answers: Answering) -> str:
        """A place for callbacks, answered with 204. Returns the URL."""
        return self.route(path, *(answers or (204,)))

    def tone(self, hz: float, seconds: float = 1.0, level_db: float = -12.0) -> str:
        """The URL of a WAV file of a sine."""
        return self.samples(f"/tone-{hz:g}-{seconds:g}-{level_db:g}.wav", sound.tone(hz, seconds, level_db))

    def silence(self, seconds: float = 1.0) -> str:
        return self.samples(f"/silence-{seconds:g}.wav", sound.silence(seconds))

    def samples(self, path: str, samples: sound.Samples, rate: int = sound.RATE) -> str:
        data = io.BytesIO()
        with wave.open(data, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(samples.astype("<i2").tobytes())
        return self.route(path, Answer(data.getvalue(), headers={"Content-Type": "audio/wav"}))

    def speech(self, text: str) -> str:
        """The URL of a spoken text; needs espeak-ng (see `can_speak`)."""
        spoken = subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True).stdout
        path = f"/speech-{len(self._routes)}.wav"
        return self.route(path, Answer(spoken, headers={"Content-Type": "audio/wav"}))

    @staticmethod
    def can_speak() -> bool:
        return shutil.which("espeak-ng") is not None

    # Requests

    def to(self, path: str) -> list[Request]:
        """The requests to a path, in order."""
        return [request for request in self.requests if request.path == path]

    def wait_for(
        self, wanted: str | Callable[[Request], bool], count: int = 1, timeout: float = 15.0
    ) -> list[Request]:
        """Waits for `count` requests to a path, or that fit a predicate; returns all that fit."""
        deadline = time.monotonic() + timeout
        while True:
            self._came.clear()
            found = [request for request in self.requests if fits(wanted, request)]
            if len(found) >= count:
                return found
            if not self._came.wait(max(0.0, deadline - time.monotonic())):
                came = [f"{request.method} {request.path}" for request in self.requests[-10:]]
                raise AssertionError(f"{len(found)} of {count} requests in {timeout:g} s; last came {came}")

    def _serve(self, environ: dict, start_response: Callable) -> list[bytes]:
        request = read_request(environ)
        self.requests.append(request)
        self._came.set()
        answers = self._routes.get(request.path, [404])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, int):
            answer = Answer(status=answer)
        elif isinstance(answer, str | bytes):
            answer = Answer(answer)
        if answer.hangs:
            self._closing.wait()
        self._closing.wait(answer.delay)
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {"Content-Type": "text/plain; charset=utf-8", **answer.headers}
        if answer.status != 204:
            headers["Content-Length"] = str(len(body))
        start_response(f"{answer.status} -", list(headers.items()))
        return [body] if request.method != "HEAD" else []


def fits(wanted: str | Callable[[Request], bool], request: Request) -> bool:
    return request.path == wanted if isinstance(wanted, str) else wanted(request)


def read_request(environ: dict) -> Request:
    body = environ["wsgi.input"].read()
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    form: tuple[tuple[str, str], ...] = ()
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = tuple(parse_qsl(body.decode(), keep_blank_values=True))
    return Request(
        environ["REQUEST_METHOD"],
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        headers,
        body,
        form,
        time.monotonic(),
    )
