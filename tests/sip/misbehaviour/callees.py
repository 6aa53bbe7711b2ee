"""33 ways of a callee. Each begins with an INVITE that has come; what still goes on after it is ended."""

from __future__ import annotations

import re

import gevent

from tests.sip.misbehaviour.callee import Callee
from tests.sip.misbehaviour.table import Table

CALLEES: Table[Callee] = Table()

LONGEST_SECONDS = 2.0
RINGS_SECONDS = 0.8
FOR_EVER_SECONDS = 7.0
"""Longer than any Dial here lets ring."""


def _talks(phone: Callee) -> None:
    phone.talks(phone.chance.uniform(0.2, LONGEST_SECONDS))


def _rings(phone: Callee) -> None:
    phone.rings()
    gevent.sleep(phone.chance.uniform(0.0, RINGS_SECONDS))


def _until_cancelled(phone: Callee) -> None:
    phone.ended.wait(FOR_EVER_SECONDS)


@CALLEES
def answers_and_talks(phone: Callee) -> None:
    """At once."""
    if phone.picks_up():
        _talks(phone)


@CALLEES
def rings_and_answers(phone: Callee) -> None:
    """As everybody should."""
    _rings(phone)
    if phone.picks_up():
        _talks(phone)


@CALLEES
def waits_for_the_others_bye(phone: Callee) -> None:
    """It answers, and never hangs up by itself."""
    if phone.picks_up():
        phone.talks(2 * FOR_EVER_SECONDS)


@CALLEES
def has_early_media(phone: Callee) -> None:
    """183 with SDP and sound, then 200."""
    phone.rings("183 Session Progress", phone.early_sound())
    gevent.sleep(phone.chance.uniform(0.0, RINGS_SECONDS))
    if phone.picks_up():
        _talks(phone)


@CALLEES
def has_early_media_and_declines(phone: Callee) -> None:
    """183 with SDP and sound, then 480."""
    phone.rings("183 Session Progress", phone.early_sound())
    gevent.sleep(phone.chance.uniform(0.0, RINGS_SECONDS))
    phone.sound.stop()
    phone.refuses("480 Temporarily Unavailable")


@CALLEES
def is_busy(phone: Callee) -> None:
    """486."""
    phone.refuses("486 Busy Here")


@CALLEES
def declines(phone: Callee) -> None:
    """It rings, then 603."""
    _rings(phone)
    phone.refuses("603 Decline")


@CALLEES
def is_unknown(phone: Callee) -> None:
    """404."""
    phone.refuses("404 Not Found")


@CALLEES
def has_moved(phone: Callee) -> None:
    """302 to a place where nobody is."""
    phone.refuses("302 Moved Temporarily", [("Contact", "<sip:elsewhere@127.0.0.1:9>")])


@CALLEES
def wants_a_password(phone: Callee) -> None:
    """407 with a challenge that nobody can meet."""
    challenge = 'Digest realm="elsewhere", nonce="1", algorithm=MD5'
    phone.refuses("407 Proxy Authentication Required", [("Proxy-Authenticate", challenge)])


@CALLEES
def is_broken(phone: Callee) -> None:
    """500 with Retry-After, or 503."""
    phone.refuses(phone.chance.choice(["500 Server Error", "503 Unavailable"]), [("Retry-After", "1")])


@CALLEES
def never_answers(phone: Callee) -> None:
    """Nothing at all, not even to CANCEL."""
    phone.vanish()


@CALLEES
def only_tries(phone: Callee) -> None:
    """100, and nothing more."""
    phone.rings("100 Trying")
    _until_cancelled(phone)


@CALLEES
def rings_for_ever(phone: Callee) -> None:
    """180 until it is cancelled."""
    phone.rings()
    _until_cancelled(phone)


@CALLEES
def vanishes_while_it_rings(phone: Callee) -> None:
    """180, and there is no phone any more."""
    phone.rings()
    phone.vanish()


@CALLEES
def answers_after_it_was_cancelled(phone: Callee) -> None:
    """200 to the CANCEL, and 200 to the INVITE too."""
    phone.refuses_cancel()
    phone.rings()
    if phone.within(FOR_EVER_SECONDS, lambda: any(one.startswith(b"CANCEL") for one in phone.requests)):
        gevent.sleep(phone.chance.uniform(0.0, 0.1))
        phone.picks_up()
        phone.talks(1.0)


@CALLEES
def answers_and_hangs_up_at_once(phone: Callee) -> None:
    """BYE right after the ACK."""
    phone.picks_up()
    phone.bye()


@CALLEES
def answers_and_hangs_up_soon(phone: Callee) -> None:
    """BYE 30 to 60 ms after the ACK."""
    phone.picks_up()
    gevent.sleep(phone.chance.uniform(0.03, 0.06))
    phone.bye()


