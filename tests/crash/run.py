"""One run: calls at random, kills at random, and at the end all callbacks against the truth."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import gevent

from orchestrator.sids import leg_of
from tests.crash import delivered_callbacks
from tests.crash.application import EVENTS, RECORDINGS, Customer
from tests.crash.moments import Crash, Moments, Stall
from tests.crash.plan import Plan
from tests.crash.report import side_by_side, survivors
from tests.crash.service import Service, now
from tests.crash.switches import EmulatedLab, Lab, RealLab
from tests.crash.truth import Truth
from tests.crash.verdict import Judge, Verdict, judge_recordings
from tests.crash.witness import Seen, Witness
from tests.lab.postgresql import PostgresServer

Say = Callable[[str], None]
QUIET_SECONDS = 12.0
"""Nothing has come for so long: everything has been sent. Longer than a hanging receiver and a backoff,
and than a recording is waited for of which nobody knows."""
DRAIN_SECONDS = 180.0
FIRST_PART = 1 / 12
"""An hour's five minutes."""


@dataclass(frozen=True)
class Options:
    kills: int = 100
    freeswitch_kills: int = 0
    stalls: int = 0
    """How often the orchestrator, the switch or both stand still."""
    longest_stall: float = 60.0
    """Seconds."""
    receiver_fails: float = 0.0
    seed: int = 1
    rate: float = 4.0
    """Calls a second."""
    seconds: float = 0.0
    """Of traffic at least."""
    longest_life: float = 9.0
    """Seconds between two kills at most, a start not counted."""
    longest_death: float = 5.0
    goodbye: float = 60.0
    """Seconds that calls have to end by themselves."""
    pace: float = 1.0
    """How long calls are, against the usual."""
    switch: str = "freeswitch"
    nodes: int = 1
    orchestrators: int = 1
    """One has the nodes, the others stand by."""
    database_kills: int = 0
    engine: Literal["sqlite", "postgresql"] = "sqlite"


@dataclass
class Memory:
    """Resident megabytes of the orchestrator, and how long that process had lived."""

    at: list[tuple[str, float, float]] = field(default_factory=list)

    def note(self, when: str, service: Service) -> None:
        age = (now() - service.lives[-1].started) / 1e6
        self.at.append((when, service.megabytes, age))


