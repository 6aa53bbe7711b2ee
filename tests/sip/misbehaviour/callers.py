"""33 ways of a caller. Each begins before its INVITE; what goes on after it is ended by BYE or CANCEL."""

from __future__ import annotations

import re

import gevent

from tests.attacks.sip import header
from tests.sip.description import sdp
from tests.sip.misbehaviour.caller import Caller
from tests.sip.misbehaviour.table import Table

CALLERS: Table[Caller] = Table()

LONGEST_SECONDS = 3.0
"""How long a phone talks at most before it hangs up."""
RELAY = [("Content-Type", "application/dtmf-relay")]


def _talks(phone: Caller) -> None:
    phone.talks(phone.chance.uniform(0.3, LONGEST_SECONDS))


@CALLERS
def talks_and_says_bye(phone: Caller) -> None:
    """As everybody should."""
    if phone.call():
        _talks(phone)


@CALLERS
def says_bye_right_after_its_ack(phone: Caller) -> None:
    """Before anything can have happened to the call."""
    if phone.call():
        phone.bye()


@CALLERS
def never_acknowledges(phone: Caller) -> None:
    """The 200 comes again and again; it sends sound, but no ACK and no BYE."""
    phone.acknowledges = False
    phone.invite()
    phone.wait(200)
    phone.talks(1.0)
    phone.vanish()


@CALLERS
def acknowledges_late(phone: Caller) -> None:
    """Two seconds after the 200."""
    phone.acknowledges = False
    phone.invite()
    if phone.wait(200) and phone.status() == 200:
        gevent.sleep(2.0)
        phone.acknowledge(phone.final(phone.invited, 0.0))
        _talks(phone)


@CALLERS
def cancels_while_it_rings(phone: Caller) -> None:
    """Some time after the first provisional response."""
    phone.invite()
    phone.wait(100)
    gevent.sleep(phone.chance.choice([0.0, 0.1, phone.chance.uniform(0.0, 1.0)]))
    if phone.status() < 200:
        phone.cancel()
        phone.wait(200)


@CALLERS
def cancels_as_it_is_answered(phone: Caller) -> None:
    """Its CANCEL and the 200 pass each other."""
    phone.invite()
    phone.wait(100)
    phone.wait(200, phone.chance.uniform(0.0, 0.15))
    phone.cancel()
    phone.wait(200)


@CALLERS
def vanishes_before_the_answer(phone: Caller) -> None:
    """It rings, and there is no phone any more."""
    phone.invite()
    phone.wait(100)
    gevent.sleep(phone.chance.uniform(0.0, 0.2))
    phone.vanish()


@CALLERS
def vanishes_after_the_answer(phone: Caller) -> None:
    """In the middle of a sentence."""
    if phone.call():
        _talks(phone)
        phone.vanish()


@CALLERS
def vanishes_on_hold(phone: Caller) -> None:
    """It holds, and there is no phone any more."""
    if phone.call() and phone.talks(0.5):
        phone.reinvite(direction=phone.chance.choice(["sendonly", "inactive"]))
        phone.vanish()


@CALLERS
def holds_and_resumes(phone: Caller) -> None:
    """Twice, silent in between."""
    if phone.call():
        for direction in ("sendonly", "sendrecv", "inactive", "sendrecv"):
            if phone.talks(0.4):
                phone.reinvite(direction=direction)
        _talks(phone)


@CALLERS
def holds_and_says_bye(phone: Caller) -> None:
    """Without resuming first."""
    if phone.call() and phone.talks(0.5):
        phone.reinvite(direction="sendonly")
        phone.talks(0.5)


@CALLERS
def changes_its_codec(phone: Caller) -> None:
    """By a re-INVITE with one other."""
    if phone.call() and phone.talks(0.4):
        phone.reinvite([phone.chance.choice(["PCMA", "G722", "OPUS", "PCMU"])])
        _talks(phone)


@CALLERS
def asks_for_a_codec_that_there_is_not(phone: Caller) -> None:
    """By a re-INVITE, which is refused; the call goes on."""
    if phone.call() and phone.talks(0.4):
        phone.reinvite(["GSM"])
        _talks(phone)


@CALLERS
def reinvites_without_sdp(phone: Caller) -> None:
    """The switch offers, its ACK answers."""
    if phone.call() and phone.talks(0.4):
        phone.reinvite(empty=True)
        _talks(phone)


@CALLERS
def refuses_a_reinvite(phone: Caller) -> None:
    """The switch's, with 488."""
    phone.handlers["INVITE"] = lambda message: phone.answer(message, "488 Not Acceptable Here")
    if phone.call() and phone.talks(0.4):
        phone.provoke()
        _talks(phone)


@CALLERS
def reinvites_at_the_same_time(phone: Caller) -> None:
    """The switch's re-INVITE meets its own, and each gets 491; both try again."""
    phone.handlers["INVITE"] = phone.reinvites_against
    if phone.call() and phone.talks(0.4):
        phone.provoke()
        _talks(phone)


@CALLERS
def offers_late(phone: Caller) -> None:
    """No SDP in its INVITE; its ACK answers the switch's offer."""
    if phone.call(b""):
        _talks(phone)


@CALLERS
def offers_nothing_usable(phone: Caller) -> None:
    """Codecs that nobody here speaks."""
    phone.call(sdp(phone.sound.port, ["GSM", "G729"], host=phone.line.host))


