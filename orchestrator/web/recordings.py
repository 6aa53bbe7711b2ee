"""RecordingUrl: the audio files themselves."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from flask import Blueprint, Response, abort, send_from_directory


def recordings(directory: Path) -> Blueprint:
    """`/recordings/<sid>.wav` or `.mp3`. Whoever knows the sid, 122 random bits, may listen."""
    blueprint = Blueprint("recordings", __name__)

    @blueprint.get("/recordings/<name>")
    def recording(name: str) -> Response:
        sid, _, kind = name.rpartition(".")
        if kind not in ("wav", "mp3") or not _is_sid(sid):
            abort(404)
        return send_from_directory(directory.absolute(), name, conditional=True)

    return blueprint


def _is_sid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
