"""Conference profiles of the settings -> conference.conf.xml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from lxml import etree

from orchestrator.config.keys import MUTES
from orchestrator.config.profile import FLOOR, QUIET, Profile, Sounds

# mod_conference's own name where it is not ours with dashes.
_NAMES = {
    "heartbeat_period_secs": "heartbeat-period-sec",
    "terminate_on_silence_secs": "terminate-on-silence",
    "endconf_grace_secs": "endconf-grace-time",
    "key_timeout_ms": "ivr-dtmf-timeout",
}
# A FreeSWITCH that was there before us has profiles too, one called `default` almost always.
PREFIX = "texml."
TalkEvents = Literal["none", "talking", "floor"]
"""FreeSWITCH's talk events of a room: none, start and stop of each speaker, or also changes of the floor."""
_SUFFIXES: dict[TalkEvents, str] = {"none": QUIET, "talking": "", "floor": FLOOR}
NO_KEYS = "none"
KEY = "key "
"""Prefix of the event that a pressed key sends us."""
# By the names of conference_utils_clear_eflags() in mod_conference's conference_utils.c.
# The last one is both play-file-done and play-file-member-done: a beep to nine members would be nine of them.
_ALWAYS_FILTERED = (
    *("energy-level", "volume-level", "gain-level", "dtmf", "mute-detect"),
    *("play-file", "play-file-member", "play-file-done"),
)


def conference_conf(profiles: Mapping[str, Profile]) -> etree._Element:
    """The `conference.conf` configuration with every profile in it."""
    root = etree.Element("configuration", name="conference.conf")
    controls = etree.SubElement(root, "caller-controls")
    # The group exists and is empty: without it mod_conference binds its default keys (0 mutes, # hangs up).
    etree.SubElement(controls, "group", name=NO_KEYS)
    for profile in profiles.values():
        if profile.caller_controls:
            _group(controls, profile)
    found = etree.SubElement(root, "profiles")
    for name, profile in profiles.items():
        for speech in get_args(TalkEvents):
            element = etree.SubElement(found, "profile", name=room_profile(name, speech))
            for parameter, value in parameters(profile):
                etree.SubElement(element, "param", name=parameter, value=value)
            etree.SubElement(
                element, "param", name="suppress-events", value=",".join(_filtered_events(profile, speech))
            )
    return root


def room_profile(name: str, speech: TalkEvents) -> str:
    """The rendered profile for a room."""
    return PREFIX + name + _SUFFIXES[speech]


def settings_name(rendered: str) -> str:
    """The profile of the settings that a rendered one was made of."""
    return rendered.removeprefix(PREFIX).removesuffix(QUIET).removesuffix(FLOOR)


def reports_talking(rendered: str) -> bool:
    """Whether FreeSWITCH says who speaks in a room with this rendered profile."""
    # A profile of the settings may be called `quiet` itself.
    return not rendered.removeprefix(PREFIX).endswith(QUIET)


def _group(controls: etree._Element, profile: Profile) -> None:
    group = etree.SubElement(controls, "group", name=_keys(profile))
    for digits, action in profile.caller_controls.items():
        # Nobody requested FreeSWITCH's own muting: a room takes it for a fault and corrects it.
        own = {"action": "event", "data": KEY + action} if action in MUTES else {"action": action}
        etree.SubElement(group, "control", digits=digits, **own)


def _keys(profile: Profile) -> str:
    # mod_conference reserves `none` and `default`.
    return f"keys.{profile.name}" if profile.caller_controls else NO_KEYS


def _filtered_events(profile: Profile, speech: TalkEvents) -> tuple[str, ...]:
    """Events that FreeSWITCH need not send: each costs it a kilobyte or three, and us the reading."""
    never: tuple[str, ...] = _ALWAYS_FILTERED
    if not set(MUTES).isdisjoint(profile.caller_controls.values()):
        never = tuple(name for name in never if name != "dtmf")
    if speech == "floor":
        return never
    # FreeSWITCH passes the floor on with every breath.
    never = (*never, "floor-change")
    return never if speech == "talking" else (*never, "start-talking", "stop-talking")


def parameters(profile: Profile) -> Iterator[tuple[str, str]]:
    """mod_conference's parameters of a profile. No enter, exit or waiting sound: those are ours."""
    yield "caller-controls", _keys(profile)
    for field in type(profile).model_fields:
        value = getattr(profile, field)
        if field in ("name", "preset", "caller_controls") or value is None or value == ():
            continue
        if isinstance(value, Sounds):
            yield from _sounds(value)
        elif field == "key_timeout_ms" and not profile.caller_controls:
            continue
        elif field == "max_energy_hit_trigger":
            # Always beside max-energy-level: conference_new() passes a missing one to atoi() and crashes.
            if profile.max_energy_level is not None:
                yield "max-energy-hit-trigger", str(value)
        else:
            text = "|".join(value) if isinstance(value, tuple) else str(value)
            yield _NAMES.get(field, field.replace("_", "-")), text


def _sounds(sounds: Sounds) -> Iterator[tuple[str, str]]:
    for field in type(sounds).model_fields:
        value = getattr(sounds, field)
        if value is not None:
            yield f"{field.replace('_', '-')}-sound", value