class Run:
    def __init__(self, options: Options, directory: Path, say: Say) -> None:
        self.options, self.say = options, say
        self.chance = random.Random(options.seed)
        self.memory = Memory()
        self.crashes: list[Crash] = []
        self.stalls: list[Stall] = []
        self.kills = 0
        self.taken_over = 0
        self.calls = 0
        self._lab: Lab = (
            RealLab(directory, options.nodes) if options.switch == "freeswitch" else EmulatedLab(directory)
        )
        self._customer = Customer(leg_of, options.receiver_fails, options.seed)
        self._directory = directory
        self._server = PostgresServer(()) if options.engine == "postgresql" else None
        self._service: Service | None = None
        self._seen: list[Seen] = []
        self._witnesses: list[Witness] = []

    def close(self) -> None:
        if self._service is not None:
            self._service.end_all()
        for witness in self._witnesses:
            witness.close()
        self._customer.stop()
        self._lab.close()
        if self._server is not None:
            self._server.close()

    def go(self) -> Verdict:
        lab = self._lab
        lab.open()
        for node in lab.nodes:
            witness = Witness(node.host, node.port, node.password, self._seen, node.name)
            self._witnesses.append(witness)
            witness.look()
        url = self._server.empty() if self._server is not None else ""
        orchestrators = self.options.orchestrators
        service = Service(
            self._directory, lab, self._customer.voice_url, postgresql=url, orchestrators=orchestrators
        )
        self._service = service
        service.start()
        if not service.wait_ready():
            raise RuntimeError("the orchestrator does not become ready")
        on = f"{len(lab.nodes)} times {lab.kind}" if len(lab.nodes) > 1 else lab.kind
        on = f"{on}, {self.options.engine}"
        self.say(f"seed {self.options.seed}: calls begin, {self.options.rate:g} a second, on {on}")
        self._traffic(lab, service)
        self._settle(lab, service)
        return self._judge(service)

    # Events

    def _traffic(self, lab: Lab, service: Service) -> None:
        options = self.options
        lasts = (options.kills + options.freeswitch_kills) * 16 + options.stalls * (
            options.longest_stall + 16
        )
        most = int((lasts + options.seconds + 60) * options.rate)
        plan = list(self._planned(most))
        began = time.monotonic()
        lab.begin_calls(iter(plan), options.rate, most)
        for what in self._deeds():
            if what == "freeswitch":
                self._crash(lab)
            elif what == "stall":
                self._stall(lab, service)
            elif what == "database":
                self._kill_database(service)
            else:
                self._kill(service, what)
        gevent.sleep(max(2.0, options.seconds - (time.monotonic() - began)))
        self._ready(service)
        if not self.memory.at:
            self.memory.note("at 5 minutes' worth", service)
        self.calls = len({one.leg for one in self._seen if one.name == "CHANNEL_PARK"})
        self.say(f"{time.monotonic() - began:.0f} s of traffic: {self.calls} calls; now they end")

    def _planned(self, most: int) -> Iterator[object]:
        for number, caller in enumerate(Plan(self.options.seed, self.options.pace).callers()):
            if number == most:
                return
            self._customer.callers[caller.number] = caller
            yield caller

    def _deeds(self) -> list[str]:
        options = self.options
        deeds = ["freeswitch"] * options.freeswitch_kills + ["stall"] * options.stalls
        deeds += ["database"] * options.database_kills
        for _ in range(options.kills):
            deeds.append("SIGTERM" if self.chance.random() < 0.06 else "SIGKILL")
        self.chance.shuffle(deeds)
        return deeds

    def _kill(self, service: Service, how: str) -> None:
        """At any instant of its life: mostly while it works, now and then while it still starts."""
        chance = self.chance
        if chance.random() < 0.15:
            gevent.sleep(chance.uniform(0.2, 2.0))
        else:
            self._ready(service)
            gevent.sleep(chance.uniform(0.0, self.options.longest_life))
        self.kills += 1
        if self.kills >= self.options.kills * FIRST_PART and not self.memory.at:
            self.memory.note("at 5 minutes' worth", service)
        service.check()
        service.end(signal.Signals[how])
        if chance.random() < 0.5:
            gevent.sleep(chance.uniform(0.2, self.options.longest_death))
        service.start()
        if self.kills % 10 == 0:
            self.say(f"{self.kills} kills, {len(self._customer.came(EVENTS))} callbacks came")

    def _crash(self, lab: Lab) -> None:
        """One node dies. Nothing is asked of the customer from its start on until its witness is there."""
        chance = self.chance
        gevent.sleep(chance.uniform(0.0, self.options.longest_life))
        number = chance.randrange(len(lab.nodes))
        node, witness = lab.nodes[number], self._witnesses[number]
        witness.catch_up()
        down = now()
        if len(lab.nodes) == 1:
            self._customer.witnessed.clear()
        node.kill()
        witness.close()
        gevent.sleep(chance.choice((0.0, chance.uniform(0.2, self.options.longest_death))))
        self._customer.witnessed.clear()
        node.start()
        witness.look()
        self._customer.witnessed.set()
        self.crashes.append(Crash(down, now(), node.name))

    def _stall(self, lab: Lab, service: Service) -> None:
        """One or both stand still, as on a machine that has other things to do."""
        chance = self.chance
        self._ready(service)
        gevent.sleep(chance.uniform(0.0, self.options.longest_life))
        who = chance.choice(("orchestrator", "switch", "both"))
        switch, owner = chance.choice(lab.nodes).pid, service.pid
        pids = {"orchestrator": [owner], "switch": [switch], "both": [owner, switch]}[who]
        chance.shuffle(pids)
        seconds = chance.uniform(min(1.0, self.options.longest_stall), self.options.longest_stall)
        begin = now()
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            gevent.sleep(seconds)
        finally:
            chance.shuffle(pids)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        end = now()
        taken_over = who != "switch" and service.stood_still(owner, begin)
        if who != "orchestrator" or not taken_over:
            stood = who != "switch" and not taken_over
            self.stalls.append(Stall(begin, end, stood, who != "orchestrator"))
        self.taken_over += taken_over
        self.say(f"{who} stood still for {seconds:.1f} s{', taken over' if taken_over else ''}")

    def _kill_database(self, service: Service) -> None:
        """It comes back; meanwhile calls go on, and nobody else dies."""
        chance, server = self.chance, self._server
        assert server is not None
        self._ready(service)
        gevent.sleep(chance.uniform(0.0, self.options.longest_life))
        server.stop()
        gevent.sleep(chance.uniform(0.2, self.options.longest_death))
        server.start()
        self._ready(service)
        gevent.sleep(2.0)
        self.say("the database was killed")

    def _ready(self, service: Service) -> None:
        if not service.wait_ready():
            raise RuntimeError(f"not ready in time:\n{service.log_text()[-3000:]}")

    def _settle(self, lab: Lab, service: Service) -> None:
        """All hang up; then until nothing has been reported for a while and nothing waits to be."""
        lab.end_calls(self.options.goodbye)
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline and not self._is_over(lab, service):
            gevent.sleep(0.2)
        if left := [*lab.left()[:5], *(f"{what} on disk: {count}" for what, count in service.left().items())]:
            self.say(f"left over: {left}")
        for witness in self._witnesses:
            witness.catch_up()
        self.memory.note("at the end", service)
        service.end_all()

    def _is_over(self, lab: Lab, service: Service) -> bool:
        quiet = self._customer.quiet_for
        return not lab.left() and (quiet > QUIET_SECONDS or (quiet > 1.0 and not service.left()))

    # Report

    def _judge(self, service: Service) -> Verdict:
        lives = service.lives
        moments = Moments(lives, self.crashes, self.stalls)
        truth = Truth(self._seen, self._customer.served, moments)
        recordings = self._customer.came(RECORDINGS)
        delivered = delivered_callbacks.read(self._customer.came(EVENTS), moments)
        verdict = Judge(truth, delivered, moments).judge()
        judge_recordings(truth, delivered, recordings, verdict, moments)
        for line in side_by_side(verdict, truth, delivered, lives):
            self.say(line)
        self._report(verdict, delivered, moments, len(recordings))
        return verdict

    def _report(
        self, verdict: Verdict, delivered: delivered_callbacks.Delivered, moments: Moments, recordings: int
    ) -> None:
        service = self._service
        assert service is not None
        doing, further = survivors(self._seen, self._customer.served, service.lives, moments)
        parts = ", ".join(f"{count} {what} ({further[what]} went on)" for what, count in doing.most_common())
        failed = self._customer.failed
        self.say(
            f"\n{self.calls} calls, {verdict.stays} stays in rooms, {verdict.callbacks} callbacks, "
            f"{delivered.twice} came again, {recordings} of recordings; "
            f"{len(self.crashes)} kills of the switch, "
            f"{len(self.stalls)} stalls, {self.taken_over} of an orchestrator that another took over from"
        )
        self.say(f"up over a restart: {sum(doing.values())} calls: {parts or 'none'}")
        self.say(f"receiver: {json.dumps(failed) if failed else 'took everything'}")
        self.say(f"nobody can know of: {verdict.either}, of which reported: {verdict.either_reported}")
        for when, megabytes, age in self.memory.at:
            self.say(f"memory {when}: {megabytes:.0f} MB (a process of {age:.0f} s)")
        if service.database.exists():
            self.say(f"database: {service.database.stat().st_size / 1e6:.1f} MB")
        for name, counts in (("lost", verdict.lost), ("invented", verdict.invented)):
            if counts:
                self.say(f"{name}: {dict(counts)}")
        self.say(
            f"wrong {verdict.wrong}, rooms with gaps {verdict.gaps}, "
            f"two living rooms of one name {verdict.twice_living}"
        )
        if len(self._lab.nodes) > 1:
            self.say(f"stays in a room of another node than the caller's: {self._relayed(moments)}")
        self.say(
            f"kills {self.kills} lost {sum(verdict.lost.values())} "
            f"invented {sum(verdict.invented.values())} rooms {verdict.rooms}"
        )

    def _relayed(self, moments: Moments) -> int:
        origins = {one.leg: one.node for one in reversed(self._seen)}
        stays = Truth(self._seen, self._customer.served, moments).stays
        return sum(bool(stay.node) and stay.node != origins[stay.leg] for stay in stays)


@contextmanager
def running(options: Options, directory: Path, say: Say) -> Iterator[Run]:
    """Nothing that it starts outlives it."""
    run = Run(options, directory, say)
    try:
        yield run
    finally:
        run.close()
