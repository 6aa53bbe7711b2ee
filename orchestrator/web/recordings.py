"""RecordingUrl: the audio files themselves, of any size, to listeners of any speed, past everybody else."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import get_args

from flask import Blueprint, Response, request
from gevent.threadpool import ThreadPool
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from orchestrator.logs import get_logger
from orchestrator.media.audio import AudioError, in_thread
from orchestrator.recordings.files import RecordingKind, RecordingsOfNodes, is_sid
from orchestrator.recordings.mp3 import Converter, NotYet, is_fresh

log = get_logger(__name__)

CONTENT_TYPES: dict[RecordingKind, str] = {"wav": "audio/wav", "mp3": "audio/mpeg"}
CHUNK_BYTES = 256 * 1024
READERS = 4
# Proxies commonly time out after a minute.
CONVERT_SECONDS = 45.0
# FreeSWITCH buffers 64 KiB of a recording (conference_record.c), at 8 kHz four seconds; and what it left
# unclosed is reported as completed ten seconds after the last of it.
QUIET_SECONDS = 8.0
EMPTY_WAV_BYTES = 44


class StillWritten(Exception):
    """FreeSWITCH has not closed this file yet."""


class RecordingAudio:
    """Answers requests for the audio of recordings.

    In words for people: 404 no such recording; 409 still being recorded; 500 cannot be read or converted; 503
    converting takes longer than `convert_seconds`, ask again.
    """

    def __init__(
        self,
        files: RecordingsOfNodes,
        convert_seconds: float = CONVERT_SECONDS,
        is_open: Callable[[str], bool] = lambda sid: False,
    ) -> None:
        """`is_open`: whether this one is known to be written still; an unknown file is judged by
        its header and its age, and one that is paused does not grow."""
        self._files = files
        self._is_open = is_open
        self._convert_seconds = convert_seconds
        self._readers = ThreadPool(READERS)
        self._converter = Converter()

    def refusal(self, sid: str) -> str:
        """Why the present request may not hear it without an account's key; empty where it may."""
        signer = self._files.signer
        if signer is None:
            return ""
        expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
        return signer.refusal(sid, expires, _without_suffix(signature)[0])

    def answer(self, sid: str, kind: RecordingKind | None) -> Response:
        """`kind` None: the one that there is. A suffix that a client has put at the end of a signed address
        counts more."""
        if not is_sid(sid):
            return _message(404, "there is no such recording")
        kind = _without_suffix(request.args.get("signature", ""))[1] or kind or self._kind_of(sid)
        path = in_thread(self._files.path, sid, kind)
        source = path.with_suffix(".wav" if kind == "mp3" else ".mp3")
        try:
            if self._is_open(sid):
                raise StillWritten
            file = in_thread(_open, path, source)
            if file is None:
                self._converter.make(source, path, self._convert_seconds)
                file = in_thread(_open_file, path)
            return _sent(file, CONTENT_TYPES[kind], self._readers)
        except (FileNotFoundError, IsADirectoryError):
            return _message(404, "there is no such recording")
        except StillWritten:
            return _message(409, "this is still being recorded", retry_after=QUIET_SECONDS)
        except NotYet:
            text = f"the {kind.upper()} of this recording is being made"
            return _message(503, text, retry_after=self._convert_seconds)
        except (AudioError, OSError) as error:
            log.error("recording not served", recording=sid, kind=kind, problem=str(error))
            return _message(500, f"this recording cannot be given as {kind}")

    def _exists(self, sid: str, kind: RecordingKind) -> bool:
        return self._files.path(sid, kind).exists()

    def _kind_of(self, sid: str) -> RecordingKind:
        wav, mp3 = (in_thread(self._exists, sid, kind) for kind in get_args(RecordingKind))
        return "mp3" if mp3 and not wav else "wav"


def recordings(audio: RecordingAudio) -> Blueprint:
    """`/recordings/<sid>`, with `.wav` or `.mp3` or both behind it: the last one counts. Everybody with the
    address may listen: the sid is 122 random bits; 403 where a signature is missing, changed or expired."""
    blueprint = Blueprint("recordings", __name__)

    @blueprint.get("/recordings/<name>")
    def recording(name: str) -> Response:
        sid, kind = name, None
        while (cut := _without_suffix(sid))[1] is not None:
            sid, kind = cut[0], kind or cut[1]
        if not is_sid(sid):
            return _message(404, "there is no such recording")
        if refusal := audio.refusal(sid):
            return _message(403, refusal)
        return audio.answer(sid, kind)

    return blueprint


def _without_suffix(text: str) -> tuple[str, RecordingKind | None]:
    """`text`, and the kind that its end names."""
    for kind in get_args(RecordingKind):
        if text.endswith(f".{kind}"):
            return text.removesuffix(f".{kind}"), kind
    return text, None


def _message(status: int, text: str, retry_after: float = 0.0) -> Response:
    response = Response(f"{text}\n", status, mimetype="text/plain")
    response.cache_control.no_store = True
    if retry_after:
        response.retry_after = max(1, int(retry_after))
    return response


# Run in a thread: a recordings directory may be far away


def _open(path: Path, other: Path) -> FileIO | None:
    """None: it has to be made of `other`. Raises StillWritten or OSError."""
    if path.suffix == ".mp3":
        if is_fresh(other, path):
            return _open_file(path)
        _open_finished(other).close()
        return None
    if not path.exists() and other.exists():
        return None
    return _open_finished(path)


def _open_finished(wav: Path) -> FileIO:
    file = _open_file(wav)
    if _is_finished(file):
        return file
    file.close()
    raise StillWritten


def _open_file(path: os.PathLike[str]) -> FileIO:
    file = FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FileNotFoundError(path)
    return file


def _is_finished(file: FileIO) -> bool:
    """A WAV's header knows its size only once it is closed. Nothing helps one that nobody will close."""
    found = os.fstat(file.fileno())
    head = os.pread(file.fileno(), 8, 0)
    closed = int.from_bytes(head[4:8], "little") + 8 == found.st_size > EMPTY_WAV_BYTES
    return closed or time.time() - found.st_mtime > QUIET_SECONDS


# Run in the hub


class _Chunks(FileWrapper):
    """The file bit by bit, read in a thread when the listener has taken what came before."""

    def __init__(self, file: FileIO, readers: ThreadPool) -> None:
        super().__init__(file, CHUNK_BYTES)
        self._readers = readers

    def __next__(self) -> bytes:
        data: bytes = self._readers.apply(self.file.read, (self.buffer_size,))
        if not data:
            raise StopIteration
        return data


def _sent(file: FileIO, content_type: str, readers: ThreadPool) -> Response:
    # Of the open file: another one may take its name meanwhile.
    found = os.fstat(file.fileno())
    response = Response(_Chunks(file, readers), mimetype=content_type, direct_passthrough=True)
    response.content_length = found.st_size
    response.last_modified = found.st_mtime  # type: ignore[assignment]
    response.set_etag(f"{found.st_mtime_ns:x}-{found.st_size:x}")
    response.cache_control.private = True
    response.cache_control.no_cache = True
    environ = dict(request.environ)
    wanted = request.range
    # RFC 9110 14.2: what we do not understand is no error, the whole file is a good answer.
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        environ.pop("HTTP_RANGE", None)
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=found.st_size)
    except RequestedRangeNotSatisfiable:
        file.close()
        raise
    return response
