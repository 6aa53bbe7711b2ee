"""Which orchestrator steers this FreeSWITCH: written down in FreeSWITCH itself, so that there is only one.

The global variable `texml_owner` holds the owner and a heartbeat that the owner changes every BEAT_SECONDS.
It is claimed while the event socket is opened, before any event or command, so at each reconnect again:

- free, or ours: taken at once. Ours is a variable of this process, or, at a process's first claim, of a
  predecessor with the same database, which its lock proves dead.
- another's: taken where its heartbeat has not changed for STALE_SECONDS of our own clock, watched without a
  gap. No two machines' clocks are compared. A heartbeat that changes means that the claim is refused.
- not there, as FreeSWITCH has just started: see `_create`.

`global_setvar name=value=expected` compares and sets under one lock (switch_core.c,
switch_core_set_var_conditional) and answers +OK either way: what became of it is read back.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final, NoReturn
from uuid import uuid4

import gevent
from msgspec import Struct
from msgspec.structs import astuple

from orchestrator.esl import commands
from orchestrator.esl.errors import Disconnected, SwitchError
from orchestrator.logs import get_logger

log = get_logger(__name__)

VARIABLE: Final = "texml_owner"
FREE: Final = "free"
"""Its value after a clean stop. An absent one could not be compared with."""
BEAT_SECONDS: Final = 2.0
STALE_SECONDS: Final = 15.0
LEASE_SECONDS: Final = 10.0
"""An owner whose heartbeat was not confirmed for so long asks before it does anything more."""
LOOK_SECONDS: Final = 0.5
STANDBY_SECONDS: Final = 5.0
GAP_SECONDS: Final = 3.0
"""In more time between two looks FreeSWITCH may have stood still, so that no heartbeat could come."""
# An absent variable is set without a comparison; see `_create`.
CREATE_SECONDS: Final = 0.1
SETTLE_SECONDS: Final = 0.25
_NO_WORD: Final = re.compile(r"[^A-Za-z0-9._-]+")

Ask = Callable[[str], str]
"""Runs an API command (with the word `api`) and returns what it printed. Raises SwitchError."""


class NotOwner(SwitchError):
    """Another orchestrator owns this FreeSWITCH."""

    def __init__(self, text: str, *, alive: bool) -> None:
        super().__init__(text)
        self.alive = alive
        """Its heartbeat was seen to change. Else it is not known yet."""

    @property
    def again_seconds(self) -> float:
        """When to look again."""
        return STANDBY_SECONDS if self.alive else LOOK_SECONDS


class Owner(Struct, frozen=True):
    """The variable's value. Times are FreeSWITCH's, in seconds since the epoch."""

    installation: str
    """Of the database."""
    process: str
    beats: int
    beat_at: int
    since: int
    pid: int
    host: str

    @property
    def value(self) -> str:
        return "|".join(str(part) for part in astuple(self))

    def describe(self, now: int) -> str:
        """For people; `now` by FreeSWITCH's clock."""
        since = datetime.fromtimestamp(self.since, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"host {self.host}, pid {self.pid}, since {since}, last heartbeat "
            f"{max(0, now - self.beat_at)} s ago"
        )


def owner_of(value: str) -> Owner | None:
    """None for a value that no version known here has written."""
    words = value.split("|")
    if len(words) != 7 or not all(word.isdecimal() for word in words[2:6]):
        return None
    beats, beat_at, since, pid = map(int, words[2:6])
    return Owner(words[0], words[1], beats, beat_at, since, pid, words[6])


def hostname() -> str:
    """Of this machine, as an owner's value has it."""
    return _NO_WORD.sub("-", socket.gethostname())[:64]


def describe(value: str, now: int) -> str:
    """The variable's value for people."""
    owner = owner_of(value)
    return owner.describe(now) if owner is not None else f"{VARIABLE}={value!r}"


def read(ask: Ask) -> str:
    """The variable's value; empty where it is not set."""
    return ask(commands.get_global(VARIABLE)).strip()


def clock(ask: Ask) -> int:
    """FreeSWITCH's clock in seconds since the epoch."""
    answer = ask("api strepoch").strip()
    return int(answer) if answer.isdecimal() else 0


def _seconds() -> float:
    # Time in which the machine was suspended counts.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class _Watch:
    """Observations of another's heartbeat."""

    def __init__(self) -> None:
        self.alive = False
        """It has changed at the last look."""
        self._value = ""
        self._since = self._at = 0.0

    def look(self, value: str) -> bool:
        """Whether the owner has to be dead: its heartbeat has stood still for STALE_SECONDS."""
        now = _seconds()
        before, owner = owner_of(self._value), owner_of(value)
        if value != self._value:
            self.alive = before is not None and owner is not None and before.process == owner.process
            self._value, self._since, self._at = value, now, now
            return False
        if now - self._at > GAP_SECONDS:
            self._since = now
        self._at = now
        self.alive = False
        return now - self._since >= STALE_SECONDS


