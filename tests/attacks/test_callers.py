"""Every payload in every place of an INVITE that somebody reads later: each on a call of its own."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from urllib.parse import quote_from_bytes

import gevent
import pytest
from gevent.pool import Pool

from tests.attacks.guard import guarded
from tests.attacks.payloads import payloads
from tests.attacks.sip import RawPhone, raw
from tests.lab.switches import FreeSwitch
from tests.lab.web import Request
from tests.scenarios.conftest import House

pytestmark = pytest.mark.only("freeswitch")

OURS = {
    *("AccountSid", "ApiVersion", "CallSid", "CallSidLegacy", "CallStatus", "CallerId", "CallingPartyType"),
    *("ConnectionId", "Direction", "From", "FromSipUri", "To", "ToSipUri"),
}
BYTES = {
    "not utf-8": b"a\xff\xfe\x80b\xc3\x28\xed\xa0\x80c",
    "latin-1": "Gr\xfc\xdfe".encode("latin-1"),
    "bell and escape": b"a\x07\x1b[2Jb\x1b]0;x\x07",
    "json escapes": b'a\\"\\u0000\\ud800\\n"b',
}
# mod_sofia takes 64 kB of a datagram; a header is one line.
LONGEST = 4000
SECONDS = 30
CALLS_AT_ONCE = 10


def one_header(text: bytes) -> bytes:
    """Line ends would make it several headers, which is any caller's right; percent signs are decoded."""
    return re.sub(rb"[\r\n]", lambda end: b"%%%02x" % ord(end[0]), text)[:LONGEST].strip()


def user(text: bytes) -> str:
    return quote_from_bytes(text[:LONGEST], safe="")


def bare(text: str) -> str:
    """Letters and digits: what is left of a text whatever was done to its signs and spaces."""
    return "".join(c for c in text if unicodedata.category(c)[0] in "LN")


def test_nothing_of_an_invite_is_more_than_a_text(open_house: House, mark: Path) -> None:
    house = open_house
    assert isinstance(house.switch, FreeSwitch)
    port = house.switch.sip_port
    texts = {name: raw(text) for name, text in payloads(mark).items()} | BYTES
    reached: dict[str, Request] = {}
    house.application.document("/voice", "<Response><Reject/></Response>")

    def call(number: int, name: str, text: bytes, place: str) -> None:
        value, words = one_header(text), b"p%dp" % number
        identity: str | bytes = f"+1202555{number:04}"
        to: str | bytes = "+13125550100"
        display: str | bytes = b""
        headers: list[tuple[str | bytes, str | bytes]] = [("X-Number", words)]
        match place:
            case "display":
                display = re.sub(rb'(["\\])', rb"\\\1", value)
            case "headers":
                headers += [
                    *(("X-Attack", value), ("User-Agent", value), ("Diversion", value), ("Subject", value)),
                    *(("X-FS-Support", value), ("X-FS-Channel-Name", value), ("Alert-Info", value)),
                    *(("X-AUTH-IP", "127.0.0.1"), ("Call-Info", value), ("History-Info", value)),
                ]
            case "identity":
                identity = user(text)
            case "asserted":
                display = b"x"
                headers.append(("P-Asserted-Identity", b'"' + value.replace(b'"', b"") + b'" <sip:%s@x>'))
                headers.append(("Remote-Party-ID", b"<sip:%s@x>;party=calling" % user(text).encode()))
            case "number":
                to = "+13125551" + user(text)
        with RawPhone(port) as phone:
            answer = phone.invite(to, identity=identity, display=display, headers=headers, timeout=SECONDS)
        if place != "number":
            # It was answered by the document, or refused by FreeSWITCH as no SIP; never with silence.
            assert answer.status in (603, 400, 416, 404, 503), (name, place, answer.status)

    pool, number = Pool(CALLS_AT_ONCE), 0
    with guarded(house, mark) as guard:
        for place in ("display", "headers", "identity", "asserted", "number"):
            calls = []
            for name, text in texts.items():
                number += 1
                calls.append(pool.spawn(call, number, name, text, place))
            gevent.joinall(calls, timeout=2 * SECONDS, raise_error=True)
            if place == "headers":
                reached |= {
                    request.fields["SipHeader_X-Number"]: request
                    for request in house.application.to("/voice")
                }
        assert not [
            event
            for event in guard.events.events
            if event["Event-Name"] == "API"
            and event["API-Command"] == "conference"
            and event["API-Command-Argument"] != "json_list"  # the periodic check's
        ]
    requests = house.application.to("/voice")
    assert len(requests) > 3 * len(texts)
    sids = [request.fields["CallSid"] for request in requests]
    assert len(set(sids)) == len(sids)
    for request in requests:
        names = [name for name, _ in request.form]
        assert len(names) == len(set(names))
        assert {name for name in names if not name.startswith("SipHeader_")} <= OURS
        assert request.fields["Direction"] == "inbound"
        assert request.fields["CallStatus"] == "ringing"
    start = len(texts) + 1
    for number, text in enumerate(texts.values(), start):
        found = reached.get(f"p{number}p")
        if found is None:
            continue
        value = found.fields.get("SipHeader_X-Attack", "")
        if not value:
            # FreeSWITCH keeps no variable with `${` in it.
            assert b"$" in text
        elif not text.startswith(b"ARRAY::"):
            assert bare(value) == bare(one_header(text).decode("utf-8", "replace"))
    assert len(reached) > 0.8 * len(texts)
