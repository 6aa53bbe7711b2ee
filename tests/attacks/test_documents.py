"""Every payload in every place of a TeXML document, each on a call of its own, all calls at once."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import quoteattr

import gevent
import pytest

from tests.attacks.guard import guarded, no_evil
from tests.attacks.payloads import payloads
from tests.attacks.sip import Answerer, RawPhone
from tests.lab.switches import FreeSwitch
from tests.lab.web import Answer, Request
from tests.scenarios.conftest import House

pytestmark = pytest.mark.only("freeswitch")

SECONDS = 120
# A burst may be refused with 503.
GAP_SECONDS = 0.1
# Characters that cannot stand in XML 1.0, also escaped.
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def written(text: str) -> str:
    """As an attribute, quotes included; line ends as references, or the parser would make spaces of them."""
    text = quoteattr(NOT_XML.sub("", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
    return text


def words(text: str) -> str:
    return written(text)[1:-1]


def first(text: str, aloud: bool) -> str:
    p, body = written(text), words(text)
    spoken = f"<Say voice={p} language={p} loop={p} gender={p} effect={p}>{body}</Say>" if aloud else ""
    return f"""<Response>{spoken}
      <Play>{body}</Play><Play digits={p} loop={p} mediaStorage={p}/>
      <Pause length={p}/>
      <Gather action={p} invalidDigitsAction={p} finishOnKey={p} validDigits={p} numDigits={p} timeout="1"
        input={p} hints={p} language={p} speechTimeout={p} partialResultCallback={p}>
        <Play>{body}</Play></Gather>
      <Dial callerId={p} fromDisplayName={p} ringTone={p} audioUrl={p} timeLimit={p} record={p}
        recordingStatusCallback={p} recordingChannels={p} trim={p}>
        <Number url={p} statusCallback={p} statusCallbackEvent={p} sendDigits={p} method={p}>{body}</Number>
        <Sip username={p} password={p} url={p} statusCallback={p}>{body}</Sip></Dial>
      <Redirect>/second</Redirect>
    </Response>"""


def second(text: str, callee: str, number: int) -> str:
    """One who answers, and hears a whisper first; then one whose caller ends it."""
    p, body = written(text), words(text)
    user = quote(text, safe="!$&'()*+,=:-_.~/|{}[]<>\"^`\\")[:200]
    return f"""<Response>
      <Dial callerId={p} timeLimit="1" record="record-from-answer" recordingStatusCallback="/status"
        recordingStatusCallbackEvent="in-progress completed absent">
        <Sip url="/whisper?payload={number}" statusCallback="/status"
          statusCallbackEvent="initiated ringing answered completed">sip:good@{callee}</Sip>
        <Sip username={p} password={p}>sip:good@{callee}</Sip>
        <Sip>sip:{words(user)}@{callee}</Sip><Sip>sip:good@{callee}?{body}</Sip>
        <Sip>sip:good@{callee};{body}</Sip><Sip>sip:good@{body}</Sip></Dial>
      <Redirect>/third</Redirect>
    </Response>"""


def third(text: str) -> str:
    p, body = written(text), words(text)
    return f"""<Response>
      <Dial timeLimit="2"><Conference startConferenceOnEnter="false" waitUrl="/wait" waitMethod={p}
        participantLabel={p} coach={p} statusCallback={p} statusCallbackMethod={p}>{body}</Conference></Dial>
      <Dial timeLimit="1"><Conference participantLabel={p} beep={p} waitUrl={p} record="record-from-start"
        recordingStatusCallback="/status" recordingStatusCallbackEvent={p} maxParticipants={p} trim={p}
        recordingTimeout={p} statusCallback="/events" statusCallbackEvent="start end join leave"
        endConferenceOnExit="true">{body}</Conference></Dial>
      <Record action="/fourth" maxLength="1" playBeep="false" finishOnKey={p} format={p} channels={p} trim={p}
        recordingStatusCallback={p} transcriptionCallback={p}/>
    </Response>"""


class Attack:
    """The application of all attackers: each document is about the payload of the call that asks for it."""

    def __init__(self, house: House, texts: dict[str, str], callee: str) -> None:
        self.texts = dict(enumerate(texts.values()))
        self.callee = callee
        application = house.application
        for path, made in {
            "/voice": lambda text: first(text, len(text) < 1000),
            "/third": third,
            "/fourth": lambda text: (
                f"<Response><Redirect>/fifth?x={quote(text[:2000])}</Redirect></Response>"
            ),
            "/fifth": lambda text: f"<Response><Redirect>{words(text)}</Redirect></Response>",
            "/wait": lambda text: (
                f"<Response><Play>{words(text)}</Play><Say>{words(text[:60])}</Say>"
                f"<Redirect>{words(text)}</Redirect></Response>"
            ),
            "/whisper": lambda text: (
                f"<Response><Play>{words(text)}</Play><Say voice={written(text)}>{words(text[:40])}</Say>"
                f"<Dial>{words(text)}</Dial></Response>"
            ),
        }.items():
            application.route(path, lambda request, made=made: self.answer(request, made))
        application.route("/second", self.second)
        for path in ("/events", "/status"):
            application.route(path, self.callback)

    def text(self, request: Request) -> str:
        return self.texts[self.number(request)]

    def number(self, request: Request) -> int:
        """A callee's whisper document is asked for with the caller id, which is the payload, cleaned."""
        asked = dict(parse_qsl(request.query)).get("payload")
        return int(asked or request.fields["From"][-4:])

    def second(self, request: Request) -> Answer:
        number = self.number(request)
        return self.answer(request, lambda text: second(text, self.callee, number))

    def answer(self, request: Request, made: object) -> Answer:
        document = made(self.text(request))  # type: ignore[operator]
        return Answer(document, headers={"Content-Type": "application/xml", "Set-Cookie": "a=b\x7f; Path=/"})

    def callback(self, request: Request) -> Answer:
        """Its answer is nobody's business: neither its document nor its headers."""
        return Answer(
            "<Response><Hangup/></Response>",
            headers={"Content-Type": "text/xml", "Location": "/second", "Set-Cookie": "CallSid=evil"},
        )


