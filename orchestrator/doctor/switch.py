"""FreeSWITCH itself: reached, of a version that we know, with its modules, clock and our files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lxml import etree

from orchestrator.config import Settings
from orchestrator.config.freeswitch import Node
from orchestrator.config.service import is_loopback
from orchestrator.doctor.context import DoctorContext
from orchestrator.doctor.result import CheckResult, note, ok, wrong
from orchestrator.esl import commands, ownership
from orchestrator.esl.errors import AuthenticationFailed, SwitchError
from orchestrator.esl.ownership import FREE, STALE_SECONDS, VARIABLE
from orchestrator.fsconfig import sip_profiles
from orchestrator.fsconfig.base_files import base_file
from orchestrator.fsconfig.conference_profiles import conference_conf
from orchestrator.fsconfig.modules import MODULES
from orchestrator.fsconfig.sip_profiles import CONTEXT

SEVERAL = "^^;"
"""The prefix of `multiset` where semicolons stand between its assignments, as in our dialplan."""
DEFAULT_PASSWORD = "ClueCon"
KNOWN_VERSION = (1, 10)
MAX_SKEW_SECONDS = 2.0
_RENDER = "orchestrator render --into its configuration, then fs_cli -x reloadxml"


def connection(node: Node, error: SwitchError | None) -> CheckResult:
    place = f"{node.host}:{node.port}"
    if error is None or isinstance(error, AuthenticationFailed):
        return ok("connection", f"the event socket at {place} answers")
    return wrong(
        "connection",
        f"no event socket at {place}: {error}",
        "is FreeSWITCH running, does its event_socket.conf listen there, do host and port of "
        "freeswitch.nodes fit, does a firewall or apply-inbound-acl stand between?",
    )


def password(node: Node, error: SwitchError | None) -> CheckResult:
    if isinstance(error, AuthenticationFailed):
        return wrong(
            "password",
            f"refused: {error}",
            "the password of freeswitch.nodes has to be that of event_socket.conf, and this address one that "
            "its apply-inbound-acl allows",
        )
    if node.password.get_secret_value() == DEFAULT_PASSWORD and not is_loopback(node.host):
        return wrong(
            "password",
            "it is the one that everybody knows",
            "set another in event_socket.conf and in the settings",
        )
    return ok("password", "accepted")


def owner(context: DoctorContext) -> CheckResult:
    """Which orchestrator steers this FreeSWITCH."""
    value = context.api(commands.get_global(VARIABLE)).strip()
    if value in ("", FREE):
        return ok("owner", "no orchestrator runs on this FreeSWITCH")
    now = ownership.clock(context.api)
    who, found = ownership.describe(value, now), ownership.owner_of(value)
    ours = found is not None and found.installation == context.installation()
    if found is not None and now - found.beat_at > STALE_SECONDS:
        text = f"{'this orchestrator' if ours else 'another one'} was killed, or hangs: {who}"
        return note("owner", text, "start this one; it takes over")
    if ours and found is not None and found.host != ownership.hostname():
        remedy = (
            "each orchestrator needs a database of its own; if that is this one in its container, all is well"
        )
        return note("owner", f"one with this database, or a copy of it, runs on another host: {who}", remedy)
    if ours:
        return ok("owner", f"this orchestrator: {who}")
    remedy = (
        "this one will not start. Stop that one, or `orchestrator run --take-over`, which takes its calls"
    )
    return wrong("owner", f"another orchestrator runs on this FreeSWITCH: {who}", remedy)


def version(context: DoctorContext) -> CheckResult:
    answer = context.api("version").strip()
    found = re.search(r"Version (\d+)\.(\d+)[^\s~]*", answer)
    if not found:
        return note(
            "version", f"not understood: {answer[:80]!r}", "FreeSWITCH 1.10 is what this is tested with"
        )
    number = found[0].removeprefix("Version ")
    if (int(found[1]), int(found[2])) < KNOWN_VERSION:
        return wrong("version", f"FreeSWITCH {number}", "1.10 is needed")
    if (int(found[1]), int(found[2])) > KNOWN_VERSION:
        return note("version", f"FreeSWITCH {number}", "1.10 is what this is tested with")
    return ok("version", f"FreeSWITCH {number}")


def modules(context: DoctorContext) -> Iterator[CheckResult]:
    missing = [
        module
        for module in MODULES
        if module.wanted(context.settings) and context.api(f"module_exists {module.name}").strip() != "true"
    ]
    for module in missing:
        remedy = (
            f"install it (Debian: freeswitch-{module.name.replace('_', '-')}), load it in modules.conf.xml"
        )
        text = f"{module.name} is not loaded; without it: {module.without}"
        yield wrong("modules", text, remedy) if module.needed else note("modules", text, remedy)
    if not missing:
        yield ok("modules", "everything is loaded")


def clock(context: DoctorContext) -> CheckResult:
    skew = abs(context.ahead())
    if skew > MAX_SKEW_SECONDS:
        return wrong(
            "clock",
            f"FreeSWITCH's clock is {skew:.1f} s off ours: times in callbacks are FreeSWITCH's",
            "let both machines keep time (NTP)",
        )
    return ok("clock", f"FreeSWITCH's and ours agree within {MAX_SKEW_SECONDS:g} s")


def dialplan(context: DoctorContext) -> CheckResult:
    """The context's guard, action by action, as FreeSWITCH has read it."""
    found = context.located(f"dialplan context name {CONTEXT}")
    remedy = f"{_RENDER}, or with --whole where dialplan/texml.xml was changed"
    if found is None:
        return wrong("dialplan", f"there is no context {CONTEXT}", remedy)
    there = _assignments(found)
    missing = [data for data in _guards() if data not in there]
    if missing:
        names = ", ".join(data.partition("=")[0] for data in missing)
        return wrong("dialplan", f"the context {CONTEXT} does not set what it has to: {names}", remedy)
    applications = {action.get("application") for action in found.iter("action")}
    if not {"park", "sched_hangup"} <= applications:
        return wrong("dialplan", f"the context {CONTEXT} does not park, or without a time limit", remedy)
    return ok("dialplan", f"the context {CONTEXT} guards and parks its calls")


