"""Phones around the emulated switch: they call, answer, speak a tone, press keys, and know what they hear."""

from __future__ import annotations

from collections.abc import Callable, Collection

from orchestrator.emulator.causes import CAUSE_OF_STATUS, q850, sip_status
from orchestrator.emulator.channel_variables import reply_variables
from orchestrator.emulator.clock import Clock
from orchestrator.emulator.leg_audio import Sources, sources
from orchestrator.emulator.session import Session

SHORT = 0.2  # seconds: "now", for a measurement
CANCELLED = 487  # what a called phone answers to a CANCEL
UNREACHABLE = 503  # what FreeSWITCH itself makes of an address where nothing listens
PHRASES = {
    404: "Not Found",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    503: "Service Unavailable",
    603: "Decline",
}


class EmulatedPhone:
    """One phone in one call. States: calling, ringing, answered, ended.

    Tests and the demo call it, on any greenlet. Nothing here waits.
    """

    def __init__(self, clock: Clock, number: str, caller: str) -> None:
        self.clock = clock
        self.number = number
        self.caller = caller
        self.leg: Session | None = None
        self.state = "calling"
        self.sip_status: int | None = None
        self.speaking: float | None = None
        self.turns = 0  # how often it has started or stopped speaking
        self.received_digits = ""  # DTMF that came to it
        self.cause = ""
        self.on_voice: Callable[[], None] | None = None
        self.on_act: Callable[[], None] | None = None

    # what it does

    def hang_up(self) -> None:
        if self.state == "ended" or self.leg is None:
            return
        leg = self.leg
        if leg.down:
            self._end(200 if self.state == "answered" else 487)
            return
        leg.hung_up_by_phone = True
        if self.state == "answered":
            leg.update(
                {"sip_term_status": "200", "proto_specific_hangup_cause": "sip:200", "sip_term_cause": "16"}
            )
            self._end(200)
            leg.hangup("NORMAL_CLEARING")
            leg.set("sip_hangup_disposition", "recv_bye")
        elif leg.inbound:
            leg.update(
                {
                    "sip_hangup_disposition": "recv_cancel",
                    "sip_invite_failure_status": "487",
                    "sip_invite_failure_phrase": "CANCEL",
                    "sip_term_status": "487",
                    "proto_specific_hangup_cause": "sip:487",
                    "sip_term_cause": "487",
                }
            )
            self._end(487)
            leg.hangup("ORIGINATOR_CANCEL")
        else:
            self.refuse(603)

    def press(self, digits: str, *, ways: Collection[str] = ("event",)) -> None:
        """Keys, each sent as a telephone-event (`event`), as a tone in the sound (`tone`), or as both; only
        a call with media carries them, and a tone counts where the leg listens for tones."""
        leg = self.leg
        if leg is None or not leg.media_up:
            return
        for digit in digits:
            if "event" in ways:
                leg.press(digit, "RTP")
            if "tone" in ways and leg.detects_tones:
                leg.press(digit, "INBAND_AUDIO")

    def sounds(self, hz: float | None) -> None:
        """The tone it speaks from now on; None: it is silent."""
        if hz != self.speaking:
            self.speaking = hz
            self.turns += 1
            if self.on_voice:
                self.on_voice()
            if self.leg is not None and self.leg.partner is not None and self.leg.partner.phone is not None:
                self.leg.partner.phone.listen()

    def answer(self, code: int = 200) -> None:
        """Pick up a call that came to it, or refuse it with another code."""
        if code >= 300:
            self.refuse(code)
        elif self.leg is not None and self.state in ("calling", "ringing"):
            self._become("answered", 200)
            self.leg.agree()
            self.leg.mark_answered()
            self._acted()

    def ring(self) -> None:
        if self.leg is not None and self.state == "calling":
            self._become("ringing")
            self.leg.update(reply_variables(self.leg.variables))
            self.leg.ring_ready()
            self._acted()

    def sing(self) -> None:
        """183: media before it answers."""
        if self.leg is not None and self.state in ("calling", "ringing"):
            self._become("ringing")
            self.leg.agree()
            self.leg.pre_answer()
            self._acted()

    def _acted(self) -> None:
        if self.on_act:
            self.on_act()

    def refuse(self, status: int) -> None:
        """Turn a call down that came to it."""
        leg = self.leg
        if leg is None or leg.down or self.state == "answered":
            return
        cause = CAUSE_OF_STATUS.get(status, "NORMAL_UNSPECIFIED")
        leg.hung_up_by_phone = True
        leg.update(reply_variables(leg.variables, reached=status != UNREACHABLE))
        leg.update(
            {
                "sip_hangup_disposition": "recv_refuse",
                "sip_invite_failure_status": str(status),
                "sip_invite_failure_phrase": PHRASES.get(status, "Failure"),
                "sip_term_status": str(status),
                "proto_specific_hangup_cause": f"sip:{status}",
                "sip_term_cause": str(q850(cause)),
            }
        )
        self._end(status)
        leg.hangup(cause)

    # called by the switch

    def on_status(self, status: int) -> None:
        """An answer to its INVITE."""
        if status == 200:
            self._become("answered", 200)
        elif self.state == "calling":
            self._become("ringing")

    def left(self, cause: str) -> None:
        """The switch ended the call."""
        self.cause = cause
        if self.leg is not None:
            unanswered = sip_status(cause) if self.leg.inbound else CANCELLED
            self._end(200 if self.leg.answered else unanswered)

    def cut_off(self) -> None:
        """The switch is gone without a word."""
        self._end(self.sip_status)

    def receive(self, digits: str) -> None:
        self.received_digits += digits

    def _become(self, state: str, status: int | None = None) -> None:
        if self.state != "ended":
            self.state = state
            self.sip_status = status

    def _end(self, status: int | None) -> None:
        if self.state != "ended":
            self.state, self.sip_status = "ended", status
            self.listen()

    def hearing(self, seconds: float = SHORT) -> set[float]:
        """All frequencies in the sound it hears now, looked at over the last `seconds`."""
        now = self.clock.now()
        heard: set[float] = set()
        for playing in self._sources().values():
            heard |= playing.sound.within(now - seconds - playing.began, now - playing.began)
        return heard

    def listen(self) -> None:
        """The sound to it has changed."""

    def _sources(self) -> Sources:
        return {} if self.leg is None or self.state == "ended" else sources(self.leg)
