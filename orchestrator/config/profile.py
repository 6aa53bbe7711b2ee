"""A conference profile: parameters of FreeSWITCH's mod_conference with the limits its source sets.

Source: conference_new() in mod_conference.c and the flag names in conference_utils.c, FreeSWITCH 1.10.12.
Left out on purpose: video, PINs, menus, FreeSWITCH's own recording, and whatever hides events.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from orchestrator.config.fields import Name, Section, fault

Rate = Literal["8000", "12000", "16000", "24000", "32000", "44100", "48000", "auto"]
Interval = Literal["10", "20", "30", "40", "50", "60", "70", "80", "90", "100", "110", "120", "auto"]
MemberFlag = Literal["mute-detect", "dist-dtmf", "skip-dtmf", "nomoh", "positional", "no-positional"]
ConferenceFlag = Literal["audio-always", "auto-3d-position", "rfc-4579"]

_NOT_HERE = {
    "mute": "the document says it: muted",
    "deaf": "nobody may be deaf from the start",
    "endconf": "the document says it: endConferenceOnExit",
    "mintwo": "the document and conference.min_participants_to_start say when a room starts and ends",
    "moderator": "the document says who starts a room: startConferenceOnEnter",
    "wait-mod": "callers wait outside the room: startConferenceOnEnter",
    "join-only": "it would refuse the first participant of every room",
    "ghost": "a ghost is not counted, and maxParticipants would not hold",
    "json-events": "the orchestrator reads the events in their usual form",
    "restart-auto-record": "the document says it: record",
}


def _settable(value: object) -> object:
    if isinstance(value, str) and value in _NOT_HERE:
        raise fault(f"the flag {value} cannot be set in a profile", _NOT_HERE[value])
    return value


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Sounds(Section):
    """Files or tone_stream:// played by FreeSWITCH itself.

    Join and leave beeps are not among them: the document says who beeps, and a joiner must not hear its own.
    """

    muted: str | None = None
    unmuted: str | None = None
    kicked: str | None = None
    deaf: str | None = None
    undeaf: str | None = None
    alone: str | None = None
    locked: str | None = None
    is_locked: str | None = None
    is_unlocked: str | None = None
    mute_detect: str | None = None
    max_members: str | None = None
    perpetual: str | None = None

    @field_validator("*")
    @classmethod
    def _not_empty(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip() or not value.isprintable()):
            raise fault("a sound is a path or tone_stream://…", "leave the key out for silence")
        return value


class Profile(Section):
    """One named set of parameters. What the Conference noun says goes on top of it."""

    name: Name = Field(description="the key of this profile in the file")
    rate: Annotated[Rate, BeforeValidator(_number_as_text)] = Field(
        default="8000", description="Hz of the mix; auto: the first caller's"
    )
    channels: Literal["1", "2", "auto"] = Field(default="1", description="1 mono, 2 stereo")
    interval: Annotated[Interval, BeforeValidator(_number_as_text)] = Field(
        default="20", description="ms of one frame of the mix"
    )
    energy_level: int = Field(
        default=100,
        ge=0,
        le=32767,
        description="how loud speech is; 0: everything is, and no speaker callbacks come",
    )
    auto_energy_level: int | None = Field(
        default=None, ge=1, le=32767, description="let energy_level follow the noise up to this"
    )
    auto_energy_seconds: int | None = Field(default=None, ge=1, le=3600)
    max_energy_level: int | None = Field(
        default=None, ge=1, le=32767, description="louder than this is muted for a moment"
    )
    max_energy_hit_trigger: int = Field(
        default=5, ge=1, le=1000, description="frames above max_energy_level that mute"
    )
    max_energy_level_mute_ms: int | None = Field(default=None, ge=10, le=60000)
    auto_gain_level: int | None = Field(
        default=None, ge=1, le=32767, description="automatic gain to this level; none: off"
    )
    auto_gain_low_energy_level: int | None = Field(default=None, ge=1, le=32767)
    auto_gain_margin: int | None = Field(default=None, ge=1, le=32767)
    auto_gain_change_factor: int | None = Field(default=None, ge=1, le=100)
    auto_gain_period_len: int | None = Field(
        default=None, ge=1, le=1000, description="frames between two changes"
    )
    comfort_noise: int = Field(
        default=0, ge=0, le=9999, description="0: off; true: 1400; 2 to 9999: its level"
    )
    max_members: int | None = Field(
        default=None, ge=2, le=10000, description="FreeSWITCH's own limit, beside maxParticipants"
    )
    moh_sound: str | None = Field(
        default=None, description="heard by a lone member; none: silence. Waiting music is not this one"
    )
    sound_prefix: str | None = None
    sounds: Sounds = Sounds()
    member_flags: tuple[Annotated[MemberFlag, BeforeValidator(_settable)], ...] = ()
    conference_flags: tuple[Annotated[ConferenceFlag, BeforeValidator(_settable)], ...] = ()
    caller_controls: Literal["none"] = Field(
        default="none", description="keys belong to the document, never to FreeSWITCH"
    )
    timer_name: Name = "soft"
    caller_id_name: str | None = Field(
        default=None, description="of calls that FreeSWITCH's conference itself makes"
    )
    caller_id_number: str | None = None
    tts_engine: Name | None = None
    tts_voice: Name | None = None
    heartbeat_period_secs: int | None = Field(
        default=None, ge=20, le=86400, description="conference-heartbeat events; none: off"
    )
    terminate_on_silence_secs: int | None = Field(
        default=None, ge=1, le=86400, description="ends a silent room"
    )
    endconf_grace_secs: int | None = Field(default=None, ge=1, le=3600)

    @field_validator("comfort_noise", mode="before")
    @classmethod
    def _noise(cls, value: object) -> object:
        words = {"true": "1400", "yes": "1400", "on": "1400", "false": "0", "no": "0", "off": "0"}
        value = words.get(str(value).lower(), value)
        if str(value) == "1":
            raise fault("1 is no level of comfort noise", "true, false, or 2 to 9999")
        return value

    @model_validator(mode="after")
    def _levels_fit(self) -> Profile:
        if self.max_energy_level is not None and self.max_energy_level < self.energy_level:
            # FreeSWITCH would silently switch the limit off.
            raise fault("max_energy_level is below energy_level", f"more than {self.energy_level}")
        return self