@CALLERS
def writes_wrong_sdp(phone: Caller) -> None:
    """Cut off, of another protocol, with port 0, or no SDP at all."""
    good = phone.offer()
    phone.call(
        phone.chance.choice(
            [
                good[: len(good) // 2],
                good.replace(b"m=audio", b"m=video"),
                re.sub(rb"m=audio \d+", b"m=audio 0", good),
                good.replace(b"RTP/AVP", b"RTP/SAVP"),
                b"\x00\xff not a description",
            ]
        )
    )


@CALLERS
def sends_digits_by_info(phone: Caller) -> None:
    """In both of the usual bodies."""
    if phone.call():
        for digit in "12#":
            phone.request("INFO", f"Signal={digit}\r\nDuration=100\r\n".encode(), RELAY)
        phone.request("INFO", b"7", [("Content-Type", "application/dtmf")])
        _talks(phone)


@CALLERS
def sends_telephone_events(phone: Caller) -> None:
    """Digits in RTP, one after the other, with and without a pause."""
    if phone.call():
        for digit in "1*2#":
            phone.sound.digit(digit)
            gevent.sleep(phone.chance.choice([0.0, 0.1]))
        _talks(phone)


@CALLERS
def sends_everything_twice(phone: Caller) -> None:
    """Every message has a copy right behind it."""
    phone.line.faults.copies = 2
    if phone.call():
        _talks(phone)


@CALLERS
def sends_out_of_order(phone: Caller) -> None:
    """Every message is up to 80 ms late: an ACK may come after the BYE that follows it."""
    phone.line.faults.delay = 0.08
    if phone.call():
        if phone.talks(phone.chance.choice([0.0, 0.3])):
            phone.reinvite()
        phone.bye()


@CALLERS
def loses_a_fifth(phone: Caller) -> None:
    """Of its messages, in both directions; over UDP it repeats them."""
    phone.line.faults.loss = 0.2
    if phone.call():
        _talks(phone)


@CALLERS
def moves_its_media(phone: Caller) -> None:
    """To another port, unannounced; some time later a re-INVITE says so."""
    if phone.call() and phone.talks(0.5):
        phone.sound.move()
        if phone.talks(0.5):
            phone.reinvite()
        _talks(phone)


@CALLERS
def sends_no_media(phone: Caller) -> None:
    """And waits until the switch has had enough of that."""
    phone.silent = True
    if phone.call():
        phone.talks(LONGEST_SECONDS)


@CALLERS
def withholds_its_number(phone: Caller) -> None:
    """Privacy: id, and an anonymous From."""
    phone.local = f"Anonymous <sip:anonymous@anonymous.invalid>;tag={phone.tag}"
    privacy = [("Privacy", "id"), ("P-Asserted-Identity", "<sip:+13125550009@127.0.0.1>")]
    if phone.call(headers=privacy):
        _talks(phone)


@CALLERS
def has_odd_uris(phone: Caller) -> None:
    """Parameters in the number, tel: in From, a display name in UTF-8."""
    parameters = phone.chance.choice([";npdi=yes", ";npdi;rn=+13125559999", ";isub=12", ""])
    phone.target = f"sip:{phone.number}{parameters}@{phone.switch};user=phone"
    phone.remote = f"<{phone.target}>"
    phone.local = phone.chance.choice(
        [
            f"<tel:+13125550003>;tag={phone.tag}",
            f'"J\\"o, \xe4 <x>" <sip:+13125550003;phone-context=+1@{phone.switch}>;tag={phone.tag}',
            f"<sip:{phone.line.shown_host}>;tag={phone.tag}",
        ]
    )
    if phone.call():
        _talks(phone)


@CALLERS
def says_bye_twice(phone: Caller) -> None:
    """The second is of a call that is no more."""
    if phone.call():
        _talks(phone)
        phone.bye()
        phone.bye()


@CALLERS
def calls_twice_with_one_call_id(phone: Caller) -> None:
    """Its INVITE comes once more, and again in another transaction, while it is answered."""
    phone.invite()
    phone.send_again()
    again = phone.written("INVITE", phone.offer(), sequence=1)
    phone.line.send(again)
    if phone.is_answered():
        _talks(phone)


@CALLERS
def asks_in_the_dialog(phone: Caller) -> None:
    """OPTIONS, UPDATE with and without SDP, MESSAGE, and a method that nobody knows."""
    if phone.call():
        phone.request("OPTIONS")
        phone.request("UPDATE")
        phone.request("UPDATE", phone.offer())
        phone.request("MESSAGE", b"hello", [("Content-Type", "text/plain")])
        phone.request("JUGGLE")
        _talks(phone)


@CALLERS
def refers(phone: Caller) -> None:
    """It asks to be transferred, to a phone and to itself; nothing comes of it."""
    if phone.call() and phone.talks(0.3):
        for uri in (f"sip:+13125550198@{phone.switch}", f"sip:caller@{phone.line.address}"):
            phone.request("REFER", headers=[("Refer-To", f"<{uri}>"), ("Referred-By", phone.contact)])
        _talks(phone)


@CALLERS
def wants_short_sessions_and_has_long_headers(phone: Caller) -> None:
    """Session-Expires: 20 is refused with 422, then 90 is taken; all with headers of some kilobytes."""
    long_ = [("X-Long", "x" * 900), ("User-Agent", "y" * 700), ("Subject", "z" * 500)]
    phone.invite(headers=[("Supported", "timer"), ("Session-Expires", "20"), *long_])
    phone.wait(200)
    if phone.status() == 422:
        least = header(phone.final(phone.invited, 0.0), "Min-SE") or "90"
        longer = [("Session-Expires", least), ("Min-SE", least)]
        phone.invite(headers=[("Supported", "timer"), *longer, *long_])
    if phone.is_answered():
        _talks(phone)
