"""Somebody being dialled: the state of its leg, its status callbacks, its whisper document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent

from orchestrator.calls.fetch import FetchError
from orchestrator.calls.sids import call_sid_of
from orchestrator.calls.steps import Goto
from orchestrator.conference.model import Caller
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.commands import Destination
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.events import Event
from orchestrator.texml import Number, Sip

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

# A w is half a second, a digit a tenth.
DIGITS_SECONDS = 60.0


class Callee:
    """`on_event` runs on the socket's reader and never blocks."""

    def __init__(self, call: Call, noun: Number | Sip, uuid: str, to: str, destination: Destination) -> None:
        self.uuid = uuid
        self.call_sid = call_sid_of(uuid)
        self.destination = destination
        self._call = call
        self._noun = noun
        self._bridged_at = 0
        self._ended_at = 0
        self._orders = True
        self._tell = self._follow(to)

    def _follow(self, to: str) -> Callable[[Event], None]:
        call, noun = self._call, self._noun
        caller = Caller(
            call_sid=self.call_sid,
            leg=self.uuid,
            connection_id=call.caller.connection_id,
            from_=call.caller.from_,
            to=to,
        )
        if not noun.status_callback:
            return lambda event: None
        return call.services.status.follow(
            caller,
            call.account_sid,
            call.services.resolve(call.document_url, noun.status_callback),
            noun.status_callback_method,
            noun.status_callback_event,
            parent_call_sid=call.sid,
        )

    @property
    def bridged(self) -> bool:
        return bool(self._bridged_at)

    @property
    def seconds(self) -> int:
        """Connected with the caller, rounded as FreeSWITCH's billsec is."""
        return (max(self._ended_at, self._bridged_at) - self._bridged_at) // 1_000_000

    def no_more_orders(self) -> None:
        self._orders = False

    def on_event(self, event: Event) -> None:
        self._tell(event)
        match event.name:
            case "CHANNEL_ANSWER" if self._orders and self._whispers:
                gevent.spawn(self._whisper, event)
            case "CHANNEL_BRIDGE":
                self._bridged_at = event.timestamp
            case "CHANNEL_HANGUP":
                self._ended_at = event.timestamp
            case "CHANNEL_HANGUP_COMPLETE":
                self._call.services.switchboard.unwatch(self.uuid)

    @property
    def _whispers(self) -> bool:
        return self._noun.url is not None or (
            isinstance(self._noun, Number) and self._noun.send_digits is not None
        )

    def _whisper(self, event: Event) -> None:
        """Before the two are connected; its leg hangs in `sleep`, and a break lets it through."""
        from orchestrator.calls.call import Call

        services, noun = self._call.services, self._noun
        whisper = Call(
            services.legs.adopt(self.uuid, event.headers()), self._call.application, services, "outbound"
        )
        whisper.document_url = self._call.document_url
        try:
            if isinstance(noun, Number) and noun.send_digits:
                whisper.leg.execute("send_dtmf", noun.send_digits, timeout=DIGITS_SECONDS)
            end = whisper.documents(Goto(noun.url, noun.method)) if noun.url else None
        except SwitchError:
            return
        except FetchError as error:
            whisper.log.warning("no whisper, connected without", url=error.url, problem=error.problem)
            end = None
        if end is not None:
            whisper.leg.hangup(end.cause)
        else:
            services.connection.post(commands.break_(self.uuid))
