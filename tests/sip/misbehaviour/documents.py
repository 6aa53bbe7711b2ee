"""The application's side: a document for each call, and places for its callbacks."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from tests.lab.web import Answer, Application, Request
from tests.sip.misbehaviour.plan import Kind, Plan

EVENTS, RECORDINGS, STATUS, AFTER = "/events", "/recording", "/status", "/after"
CALLED = "+1312555{:04d}"
CALLEE = "callee{}"
RINGS_SECONDS, TALKS_SECONDS = 3, 5
SLOW_SECONDS = 0.4


class Documents:
    def __init__(self, application: Application, plans: Sequence[Plan]) -> None:
        self.callees: dict[int, str] = {}
        """The SIP address of each call's callee."""
        self.calls: dict[str, int] = {}
        """The number of the call that a CallSid belongs to."""
        self._application = application
        self._plans = {plan.number: plan for plan in plans}
        self._chance = random.Random(len(plans))
        self._music = application.tone(500, 1.0)
        for path in (EVENTS, RECORDINGS, STATUS):
            application.takes_callbacks(path)
        application.route("/voice", self._voice)
        application.route(AFTER, self._after)

    def _voice(self, request: Request) -> Answer:
        plan = self._plan(request)
        chance = random.Random(plan.seed)
        called_by_the_api = "callee" in request.fields["To"]
        text = self._joins(plan, chance) if called_by_the_api else self._verbs(plan, chance)
        delay = chance.uniform(0.0, SLOW_SECONDS) if chance.random() < 0.3 else 0.0
        return _document(text, delay)

    def _after(self, request: Request) -> Answer:
        plan = self._plan(request)
        chance = random.Random(plan.seed + 1)
        return _document(self._joins(plan, chance) if chance.random() < 0.5 else "<Hangup/>")

    def _plan(self, request: Request) -> Plan:
        fields = request.fields
        found = re.search(r"\+1312555(\d{4})|callee(\d+)", fields["To"])
        assert found, fields
        number = int(found[1] or found[2])
        self.calls[fields["CallSid"]] = number
        return self._plans[number]

    def _verbs(self, plan: Plan, chance: random.Random) -> str:
        recorded = self._recorded() if chance.random() < 0.4 else {}
        match plan.kind:
            case Kind.CONFERENCE | Kind.INVITED | Kind.CALLED:
                return self._joins(plan, chance)
            case Kind.DIAL:
                dial = {
                    "timeout": str(RINGS_SECONDS),
                    "timeLimit": str(TALKS_SECONDS),
                    "action": AFTER,
                    "answerOnBridge": chance.choice(["true", "false"]),
                }
                if recorded:
                    dial |= {"record": "record-from-answer"} | recorded
                return f"<Dial{_attributes(dial)}><Sip>{self.callees[plan.number]}</Sip></Dial>"
            case Kind.GATHER:
                play = f"<Play loop='2'>{self._music}</Play>"
                return f'<Gather numDigits="2" timeout="2" action="{AFTER}">{play}</Gather>' + self._joins(
                    plan, chance
                )
            case Kind.RECORD:
                record = {"action": AFTER, "maxLength": "2", "timeout": "1"} | self._recorded()
                return f"<Record{_attributes(record)}/>" + self._joins(plan, chance)

    def _joins(self, plan: Plan, chance: random.Random) -> str:
        conference = {
            "statusCallback": self._application.url(EVENTS),
            "statusCallbackEvent": "start end join leave",
            "beep": chance.choice(["true", "false"]),
            "muted": chance.choice(["true", "false", "false"]),
            "startConferenceOnEnter": chance.choice(["true", "true", "true", "false"]),
            "endConferenceOnExit": chance.choice(["true", "false", "false", "false"]),
            "waitUrl": self._music,
            "waitMethod": "GET",
        }
        if chance.random() < 0.5:
            conference |= {"record": "record-from-start"} | self._recorded()
        dial = {"timeLimit": str(TALKS_SECONDS)}
        noun = f"<Conference{_attributes(conference)}>{plan.room}</Conference>"
        return f"<Dial{_attributes(dial)}>{noun}</Dial>"

    def _recorded(self) -> dict[str, str]:
        return {
            "recordingStatusCallback": self._application.url(RECORDINGS),
            "recordingStatusCallbackEvent": "in-progress completed absent",
        }


def _document(text: str, delay: float = 0.0) -> Answer:
    head = {"Content-Type": "application/xml"}
    return Answer(f"<Response>{text}</Response>", headers=head, delay=delay)


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