def profiles(context: DoctorContext) -> CheckResult:
    """The conference profiles of the settings against those that FreeSWITCH has read."""
    found = context.located("configuration configuration name conference.conf")
    there = _profiles(found) if found is not None else {}
    wanted = _profiles(conference_conf(context.settings.profiles))
    missing = [name for name in wanted if name not in there]
    stale = [name for name in wanted if name in there and there[name] != wanted[name]]
    if missing or stale:
        differences = [f"missing: {', '.join(missing)}"] if missing else []
        differences += [f"not as in the settings: {', '.join(stale)}"] if stale else []
        return wrong("profiles", "; ".join(differences), _RENDER)
    return ok("profiles", f"{len(wanted)} conference profiles are as in the settings")


def sip_profile(context: DoctorContext) -> Iterator[CheckResult]:
    """The SIP profiles that calls come and go through."""
    profiles = sip_profiles.used(context.connection.api, context.settings)
    running = sip_profiles.running(context.connection.api)
    for profile in profiles:
        if profile.name in running:
            yield ok("SIP profile", f"{profile.name} runs at {profile.place}")
        else:
            yield wrong("SIP profile", profile.problem, profile.remedy)
    if not profiles:
        remedy = f"is there another way for calls into the context {CONTEXT}?"
        yield note("SIP profile", f"none of FreeSWITCH's SIP profiles has the context {CONTEXT}", remedy)


def outbound_trunks(context: DoctorContext) -> Iterator[CheckResult]:
    """The gateways that calls to others go through."""
    settings = context.settings
    if not settings.trunks and not settings.sip.allowed_hosts:
        return
    for name in _gateways(settings):
        answer = context.api(f"sofia status gateway {name}")
        if "Invalid Gateway" in answer:
            remedy = f"{_RENDER} and fs_cli -x 'sofia profile {settings.sip.profile} rescan'"
            yield wrong("outbound trunks", f"FreeSWITCH does not know the gateway {name}", remedy)
        elif re.search(r"^Status\s+DOWN|^State\s+(FAIL|TRYING|UNREGED)", answer, re.MULTILINE):
            remedy = "are proxy, username and password right, and is it reachable?"
            yield wrong("outbound trunks", f"the gateway {name} is down or not registered", remedy)
        else:
            yield ok("outbound trunks", f"the gateway {name} is there")


def _gateways(settings: Settings) -> list[str]:
    rendered = [trunk.name for trunk in settings.trunks.values() if trunk.proxy is not None]
    return rendered + [trunk.sofia_gateway for trunk in settings.trunks.values() if trunk.sofia_gateway]


def _guards() -> list[str]:
    """Variables that every call has to have: the extension that parks it has no condition."""
    root = etree.fromstring(base_file("dialplan/texml.xml").encode())
    (parks,) = (
        one for one in root.iter("extension") if one.find(".//action[@application='park']") is not None
    )
    return _assignments(parks)


def _assignments(dialplan: etree._Element) -> list[str]:
    """The variables of its `set` and `multiset` actions, in order."""
    found: list[str] = []
    for action in dialplan.iter("action"):
        data = str(action.get("data"))
        if action.get("application") == "set":
            found.append(data)
        elif action.get("application") == "multiset":
            found += data.removeprefix(SEVERAL).split(";")
    return found


def _profiles(root: etree._Element) -> dict[str, Mapping[str, str]]:
    return {
        str(profile.get("name")): {
            str(param.get("name")): str(param.get("value")) for param in profile.iter("param")
        }
        for profile in root.iter("profile")
    }
