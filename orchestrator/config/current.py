"""The settings in force, and what of another file can take their place without a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel

from orchestrator.config.applications import Application
from orchestrator.config.dialect import Dialect
from orchestrator.config.settings import Settings
from orchestrator.config.trunks import Trunk

# Section -> its keys that count from the next call on; None: all of them. Other keys are made into
# sockets, files, timers and greenlets at the start.
_LIVE: Final[Mapping[str, frozenset[str] | None]] = {
    "accounts": None,
    "applications": None,
    "numbers": None,
    "default_region": None,
    "default_application": None,
    "profiles": None,
    "profile_patterns": None,
    "trunks": None,
    "default_trunk": None,
    "sip": None,
    "admission": None,
    "network": None,
    "callbacks": frozenset(
        {
            "first_sequence",
            "request_fields",
            "signatures",
            "timestamp_format",
            "twilio_extras",
            "user_agent",
        }
    ),
    "documents": None,
    "speech": frozenset({"default_voice", "voices"}),
    "conference": frozenset(
        {
            "join_while_waiting",
            "min_participants_to_start",
            "speaker_mode",
            "action_after_hangup",
            "hangup_on_star",
            "wait_music",
        }
    ),
}


# These follow from FreeSWITCH's files, or name what is in them.
_IN_FREESWITCH: Final = ("profiles", "profile_patterns", "trunks", "default_trunk", "sip")
_OF_A_GATEWAY: Final = (
    "proxy",
    "username",
    "password",
    "realm",
    "register_",
    "expires_secs",
    "ping_secs",
    "sofia_gateway",
    "dial_string",
    "addresses",
)


@dataclass
class CurrentSettings:
    """Each part reads a setting here at the moment it needs it and keeps none: a reload is one assignment."""

    settings: Settings
    _dialects: dict[str, tuple[Settings, Application, Dialect]] = field(default_factory=dict, repr=False)
    """By the application's name."""

    def dialect(self, application: Application) -> Dialect:
        """As Settings.dialect, which every request of a call needs."""
        found = self._dialects.get(application.name)
        if found is None or found[0] is not self.settings or found[1] is not application:
            found = self.settings, application, self.settings.dialect(application)
            self._dialects[application.name] = found
        return found[2]


@dataclass(frozen=True)
class Change:
    """The settings in force after another reading of the file."""

    settings: Settings
    """To be in force."""
    taken: tuple[str, ...]
    """Keys that change."""
    left: tuple[str, ...]
    """Keys that differ and do not count yet: they need a restart, or FreeSWITCH."""


def change(running: Settings, read: Settings) -> Change:
    """The settings to be in force once `read` was read."""
    update: dict[str, object] = {}
    for name, keys in _LIVE.items():
        old, new = getattr(running, name), getattr(read, name)
        if keys is not None:
            new = old.model_copy(update={key: getattr(new, key) for key in keys})
        update[name] = new
    return _change(running, running.model_copy(update=update), read)


def without_freeswitch(running: Settings, read: Settings) -> Change:
    """The part of `read` that counts although FreeSWITCH has not taken its own; `left` waits for that.

    Profiles, gateways and callers' networks are in FreeSWITCH's files; what may be called through a trunk,
    and which hosts, is not. An application that names a profile or trunk that is not there yet keeps the old.
    """
    profiles, trunks, before = running.profiles, running.trunks, running.applications

    def kept(application: Application) -> Application:
        old = before.get(application.name)
        profile, trunk = application.profile, application.trunk
        if profile is not None and profile not in profiles:
            profile = old.profile if old is not None else None
        if trunk is not None and trunk not in trunks:
            trunk = old.trunk if old is not None else None
        return application.model_copy(update={"profile": profile, "trunk": trunk})

    def bounded(old: Trunk) -> Trunk:
        """As it is in FreeSWITCH, with the new rules for calls through it."""
        new = read.trunks.get(old.name, old)
        return new.model_copy(update={name: getattr(old, name) for name in _OF_A_GATEWAY})

    update: dict[str, object] = {name: getattr(running, name) for name in _IN_FREESWITCH}
    update["trunks"] = {name: bounded(trunk) for name, trunk in trunks.items()}
    update["sip"] = running.sip.model_copy(update={"allowed_hosts": read.sip.allowed_hosts})
    update["applications"] = {name: kept(each) for name, each in read.applications.items()}
    return _change(running, read.model_copy(update=update), read)


def _change(running: Settings, settings: Settings, read: Settings) -> Change:
    return Change(
        settings, tuple(_differences(running, settings, "")), tuple(_differences(settings, read, ""))
    )


def needs_restart(path: str) -> bool:
    """Whether the key at this dotted path is read at the start alone."""
    section, _, rest = path.replace("[]", "").partition(".")
    if section not in _LIVE:
        return True
    keys = _LIVE[section]
    return keys is not None and bool(rest) and rest.partition(".")[0] not in keys


def _differences(old: object, new: object, path: str) -> Iterator[str]:
    """Dotted paths, as far in as both have something."""
    if old == new:
        return
    dot = f"{path}." if path else ""
    if isinstance(old, BaseModel) and isinstance(new, BaseModel) and type(old) is type(new):
        for name, field in type(old).model_fields.items():
            yield from _differences(getattr(old, name), getattr(new, name), dot + (field.alias or name))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(old.get(key), new.get(key), f"{dot}{key}")
    elif isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    else:
        yield path
