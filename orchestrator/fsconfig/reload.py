"""Has a running FreeSWITCH take over rendered files; no call of its ends by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lxml import etree

from orchestrator.config.browser_calls import SIP_PROFILE as BROWSER_PROFILE
from orchestrator.config.freeswitch import RELAY_PROFILE
from orchestrator.esl.errors import CommandFailed
from orchestrator.fsconfig.browser_profile import BROWSER_PROFILE_FILE
from orchestrator.fsconfig.relay_profile import RELAY_PROFILE_FILE
from orchestrator.fsconfig.render import CALLERS, GATEWAYS, write
from orchestrator.fsconfig.sip_profiles import running
from orchestrator.logs import get_logger

log = get_logger(__name__)

Api = Callable[[str], str]


class Unreadable(Exception):
    """FreeSWITCH does not take the files; those that it had are back in their place."""


def put(files: Mapping[str, str], directory: Path, api: Api) -> None:
    """Write what is new and have FreeSWITCH read all of it anew. Raises Unreadable, OSError, SwitchError."""
    before = {name: _content(directory / name) for name in files}
    changed = {name: text for name, text in files.items() if before[name] != text}
    try:
        write(changed, directory)
        _reload(api)
    except BaseException:
        write({name: text for name in changed if (text := before[name]) is not None}, directory)
        raise


def reread(old: Mapping[str, str], new: Mapping[str, str], profile: str, api: Api) -> None:
    """After put(): access lists, and what else of a SIP profile differs. Raises SwitchError."""
    api("reloadacl")
    _start_profiles(new, api)
    before, after = _gateways(old), _gateways(new)
    # Beside somebody's own configuration the profile itself says who may call (fsconfig/existing/parts.py).
    if before == after and old[CALLERS] == new[CALLERS]:
        return
    for name in before:
        if before[name] != after.get(name):
            # `rescan` skips one that it has; a call through it goes on.
            _forget(name, profile, api)
    api(f"sofia profile {profile} rescan")


def _start_profiles(files: Mapping[str, str], api: Api) -> None:
    """Where the settings have calls from the console, or other nodes, and FreeSWITCH was started before they
    had."""
    for file, profile, calls in (
        (BROWSER_PROFILE_FILE, BROWSER_PROFILE, "the console"),
        (RELAY_PROFILE_FILE, RELAY_PROFILE, "other nodes"),
    ):
        if "<profile" in files[file] and profile not in running(api):
            try:
                api(f"sofia profile {profile} start")
            except CommandFailed as error:
                log.warning("FreeSWITCH takes no calls", calls_from=calls, problem=str(error))


def _forget(gateway: str, profile: str, api: Api) -> None:
    try:
        api(f"sofia profile {profile} killgw {gateway}")
    except CommandFailed as error:
        log.debug("FreeSWITCH did not have it", gateway=gateway, problem=str(error))


def check(api: Api) -> None:
    """Have FreeSWITCH read its files anew. Raises Unreadable, SwitchError."""
    _reload(api)


def _reload(api: Api) -> None:
    answer = api("reloadxml").strip()
    # `+OK [what is wrong]` is how it says no (mod_commands.c, reload_xml_function).
    if "[Success]" not in answer:
        raise Unreadable(f"FreeSWITCH does not read its files: {answer}")


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _gateways(files: Mapping[str, str]) -> dict[str, bytes]:
    root = etree.fromstring(files[GATEWAYS].encode())
    found = root.iter("gateway")
    # Without its tail: the blanks behind it depend on whether it is the last one.
    return {str(gateway.get("name")): etree.tostring(gateway, with_tail=False) for gateway in found}
