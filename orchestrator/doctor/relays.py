"""Each pair of FreeSWITCH nodes: callers on one get to the rooms of the other, and their clocks agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import Final
from uuid import uuid4

import gevent

from orchestrator.config.freeswitch import RELAY_PROFILE, Node
from orchestrator.doctor.context import DoctorContext, await_event
from orchestrator.doctor.result import CheckResult, ok, wrong
from orchestrator.doctor.switch import MAX_SKEW_SECONDS
from orchestrator.esl import commands
from orchestrator.esl.snapshot import DOCTOR, DOCTOR_NUMBER
from orchestrator.fsconfig import sip_profiles

RELAY: Final = "relay"
CLOCKS: Final = "clocks"
WAIT_SECONDS: Final = 5.0


def profile(context: DoctorContext) -> CheckResult | None:
    """The SIP profile for calls of other nodes, in FreeSWITCH's files; nothing where there are no others."""
    node = context.node
    if len(context.settings.freeswitch.nodes) == 1 or node.relay is None:
        return None
    place = sip_profiles.place(context.connection.api, RELAY_PROFILE)
    remedy = (
        f"orchestrator render --node {node.name} --into its configuration, then fs_cli -x reloadxml and "
        f"fs_cli -x 'sofia profile {RELAY_PROFILE} restart'"
    )
    if not place:
        return wrong(
            RELAY, f"FreeSWITCH has no SIP profile {RELAY_PROFILE}, by which others' calls come", remedy
        )
    if place != str(node.relay):
        text = f"the SIP profile {RELAY_PROFILE} is at {place}, and relay is {node.relay}"
        return wrong(RELAY, text, remedy)
    return ok(RELAY, f"calls of other nodes come to {place}")


def pairs(contexts: Sequence[DoctorContext]) -> Iterator[CheckResult]:
    """Of the nodes whose event sockets are connected. Raises SwitchError."""
    for origin, home in permutations(contexts, 2):
        yield _call(origin, home)
    for one, other in combinations(contexts, 2):
        yield _clocks(one, other)


def _call(origin: DoctorContext, home: DoctorContext) -> CheckResult:
    """One from node to node, as a caller is bridged: it is parked there, and hung up."""
    name = f"{RELAY} {origin.node.name} -> {home.node.name}"
    there, refused = home.node.relay, _refused(origin.node, home)
    if refused:
        remedy = (
            f"orchestrator render --node {home.node.name} --into its configuration, then on {home.node.name} "
            f"fs_cli -x reloadacl and fs_cli -x 'sofia profile {RELAY_PROFILE} rescan'"
        )
        return wrong(name, f"{home.node.name} does not allow calls of {refused}", remedy)
    uuid = str(uuid4())
    parked = home.expect(lambda event: event.name == "CHANNEL_PARK" and event.uuid == uuid)
    # Its Call-ID is the Unique-ID there.
    variables = {"origination_uuid": str(uuid4()), "sip_invite_call_id": uuid, DOCTOR: "1"}
    target = commands.DialTarget(f"sofia/{RELAY_PROFILE}/{DOCTOR_NUMBER}@{there}")
    command = commands.originate(commands.dial_string([target], variables), "hangup")
    job = gevent.spawn(origin.job, command, 2 * WAIT_SECONDS)
    try:
        await_event(parked, WAIT_SECONDS)
    except gevent.Timeout:
        origin.connection.post(commands.kill(variables["origination_uuid"]))
        answer = job.get(timeout=WAIT_SECONDS).strip()
        text = f"no call gets from {origin.node.name} to {there} within {WAIT_SECONDS:g} s: {answer}"
        remedy = (
            f"is the address of {home.node.name} reached from there, UDP and TCP; does a firewall stand "
            f"between; does {RELAY_PROFILE} run on both: fs_cli -x 'sofia status'"
        )
        return wrong(name, text, remedy)
    finally:
        home.connection.post(commands.kill(uuid))
    job.join(WAIT_SECONDS)
    return ok(name, f"calls get to {there}")


def _refused(origin: Node, home: DoctorContext) -> str:
    """The address of calls from `origin`, if the access list of the other node does not have it."""
    assert origin.relay is not None
    address = origin.relay.host
    allowed = sip_profiles.access_list(home.connection.api, RELAY_PROFILE)
    if not allowed or home.api(f"acl {address} {allowed}").strip() == "true":
        return ""
    return address


def _clocks(one: DoctorContext, other: DoctorContext) -> CheckResult:
    """Times in the callbacks of a call are of either node."""
    name = f"{CLOCKS} {one.node.name}, {other.node.name}"
    skew = abs(one.ahead() - other.ahead())
    if skew > MAX_SKEW_SECONDS:
        text = f"they differ by {skew:.1f} s: times in callbacks are those of the room's node"
        return wrong(name, text, "let both machines keep time (NTP)")
    return ok(name, f"they agree within {MAX_SKEW_SECONDS:g} s")
