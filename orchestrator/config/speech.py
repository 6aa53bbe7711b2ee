"""Settings of <Say>: the speech engine and its voices."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_validator, model_validator

from orchestrator.config.fields import Seconds, Section, setting_error
from orchestrator.config.patterns import best

FLITE_VOICES = ("awb", "kal", "rms", "slt")


class Voice(NamedTuple):
    """A voice of the speech engine."""

    name: str
    as_asked: bool
    """False: the document asked for a voice or language that is not there."""


class Speech(Section):
    """<Say>. The voices map what a document may ask for to a voice of the engine."""

    engine: Literal["flite", "command"] = Field(
        default="flite", description="flite: FreeSWITCH's mod_flite; command: a program of yours"
    )
    default_voice: str = Field(default="slt", description="for a voice that is not in voices")
    voices: dict[str, str] = Field(
        default={"man": "rms", "woman": "slt", "alice": "slt", "Polly.*": "slt"},
        description="name or pattern -> voice; the most specific one that fits wins",
    )
    command: tuple[str, ...] = Field(
        default=(),
        description="for engine command: argv, no shell; {text_file}, {out} and {voice} are filled in",
    )
    timeout_secs: Seconds = Field(default=20.0, description="for engine command")

    @model_validator(mode="before")
    @classmethod
    def _own_voices(cls, data: object) -> object:
        """The default map leads to flite's voices, which another engine does not have."""
        if isinstance(data, dict) and data.get("engine") == "command":
            return {"voices": {}} | data
        return data

    @field_validator("default_voice", "voices")
    @classmethod
    def _engine_has_it(cls, value: str | dict[str, str], info: ValidationInfo) -> str | dict[str, str]:
        if info.data.get("engine") == "flite":
            for voice in (value,) if isinstance(value, str) else value.values():
                if voice not in FLITE_VOICES:
                    raise setting_error(f"flite has no voice {voice}", f"one of {', '.join(FLITE_VOICES)}")
        return value

    @model_validator(mode="after")
    def _engine_fits(self) -> Speech:
        if self.engine == "command":
            missing = [
                part for part in ("{text_file}", "{out}") if not any(part in word for word in self.command)
            ]
            if missing:
                raise setting_error(
                    f"engine command needs a command with {' and '.join(missing)}",
                    "e.g. command: [espeak-ng, -v, '{voice}', -f, '{text_file}', -w, '{out}']",
                )
            if "default_voice" not in self.model_fields_set:
                raise setting_error(
                    "engine command needs a default_voice of its own", "e.g. default_voice: en"
                )
        elif self.command:
            raise setting_error("command goes with engine: command")
        return self

    def voice(self, asked: str, language: str | None = None) -> Voice:
        """The engine's voice for the one that a document asks for: by voice and language, else by voice."""
        if language and (pattern := best((key for key in self.voices if " " in key), f"{asked} {language}")):
            return Voice(self.voices[pattern], as_asked=True)
        pattern = best(self.voices, asked)
        english = not language or language.lower().startswith("en") or self.engine != "flite"
        return Voice(self.voices[pattern] if pattern else self.default_voice, bool(pattern) and english)
