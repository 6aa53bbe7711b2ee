"""The document that a callee hears before it is connected (`url`), and the keys sent to it."""

from __future__ import annotations

from gevent.event import Event as Flag

from orchestrator.calls.call import Call
from orchestrator.calls.runner import Rules
from orchestrator.calls.stored_call import Unstored
from orchestrator.conference.machine.state import Caller
from orchestrator.documents.fetch import FetchError
from orchestrator.documents.next_action import EndCall, FetchDocument
from orchestrator.esl import commands
from orchestrator.esl.dtmf import send_digits
from orchestrator.esl.errors import LegGone, SwitchError
from orchestrator.esl.leg import Leg
from orchestrator.texml import Dial, Number, Sip

BREAK_TRIES = 50
BREAK_AGAIN_SECONDS = 0.2
RULES = Rules(
    refused={Dial: "not for a callee who is about to be connected, skipped"},
    # The application's is about calls to it.
    fallback=False,
    ends_with_a_sound=False,
    # A playback runs inside of the silence, and a break ends both (switch_ivr.c, CF_STOP_BROADCAST):
    # a key in a Gather would connect the two.
    can_break=False,
)


class CallScreening(Call):
    """Steers a callee's leg that hears silence; at the end a break lets it through to its caller."""

    def __init__(self, parent: Call, leg: Leg, noun: Number | Sip, caller: Caller) -> None:
        super().__init__(leg, parent.application, parent.services, "outbound", rules=RULES)
        # It is its caller's call that is kept.
        self.store = Unstored(parent.services.write_buffer)
        self.caller = caller
        self.parent_call_sid = parent.sid
        self.accepted = Flag()
        self.document_url = parent.document_url
        self._noun = noun

    def _run(self) -> None:
        self._redirecting = True
        try:
            end = self._perform()
        except LegGone:
            return
        except FetchError as error:
            self.warn("no screening document, connected without", url=error.url, problem=error.problem)
            end = None
        except SwitchError as error:
            self.warn("screening cannot go on", problem=str(error))
            end = EndCall()
        finally:
            self._redirecting = False
        if end is not None:
            self.leg.hangup(end.cause)
        else:
            self._connect_callee()

    def _connect_callee(self) -> None:
        # A break that comes before the silence has begun is forgotten when it begins.
        for _ in range(BREAK_TRIES):
            self.services.connection.post(commands.break_(self.leg.uuid))
            if self.accepted.wait(BREAK_AGAIN_SECONDS) or self.leg.gone:
                return

    def _perform(self) -> EndCall | None:
        digits = getattr(self._noun, "send_digits", None)
        if digits:
            send_digits(self.leg, digits)
        return self.documents(FetchDocument(self._noun.url, self._noun.method)) if self._noun.url else None
