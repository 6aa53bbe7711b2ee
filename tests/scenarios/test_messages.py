"""The log lines about an answer that is no document, or a request that was refused, and the remedy."""

from __future__ import annotations

import pytest

from tests.lab.web import Answer, Request
from tests.scenarios.conftest import House

NUMBER = "+13125550100"
PAGE = (
    "<!DOCTYPE html>\n<html><head><title>  Whoops &amp;\n sorry: 500 </title></head><body><p>x</body></html>"
)


def only(method: str, document: str = "<Response><Hangup/></Response>") -> object:
    """Answers one method, and 405 to any other."""

    def answer(request: Request) -> Answer:
        if request.method != method:
            return Answer(status=405, headers={"Allow": method})
        return Answer(document, headers={"Content-Type": "application/xml"})

    return answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(PAGE, headers={"Content-Type": "text/html"}),
            "the answer is an HTML page, not XML (status 200): Whoops & sorry: 500",
        ),
        (Answer(PAGE, headers={"Content-Type": "text/xml"}), "an HTML page"),
        (Answer("<html><body><h1>Sign in</h1>", headers={"Content-Type": "text/html"}), ": Sign in"),
        (Answer("  <HTML>\n<Body>Just\nwords</Body>", 203), "(status 203): Just words"),
        (Answer(status=204), "the answer is empty (status 204), not a document"),
        (Answer(" \n", headers={"Content-Type": "text/xml"}), "the answer is empty (status 200)"),
        (
            Answer('{"error": "no"}', headers={"Content-Type": "application/json"}),
            "the answer is JSON, not XML (status 200)",
        ),
        (
            Answer("OK then", headers={"Content-Type": "application/octet-stream"}),
            "the answer is application/octet-stream, not XML (status 200); it begins with: OK then",
        ),
    ],
)
def test_an_answer_that_is_no_document_is_described(house: House, answer: Answer, said: str) -> None:
    house.log.allows("no instructions")
    house.application.route("/voice", answer)
    house.application.route("/fallback", 500)
    house.switch.call(NUMBER).wait_ended()
    assert any(said in line for line in house.log.lines), house.log.lines[-5:]


def test_a_method_that_the_application_does_not_take_is_named_with_what_says_it(house: House) -> None:
    house.log.allows("no instructions")
    house.application.route("/voice", only("GET"))
    house.application.route("/fallback", only("GET"))
    house.switch.call(NUMBER).wait_ended()
    lines = "\n".join(house.log.lines)
    said = "answered 405 - to POST (it allows GET); {} says how it is requested"
    assert said.format("voice_method") in lines
    assert said.format("voice_fallback_method") in lines


@pytest.mark.parametrize(
    ("verbs", "attribute"),
    [
        ("<Redirect>/get</Redirect>", "the method beside its URL"),
        ("<Dial action='/get'><Client>a</Client></Dial>", "the method beside its URL"),
        ("<Gather action='/get' actionOnEmptyResult='true' timeout='1'/>", "the method beside its URL"),
        (
            "<Dial timeLimit='1'><Conference waitUrl='/get' startConferenceOnEnter='0'>R</Conference></Dial>",
            "waitMethod",
        ),
    ],
)
def test_so_is_that_of_an_attribute_s_url(house: House, verbs: str, attribute: str) -> None:
    house.log.allows("no instructions")
    house.voice(f"<Response>{verbs}</Response>")
    house.application.route("/get", only("GET"))
    house.application.route("/fallback", 500)
    house.switch.call(NUMBER).wait_ended(8)
    said = f"answered 405 - to POST (it allows GET); {attribute} says how it is requested"
    assert any(said in line for line in house.log.lines), house.log.lines[-6:]


def test_so_is_that_of_a_callback(house: House) -> None:
    house.log.allows("callback failed")
    house.voice(house.joins(statusCallback=house.application.route("/get-events", only("GET"))))
    phone = house.switch.call(NUMBER)
    phone.wait_answered()
    house.application.wait_for("/get-events", 1)
    phone.hang_up()
    phone.wait_ended()
    house.application.wait_for("/get-events", 4)
    said = "answered 405 to POST: the method beside its URL says how it is requested"
    assert any(said in line for line in house.log.lines)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(PAGE), "an HTML page, not audio (status 200): Whoops & sorry"),
        (Answer(status=204), "the answer is empty (status 204), not audio"),
    ],
)
def test_a_page_in_place_of_audio_is_described(house: House, answer: Answer, said: str) -> None:
    house.application.route("/a.wav", answer)
    house.voice("<Response><Play>/a.wav</Play><Reject/></Response>")
    house.switch.call(NUMBER).wait_ended()
    assert any("nothing played" in line and said in line for line in house.log.lines)
