"""RecordingUrl: the audio files themselves, of any size, to listeners of any speed, past everybody else."""

from __future__ import annotations

import os
import stat
import time
from io import FileIO
from typing import get_args

from flask import Blueprint, Response, request
from gevent.threadpool import ThreadPool
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from orchestrator.logs import get_logger
from orchestrator.media.audio import AudioError, in_thread
from orchestrator.media.mp3 import Mp3Maker, NotYet, is_fresh
from orchestrator.media.recording_files import RecordingFiles, RecordingKind, is_sid

log = get_logger(__name__)

CONTENT_TYPES: dict[RecordingKind, str] = {"wav": "audio/wav", "mp3": "audio/mpeg"}
CHUNK_BYTES = 256 * 1024
READERS = 4
# Proxies commonly give up after a minute.
MP3_SECONDS = 45.0
# FreeSWITCH buffers 64 KiB of a recording (conference_record.c), at 8 kHz four seconds; and what it left
# unclosed is told as completed ten seconds after the last of it.
QUIET_SECONDS = 8.0
EMPTY_WAV_BYTES = 44


class StillWritten(Exception):
    """FreeSWITCH has not closed this file yet."""


def recordings(files: RecordingFiles, mp3_seconds: float = MP3_SECONDS) -> Blueprint:
    """`/recordings/<sid>.wav` and `.mp3`. Whoever has the address may listen: the sid is 122 random bits.

    In words for people: 403 signature missing, changed or expired; 404 no such recording; 409 still being
    recorded; 500 cannot be read or made an MP3 of; 503 the MP3 takes longer than `mp3_seconds`, ask again.
    """
    blueprint = Blueprint("recordings", __name__)
    readers = ThreadPool(READERS)
    mp3s = Mp3Maker()

    @blueprint.get("/recordings/<name>")
    def recording(name: str) -> Response:
        sid, _, suffix = name.rpartition(".")
        kind = next((kind for kind in get_args(RecordingKind) if kind == suffix), None)
        if kind is None or not is_sid(sid):
            return _told(404, "there is no such recording")
        if files.signer:
            expires, signature = (request.args.get(key, "") for key in ("expires", "signature"))
            refusal = files.signer.refusal(sid, expires, signature)
            if refusal:
                return _told(403, refusal)
        try:
            file = in_thread(_open, files, sid, kind)
            if file is None:
                mp3s.make(files.path(sid), files.path(sid, "mp3"), mp3_seconds)
                file = in_thread(_open_file, files.path(sid, "mp3"))
            return _sent(file, CONTENT_TYPES[kind], readers)
        except (FileNotFoundError, IsADirectoryError):
            return _told(404, "there is no such recording")
        except StillWritten:
            return _told(409, "this is still being recorded", retry_after=QUIET_SECONDS)
        except NotYet:
            return _told(503, "the MP3 of this recording is being made", retry_after=mp3_seconds)
        except (AudioError, OSError) as error:
            log.error("recording not served", recording=sid, kind=kind, problem=str(error))
            return _told(500, f"this recording cannot be given as {kind}")

    return blueprint


def _told(status: int, text: str, retry_after: float = 0.0) -> Response:
    response = Response(f"{text}\n", status, mimetype="text/plain")
    response.cache_control.no_store = True
    if retry_after:
        response.retry_after = max(1, int(retry_after))
    return response


# Run in a thread: a recordings directory may be far away


def _open(files: RecordingFiles, sid: str, kind: RecordingKind) -> FileIO | None:
    """None: the MP3 has to be made. Raises StillWritten or OSError."""
    wav, mp3 = files.path(sid), files.path(sid, "mp3")
    if kind == "mp3" and is_fresh(wav, mp3):
        return _open_file(mp3)
    file = _open_file(wav)
    finished = _is_finished(file)
    if finished and kind == "wav":
        return file
    file.close()
    if not finished:
        raise StillWritten
    return None


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
