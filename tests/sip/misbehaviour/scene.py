"""Calls of random misbehaviour, some at once, and what came of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence

import gevent
import gevent.pool

from tests.attacks.sip import header, status_of
from tests.crash.witness import Witness
from tests.lab import invariants
from tests.lab.switches import FreeSwitch
from tests.races.race import ask, settle
from tests.scenarios.conftest import House
from tests.sip.misbehaviour.callee import Callee
from tests.sip.misbehaviour.callees import CALLEES
from tests.sip.misbehaviour.caller import Caller
from tests.sip.misbehaviour.callers import CALLERS
from tests.sip.misbehaviour.documents import CALLED, CALLEE, EVENTS, RECORDINGS, STATUS, Documents
from tests.sip.misbehaviour.line import Datagrams, Line, Stream
from tests.sip.misbehaviour.plan import Kind, Plan, Side
from tests.sip.misbehaviour.switch import SIX, threads_above
from tests.sip.misbehaviour.verdict import Verdict, admitted, judge

APPLICATION = "1568109700606592442"
PHONE_SECONDS = 25.0
CALLED_SECONDS = 5.0
"""How long a callee waits for its INVITE."""
PATIENCE_SECONDS = 20.0
"""How long what is left of calls may take to end; callbacks and threads each may take as long again."""


class Scene:
    def __init__(self, house: House, plans: Sequence[Plan], say: Callable[[str], None] = str) -> None:
        """`say` is called with a line for each call that ended."""
        assert isinstance(house.switch, FreeSwitch)
        self.house, self.switch = house, house.switch
        self.plans, self._say = plans, say
        self.documents = Documents(house.application, plans)
        self.witness = Witness(house.switch.host, house.switch.port, house.switch.password)
        self.witness.look()
        self._faults: list[str] = []
        self._ghosts: list[Caller | Callee] = []

    def run(self, at_once: int) -> None:
        """All calls, so many at a time."""
        pool = gevent.pool.Pool(at_once)
        for plan in self.plans:
            pool.spawn(self._call, plan)
        pool.join()

    def verdict(self, threads: int, patience: float = PATIENCE_SECONDS) -> Verdict:
        """`threads` FreeSWITCH had before; what is left has so many seconds to end."""
        verdict = Verdict(len(self.plans))
        if not self.switch.running:
            verdict.wrong.append("FreeSWITCH is no more")
            return verdict
        verdict.left += self.switch.leftovers(patience)
        verdict.left += self._left_in_orchestrator(patience)
        settled = settle(self.house, patience)
        verdict.wrong += [line for line in settled if not line.startswith("left in FreeSWITCH")]
        self.witness.catch_up()
        verdict.wrong += self._faults
        requests = list(self.house.application.requests)
        entered = admitted(self.witness.seen)
        verdict.stays, verdict.conferences = len(entered), len({one.room for one in entered})
        verdict.wrong += judge(requests, self.witness.seen, self.documents.calls, self.explained)
        verdict.wrong += invariants.broken_by_callbacks(
            self.house.application, self.house.attempts, self.house.subscriptions, over=True
        )
        verdict.wrong += [f"in the log: {line}" for line in self.house.log.unexpected()]
        if extra := threads_above(self.switch, threads, patience):
            verdict.left += [f"a thread of FreeSWITCH, which had {threads}"] * extra
        return verdict

    def close(self) -> None:
        self.witness.close()
        for phone in self._ghosts:
            phone.close()

    def explained(self, calls: Iterable[str]) -> str:
        numbers = sorted({self.documents.calls[call] for call in calls if call in self.documents.calls})
        return "; ".join(str(self.plans[number]) for number in numbers) or "of no call here"

    # One call

    def _call(self, plan: Plan) -> None:
        chance = random.Random(plan.seed)
        callee = self._callee(plan, plan.callee, chance) if plan.callee else None
        caller = self._caller(plan, chance)
        order = gevent.spawn(self._order, plan, callee, chance) if callee else None
        greenlets = [gevent.spawn(self._plays, caller, CALLERS[plan.caller.behaviour])]
        if callee and plan.callee:
            greenlets.append(gevent.spawn(self._is_played, callee, CALLEES[plan.callee.behaviour]))
        gevent.joinall([*greenlets, *([order] if order else [])], timeout=PHONE_SECONDS + 10)
        gevent.killall(greenlets)
        for phone in (caller, callee):
            self._faults += [f"{fault}: {plan}" for fault in phone.faults] if phone else []
        self._say(f"{plan}: {_outcome(caller)}{'; ' + _outcome(callee) if callee else ''}")
        for phone in (caller, callee):
            if phone is not None and phone.vanished:
                self._ghosts.append(phone)
            elif phone is not None:
                phone.close()

    def _plays(self, phone: Caller, behaviour: Callable[[Caller], None]) -> None:
        with gevent.Timeout(PHONE_SECONDS, False):
            behaviour(phone)
            phone.finish()

    def _is_played(self, phone: Callee, behaviour: Callable[[Callee], None]) -> None:
        with gevent.Timeout(PHONE_SECONDS, False):
            if phone.is_called(CALLED_SECONDS):
                behaviour(phone)
                phone.finish()

    def _order(self, plan: Plan, callee: Callee, chance: random.Random) -> None:
        """The requests to the API in this call."""
        data = {
            "To": callee.uri,
            "From": "+13125550100",
            "ApplicationSid": APPLICATION,
            "StatusCallback": self.house.application.url(STATUS),
            "StatusCallbackEvent": "initiated ringing answered completed",
        }
        gevent.sleep(chance.uniform(0.0, 0.8))
        if plan.kind is Kind.INVITED:
            more = {
                "EarlyMedia": chance.choice(["true", "false"]),
                "Timeout": "5",
                "ConferenceStatusCallback": self.house.application.url(EVENTS),
                "ConferenceStatusCallbackEvent": "start end join leave",
            }
            path = f"/Conferences/{plan.room}/Participants"
        elif plan.kind is Kind.CALLED:
            recorded = {
                "Record": "true",
                "RecordingStatusCallback": self.house.application.url(RECORDINGS),
                "RecordingStatusCallbackEvent": "in-progress completed absent",
            }
            more = {"Timeout": "5"} | (recorded if chance.random() < 0.5 else {})
            path = "/Calls.json"
        else:
            return
        answer = ask(self.house, "POST", path, data=data | more)
        if answer.ok:
            sid = answer.json().get("call_sid") or answer.json()["sid"]
            self.documents.calls[sid] = plan.number

    def _caller(self, plan: Plan, chance: random.Random) -> Caller:
        side = plan.caller
        phone = Caller(
            _line(side, self.switch.sip_port),
            self.switch.sip_port,
            CALLED.format(plan.number),
            side.codecs,
            side.path,
            random.Random(chance.getrandbits(32)),
        )
        phone.provoke = lambda: self._provoke(CALLED.format(plan.number))
        return phone

    def _callee(self, plan: Plan, side: Side, chance: random.Random) -> Callee:
        user = CALLEE.format(plan.number)
        phone = Callee(_line(side), user, side.codecs, side.path, random.Random(chance.getrandbits(32)))
        phone.provoke = lambda: self._provoke(user)
        self.documents.callees[plan.number] = phone.uri
        return phone

    def _provoke(self, destination: str) -> None:
        """A re-INVITE from FreeSWITCH to the phone of this number."""
        for row in json.loads(self.switch.api("show channels as json")).get("rows", []):
            if row["dest"].lstrip("+") == destination.lstrip("+"):
                self.switch.api(f"uuid_media_reneg {row['uuid']} =PCMU,PCMA,G722")

    def _left_in_orchestrator(self, patience: float) -> list[str]:
        assert self.house.orchestrator is not None
        left = invariants.wait_until_nothing_is_left(self.house.orchestrator, patience)
        return [f"in the orchestrator: {count} {kind}" for kind, count in left.items()]


def _outcome(phone: Caller | Callee) -> str:
    """The messages that came to it: statuses, or methods."""
    if isinstance(phone, Callee):
        return "callee got " + (
            " ".join(one.partition(b" ")[0].decode() for one in phone.requests) or "no call"
        )
    answers = " ".join(f"{status_of(one)} to {header(one, 'CSeq')}" for one in phone.responses)
    asked = " ".join(one.partition(b" ")[0].decode() for one in phone.requests)
    return f"caller got {answers or 'no answer'} {asked}"


def _line(side: Side, switch_port: int = 0) -> Line:
    if side.transport == "TCP":
        return Stream("127.0.0.1", switch_port)
    return Datagrams(SIX if side.transport == "IPv6" else "127.0.0.1", switch_port)
