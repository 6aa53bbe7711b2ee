"""The callees of a Dial: one after the other, with SIP headers, with another country's ringing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from xml.sax.saxutils import escape

import pytest
import requests
from gevent import socket, spawn

from tests.lab.softphones import Answers, NeverAnswers, Rejects
from tests.scenarios.conftest import ACCOUNT, API_KEY, House
from tests.scenarios.test_dial_out import AFTER, CALLER, FIRST, NUMBER, SECOND, THIRD, A, B, dial, dialled


def numbers(*these: str) -> str:
    return "".join(f"<Number>{number}</Number>" for number in these)


def listed(house: House) -> dict[str, str]:
    """The outcome of each call to a callee, as the API lists them."""
    assert house.orchestrator is not None
    url = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}/Calls"
    deadline = time.monotonic() + 5
    while True:
        answer = requests.get(url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=5)
        calls = {one["to"]: one["status"] for one in answer.json()["calls"] if one["direction"] != "inbound"}
        if not {"ringing", "in-progress"} & set(calls.values()) or time.monotonic() > deadline:
            return calls
        time.sleep(0.1)


# One after the other


def test_in_sequence_the_next_rings_when_the_one_before_has_not_answered(house: House) -> None:
    """Symptom: all rang at once. Cause: `sequential` was unknown. Fix: FreeSWITCH tries them in turn."""
    silent = house.switch.register(FIRST, NeverAnswers())
    answering = house.switch.register(SECOND, Answers(0.3, sounds=B))
    last = house.switch.register(THIRD, Answers(0.3))
    dial(house, numbers(FIRST, SECOND, THIRD), sequential="true", timeout="5")
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    first = silent.wait_called()
    began = time.monotonic()
    second = answering.wait_called(12)
    assert 3.5 < time.monotonic() - began < 9
    first.wait_ended()
    assert first.sip_status == 487
    caller.wait_hears(B)
    second.wait_hears(A)
    second.hang_up()
    assert dialled(house)["DialCallStatus"] == "completed"
    caller.wait_hears(AFTER)
    with pytest.raises(AssertionError):
        last.wait_called(0.2)
    assert listed(house) == {FIRST: "no-answer", SECOND: "completed", THIRD: "canceled"}


@pytest.mark.parametrize(
    ("codes", "status"), [((486, 480), "no-answer"), ((480, 486), "busy"), ((486, 603, 404), "failed")]
)
def test_in_sequence_the_last_one_s_end_is_reported(
    house: House, codes: tuple[int, ...], status: str
) -> None:
    these = (FIRST, SECOND, THIRD)[: len(codes)]
    for one, code in zip(these, codes, strict=True):
        house.switch.register(one, Rejects(code))
    dial(house, numbers(*these), sequential="True")
    caller = house.switch.call(NUMBER, from_=CALLER)
    fields = dialled(house, 10)
    assert (fields["DialCallStatus"], fields["DialBridged"]) == (status, "false")
    caller.wait_hears(AFTER)


def test_in_sequence_a_caller_who_hangs_up_is_followed_by_no_other_call(house: House) -> None:
    first = house.switch.register(FIRST, NeverAnswers())
    second = house.switch.register(SECOND, Answers(0.1))
    dial(house, numbers(FIRST, SECOND), sequential="true")
    caller = house.switch.call(NUMBER, from_=CALLER)
    callee = first.wait_called()
    caller.hang_up()
    callee.wait_ended()
    with pytest.raises(AssertionError):
        second.wait_called(1.5)


def test_in_sequence_a_callee_who_refuses_in_its_document_leads_to_the_next(house: House) -> None:
    house.application.document("/refuse", "<Response><Hangup/></Response>")
    house.switch.register(FIRST, Answers(0.1))
    second = house.switch.register(SECOND, Answers(0.1, sounds=B))
    dial(house, f"<Number url='/refuse'>{FIRST}</Number><Number>{SECOND}</Number>", sequential="true")
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = second.wait_called(8)
    caller.wait_hears(B)
    callee.hang_up()
    assert dialled(house)["DialCallStatus"] == "completed"


# SIP headers


@contextmanager
def raw_callee(house: House) -> Iterator[tuple[str, list[str]]]:
    """An address, and what came to it: the INVITE's lines on the wire; with the emulator its variables."""
    lines: list[str] = []
    if house.switch.kind != "freeswitch":
        target = house.switch.register("bob", Rejects(486))
        yield "bob@127.0.0.1:5099", lines
        variables = target.wait_called().leg.variables
        lines += [f"{name.removeprefix('sip_h_')}: {value}" for name, value in variables.items()]
        return
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, sender = server.recvfrom(65536)
            text = data.decode("utf-8", "replace")
            if text.startswith("INVITE "):
                lines[:] = text.split("\r\n\r\n")[0].split("\r\n")
                names = ("via:", "from:", "to:", "call-id:", "cseq:")
                kept = [line for line in lines if line.lower().startswith(names)]
                kept = [line + ";tag=x" if line.lower().startswith("to:") else line for line in kept]
                reply = "\r\n".join(["SIP/2.0 486 Busy Here", *kept, "Content-Length: 0", "", ""])
                server.sendto(reply.encode(), sender)

    serving = spawn(serve)
    try:
        yield f"bob@127.0.0.1:{server.getsockname()[1]}", lines
    finally:
        serving.kill()
        server.close()


def headers_of(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(": ") for line in lines)
    return {name: value for name, _, value in pairs if name.startswith(("X-", "P-Called", "User-to"))}


