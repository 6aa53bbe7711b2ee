"""CPU time of a participant: on its room's own node, and of the bridge of one that comes to another node.

Callers send and are sent G.711 sound, all at once; the nodes are looked at while nobody comes or goes. With
`media: direct` the sound goes past the callers' node.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import gevent

from tests.benchmarks.frame import Figure
from tests.benchmarks.harness import Harness, seconds_of, started
from tests.benchmarks.load import party_sound
from tests.load.party import plain_party
from tests.load.sipp import Sipp

DIRECT = """trunks:
  carrier: {dial_string: "sofia/texml/{number}@127.0.0.1:9", addresses: [127.0.0.1], media: direct}
"""
SETTLED_SECONDS = 3.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--participants", type=int, default=60)
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--rate", type=float, default=10, help="calls a second")
    parser.add_argument("--seconds", type=float, default=15, help="for which they are looked at")


def run(options: argparse.Namespace) -> Iterator[Figure]:
    with started(nodes=2) as harness:
        harness.drain(1)
        own, _ = _spent(harness, options, 0)
        member, bridge = _spent(harness, options, 1)
    with started(nodes=2, more=DIRECT) as harness:
        harness.drain(1)
        direct_member, direct_bridge = _spent(harness, options, 1)
    yield Figure("a participant on its room's own node", own, "ms/s")
    yield Figure("one of another node, at the room's node", member, "ms/s")
    yield Figure("  its bridge, at its own node", bridge, "ms/s")
    yield Figure("one of another node with media: direct, at the room's node", direct_member, "ms/s")
    yield Figure("  its bridge, at its own node", direct_bridge, "ms/s")


def _spent(harness: Harness, options: argparse.Namespace, node: int) -> tuple[float, float]:
    """Milliseconds of each node for each second of a participant, whose calls come to `node`."""
    directory = harness.directory / f"sipp-{node}"
    directory.mkdir()
    filling = options.participants / options.rate
    stay = int((filling + 2 * SETTLED_SECONDS + options.seconds) * 1000)
    party = plain_party(options.rooms, options.participants, stay)
    port = harness.switches[node].sip_port
    calls = Sipp(party, options.rate, port, directory, party_sound(directory / "sound"))
    try:
        gevent.sleep(filling + SETTLED_SECONDS)
        before = [seconds_of(switch.pid) for switch in harness.switches]
        gevent.sleep(options.seconds)
        spent = [seconds_of(switch.pid) - at for switch, at in zip(harness.switches, before, strict=True)]
        calls.wait()
    finally:
        calls.close()
    harness.settle()
    home, other = (each / options.seconds / options.participants * 1000 for each in spent)
    return home, other
