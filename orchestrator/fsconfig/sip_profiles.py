"""Whether the SIP profiles run that calls come and go through: FreeSWITCH itself is content without them.

A profile whose port is taken is tried three times within ten seconds (sofia.c, sofia_profile_thread_run), and
then not again; `sofia status` lists what runs (mod_sofia.c, cmd_status).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import gevent
from lxml import etree

from orchestrator.config import Settings
from orchestrator.config.browser_calls import SIP_PROFILE
from orchestrator.config.current import CurrentSettings
from orchestrator.esl.errors import CommandFailed, SwitchError
from orchestrator.logs import get_logger

log = get_logger(__name__)

CONTEXT: Final = "texml"
LOOK_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 2.0
STARTING_SECONDS: Final = 12.0
"""A profile that does not run by then needs an operator."""
_RUNNING: Final = re.compile(r"^\s*(\S+)\s+(?:profile\s.*\sRUNNING\b|alias\s.*\sALIASED\b)", re.MULTILINE)
_DEFAULT_PORT: Final = "5060"

Api = Callable[[str], str]
"""Raises SwitchError."""


class SipProfile(NamedTuple):
    name: str
    place: str
    """Its address and port, as FreeSWITCH's files say; empty where they have no such profile."""

    @property
    def problem(self) -> str:
        """The reason why it does not run."""
        if not self.place:
            return f"FreeSWITCH has no SIP profile {self.name}"
        return f"the SIP profile {self.name} does not run: nobody can be called or call at {self.place}"

    @property
    def remedy(self) -> str:
        if not self.place:
            return "name one that it has in sip.profile"
        port = self.place.rpartition(":")[2]
        return (
            f"most often another program has the port, or the address is not this machine's: "
            f"`ss -lnptu 'sport = :{port}'` on FreeSWITCH's machine says which. Then "
            f"fs_cli -x 'sofia profile {self.name} start', or start FreeSWITCH anew"
        )


def used(api: Api, settings: Settings) -> tuple[SipProfile, ...]:
    """Those that lead callers to us, and the one that we call through. Raises SwitchError."""
    found = _profiles(api)
    names = [name for name, one in found.items() if one.get("context") == CONTEXT and name != SIP_PROFILE]
    if (settings.trunks or settings.sip.allowed_hosts) and settings.sip.profile not in names:
        names.append(settings.sip.profile)
    return tuple(SipProfile(name, _place(found[name]) if name in found else "") for name in names)


def browsers(api: Api) -> SipProfile:
    """The one of calls from the console. Raises SwitchError."""
    return SipProfile(SIP_PROFILE, place(api, SIP_PROFILE))


def place(api: Api, name: str) -> str:
    """Its address and port in the files that FreeSWITCH has read; empty where they have no such profile.

    Raises SwitchError.
    """
    found = _profiles(api).get(name)
    return _place(found) if found is not None else ""


def access_list(api: Api, name: str) -> str:
    """The addresses that may call it: the name of a list in acl.conf.xml, or networks with commas between.

    Raises SwitchError.
    """
    return _profiles(api).get(name, {}).get("apply-inbound-acl", "")


def running(api: Api) -> frozenset[str]:
    """By name, aliases included. Raises SwitchError."""
    try:
        return frozenset(_RUNNING.findall(api("sofia status")))
    except CommandFailed as error:
        log.debug("no SIP", problem=str(error))
        return frozenset()


def _profiles(api: Api) -> dict[str, dict[str, str]]:
    """Name -> parameters of each profile in the files that FreeSWITCH has read."""
    try:
        root = etree.fromstring(
            api("xml_locate configuration configuration name sofia.conf").strip().encode(),
            etree.XMLParser(resolve_entities=False, huge_tree=True),
        )
    except (CommandFailed, etree.XMLSyntaxError) as error:
        log.debug("FreeSWITCH has no sofia.conf", problem=str(error))
        return {}
    return {
        str(profile.get("name")): {
            str(param.get("name")): param.get("value") or "" for param in profile.iterfind("./settings/param")
        }
        for profile in root.iterfind("./profiles/profile")
    }


def _place(profile: Mapping[str, str]) -> str:
    """Its address and port, as in a URI."""
    address, port = profile.get("sip-ip", ""), profile.get("sip-port") or _DEFAULT_PORT
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class SipProfileMonitor:
    """Looks every LOOK_SECONDS while the event socket is up; what is wrong is in `problems`."""

    def __init__(self, api: Api, live: CurrentSettings) -> None:
        self.problems: dict[str, str] = {}
        """By what has the problem."""
        self._api = api
        self._current = live
        self._used: tuple[SipProfile, ...] = ()
        self._of: Settings | None = None
        """The settings that `_used` was found with."""
        self._since: float | None = None
        self._reported = False
        self._looking: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        """The event socket has come up: look now, and from now on."""
        self.stop()
        self._of = None
        self._try()
        self._looking = gevent.spawn(self._look_on)

    def stop(self) -> None:
        """The event socket is down: nothing is known."""
        if self._looking is not None:
            self._looking.kill(block=False)
            self._looking = None
        self.problems = {}
        self._since = None

    def _look_on(self) -> None:
        while True:
            gevent.sleep(AGAIN_SECONDS if self.problems else LOOK_SECONDS)
            self._try()

    def _try(self) -> None:
        try:
            self._look()
        except SwitchError as error:
            log.debug("SIP profiles not looked at", problem=str(error))

    def _look(self) -> None:
        if self._of is not self._current.settings or self.problems:
            self._of = self._current.settings
            self._used = used(self._api, self._of)
        there = running(self._api)
        stopped = [profile for profile in self._used if profile.name not in there]
        self.problems = {
            f"SIP profile {profile.name}": f"{profile.problem}; {profile.remedy}" for profile in stopped
        }
        self._report(stopped)

    def _report(self, stopped: list[SipProfile]) -> None:
        now = time.monotonic()
        if not stopped:
            if self._reported:
                log.info("the SIP profiles run again", profiles=", ".join(one.name for one in self._used))
            self._since, self._reported = None, False
            return
        self._since = now if self._since is None else self._since
        if not self._reported and now - self._since >= STARTING_SECONDS:
            self._reported = True
            for profile in stopped:
                log.error("no calls", problem=profile.problem, remedy=profile.remedy)