def test_no_text_of_a_document_is_more_than_a_text(open_house: House, mark: Path) -> None:
    house = open_house
    texts = payloads(mark)
    assert isinstance(house.switch, FreeSwitch)
    house.log.allows("not dialled", "no instructions", "nothing said", "callback", "not requested")
    with Answerer("200 OK") as callee, guarded(house, mark):
        attack = Attack(house, texts, callee.address)

        def call(number: int) -> None:
            with RawPhone(house.switch.sip_port) as phone:
                while phone.invite(identity=f"+1202555{number:04}", timeout=SECONDS).status == 503:
                    gevent.sleep(1)
                house.application.wait_for(
                    lambda request: request.path == "/fifth" and attack.text(request) == attack.texts[number],
                    timeout=SECONDS,
                )

        calls = [gevent.spawn_later(number * GAP_SECONDS, call, number) for number in attack.texts]
        gevent.joinall(calls, timeout=SECONDS + 5)
        missing = [name for name, one in zip(texts, calls, strict=True) if not one.successful()]
        assert not missing, f"these did not come through: {missing}"
    no_evil(callee.invites)
    for path in ("/voice", "/second", "/third", "/events", "/status"):
        for request in house.application.to(path):
            # A callee is called from the caller id that is left of the payload.
            assert re.fullmatch(r"[+0-9A-Za-z*#_.~-]{1,64}", request.fields.get("From", "anonymous"))
            names = [name for name, _ in request.form]
            assert len(names) == len(set(names))
    delivered = house.application.to("/events")
    named = {NOT_XML.sub("", text).strip() for text in texts.values()}
    assert {request.fields["FriendlyName"] for request in delivered} == {
        name for name in named if len(name) <= 128
    }
    assert house.log.has("not dialled", "is no phone number")
    assert house.log.has("document", "is longer than 128 characters")
    assert house.log.has("no caller id")
    assert all(parse_qsl(request.body.decode(), strict_parsing=True) for request in delivered)
