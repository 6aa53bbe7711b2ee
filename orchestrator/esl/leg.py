"""One leg that is ours: applications run on it, matched to their completion; digits; the hangup."""

from __future__ import annotations

import contextlib
import time
import uuid as uuids
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Final, Protocol

import gevent
import gevent.event
import gevent.queue

from orchestrator.esl import commands
from orchestrator.esl.deadline import Deadline
from orchestrator.esl.digits import Presses
from orchestrator.esl.errors import CommandTimeout, LegGone, SwitchError, failure
from orchestrator.esl.events import Event
from orchestrator.esl.execution import (
    ADOPTED_EXECUTION,
    BRIDGED_EXECUTION,
    EXECUTE_TIMEOUT_SECONDS,
    Execution,
)
from orchestrator.esl.reply import OnReply, Reply
from orchestrator.logs import get_logger

log = get_logger(__name__)

MAX_DIGITS: Final = 128
# FreeSWITCH refuses commands from the moment of the hangup, a little before it sends CHANNEL_HANGUP with the
# cause.
_HANGUP_GRACE_SECONDS: Final = 2.0
_BREAK_AGAIN_SECONDS: Final = 0.1
_FRAME_SECONDS: Final = 0.02
_BREAK_TRIES: Final = 50
_BRIDGE: Final = "bridge"
_BRIDGED_BY_SIGNALLING: Final = "variable_signal_bridge_to"
_BREAKABLE: Final = frozenset({"playback", "speak", "say", "phrase", "sleep", "gentones", "record", "read"})
_STOP_SECONDS: Final = 2.0
# An id for each application started: what an earlier run of ours started has another one.
_THIS_RUN: Final = uuids.uuid4().hex
_numbers: Final = count()


class Switch(Protocol):
    """The part of `Connection` that legs use."""

    on_down: list[Callable[[SwitchError], None]]

    def post(self, command: str, on_reply: OnReply | None = None) -> None:
        """Send without waiting."""

    def ping(self, on_reply: OnReply) -> None:
        """Ask what is answered behind all that was said before."""


