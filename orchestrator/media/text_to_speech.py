"""Text as sound: by FreeSWITCH's own flite, or by any command that writes a WAV."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from gevent import subprocess

from orchestrator.media.audio import AudioError
from orchestrator.media.audio_cache import AudioCache, AudioFile


class SpeechError(Exception):
    """The engine said nothing; the text names it and the reason."""


class CommandSpeech:
    """`argv` with `{text_file}`, `{out}` and `{voice}` filled in; no shell. A spoken text is kept."""

    def __init__(self, audio_cache: AudioCache, argv: Sequence[str], timeout: float) -> None:
        self._audio_cache = audio_cache
        self._argv = tuple(argv)
        self._timeout = timeout

    def sound(self, text: str, voice: str) -> AudioFile:
        """Raises SpeechError. Blocks this greenlet only."""
        name = "say-" + sha256("\0".join((*self._argv, voice, text)).encode()).hexdigest()
        try:
            return self._audio_cache.made(name, lambda path: self._speak(text, voice, path))
        except (OSError, subprocess.SubprocessError, AudioError) as error:
            raise SpeechError(f"{self._argv[0]}: {error}") from error

    def _speak(self, text: str, voice: str, path: Path) -> None:
        # Two callers may want the same words at once.
        unfinished = path.with_suffix(f".{uuid4().hex}.part")
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as text_file:
            text_file.write(text)
            text_file.flush()
            values = {"text_file": text_file.name, "out": str(unfinished), "voice": voice}
            argv = [_fill(word, values) for word in self._argv]
            subprocess.run(argv, check=True, timeout=self._timeout, capture_output=True)
        os.replace(unfinished, path)


def _fill(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