class Ownership:
    """This process's claim to one FreeSWITCH."""

    def __init__(
        self,
        installation: str,
        take_over: bool = False,
        predecessor_may_run: bool = False,
    ) -> None:
        """`installation` names the database; `take_over`: also from an owner that lives, once.
        `predecessor_may_run`: the owner before, with the same database, is not known to have ended."""
        self.on_refused: list[Callable[[NotOwner], None]] = []
        """Each called where the first claim of this process is refused since the owner lives."""
        self.problem = ""
        """Why this process may not act; empty where nothing is known against it."""
        self._installation = installation
        self._take_over = take_over
        self._predecessor_may_run = predecessor_may_run
        self._process = uuid4().hex[:12]
        self._mine: Owner | None = None
        """As last written."""
        self._watch = _Watch()
        self._reported = ("", False)

    @property
    def has_owned(self) -> bool:
        """Whether this process has ever been the owner."""
        return self._mine is not None

    def claim(self, ask: Ask) -> None:
        """Become the owner. Raises NotOwner, SwitchError."""
        began = _seconds()
        value = read(ask)
        if not value:
            value = self._create(ask, began)
        elif not (value == FREE or self._is_ours(value) or self._take_over or self._watch.look(value)):
            self._refuse(value, clock(ask))
        before = owner_of(value)
        mine = self._next(ask, before.since if before is not None and self._is_mine(before) else 0)
        if not self._swap(ask, value, mine):
            raise NotOwner("another orchestrator claims this FreeSWITCH at this moment", alive=False)
        if before is not None and before.installation != self._installation:
            log.warning("taken over from another orchestrator", owner=before.describe(mine.beat_at))
        self._take_over = False
        self._watch = _Watch()
        self._reported = ("", False)
        self.problem = ""
        if self._predecessor_may_run:
            self._predecessor_may_run = False
            self._close_all_sockets(ask)

    def _close_all_sockets(self, ask: Ask) -> NoReturn:
        """FreeSWITCH ends every event socket, this one too. The owner before cannot claim it again. Raises
        SwitchError."""
        log.warning("closing the event sockets of the owner before, which may still run")
        ask(commands.CLOSE_ALL_SOCKETS)
        raise Disconnected("FreeSWITCH's event sockets were closed, so that the owner before has none")

    def beat(self, ask: Ask) -> None:
        """Change the heartbeat. Raises NotOwner where another has become the owner, SwitchError."""
        assert self._mine is not None
        if not self._swap(ask, self._mine.value, self._next(ask, self._mine.since)):
            # An earlier heartbeat may have come through without an answer.
            self.verify(ask)

    def verify(self, ask: Ask) -> None:
        """Raises NotOwner where another has become the owner, SwitchError."""
        value = read(ask)
        owner = owner_of(value)
        if owner is None or not self._is_mine(owner):
            self._lose(value, clock(ask))
        self._mine = owner

    def release(self) -> str | None:
        """The command that leaves FreeSWITCH to others; None where it was never ours."""
        return commands.swap_global(VARIABLE, self._mine.value, FREE) if self._mine is not None else None

    def _is_mine(self, owner: Owner) -> bool:
        return owner.process == self._process

    def _is_ours(self, value: str) -> bool:
        owner = owner_of(value)
        if owner is None:
            return False
        # Past the first claim, another process with this database's id has a copy of the database.
        return self._is_mine(owner) or (not self.has_owned and owner.installation == self._installation)

    def _create(self, ask: Ask, began: float) -> str:
        """The value that was set where there was none. Raises NotOwner, SwitchError.

        FreeSWITCH can compare with a value that is there, not with none. So an orchestrator that finds none
        sets its own, and acts only if that is still there SETTLE_SECONDS later. A rival that found none as
        well has set its own by then, or sees that more than CREATE_SECONDS lay between its question and its
        setting, and takes it back.
        """
        mine = self._next(ask, 0)
        ask(commands.set_global(VARIABLE, mine.value))
        if _seconds() - began > CREATE_SECONDS:
            ask(commands.swap_global(VARIABLE, mine.value, FREE))
            raise NotOwner("FreeSWITCH answered too late to be claimed; trying again", alive=False)
        gevent.sleep(SETTLE_SECONDS)
        return mine.value

    def _next(self, ask: Ask, since: int) -> Owner:
        now = clock(ask)
        beats = self._mine.beats + 1 if self._mine is not None else 1
        host = hostname()
        return Owner(self._installation, self._process, beats, now, since or now, os.getpid(), host)

    def _swap(self, ask: Ask, expected: str, mine: Owner) -> bool:
        """Whether `mine` has taken the place of `expected`."""
        ask(commands.swap_global(VARIABLE, expected, mine.value))
        if read(ask) != mine.value:
            return False
        self._mine = mine
        return True

    def _refuse(self, value: str, now: int) -> NoReturn:
        alive, owner = self._watch.alive, owner_of(value)
        self.problem = (
            f"this FreeSWITCH belongs to another orchestrator: {describe(value, now)}. Two would act on each "
            f"call, and both would fail. Stop that one, or start this one with --take-over; if it is dead, "
            f"FreeSWITCH is free {STALE_SECONDS:g} s after its last heartbeat"
        )
        report = (owner.process if owner is not None else value, alive)
        if self._reported != report:
            self._reported = report
            log.warning(
                "another orchestrator owns FreeSWITCH", owner=describe(value, now), alive=alive or "unknown"
            )
        error = NotOwner(self.problem, alive=alive)
        if alive and not self.has_owned:
            for listener in self.on_refused:
                listener(error)
        raise error

    def _lose(self, value: str, now: int) -> NoReturn:
        who = describe(value, now) if value and value != FREE else "nobody"
        self.problem = f"this orchestrator owns FreeSWITCH no longer; its owner now: {who}"
        log.error("no longer the owner: nothing is done about calls any more", problem=self.problem)
        raise NotOwner(self.problem, alive=False)