class Leg:
    """One channel under our control. Made by `Legs.adopt`.

    Commands come from the greenlet of its call, or from the effect executor's; `on_event` is the socket's
    reader's and must not block. `Execution.wait` blocks its caller.
    """

    __slots__ = (
        "_adopted",
        "_answering",
        "_blocked",
        "_connection",
        "_declare_gone",
        "_digits",
        "_ended",
        "_executions",
        "_presses",
        "answered",
        "gone",
        "hangup_cause",
        "headers",
        "on_digit",
        "on_hangup",
        "uuid",
    )

    def __init__(
        self, connection: Switch, uuid: str, headers: dict[str, str], declare_gone: Callable[[str], None]
    ) -> None:
        """`declare_gone` is called with the uuid of a leg whose end was missed."""
        self._connection = connection
        self._declare_gone = declare_gone
        self.uuid = uuid
        self.headers = headers
        self.answered = headers.get("Answer-State") == "answered"
        self.gone = False
        self.hangup_cause = ""
        self.on_digit: list[Callable[[str], None]] = []
        """Each called with each digit on the reading greenlet, besides the queue."""
        self.on_hangup: list[Callable[[Leg], None]] = []
        """Each called once, on the reading greenlet, when the leg has hung up."""
        self._executions: dict[str, Execution] = {}
        self._answering: Execution | None = None
        self._adopted: Execution | None = None
        self._blocked: Sequence[gevent.Greenlet[..., None]] = ()
        self._digits: gevent.queue.Queue[str] | None = None
        self._presses: Presses | None = None
        self._ended: gevent.event.Event | None = None

    @property
    def digits(self) -> gevent.queue.Queue[str]:
        """The digits pressed, in order; the oldest are dropped where nobody takes them."""
        if self._digits is None:
            self._digits = gevent.queue.Queue(MAX_DIGITS)
        return self._digits

    @property
    def ended(self) -> gevent.event.Event:
        """Set when the leg has hung up."""
        if self._ended is None:
            self._ended = gevent.event.Event()
            if self.gone:
                self._ended.set()
        return self._ended

    def start(self, app: str, arg: str = "") -> Execution:
        """Run an application without waiting. Those started back to back run in the same 20 ms frame.

        An application started while another plays runs inside it. The very one that was found running when
        the leg was resumed is not started again. Raises `ValueError` as `commands.execute` does.
        """
        self.check_blocked()
        found = self._adopted
        if found is not None and (app, arg) == (found.app, found.arg) and not found.done:
            self._adopted = None
            return found
        execution = Execution(f"{_THIS_RUN}-{next(_numbers)}", app, arg)
        command = commands.execute(self.uuid, app, arg, execution.uuid)
        if self.gone:
            execution._settle(LegGone(self.hangup_cause))
            return execution
        self._executions[execution.uuid] = execution
        self._connection.post(command, partial(self._replied, execution))
        return execution

    def resume(self, headers: dict[str, str]) -> None:
        """After a restart of ours or a lost socket: how it stands, from uuid_dump, and what runs on it."""
        self.headers = headers
        self.answered = headers.get("Answer-State") == "answered"
        self._answering = None
        self._adopted = None
        app = headers.get("variable_current_application", "")
        if headers.get(_BRIDGED_BY_SIGNALLING):
            arg = headers.get("variable_current_application_data", "")
            self._adopted = self._executions[BRIDGED_EXECUTION] = Execution(BRIDGED_EXECUTION, _BRIDGE, arg)
            return
        # A playback that is through has left its response (mod_dptools.c); of others it is not to be seen.
        if app and not headers.get("variable_current_application_response"):
            arg = headers.get("variable_current_application_data", "")
            self._adopted = self._executions[ADOPTED_EXECUTION] = Execution(ADOPTED_EXECUTION, app, arg)

    @property
    def current_application(self) -> tuple[str, str]:
        """Application and argument found running at `resume` and not started again since; else empty."""
        found = self._adopted
        return ("", "") if found is None or found.done else (found.app, found.arg)

    def adopt(self, app: str, arg: str) -> None:
        """An application that an earlier run of ours started runs on, until it ends by itself."""
        self._executions[ADOPTED_EXECUTION] = Execution(ADOPTED_EXECUTION, app, arg)

    def started(self, app: str, arg: str) -> Execution | None:
        """That very application, if it was started on this leg and has not completed."""
        found = (one for one in self._executions.values() if (one.app, one.arg) == (app, arg))
        return next(found, None)

    def runs(self, app: str) -> bool:
        """Whether this application was started and has not completed."""
        return any(execution.app == app for execution in self._executions.values())

    def stop_playback_and_wait(self, seconds: float) -> bool:
        """Break what plays until nothing does, for so long; whether it is quiet."""
        until = time.monotonic() + seconds
        while self.playing and time.monotonic() < until:
            self.break_()
            gevent.sleep(_FRAME_SECONDS)
        return not self.playing

    def stop_leftover_playback(self) -> None:
        """End what was found running, and wait for its end: the call goes on with something else."""
        found, self._adopted = self._adopted, None
        if found is None or found.done or self.gone:
            return
        if found.app in _BREAKABLE:
            self.break_()
            # Perhaps it was through already.
            with contextlib.suppress(CommandTimeout):
                found.wait(_STOP_SECONDS)
        self._executions.pop(ADOPTED_EXECUTION, None)

    def block_greenlet(self, greenlet: gevent.Greenlet[..., None]) -> None:
        """Nothing more from `greenlet`, which is being killed: it may have a turn before it dies."""
        # A tuple would leak: Python's collector stops tracking one whose greenlets are alive when it looks.
        self._blocked = [*(one for one in self._blocked if not one.ready()), greenlet]

    def check_blocked(self) -> None:
        """Ends the greenlet that calls this if it was shut out."""
        if self._blocked and gevent.getcurrent() in self._blocked:
            raise gevent.GreenletExit

    def execute(self, app: str, arg: str = "", timeout: float | None = EXECUTE_TIMEOUT_SECONDS) -> Event:
        """Run an application and wait for its completion. Raises as `Execution.wait`."""
        return self.start(app, arg).wait(timeout)

    def answer(self) -> Execution:
        """Answer, once: later calls return the first one's execution, and on an answered leg one that is
        done."""
        if self._answering is None or (self._answering.failed and not self.gone):
            if self.answered:
                self._answering = Execution("", "answer")
                self._answering._settle(
                    Event(name="CHANNEL_EXECUTE_COMPLETE", uuid=self.uuid, application="answer")
                )
            else:
                self._answering = self.start("answer")
        return self._answering

    def set(self, variables: Mapping[str, str] | None = None, /, **more: str) -> Execution:
        """Set channel variables, in order with what is started before and after. Raises as
        `commands.multiset`."""
        return self.start("multiset", commands.multiset({**(variables or {}), **more}))

    def break_(self) -> None:
        """End what plays, also what was started but does not play yet.

        Wait for that execution before starting what is to come after it: FreeSWITCH runs a command that
        arrives before it has looked at the break inside of what plays, and that clears the break
        (switch_core_session_exec).
        """
        if self.gone:
            return
        self._break(list(self._executions.values()), _BREAK_TRIES)

    @property
    def playing(self) -> bool:
        """Whether something that `break_` ends was started and has not completed."""
        return any(execution.app in _BREAKABLE for execution in self._executions.values())

    def deadline(self, seconds: float, passed: Callable[..., None], *arguments: object) -> Deadline:
        """A time limit on what FreeSWITCH is to do with it."""
        return Deadline(self._connection.ping, seconds, passed, *arguments)

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """Hang up in whatever state the leg is; again does no harm."""
        if not self.gone:
            self._connection.post(commands.kill(self.uuid, cause), self._checked)

    def _break(self, playing: list[Execution], tries: int) -> None:
        self._connection.post(commands.break_(self.uuid), self._checked)
        if tries > 1 and self._may_not_have_heard(playing):
            gevent.spawn_later(_BREAK_AGAIN_SECONDS, self._break_again, playing, tries - 1)

    def _break_again(self, playing: list[Execution], tries: int) -> None:
        # A break that comes before the application starts is forgotten when it starts.
        if not self.gone and self._may_not_have_heard(playing):
            self._break(playing, tries)

    def _may_not_have_heard(self, playing: list[Execution]) -> bool:
        # A later application is not to be broken.
        newest = next(reversed(self._executions.values()), None)
        return newest in playing and any(e.app in _BREAKABLE and not e.done for e in playing)

    def _replied(self, execution: Execution, outcome: Reply | SwitchError) -> None:
        if isinstance(outcome, CommandTimeout):
            # It may have been taken all the same: its completion, the leg's end or the socket's will show it.
            return
        error = outcome if isinstance(outcome, SwitchError) else failure(outcome.text)
        if error is None:
            return
        self._executions.pop(execution.uuid, None)
        execution._settle(error)
        self._doubt(error)

    def _checked(self, outcome: Reply | SwitchError) -> None:
        error = outcome if isinstance(outcome, SwitchError) else failure(outcome.text)
        if error is not None:
            log.debug("a command failed", leg=self.uuid, problem=str(error))
            self._doubt(error)

    def _doubt(self, error: SwitchError) -> None:
        if isinstance(error, LegGone) and not self.gone:
            # CHANNEL_HANGUP is on its way with the cause, or it came before the leg was adopted and never
            # will again.
            Deadline(self._connection.ping, _HANGUP_GRACE_SECONDS, self._declare_gone, self.uuid)

    # Events, on the reading greenlet

    def _completed(self, event: Event) -> None:
        execution = self._executions.pop(event.application_uuid, None)
        if execution is None:
            found = self._executions.get(ADOPTED_EXECUTION)
            if found is None or event.application != found.app:
                return
            if event.header("Application-Data") != found.arg:
                return
            execution = self._executions.pop(ADOPTED_EXECUTION)
        if execution.app == _BRIDGE and event.header(_BRIDGED_BY_SIGNALLING):
            self._executions[BRIDGED_EXECUTION] = execution
            return
        execution._settle(event)

    def _parked(self, event: Event) -> None:
        execution = self._executions.pop(BRIDGED_EXECUTION, None)
        if execution is not None:
            execution._settle(event)

    def _pressed(self, digit: str, way: str, at: int) -> None:
        if self._presses is None:
            self._presses = Presses()
        if not self._presses.is_new(digit, way, at):
            return
        digits = self.digits
        if digits.full():
            digits.get_nowait()
        digits.put_nowait(digit)
        for listener in tuple(self.on_digit):
            self._guarded(partial(listener, digit))

    def _hung_up(self, cause: str) -> None:
        if self.gone:
            return
        self.gone = True
        self.hangup_cause = cause
        self._fail_all(LegGone(cause))
        if self._ended is not None:
            self._ended.set()
        hooks, self.on_hangup = self.on_hangup, []
        for hook in hooks:
            self._guarded(partial(hook, self))

    def _fail_all(self, error: SwitchError) -> None:
        executions, self._executions = self._executions, {}
        for execution in executions.values():
            execution._settle(error)

    def _guarded(self, hook: Callable[[], None]) -> None:
        try:
            hook()
        except Exception:
            log.exception("a hook failed", leg=self.uuid)