def test_headers_of_an_address_arrive_at_the_callee(house: House) -> None:
    """Symptom: not dialled at all. Cause: `?` was no part of an address. Fix: texml/sip_uri.py."""
    wanted = "X-Plain=1&X-Token=a%2Cb%3Dc%3D%3D&User-to-User=00ab%3Bencoding%3Dhex&x-low=%C3%A9"
    with raw_callee(house) as (address, lines):
        dial(house, f"<Sip>sip:{address}?{escape(wanted)}</Sip>")
        house.switch.call(NUMBER, from_=CALLER)
        assert dialled(house)["DialCallStatus"] == "busy"
    found = headers_of(lines)
    assert (found["X-Plain"], found["X-Token"]) == ("1", "a,b=c==")
    assert found["User-to-User"] == "00ab;encoding=hex"
    assert any(line.lower() == "x-low: é" for line in lines)


def test_headers_of_their_own_element_arrive_too_and_no_others(house: House) -> None:
    with raw_callee(house) as (address, lines):
        dial(
            house,
            f"<Sip><Uri>sip:{address}?X-A=1&amp;Via=x</Uri><Headers><Header name='X-B' value='two words'/>"
            "<Header name='Contact' value='sip:evil@10.0.0.1'/></Headers></Sip>",
        )
        house.switch.call(NUMBER, from_=CALLER)
        assert dialled(house)["DialCallStatus"] == "busy"
    found = headers_of(lines)
    assert (found["X-A"], found["X-B"]) == ("1", "two words")
    assert not [line for line in lines if "evil" in line or line.startswith("Via: x")]


@pytest.mark.parametrize(
    "value",
    [
        "a%0d%0aX-Evil: b",
        "%24%7Bsystem touch /tmp/x%7D",
        "a,origination_uuid=1",
        "a]user/bob",
        "a}sofia/x/y",
        "a\\,b",
        "a:_:b",
        "a|b",
        "'a'",
        '"a"',
    ],
)
def test_a_header_s_value_changes_nothing_else(house: House, value: str) -> None:
    """Any text is one header's value, or left out."""
    with raw_callee(house) as (address, lines):
        dial(house, f"<Sip>sip:{address}?X-A={escape(value)}&amp;X-B=1</Sip>")
        house.switch.call(NUMBER, from_=CALLER)
        assert dialled(house)["DialCallStatus"] == "busy"
    assert headers_of(lines)["X-B"] == "1"
    assert not [line for line in lines if line.lower().startswith("x-evil")]
    assert not [line for line in lines if "touch" in line and "${" not in line]


def test_each_of_several_gets_its_own_headers(house: House) -> None:
    with raw_callee(house) as (address, lines):
        house.switch.register(FIRST, NeverAnswers())
        dial(house, f"<Number>{FIRST}</Number><Sip>sip:{address}?X-Mine=7&amp;X-Odd=a%2Cb</Sip>", timeout="5")
        house.switch.call(NUMBER, from_=CALLER)
        dialled(house, 12)
    assert headers_of(lines).get("X-Mine") == "7"
    assert "X-Odd" not in headers_of(lines)
    assert any("a SIP header is not sent" in line for line in house.log.lines)


# Sound


@pytest.mark.parametrize(("code", "hertz"), [("at", 420), ("cn", 450), ("us-old", 380)])
def test_the_ringing_is_that_of_the_country(house: House, code: str, hertz: int) -> None:
    house.switch.register(FIRST, NeverAnswers())
    dial(house, FIRST, ringTone=code)
    caller = house.switch.call(NUMBER, from_=CALLER)
    caller.wait_hears(hertz, 8)
    caller.hang_up()


# Play


def test_a_play_rings_as_a_country_does(house: House) -> None:
    after = house.application.tone(AFTER, 1.0)
    house.voice(f"<Response><Play ringTone='fr'/><Play>{after}</Play></Response>")
    caller = house.switch.call(NUMBER, from_=CALLER)
    caller.wait_hears(440)
    caller.wait_hears(AFTER, 10)
    caller.wait_ended()


@pytest.mark.parametrize("attributes", ["continueOnError='true'", ""])
def test_a_play_that_fails_is_passed_over(house: House, attributes: str) -> None:
    after = house.application.tone(AFTER, 1.0)
    house.voice(f"<Response><Play {attributes}>/missing.wav</Play><Play>{after}</Play></Response>")
    caller = house.switch.call(NUMBER, from_=CALLER)
    caller.wait_hears(AFTER)
    caller.wait_ended()


@pytest.mark.parametrize("inside", ["{}", "<Gather numDigits='1' timeout='1'>{}</Gather>"])
def test_a_play_that_fails_ends_the_call_where_it_is_to(house: House, inside: str) -> None:
    after = house.application.tone(AFTER, 1.0)
    play = inside.format("<Play continueOnError='FALSE'>/missing.wav</Play>")
    house.voice(f"<Response>{play}<Play>{after}</Play></Response>")
    caller = house.switch.call(NUMBER, from_=CALLER)
    caller.wait_ended(8)
    assert not caller.heard(AFTER)


def test_a_play_that_fails_has_a_second_address(house: House) -> None:
    good = house.application.tone(B, 1.0)
    house.voice(
        f"<Response><Play failoverUrl='{good}' continueOnError='false'>/missing.wav</Play></Response>"
    )
    caller = house.switch.call(NUMBER, from_=CALLER)
    caller.wait_hears(B)
    caller.wait_ended()
