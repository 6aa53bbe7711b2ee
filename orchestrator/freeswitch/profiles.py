"""Conference profiles of the settings -> conference.conf.xml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from orchestrator.config.profile import Profile, Sounds

# mod_conference's own name where it is not ours with dashes.
_NAMES = {
    "heartbeat_period_secs": "heartbeat-period-sec",
    "terminate_on_silence_secs": "terminate-on-silence",
}
# By the names of conference_utils_clear_eflags() in mod_conference's conference_utils.c.
_NEVER_HEEDED = ("energy-level", "volume-level", "gain-level", "dtmf", "mute-detect", "play-file-member")
_NAMES |= {"endconf_grace_secs": "endconf-grace-time"}


def conference_conf(profiles: Mapping[str, Profile]) -> etree._Element:
    """The `conference.conf` configuration with every profile in it."""
    root = etree.Element("configuration", name="conference.conf")
    controls = etree.SubElement(root, "caller-controls")
    # The group exists and is empty: without it mod_conference binds its default keys (0 mutes, # hangs up).
    etree.SubElement(controls, "group", name="none")
    found = etree.SubElement(root, "profiles")
    for name, profile in profiles.items():
        for talking in (True, False):
            element = etree.SubElement(found, "profile", name=room_profile(name, talking))
            for parameter, value in parameters(profile):
                etree.SubElement(element, "param", name=parameter, value=value)
            etree.SubElement(element, "param", name="suppress-events", value=",".join(_unheeded(talking)))
    return root


def room_profile(name: str, talking: bool) -> str:
    """The rendered profile for a room: `talking` if somebody wants to know who speaks."""
    return name if talking else f"{name}.quiet"


def _unheeded(talking: bool) -> tuple[str, ...]:
    """Events that FreeSWITCH need not send: each costs it a kilobyte or three, and us the reading."""
    return _NEVER_HEEDED if talking else (*_NEVER_HEEDED, "start-talking", "stop-talking", "floor-change")


def parameters(profile: Profile) -> Iterator[tuple[str, str]]:
    """mod_conference's parameters of a profile. No enter, exit or waiting sound: those are ours."""
    yield "caller-controls", profile.caller_controls
    for field in type(profile).model_fields:
        value = getattr(profile, field)
        if field in ("name", "caller_controls") or value is None or value == ():
            continue
        if isinstance(value, Sounds):
            yield from _sounds(value)
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
