"""The timeline's cost on the event path: the same recorded conversation with and without it, in turns.

Three orchestrators in one process: one records; one makes no entry, neither of a leg's life nor of its room;
one explains nothing at all: it has no media quality and no counters of calls by cause either. Entries written
behind (twice a second in a running orchestrator) are written at the end of each round and count.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

from orchestrator.conference.live import manager
from tests.benchmarks.frame import Figure, alternate, at_most, compared, measured
from tests.benchmarks.path import CONVERSATIONS, microseconds, pieces
from tests.benchmarks.rig import Rig

ROUNDS = 40


def run(options: argparse.Namespace) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        recording, unrecorded, unexplained = (Rig(Path(directory, str(number))) for number in range(3))
        for rig in (unrecorded, unexplained):
            rig.orchestrator.timeline._buffer.put = lambda entry: None
        unexplained.explain_nothing()
        add_transition = manager.add_transition

        def of(rig: Rig) -> float:
            events = [body for _ in range(CONVERSATIONS) for body in rig.conversation().events]
            reads = pieces(events)

            def read_all() -> None:
                rig.read_all(reads)
                rig.orchestrator.timeline.flush()

            manager.add_transition = add_transition if rig is recording else lambda *step: None
            return microseconds(read_all, len(events), [])

        contenders = {"with": recording, "without": unrecorded, "unexplained": unexplained}
        cpu = alternate({name: lambda rig=rig: of(rig) for name, rig in contenders.items()}, ROUNDS)
        manager.add_transition = add_transition
        written = recording.orchestrator.timeline.written
        assert not unrecorded.orchestrator.timeline.written
        for rig in contenders.values():
            rig.close()
    yield measured("path with the timeline, CPU time per event", cpu["with"], "us")
    yield measured("path without entries, CPU time per event", cpu["without"], "us")
    yield measured("path that explains nothing, CPU time per event", cpu["unexplained"], "us")
    yield compared("with the timeline against without entries", cpu["with"], cpu["without"], at_most(1.1))
    yield compared("with the timeline against explaining nothing", cpu["with"], cpu["unexplained"])
    yield Figure("entries of a conversation of two callers", written / (CONVERSATIONS * (ROUNDS + 1)))