@CALLEES
def hangs_up_before_the_ack(phone: Callee) -> None:
    """Its 200 and its BYE in one breath."""
    phone.picks_up(waits=False)
    phone.bye()


@CALLEES
def answers_without_sdp(phone: Callee) -> None:
    """A 200 with nothing to hear."""
    if phone.picks_up(b""):
        _talks(phone)


@CALLEES
def answers_with_wrong_sdp(phone: Callee) -> None:
    """Port 0, a codec that was not offered, or no SDP at all."""
    good = phone.offer()
    wrong = [re.sub(rb"m=audio \d+", b"m=audio 0", good), phone.offer(["GSM"]), b"not a description"]
    if phone.picks_up(phone.chance.choice(wrong)):
        _talks(phone)


@CALLEES
def answers_with_another_codec(phone: Callee) -> None:
    """The last that was offered of those it speaks."""
    if phone.picks_up(phone.offer([phone.other_codec()])):
        _talks(phone)


@CALLEES
def answers_on_hold(phone: Callee) -> None:
    """Its 200 says sendonly, inactive or recvonly; some time later it resumes."""
    direction = phone.chance.choice(["sendonly", "inactive", "recvonly"])
    if phone.picks_up(phone.offer([phone.other_codec()], direction)) and phone.talks(0.6):
        phone.reinvite()
        _talks(phone)


@CALLEES
def answers_twice_with_two_tags(phone: Callee) -> None:
    """As two phones behind a forking proxy that picked up together."""
    body = phone.offer([phone.other_codec()])
    phone.picks_up(body, waits=False)
    phone.answer(phone.invitation, "200 OK", body, tag=f"{phone.tag}other")
    if phone.acknowledged.wait(2.0):
        _talks(phone)


@CALLEES
def repeats_its_answer(phone: Callee) -> None:
    """The same 200 again and again, although the ACK has come."""
    if phone.picks_up():
        for _ in range(5):
            phone.line.send(phone.answered_with(phone.invitation))
            if not phone.talks(0.3):
                break


@CALLEES
def vanishes_after_its_answer(phone: Callee) -> None:
    """It talks, and there is no phone any more."""
    if phone.picks_up():
        phone.talks(phone.chance.uniform(0.0, 1.0))
        phone.vanish()


@CALLEES
def vanishes_on_hold(phone: Callee) -> None:
    """It holds, and there is no phone any more."""
    if phone.picks_up() and phone.talks(0.3):
        phone.reinvite(direction=phone.chance.choice(["sendonly", "inactive"]))
        phone.vanish()


@CALLEES
def holds_and_resumes(phone: Callee) -> None:
    """And holds again, and hangs up while it holds."""
    if phone.picks_up():
        for direction in ("sendonly", "sendrecv", "inactive"):
            if phone.talks(0.4):
                phone.reinvite(direction=direction)
        phone.talks(0.4)


@CALLEES
def changes_its_codec(phone: Callee) -> None:
    """By re-INVITEs: with another, with one that is refused, without SDP."""
    if phone.picks_up():
        for codecs in (["PCMA"], ["GSM"], []):
            if phone.talks(0.3):
                phone.reinvite(codecs, empty=not codecs)
        _talks(phone)


@CALLEES
def reinvites_at_the_same_time(phone: Callee) -> None:
    """The switch's re-INVITE meets its own, and each gets 491; the next is refused."""
    if phone.picks_up() and phone.talks(0.3):
        phone.handlers["INVITE"] = phone.reinvites_against
        phone.provoke()
        phone.talks(1.0)
        phone.handlers["INVITE"] = lambda message: phone.answer(message, "488 Not Acceptable Here")
        phone.provoke()
        _talks(phone)


@CALLEES
def sends_no_media(phone: Callee) -> None:
    """It answers and is silent; the switch has enough of that, or its caller has."""
    phone.silent = True
    if phone.picks_up():
        phone.talks(FOR_EVER_SECONDS)


@CALLEES
def sends_digits_and_refers(phone: Callee) -> None:
    """By INFO and in RTP; then it asks that its caller be transferred."""
    if phone.picks_up():
        phone.request("INFO", b"Signal=5\r\n", [("Content-Type", "application/dtmf-relay")])
        phone.sound.digit("9")
        phone.request("REFER", headers=[("Refer-To", f"<{phone.uri}>")])
        _talks(phone)


@CALLEES
def loses_a_fifth_and_repeats_the_rest(phone: Callee) -> None:
    """Of its messages, in both directions; what arrives arrives twice."""
    phone.line.faults.loss, phone.line.faults.copies = 0.2, 2
    _rings(phone)
    if phone.picks_up():
        _talks(phone)
