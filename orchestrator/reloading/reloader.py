"""Takes over a changed settings file while calls go on: all of it, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gevent.lock import RLock

from orchestrator.config.errors import ConfigErrors
from orchestrator.config.live import Change, Live, change
from orchestrator.config.profile import Profile
from orchestrator.config.service import Node
from orchestrator.config.settings import Settings
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.existing.layout import is_existing
from orchestrator.freeswitch.profiles import settings_name
from orchestrator.freeswitch.render import render
from orchestrator.freeswitch.rereading import Unreadable, check, put, reread
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


class Reloader:
    """One reload at a time."""

    def __init__(
        self,
        live: Live,
        node: Node,
        api: Callable[[str], str],
        profiles_in_use: Callable[[], Iterable[str]],
        take_over: Callable[[Settings], None],
    ) -> None:
        """`take_over` puts settings in force, without yielding."""
        self._live = live
        self._node = node
        self._api = api
        self._profiles_in_use = profiles_in_use
        self._take_over = take_over
        self._retired: dict[str, Profile] = {}
        self._lock = RLock()

    def reload(self, load: Callable[[], Settings]) -> Reloaded:
        """Nothing changes where anything is wrong; each problem is logged, too."""
        with self._lock:
            result = self._reload(load)
        for problem in result.problems:
            log.error("settings not reloaded", problem=problem)
        for note in result.notes:
            log.info("settings reloaded", note=note)
        return result

    def _reload(self, load: Callable[[], Settings]) -> Reloaded:
        try:
            read = load()
        except ConfigErrors as errors:
            return Reloaded(tuple(str(error) for error in errors.errors), bad_settings=True)
        found = change(self._live.settings, read)
        retired = self._still_needed(found.settings)
        try:
            self._tell_freeswitch(found.settings, retired)
        except (Unreadable, SwitchError, OSError) as error:
            return Reloaded((f"FreeSWITCH keeps what it has: {error}",))
        self._retired = retired
        self._take_over(found.settings)
        return Reloaded(notes=tuple(self._notes(found)))

    def _still_needed(self, settings: Settings) -> dict[str, Profile]:
        """Profiles that are gone from the file: rooms that have them let others in, and FreeSWITCH looks the
        profile up for each. Those of this moment stay until the next reload, for calls on their way."""
        running = self._live.settings.profiles
        used = {settings_name(name) for name in self._profiles_in_use()}
        return {
            name: profile
            for name, profile in {**self._retired, **running}.items()
            if name not in settings.profiles and (name in running or name in used)
        }

    def _tell_freeswitch(self, settings: Settings, retired: dict[str, Profile]) -> None:
        old = render(self._live.settings)
        new = render(settings.model_copy(update={"profiles": {**settings.profiles, **retired}}))
        if self._node.conf_dir is None:
            check(self._api)
        elif is_existing(self._node.conf_dir):
            raise Unreadable(
                f"{self._node.conf_dir} is a configuration of its own: leave conf_dir of the node out, "
                "and run `orchestrator render --into` before the reload"
            )
        else:
            put(new, self._node.conf_dir, self._api)
        reread(old, new, settings.sip.profile, self._api)

    def _notes(self, found: Change) -> Iterable[str]:
        yield f"changed: {', '.join(found.taken)}" if found.taken else "nothing has changed"
        if found.left:
            yield f"left as they are, since they need a restart: {', '.join(found.left)}"
        if found.taken and self._node.conf_dir is None:
            yield (
                "freeswitch.nodes[0].conf_dir is not set: FreeSWITCH's files are as the last "
                "`orchestrator render` left them"
            )
