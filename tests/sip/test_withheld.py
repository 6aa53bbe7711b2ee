"""A caller who withholds its number, on a real FreeSWITCH: what applications, callees and lists show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.attacks.sip import Answerer, RawPhone, header
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.scenarios.test_numbers import post
from tests.sound.common import until

pytestmark = pytest.mark.only("freeswitch")
SECRET, ASSERTED = "+13125550001", "+13125550007"
CALLEE = "+13125550021"
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
WITHHOLDING = [
    {"Privacy": "id"},
    {"Privacy": "user;id"},
    {"Remote-Party-ID": f'"Anna" <sip:{SECRET}@127.0.0.1>;party=calling;privacy=full'},
]


@contextmanager
def carrier(house: House, **keys: str) -> Iterator[Answerer]:
    """A trunk whose INVITEs are looked at."""
    with Answerer(
        "200 OK", ["Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO", "Supported: timer"]
    ) as other:
        text = "  carrier:\n" + f"    dial_string: sofia/texml/{{number}}@{other.address}\n"
        text += "".join(f"    {key}: {value}\n" for key, value in keys.items())
        house.stop()
        house.start(trunks=text, trunk="carrier")
        yield other


def call(house: House, document: str, headers: dict[str, str], from_line: str | None = None) -> RawPhone:
    house.voice(f"<Response>{document}</Response>")
    assert isinstance(house.switch, FreeSwitch)
    phone = RawPhone(house.switch.sip_port)
    phone.invite(identity=SECRET, display="Anna", from_line=from_line, headers=list(headers.items()))
    return phone


def secrets(requests_: list[bytes], *numbers: str) -> list[str]:
    """Lines of requests that contain one of the numbers."""
    found = []
    for request in requests_:
        for line in request.decode(errors="replace").splitlines():
            if any(number.lstrip("+") in line for number in numbers) or "Anna" in line:
                found.append(line)
    return found


@pytest.mark.parametrize("headers", WITHHOLDING)
@pytest.mark.parametrize("noun", [f"<Number>{CALLEE}</Number>", "<Sip>sip:bob@{address}</Sip>"])
def test_an_untrusted_callee_is_sent_no_withheld_number(
    house: House, headers: dict[str, str], noun: str
) -> None:
    """SYMPTOM with `Privacy: id` the callee got the number in clear, in From. CAUSE the caller id of the
    other leg went there as it was. FIX it is anonymous on every way out but to a trusted trunk."""
    with carrier(house) as other:
        document = f"<Dial timeLimit='1'>{noun.format(address=other.address)}</Dial>"
        with call(house, document, headers):
            until(lambda: any(one.startswith(b"BYE") for one in other.requests), 10, "the callee's BYE")
        (invite,) = other.invites
        assert header(invite, "From").startswith(ANONYMOUS)
        assert header(invite, "Privacy") == "id"
        assert not header(invite, "P-Asserted-Identity") + header(invite, "Remote-Party-ID")
        assert secrets(other.requests, SECRET) == []


@pytest.mark.parametrize(("kind", "name"), [("pai", "P-Asserted-Identity"), ("rpid", "Remote-Party-ID")])
def test_a_trusted_trunk_is_sent_it_in_the_header_that_it_wants_and_nowhere_else(
    house: House, kind: str, name: str
) -> None:
    with carrier(house, trusted="true", identity_header=kind) as other:
        with call(house, f"<Dial timeLimit='1'>{CALLEE}</Dial>", {"Privacy": "id"}):
            until(lambda: any(one.startswith(b"BYE") for one in other.requests), 10, "the callee's BYE")
        (invite,) = other.invites
        assert header(invite, "From").startswith(ANONYMOUS)
        assert re.findall(rb"(?im)^privacy:\s*(\S+)", invite) == [b"id"]
        assert f"sip:{SECRET}@127.0.0.1" in header(invite, name).replace("%2B", "+")
        assert len(secrets([invite], SECRET)) == 1


def test_a_trusted_peers_assertion_goes_on_to_a_trusted_trunk(house: House) -> None:
    identity = {"Privacy": "id", "P-Asserted-Identity": f'"Anna" <sip:{ASSERTED}@127.0.0.1>'}
    with carrier(house, trusted="true", addresses="[127.0.0.1]") as other:
        with call(house, f"<Dial timeLimit='1'>{CALLEE}</Dial>", identity, ANONYMOUS):
            until(lambda: bool(other.invites), 10, "the callee's INVITE")
        assert ASSERTED in header(other.invites[0], "P-Asserted-Identity").replace("%2B", "+")
        assert not secrets([other.invites[0]], SECRET)


def test_a_number_that_the_document_names_is_shown(house: House) -> None:
    with carrier(house) as other:
        with call(house, f"<Dial timeLimit='1' callerId='+13125550009'>{CALLEE}</Dial>", {"Privacy": "id"}):
            until(lambda: bool(other.invites), 10, "the callee's INVITE")
        assert "+13125550009" in header(other.invites[0], "From").replace("%2B", "+")
        assert secrets([other.invites[0]], SECRET) == []


@pytest.mark.parametrize("headers", WITHHOLDING)
def test_nobody_who_looks_on_sees_it(house: House, headers: dict[str, str]) -> None:
    document = house.joins().removeprefix("<Response>").removesuffix("</Response>")
    with call(house, document, headers):
        events = house.events(2)
        seen = [request.body.decode() for request in house.application.requests]
        assert house.orchestrator
        base = f"http://127.0.0.1:{house.orchestrator.web.port}"
        participants = f"Conferences/{events[0]['ConferenceSid']}/Participants"
        for path in ("/v2/texml", "/2010-04-01"):
            for what in ("Calls", "Conferences", participants):
                url = f"{base}{path}/Accounts/{ACCOUNT}/{what}.json"
                answer = requests.get(url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=10)
                assert answer.ok
                seen.append(answer.text)
    assert events[1]["From"] == "anonymous"
    assert not [text for text in seen if SECRET[1:] in text or "Anna" in text]
    assert not house.log.has(SECRET)


def test_the_api_calls_without_a_number(house: House) -> None:
    house.voice("<Response><Hangup/></Response>")
    with carrier(house, caller_id="'+13125550009'") as other:
        assert post(house, "telnyx", "/Calls", To=CALLEE, From="anonymous").ok
        until(lambda: bool(other.invites), 10, "the callee's INVITE")
        (invite,) = other.invites
        assert header(invite, "From").startswith(ANONYMOUS)
        assert secrets([invite], "+13125550009") == []
        assert NUMBER not in header(invite, "From")
        until(lambda: any(one.startswith(b"BYE") for one in other.requests), 10, "its end")


@pytest.mark.parametrize(("keys", "sent"), [({}, True), ({"caller_ids": "['+1312*']"}, False)])
def test_no_header_of_a_document_shows_a_number_that_the_trunk_does_not_allow(
    house: House, keys: dict[str, str], sent: bool
) -> None:
    """SYMPTOM with `caller_ids` a document showed any number, by `?P-Preferred-Identity=` in a Sip at the
    trunk's host. CAUSE carriers take that header before From, and no rule looked at it. FIX it is not sent
    where a trunk limits what is shown, or the caller withholds its number."""
    preferred = "%3Csip:+19005550000@127.0.0.1%3E"
    with carrier(house, **keys) as other:
        address = f"sip:{CALLEE}@{other.address}?P-Preferred-Identity={preferred}"
        with call(house, f"<Dial timeLimit='1'><Sip>{address}</Sip></Dial>", {}):
            until(lambda: bool(other.invites), 10, "the callee's INVITE")
    assert bool(header(other.invites[0], "P-Preferred-Identity")) is sent
    assert house.log.has("a SIP header is not sent") is not sent
