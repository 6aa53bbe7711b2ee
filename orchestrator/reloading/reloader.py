"""Takes over a changed settings file while calls go on.

A file with a mistake changes nothing. FreeSWITCH's part (profiles, trunks, allowed callers) counts
when it has taken it. Where it cannot be reached or refuses it, everything else counts at once, so that a key
can be withdrawn; what waits is named, and tried again at the next connect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gevent.lock import RLock

from orchestrator.config.current import Change, CurrentSettings, change, without_freeswitch
from orchestrator.config.errors import ConfigErrors
from orchestrator.config.freeswitch import Node
from orchestrator.config.profile import Profile
from orchestrator.config.settings import Settings
from orchestrator.esl.errors import SwitchError
from orchestrator.fsconfig.conference_profiles import settings_name
from orchestrator.fsconfig.existing.layout import is_existing
from orchestrator.fsconfig.reload import Unreadable, check, put, reread
from orchestrator.fsconfig.render import render
from orchestrator.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True)
class Reloaded:
    """How a reload went."""

    problems: tuple[str, ...] = ()
    """Why nothing has changed."""
    bad_settings: bool = False
    """It was the file's fault."""
    notes: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """Keys that do not count yet, since FreeSWITCH has not taken its part."""


class HasProfiles(Protocol):
    @property
    def profiles_in_use(self) -> Collection[str]:
        """Names of conference profiles that FreeSWITCH has to know."""


@dataclass(frozen=True)
class Reloadable:
    """A FreeSWITCH node that takes its part of the settings."""

    node: Node
    api: Callable[[str], str]
    """Raises SwitchError."""
    rooms: HasProfiles


class Reloader:
    """One reload at a time."""

    def __init__(
        self, current: CurrentSettings, nodes: Sequence[Reloadable], take_over: Callable[[Settings], None]
    ) -> None:
        """`take_over` puts settings in force, without yielding."""
        self._current = current
        self._nodes = nodes
        self._take_over = take_over
        self._retired: dict[str, Profile] = {}
        self._waiting: Settings | None = None
        """To be in force once FreeSWITCH has taken its part of them."""
        self._lock = RLock()

    def reload(self, load: Callable[[], Settings]) -> Reloaded:
        """Nothing changes where the file is wrong; each problem is logged, too."""
        with self._lock:
            result = self._reload(load)
        for problem in result.problems:
            log.error("settings not reloaded", problem=problem)
        for note in result.notes:
            (log.warning if result.waiting else log.info)("settings reloaded", note=note)
        return result

    def on_connected(self) -> None:
        """Have FreeSWITCH take what it has not taken yet, before any call counts on it."""
        with self._lock:
            if self._waiting is None:
                return
            part = without_freeswitch(self._current.settings, self._waiting)
            refusal = self._apply(self._waiting)
        if refusal:
            log.error("settings still wait for FreeSWITCH", keys=", ".join(part.left), problem=refusal)
        else:
            log.info("settings reloaded", note=f"taken by FreeSWITCH now: {', '.join(part.left)}")

    def _reload(self, load: Callable[[], Settings]) -> Reloaded:
        try:
            read = load()
        except ConfigErrors as errors:
            return Reloaded(tuple(str(error) for error in errors.errors), bad_settings=True)
        running = self._current.settings
        found = change(running, read)
        part = without_freeswitch(running, found.settings)
        refusal = self._apply(found.settings)
        if not refusal:
            return Reloaded(notes=tuple(self._notes(found)))
        notes = self._notes(Change(part.settings, part.taken, found.left))
        return Reloaded(notes=(*notes, _waits(part, refusal)), waiting=part.left)

    def _apply(self, settings: Settings) -> str:
        """Why FreeSWITCH has not taken its part, so that only the rest counts; empty where all does."""
        retired = self._still_needed(settings)
        try:
            self._reload_freeswitch(settings, retired)
        except (Unreadable, SwitchError, OSError) as error:
            part = without_freeswitch(self._current.settings, settings)
            self._waiting = settings if part.left else None
            self._take_over(part.settings)
            return str(error)
        self._retired = retired
        self._waiting = None
        self._take_over(settings)
        return ""

    def _still_needed(self, settings: Settings) -> dict[str, Profile]:
        """Profiles that are gone from the file: rooms that have them admit more callers, and FreeSWITCH looks
        the profile up for each. Those of this moment stay until the next reload, for calls in setup."""
        running = self._current.settings.profiles
        used = {settings_name(name) for one in self._nodes for name in one.rooms.profiles_in_use}
        return {
            name: profile
            for name, profile in {**self._retired, **running}.items()
            if name not in settings.profiles and (name in running or name in used)
        }

    def _reload_freeswitch(self, settings: Settings, retired: dict[str, Profile]) -> None:
        whole = settings.model_copy(update={"profiles": {**settings.profiles, **retired}})
        for one in self._nodes:
            old, new = render(self._current.settings, one.node), render(whole, one.node)
            conf_dir = one.node.conf_dir
            if conf_dir is None:
                check(one.api)
            elif is_existing(conf_dir):
                raise Unreadable(
                    f"{conf_dir} is a configuration of its own: leave conf_dir of the node out, "
                    "and run `orchestrator render --into` before the reload"
                )
            else:
                put(new, conf_dir, one.api)
            reread(old, new, settings.sip.profile, one.api)

    def _notes(self, found: Change) -> Iterable[str]:
        yield f"changed: {', '.join(found.taken)}" if found.taken else "nothing has changed"
        if found.left:
            yield f"left as they are, since they need a restart: {', '.join(found.left)}"
        for number, one in enumerate(self._nodes):
            if found.taken and one.node.conf_dir is None:
                yield (
                    f"freeswitch.nodes[{number}].conf_dir is not set: FreeSWITCH's files are as the last "
                    "`orchestrator render` left them"
                )


def _waits(part: Change, refusal: str) -> str:
    if not part.left:
        return f"FreeSWITCH was not asked to read its files anew, and nothing of it has changed: {refusal}"
    return (
        f"waiting for FreeSWITCH, which keeps what it has ({refusal}): {', '.join(part.left)}; they count "
        "when it has taken them: at its next connect, or by another reload"
    )
