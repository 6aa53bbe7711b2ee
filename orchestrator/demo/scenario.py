"""The play: a moderated conference of four, and a fifth who finds the room full. Reads from top to bottom."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import gevent

from orchestrator.demo.application import Application, Callback
from orchestrator.demo.callers import NUMBER, Caller, Callers
from orchestrator.demo.phones import Phone, Switch
from orchestrator.demo.timeline import Timeline
from orchestrator.demo.watch import PhoneMonitor, until


def expected_seconds(pace: float, ring_seconds: int) -> float:
    """About how long it takes: what the pauses are stretched by, and what they are not."""
    return 13.5 * pace + 5.0 * ring_seconds + 1.0


@dataclass
class CallerActions:
    """The callers' own actions. Unix times."""

    spoke: list[tuple[str, float, float]] = field(default_factory=list)
    hung_up: dict[str, float] = field(default_factory=dict)


class Scenario:
    """`pace` is how long the pauses are: 1 to be watched, less to be over sooner."""

    def __init__(
        self,
        callers: Callers,
        switch: Switch,
        application: Application,
        timeline: Timeline,
        watch: PhoneMonitor,
        pace: float,
    ) -> None:
        self.callers = callers
        self.acted = CallerActions()
        self._switch = switch
        self._application = application
        self._timeline = timeline
        self._watch = watch
        self._pace = pace

    def play(self) -> None:
        """Raises Stuck."""
        self._gather()
        self._talk()
        self._turn_away()
        self._end()

    def _gather(self) -> None:
        ada, ben, cleo, dan = self.callers.admitted
        self._timeline.say("Ada calls; without a moderator she waits, with music")
        self._call(ada)
        until(lambda: self._watch.waits(ada), "Ada's music")
        self._beat(0.8)
        self._timeline.say("Ben calls; his document mutes him")
        self._call(ben)
        until(lambda: self._watch.waits(ben), "Ben's music")
        self._beat(1.0)
        self._timeline.say("Cleo, the moderator, calls: the conference starts, the music stops")
        self._call(cleo)
        until(lambda: self._delivered("conference-start"), "the start of the conference")
        self._beat(1.2)
        self._timeline.say("Dan comes late; with him all four places are taken")
        self._call(dan)
        until(lambda: self._delivered("participant-join", dan), "Dan's join")
        self._beat(0.6)

    def _talk(self) -> None:
        ada, ben, cleo, dan = self.callers.admitted
        self._timeline.say("Ada speaks, and everybody hears her")
        self._speak(1.4, ada)
        self._timeline.say("Ben speaks, but he is muted: nobody hears him")
        self._speak(1.6, ben)
        self._timeline.say("Cleo and Dan speak at once")
        self._speak(1.4, cleo, dan)

    def _turn_away(self) -> None:
        eve = self.callers.eve
        self._timeline.say("Eve calls; maxParticipants is 4, so her document goes on behind its <Dial>")
        phone = self._call(eve)
        until(lambda: phone.state == "ended", "the end of Eve's call")
        self._beat(0.6)

    def _end(self) -> None:
        cleo = self.callers.cleo
        self._timeline.say("Cleo hangs up; her endConferenceOnExit ends it, and the others' documents go on")
        self.acted.hung_up[cleo.name] = time.time()
        self._watch.phones[cleo.name].hang_up()
        until(lambda: self._delivered("conference-end"), "the end of the conference")
        phones = self._watch.phones.values()
        until(lambda: all(phone.state == "ended" for phone in phones), "the end of every call")
        until(lambda: not self._switch.leftovers(), "the end of every channel and conference", 3.0)
        self._beat(0.4)
        self._timeline.say("Everybody has hung up")

    def _call(self, caller: Caller) -> Phone:
        phone = self._switch.call(NUMBER, from_=caller.number, name=caller.name)
        self._watch.phones[caller.name] = phone
        return phone

    def _speak(self, seconds: float, *callers: Caller) -> None:
        began = time.time()
        for caller in callers:
            self._watch.phones[caller.name].sounds(caller.hz)
        # Long enough for several samples of the sound at every phone, however fast the demo is.
        gevent.sleep(max(0.7, seconds * self._pace))
        for caller in callers:
            self._watch.phones[caller.name].sounds(None)
            self.acted.spoke.append((caller.name, began, time.time()))
        gevent.sleep(max(0.3, 0.5 * self._pace))

    def _delivered(self, event: str, caller: Caller | None = None) -> bool:
        return any(
            callback.event == event and (caller is None or callback.caller == caller.number)
            for callback in self._application.callbacks
        )

    def _beat(self, seconds: float) -> None:
        gevent.sleep(seconds * self._pace)


def who(callers: Callers, callback: Callback) -> str:
    """The name of the caller that a callback is about."""
    caller = callers.by_number(callback.caller)
    return caller.name if caller else callback.caller
