"""A conference profile: parameters of FreeSWITCH's mod_conference with the limits its source sets.

Source: conference_new() in mod_conference.c and the flag names in conference_utils.c, FreeSWITCH 1.10.12.
Left out on purpose: video, PINs, menus, FreeSWITCH's own recording, and whatever hides events.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from orchestrator.config.fields import Name, Section, setting_error
from orchestrator.config.keys import SAYS_THE_LEVEL, Action, Digits
from orchestrator.config.presets import PRESETS, Preset

Rate = Literal["8000", "16000", "24000", "32000", "44100", "48000", "auto"]
Interval = Literal["10", "20", "30", "40", "50", "60", "70", "80", "90", "100", "110", "120", "auto"]
MemberFlag = Literal["mute-detect", "dist-dtmf", "skip-dtmf", "nomoh"]
ConferenceFlag = Literal["audio-always", "rfc-4579"]

QUIET, FLOOR = ".quiet", ".floor"

_MONO = "mixes are mono: FreeSWITCH adds both channels of a stereo mix for a caller with one, 6 dB too loud"
_NOT_HERE = {
    "positional": _MONO,
    "no-positional": _MONO,
    "auto-3d-position": _MONO,
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
        raise setting_error(f"the flag {value} cannot be set in a profile", _NOT_HERE[value])
    return value


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _recordable(value: object) -> object:
    """mod_sndfile opens no WAV file of 12000 Hz."""
    if value == "12000":
        raise setting_error("FreeSWITCH mixes at 12000 Hz and cannot record it", "8000 or 16000")
    return value


def _mono(value: object) -> object:
    if value in ("2", "auto"):
        raise setting_error(f"channels: {value} cannot be set in a profile", _MONO)
    return value


class Sounds(Section):
    """Files or tone_stream:// played by FreeSWITCH itself.

    Join and leave beeps are not among them: the document says who beeps, and a joiner must not hear its own.
    """

    muted: str | None = Field(default=None, description="to a participant that is muted")
    unmuted: str | None = Field(default=None, description="to a participant that is heard again")
    kicked: str | None = Field(default=None, description="to a participant that is taken out")
    deaf: str | None = Field(default=None, description="to a participant that no longer hears")
    undeaf: str | None = Field(default=None, description="to a participant that hears again")
    alone: str | None = Field(default=None, description="to the last participant left")
    locked: str | None = Field(default=None, description="to callers that find the conference locked")
    is_locked: str | None = Field(default=None, description="to all when it is locked")
    is_unlocked: str | None = Field(default=None, description="to all when it is unlocked")
    mute_detect: str | None = Field(
        default=None,
        description="to a muted participant that speaks, with member flag mute-detect; none: `muted`",
    )
    max_members: str | None = Field(default=None, description="to callers beyond max_members")
    perpetual: str | None = Field(
        default=None, description="to all, over and over; nobody can speak meanwhile"
    )

    @field_validator("*")
    @classmethod
    def _not_empty(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip() or not value.isprintable()):
            raise setting_error("a sound is a path or tone_stream://…", "leave the key out for silence")
        return value


class Profile(Section):
    """One named set of parameters. The attributes of the Conference noun go on top of it."""

    name: Name = Field(description="the key of this profile in the file")
    preset: Preset | None = Field(
        default=None, description="start from phone, hd or large; keys given beside it count before it"
    )
    rate: Annotated[Rate, BeforeValidator(_recordable), BeforeValidator(_number_as_text)] = Field(
        default="8000",
        description="Hz of the mix: 8000 is a phone line, 48000 all that Opus has; auto: the first caller's",
    )
    channels: Annotated[Literal["1"], BeforeValidator(_mono), BeforeValidator(_number_as_text)] = Field(
        default="1", description="of the mix: it is mono, whatever callers have"
    )
    interval: Annotated[Interval, BeforeValidator(_number_as_text)] = Field(
        default="20",
        description="ms of one frame of the mix: longer is less work for FreeSWITCH and more delay",
    )
    energy_level: int = Field(
        default=100,
        ge=0,
        le=32767,
        description="average amplitude from which a frame is speech; quieter ones are left out of the mix. "
        "0: everything is mixed, and no speaker callbacks come",
    )
    auto_energy_level: int | None = Field(
        default=None,
        ge=1,
        le=32767,
        description="raise the energy_level of a noisy participant by itself, up to this; none: never",
    )
    auto_energy_seconds: int | None = Field(
        default=None,
        ge=1,
        le=3600,
        description="of silence, after which a raised energy_level comes down a step; none: 5",
    )
    max_energy_level: int | None = Field(
        default=None,
        ge=1,
        le=32767,
        description="louder frames than this are muted for a moment; none: never",
    )
    max_energy_hit_trigger: int = Field(
        default=5, ge=1, le=1000, description="frames above max_energy_level until it mutes"
    )
    max_energy_level_mute_ms: int | None = Field(
        default=None, ge=10, le=60000, description="how long it then mutes; none: FreeSWITCH's own, a frame"
    )
    auto_gain_level: int | None = Field(
        default=None,
        ge=1,
        le=32767,
        description="automatic gain: the average amplitude that each participant is brought to; none: off",
    )
    auto_gain_low_energy_level: int | None = Field(
        default=None, ge=1, le=32767, description="automatic gain: below this it goes up at once"
    )
    auto_gain_margin: int | None = Field(
        default=None,
        ge=1,
        le=32767,
        description="automatic gain: how far from auto_gain_level nothing is changed; none: 100",
    )
    auto_gain_change_factor: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="automatic gain: periods too loud or too quiet until it changes; none: 2",
    )
    auto_gain_period_len: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="automatic gain: frames in a period; none: half a second of them",
    )
    comfort_noise: int = Field(
        default=0,
        ge=0,
        le=9999,
        description="faint noise where nobody speaks. 0 or false: none; true: 1400; larger is fainter, "
        "up to 9999",
    )
    max_members: int | None = Field(
        default=None,
        ge=2,
        le=10000,
        description="FreeSWITCH's own limit, beside maxParticipants; none: no limit",
    )
    moh_sound: str | None = Field(
        default=None, description="heard by a lone member; none: silence. Waiting music is not this one"
    )
    sound_prefix: str | None = Field(
        default=None, description="directory, as FreeSWITCH sees it, where relative sounds start"
    )
    sounds: Sounds = Sounds()
    member_flags: tuple[Annotated[MemberFlag, BeforeValidator(_settable)], ...] = Field(
        default=(),
        description="of each participant. mute-detect: notice when the muted speak; dist-dtmf: pass "
        "keys on to the "
        "others; skip-dtmf: keep those away; nomoh: no moh_sound",
    )
    conference_flags: tuple[Annotated[ConferenceFlag, BeforeValidator(_settable)], ...] = Field(
        default=(),
        description="of the room. audio-always: mix everybody, speaking or not; "
        "rfc-4579: mark the conference in SIP",
    )
    caller_controls: dict[Digits, Action] = Field(
        default={},
        description="key or keys -> what they do: mute, mute on, mute off, floor, hangup (out of the "
        "room, on "
        "with the document), energy up, dn and equ, vol talk and vol listen up, dn and zero; "
        "none: keys belong to the document",
    )
    key_timeout_ms: int = Field(
        default=500,
        ge=500,
        le=10000,
        description="between two keys of a caller_controls entry of several",
    )
    timer_name: Name = Field(default="soft", description="FreeSWITCH's timer that paces the mix")
    caller_id_name: str | None = Field(
        default=None, description="name in calls that FreeSWITCH's conference itself makes"
    )
    caller_id_number: str | None = Field(
        default=None, description="number in calls that FreeSWITCH's conference itself makes"
    )
    tts_engine: Name | None = Field(
        default=None, description="FreeSWITCH's speech for sounds that begin with say:"
    )
    tts_voice: Name | None = Field(default=None, description="voice of tts_engine")
    heartbeat_period_secs: int | None = Field(
        default=None, ge=20, le=86400, description="between conference-heartbeat events; none: off"
    )
    terminate_on_silence_secs: int | None = Field(
        default=None, ge=1, le=86400, description="ends a room that was silent for so long; none: never"
    )
    endconf_grace_secs: int | None = Field(
        default=None,
        ge=1,
        le=3600,
        description="between FreeSWITCH's own end of a conference and its leaving; none: 0",
    )

    @field_validator("name")
    @classmethod
    def _no_twin(cls, value: str) -> str:
        # Each profile is rendered once more under each of these.
        for twin in (QUIET, FLOOR):
            if value.endswith(twin):
                raise setting_error(f"the name of a profile does not end in {twin}", "another name")
        return value

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(preset := data.get("preset"), str):
            return {**PRESETS.get(preset, {}), **data}
        return data

    @field_validator("caller_controls", mode="before")
    @classmethod
    def _keys(cls, value: object) -> object:
        return {} if value == "none" else value

    @field_validator("comfort_noise", mode="before")
    @classmethod
    def _noise(cls, value: object) -> object:
        words = {"true": "1400", "yes": "1400", "on": "1400", "false": "0", "no": "0", "off": "0"}
        value = words.get(str(value).lower(), value)
        if str(value) == "1":
            raise setting_error("1 is no level of comfort noise", "true, false, or 2 to 9999")
        return value

    @model_validator(mode="after")
    def _levels_fit(self) -> Profile:
        if self.max_energy_level is not None and self.max_energy_level < self.energy_level:
            # FreeSWITCH would silently switch the limit off.
            raise setting_error("max_energy_level is below energy_level", f"more than {self.energy_level}")
        if self.caller_controls and "dist-dtmf" in self.member_flags:
            raise setting_error(
                "caller_controls and the member flag dist-dtmf exclude each other", "leave one out"
            )
        says = [action for action in self.caller_controls.values() if action in SAYS_THE_LEVEL]
        if says and self.sound_prefix is None:
            raise setting_error(
                f"{says[0]} says the new level, and there is no sound_prefix",
                "the directory with FreeSWITCH's sounds, e.g. /usr/share/freeswitch/sounds/en/us/callie",
            )
        return self
